// DescribeShareGroupOffsets: the start offsets of share groups. Source: Kafka protocol guide, api key 90; KIP-932, KIP-1226.
import Base

package struct DescribeShareGroupOffsetsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(90) }
    package typealias Response = DescribeShareGroupOffsetsResponse

    package var groups: [Group] = []

    package init() {}

    package init(groups: [Group] = []) {
        self.groups = groups
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&groups)
        try io.tags()
    }

    package struct Group: WireLayout, Equatable {
        package var groupID: String = ""
        package var topics: [Topic]?

        package init() {}

        package init(groupID: String = "", topics: [Topic]? = nil) {
            self.groupID = groupID
            self.topics = topics
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&groupID)
            try io.optionalList(&topics)
            try io.tags()
        }
    }

    package struct Topic: WireLayout, Equatable {
        package var topicName: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package init(topicName: String = "", partitions: [Int32] = []) {
            self.topicName = topicName
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topicName)
            try io.int32s(&partitions)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> DescribeShareGroupOffsetsResponse {
        DescribeShareGroupOffsetsResponse(groups: groups.map { .init(groupID: $0.groupID, errorCode: code) })
    }
}

package struct DescribeShareGroupOffsetsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var groups: [Group] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, groups: [Group] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.groups = groups
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&groups)
        try io.tags()
    }

    package struct Group: WireLayout, Equatable {
        package var groupID: String = ""
        package var topics: [Topic] = []
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package init(groupID: String = "", topics: [Topic] = [], errorCode: KafkaErrorCode = .none, errorMessage: String? = nil) {
            self.groupID = groupID
            self.topics = topics
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&groupID)
            try io.list(&topics)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.tags()
        }
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
        /// The first unfinished record; -1 if no record was read yet.
        package var startOffset: Int64 = 0
        package var leaderEpoch: Int32 = 0
        /// Unfinished records, -1 if unknown here.
        package var lag: Int64 = -1
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package init(
            partition: Int32 = 0, startOffset: Int64 = 0, leaderEpoch: Int32 = 0, lag: Int64 = -1, errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil
        ) {
            self.partition = partition
            self.startOffset = startOffset
            self.leaderEpoch = leaderEpoch
            self.lag = lag
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.int64(&startOffset)
            try io.int32(&leaderEpoch)
            if io.version >= 1 { try io.int64(&lag) }
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.tags()
        }
    }
}
