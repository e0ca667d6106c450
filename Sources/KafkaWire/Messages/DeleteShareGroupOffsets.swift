// DeleteShareGroupOffsets: removes topics from a share group without members. Source: Kafka protocol guide, api key 92; KIP-932.
import Base

package struct DeleteShareGroupOffsetsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(92) }
    package typealias Response = DeleteShareGroupOffsetsResponse

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

    package struct Topic: WireLayout, Equatable {
        package var topicName: String = ""

        package init() {}

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topicName)
            try io.tags()
        }
    }
}

package struct DeleteShareGroupOffsetsResponse: ThrottledResponse, CodedResponse, Equatable {
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
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package init(
            topicName: String = "", topicID: UUIDBytes = UUIDBytes(), errorCode: KafkaErrorCode = .none, errorMessage: String? = nil
        ) {
            self.topicName = topicName
            self.topicID = topicID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topicName)
            try io.uuid(&topicID)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.tags()
        }
    }
}
