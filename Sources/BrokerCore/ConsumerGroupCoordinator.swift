// The coordinator of the groups whose partitions it assigns itself (KIP-848): joins, commits, and the work limit of their expressions.
// ConsumerGroup has the rules of one group, HeartbeatGroups the table of all groups and their stores.
import Base

/// All groups of this kind that this broker coordinates.
package struct ConsumerGroupCoordinator: HeartbeatGroupCoordinator {
    package let settings: ConsumerGroupSettings
    package var kept = HeartbeatGroups<ConsumerGroup>()
    private var random: Prng
    private var matching: MatchingWork

    package init(settings: ConsumerGroupSettings, random: Prng) {
        self.settings = settings
        self.random = random
        matching = MatchingWork(settings.matching)
    }

    /// `topics` are the present topics. `stored` is the group's stored state; an empty group continues with its next epoch.
    package mutating func heartbeat(
        _ id: GroupID, _ beat: MemberHeartbeat, stored: StoredGroup? = nil, topics: SortedTable<String, TopicRecord>, now: Instant
    ) throws(ConsumerGroupRefusal) -> MemberOrders {
        guard !id.rawValue.isEmpty else { throw .invalidRequest("a group has a name") }
        var beat = beat
        if beat.epoch == 0 {
            guard beat.topics != nil || beat.pattern != nil else { throw .invalidRequest("a member that joins says what it subscribes to") }
            if beat.member.rawValue.isEmpty { beat.member = MemberID(UUIDBytes.drawn(from: &random).uuidText) }
            guard groups[id] != nil || groups.count < settings.groupsMax else { throw .groupFull }
        }
        guard var group = groups[id] ?? (beat.epoch == 0 ? begin(id, stored, now: now) : nil) else { throw .unknownMember }
        let available = matching.available(now: now)
        var left = available
        let orders = try group.heartbeat(beat, topics, &left, now: now)
        matching.take(available - left)
        kept.keep(group)
        return orders
    }

    private func begin(_ id: GroupID, _ stored: StoredGroup?, now: Instant) -> ConsumerGroup {
        if let stored, stored.isEmpty, stored.kind == .consumer,
            // An unreadable record of an empty group loses no more than its last epoch.
            let group = try? ConsumerGroup(id: id, settings: settings, stored: stored, now: now)
        {
            return group
        }
        return ConsumerGroup(beginning: id, settings: settings)
    }

    /// Takes over a group stored by this coordinator before a restart or by another one. Throws WireError if the record is damaged.
    package mutating func adopt(_ id: GroupID, _ stored: StoredGroup, now: Instant) throws(WireError) {
        guard groups[id] == nil, stored.kind == .consumer else { return }
        kept.adopt(try ConsumerGroup(id: id, settings: settings, stored: stored, now: now))
    }

    /// nil if the member may commit, or if the group does not exist.
    package func refusalToCommit(_ id: GroupID, member: MemberID, epoch: Int32) -> ConsumerGroupRefusal? {
        groups[id].flatMap { $0.refusalToCommit(member, epoch: epoch) }
    }

    /// nil if the member may fetch offsets, or if the group does not exist.
    package func refusalToFetchOffsets(_ id: GroupID, member: MemberID?, epoch: Int32) -> ConsumerGroupRefusal? {
        groups[id].flatMap { $0.refusalToFetchOffsets(member, epoch: epoch) }
    }
}
