// OffsetCommit: commits a group's offsets. From version 10 on topics are named by id. Source: Kafka protocol guide, api key 8.
import Base

package struct OffsetCommitRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(8) }
    package typealias Response = OffsetCommitResponse

    package var groupID: String = ""
    package var generationID: Int32 = -1
    package var memberID: String = ""
    package var groupInstanceID: String?
    package var retentionTimeMilliseconds: Int64 = -1
    package var topics: [Topic] = []

    package init() {}

    package init(
        groupID: String = "", generationID: Int32 = -1, memberID: String = "", groupInstanceID: String? = nil,
        retentionTimeMilliseconds: Int64 = -1, topics: [Topic] = []
    ) {
        self.groupID = groupID
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.retentionTimeMilliseconds = retentionTimeMilliseconds
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&groupID)
        try io.int32(&generationID)
        try io.string(&memberID)
        if io.version >= 7 { try io.optionalString(&groupInstanceID) }
        if io.version <= 4 { try io.int64(&retentionTimeMilliseconds) }
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var topicID: UUIDBytes = UUIDBytes()
        package var partitions: [Partition] = []

        package init() {}

        package init(name: String = "", topicID: UUIDBytes = UUIDBytes(), partitions: [Partition] = []) {
            self.name = name
            self.topicID = topicID
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            if io.version <= 9 { try io.string(&name) } else { try io.uuid(&topicID) }
            try io.list(&partitions)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var committedOffset: Int64 = 0
            package var committedLeaderEpoch: Int32 = -1
            package var committedMetadata: String?

            package init() {}

            package init(
                partition: Int32 = 0, committedOffset: Int64 = 0, committedLeaderEpoch: Int32 = -1, committedMetadata: String? = nil
            ) {
                self.partition = partition
                self.committedOffset = committedOffset
                self.committedLeaderEpoch = committedLeaderEpoch
                self.committedMetadata = committedMetadata
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                try io.int64(&committedOffset)
                if io.version >= 6 { try io.int32(&committedLeaderEpoch) }
                try io.optionalString(&committedMetadata)
                try io.tags()
            }
        }
    }

    package func refused(_ code: KafkaErrorCode) -> OffsetCommitResponse {
        OffsetCommitResponse(
            topics: topics.map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code) })
            })
    }
}

package struct OffsetCommitResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, topics: [Topic] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 3 { try io.int32(&throttleTimeMilliseconds) }
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var topicID: UUIDBytes = UUIDBytes()
        package var partitions: [Partition] = []

        package init() {}

        package init(name: String = "", topicID: UUIDBytes = UUIDBytes(), partitions: [Partition] = []) {
            self.name = name
            self.topicID = topicID
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            if io.version <= 9 { try io.string(&name) } else { try io.uuid(&topicID) }
            try io.list(&partitions)
            try io.tags()
        }

        package typealias Partition = PartitionResult
    }
}
