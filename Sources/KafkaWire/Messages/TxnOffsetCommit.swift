// TxnOffsetCommit: offsets that take effect with the transaction's commit. Source: Kafka protocol guide, api key 28.
import Base

package struct TxnOffsetCommitRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(28) }
    package typealias Response = TxnOffsetCommitResponse

    package var transactionalID: String = ""
    package var groupID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var generationID: Int32 = -1
    package var memberID: String = ""
    package var groupInstanceID: String?
    package var topics: [Topic] = []

    package init() {}

    package init(
        transactionalID: String = "", groupID: String = "", producerID: Int64 = 0, producerEpoch: Int16 = 0, generationID: Int32 = -1,
        memberID: String = "", groupInstanceID: String? = nil, topics: [Topic] = []
    ) {
        self.transactionalID = transactionalID
        self.groupID = groupID
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&transactionalID)
        try io.string(&groupID)
        try io.int64(&producerID)
        try io.int16(&producerEpoch)
        if io.version >= 3 {
            try io.int32(&generationID)
            try io.string(&memberID)
            try io.optionalString(&groupInstanceID)
        }
        try io.list(&topics)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

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
            if io.version >= 2 { try io.int32(&committedLeaderEpoch) }
            try io.optionalString(&committedMetadata)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> TxnOffsetCommitResponse {
        TxnOffsetCommitResponse(
            topics: topics.map { topic in
                .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code) })
            })
    }
}

package struct TxnOffsetCommitResponse: ThrottledResponse, Equatable {
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

    package typealias Topic = PerTopic<Partition>

    package typealias Partition = PartitionResult
}
