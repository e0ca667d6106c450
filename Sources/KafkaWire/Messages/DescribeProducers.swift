// DescribeProducers: the producers of a partition, and their open transactions there. Source: Kafka protocol guide, api key 61.
import Base

package struct DescribeProducersRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(61) }
    package typealias Response = DescribeProducersResponse

    package var topics: [Topic] = []

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics)
        try io.tags()
    }

    package struct Topic: WireLayout, Equatable {
        package var name: String = ""
        package var partitionIndexes: [Int32] = []

        package init() {}

        package init(name: String = "", partitionIndexes: [Int32] = []) {
            self.name = name
            self.partitionIndexes = partitionIndexes
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int32s(&partitionIndexes)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> DescribeProducersResponse {
        DescribeProducersResponse(
            topics: topics.map { topic in
                .init(name: topic.name, partitions: topic.partitionIndexes.map { .init(partition: $0, errorCode: code) })
            })
    }
}

package struct DescribeProducersResponse: ThrottledResponse, Equatable {
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

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var activeProducers: [Producer] = []

        package init() {}

        package init(
            partition: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, activeProducers: [Producer] = []
        ) {
            self.partition = partition
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.activeProducers = activeProducers
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.list(&activeProducers)
            try io.tags()
        }

        package struct Producer: WireLayout, Equatable {
            package var producerID: Int64 = 0
            package var producerEpoch: Int32 = 0
            package var lastSequence: Int32 = -1
            package var lastTimestamp: Int64 = -1
            package var coordinatorEpoch: Int32 = 0
            package var currentTxnStartOffset: Int64 = -1

            package init() {}

            package init(
                producerID: Int64 = 0, producerEpoch: Int32 = 0, lastSequence: Int32 = -1, lastTimestamp: Int64 = -1,
                coordinatorEpoch: Int32 = 0, currentTxnStartOffset: Int64 = -1
            ) {
                self.producerID = producerID
                self.producerEpoch = producerEpoch
                self.lastSequence = lastSequence
                self.lastTimestamp = lastTimestamp
                self.coordinatorEpoch = coordinatorEpoch
                self.currentTxnStartOffset = currentTxnStartOffset
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int64(&producerID)
                try io.int32(&producerEpoch)
                try io.int32(&lastSequence)
                try io.int64(&lastTimestamp)
                try io.int32(&coordinatorEpoch)
                try io.int64(&currentTxnStartOffset)
                try io.tags()
            }
        }
    }
}
