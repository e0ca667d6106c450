// The coordinator of consumer groups in the classic protocol, for eager and cooperative members alike: it passes subscriptions and
// assignments on unread. Event and `now` in, effects out; tokens name the answers that must wait. Each generation is stored before its
// members get it, so that the next coordinator continues from it. Source: Kafka protocol guide; KIP-62, KIP-345, KIP-394.
import Base

/// Limits and delays of groups.
package struct GroupSettings: Sendable {
    package var sessionTimeoutMin: Duration = .seconds(6)
    package var sessionTimeoutMax: Duration = .seconds(1800)
    /// How long the first member of an empty group waits for others.
    package var initialRebalanceDelay: Duration = .zero
    /// Limit of members of one group.
    package var membersMax = 10_000
    /// Limit of groups with members or in transition; each takes memory until its members have gone.
    package var groupsMax = 10_000
    package init() {}
}

/// Why a group refuses; the door maps each to a code.
package enum GroupRefusal: Sendable, Equatable {
    case invalidGroupID, invalidSessionTimeout, unknownMember, illegalGeneration, inconsistentProtocol, rebalanceInProgress
    case fencedInstance, groupFull, tooManyGroups, notEmpty, notFound
    /// Another broker coordinates the group.
    case notCoordinator
    /// The members' generation cannot be stored at present.
    case notWritable
    /// The client joins again with this id.
    case memberIDRequired(MemberID)
}

/// A member's JoinGroup.
package struct JoinAttempt: Sendable {
    package var group: GroupID
    /// Empty for a newcomer.
    package var member: MemberID
    package var instance: String?
    package var clientID: String
    package var clientHost: String
    package var protocolType: String
    /// The member's assignment protocols, the preferred one first, each with its subscription.
    package var protocols: [(name: String, metadata: Bytes)]
    package var sessionTimeout: Duration
    package var rebalanceTimeout: Duration
    /// Whether a newcomer gets its id first and joins again with it (from JoinGroup version 4).
    package var wantsIDFirst: Bool

    package init(
        group: GroupID, member: MemberID, instance: String?, clientID: String, clientHost: String, protocolType: String,
        protocols: [(name: String, metadata: Bytes)], sessionTimeout: Duration, rebalanceTimeout: Duration, wantsIDFirst: Bool
    ) {
        self.group = group
        self.member = member
        self.instance = instance
        self.clientID = clientID
        self.clientHost = clientHost
        self.protocolType = protocolType
        self.protocols = protocols
        self.sessionTimeout = sessionTimeout
        self.rebalanceTimeout = rebalanceTimeout
        self.wantsIDFirst = wantsIDFirst
    }
}

/// A member's place in a new generation.
package struct JoinedGroup: Sendable, Equatable {
    package var generation: Int32
    package var protocolType: String
    package var protocolName: String
    package var leader: MemberID
    package var member: MemberID
    /// Everyone's subscription, for the leader only.
    package var members: [JoinedMember]
}

package struct JoinedMember: Sendable, Equatable {
    package var member: MemberID
    package var instance: String?
    package var metadata: Bytes
}

/// A member's share.
package struct SyncedGroup: Sendable, Equatable {
    package var protocolType: String
    package var protocolName: String
    package var assignment: Bytes
}

/// An answer to the request of `token`, or a change to be stored.
package enum GroupEffect: Sendable, Equatable {
    /// The shell reports the result with `stored`.
    case store(GroupID, number: Int, StoredGroupChange)
    case joined(ReplyToken, JoinedGroup)
    case joinRefused(ReplyToken, GroupRefusal, MemberID)
    case synced(ReplyToken, SyncedGroup)
    case syncRefused(ReplyToken, GroupRefusal)
}

