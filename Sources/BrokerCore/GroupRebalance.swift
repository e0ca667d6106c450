// The course of a rebalance: gather the members, choose protocol and leader, hand out the leader's assignment, and drop members
// that miss the deadline. Source: Kafka protocol guide, group membership; KIP-62 for the timeouts.
import Base

extension Group {
    /// Begins a rebalance, or notes in the one under way that a member has joined or left.
    mutating func prepareRebalance(now: Instant) -> [GroupEffect] {
        var effects: [GroupEffect] = []
        if phase != .preparingRebalance {
            for id in memberTable.keys {
                let member = memberTable[id]
                if let token = member?.syncing { effects.append(.syncRefused(token, .rebalanceInProgress)) }
                memberTable[id]?.syncing = nil
                memberTable[id]?.hasJoined = member?.joining != nil
            }
            gatherUntil = phase == .empty ? now + settings.initialRebalanceDelay : nil
            phase = .preparingRebalance
            let slowest = memberTable.values.map(\.rebalanceTimeout).max() ?? .zero
            rebalanceDeadline = now + slowest
        }
        return effects + completeJoinIfReady(now: now)
    }

    mutating func completeJoinIfReady(now: Instant) -> [GroupEffect] {
        guard phase == .preparingRebalance else { return [] }
        if let gatherUntil, now < gatherUntil { return [] }
        guard pending.isEmpty, memberTable.values.allSatisfy(\.hasJoined) else { return [] }
        return completeJoin(now: now)
    }

    /// The joined members form the next generation. Missing static members keep their place until their session ends.
    private mutating func completeJoin(now: Instant) -> [GroupEffect] {
        for member in members where !member.hasJoined && member.instance == nil { drop(member.id) }
        generation += 1
        gatherUntil = nil
        guard let first = memberTable.values.first(where: \.hasJoined)?.id ?? memberTable.keys.first else {
            phase = .empty
            protocolName = nil
            leader = nil
            rebalanceDeadline = nil
            store(.emptied)
            return []
        }
        if leader.flatMap({ memberTable[$0]?.hasJoined }) != true { leader = first }
        protocolName = chosenProtocol()
        phase = .completingRebalance
        rebalanceDeadline = now + (memberTable.values.map(\.rebalanceTimeout).max() ?? .zero)
        var effects: [GroupEffect] = []
        for id in memberTable.keys {
            touch(id, now: now)
            guard let token = memberTable[id]?.joining else { continue }
            memberTable[id]?.joining = nil
            effects.append(.joined(token, joined(as: id, leader: leader, withMembers: id == leader)))
        }
        return effects
    }

    private mutating func drop(_ id: MemberID) {
        memberTable[id] = nil
        if leader == id { leader = memberTable.keys.first }
    }

    /// The protocol preferred by most members, out of the common ones; a tie goes to the first by name.
    private func chosenProtocol() -> String? {
        guard let first = memberTable.values.first else { return nil }
        let common = first.protocols.map(\.name).filter { name in
            memberTable.values.allSatisfy { $0.protocols.contains { $0.name == name } }
        }
        let votes = memberTable.values.compactMap { member in member.protocols.first { common.contains($0.name) }?.name }
        return common.sorted().max { left, right in votes.count { $0 == left } < votes.count { $0 == right } }
    }

    func joined(as id: MemberID, leader: MemberID?, withMembers: Bool) -> JoinedGroup {
        JoinedGroup(
            generation: generation, protocolType: protocolType ?? "", protocolName: protocolName ?? "", leader: leader ?? id, member: id,
            members: withMembers
                ? memberTable.values.map { JoinedMember(member: $0.id, instance: $0.instance, metadata: $0.metadata(of: protocolName)) }
                : [])
    }

    mutating func sync(_ id: MemberID, _ assignments: [(member: MemberID, assignment: Bytes)], token: ReplyToken, now: Instant)
        -> [GroupEffect]
    {
        switch phase {
        case .empty: return [.syncRefused(token, .unknownMember)]
        case .preparingRebalance: return [.syncRefused(token, .rebalanceInProgress)]
        case .stable:
            touch(id, now: now)
            return [.synced(token, synced(memberTable[id]?.assignment ?? Bytes()))]
        case .completingRebalance:
            var effects: [GroupEffect] = []
            if let earlier = memberTable[id]?.syncing { effects.append(.syncRefused(earlier, .rebalanceInProgress)) }
            memberTable[id]?.syncing = token
            touch(id, now: now)
            if id == leader, !isStoringShares { takeShares(assignments) }
            return effects
        }
    }

    /// The leader's assignment, stored before any member gets it.
    private mutating func takeShares(_ assignments: [(member: MemberID, assignment: Bytes)]) {
        for id in memberTable.keys { memberTable[id]?.assignment = Bytes() }
        for (id, assignment) in assignments { memberTable[id]?.assignment = assignment.copied() }
        store(.shares(generation: generation))
    }

    /// The shares could not be stored: the members retry.
    mutating func refuseShares(_ refusal: GroupRefusal, now: Instant) -> [GroupEffect] {
        var effects: [GroupEffect] = []
        for id in memberTable.keys {
            memberTable[id]?.assignment = Bytes()
            if let token = memberTable[id]?.syncing { effects.append(.syncRefused(token, refusal)) }
            memberTable[id]?.syncing = nil
        }
        return effects + prepareRebalance(now: now)
    }

    mutating func handOutShares(now: Instant) -> [GroupEffect] {
        phase = .stable
        var effects: [GroupEffect] = []
        for id in memberTable.keys {
            guard let token = memberTable[id]?.syncing else { continue }
            memberTable[id]?.syncing = nil
            touch(id, now: now)
            effects.append(.synced(token, synced(memberTable[id]?.assignment ?? Bytes())))
        }
        return effects
    }

    private func synced(_ assignment: Bytes) -> SyncedGroup {
        SyncedGroup(protocolType: protocolType ?? "", protocolName: protocolName ?? "", assignment: assignment)
    }

    // MARK: time

    mutating func expire(now: Instant) -> [GroupEffect] {
        var effects: [GroupEffect] = []
        if owesEmptied, phase == .empty { store(.emptied) }
        owesEmptied = false
        for (id, deadline) in pending where deadline <= now { effects += dropPending(id, now: now) }
        for member in members where member.deadline <= now && member.joining == nil && member.syncing == nil {
            effects += remove(member.id, now: now)
        }
        if phase == .preparingRebalance, let rebalanceDeadline, rebalanceDeadline <= now {
            pending.removeAll()
            effects += giveUpOnMissing(now: now)
        } else if phase == .completingRebalance, let rebalanceDeadline, rebalanceDeadline <= now {
            self.rebalanceDeadline = nil
            // Members without SyncGroup, the leader among them, hold the group up.
            for member in members where member.syncing == nil { effects += remove(member.id, now: now) }
        } else {
            effects += completeJoinIfReady(now: now)
        }
        return effects
    }

    private mutating func giveUpOnMissing(now: Instant) -> [GroupEffect] {
        if memberTable.values.contains(where: \.hasJoined) || memberTable.values.allSatisfy({ $0.instance == nil }) {
            return completeJoin(now: now)
        }
        // All members are static and none is back: wait for them until their sessions end.
        rebalanceDeadline = now + (memberTable.values.map(\.rebalanceTimeout).max() ?? .zero)
        return []
    }
}
