// The progress of share groups in the replicated state: for each group and partition the start and the states of the records after it.
// The partition's leader stores it before it acknowledges. A write of a deposed leader, or one based on another state than the present
// one, is refused. Kafka keeps the same in a topic of its own, with a coordinator between.
import Base

/// A share partition as it is stored.
package struct StoredShare: WireLayout, Equatable {
    /// Consecutive records of the same state.
    package struct Run: WireLayout, Equatable {
        package var count: Int64 = 1
        package var state = ShareRecordState.available
        package var deliveries: Int16 = 0

        package init() {}
        package init(count: Int64, state: ShareRecordState, deliveries: Int16) {
            self.count = count
            self.state = state
            self.deliveries = deliveries
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            var length = UInt64(bitPattern: count)
            try io.varint(&length)
            guard let count = Int64(exactly: length), count > 0, count <= Self.countMax else {
                throw .overLimit("records in a run", Int(truncatingIfNeeded: length))
            }
            self.count = count
            var number = state.rawValue
            try io.int8(&number)
            guard let state = ShareRecordState(rawValue: number) else { throw .unknownTag("state of a record", Int(number)) }
            self.state = state
            var delivered = UInt64(UInt16(bitPattern: deliveries))
            try io.varint(&delivered)
            guard let deliveries = Int16(exactly: delivered) else { throw .overLimit("deliveries", Int(truncatingIfNeeded: delivered)) }
            self.deliveries = deliveries
        }

        /// Far more than a log holds, and far from an overflow of offsets.
        private static let countMax: Int64 = 1 << 48
    }
    /// The first unfinished record.
    package var start: Int64 = 0
    /// The runs from `start` on.
    package private(set) var runs: [Run] = []

    package init() {}
    package init(start: Int64) { self.start = start }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&start)
        try io.list(&runs)
    }

    package mutating func append(count: Int64, state: ShareRecordState, deliveries: Int16) {
        if let last = runs.last, last.state == state, last.deliveries == deliveries {
            runs[runs.count - 1].count = runs[runs.count - 1].count.addingClamped(count)
        } else {
            runs.append(Run(count: count, state: state, deliveries: deliveries))
        }
    }

    /// Finished records after `start`.
    package var doneCount: Int64 { runs.reduce(0) { $0.addingClamped($1.state.isDone ? $1.count : 0) } }
    /// Its size in the log, about.
    package var sizeBytes: Int { 16 + runs.count * 4 }
}

/// A leader's write of a group's state in one partition.
package struct ShareStore: WireLayout, Equatable {
    package var group = GroupID("")
    package var topicID = UUIDBytes()
    package var partition: Int32 = 0
    /// The term in which the writer leads.
    package var leaderEpoch: Int32 = 0
    /// The revision that the write is based on; 0 for none.
    package var revision: Int64 = 0
    package var share = StoredShare()

    package init() {}
    package init(group: GroupID, topicID: UUIDBytes, partition: Int32, leaderEpoch: Int32, revision: Int64, share: StoredShare) {
        self.group = group
        self.topicID = topicID
        self.partition = partition
        self.leaderEpoch = leaderEpoch
        self.revision = revision
        self.share = share
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.id(&group)
        try io.uuid(&topicID)
        try io.int32(&partition)
        try io.int32(&leaderEpoch)
        try io.int64(&revision)
        try io.nested(&share)
    }
}

