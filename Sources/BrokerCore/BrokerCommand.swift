// The broker's durable commands. A command states the result, never the request behind it; the proposer draws random values (ids) and
// puts them into the command. A tag keeps its meaning for ever: a changed command is a new tag.
import Base

/// A change of the broker's metadata.
package enum BrokerCommand: WireLayout, Equatable {
    /// Gives the cluster its id, once.
    case identify(clusterID: UUIDBytes)
    case createTopic(TopicRecord)
    case deleteTopic(name: String)
    /// Sets the number of partitions, which can only grow.
    case growTopic(name: String, partitions: Int32)
    /// The files of a deleted topic are gone.
    case forgetDropped(topicID: UUIDBytes)
    case commitOffsets(group: GroupID, [OffsetEntry])
    case deleteGroup(GroupID)
    /// Reserves a block of producer ids.
    case reserveProducerIDs(count: Int64)
    case transaction(TransactionCommand)
    case alterTopic(name: String, ConfigChange)
    /// Settings of the broker itself, also the defaults of topics.
    case alterBroker(ConfigChange)
    /// Deletes the records below these offsets.
    case deleteRecords([PartitionOffset])
    case deleteOffsets(group: GroupID, [TopicPartition])
    case security(SecurityCommand)
    case cluster(ClusterCommand)
    case quotas(QuotaCommand)
    case token(TokenCommand)
    /// The membership of a group, written by its coordinator.
    case storeGroup(GroupID, by: CoordinatorClaim, StoredGroupChange)
    case share(ShareCommand)

    package init() { self = .deleteTopic(name: "") }

    private var tag: Int8 {
        switch self {
        case .identify: 1
        case .createTopic: 2
        case .deleteTopic: 3
        case .growTopic: 4
        case .forgetDropped: 5
        case .commitOffsets: 6
        case .deleteGroup: 7
        case .reserveProducerIDs: 8
        case .transaction: 9
        case .alterTopic: 10
        case .alterBroker: 11
        case .deleteRecords: 12
        case .deleteOffsets: 13
        case .security: 14
        case .cluster: 16
        case .quotas: 15
        case .token: 17
        case .storeGroup(_, let claim, _): claim.standing == nil ? 18 : 19
        case .share: 20
        }
    }

    private static func blank(_ tag: Int8) throws(WireError) -> BrokerCommand {
        switch tag {
        case 1: .identify(clusterID: UUIDBytes())
        case 2: .createTopic(TopicRecord())
        case 3: .deleteTopic(name: "")
        case 4: .growTopic(name: "", partitions: 0)
        case 5: .forgetDropped(topicID: UUIDBytes())
        case 6: .commitOffsets(group: GroupID(""), [])
        case 7: .deleteGroup(GroupID(""))
        case 8: .reserveProducerIDs(count: 0)
        case 9: .transaction(TransactionCommand())
        case 10: .alterTopic(name: "", ConfigChange())
        case 11: .alterBroker(ConfigChange())
        case 12: .deleteRecords([])
        case 13: .deleteOffsets(group: GroupID(""), [])
        case 14: .security(SecurityCommand())
        case 16: .cluster(ClusterCommand())
        case 15: .quotas(QuotaCommand())
        case 17: .token(TokenCommand())
        case 18: .storeGroup(GroupID(""), by: CoordinatorClaim(), StoredGroupChange())
        case 19: .storeGroup(GroupID(""), by: CoordinatorClaim(0, standing: 0), StoredGroupChange())
        case 20: .share(ShareCommand())
        default: throw .unknownTag("broker command", Int(tag))
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = self.tag
        try io.int8(&tag)
        if tag != self.tag { self = try Self.blank(tag) }
        switch self {
        case .identify(var id):
            try io.uuid(&id)
            self = .identify(clusterID: id)
        case .createTopic(var topic):
            try io.nested(&topic)
            self = .createTopic(topic)
        case .deleteTopic(var name):
            try io.string(&name)
            self = .deleteTopic(name: name)
        case .growTopic(var name, var partitions):
            try io.string(&name)
            try io.int32(&partitions)
            self = .growTopic(name: name, partitions: partitions)
        case .forgetDropped(var id):
            try io.uuid(&id)
            self = .forgetDropped(topicID: id)
        case .commitOffsets(var group, var entries):
            try io.id(&group)
            try io.list(&entries)
            self = .commitOffsets(group: group, entries)
        case .deleteGroup(var group):
            try io.id(&group)
            self = .deleteGroup(group)
        case .reserveProducerIDs(var count):
            try io.int64(&count)
            self = .reserveProducerIDs(count: count)
        case .transaction(var command):
            try io.nested(&command)
            self = .transaction(command)
        case .alterTopic(var name, var change):
            try io.string(&name)
            try io.nested(&change)
            self = .alterTopic(name: name, change)
        case .alterBroker(var change):
            try io.nested(&change)
            self = .alterBroker(change)
        case .deleteRecords(var offsets):
            try io.list(&offsets)
            self = .deleteRecords(offsets)
        case .deleteOffsets(var group, var partitions):
            try io.id(&group)
            try io.list(&partitions)
            self = .deleteOffsets(group: group, partitions)
        case .security(var command):
            try io.nested(&command)
            self = .security(command)
        case .cluster(var command):
            try io.nested(&command)
            self = .cluster(command)
        case .quotas(var command):
            try io.nested(&command)
            self = .quotas(command)
        case .token(var command):
            try io.nested(&command)
            self = .token(command)
        case .storeGroup(var group, var claim, var change):
            try io.id(&group)
            try io.nested(&claim)
            try io.nested(&change)
            self = .storeGroup(group, by: claim, change)
        case .share(var command):
            try io.nested(&command)
            self = .share(command)
        }
    }
}

/// Settings to set and to remove together.
package struct ConfigChange: WireLayout, Hashable {
    package var set: [TopicConfigEntry] = []
    package var removed: [String] = []
    /// Whether settings outside `set` are removed.
    package var replacesAll = false

    package init() {}
    package init(set: [TopicConfigEntry], removed: [String] = [], replacesAll: Bool = false) {
        self.set = set
        self.removed = removed
        self.replacesAll = replacesAll
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&set)
        try io.strings(&removed)
        try io.bool(&replacesAll)
    }

    /// The settings after the change.
    package func applied(to entries: [TopicConfigEntry]) -> [TopicConfigEntry] {
        let names = Set((set.map(\.name) + removed).map { ExactText($0) })
        return (replacesAll ? [] : entries.filter { !names.contains(ExactText($0.name)) }) + set
    }
}

