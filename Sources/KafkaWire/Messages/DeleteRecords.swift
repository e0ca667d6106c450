// DeleteRecords: deletes the records below an offset. Source: Kafka protocol guide, api key 21.
import Base

package struct DeleteRecordsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(21) }
    package typealias Response = DeleteRecordsResponse

    package var topics: [Topic] = []
    package var timeoutMilliseconds: Int32 = 0

    package init() {}

    package init(topics: [Topic] = [], timeoutMilliseconds: Int32 = 0) {
        self.topics = topics
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics)
        try io.int32(&timeoutMilliseconds)
        try io.tags()
    }

    package typealias Topic = PerTopic<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var offset: Int64 = 0

        package init() {}

        package init(partition: Int32 = 0, offset: Int64 = 0) {
            self.partition = partition
            self.offset = offset
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.int64(&offset)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> DeleteRecordsResponse {
        DeleteRecordsResponse(
            topics: topics.map { topic in
                .init(
                    name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition, lowWatermark: -1, errorCode: code) }
                )
            })
    }
}

package struct DeleteRecordsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var topics: [TopicResult] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, topics: [TopicResult] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&topics)
        try io.tags()
    }

    package struct TopicResult: WireLayout, Equatable {
        package var name: String = ""
        package var partitions: [PartitionResult] = []

        package init() {}

        package init(name: String = "", partitions: [PartitionResult] = []) {
            self.name = name
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.list(&partitions)
            try io.tags()
        }

        package struct PartitionResult: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var lowWatermark: Int64 = 0
            package var errorCode: KafkaErrorCode = .none

            package init() {}

            package init(partition: Int32 = 0, lowWatermark: Int64 = 0, errorCode: KafkaErrorCode = .none) {
                self.partition = partition
                self.lowWatermark = lowWatermark
                self.errorCode = errorCode
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                try io.int64(&lowWatermark)
                try io.errorCode(&errorCode)
                try io.tags()
            }
        }
    }
}
