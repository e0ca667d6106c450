// The replica as a value: acceptor, proposer, learner, lease and election composed into one step function. Events and time go in, effects
// come out; no disk, network, clock or randomness of its own. Every message in the effects may leave at once: a message that needs durable
// records comes only with the event that reports them. The roles' steps are in PaxosElection, PaxosLeading, PaxosFollowing and
// PaxosMembership. Source: Lamport, "The Part-Time Parliament" and "Paxos Made Simple"; multi-Paxos with one Prepare per leadership.
import Base

/// The events of a replica.
package enum PaxosEvent: Sendable {
    /// Try to lead now; a quorum of one succeeds as soon as its own promise is durable.
    case campaign
    /// A deadline may have come.
    case tick
    /// Give these commands slots; only a leader takes them.
    case propose([Proposal], time: WallTime)
    /// Records became durable here, in the order in which they were handed out.
    case durable(DurableNotice)
    /// The tables hold everything up to this slot; earlier entries are not sent.
    case forget(Slot)
    case received(Envelope)
    /// A connection to a peer opened or broke: messages under way are lost.
    case connected(NodeID)
    case disconnected(NodeID)
    /// No more events at present: announce decisions that no entry has carried yet.
    case flush
    /// From which slot on may this read be served?
    case read(ReadToken)
    /// The tables were taken from a peer, with the roster in them.
    case installed(Slot, Roster?)
    /// The tables are unusable: their state is to come from a peer.
    case lostTables
    /// The founding roster may go into the log, at this time.
    case recordRoster(WallTime)
    /// This replica cannot lead at present (its disk is full).
    case stepDown
}

/// The durable state: the highest promised ballot, and the last accepted entry with its ballot.
package struct DurableNotice: Sendable, Equatable {
    package var promised: Ballot?
    package var accepted: Ballot?
    package var founded = false
    package var through = Slot.zero
    package init() {}
}

/// The work for the owner.
package struct PaxosEffects: Sendable, Equatable {
    /// Append these to the log and make them durable, then report it.
    package var append: [AcceptorRecord] = []
    package var messages: [Envelope] = []
    /// Execute these, in this order.
    package var committed: [LogEntry] = []
    /// These reads may be served once the slot is executed here.
    package var readable: [Readable] = []
    /// Take over this peer's tables.
    package var fetchTables: NodeID?
    package init() {}

    package struct Readable: Sendable, Equatable {
        package var token: ReadToken
        package var slot: Slot
    }
}

