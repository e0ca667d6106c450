// Parts that many messages share: a topic and something for each of its partitions.
import Base

/// Something about each of a topic's partitions; the topic by its name.
package struct PerTopic<Element: WireLayout & Equatable>: WireLayout, Equatable {
    package typealias Partition = Element

    package var name: String = ""
    package var partitions: [Partition] = []

    package init() {}

    package init(name: String = "", partitions: [Partition] = []) {
        self.name = name
        self.partitions = partitions
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.list(&partitions)
        try io.tags()
    }
}

/// The same; the topic by its id.
package struct PerTopicID<Element: WireLayout & Equatable>: WireLayout, Equatable {
    package typealias Partition = Element

    package var topicID: UUIDBytes = UUIDBytes()
    package var partitions: [Partition] = []

    package init() {}

    package init(topicID: UUIDBytes = UUIDBytes(), partitions: [Partition] = []) {
        self.topicID = topicID
        self.partitions = partitions
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uuid(&topicID)
        try io.list(&partitions)
        try io.tags()
    }
}

/// Partitions of a topic, by their numbers; the topic by its id.
package struct TopicPartitions: WireLayout, Equatable {
    package var topicID: UUIDBytes = UUIDBytes()
    package var partitions: [Int32] = []

    package init() {}

    package init(topicID: UUIDBytes = UUIDBytes(), partitions: [Int32] = []) {
        self.topicID = topicID
        self.partitions = partitions
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uuid(&topicID)
        try io.int32s(&partitions)
        try io.tags()
    }
}

/// A partition's number, and how the request went there.
package struct PartitionResult: WireLayout, Equatable {
    package var partition: Int32 = 0
    package var errorCode: KafkaErrorCode = .none

    package init() {}

    package init(partition: Int32 = 0, errorCode: KafkaErrorCode = .none) {
        self.partition = partition
        self.errorCode = errorCode
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&partition)
        try io.errorCode(&errorCode)
        try io.tags()
    }
}
