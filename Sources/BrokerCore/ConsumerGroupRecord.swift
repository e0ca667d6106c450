// The stored form of a group whose partitions the coordinator assigns, written heartbeat by heartbeat: only changed members are written.
// Source of the stored fields: Kafka's group metadata records of KIP-848.
import Base

/// The common state of a group's members.
struct ConsumerGroupHead: WireLayout, Equatable {
    /// A topic with its partitions when the shares were computed.
    struct Subscribed: WireLayout, Equatable {
        var topic = ""
        var partitions: Int32 = 0

        mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topic)
            try io.int32(&partitions)
        }
    }
    var epoch: Int32 = 0
    var assignor = ""
    var subscribed: [Subscribed] = []

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&epoch)
        try io.string(&assignor)
        try io.list(&subscribed)
    }
}

/// A member of a group.
struct ConsumerGroupMemberRecord: WireLayout {
    var place: Int64 = 0
    var instance: String?
    var rack: String?
    var clientID = ""
    var clientHost = ""
    var rebalanceMilliseconds: Int64 = 0
    var topics: [String] = []
    var pattern: String?
    var epoch: Int32 = 0
    var previousEpoch: Int32 = -1
    var assigned: [TopicPartition] = []
    var revoking: [TopicPartition] = []
    var target: [TopicPartition] = []
    var isAway = false

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&place)
        try io.optionalString(&instance)
        try io.optionalString(&rack)
        try io.string(&clientID)
        try io.string(&clientHost)
        try io.int64(&rebalanceMilliseconds)
        try io.strings(&topics)
        try io.optionalString(&pattern)
        try io.int32(&epoch)
        try io.int32(&previousEpoch)
        try io.list(&assigned)
        try io.list(&revoking)
        try io.list(&target)
        try io.bool(&isAway)
    }
}

extension ConsumerGroupMember {
    init(id: MemberID, _ record: ConsumerGroupMemberRecord, now: Instant, session: Duration) {
        self.init(id: id, place: record.place, deadline: now + session)
        instance = record.instance
        rack = record.rack
        clientID = record.clientID
        clientHost = record.clientHost
        rebalanceTimeout = .milliseconds(record.rebalanceMilliseconds)
        topics = record.topics
        pattern = record.pattern
        epoch = record.epoch
        previousEpoch = record.previousEpoch
        assigned = record.assigned
        revoking = record.revoking
        target = record.target
        isAway = record.isAway
        // The time already passed is unknown; the member gets the whole time once more.
        revokeDeadline = revoking.isEmpty ? nil : now + rebalanceTimeout
    }

    fileprivate var record: ConsumerGroupMemberRecord {
        ConsumerGroupMemberRecord(
            place: place, instance: instance, rack: rack, clientID: clientID, clientHost: clientHost,
            rebalanceMilliseconds: rebalanceTimeout.inMilliseconds,
            topics: topics, pattern: pattern, epoch: epoch, previousEpoch: previousEpoch, assigned: assigned, revoking: revoking,
            target: target, isAway: isAway)
    }

    /// Whether the two members' records differ.
    func differs(from other: ConsumerGroupMember) -> Bool {
        assigned != other.assigned || target != other.target || revoking != other.revoking || epoch != other.epoch
            || previousEpoch != other.previousEpoch
            || topics != other.topics || pattern != other.pattern || isAway != other.isAway || instance != other.instance
            || rack != other.rack
            || clientID != other.clientID || clientHost != other.clientHost || rebalanceTimeout != other.rebalanceTimeout
    }
}

extension ConsumerGroup {
    /// Changes since the last call, to be stored before any answer shows them; nil if there are none.
    package mutating func takeChange() -> StoredGroupChange? {
        guard changes.isAny else { return nil }
        defer { changes = ConsumerGroupChanges() }
        storesUnderWay += 1
        let head = ConsumerGroupHead(
            epoch: epoch, assignor: assignor.rawValue, subscribed: subscribed.entries.map { .init(topic: $0.key, partitions: $0.value) })
        let written = changes.isAll ? members : members.filter { changes.members.contains($0.id) }
        return StoredGroupChange(
            .consumer, head: head.stored, members: written.map { StoredMember($0.id, $0.record.stored) },
            removed: changes.removed.sorted(), replacesAll: changes.isAll || isEmpty)
    }

    /// A store has ended. After a failure the next one carries the whole group.
    package mutating func stored(_ isStored: Bool) {
        storesUnderWay = max(0, storesUnderWay - 1)
        if !isStored { changes.isAll = true }
    }

    /// A stored group; its members' sessions restart. Throws WireError if the record is damaged.
    package init(id: GroupID, settings: ConsumerGroupSettings, stored: StoredGroup, now: Instant) throws(WireError) {
        let head = try ConsumerGroupHead(decoding: stored.head, as: DurableDialect.self)
        var members: [ConsumerGroupMember] = []
        for (id, content) in stored.members.entries {
            members.append(
                ConsumerGroupMember(
                    id: id, try ConsumerGroupMemberRecord(decoding: content, as: DurableDialect.self), now: now,
                    session: settings.sessionTimeout))
        }
        self.init(id: id, settings: settings, head: head, members: members.sorted { $0.place < $1.place })
    }
}

/// Changes of a group since its last store.
struct ConsumerGroupChanges: Sendable {
    var members: Set<MemberID> = []
    var removed: Set<MemberID> = []
    var isHead = false
    /// The stored state is unknown: everything is to be written.
    var isAll = false
    var isAny: Bool { isHead || isAll || !members.isEmpty || !removed.isEmpty }

    mutating func note(_ member: MemberID) {
        members.insert(member)
        removed.remove(member)
    }

    mutating func noteRemoved(_ member: MemberID) {
        members.remove(member)
        removed.insert(member)
    }
}
