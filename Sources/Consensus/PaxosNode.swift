// The replica as a value: acceptor, proposer and learner composed into one step function. Events and time go in, effects come out;
// no disk, network, clock or randomness of its own. What has to be durable before a message leaves stands before it in the
// effects. Source: Lamport, "The Part-Time Parliament" and "Paxos Made Simple"; multi-Paxos with one Prepare per leadership.
import Base

/// What happened to a replica.
package enum PaxosEvent: Sendable {
    /// Try to lead; a quorum of one succeeds as soon as its own promise is durable.
    case campaign
    /// Give these commands slots; only a leader takes them.
    case propose([Bytes], time: WallTime)
    /// The promise of this ballot is durable here.
    case promiseDurable(Ballot)
    /// Every accepted entry up to this slot is durable here, under this ballot.
    case entriesDurable(Ballot, through: Slot)
    /// The tables hold everything up to this slot durably; the log below it is not needed.
    case checkpointed(Slot)
    case received(Envelope)
}

/// What to do, in this order: append the records and make them durable, then let the messages go, then execute what is committed.
package struct PaxosEffects: Sendable, Equatable {
    package var append: [AcceptorRecord] = []
    package var messages: [Envelope] = []
    package var committed: [LogEntry] = []
    package init() {}
}

/// One member of a replicated log.
package struct PaxosNode: Sendable {
    package let id: NodeID
    package let members: [NodeID]
    package private(set) var acceptor: Acceptor
    package private(set) var proposer = Proposer()
    package private(set) var learner: Learner

    /// `acceptor` as recovered from the log; `applied` is the slot up to which the tables are complete.
    package init(id: NodeID, members: [NodeID], acceptor: Acceptor, applied: Slot) {
        precondition(members.contains(id), "a node is a member of its own quorum")
        self.id = id
        self.members = members.sorted()
        self.acceptor = acceptor
        learner = Learner(members: members, committed: applied)
        for entry in acceptor.suffix(from: applied) { proposer.observe(entry.time) }
    }

    package var isLeading: Bool { proposer.phase == .leading }
    package var committed: Slot { learner.committed }
    private var peers: [NodeID] { members.filter { $0 != id } }

    package mutating func step(_ event: PaxosEvent) -> PaxosEffects {
        var effects = PaxosEffects()
        switch event {
        case .campaign: campaign(&effects)
        case .propose(let commands, let time): propose(commands, time, &effects)
        case .promiseDurable(let ballot): promiseDurable(ballot, &effects)
        case .entriesDurable(let ballot, let slot): entriesDurable(ballot, slot, &effects)
        case .checkpointed(let slot): acceptor.trim(through: min(slot, committed))
        case .received(let envelope): receive(envelope, &effects)
        }
        return effects
    }

    /// Takes back the command of a slot that was given out but is on no disk yet, so that its proposer can be refused. Only for a quorum of
    /// one: a peer may have accepted it already.
    package mutating func withdraw(_ slot: Slot) -> AcceptorRecord {
        precondition(peers.isEmpty && slot > committed, "only what nobody has accepted can be withdrawn")
        guard let record = acceptor.blank(slot) else { preconditionFailure("slot \(slot) is not held") }
        return record
    }

    private mutating func campaign(_ effects: inout PaxosEffects) {
        let ballot = proposer.prepare(above: acceptor.promised, node: id)
        learner.beginBallot()
        if let record = acceptor.promise(ballot) { effects.append.append(record) }
        for peer in peers { effects.messages.append(Envelope(from: id, to: peer, .prepare(ballot, from: committed.next))) }
    }

    private mutating func propose(_ commands: [Bytes], _ time: WallTime, _ effects: inout PaxosEffects) {
        guard isLeading else { return }
        accept(commands.map { proposer.propose($0, time: time) }, &effects)
    }

    /// Accepts the leader's own entries and offers them to the peers.
    private mutating func accept(_ entries: [LogEntry], _ effects: inout PaxosEffects) {
        guard !entries.isEmpty else { return }
        guard let records = acceptor.accept(proposer.ballot, entries) else { return proposer.stepDown() }
        effects.append += records
        for peer in peers {
            effects.messages.append(Envelope(from: id, to: peer, .accept(proposer.ballot, entries: entries, committed: committed)))
        }
    }

    private mutating func promiseDurable(_ ballot: Ballot, _ effects: inout PaxosEffects) {
        countPromise(by: id, ballot, acceptor.suffix(from: committed.next), &effects)
    }

    private mutating func countPromise(by node: NodeID, _ ballot: Ballot, _ accepted: [LogEntry], _ effects: inout PaxosEffects) {
        let open = proposer.promised(by: node, ballot, accepted: accepted, quorum: learner.quorum, committed: committed)
        if let open { accept(open, &effects) }
    }

    private mutating func entriesDurable(_ ballot: Ballot, _ slot: Slot, _ effects: inout PaxosEffects) {
        if isLeading, ballot == proposer.ballot { release(learner.accepted(by: id, through: slot), &effects) }
    }

    private mutating func release(_ decided: ClosedRange<Int64>?, _ effects: inout PaxosEffects) {
        guard let decided else { return }
        for raw in decided {
            guard let entry = acceptor.entry(at: Slot(raw)) else { preconditionFailure("slot \(raw) is decided but not held") }
            effects.committed.append(entry)
        }
    }

    /// How far the leader's decision covers what is held here: an entry of another ballot may differ from the decided one.
    private func decidedPrefix(_ ballot: Ballot, _ decided: Slot) -> Slot {
        var through = committed
        while through < decided, acceptor.entry(at: through.next)?.ballot == ballot { through = through.next }
        return through
    }

    private mutating func receive(_ envelope: Envelope, _ effects: inout PaxosEffects) {
        switch envelope.message {
        case .prepare(let ballot, let slot):
            guard let record = acceptor.promise(ballot) else {
                return effects.messages.append(Envelope(from: id, to: envelope.from, .refuse(promised: acceptor.promised)))
            }
            proposer.stepDown()
            effects.append.append(record)
            effects.messages.append(Envelope(from: id, to: envelope.from, .promise(ballot, accepted: acceptor.suffix(from: slot))))
        case .promise(let ballot, let accepted): countPromise(by: envelope.from, ballot, accepted, &effects)
        case .refuse(let promised): if promised > proposer.ballot { proposer.stepDown() }
        case .accept(let ballot, let entries, let decided):
            guard let records = acceptor.accept(ballot, entries) else {
                return effects.messages.append(Envelope(from: id, to: envelope.from, .refuse(promised: acceptor.promised)))
            }
            if ballot.node != id { proposer.stepDown() }
            effects.append += records
            if let last = entries.last { effects.messages.append(Envelope(from: id, to: envelope.from, .accepted(ballot, through: last.slot))) }
            release(learner.advance(to: decidedPrefix(ballot, decided)), &effects)
        case .accepted(let ballot, let slot):
            if isLeading, ballot == proposer.ballot { release(learner.accepted(by: envelope.from, through: slot), &effects) }
        }
    }
}
