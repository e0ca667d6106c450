// The members of a share group (KIP-932): each heartbeats, states its subscription, and gets its partitions to read. Members may share
// a partition, so a new assignment takes effect at once and no member waits for another. The partitions' leaders, not the group, know
// the acquired records. Event and `now` in, answer out; each change is stored before its answer goes out.
import Base
import Collections

/// Limits of these groups; Kafka's names begin with `group.share.`.
package struct ShareGroupSettings: Sendable {
    package var membersMax = 200
    package var groupsMax = 10_000
    package init() {}
}

/// A share group member's heartbeat.
package struct ShareHeartbeat: Sendable {
    package var member: MemberID
    /// 0 joins, -1 leaves.
    package var epoch: Int32
    package var rack: String?
    package var clientID: String
    package var clientHost: String
    /// nil while they have not changed.
    package var topics: [String]?

    package init(
        member: MemberID, epoch: Int32, rack: String? = nil, clientID: String = "", clientHost: String = "", topics: [String]? = nil
    ) {
        self.member = member
        self.epoch = epoch
        self.rack = rack
        self.clientID = clientID
        self.clientHost = clientHost
        self.topics = topics
    }
}

/// A member as the coordinator knows it.
package struct ShareGroupMember: Sendable {
    package let id: MemberID
    /// Its place in the order of joining.
    let place: Int64
    package var rack: String?
    package var clientID = ""
    package var clientHost = ""
    package var topics: [String] = []
    package var epoch: Int32 = 0
    package var assigned: [TopicPartition] = []
    var deadline: Instant

    init(id: MemberID, place: Int64, deadline: Instant) {
        self.id = id
        self.place = place
        self.deadline = deadline
    }
}

