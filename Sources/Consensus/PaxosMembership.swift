// Members of the group: founding, newcomers, and rosters from the log. A roster's slot is decided by the members before it, and
// the slots behind it by its own: so a leader proposes nothing behind an undecided roster, and needs promises of the new voters before it
// goes on. Source: Lamport, Malkhi and Zhou, "Reconfiguring a State Machine", 2010, with a window of one slot.
import Base

extension PaxosNode {
    package var standing: Standing {
        if standsAlone { return .alone }
        if isStranger { return .stranger }
        if let founding { return .founding(missing: founding.missing) }
        return own.map { $0.isVoter ? .voter : .observer } ?? .guest
    }

    /// This replica's entry in the roster. While it reads of times when another one had its number it has none.
    private var own: Member? { roster.flatMap { $0.hasOther(than: me) ? nil : $0[id] } }

    var isVoter: Bool { standsAlone || (!isStranger && founding == nil && own?.isVoter == true) }
    /// Whether it may look for votes.
    var mayLead: Bool { isVoter && !awaitsTables }
    /// Whether anything but news of the group concerns this replica.
    var takesPart: Bool { founding == nil && !isStranger }
    /// Whether its memory of promises counts: it is, or in this life was, a member with this very directory, or a member told that it is
    /// one.
    var remembers: Bool { takesPart && (wasMember || standsAlone || isNamed) }
    /// A decided roster names it. The decision itself may be waiting for its vote, if those who knew of it before are lost.
    private var isNamed: Bool { heardOf?[id].map { $0.directory == me.directory } ?? false }

    /// Whether a leader gives out slots at present: not behind a roster that is not decided.
    package var takesProposals: Bool { isLeading && office.rosterSlot == nil }

    /// Whether the founding roster must be written into the log: for later members, or again after members changed their own entries. After
    /// a change of the members the log's roster counts.
    package var wantsRosterRecord: Bool {
        guard !standsAlone, isEstablished, takesProposals, let roster else { return false }
        return !rosterIsRecorded || roster != asDescribed(roster)
    }

    private func asDescribed(_ roster: Roster) -> Roster {
        guard roster.version == 0 else { return roster }
        let members = roster.members.map { member in
            guard let said = member.id == id ? me : described.first(where: { $0.id == member.id }), !said.address.isEmpty else {
                return member
            }
            return Member(id: member.id, isVoter: member.isVoter, directory: member.directory, address: said.address, card: said.card)
        }
        return Roster(version: roster.version, group: roster.group, members: members)
    }

    /// How many voters, observers and visitors keep up with this leader.
    package func synced(now: Instant) -> (voters: Int, observers: Int, visitors: Int) {
        var counts = (voters: 0, observers: 0, visitors: 0)
        for progress in office.progress where isPresent(progress.node, now) && isCaughtUp(progress.node) {
            switch roster?[progress.node]?.isVoter {
            case true?: counts.voters += 1
            case false?: counts.observers += 1
            case nil: counts.visitors += 1
            }
        }
        return counts
    }

    // MARK: visitors and newcomers

    /// What this replica tells of itself from now on.
    package mutating func describe(card: String) {
        me.card = card
        if founding != nil { founding = Founding(me, with: named) }
    }

    /// Tells who this is: a newcomer until it knows its group, others so that their leader knows their directory.
    mutating func knock(_ now: Instant, _ effects: inout PaxosEffects) {
        knockAt = now + (founding == nil ? options.electionTimeout : options.heartbeat)
        for peer in acquaintances { send(.knock(me, founders: founding?.founders ?? []), to: peer, &effects) }
        declare(&effects)
    }

    /// Every known replica.
    var acquaintances: [NodeID] {
        var all = roster?.members.map(\.id) ?? []
        for id in (heardOf?.members.map(\.id) ?? []) + named where !all.contains(id) { all.append(id) }
        return all.filter { $0 != id }
    }

    /// Founds the group once every named peer has reported.
    private mutating func declare(_ effects: inout PaxosEffects) {
        guard !isDeclaring, let roster = founding?.roster else { return }
        isDeclaring = true
        effects.append.append(acceptor.found(roster))
    }

