// The broker's durable state as a deterministic state machine: topics, committed offsets, groups (StoredGroups), producer ids,
// transactions (rules in TransactionRules), the cluster's id. Same commands, same state and rows.
import Base

/// A committed offset.
package struct CommittedOffset: Sendable, Hashable {
    package var offset: Int64
    package var leaderEpoch: Int32
    package var metadata: String
    package var time: WallTime
}

/// Topics, offsets and ids.
package struct BrokerMachine: StateMachine, Sendable {
    package private(set) var clusterID: UUIDBytes?
    package private(set) var topics = SortedTable<String, TopicRecord>()
    /// Deleted topics whose files may still be on disk.
    package private(set) var dropped = SortedTable<String, TopicRecord>()
    package private(set) var offsets = SortedTable<GroupID, SortedTable<TopicPartition, CommittedOffset>>()
    package internal(set) var groups = SortedTable<GroupID, StoredGroup>()
    package internal(set) var shares = SortedTable<GroupID, SortedTable<TopicPartition, ShareRecord>>()
    package internal(set) var shareCount = 0
    /// Stated settings of groups.
    package internal(set) var groupConfigs = SortedTable<GroupID, [TopicConfigEntry]>()
    package private(set) var nextProducerID: Int64 = 1
    package private(set) var partitionCount = 0
    package private(set) var transactions = SortedTable<String, Transaction>()
    /// Names of transactions that are not at rest.
    package private(set) var transactionsUnderWay = SortedTable<String, Bool>()
    /// Settings of the broker stated at run time, by name.
    package private(set) var brokerConfigs = SortedTable<String, String>()
    /// First offsets of partitions whose first records were deleted.
    package private(set) var startOffsets = SortedTable<TopicPartition, Int64>()
    package private(set) var users = SortedTable<ScramUser, ScramCredential>()
    package private(set) var accessRules = AccessRules()
    package internal(set) var quotas = ClientQuotas()
    package internal(set) var tokens = SortedTable<String, DelegationToken>()
    private var namesByID = LookupTable<UUIDBytes, String>()
    package internal(set) var cluster = ClusterState()

    /// Limit of partitions over all topics; each takes a directory, an open file and some memory.
    package static let partitionsMax = 10_000
    /// Length of a topic's name, as in Kafka: a directory's name must hold it with a suffix.
    package static let topicNameLengthMax = 249

    package init() {}

    package static func encode(_ command: BrokerCommand) throws(WireError) -> Bytes { try command.encoded(as: DurableDialect.self) }
    package static func decode(_ bytes: Bytes) throws(WireError) -> BrokerCommand {
        try BrokerCommand(decoding: bytes, as: DurableDialect.self)
    }

    package func topic(id: UUIDBytes) -> TopicRecord? { namesByID[id].flatMap { topics[$0] } }

    // MARK: commands

    package mutating func apply(_ command: BrokerCommand, at position: ApplyPosition, rows: inout RowChanges) -> BrokerOutcome {
        switch command {
        case .identify(let id): return identify(id, &rows)
        case .createTopic(let topic): return create(topic, &rows)
        case .deleteTopic(let name): return delete(name, &rows)
        case .growTopic(let name, let partitions): return grow(name, partitions, &rows)
        case .forgetDropped(let id):
            if dropped[id.uuidText] != nil { rows.delete(Self.droppedTable, key: [.text(id.uuidText)]) }
            dropped[id.uuidText] = nil
            return .done
        case .commitOffsets(let group, let entries): return commit(group, entries, position.time, &rows)
        case .deleteGroup(let group): return deleteGroup(group, &rows)
        case .reserveProducerIDs(let count): return reserve(count, &rows)
        case .transaction(let command): return apply(command, position, &rows)
        case .alterTopic(let name, let change): return alter(name, change, &rows)
        case .alterBroker(let change): return alterBroker(change, &rows)
        case .deleteRecords(let offsets): return deleteRecords(offsets, &rows)
        case .deleteOffsets(let group, let partitions): return deleteOffsets(group, partitions, &rows)
        case .security(let command): return apply(command, &rows)
        case .cluster(let command): return apply(command, position, &rows)
        case .quotas(let command): return apply(command, &rows)
        case .storeGroup(let group, let claim, let change): return storeGroup(group, by: claim, change, &rows)
        case .token(let command): return apply(command, &rows)
        case .share(let command): return apply(command, at: position, &rows)
        }
    }

    private mutating func identify(_ id: UUIDBytes, _ rows: inout RowChanges) -> BrokerOutcome {
        guard clusterID == nil else { return .done }
        clusterID = id
        rows.upsert(Self.identityTable, [.text("cluster"), .blob(Self.blob(id))])
        return .done
    }

    mutating func create(_ topic: TopicRecord, _ rows: inout RowChanges) -> BrokerOutcome {
        if let refusal = refusalToCreate(topic) { return .refused(refusal) }
        insert(topic)
        rows.upsert(Self.topicsTable, Self.row(topic))
        return .created(topic)
    }

    private mutating func insert(_ topic: TopicRecord) {
        topics[topic.name] = topic
        namesByID[topic.id] = topic.name
        partitionCount += Int(topic.partitions)
    }

    /// Why this topic cannot be created, nil if it can; also asked by requests that only validate.
    package func refusalToCreate(_ topic: TopicRecord) -> BrokerRefusal? {
        if let reason = Self.problem(withTopicName: topic.name) { return .invalidTopicName(topic.name, reason: reason) }
        if topics[topic.name] != nil { return .topicExists(topic.name) }
        guard topic.partitions > 0 else { return .invalidPartitionCount(topic.partitions, reason: "a topic has at least one partition") }
        guard partitionCount + Int(topic.partitions) <= Self.partitionsMax else { return .tooManyPartitions(limit: Self.partitionsMax) }
        return nil
    }

    /// Why a topic cannot have this name, nil if it can. The rules are Kafka's.
    package static func problem(withTopicName name: String) -> String? {
        if name.isEmpty { return "the name is empty" }
        if name == "." || name == ".." { return "'\(name)' is a directory's own name" }
        if name.utf8.count > topicNameLengthMax {
            return "the name has \(name.utf8.count) characters, at most \(topicNameLengthMax) are possible"
        }
        let legal = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        return legal ? nil : "a name consists of letters, digits, '.', '_' and '-'"
    }

    private mutating func delete(_ name: String, _ rows: inout RowChanges) -> BrokerOutcome {
        guard let topic = topics[name] else { return .refused(.unknownTopic(name)) }
        topics[name] = nil
        namesByID[topic.id] = nil
        partitionCount -= Int(topic.partitions)
        dropped[topic.id.uuidText] = topic
        rows.delete(Self.topicsTable, key: [.text(name)])
        rows.upsert(Self.droppedTable, [.text(topic.id.uuidText)] + Self.row(topic))
        for group in offsets.keys { dropOffsets(of: group, topic: name, &rows) }
        dropShares(ofTopic: name, &rows)
        for place in startOffsets.keys where place.topic == name { setStart(of: place, nil, &rows) }
        for number in 0..<topic.partitions { set(nil, of: TopicPartition(name, number), &rows) }
        return .deleted(topic)
    }

    private mutating func alter(_ name: String, _ change: ConfigChange, _ rows: inout RowChanges) -> BrokerOutcome {
        guard var topic = topics[name] else { return .refused(.unknownTopic(name)) }
        topic.configs = change.applied(to: topic.configs)
        topics[name] = topic
        rows.upsert(Self.topicsTable, Self.row(topic))
        return .altered(topic)
    }

    private mutating func alterBroker(_ change: ConfigChange, _ rows: inout RowChanges) -> BrokerOutcome {
        let after = change.applied(to: brokerConfigs.entries.map { TopicConfigEntry(name: $0.key, value: $0.value) })
        for name in brokerConfigs.keys where !after.contains(where: { $0.name.hasSameBytes(as: name) }) {
            brokerConfigs[name] = nil
            rows.delete(Self.brokerConfigsTable, key: [.text(name)])
        }
        for entry in after where brokerConfigs[entry.name]?.hasSameBytes(as: entry.value) != true {
            brokerConfigs[entry.name] = entry.value
            rows.upsert(Self.brokerConfigsTable, [.text(entry.name), .text(entry.value)])
        }
        return .brokerAltered
    }

    /// A start only moves forward.
    private mutating func deleteRecords(_ offsets: [PartitionOffset], _ rows: inout RowChanges) -> BrokerOutcome {
        for one in offsets {
            guard let topic = topics[one.partition.topic], one.partition.partition < topic.partitions,
                one.offset > startOffsets[one.partition] ?? 0
            else { continue }
            setStart(of: one.partition, one.offset, &rows)
        }
        return .recordsDeleted(offsets)
    }

    private mutating func setStart(of place: TopicPartition, _ offset: Int64?, _ rows: inout RowChanges) {
        startOffsets[place] = offset
        let key: Row = [.text(place.topic), .integer(Int64(place.partition))]
        if let offset {
            rows.upsert(Self.startOffsetsTable, key + [.integer(offset)])
        } else {
            rows.delete(Self.startOffsetsTable, key: key)
        }
    }

    private mutating func deleteOffsets(_ group: GroupID, _ partitions: [TopicPartition], _ rows: inout RowChanges) -> BrokerOutcome {
        guard offsets[group] != nil else { return .refused(.unknownGroup(group)) }
        for place in partitions where offsets[group]?[place] != nil {
            offsets.update(group) { $0[place] = nil }
            rows.delete(Self.offsetsTable, key: Self.key(group, place))
        }
        dropIfEmpty(group, &rows)
        return .done
    }

    /// A group without offsets is still a group.
    private mutating func dropIfEmpty(_ group: GroupID, _ rows: inout RowChanges) {
        guard offsets[group]?.isEmpty == true else { return }
        offsets[group] = nil
        keepGroup(group, .classic, &rows)
    }

    private mutating func dropOffsets(of group: GroupID, topic: String, _ rows: inout RowChanges) {
        let gone = offsets[group]?.keys.filter { $0.topic == topic } ?? []
        guard !gone.isEmpty else { return }
        offsets.update(group) { table in for place in gone { table[place] = nil } }
        for place in gone { rows.delete(Self.offsetsTable, key: Self.key(group, place)) }
        dropIfEmpty(group, &rows)
    }

    mutating func grow(_ name: String, _ partitions: Int32, _ rows: inout RowChanges) -> BrokerOutcome {
        guard var topic = topics[name] else { return .refused(.unknownTopic(name)) }
        if let refusal = refusalToGrow(topic, to: partitions) { return .refused(refusal) }
        partitionCount += Int(partitions) - Int(topic.partitions)
        topic.partitions = partitions
        topics[name] = topic
        rows.upsert(Self.topicsTable, Self.row(topic))
        return .grown(topic)
    }

    /// Why a topic cannot have this many partitions, nil if it can; asked before places are chosen.
    package func refusalToGrow(_ topic: TopicRecord, to partitions: Int32) -> BrokerRefusal? {
        guard partitions > topic.partitions else {
            return .invalidPartitionCount(
                partitions, reason: "the topic has \(topic.partitions) partitions, and partitions are never taken away")
        }
        guard partitionCount + Int(partitions) - Int(topic.partitions) <= Self.partitionsMax else {
            return .tooManyPartitions(limit: Self.partitionsMax)
        }
        return nil
    }

    mutating func commit(_ group: GroupID, _ entries: [OffsetEntry], _ time: WallTime, _ rows: inout RowChanges) -> BrokerOutcome {
        var table = offsets[group] ?? SortedTable()
        for entry in entries {
            let place = TopicPartition(entry.topic, entry.partition)
            // The topic may have gone since the request; offsets of a deleted topic would stay for ever.
            guard let topic = topics[entry.topic], entry.partition < topic.partitions else { continue }
            let committed = CommittedOffset(offset: entry.offset, leaderEpoch: entry.leaderEpoch, metadata: entry.metadata, time: time)
            table[place] = committed
            rows.upsert(Self.offsetsTable, Self.row(group, place, committed))
        }
        if !table.isEmpty { offsets[group] = table }
        return .done
    }

    private mutating func deleteGroup(_ group: GroupID, _ rows: inout RowChanges) -> BrokerOutcome {
        guard groups[group]?.isEmpty ?? true else { return .refused(.groupNotEmpty(group)) }
        guard groups[group] != nil || offsets[group] != nil || shares[group] != nil else { return .refused(.unknownGroup(group)) }
        var outcome = BrokerOutcome.done
        if shares[group] != nil { outcome = forgetShares(group, nil, &rows) }
        removeGroup(group, &rows)
        for place in offsets[group]?.keys ?? [] { rows.delete(Self.offsetsTable, key: Self.key(group, place)) }
        offsets[group] = nil
        return outcome
    }

    private mutating func reserve(_ count: Int64, _ rows: inout RowChanges) -> BrokerOutcome {
        let first = nextProducerID
        nextProducerID = nextProducerID.addingClamped(max(1, count))
        rows.upsert(Self.countersTable, [.text("producer"), .integer(nextProducerID)])
        return .producerIDs(first: first)
    }

    /// One fresh producer id.
    mutating func takeProducerID(_ rows: inout RowChanges) -> Int64 {
        guard case .producerIDs(let id) = reserve(1, &rows) else { preconditionFailure("reserving ids has one outcome") }
        return id
    }

    mutating func set(_ user: ScramUser, _ credential: ScramCredential?) { users[user] = credential }
    mutating func insert(_ rule: AccessRule) { accessRules.insert(rule) }
    mutating func remove(_ rule: AccessRule) { accessRules.remove(rule) }

    mutating func insert(_ transaction: Transaction) {
        transactions[transaction.name] = transaction
        transactionsUnderWay[transaction.name] = transaction.phase.isAtRest ? nil : true
    }

    mutating func remove(transaction name: String) {
        transactions[name] = nil
        transactionsUnderWay[name] = nil
    }
}