/// All groups that this broker coordinates.
package struct GroupCoordinator: Sendable {
    package let settings: GroupSettings
    package private(set) var groups = SortedTable<GroupID, Group>()
    private var random: Prng
    private var storesBegun = 0

    /// `random` draws members' ids.
    package init(settings: GroupSettings, random: Prng) {
        self.settings = settings
        self.random = random
    }

    /// Whether anything can expire, so that the shell has to call `expire`.
    package var needsTicks: Bool { !groups.isEmpty }

    // MARK: events

    /// `stored` is the group's stored state; an empty group continues with its next generation.
    package mutating func join(_ attempt: JoinAttempt, stored: StoredGroup? = nil, token: ReplyToken, now: Instant) -> [GroupEffect] {
        guard !attempt.group.rawValue.isEmpty else { return [.joinRefused(token, .invalidGroupID, attempt.member)] }
        guard attempt.sessionTimeout >= settings.sessionTimeoutMin, attempt.sessionTimeout <= settings.sessionTimeoutMax else {
            return [.joinRefused(token, .invalidSessionTimeout, attempt.member)]
        }
        let isNewcomer = attempt.member.rawValue.isEmpty
        if groups[attempt.group] == nil {
            guard isNewcomer else { return [.joinRefused(token, .unknownMember, attempt.member)] }
            guard groups.count < settings.groupsMax else { return [.joinRefused(token, .tooManyGroups, attempt.member)] }
            groups[attempt.group] = begin(attempt.group, stored, now: now)
        }
        let fresh = isNewcomer ? newMemberID(attempt) : attempt.member
        return change(attempt.group) { $0.join(attempt, as: fresh, token: token, now: now) }
    }

    private func begin(_ id: GroupID, _ stored: StoredGroup?, now: Instant) -> Group {
        // An unreadable record of an empty group loses no more than the number of its last generation.
        if let stored, stored.isEmpty, stored.kind == .classic, let group = try? Group(id: id, settings: settings, stored: stored, now: now)
        {
            return group
        }
        return Group(id: id, settings: settings)
    }

    private mutating func newMemberID(_ attempt: JoinAttempt) -> MemberID {
        MemberID("\(attempt.instance ?? attempt.clientID)-\(UUIDBytes.drawn(from: &random).uuidText)")
    }

    /// Steps a group, and forgets it once it is empty and stored as such.
    private mutating func change(_ id: GroupID, _ body: (inout Group) -> [GroupEffect]) -> [GroupEffect] {
        var effects = groups.update(id, body) ?? []
        var numbers = storesBegun
        effects += groups.update(id) { $0.takeStores(&numbers) } ?? []
        storesBegun = numbers
        if groups[id]?.isForgettable == true { groups[id] = nil }
        return effects
    }

    /// A store has ended; `refusal` is nil if it succeeded.
    package mutating func stored(_ id: GroupID, number: Int, _ refusal: GroupRefusal?, now: Instant) -> [GroupEffect] {
        guard groups[id] != nil else { return [] }
        return change(id) { $0.stored(number, refusal, now: now) }
    }

    /// Takes over a group stored by this coordinator before a restart or by another one. Throws WireError if the record is damaged.
    package mutating func adopt(_ id: GroupID, _ stored: StoredGroup, now: Instant) throws(WireError) {
        guard groups[id] == nil, stored.kind == .classic else { return }
        groups[id] = try Group(id: id, settings: settings, stored: stored, now: now)
    }

    package mutating func sync(
        _ id: GroupID, member: MemberID, instance: String?, generation: Int32, protocolType: String?, protocolName: String?,
        assignments: [(member: MemberID, assignment: Bytes)], token: ReplyToken, now: Instant
    ) -> [GroupEffect] {
        guard !id.rawValue.isEmpty else { return [.syncRefused(token, .invalidGroupID)] }
        guard groups[id] != nil else { return [.syncRefused(token, .unknownMember)] }
        return change(id) { group in
            if let refusal = group.refusal(member: member, instance: instance, generation: generation) {
                return [.syncRefused(token, refusal)]
            }
            guard protocolType == nil || protocolType == group.protocolType, protocolName == nil || protocolName == group.protocolName
            else {
                return [.syncRefused(token, .inconsistentProtocol)]
            }
            return group.sync(member, assignments, token: token, now: now)
        }
    }

    /// The refusal of a heartbeat; nil if there is none.
    package mutating func heartbeat(_ id: GroupID, member: MemberID, instance: String?, generation: Int32, now: Instant) -> GroupRefusal? {
        guard !id.rawValue.isEmpty else { return .invalidGroupID }
        return groups.update(id) { group in
            if let refusal = group.refusal(member: member, instance: instance, generation: generation) { return refusal }
            group.touch(member, now: now)
            return group.phase == .preparingRebalance ? .rebalanceInProgress : nil
        } ?? (groups[id] == nil ? .unknownMember : nil)
    }

    /// A member leaves. A static member may name its instance only.
    package mutating func leave(_ id: GroupID, member: MemberID, instance: String?, now: Instant) -> (
        refusal: GroupRefusal?, effects: [GroupEffect]
    ) {
        guard let group = groups[id] else { return (.unknownMember, []) }
        if group.isPending(member) {
            return (nil, change(id) { $0.dropPending(member, now: now) })
        }
        let leaving = instance.flatMap { member.rawValue.isEmpty ? group.member(ofInstance: $0) : nil } ?? member
        if let refusal = group.refusal(member: leaving, instance: instance, generation: nil) { return (refusal, []) }
        return (nil, change(id) { $0.remove(leaving, now: now) })
    }

    /// Why a member may not commit; nil if it may. `generation` is negative for clients that assign partitions themselves.
    package mutating func refusalToCommit(_ id: GroupID, member: MemberID, instance: String?, generation: Int32, now: Instant)
        -> GroupRefusal?
    {
        guard !id.rawValue.isEmpty else { return .invalidGroupID }
        guard groups[id] != nil else { return generation < 0 ? nil : .illegalGeneration }
        return groups.update(id) { group -> GroupRefusal? in
            if generation < 0, member.rawValue.isEmpty, instance == nil { return group.phase == .empty ? nil : .unknownMember }
            if let refusal = group.refusal(member: member, instance: instance, generation: generation) { return refusal }
            group.touch(member, now: now)
            return group.phase == .completingRebalance ? .rebalanceInProgress : nil
        } ?? nil
    }

    /// Ends sessions, rebalances and pending joins whose time is over.
    package mutating func expire(now: Instant) -> [GroupEffect] {
        var effects: [GroupEffect] = []
        for id in groups.keys { effects += change(id) { $0.expire(now: now) } }
        return effects
    }

    /// The connection of `token` has closed: its answer is dropped. The member stays until its session ends.
    package mutating func abandon(_ id: GroupID, _ token: ReplyToken) {
        groups.update(id) { $0.abandon(token) }
    }

    /// Another broker coordinates the group now: its members are sent there.
    package mutating func forget(_ id: GroupID) -> [GroupEffect] {
        guard let group = groups[id] else { return [] }
        groups[id] = nil
        return group.refuseStores(.notCoordinator)
            + group.memberTable.values.flatMap { member -> [GroupEffect] in
                let joining = member.joining.map { GroupEffect.joinRefused($0, .notCoordinator, member.id) }
                let syncing = member.syncing.map { GroupEffect.syncRefused($0, .notCoordinator) }
                return [joining, syncing].compactMap { $0 }
            }
    }
}
