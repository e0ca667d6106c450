// ListPartitionReassignments: partitions that are moving to other brokers. Source: Kafka protocol guide, api key 46.
import Base

package struct ListPartitionReassignmentsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(46) }
    package typealias Response = ListPartitionReassignmentsResponse

    package var timeoutMilliseconds: Int32 = 60000
    /// nil for all.
    package var topics: [Topic]?

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&timeoutMilliseconds)
        try io.optionalList(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int32s(&partitions)
            try io.tags()
        }
    }
}

package struct ListPartitionReassignmentsResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var topics: [Topic] = []

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, topics: [Topic] = []) {
        self.errorCode = errorCode
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.list(&topics)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var replicas: [Int32] = []
        package var adding: [Int32] = []
        package var removing: [Int32] = []

        package init() {}

        package init(partition: Int32, replicas: [Int32], adding: [Int32], removing: [Int32]) {
            self.partition = partition
            self.replicas = replicas
            self.adding = adding
            self.removing = removing
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.int32s(&replicas)
            try io.int32s(&adding)
            try io.int32s(&removing)
            try io.tags()
        }
    }
}
