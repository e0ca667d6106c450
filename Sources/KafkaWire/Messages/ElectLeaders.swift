// ElectLeaders: returns partitions to their preferred leaders. Source: Kafka protocol guide, api key 43.
import Base

package struct ElectLeadersRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(43) }
    package typealias Response = ElectLeadersResponse

    package var electionType: Int8 = 0
    package var topicPartitions: [Topic]?
    package var timeoutMilliseconds: Int32 = 60000

    package init() {}

    package init(electionType: Int8 = 0, topicPartitions: [Topic]? = nil, timeoutMilliseconds: Int32 = 60000) {
        self.electionType = electionType
        self.topicPartitions = topicPartitions
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 1 { try io.int8(&electionType) }
        try io.optionalList(&topicPartitions)
        try io.int32(&timeoutMilliseconds)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var topic: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package init(topic: String = "", partitions: [Int32] = []) {
            self.topic = topic
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topic)
            try io.int32s(&partitions)
            try io.tags()
        }
    }
}

package struct ElectLeadersResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var replicaElectionResults: [Topic] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, replicaElectionResults: [Topic] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.replicaElectionResults = replicaElectionResults
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        if io.version >= 1 { try io.errorCode(&errorCode) }
        try io.list(&replicaElectionResults)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var topic: String = ""
        package var partitionResult: [Partition] = []

        package init() {}

        package init(topic: String = "", partitionResult: [Partition] = []) {
            self.topic = topic
            self.partitionResult = partitionResult
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topic)
            try io.list(&partitionResult)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var partitionID: Int32 = 0
            package var errorCode: KafkaErrorCode = .none
            package var errorMessage: String?

            package init() {}

            package init(partitionID: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil) {
                self.partitionID = partitionID
                self.errorCode = errorCode
                self.errorMessage = errorMessage
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partitionID)
                try io.errorCode(&errorCode)
                try io.optionalString(&errorMessage)
                try io.tags()
            }
        }
    }
}
