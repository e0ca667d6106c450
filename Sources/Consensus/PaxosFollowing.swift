// The follower's steps: takes entries in order from the leader of the highest ballot, and reports the missing ones.
import Base

extension PaxosNode {
    /// Whether `node` leads with this ballot as far as this node may believe; if so it is followed from now on.
    mutating func follow(_ node: NodeID, _ ballot: Ballot, _ now: Instant, _ effects: inout PaxosEffects) -> Bool {
        guard ballot >= acceptor.promised else {
            send(.refuse(promised: acceptor.promised), to: node, &effects)
            return false
        }
        if proposer.phase != .following { stepDown(now) }
        election.end()
        election.postpone(now)
        acceptor.follow(ballot)
        if ballot != following.ballot, !standsAlone { send(.knock(me, founders: []), to: node, &effects) }
        following.follow(node, ballot, committed: committed)
        grant.extend(to: node, until: now + options.grant)
        return true
    }

    mutating func accept(
        _ leader: NodeID, _ previous: Slot, _ entries: [LogEntry], _ decided: Slot, _ probe: Instant, _ now: Instant,
        _ effects: inout PaxosEffects
    ) {
        let ballot = following.ballot
        guard isRow(entries, after: previous), entries.allSatisfy({ $0.ballot == ballot }) else { return }
        following.noteDecided(decided)
        if previous > following.matched {
            send(.missing(ballot, after: following.matched), to: leader, &effects)
        } else {
            let fresh = entries.filter { $0.slot > following.matched }
            if let last = fresh.last, let records = acceptor.accept(ballot, fresh) {
                following.noteMatched(last.slot)
                effects.append += records
            } else if !entries.isEmpty {
                send(.accepted(ballot, through: following.durable, probe: .zero), to: leader, &effects)
            }
        }
        if probe != .zero { send(.accepted(ballot, through: following.durable, probe: probe), to: leader, &effects) }
        release(following.executable, now, &effects)
    }

    /// Whether the entries stand in consecutive slots, as every message of a replica of ours has them.
    func isRow(_ entries: [LogEntry], after previous: Slot) -> Bool {
        var slot = previous
        for entry in entries {
            guard entry.slot == slot.next, entry.isSound else { return false }
            slot = entry.slot
        }
        return true
    }
}
