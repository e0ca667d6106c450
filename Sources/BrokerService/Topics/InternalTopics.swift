// Kafka's topics for offsets, transactions and share groups. Here the metadata holds all of that, so these topics have no records. They are
// listed for tools that expect them, read as empty, and refuse creation, writes and changes by clients. Source: Kafka's
// org.apache.kafka.common.internals.Topic.
import Base
import BrokerCore
import KafkaWire

/// An internal topic of the broker.
enum InternalTopic: String, CaseIterable {
    case consumerOffsets = "__consumer_offsets"
    case transactionState = "__transaction_state"
    case shareGroupState = "__share_group_state"

    /// Kafka's numbers (offsets.topic.num.partitions, transaction.state.log.num.partitions, share.coordinator.state.topic.num.partitions).
    static let partitionCount: Int32 = 50
    private static let idPrefix: UInt64 = 0x5f5f_696e_7465_726e

    init?(id: UUIDBytes) {
        guard id.high == Self.idPrefix, let topic = Self.allCases.first(where: { $0.id == id }) else { return nil }
        self = topic
    }

    /// Whether a name is that of an internal topic. hot: `platform-bench broker`, called for each partition of a Produce.
    static func isName(_ name: String) -> Bool { name.utf8.starts(with: "__".utf8) && InternalTopic(rawValue: name) != nil }

    var id: UUIDBytes { UUIDBytes(high: Self.idPrefix, low: UInt64(Self.allCases.firstIndex(of: self) ?? 0) + 1) }

    /// The topic with Kafka's settings.
    var record: TopicRecord {
        let policy = self == .shareGroupState ? "delete" : "compact"
        return TopicRecord(
            name: rawValue, id: id, partitions: Self.partitionCount,
            configs: [.init(name: "cleanup.policy", value: policy), .init(name: "segment.bytes", value: "104857600")])
    }

    /// Whether Kafka would have created it by now.
    fileprivate func isUsed(_ machine: BrokerMachine) -> Bool {
        switch self {
        case .consumerOffsets: !machine.offsets.isEmpty || !machine.groups.isEmpty
        case .transactionState: !machine.transactions.isEmpty
        case .shareGroupState: !machine.shares.isEmpty
        }
    }

    /// The reason for refusing a client's change of an internal topic.
    static func refusal(_ name: String) -> String { "'\(name)' is an internal topic: the broker keeps it, and clients can only read it" }
}

extension Broker {
    /// The listed internal topics: those in use without an older client topic of the same name.
    var shownInternalTopics: [TopicRecord] {
        InternalTopic.allCases.filter { machine.topics[$0.rawValue] == nil && $0.isUsed(machine) }.map(\.record)
    }

    /// The topic of a name, internal ones included.
    func shownTopic(_ name: String) -> TopicRecord? { machine.topics[name] ?? InternalTopic(rawValue: name)?.record }

    /// The name of a topic id, internal ones included.
    func topicName(id: UUIDBytes) -> String? { machine.topic(id: id)?.name ?? InternalTopic(id: id)?.rawValue }

    /// Whether this is a partition of an internal topic, which reads as empty.
    func isEmptyInternal(_ place: TopicPartition) -> Bool {
        InternalTopic.isName(place.topic) && machine.topics[place.topic] == nil
            && (0..<InternalTopic.partitionCount).contains(place.partition)
    }

    /// The state of an internal topic's partition: the live brokers lead in turn.
    func internalState(of place: TopicPartition) -> PartitionState? {
        guard isEmptyInternal(place) else { return nil }
        let alive = isClustered ? machine.cluster.alive : [settings.nodeID]
        guard !alive.isEmpty else { return PartitionState(replicas: [], inSync: [], leader: -1) }
        let leader = alive[Int(place.partition) % alive.count]
        return PartitionState(replicas: [leader], inSync: [leader], leader: leader)
    }
}
