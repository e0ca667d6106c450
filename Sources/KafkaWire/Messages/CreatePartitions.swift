// CreatePartitions: adds partitions to topics. Source: Kafka protocol guide, api key 37.
import Base

package struct CreatePartitionsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(37) }
    package typealias Response = CreatePartitionsResponse

    package var topics: [Topic] = []
    package var timeoutMilliseconds: Int32 = 0
    package var validateOnly: Bool = false

    package init() {}

    package init(topics: [Topic] = [], timeoutMilliseconds: Int32 = 0, validateOnly: Bool = false) {
        self.topics = topics
        self.timeoutMilliseconds = timeoutMilliseconds
        self.validateOnly = validateOnly
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics)
        try io.int32(&timeoutMilliseconds)
        try io.bool(&validateOnly)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var count: Int32 = 0
        package var assignments: [ReplicaAssignment]?

        package init() {}

        package init(name: String = "", count: Int32 = 0, assignments: [ReplicaAssignment]? = nil) {
            self.name = name
            self.count = count
            self.assignments = assignments
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int32(&count)
            try io.optionalList(&assignments)
            try io.tags()
        }

        package struct ReplicaAssignment: WireLayout, Equatable {
            package var brokerIDs: [Int32] = []

            package init() {}

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32s(&brokerIDs)
                try io.tags()
            }
        }
    }

    package func refused(_ code: KafkaErrorCode) -> CreatePartitionsResponse {
        CreatePartitionsResponse(results: topics.map { .init(name: $0.name, errorCode: code) })
    }
}

package struct CreatePartitionsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, results: [Result] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.results = results
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&results)
        try io.tags()
    }

    package struct Result: WireLayout, Equatable {
        package var name: String = ""
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package init(name: String = "", errorCode: KafkaErrorCode = .none, errorMessage: String? = nil) {
            self.name = name
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.tags()
        }
    }
}
