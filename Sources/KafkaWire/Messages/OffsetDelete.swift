// OffsetDelete: deletes committed offsets of single partitions. Source: Kafka protocol guide, api key 47; KIP-496.
import Base

package struct OffsetDeleteRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(47) }
    package typealias Response = OffsetDeleteResponse

    package var groupID: String = ""
    package var topics: [Topic] = []

    package init() {}

    package init(groupID: String = "", topics: [Topic] = []) {
        self.groupID = groupID
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&groupID)
        try io.list(&topics)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0

        package init() {}

        package init(partition: Int32 = 0) {
            self.partition = partition
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.tags()
        }
    }
}

package struct OffsetDeleteResponse: ThrottledResponse, CodedResponse, Equatable {
    package var errorCode: KafkaErrorCode = .none
    package var throttleTimeMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, throttleTimeMilliseconds: Int32 = 0, topics: [Topic] = []) {
        self.errorCode = errorCode
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&topics)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

    package typealias Partition = PartitionResult
}