// MARK: rows

extension BrokerMachine {
    static let identityTable = TableSchema("identity", key: [.init("name", .text)], values: [.init("value", .blob)])
    static let countersTable = TableSchema("counters", key: [.init("name", .text)], values: [.init("next", .integer)])
    private static let topicColumns: [TableSchema.Column] = [
        .init("topic_id", .blob), .init("partitions", .integer), .init("configs", .blob),
    ]
    static let topicsTable = TableSchema("topics", key: [.init("name", .text)], values: topicColumns)
    static let droppedTable = TableSchema("dropped_topics", key: [.init("id_text", .text)], values: [.init("name", .text)] + topicColumns)
    static let offsetsTable = TableSchema(
        "offsets", key: [.init("consumer_group", .text), .init("topic", .text), .init("partition", .integer)],
        values: [.init("next_offset", .integer), .init("leader_epoch", .integer), .init("metadata", .text), .init("time_ms", .integer)])

    static let brokerConfigsTable = TableSchema("broker_configs", key: [.init("name", .text)], values: [.init("value", .text)])
    static let startOffsetsTable = TableSchema(
        "start_offsets", key: [.init("topic", .text), .init("partition", .integer)], values: [.init("first_offset", .integer)])

    package static var tables: [TableSchema] {
        [
            identityTable, countersTable, topicsTable, droppedTable, offsetsTable, transactionsTable, brokerConfigsTable, startOffsetsTable,
            usersTable,
            rulesTable, quotasTable, brokersTable, partitionsTable, groupsTable, groupMembersTable, tokensTable,
            sharesTable, groupConfigsTable,
        ]
    }

