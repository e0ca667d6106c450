// The coordinator of the groups whose partitions it assigns itself (KIP-848): which groups there are, what of them is to be stored, and how much work their
// expressions may be. The rules of one group are in ConsumerGroup.
import Base

/// All groups of this kind that this broker coordinates.
package struct ConsumerGroupCoordinator: Sendable {
    package let settings: ConsumerGroupSettings
    package private(set) var groups = SortedTable<GroupID, ConsumerGroup>()
    private var changes: [(group: GroupID, change: StoredGroupChange)] = []
    private var random: Prng
    private var matching: MatchingWork

    package init(settings: ConsumerGroupSettings, random: Prng) {
        self.settings = settings
        self.random = random
        matching = MatchingWork(settings.matching)
    }

    package var needsTicks: Bool { !groups.isEmpty }

    /// `topics` are those that there are now; `stored` is what is stored under the group's name, and one that is empty goes on with its next epoch.
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
        keep(group)
        return orders
    }

    private func begin(_ id: GroupID, _ stored: StoredGroup?, now: Instant) -> ConsumerGroup {
        // Of a group that is empty a record that cannot be read holds no more than its last epoch.
        if let stored, stored.isEmpty, stored.kind == .consumer, let group = try? ConsumerGroup(id: id, settings: settings, stored: stored, now: now) { return group }
        return ConsumerGroup(beginning: id, settings: settings)
    }

    /// A group that nobody is in any more is forgotten once that is stored.
    private mutating func keep(_ group: ConsumerGroup) {
        var group = group
        if let change = group.takeChange() { changes.append((group.id, change)) }
        groups[group.id] = group.isForgettable ? nil : group
    }

    /// What has changed since the last call: to be stored before the answers that came with it go out.
    package mutating func takeChanges() -> [(group: GroupID, change: StoredGroupChange)] {
        defer { changes = [] }
        return changes
    }

    /// A change of the group was stored, or could not be: then the whole group goes along with the next one.
    package mutating func stored(_ id: GroupID, _ isStored: Bool) {
        groups.update(id) { $0.stored(isStored) }
        if groups[id]?.isForgettable == true { groups[id] = nil }
    }

    /// Goes on with a group that was stored, by this coordinator before a restart or by another one. Throws WireError if the record is damaged.
    package mutating func adopt(_ id: GroupID, _ stored: StoredGroup, now: Instant) throws(WireError) {
        guard groups[id] == nil, stored.kind == .consumer else { return }
        groups[id] = try ConsumerGroup(id: id, settings: settings, stored: stored, now: now)
    }

    /// nil if the member may commit, or if there is no such group.
    package func refusalToCommit(_ id: GroupID, member: MemberID, epoch: Int32) -> ConsumerGroupRefusal? {
        groups[id].flatMap { $0.refusalToCommit(member, epoch: epoch) }
    }

    /// nil if the member may ask for offsets, or if there is no such group.
    package func refusalToFetchOffsets(_ id: GroupID, member: MemberID?, epoch: Int32) -> ConsumerGroupRefusal? {
        groups[id].flatMap { $0.refusalToFetchOffsets(member, epoch: epoch) }
    }

    /// Ends sessions and waits whose time is over.
    package mutating func expire(now: Instant) {
        for id in groups.keys {
            guard var group = groups[id], group.isDue(now: now) || group.isEmpty else { continue }
            group.expire(now: now)
            keep(group)
        }
    }

    /// Another broker coordinates the group now.
    package mutating func forget(_ id: GroupID) { groups[id] = nil }
}