/// An offset of a partition.
package struct PartitionOffset: WireLayout, Hashable {
    package var partition = TopicPartition()
    package var offset: Int64 = 0

    package init() {}
    package init(_ partition: TopicPartition, _ offset: Int64) {
        self.partition = partition
        self.offset = offset
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.nested(&partition)
        try io.int64(&offset)
    }
}

/// A topic as it is stored.
package struct TopicRecord: WireLayout, Hashable {
    package var name = ""
    package var id = UUIDBytes()
    package var partitions: Int32 = 1
    /// Stated settings only; the rest follows the broker's defaults.
    package var configs: [TopicConfigEntry] = []

    package init() {}
    package init(name: String, id: UUIDBytes, partitions: Int32, configs: [TopicConfigEntry] = []) {
        self.name = name
        self.id = id
        self.partitions = partitions
        self.configs = configs
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.uuid(&id)
        try io.int32(&partitions)
        try io.list(&configs)
    }
}

/// How far a group has read one partition.
package struct OffsetEntry: WireLayout, Hashable {
    package var topic = ""
    package var partition: Int32 = 0
    /// The offset to read next.
    package var offset: Int64 = 0
    package var leaderEpoch: Int32 = -1
    package var metadata = ""

    package init() {}
    package init(topic: String, partition: Int32, offset: Int64, leaderEpoch: Int32 = -1, metadata: String = "") {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.leaderEpoch = leaderEpoch
        self.metadata = metadata
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&topic)
        try io.int32(&partition)
        try io.int64(&offset)
        try io.int32(&leaderEpoch)
        try io.string(&metadata)
    }
}

/// The outcome of a command.
package enum BrokerOutcome: Sendable, Equatable {
    case done
    case created(TopicRecord)
    case deleted(TopicRecord)
    case grown(TopicRecord)
    case altered(TopicRecord)
    case brokerAltered
    /// The access rules have changed.
    case rulesChanged
    /// The new first offsets of partitions.
    case recordsDeleted([PartitionOffset])
    /// The first id of the block.
    case producerIDs(first: Int64)
    /// The transaction after the command.
    case transaction(Transaction)
    /// The states of these partitions have changed.
    case placed([TopicPartition])
    case registered(BrokerRecord, [TopicPartition])
    case unregistered(Int32)
    /// One verdict for each store.
    case sharesStored([ShareStoreVerdict])
    /// The state of these share partitions was reset or removed; their leaders restart from the stored state.
    case sharesReset(GroupID, [TopicPartition])
    case refused(BrokerRefusal)
}

/// An expected refusal; the door maps each to a code of the protocol.
package enum BrokerRefusal: Error, Sendable, Equatable {
    case topicExists(String)
    case unknownTopic(String)
    case invalidTopicName(String, reason: String)
    case invalidPartitionCount(Int32, reason: String)
    case unknownGroup(GroupID)
    case tooManyPartitions(limit: Int)
    /// No transaction of this name has this producer id.
    case unknownTransaction(String)
    /// A later instance of the producer has taken over.
    case producerFenced(String)
    /// The transaction is being completed; the client retries.
    case transactionCompleting(String)
    /// The transaction is open; it must be aborted first.
    case transactionOpen(String)
    case invalidTransactionState(String, reason: String)
    case tooManyTransactions(limit: Int)
    case unknownUser(String)
    case tooManyUsers(limit: Int)
    case tooManyRules(limit: Int)
    case invalidReplicas(reason: String)
    /// The broker has registered again since, or never did.
    case staleBroker(Int32)
    /// The leader's change is based on an earlier state of the partition.
    case partitionChanged(TopicPartition)
    case notCoordinator(GroupID)
    case groupNotEmpty(GroupID)
    case tooManySharePartitions(limit: Int)
    case tooManyGroupSettings(limit: Int)
    case tooManyBrokers(limit: Int)
    case unknownBroker(Int32)
    /// The broker holds replicas, which must move first.
    case brokerHoldsPartitions(Int32, count: Int)
    case tooManyQuotas(limit: Int)
    case unknownToken
    case tooManyTokens(limit: Int)
    /// The metadata log or the files take no writes at present.
    case notWritable
}
