// DescribeLogDirs: the directories and sizes of partitions. Source: Kafka protocol guide, api key 35.
import Base

package struct DescribeLogDirsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(35) }
    package typealias Response = DescribeLogDirsResponse

    package var topics: [Topic]?

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalList(&topics)
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

package struct DescribeLogDirsResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var results: [Result] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, results: [Result] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.results = results
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        if io.version >= 3 { try io.errorCode(&errorCode) }
        try io.list(&results)
        try io.tags()
    }

    package struct Result: WireLayout, Equatable {
        package var errorCode: KafkaErrorCode = .none
        package var logDir: String = ""
        package var topics: [Topic] = []
        package var totalBytes: Int64 = -1
        package var usableBytes: Int64 = -1
        /// Whether the directory takes no new partitions (KIP-1066).
        package var isCordoned: Bool = false

        package init() {}

        package init(
            errorCode: KafkaErrorCode = .none, logDir: String = "", topics: [Topic] = [], totalBytes: Int64 = -1, usableBytes: Int64 = -1
        ) {
            self.errorCode = errorCode
            self.logDir = logDir
            self.topics = topics
            self.totalBytes = totalBytes
            self.usableBytes = usableBytes
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.string(&logDir)
            try io.list(&topics)
            if io.version >= 4 {
                try io.int64(&totalBytes)
                try io.int64(&usableBytes)
            }
            if io.version >= 5 { try io.bool(&isCordoned) }
            try io.tags()
        }

        package typealias Topic = PerTopic<Partition>

        package struct Partition: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var partitionSize: Int64 = 0
            package var offsetLag: Int64 = 0
            package var isFutureKey: Bool = false

            package init() {}

            package init(partition: Int32 = 0, partitionSize: Int64 = 0, offsetLag: Int64 = 0, isFutureKey: Bool = false) {
                self.partition = partition
                self.partitionSize = partitionSize
                self.offsetLag = offsetLag
                self.isFutureKey = isFutureKey
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                try io.int64(&partitionSize)
                try io.int64(&offsetLag)
                try io.bool(&isFutureKey)
                try io.tags()
            }
        }
    }
}
