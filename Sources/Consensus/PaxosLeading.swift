// The leader's steps: assigns slots, sends entries, counts acknowledgements, announces decisions, keeps its lease and answers reads.
import Base

extension PaxosNode {
    mutating func takeOffice(_ open: [LogEntry], _ now: Instant, _ effects: inout PaxosEffects) {
        learner.beginBallot(roster?.voters ?? [id])
        following.leader = nil
        // A promise excludes other leaders only from when it was asked for, and it is not known here when that was: the lease begins with
        // the first answered probe.
        office.lease.begin(roster?.voters ?? [id], since: now + (.zero - options.lease))
        office.progress = audience.map { FollowerProgress(node: $0, sent: committed) }
        office.reads = []
        office.rosterSlot = open.last.flatMap { $0.isRoster ? $0.slot : nil }
        acceptOwn(open, now, &effects)
        beat(now, &effects)
    }

    mutating func propose(_ proposals: [Proposal], _ time: WallTime, _ now: Instant, _ effects: inout PaxosEffects) {
        guard takesProposals else { return }
        acceptOwn(proposals.map { proposer.propose($0, time: time) }, now, &effects)
    }

    /// Accepts the leader's own entries and offers them to the followers.
    mutating func acceptOwn(_ entries: [LogEntry], _ now: Instant, _ effects: inout PaxosEffects) {
        guard !entries.isEmpty else { return }
        guard let records = acceptor.accept(proposer.ballot, entries) else { return stepDown(now) }
        effects.append += records
        for place in office.progress.indices { replicate(place, now, &effects) }
    }

    /// Sends a follower its missing entries, up to its window.
    private mutating func replicate(_ place: Int, _ now: Instant, _ effects: inout PaxosEffects) {
        let last = Slot(proposer.nextSlot.rawValue - 1)
        let peer = office.progress[place].node
        while office.progress[place].sent < last {
            let sent = office.progress[place].sent
            guard sent >= acceptor.trimmedThrough else {
                if office.progress[place].mayOffer(now: now, pause: options.electionTimeout) {
                    send(.install(proposer.ballot, through: acceptor.trimmedThrough), to: peer, &effects)
                }
                return
            }
            let acknowledged = office.progress[place].acknowledged
            guard sent.rawValue - acknowledged.rawValue < options.windowSlots || acknowledged == .zero else { return }
            let chunk = acceptor.chunk(from: sent.next, through: last, bytesMax: options.chunkBytes).map { $0.under(proposer.ballot) }
            guard let end = chunk.last?.slot else { return }
            send(.accept(proposer.ballot, previous: sent, entries: chunk, committed: committed, probe: .zero), to: peer, &effects)
            office.progress[place].noteSent(through: end)
            office.progress[place].toldCommitted = committed
            // Before its first answer a follower gets one message: where it stands is not known yet.
            if acknowledged == .zero { return }
        }
    }

    /// Speaks to every follower and asks for an answer.
    private mutating func beat(_ now: Instant, _ effects: inout PaxosEffects) {
        office.nextHeartbeat = now + options.heartbeat
        for place in office.progress.indices {
            let progress = office.progress[place]
            send(
                .accept(proposer.ballot, previous: progress.sent, entries: [], committed: committed, probe: now), to: progress.node,
                &effects)
            office.progress[place].toldCommitted = committed
        }
    }

    /// A heartbeat if one is due; a leader that reaches no quorum resigns, so that its clients go elsewhere.
    mutating func keepOffice(_ now: Instant, _ effects: inout PaxosEffects) {
        guard !standsAlone, now >= office.nextHeartbeat else { return }
        dismissVisitors(now)
        if office.lease.quorumContact(of: id, now: now) + options.electionTimeout * 2 < now { return beginCanvass(now, &effects) }
        beat(now, &effects)
    }

    mutating func tellDecision(_ now: Instant, _ effects: inout PaxosEffects) {
        guard isLeading else { return }
        for place in office.progress.indices where office.progress[place].toldCommitted < committed {
            let progress = office.progress[place]
            send(
                .accept(proposer.ballot, previous: progress.sent, entries: [], committed: committed, probe: .zero), to: progress.node,
                &effects)
            office.progress[place].toldCommitted = committed
        }
    }

    mutating func connected(_ peer: NodeID, _ now: Instant, _ effects: inout PaxosEffects) {
        guard isLeading, let place = office.progress.firstIndex(where: { $0.node == peer }) else { return }
        office.progress[place].restart(from: max(office.progress[place].acknowledged, acceptor.trimmedThrough))
        beat(now, &effects)
    }

    mutating func accepted(by node: NodeID, _ ballot: Ballot, _ slot: Slot, _ probe: Instant, _ now: Instant, _ effects: inout PaxosEffects)
    {
        guard isLeading, ballot == proposer.ballot, let place = office.progress.firstIndex(where: { $0.node == node }) else { return }
        if probe != .zero { office.lease.noteAnswer(node, probe: probe) }
        learner.accepted(by: node, through: slot)
        office.progress[place].noteAcknowledged(slot, now: now)
        decide(now, &effects)
        // A roster that was decided just now may have changed whom this leader tells, or that it leads.
        if let place = office.progress.firstIndex(where: { $0.node == node }) { replicate(place, now, &effects) }
        answerReads(now, &effects)
    }

    mutating func missing(at node: NodeID, _ ballot: Ballot, _ slot: Slot, _ now: Instant, _ effects: inout PaxosEffects) {
        guard isLeading, ballot == proposer.ballot, let place = office.progress.firstIndex(where: { $0.node == node }) else { return }
        if office.progress[place].rewind(to: slot, now: now, pause: options.heartbeat) { replicate(place, now, &effects) }
    }

    /// Releases entries that a quorum holds durably.
    mutating func decide(_ now: Instant, _ effects: inout PaxosEffects) {
        release(learner.decided(on: id), now, &effects)
        answerReads(now, &effects)
    }

    // MARK: reads

    mutating func read(_ token: ReadToken, _ now: Instant, _ effects: inout PaxosEffects) {
        if isLeading {
            queueRead(token, id, now, &effects)
        } else if let leader = following.leader {
            send(.readQuery(token), to: leader, &effects)
        }
    }

    mutating func queueRead(_ token: ReadToken, _ from: NodeID, _ now: Instant, _ effects: inout PaxosEffects) {
        office.reads.append((token, from, now))
        answerReads(now, &effects)
        if !office.reads.isEmpty { beat(now, &effects) }
    }

    /// Under the lease, or once a quorum has confirmed this leader since the read arrived, the decided entries here include every
    /// acknowledged one.
    private mutating func answerReads(_ now: Instant, _ effects: inout PaxosEffects) {
        guard isEstablished, !office.reads.isEmpty else { return }
        let contact = office.lease.quorumContact(of: id, now: now)
        let held = now < contact + options.lease
        var waiting: [(token: ReadToken, from: NodeID, since: Instant)] = []
        for read in office.reads {
            guard held || contact >= read.since else {
                waiting.append(read)
                continue
            }
            if read.from == id {
                effects.readable.append(.init(token: read.token, slot: committed))
            } else {
                send(.readAnswer(read.token, committed), to: read.from, &effects)
            }
        }
        office.reads = waiting
    }
}
