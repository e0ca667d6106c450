// AlterPartitionReassignments: the new replicas of partitions. Source: Kafka protocol guide, api key 45.
import Base

package struct AlterPartitionReassignmentsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(45) }
    package typealias Response = AlterPartitionReassignmentsResponse

    package var timeoutMilliseconds: Int32 = 60000
    /// Whether the number of a partition's replicas may change (KIP-860).
    package var allowReplicationFactorChange: Bool = true
    package var topics: [Topic] = []

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&timeoutMilliseconds)
        if io.version >= 1 { try io.bool(&allowReplicationFactorChange) }
        try io.list(&topics)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        /// nil cancels the reassignment.
        package var replicas: [Int32]?

        package init() {}

        package init(partition: Int32 = 0, replicas: [Int32]? = nil) {
            self.partition = partition
            self.replicas = replicas
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.optionalArray(&replicas, empty: 0) { (replica: inout Int32, io: inout C) throws(WireError) in try io.int32(&replica)
            }
            try io.tags()
        }
    }
}

package struct AlterPartitionReassignmentsResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    /// As in the request.
    package var allowReplicationFactorChange: Bool = true
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var responses: [Topic] = []

    package init() {}

    package init(
        allowReplicationFactorChange: Bool = true, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, responses: [Topic] = []
    ) {
        self.allowReplicationFactorChange = allowReplicationFactorChange
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.responses = responses
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        if io.version >= 1 { try io.bool(&allowReplicationFactorChange) }
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.list(&responses)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

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