/// One group.
package struct ShareGroup: HeartbeatGroup {
    package let id: GroupID
    /// Rises with every event that requires another assignment.
    package private(set) var epoch: Int32 = 0
    private var memberTable = OrderedDictionary<MemberID, ShareGroupMember>()
    /// The subscribed topics with their partitions, as of the last shares.
    private var subscribed = SortedTable<String, Int32>()
    private var nextPlace: Int64 = 0
    /// Changes that are not stored yet.
    var changes = ConsumerGroupChanges()
    /// Changes that are being stored.
    var storesUnderWay = 0

    /// The only assignor; the name is Kafka's.
    package static let assignor = "simple"

    private init(id: GroupID) { self.id = id }

    /// A new group replaces everything stored under its name, as a ConsumerGroup does.
    init(beginning id: GroupID) {
        self.id = id
        changes.isAll = true
    }

    package var members: [ShareGroupMember] { Array(memberTable.values) }
    package var isEmpty: Bool { memberTable.isEmpty }
    /// Whether the stored state is complete.
    package var isForgettable: Bool { isEmpty && storesUnderWay == 0 && !changes.isAny }
    package var phase: ConsumerGroup.Phase { memberTable.isEmpty ? .empty : .stable }

    // MARK: heartbeats

    mutating func heartbeat(
        _ beat: ShareHeartbeat, _ topics: SortedTable<String, TopicRecord>, membersMax: Int, session: Duration, now: Instant
    ) throws(ConsumerGroupRefusal) -> MemberOrders {
        guard beat.epoch >= 0 else {
            guard beat.epoch == MemberHeartbeat.leaving else { throw .invalidRequest("there is no member epoch \(beat.epoch)") }
            guard memberTable[beat.member] != nil else { throw .unknownMember }
            remove(beat.member)
            return MemberOrders(member: beat.member, epoch: beat.epoch, assignment: nil)
        }
        if beat.epoch == 0 {
            try join(beat, membersMax: membersMax, now: now)
        } else {
            guard let member = memberTable[beat.member] else { throw .unknownMember }
            // A member that lost its last answer is behind; a member ahead belongs to another life of the group.
            guard beat.epoch <= member.epoch else { throw .fencedEpoch }
        }
        memberTable[beat.member]?.deadline = now + session
        let before = memberTable[beat.member]?.topics
        if let names = beat.topics { memberTable[beat.member]?.topics = Array(Set(names)).sorted() }
        if memberTable[beat.member]?.topics != before { changes.note(beat.member) }
        retarget(topics, raising: beat.epoch == 0 || memberTable[beat.member]?.topics != before)
        let known = memberTable[beat.member]?.epoch
        if known != epoch {
            memberTable[beat.member]?.epoch = epoch
            changes.note(beat.member)
        }
        return MemberOrders(member: beat.member, epoch: epoch, assignment: beat.epoch == epoch ? nil : memberTable[beat.member]?.assigned)
    }

    private mutating func join(_ beat: ShareHeartbeat, membersMax: Int, now: Instant) throws(ConsumerGroupRefusal) {
        if memberTable[beat.member] == nil {
            guard memberTable.count < membersMax else { throw .groupFull }
            memberTable[beat.member] = ShareGroupMember(id: beat.member, place: nextPlace, deadline: now)
            nextPlace += 1
        }
        memberTable[beat.member]?.rack = beat.rack
        memberTable[beat.member]?.clientID = beat.clientID
        memberTable[beat.member]?.clientHost = beat.clientHost
        changes.note(beat.member)
    }

    private mutating func remove(_ member: MemberID) {
        guard memberTable.removeValue(forKey: member) != nil else { return }
        changes.noteRemoved(member)
        // The others get its share with their next heartbeats.
        subscribed = SortedTable()
        epoch += 1
    }

    /// Computes each member's partitions, if they must change.
    private mutating func retarget(_ topics: SortedTable<String, TopicRecord>, raising: Bool) {
        var counts = SortedTable<String, Int32>()
        for member in memberTable.values {
            for name in member.topics { if let topic = topics[name] { counts[name] = topic.partitions } }
        }
        let isSame = counts.keys == subscribed.keys && counts.keys.allSatisfy { counts[$0] == subscribed[$0] }
        guard raising || !isSame else { return }
        subscribed = counts
        epoch += 1
        changes.isHead = true
        for (id, share) in Self.shares(members, counts) where memberTable[id].map({ $0.assigned != share }) ?? false {
            memberTable[id]?.assigned = share
            changes.note(id)
        }
    }

    /// Each partition gets a reader and each subscriber a partition; surplus subscribers share partitions evenly.
    static func shares(_ members: [ShareGroupMember], _ counts: SortedTable<String, Int32>) -> [(MemberID, [TopicPartition])] {
        var shares = members.map { _ in [TopicPartition]() }
        for (topic, count) in counts.entries {
            let subscribers = members.indices.filter { members[$0].topics.contains(topic) }
            guard !subscribers.isEmpty, count > 0 else { continue }
            for number in 0..<max(subscribers.count, Int(count)) {
                shares[subscribers[number % subscribers.count]].append(TopicPartition(topic, Int32(number % Int(count))))
            }
        }
        return zip(members, shares).map { ($0.id, $1) }
    }

    // MARK: time

    package func isDue(now: Instant) -> Bool { memberTable.values.contains { $0.deadline <= now } }
    package mutating func expire(now: Instant) { for member in members where member.deadline <= now { remove(member.id) } }
}

// MARK: storage

/// The stored form of a share group's member.
struct ShareGroupMemberRecord: WireLayout {
    var place: Int64 = 0
    var rack: String?
    var clientID = ""
    var clientHost = ""
    var topics: [String] = []
    var epoch: Int32 = 0
    var assigned: [TopicPartition] = []

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&place)
        try io.optionalString(&rack)
        try io.string(&clientID)
        try io.string(&clientHost)
        try io.strings(&topics)
        try io.int32(&epoch)
        try io.list(&assigned)
    }
}

