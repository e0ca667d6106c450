// Elections: canvass, prepare, promises of a quorum; and a replica's own promises and refusals.
import Base

extension PaxosNode {
    /// Asks whether an election would find a quorum. A single replica skips this.
    mutating func beginCanvass(_ now: Instant, _ effects: inout PaxosEffects) {
        stepDown(now)
        following.leader = nil
        election.postpone(now)
        guard !peers.isEmpty else { return campaign(now, &effects) }
        // A member that does not know that it was removed is answered by the leader alone, who then tells it.
        for peer in acquaintances { send(.knock(me, founders: []), to: peer, &effects) }
        let ballot = max(acceptor.promised, election.seen).successor(for: id)
        election.begin(ballot, self: id)
        for peer in peers { send(.canvass(ballot, committed: committed), to: peer, &effects) }
    }

    /// Whether this node's leader, or its own office, is alive as far as it knows.
    private func missesNoLeader(_ candidate: NodeID, _ now: Instant) -> Bool {
        if isLeading { return office.lease.quorumContact(of: id, now: now) + options.electionTimeout > now }
        return grant.forbids(candidate, now: now)
    }

    /// A candidate must know nearly all decisions that this node knows, or its promise would be a large part of the log, or not to be had.
    /// A large one is given by a node that cannot lead in the other's place.
    private func isInformed(_ candidateCommitted: Slot) -> Bool {
        candidateCommitted >= acceptor.trimmedThrough
            && (awaitsTables || candidateCommitted.rawValue + options.candidateLagSlots >= committed.rawValue)
    }

    mutating func canvassed(
        by candidate: NodeID, _ ballot: Ballot, _ candidateCommitted: Slot, _ now: Instant, _ effects: inout PaxosEffects
    ) {
        guard remembers else { return }
        let granted = ballot > acceptor.promised && !missesNoLeader(candidate, now) && isInformed(candidateCommitted)
        send(.canvassed(ballot, granted: granted, promised: acceptor.promised), to: candidate, &effects)
    }

    mutating func countGrant(
        by node: NodeID, _ ballot: Ballot, _ granted: Bool, _ promised: Ballot, _ now: Instant, _ effects: inout PaxosEffects
    ) {
        election.note(promised)
        guard granted, mayLead, peers.contains(node), election.granted(by: node, ballot) >= quorum else { return }
        campaign(now, &effects)
    }

    /// More than half of the present voters, not of those at this node's last leadership.
    private var quorum: Int { (roster?.voters ?? [id]).count / 2 + 1 }

    /// Opens an election with a ballot above everything seen.
    mutating func campaign(_ now: Instant, _ effects: inout PaxosEffects) {
        election.end()
        election.postpone(now)
        guard mayLead else { return }
        following.leader = nil
        let ballot = proposer.prepare(above: max(acceptor.promised, election.seen), node: id, committed: committed)
        if let record = acceptor.promise(ballot) { effects.append.append(record) }
        for peer in peers { send(.prepare(ballot, committed: committed), to: peer, &effects) }
    }

    mutating func prepare(_ candidate: NodeID, _ ballot: Ballot, _ candidateCommitted: Slot, _ now: Instant, _ effects: inout PaxosEffects)
    {
        guard remembers else { return }
        guard !grant.forbids(candidate, now: now), isInformed(candidateCommitted), let record = acceptor.promise(ballot) else {
            return send(.refuse(promised: acceptor.promised), to: candidate, &effects)
        }
        stepDown(now)
        following.leader = nil
        effects.append.append(record)
        promising = (ballot, candidate, candidateCommitted)
    }

    /// A promise may be told now.
    mutating func promiseDurable(_ ballot: Ballot, _ now: Instant, _ effects: inout PaxosEffects) {
        if ballot == proposer.ballot {
            return countPromise(by: id, ballot, committed, acceptor.suffix(from: committed.next), true, now, &effects)
        }
        guard let open = promising, open.ballot == ballot, acceptor.promised == ballot else { return }
        promising = nil
        var previous = open.committed
        repeat {
            // Slots trimmed since the candidate's request were decided and are no longer here: the candidate starts over.
            guard previous >= acceptor.trimmedThrough else { return }
            let chunk = acceptor.chunk(from: previous.next, through: acceptor.lastSlot, bytesMax: options.chunkBytes)
            let last = chunk.last?.slot ?? previous
            send(.promise(ballot, previous: previous, accepted: chunk, isLast: last >= acceptor.lastSlot), to: open.to, &effects)
            previous = last
        } while previous < acceptor.lastSlot
    }

    mutating func countPromise(
        by node: NodeID, _ ballot: Ballot, _ previous: Slot, _ entries: [LogEntry], _ isLast: Bool, _ now: Instant,
        _ effects: inout PaxosEffects
    ) {
        guard standsAlone || roster?.isVoter(node) == true, isRow(entries, after: previous) else { return }
        let open = proposer.promised(
            by: node, ballot, previous: previous, accepted: entries, isLast: isLast, quorum: quorum, committed: committed)
        if let open { takeOffice(open, now, &effects) }
    }

    mutating func refused(_ promised: Ballot, _ now: Instant) {
        election.note(promised)
        if promised > proposer.ballot, proposer.phase != .following { stepDown(now) }
    }

    /// Leads no longer, or no longer tries to.
    mutating func stepDown(_ now: Instant) {
        if proposer.phase != .following { election.postpone(now) }
        election.end()
        proposer.stepDown()
        office.progress = []
        office.rosterSlot = nil
        office.reads = []
    }
}