    mutating func knocked(by member: Member, _ founders: [NodeID], _ now: Instant, _ effects: inout PaxosEffects) {
        if founding != nil {
            founding?.note(member, founders)
            return declare(&effects)
        }
        guard takesPart, let roster else { return }
        // A replica that was away may know none of the present leaders.
        if !founders.isEmpty || roster.hasOther(than: member) || !isLeading { send(.roster(roster), to: member.id, &effects) }
        guard isLeading, !roster.hasOther(than: member) else { return }
        if roster[member.id] != nil { described = described.filter { $0.id != member.id } + [member] }
        if !roster.isVoter(member.id) { note(visitor: member, now, &effects) }
    }

    /// A replica that gets all entries without a vote.
    private mutating func note(visitor: Member, _ now: Instant, _ effects: inout PaxosEffects) {
        guard visitors.count < Self.visitorsMax || visitors.contains(where: { $0.id == visitor.id }) else { return }
        visitors.removeAll { $0.id == visitor.id }
        visitors.append(visitor)
        if !office.progress.contains(where: { $0.node == visitor.id }) {
            office.progress.append(FollowerProgress(node: visitor.id, sent: committed))
        }
    }

    /// Replicas that follow without being members, and observers: bounds what a leader sends.
    private static var visitorsMax: Int { 16 }
    /// How long a visitor that says nothing is remembered.
    private static var visitorSilence: Duration { .seconds(5) }

    /// Forgets visitors that have gone.
    mutating func dismissVisitors(_ now: Instant) {
        for visitor in visitors {
            guard roster?[visitor.id] == nil, let place = office.progress.firstIndex(where: { $0.node == visitor.id }) else { continue }
            let since = office.progress[place].heardAt ?? office.progress[place].begunAt ?? now
            office.progress[place].begunAt = office.progress[place].begunAt ?? now
            if now - since > Self.visitorSilence {
                office.progress.remove(at: place)
                visitors.removeAll { $0.id == visitor.id }
            }
        }
    }

    /// Tells a newcomer of the group.
    mutating func told(_ roster: Roster, _ effects: inout PaxosEffects) {
        guard !standsAlone else { return }
        if roster.version > max(heardOf?.version ?? -1, self.roster?.version ?? -1) { heardOf = roster }
        if roster.version >= newestVersion { isStranger = roster.hasOther(than: me) }
        if isStranger {
            founding = nil
            return
        }
        guard founding != nil, !isDeclaring else { return }
        if roster.version == 0, roster[id]?.directory == me.directory, roster.isVoter(id) {
            isDeclaring = true
            effects.append.append(acceptor.found(roster))
        } else {
            founding = nil
        }
    }

    /// The founding is durable here.
    mutating func founded(_ now: Instant) {
        guard let roster = acceptor.founded, self.roster == nil else { return }
        founding = nil
        take(roster)
        learner.beginBallot(roster.voters)
        election.hasten(notBefore: max(now, grant.until))
    }

    private mutating func take(_ roster: Roster) {
        self.roster = roster
        // A replica that knows later members reads earlier rosters on the way there: its number may have been another's.
        if roster.hasOther(than: me), roster.version >= newestVersion { isStranger = true }
        if own != nil, !isStranger { wasMember = true }
    }

    /// The version of the newest roster that is known here, from the log or by hearsay.
    private var newestVersion: Int64 { max(heardOf?.version ?? 0, roster?.version ?? 0) }

    // MARK: changes

    /// Proposes other members. The slot is that of the change, which takes place when it is decided; a later leader may still put something
    /// else there.
    package mutating func change(to members: [Member], from version: Int64, time: WallTime, now: Instant) -> (
        Result<Slot, RosterRefusal>, PaxosEffects
    ) {
        var effects = PaxosEffects()
        guard let roster, !standsAlone, isEstablished else { return (.failure(.notLeading), effects) }
        guard takesProposals else { return (.failure(.inProgress), effects) }
        guard version == roster.version else { return (.failure(.versionDiffers), effects) }
        let next = Roster(group: roster.group, members: members.map(completed))
        guard !next.voters.isEmpty else { return (.failure(.noVoters), effects) }
        guard canDecide(next, now) else { return (.failure(.quorumOutOfReach), effects) }
        let slot = proposer.nextSlot
        propose(next, isChange: true, time, now, &effects)
        return (.success(slot), effects)
    }