    static func blob(_ id: UUIDBytes) -> Bytes {
        var bytes = Bytes()
        bytes.writeInteger(id.high)
        bytes.writeInteger(id.low)
        return bytes
    }

    static func id(_ blob: Bytes?) throws(StateCorruption) -> UUIDBytes {
        guard var blob, let high = blob.readInteger(as: UInt64.self), let low = blob.readInteger(as: UInt64.self), blob.readableBytes == 0
        else {
            throw StateCorruption("an id is not 16 bytes long")
        }
        return UUIDBytes(high: high, low: low)
    }

    static func row(_ topic: TopicRecord) -> Row {
        [.text(topic.name), .blob(blob(topic.id)), .integer(Int64(topic.partitions)), .blob(blob(topic.configs))]
    }

    /// The form of settings in a column.
    static func blob(_ entries: [TopicConfigEntry]) -> Bytes {
        var writer = FieldWriter<DurableDialect>()
        var entries = entries
        do { try writer.list(&entries) } catch { preconditionFailure("settings of ours can always be encoded: \(error)") }
        return writer.buffer
    }

    static func key(_ group: GroupID, _ place: TopicPartition) -> Row {
        [.text(group.rawValue), .text(place.topic), .integer(Int64(place.partition))]
    }

    static func row(_ group: GroupID, _ place: TopicPartition, _ committed: CommittedOffset) -> Row {
        key(group, place) + [
            .integer(committed.offset), .integer(Int64(committed.leaderEpoch)), .text(committed.metadata),
            .integer(committed.time.milliseconds),
        ]
    }

