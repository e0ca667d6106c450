// ListOffsets: the offset of a time, or of the ends of a partition (-1 latest, -2 earliest, -3 highest timestamp, -4 earliest on the broker
// itself, -5 last in tiered storage, -6 earliest not yet in tiered storage).
// Source: Kafka protocol guide, api key 2.
import Base

package struct ListOffsetsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(2) }
    package typealias Response = ListOffsetsResponse

    package var replicaID: Int32 = 0
    package var isolationLevel: Int8 = 0
    package var topics: [Topic] = []
    /// Longest wait for tiered storage.
    package var timeoutMilliseconds: Int32 = 0

    package init() {}

    package init(replicaID: Int32 = 0, isolationLevel: Int8 = 0, topics: [Topic] = [], timeoutMilliseconds: Int32 = 0) {
        self.replicaID = replicaID
        self.isolationLevel = isolationLevel
        self.topics = topics
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&replicaID)
        if io.version >= 2 { try io.int8(&isolationLevel) }
        try io.list(&topics)
        if io.version >= 10 { try io.int32(&timeoutMilliseconds) }
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var currentLeaderEpoch: Int32 = -1
        package var timestamp: Int64 = 0

        package init() {}

        package init(partition: Int32 = 0, currentLeaderEpoch: Int32 = -1, timestamp: Int64 = 0) {
            self.partition = partition
            self.currentLeaderEpoch = currentLeaderEpoch
            self.timestamp = timestamp
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            if io.version >= 4 { try io.int32(&currentLeaderEpoch) }
            try io.int64(&timestamp)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> ListOffsetsResponse {
        ListOffsetsResponse(
            topics: topics.map { topic in
                .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code) })
            })
    }
}

package struct ListOffsetsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, topics: [Topic] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 2 { try io.int32(&throttleTimeMilliseconds) }
        try io.list(&topics)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var errorCode: KafkaErrorCode = .none
        package var timestamp: Int64 = -1
        package var offset: Int64 = -1
        package var leaderEpoch: Int32 = -1

        package init() {}

        package init(
            partition: Int32 = 0, errorCode: KafkaErrorCode = .none, timestamp: Int64 = -1, offset: Int64 = -1,
            leaderEpoch: Int32 = -1
        ) {
            self.partition = partition
            self.errorCode = errorCode
            self.timestamp = timestamp
            self.offset = offset
            self.leaderEpoch = leaderEpoch
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.errorCode(&errorCode)
            try io.int64(&timestamp)
            try io.int64(&offset)
            if io.version >= 4 { try io.int32(&leaderEpoch) }
            try io.tags()
        }
    }
}
