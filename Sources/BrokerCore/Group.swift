// One group: its members, its phase and its generation. Membership is here, the course of a rebalance in GroupRebalance.
// Members are kept in order of joining, so that effects have a defined order.
import Base
import Collections

/// One member of a group.
package struct GroupMember: Sendable {
    package let id: MemberID
    package var instance: String?
    package var clientID: String
    package var clientHost: String
    package var sessionTimeout: Duration
    package var rebalanceTimeout: Duration
    package var protocols: [(name: String, metadata: Bytes)]
    package var assignment = Bytes()
    /// Set while its JoinGroup waits for the others.
    var joining: ReplyToken?
    /// Set while its SyncGroup waits for the leader's.
    var syncing: ReplyToken?
    /// Whether it has joined the rebalance under way; outlives a lost connection.
    var hasJoined = false
    var deadline: Instant

    package func metadata(of protocolName: String?) -> Bytes { protocols.first { $0.name == protocolName }?.metadata ?? Bytes() }

    func matches(_ other: [(name: String, metadata: Bytes)]) -> Bool {
        protocols.count == other.count && zip(protocols, other).allSatisfy { $0.name == $1.name && $0.metadata == $1.metadata }
    }
}

/// A group and its rebalances.
package struct Group: Sendable {
    package enum Phase: String, Sendable {
        case empty = "Empty"
        case preparingRebalance = "PreparingRebalance"
        case completingRebalance = "CompletingRebalance"
        case stable = "Stable"
    }

    package let id: GroupID
    let settings: GroupSettings
    package internal(set) var phase = Phase.empty
    package internal(set) var generation: Int32 = 0
    package internal(set) var protocolType: String?
    package internal(set) var protocolName: String?
    package internal(set) var leader: MemberID?
    var memberTable = OrderedDictionary<MemberID, GroupMember>()
    private var instances = LookupTable<String, MemberID>()
    /// Members that have an id and have not joined with it yet, with their deadline: their session's time.
    var pending = OrderedDictionary<MemberID, Instant>()
    /// While preparing: the deadline of members that have not joined. While completing: the deadline of members without SyncGroup.
    var rebalanceDeadline: Instant?
    /// While the first members gather: the earliest end.
    var gatherUntil: Instant?
    /// Changes to be stored, and changes being stored.
    var storesWanted: [GroupStore] = []
    var storesUnderWay: [GroupStore] = []
    /// The group is empty, and storing that has failed.
    var owesEmptied = false

    init(id: GroupID, settings: GroupSettings) {
        self.id = id
        self.settings = settings
    }

    package var members: [GroupMember] { Array(memberTable.values) }
    package var memberCount: Int { memberTable.count }
    /// Whether the group has no members, joined or pending.
    package var isEmpty: Bool { memberTable.isEmpty && pending.isEmpty }
    /// Whether the stored state is complete.
    var isForgettable: Bool { isEmpty && phase == .empty && storesWanted.isEmpty && storesUnderWay.isEmpty && !owesEmptied }

    /// Puts a stored member back.
    mutating func restore(_ member: GroupMember) {
        memberTable[member.id] = member
        if let instance = member.instance { instances[instance] = member.id }
    }

    func isPending(_ member: MemberID) -> Bool { pending[member] != nil }
    func member(ofInstance instance: String) -> MemberID? { instances[instance] }

    /// Why a request of this member is refused; nil if its instance and generation (any, if nil) are right.
    func refusal(member: MemberID, instance: String?, generation: Int32?) -> GroupRefusal? {
        if let instance {
            guard let holder = instances[instance] else { return .unknownMember }
            guard holder == member else { return .fencedInstance }
        }
        guard memberTable[member] != nil else { return .unknownMember }
        if let generation, generation != self.generation { return .illegalGeneration }
        return nil
    }

    mutating func touch(_ member: MemberID, now: Instant) {
        guard let timeout = memberTable[member]?.sessionTimeout else { return }
        memberTable[member]?.deadline = now + timeout
    }

    // MARK: joining

    mutating func join(_ attempt: JoinAttempt, as id: MemberID, token: ReplyToken, now: Instant) -> [GroupEffect] {
        guard accepts(attempt) else { return [.joinRefused(token, .inconsistentProtocol, attempt.member)] }
        if attempt.member.rawValue.isEmpty { return joinAsNewcomer(attempt, id, token, now) }
        if pending[id] != nil {
            pending[id] = nil
            return add(attempt, id, token, now)
        }
        if let refusal = refusal(member: id, instance: attempt.instance, generation: nil) { return [.joinRefused(token, refusal, id)] }
        return rejoin(attempt, id, token, now)
    }

    private mutating func joinAsNewcomer(_ attempt: JoinAttempt, _ id: MemberID, _ token: ReplyToken, _ now: Instant) -> [GroupEffect] {
        if let instance = attempt.instance, let holder = instances[instance] { return replace(holder, by: id, attempt, token, now) }
        guard memberTable.count + pending.count < settings.membersMax else { return [.joinRefused(token, .groupFull, attempt.member)] }
        if attempt.instance == nil, attempt.wantsIDFirst {
            pending[id] = now + attempt.sessionTimeout
            return [.joinRefused(token, .memberIDRequired(id), id)]
        }
        return add(attempt, id, token, now)
    }

    /// Whether the attempt shares a protocol with every member.
    private func accepts(_ attempt: JoinAttempt) -> Bool {
        guard !attempt.protocols.isEmpty, !attempt.protocolType.isEmpty else { return false }
        let others = memberTable.values.filter { $0.id != attempt.member }
        guard !others.isEmpty else { return true }
        guard attempt.protocolType == protocolType else { return false }
        return attempt.protocols.contains { offered in others.allSatisfy { $0.protocols.contains { $0.name == offered.name } } }
    }

    private mutating func add(_ attempt: JoinAttempt, _ id: MemberID, _ token: ReplyToken, _ now: Instant) -> [GroupEffect] {
        if memberTable.isEmpty { protocolType = attempt.protocolType }
        memberTable[id] = GroupMember(
            id: id, instance: attempt.instance, clientID: attempt.clientID, clientHost: attempt.clientHost,
            sessionTimeout: attempt.sessionTimeout, rebalanceTimeout: attempt.rebalanceTimeout, protocols: attempt.protocols,
            joining: token, hasJoined: true, deadline: now + attempt.sessionTimeout)
        if let instance = attempt.instance { instances[instance] = id }
        if leader == nil { leader = id }
        return prepareRebalance(now: now)
    }

    /// A static member comes back after a restart: it takes its predecessor's place under another id.
    private mutating func replace(
        _ holder: MemberID, by id: MemberID, _ attempt: JoinAttempt, _ token: ReplyToken, _ now: Instant
    ) -> [GroupEffect] {
        guard var member = memberTable[holder] else { preconditionFailure("an instance always names a member") }
        var effects: [GroupEffect] = []
        if let joining = member.joining { effects.append(.joinRefused(joining, .fencedInstance, holder)) }
        if let syncing = member.syncing { effects.append(.syncRefused(syncing, .fencedInstance)) }
        let same = member.matches(attempt.protocols)
        member = GroupMember(
            id: id, instance: attempt.instance, clientID: attempt.clientID, clientHost: attempt.clientHost,
            sessionTimeout: attempt.sessionTimeout, rebalanceTimeout: attempt.rebalanceTimeout, protocols: attempt.protocols,
            assignment: member.assignment, joining: nil, hasJoined: false, deadline: now + attempt.sessionTimeout)
        let place = memberTable.index(forKey: holder) ?? memberTable.count
        memberTable[holder] = nil
        memberTable.updateValue(member, forKey: id, insertingAt: min(place, memberTable.count))
        if let instance = attempt.instance { instances[instance] = id }
        if leader == holder { leader = id }
        if phase == .stable, same {
            // Nothing has changed for the group: the member continues in this generation with its share. The answer names
            // another leader, since a leader would assign again (KIP-345; KIP-814 for what clients make of it).
            store(.successor(token, joined(as: id, leader: leader == id ? holder : leader, withMembers: false)))
            return effects
        }
        memberTable[id]?.joining = token
        memberTable[id]?.hasJoined = true
        return effects + prepareRebalance(now: now)
    }

    private mutating func rejoin(_ attempt: JoinAttempt, _ id: MemberID, _ token: ReplyToken, _ now: Instant) -> [GroupEffect] {
        guard var member = memberTable[id] else { preconditionFailure("only members rejoin") }
        let same = member.matches(attempt.protocols)
        if same, phase == .completingRebalance || (phase == .stable && leader != id) {
            // The member has not changed: it lost our answer, or checks its membership.
            touch(id, now: now)
            return [.joined(token, joined(as: id, leader: leader, withMembers: leader == id))]
        }
        var effects: [GroupEffect] = []
        if let earlier = member.joining { effects.append(.joinRefused(earlier, .rebalanceInProgress, id)) }
        member.protocols = attempt.protocols
        member.sessionTimeout = attempt.sessionTimeout
        member.rebalanceTimeout = attempt.rebalanceTimeout
        member.clientID = attempt.clientID
        member.clientHost = attempt.clientHost
        member.joining = token
        member.hasJoined = true
        member.deadline = now + attempt.sessionTimeout
        memberTable[id] = member
        return effects + prepareRebalance(now: now)
    }

    // MARK: leaving

    mutating func remove(_ id: MemberID, now: Instant) -> [GroupEffect] {
        guard let member = memberTable.removeValue(forKey: id) else { return [] }
        if let instance = member.instance, instances[instance] == id { instances[instance] = nil }
        var effects: [GroupEffect] = []
        if let token = member.joining { effects.append(.joinRefused(token, .unknownMember, id)) }
        if let token = member.syncing { effects.append(.syncRefused(token, .unknownMember)) }
        if leader == id { leader = memberTable.keys.first }
        switch phase {
        case .stable, .completingRebalance: effects += prepareRebalance(now: now)
        case .preparingRebalance: effects += completeJoinIfReady(now: now)
        case .empty: break
        }
        return effects
    }

    mutating func dropPending(_ id: MemberID, now: Instant) -> [GroupEffect] {
        pending[id] = nil
        return phase == .preparingRebalance ? completeJoinIfReady(now: now) : []
    }

    mutating func abandon(_ token: ReplyToken) {
        for id in memberTable.keys {
            if memberTable[id]?.joining == token { memberTable[id]?.joining = nil }
            if memberTable[id]?.syncing == token { memberTable[id]?.syncing = nil }
        }
    }
}