    package mutating func load(_ row: Row, of table: TableSchema) throws(StateCorruption) {
        switch table.name {
        case Self.identityTable.name: clusterID = try Self.id(row[1].blob)
        case Self.countersTable.name:
            guard let next = row[1].integer else { throw StateCorruption("a counter has no value") }
            nextProducerID = next
        case Self.topicsTable.name: insert(try Self.topic(row[...]))
        case Self.droppedTable.name:
            let topic = try Self.topic(row.dropFirst())
            dropped[topic.id.uuidText] = topic
        case Self.offsetsTable.name: try loadOffset(row)
        case Self.transactionsTable.name: try loadTransaction(row)
        case Self.usersTable.name: try loadUser(row)
        case Self.rulesTable.name: try loadRule(row)
        case Self.brokersTable.name: try loadBroker(row)
        case Self.partitionsTable.name: try loadPartition(row)
        case Self.quotasTable.name: try loadQuota(row)
        case Self.groupsTable.name: try loadGroup(row)
        case Self.groupMembersTable.name: try loadGroupMember(row)
        case Self.tokensTable.name: try loadToken(row)
        case Self.sharesTable.name: try loadShare(row)
        case Self.groupConfigsTable.name: try loadGroupConfig(row)
        case Self.brokerConfigsTable.name:
            guard let name = row[0].text, let value = row[1].text else { throw StateCorruption("a setting of the broker has no value") }
            brokerConfigs[name] = value
        case Self.startOffsetsTable.name:
            guard let topic = row[0].text, let partition = row[1].integer.flatMap(Int32.init(exactly:)), let offset = row[2].integer else {
                throw StateCorruption("the start of a partition has no offset")
            }
            startOffsets[TopicPartition(topic, partition)] = offset
        default: throw StateCorruption("the broker has no table '\(table.name)'")
        }
    }