    /// Writes the founding roster into the log.
    mutating func recordRoster(_ time: WallTime, _ now: Instant, _ effects: inout PaxosEffects) {
        if wantsRosterRecord, let roster { propose(asDescribed(roster), isChange: false, time, now, &effects) }
    }

    private mutating func propose(_ roster: Roster, isChange: Bool, _ time: WallTime, _ now: Instant, _ effects: inout PaxosEffects) {
        office.rosterSlot = proposer.nextSlot
        acceptOwn([proposer.propose(roster, isChange: isChange, time: time)], now, &effects)
    }

    /// A member as it is proposed, with the directory that is known of it.
    private func completed(_ member: Member) -> Member {
        var member = member
        if member.directory == 0 { member.directory = roster?[member.id]?.directory ?? 0 }
        if member.directory == 0 { member.directory = visitors.first { $0.id == member.id }?.directory ?? 0 }
        return member
    }

    /// Whether a quorum of the voters of `next` is connected, and every new voter keeps up.
    private func canDecide(_ next: Roster, _ now: Instant) -> Bool {
        let present = next.voters.filter { $0 == id || isPresent($0, now) }
        let added = next.voters.filter { roster?.isVoter($0) != true }
        return present.count > next.voters.count / 2 && added.allSatisfy { present.contains($0) && isCaughtUp($0) }
    }

    private func isPresent(_ node: NodeID, _ now: Instant) -> Bool {
        guard let heard = office.progress.first(where: { $0.node == node })?.heardAt else { return false }
        return heard + options.electionTimeout > now
    }

    private func isCaughtUp(_ node: NodeID) -> Bool {
        guard let progress = office.progress.first(where: { $0.node == node }) else { return false }
        return progress.acknowledged.rawValue + options.voterLagSlots >= committed.rawValue
    }

    /// A roster is decided: it counts from the next slot on.
    mutating func adopt(_ next: Roster, _ now: Instant, _ effects: inout PaxosEffects) {
        let before = roster
        take(next)
        rosterIsRecorded = true
        founding = nil
        if isLeading { return keepOrLeaveOffice(votersChanged: before?.voters != next.voters, now, &effects) }
        learner.beginBallot(next.voters)
        if let leader = following.leader, !next.isVoter(leader) {
            // It has stepped down before anything was sent.
            following.leader = nil
            grant.end(now)
            election.hasten(notBefore: now)
        }
    }

    private mutating func keepOrLeaveOffice(votersChanged: Bool, _ now: Instant, _ effects: inout PaxosEffects) {
        // What stood behind an adopted roster was left aside, since other voters might have decided it: it is asked for now.
        let wasAdopted = office.rosterSlot.map { $0 <= proposer.adoptedThrough } ?? false
        office.rosterSlot = nil
        if !votersChanged, !wasAdopted { return visitMembers() }
        // Only this leader tells the members that leave.
        tellDecision(now, &effects)
        stepDown(now)
        learner.beginBallot(roster?.voters ?? [id])
        if isVoter { campaign(now, &effects) }
    }

    /// Sends all entries to every member from now on.
    private mutating func visitMembers() {
        for member in roster?.members ?? [] where member.id != id && !office.progress.contains(where: { $0.node == member.id }) {
            office.progress.append(FollowerProgress(node: member.id, sent: committed))
        }
        office.progress.removeAll { progress in roster?[progress.node] == nil && !visitors.contains { $0.id == progress.node } }
    }

    /// Those whom a leader tells everything.
    var audience: [NodeID] {
        var all = roster?.members.map(\.id) ?? [id]
        for visitor in visitors where !all.contains(visitor.id) { all.append(visitor.id) }
        return all.filter { $0 != id }
    }
}
