// OffsetForLeaderEpoch: the end offset of a leader's epoch, by which consumers detect a truncated log. Source: Kafka protocol guide, api
// key 23.
import Base

package struct OffsetForLeaderEpochRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(23) }
    package typealias Response = OffsetForLeaderEpochResponse

    package var replicaID: Int32 = -2
    package var topics: [Topic] = []

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 3 { try io.int32(&replicaID) }
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var topic: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package init(topic: String = "", partitions: [Partition] = []) {
            self.topic = topic
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topic)
            try io.list(&partitions)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var currentLeaderEpoch: Int32 = -1
            package var leaderEpoch: Int32 = 0

            package init() {}

            package init(partition: Int32 = 0, currentLeaderEpoch: Int32 = -1, leaderEpoch: Int32 = 0) {
                self.partition = partition
                self.currentLeaderEpoch = currentLeaderEpoch
                self.leaderEpoch = leaderEpoch
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                try io.int32(&currentLeaderEpoch)
                try io.int32(&leaderEpoch)
                try io.tags()
            }
        }
    }

    package func refused(_ code: KafkaErrorCode) -> OffsetForLeaderEpochResponse {
        OffsetForLeaderEpochResponse(
            topics: topics.map { topic in
                .init(topic: topic.topic, partitions: topic.partitions.map { .init(errorCode: code, partition: $0.partition) })
            })
    }
}

package struct OffsetForLeaderEpochResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, topics: [Topic] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var topic: String = ""
        package var partitions: [Partition] = []

        package init() {}

        package init(topic: String = "", partitions: [Partition] = []) {
            self.topic = topic
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&topic)
            try io.list(&partitions)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var errorCode: KafkaErrorCode = .none
            package var partition: Int32 = 0
            package var leaderEpoch: Int32 = -1
            package var endOffset: Int64 = -1

            package init() {}

            package init(errorCode: KafkaErrorCode = .none, partition: Int32 = 0, leaderEpoch: Int32 = -1, endOffset: Int64 = -1) {
                self.errorCode = errorCode
                self.partition = partition
                self.leaderEpoch = leaderEpoch
                self.endOffset = endOffset
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.errorCode(&errorCode)
                try io.int32(&partition)
                try io.int32(&leaderEpoch)
                try io.int64(&endOffset)
                try io.tags()
            }
        }
    }
}
