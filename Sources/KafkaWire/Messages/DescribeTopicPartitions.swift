// DescribeTopicPartitions: topics page by page. Source: Kafka protocol guide, api key 75; KIP-966.
import Base

package struct DescribeTopicPartitionsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(75) }
    package typealias Response = DescribeTopicPartitionsResponse

    package var topics: [Topic] = []
    package var responsePartitionLimit: Int32 = 2000
    package var cursor: Cursor?

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics)
        try io.int32(&responsePartitionLimit)
        try io.optionalNested(&cursor)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""

        package init() {}

        package init(name: String = "") {
            self.name = name
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.tags()
        }
    }

    package struct Cursor: WireLayout, Equatable {
        package var topicName: String = ""
        package var partition: Int32 = 0

        package init() {}

        package init(topicName: String = "", partition: Int32 = 0) {
            self.topicName = topicName
            self.partition = partition
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topicName)
            try io.int32(&partition)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> DescribeTopicPartitionsResponse {
        DescribeTopicPartitionsResponse(topics: topics.map { .init(errorCode: code, name: $0.name) })
    }
}

package struct DescribeTopicPartitionsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var topics: [Topic] = []
    package var nextCursor: Cursor?

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, topics: [Topic] = [], nextCursor: Cursor? = nil) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.topics = topics
        self.nextCursor = nextCursor
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&topics)
        try io.optionalNested(&nextCursor)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var errorCode: KafkaErrorCode = .none
        package var name: String?
        package var topicID: UUIDBytes = UUIDBytes()
        package var isInternal: Bool = false
        package var partitions: [Partition] = []
        package var topicAuthorizedOperations: Int32 = unknownOperations

        package init() {}

        package init(
            errorCode: KafkaErrorCode = .none, name: String? = nil, topicID: UUIDBytes = UUIDBytes(), isInternal: Bool = false,
            partitions: [Partition] = [], topicAuthorizedOperations: Int32 = unknownOperations
        ) {
            self.errorCode = errorCode
            self.name = name
            self.topicID = topicID
            self.isInternal = isInternal
            self.partitions = partitions
            self.topicAuthorizedOperations = topicAuthorizedOperations
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.optionalString(&name)
            try io.uuid(&topicID)
            try io.bool(&isInternal)
            try io.list(&partitions)
            try io.int32(&topicAuthorizedOperations)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var errorCode: KafkaErrorCode = .none
            package var partition: Int32 = 0
            package var leaderID: Int32 = 0
            package var leaderEpoch: Int32 = -1
            package var replicaNodes: [Int32] = []
            package var isrNodes: [Int32] = []
            package var eligibleLeaderReplicas: [Int32]?
            package var lastKnownElr: [Int32]?
            package var offlineReplicas: [Int32] = []

            package init() {}

            package init(
                errorCode: KafkaErrorCode = .none, partition: Int32 = 0, leaderID: Int32 = 0, leaderEpoch: Int32 = -1,
                replicaNodes: [Int32] = [], isrNodes: [Int32] = [], eligibleLeaderReplicas: [Int32]? = nil, lastKnownElr: [Int32]? = nil,
                offlineReplicas: [Int32] = []
            ) {
                self.errorCode = errorCode
                self.partition = partition
                self.leaderID = leaderID
                self.leaderEpoch = leaderEpoch
                self.replicaNodes = replicaNodes
                self.isrNodes = isrNodes
                self.eligibleLeaderReplicas = eligibleLeaderReplicas
                self.lastKnownElr = lastKnownElr
                self.offlineReplicas = offlineReplicas
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.errorCode(&errorCode)
                try io.int32(&partition)
                try io.int32(&leaderID)
                try io.int32(&leaderEpoch)
                try io.int32s(&replicaNodes)
                try io.int32s(&isrNodes)
                try io.optionalInt32s(&eligibleLeaderReplicas)
                try io.optionalInt32s(&lastKnownElr)
                try io.int32s(&offlineReplicas)
                try io.tags()
            }
        }
    }

    package struct Cursor: WireLayout, Equatable {
        package var topicName: String = ""
        package var partition: Int32 = 0

        package init() {}

        package init(topicName: String = "", partition: Int32 = 0) {
            self.topicName = topicName
            self.partition = partition
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topicName)
            try io.int32(&partition)
            try io.tags()
        }
    }
}
