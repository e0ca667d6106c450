// DeleteTopics: deletes topics by name, or by id from version 6. Source: Kafka protocol guide, api key 20.
import Base

package struct DeleteTopicsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(20) }
    package typealias Response = DeleteTopicsResponse

    package var topics: [Topic] = []
    package var topicNames: [String] = []
    package var timeoutMilliseconds: Int32 = 0

    package init() {}

    package init(topics: [Topic] = [], topicNames: [String] = [], timeoutMilliseconds: Int32 = 0) {
        self.topics = topics
        self.topicNames = topicNames
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 6 { try io.list(&topics) }
        if io.version <= 5 { try io.strings(&topicNames) }
        try io.int32(&timeoutMilliseconds)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String?
        package var topicID: UUIDBytes = UUIDBytes()

        package init() {}

        package init(name: String? = nil, topicID: UUIDBytes = UUIDBytes()) {
            self.name = name
            self.topicID = topicID
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.optionalString(&name)
            try io.uuid(&topicID)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> DeleteTopicsResponse {
        DeleteTopicsResponse(
            responses: topicNames.map { .init(name: $0, errorCode: code) }
                + topics.map { .init(name: $0.name, topicID: $0.topicID, errorCode: code) })
    }
}

package struct DeleteTopicsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var responses: [Result] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, responses: [Result] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.responses = responses
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&responses)
        try io.tags()
    }

    package struct Result: WireLayout, Equatable {
        package var name: String?
        package var topicID: UUIDBytes = UUIDBytes()
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package init(
            name: String? = nil, topicID: UUIDBytes = UUIDBytes(), errorCode: KafkaErrorCode = .none, errorMessage: String? = nil
        ) {
            self.name = name
            self.topicID = topicID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name, nullableFrom: 6)
            if io.version >= 6 { try io.uuid(&topicID) }
            try io.errorCode(&errorCode)
            if io.version >= 5 { try io.optionalString(&errorMessage) }
            try io.tags()
        }
    }
}