    private static func topic(_ row: ArraySlice<ColumnValue>) throws(StateCorruption) -> TopicRecord {
        let row = Array(row)
        guard let name = row[0].text, let partitions = row[2].integer.flatMap(Int32.init(exactly:)), let configs = row[3].blob else {
            throw StateCorruption("a topic's row is incomplete")
        }
        var reader = FieldReader<DurableDialect>(configs)
        var entries: [TopicConfigEntry] = []
        do { try reader.list(&entries) } catch { throw StateCorruption("the settings of topic '\(name)' cannot be read: \(error)") }
        return TopicRecord(name: name, id: try id(row[1].blob), partitions: partitions, configs: entries)
    }

    private mutating func loadOffset(_ row: Row) throws(StateCorruption) {
        guard let group = row[0].text, let topic = row[1].text, let partition = row[2].integer.flatMap(Int32.init(exactly:)),
            let offset = row[3].integer, let epoch = row[4].integer.flatMap(Int32.init(exactly:)), let metadata = row[5].text,
            let time = row[6].integer
        else { throw StateCorruption("a committed offset's row is incomplete") }
        let committed = CommittedOffset(offset: offset, leaderEpoch: epoch, metadata: metadata, time: WallTime(milliseconds: time))
        if offsets[GroupID(group)] == nil { offsets[GroupID(group)] = SortedTable() }
        offsets.update(GroupID(group)) { $0[TopicPartition(topic, partition)] = committed }
    }

    package mutating func finishLoading(applied: Slot) throws(StateCorruption) {
        for (group, table) in offsets.entries {
            for place in table.keys where topics[place.topic] == nil {
                throw StateCorruption("group '\(group)' has an offset of '\(place)', and there is no such topic")
            }
        }
        for (group, table) in shares.entries {
            for place in table.keys where topics[place.topic] == nil {
                throw StateCorruption("share group '\(group)' has come to something in '\(place)', and there is no such topic")
            }
        }
        for place in cluster.partitions.keys where topics[place.topic] == nil {
            throw StateCorruption("'\(place)' lies on brokers, and there is no such topic")
        }
    }
}