/// One member of a replicated log.
package struct PaxosNode: Sendable {
    package let id: NodeID
    /// This replica's description of itself.
    package internal(set) var me: Member
    /// Whether this replica is alone for good.
    package let standsAlone: Bool
    /// The members of the group; nil while a newcomer does not know.
    package internal(set) var roster: Roster?
    /// The peers named at the start.
    let named: [NodeID]
    var founding: Founding?
    var isDeclaring = false
    var isStranger = false
    var wasMember = false
    /// Whether the log, or the tables, hold a roster.
    var rosterIsRecorded: Bool
    var visitors: [Member] = []
    /// The members' descriptions of themselves, for this leader.
    var described: [Member] = []
    /// Members reported by others and not yet in the log here: replicas to ask, and nothing else.
    package internal(set) var heardOf: Roster?
    var knockAt = Instant.zero
    package let options: PaxosOptions
    package internal(set) var acceptor: Acceptor
    package internal(set) var proposer = Proposer()
    package internal(set) var learner: Learner
    var following: Following
    var election: Election
    var office: Office
    var grant: LeaseGrant
    /// Whether the tables end before the log begins, so that execution must wait for a peer's tables. The log has all promises and accepted
    /// entries, and everything before its beginning is decided: so the node votes and follows, and never leads.
    package internal(set) var awaitsTables: Bool
    /// The candidate that waits for a durable promise.
    var promising: (ballot: Ballot, to: NodeID, committed: Slot)?

    /// A leader's state of its term.
    struct Office: Sendable {
        var lease: LeaderLease
        var progress: [FollowerProgress] = []
        var reads: [(token: ReadToken, from: NodeID, since: Instant)] = []
        var nextHeartbeat = Instant.zero
        /// The slot of an undecided roster; the leader proposes nothing behind it.
        var rosterSlot: Slot?
    }

    /// `acceptor` as recovered from the log; `applied` is the slot up to which the tables are complete, `recorded` the roster in them. With
    /// `awaitsTables` there are none, and `applied` is where the log begins. Equal seeds draw equal times.
    package init(
        _ origin: GroupOrigin, recorded: Roster? = nil, acceptor: Acceptor, applied: Slot, awaitsTables: Bool = false, now: Instant,
        seed: UInt64 = 1,
        options: PaxosOptions = PaxosOptions()
    ) {
        options.check()
        precondition(!(awaitsTables && origin.standsAlone), "who stands alone has nobody to take tables from")
        self.awaitsTables = awaitsTables
        var me = origin.me
        me.directory = acceptor.directory
        self.me = me
        id = me.id
        standsAlone = origin.standsAlone
        named = origin.named
        self.options = options
        let roster = recorded ?? acceptor.founded ?? origin.settled.map { $0.numbered(me) }
        self.roster = roster
        rosterIsRecorded = recorded != nil
        if roster == nil, acceptor.isUntouched, applied == .zero { founding = Founding(me, with: origin.named) }
        isStranger = roster?.hasOther(than: me) ?? false
        wasMember = roster?[me.id] != nil && !isStranger
        self.acceptor = acceptor
        self.acceptor.skip(through: applied > acceptor.lastSlot ? applied : .zero)
        let voters = roster?.voters ?? []
        learner = Learner(members: voters, committed: applied)
        following = Following(committed: applied)
        election = Election(seed: seed, timeout: options.electionTimeout, now: now)
        office = Office(lease: LeaderLease(members: voters, now: now))
        grant = LeaseGrant(until: origin.standsAlone ? now : now + options.grant)
        // There is rarely a leader at a start, so the election begins as soon as votes are allowed.
        election.hasten(notBefore: grant.until)
        for entry in acceptor.suffix(from: applied) { proposer.observe(entry.time) }
        if standsAlone { self.acceptor.trim(through: applied) } else { self.acceptor.settle(through: applied) }
    }

    package var isLeading: Bool { proposer.phase == .leading }
    package var committed: Slot { learner.committed }
    /// The ballot under which it leads or follows.
    package var term: Ballot { isLeading ? proposer.ballot : following.ballot }
    /// The leader, if known to this node.
    package var leader: NodeID? { isLeading ? id : following.leader }
    /// The other voters.
    var peers: [NodeID] { roster?.voters.filter { $0 != id } ?? [] }

    /// Whether this node leads, and has decided all possible decisions of earlier leaders.
    package var isEstablished: Bool { isLeading && committed >= proposer.adoptedThrough }

    /// The time of the next `tick`; nil for a quorum of one.
    package var nextDeadline: Instant? {
        if standsAlone { return nil }
        if isLeading { return office.nextHeartbeat }
        return mayLead ? election.deadline : min(knockAt, election.deadline)
    }

    package mutating func step(_ event: PaxosEvent, now: Instant) -> PaxosEffects {
        var effects = PaxosEffects()
        switch event {
        case .campaign: campaign(now, &effects)
        case .tick: tick(now, &effects)
        case .propose(let proposals, let time): propose(proposals, time, now, &effects)
        case .durable(let notice): durable(notice, now, &effects)
        case .forget(let slot): acceptor.trim(through: min(slot, committed))
        case .received(let envelope): receive(envelope, now, &effects)
        case .connected(let peer): connected(peer, now, &effects)
        case .disconnected(let peer): if !isLeading, following.leader == peer { election.hasten(notBefore: max(now, grant.until)) }
        case .flush: tellDecision(now, &effects)
        case .read(let token): read(token, now, &effects)
        case .installed(let slot, let roster): installed(slot, roster, now, &effects)
        case .lostTables:
            stepDown(now)
            awaitsTables = true
        case .recordRoster(let time): recordRoster(time, now, &effects)
        case .stepDown: stepDown(now)
        }
        return effects
    }

    /// Withdraws the command of a slot that is on no disk yet, so that its proposer can be refused. Only for a quorum of one: a peer may
    /// have accepted it already.
    package mutating func withdraw(_ slot: Slot) -> AcceptorRecord {
        precondition(standsAlone && slot > committed, "only what nobody has accepted can be withdrawn")
        guard let record = acceptor.blank(slot) else { preconditionFailure("slot \(slot) is not held") }
        return record
    }

    private mutating func tick(_ now: Instant, _ effects: inout PaxosEffects) {
        if isLeading { return keepOffice(now, &effects) }
        if mayLead {
            if now >= election.deadline { beginCanvass(now, &effects) }
            return
        }
        if now >= election.deadline {
            following.leader = nil
            election.postpone(now)
        }
        if now >= knockAt { knock(now, &effects) }
    }

    private mutating func durable(_ notice: DurableNotice, _ now: Instant, _ effects: inout PaxosEffects) {
        if notice.founded { founded(now) }
        if let ballot = notice.promised { promiseDurable(ballot, now, &effects) }
        guard let ballot = notice.accepted else { return }
        if isLeading, ballot == proposer.ballot {
            learner.accepted(by: id, through: notice.through)
            decide(now, &effects)
        } else if ballot == following.ballot, let leader = following.leader {
            following.noteDurable(notice.through)
            send(.accepted(ballot, through: following.durable, probe: .zero), to: leader, &effects)
            release(following.executable, now, &effects)
        }
    }

    /// Hands out decided and durable entries, up to `slot`.
    mutating func release(_ slot: Slot, _ now: Instant, _ effects: inout PaxosEffects) {
        guard let decided = learner.advance(to: slot) else { return }
        for raw in decided {
            guard let entry = acceptor.entry(at: Slot(raw)) else { preconditionFailure("slot \(raw) is decided but not held") }
            proposer.observe(entry.time)
            effects.committed.append(entry)
            if entry.isRoster { adopt(entry.roster, now, &effects) }
        }
        // A single replica never sends them: decided entries are in the effects, and durable in the log.
        if standsAlone { acceptor.trim(through: slot) } else { acceptor.settle(through: slot) }
    }

    private mutating func receive(_ envelope: Envelope, _ now: Instant, _ effects: inout PaxosEffects) {
        let from = envelope.from
        switch envelope.message {
        case .knock(let member, let founders): if member.id == from { return knocked(by: member, founders, now, &effects) }
        case .roster(let roster): return told(roster, &effects)
        default: break
        }
        guard takesPart else { return }
        switch envelope.message {
        case .canvass(let ballot, let committed): canvassed(by: from, ballot, committed, now, &effects)
        case .canvassed(let ballot, let granted, let promised): countGrant(by: from, ballot, granted, promised, now, &effects)
        case .prepare(let ballot, let committed): prepare(from, ballot, committed, now, &effects)
        case .promise(let ballot, let previous, let entries, let isLast):
            countPromise(by: from, ballot, previous, entries, isLast, now, &effects)
        case .refuse(let promised): refused(promised, now)
        case .accept(let ballot, let previous, let entries, let committed, let probe):
            guard follow(from, ballot, now, &effects) else { return }
            accept(from, previous, entries, committed, probe, now, &effects)
        case .accepted(let ballot, let slot, let probe): accepted(by: from, ballot, slot, probe, now, &effects)
        case .missing(let ballot, let slot): missing(at: from, ballot, slot, now, &effects)
        case .install(let ballot, let slot): if follow(from, ballot, now, &effects), slot > committed { effects.fetchTables = from }
        case .readQuery(let token): if isLeading { queueRead(token, from, now, &effects) }
        case .readAnswer(let token, let slot): effects.readable.append(.init(token: token, slot: slot))
        case .knock, .roster: break
        }
    }

    func send(_ message: PaxosMessage, to node: NodeID, _ effects: inout PaxosEffects) {
        effects.messages.append(Envelope(from: id, to: node, message))
    }

    private mutating func installed(_ slot: Slot, _ roster: Roster?, _ now: Instant, _ effects: inout PaxosEffects) {
        awaitsTables = false
        guard slot > committed else {
            // The log went further meanwhile. If it named no members, those of the tables are the latest.
            if !rosterIsRecorded, let roster { adopt(roster, now, &effects) }
            return
        }
        acceptor.skip(through: slot)
        learner.skip(to: slot)
        following.skip(to: slot)
        effects.append.append(.installed(slot))
        if let roster { adopt(roster, now, &effects) }
        release(following.executable, now, &effects)
    }
}