extension ShareGroup {
    /// Changes since the last call; nil if there are none.
    package mutating func takeChange() -> StoredGroupChange? {
        guard changes.isAny else { return nil }
        defer { changes = ConsumerGroupChanges() }
        storesUnderWay += 1
        let head = ConsumerGroupHead(
            epoch: epoch, assignor: Self.assignor, subscribed: subscribed.entries.map { .init(topic: $0.key, partitions: $0.value) })
        let written = changes.isAll ? members : members.filter { changes.members.contains($0.id) }
        return StoredGroupChange(
            .share, head: head.stored,
            members: written.map { member in
                let record = ShareGroupMemberRecord(
                    place: member.place, rack: member.rack, clientID: member.clientID, clientHost: member.clientHost, topics: member.topics,
                    epoch: member.epoch,
                    assigned: member.assigned)
                return StoredMember(member.id, record.stored)
            },
            removed: changes.removed.sorted(), replacesAll: changes.isAll || isEmpty)
    }

    /// A store has ended. After a failure the next one carries the whole group.
    package mutating func stored(_ isStored: Bool) {
        storesUnderWay = max(0, storesUnderWay - 1)
        if !isStored { changes.isAll = true }
    }

    /// A stored group; its members' sessions restart. Throws WireError if the record is damaged.
    package init(id: GroupID, stored: StoredGroup, session: Duration, now: Instant) throws(WireError) {
        self.init(id: id)
        let head = try ConsumerGroupHead(decoding: stored.head, as: DurableDialect.self)
        epoch = head.epoch
        for one in head.subscribed { subscribed[one.topic] = one.partitions }
        var members: [ShareGroupMember] = []
        for (id, content) in stored.members.entries {
            let record = try ShareGroupMemberRecord(decoding: content, as: DurableDialect.self)
            var member = ShareGroupMember(id: id, place: record.place, deadline: now + session)
            member.rack = record.rack
            member.clientID = record.clientID
            member.clientHost = record.clientHost
            member.topics = record.topics
            member.epoch = record.epoch
            member.assigned = record.assigned
            members.append(member)
        }
        for member in members.sorted(by: { $0.place < $1.place }) { memberTable[member.id] = member }
        nextPlace = (memberTable.values.last?.place ?? -1) + 1
    }
}

/// All share groups that this broker coordinates.
package struct ShareGroupCoordinator: HeartbeatGroupCoordinator {
    package let settings: ShareGroupSettings
    package var kept = HeartbeatGroups<ShareGroup>()

    package init(settings: ShareGroupSettings) { self.settings = settings }

    /// `topics` are the present topics. `stored` is the group's stored state; an empty group continues with its next epoch.
    package mutating func heartbeat(
        _ id: GroupID, _ beat: ShareHeartbeat, stored: StoredGroup? = nil, topics: SortedTable<String, TopicRecord>, session: Duration,
        now: Instant
    ) throws(ConsumerGroupRefusal) -> MemberOrders {
        guard !id.rawValue.isEmpty else { throw .invalidRequest("a group has a name") }
        guard !beat.member.rawValue.isEmpty else { throw .invalidRequest("a member of a share group brings its id") }
        if beat.epoch == 0 {
            guard beat.topics != nil else { throw .invalidRequest("a member that joins says what it subscribes to") }
            guard groups[id] != nil || groups.count < settings.groupsMax else { throw .groupFull }
        }
        guard var group = groups[id] ?? (beat.epoch == 0 ? begin(id, stored, session: session, now: now) : nil) else {
            throw .unknownMember
        }
        let orders = try group.heartbeat(beat, topics, membersMax: settings.membersMax, session: session, now: now)
        kept.keep(group)
        return orders
    }

    private func begin(_ id: GroupID, _ stored: StoredGroup?, session: Duration, now: Instant) -> ShareGroup {
        if let stored, stored.isEmpty, stored.kind == .share,
            // An unreadable record of an empty group loses no more than its last epoch.
            let group = try? ShareGroup(id: id, stored: stored, session: session, now: now)
        {
            return group
        }
        return ShareGroup(beginning: id)
    }

    /// Takes over a group stored by this coordinator before a restart or by another one. Throws WireError if the record is damaged.
    package mutating func adopt(_ id: GroupID, _ stored: StoredGroup, session: Duration, now: Instant) throws(WireError) {
        guard groups[id] == nil, stored.kind == .share else { return }
        kept.adopt(try ShareGroup(id: id, stored: stored, session: session, now: now))
    }
}