/// A change of share groups' state.
package enum ShareCommand: WireLayout, Equatable {
    /// The progress of groups, written by the leaders of their partitions.
    case store([ShareStore])
    case setStarts(GroupID, [PartitionOffset])
    case forget(GroupID, topics: [String])
    /// Settings of a group, which may not exist yet.
    case configure(GroupID, ConfigChange)

    package init() { self = .store([]) }

    private var tag: Int8 {
        switch self {
        case .store: 1
        case .setStarts: 2
        case .forget: 3
        case .configure: 4
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = tag
        try io.int8(&tag)
        if tag != self.tag { self = try Self.blank(tag) }
        switch self {
        case .store(var stores):
            try io.list(&stores)
            self = .store(stores)
        case .setStarts(var group, var starts):
            try io.id(&group)
            try io.list(&starts)
            self = .setStarts(group, starts)
        case .forget(var group, var topics):
            try io.id(&group)
            try io.strings(&topics)
            self = .forget(group, topics: topics)
        case .configure(var group, var change):
            try io.id(&group)
            try io.nested(&change)
            self = .configure(group, change)
        }
    }

    private static func blank(_ tag: Int8) throws(WireError) -> ShareCommand {
        switch tag {
        case 1: .store([])
        case 2: .setStarts(GroupID(""), [])
        case 3: .forget(GroupID(""), topics: [])
        case 4: .configure(GroupID(""), ConfigChange())
        default: throw .unknownTag("share command", Int(tag))
        }
    }
}

/// The verdict on one store.
package enum ShareStoreVerdict: Sendable, Equatable {
    /// The state has this revision now.
    case stored(revision: Int64)
    /// Another broker leads, or the state is not the one that the write is based on: it was reset or removed, or an earlier write was
    /// stored without its writer's knowledge.
    case stale
    /// The limit of share partitions is reached.
    case full
}

/// The state of a group's partition, with its term.
package struct ShareRecord: Sendable, Equatable {
    package var leaderEpoch: Int32
    /// The slot of the write.
    package var revision: Int64
    package var share: StoredShare
}

extension BrokerMachine {
    /// Limit of share partitions over all groups; each takes memory on every broker.
    package static let sharePartitionsMax = 10_000

    package func share(_ group: GroupID, _ place: TopicPartition) -> ShareRecord? { shares[group]?[place] }
    /// Whether a share group of this name exists, with members or with a state.
    package func isShareGroup(_ group: GroupID) -> Bool { groups[group]?.kind == .share || shares[group] != nil }

    mutating func apply(_ command: ShareCommand, at position: ApplyPosition, _ rows: inout RowChanges) -> BrokerOutcome {
        switch command {
        case .store(let stores): .sharesStored(stores.map { store($0, at: position, &rows) })
        case .setStarts(let group, let starts): setShareStarts(group, starts, at: position, &rows)
        case .forget(let group, let topics): forgetShares(group, topics, &rows)
        case .configure(let group, let change): alterGroup(group, change, &rows)
        }
    }

    private mutating func store(_ store: ShareStore, at position: ApplyPosition, _ rows: inout RowChanges) -> ShareStoreVerdict {
        guard let topic = topic(id: store.topicID), store.partition >= 0, store.partition < topic.partitions, isShareGroup(store.group)
        else { return .stale }
        let place = TopicPartition(topic.name, store.partition)
        if let state = cluster.partitions[place], state.leaderEpoch != store.leaderEpoch { return .stale }
        let present = share(store.group, place)
        guard present?.revision ?? 0 == store.revision else { return .stale }
        guard present != nil || shareCount < Self.sharePartitionsMax else { return .full }
        let revision = Self.revision(position)
        set(ShareRecord(leaderEpoch: store.leaderEpoch, revision: revision, share: store.share), store.group, place, &rows)
        return .stored(revision: revision)
    }

    private static func revision(_ position: ApplyPosition) -> Int64 { max(1, position.slot.rawValue) }

    /// Sets the next offsets of a group without members.
    private mutating func setShareStarts(
        _ group: GroupID, _ starts: [PartitionOffset], at position: ApplyPosition, _ rows: inout RowChanges
    ) -> BrokerOutcome {
        guard groups[group]?.isEmpty ?? true else { return .refused(.groupNotEmpty(group)) }
        guard isShareGroup(group) else { return .refused(.unknownGroup(group)) }
        let known = starts.filter { one in
            topics[one.partition.topic].map { one.partition.partition >= 0 && one.partition.partition < $0.partitions } ?? false
        }
        let added = known.count { share(group, $0.partition) == nil }
        guard shareCount + added <= Self.sharePartitionsMax else {
            return .refused(.tooManySharePartitions(limit: Self.sharePartitionsMax))
        }
        for one in known {
            let epoch = share(group, one.partition)?.leaderEpoch ?? 0
            set(
                ShareRecord(leaderEpoch: epoch, revision: Self.revision(position), share: StoredShare(start: one.offset)), group,
                one.partition, &rows)
        }
        return .sharesReset(group, known.map(\.partition))
    }

    /// Makes a group without members forget these topics, or all of them if `names` is nil.
    mutating func forgetShares(_ group: GroupID, _ names: [String]?, _ rows: inout RowChanges) -> BrokerOutcome {
        guard groups[group]?.isEmpty ?? true else { return .refused(.groupNotEmpty(group)) }
        guard isShareGroup(group) else { return .refused(.unknownGroup(group)) }
        let gone = shares[group]?.keys.filter { names?.contains($0.topic) ?? true } ?? []
        for place in gone { set(nil, group, place, &rows) }
        return .sharesReset(group, gone)
    }

    mutating func dropShares(ofTopic name: String, _ rows: inout RowChanges) {
        for group in shares.keys {
            for place in shares[group]?.keys ?? [] where place.topic == name { set(nil, group, place, &rows) }
        }
    }

    private mutating func set(_ record: ShareRecord?, _ group: GroupID, _ place: TopicPartition, _ rows: inout RowChanges) {
        put(record, group, place)
        if shares[group] == nil { keepGroup(group, .share, &rows) }
        let key: Row = [.text(group.rawValue), .text(place.topic), .integer(Int64(place.partition))]
        guard let record else { return rows.delete(Self.sharesTable, key: key) }
        rows.upsert(Self.sharesTable, key + [.integer(record.revision), .integer(Int64(record.leaderEpoch)), .blob(record.share.stored)])
    }

    private mutating func put(_ record: ShareRecord?, _ group: GroupID, _ place: TopicPartition) {
        let present = share(group, place) != nil
        if record != nil, shares[group] == nil { shares[group] = SortedTable() }
        shares.update(group) { $0[place] = record }
        if present != (record != nil) { shareCount += present ? -1 : 1 }
        if shares[group]?.isEmpty == true { shares[group] = nil }
    }

    // MARK: rows

    /// The column `life` holds the revision; its name is from a time when only another life of the state was another revision.
    static let sharesTable = TableSchema(
        "share_partitions", key: [.init("share_group", .text), .init("topic", .text), .init("partition", .integer)],
        values: [.init("life", .integer), .init("leader_epoch", .integer), .init("state", .blob)])

    mutating func loadShare(_ row: Row) throws(StateCorruption) {
        guard let group = row[0].text, let topic = row[1].text, let partition = row[2].integer.flatMap(Int32.init(exactly:)),
            let revision = row[3].integer,
            let epoch = row[4].integer.flatMap(Int32.init(exactly:)), let blob = row[5].blob
        else { throw StateCorruption("the row of a share partition is incomplete") }
        do throws(WireError) {
            let share = try StoredShare(decoding: blob, as: DurableDialect.self)
            put(ShareRecord(leaderEpoch: epoch, revision: revision, share: share), GroupID(group), TopicPartition(topic, partition))
        } catch { throw StateCorruption("what share group '\(group)' knows of '\(topic)-\(partition)' cannot be read: \(error)") }
    }
}
