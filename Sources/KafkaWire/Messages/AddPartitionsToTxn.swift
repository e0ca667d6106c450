// AddPartitionsToTxn: partitions join a transaction before the producer writes to them. Versions from 4 on are for brokers only.
// Source: Kafka protocol guide, api key 24.
import Base

package struct AddPartitionsToTxnRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(24) }
    package typealias Response = AddPartitionsToTxnResponse

    package var transactionalID: String = ""
    package var producerID: Int64 = 0
    package var producerEpoch: Int16 = 0
    package var topics: [Topic] = []

    package init() {}

    package init(transactionalID: String = "", producerID: Int64 = 0, producerEpoch: Int16 = 0, topics: [Topic] = []) {
        self.transactionalID = transactionalID
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&transactionalID)
        try io.int64(&producerID)
        try io.int16(&producerEpoch)
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package init(name: String = "", partitions: [Int32] = []) {
            self.name = name
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int32s(&partitions)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> AddPartitionsToTxnResponse {
        AddPartitionsToTxnResponse(
            resultsByTopic: topics.map { topic in
                .init(name: topic.name, resultsByPartition: topic.partitions.map { .init(partition: $0, errorCode: code) })
            })
    }
}

package struct AddPartitionsToTxnResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var resultsByTopic: [TopicResult] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, resultsByTopic: [TopicResult] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.resultsByTopic = resultsByTopic
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&resultsByTopic)
        try io.tags()
    }

    package struct TopicResult: WireLayout, Equatable {
        package var name: String = ""
        package var resultsByPartition: [PartitionResult] = []

        package init() {}

        package init(name: String = "", resultsByPartition: [PartitionResult] = []) {
            self.name = name
            self.resultsByPartition = resultsByPartition
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.list(&resultsByPartition)
            try io.tags()
        }
    }
}
