// AlterShareGroupOffsets: sets the start offsets of a share group without members. Source: Kafka protocol guide, api key 91; KIP-932.
import Base

package struct AlterShareGroupOffsetsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(91) }
    package typealias Response = AlterShareGroupOffsetsResponse

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
        package var startOffset: Int64 = 0

        package init() {}

        package init(partition: Int32 = 0, startOffset: Int64 = 0) {
            self.partition = partition
            self.startOffset = startOffset
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.int64(&startOffset)
            try io.tags()
        }
    }
}

package struct AlterShareGroupOffsetsResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var topics: [Topic] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, topics: [Topic] = [])
    {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var topicName: String = ""
        package var topicID: UUIDBytes = UUIDBytes()
        package var partitions: [Partition] = []

        package init() {}

        package init(topicName: String = "", topicID: UUIDBytes = UUIDBytes(), partitions: [Partition] = []) {
            self.topicName = topicName
            self.topicID = topicID
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topicName)
            try io.uuid(&topicID)
            try io.list(&partitions)
            try io.tags()
        }
    }

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package init(partition: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil) {
            self.partition = partition
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.tags()
        }
    }
}
