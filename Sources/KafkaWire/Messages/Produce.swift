// Produce: record batches for partitions, carried verbatim. Versions 0 to 2 differ only in the fields around the records; the records
// themselves must be batches of format 2 in every version. From version 10 on answers name current leaders (KIP-951), from 13 on topics are
// named by id.
// Source: Kafka protocol guide, api key 0.
import Base

package struct ProduceRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(0) }
    package typealias Response = ProduceResponse

    package var transactionalID: String?
    package var acks: Int16 = 0
    package var timeoutMilliseconds: Int32 = 0
    package var topics: [Topic] = []

    package init() {}

    package init(transactionalID: String? = nil, acks: Int16 = 0, timeoutMilliseconds: Int32 = 0, topics: [Topic] = []) {
        self.transactionalID = transactionalID
        self.acks = acks
        self.timeoutMilliseconds = timeoutMilliseconds
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 3 { try io.optionalString(&transactionalID) }
        try io.int16(&acks)
        try io.int32(&timeoutMilliseconds)
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
            if io.version <= 12 { try io.string(&name) } else { try io.uuid(&topicID) }
            try io.list(&partitions)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var records: Bytes?

            package init() {}

            package init(partition: Int32 = 0, records: Bytes? = nil) {
                self.partition = partition
                self.records = records
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                try io.optionalBytes(&records)
                try io.tags()
            }
        }
    }

    package func refused(_ code: KafkaErrorCode) -> ProduceResponse {
        ProduceResponse(
            topics: topics.map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code, baseOffset: -1) })
            })
    }
}

package struct ProduceResponse: ThrottledResponse, Equatable {
    package var topics: [Topic] = []
    package var throttleTimeMilliseconds: Int32 = 0
    /// The addresses of the leaders that partitions name.
    package var nodeEndpoints: [NodeEndpoint] = []

    package init() {}

    package init(topics: [Topic] = [], throttleTimeMilliseconds: Int32 = 0, nodeEndpoints: [NodeEndpoint] = []) {
        self.topics = topics
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.nodeEndpoints = nodeEndpoints
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&topics)
        if io.version >= 1 { try io.int32(&throttleTimeMilliseconds) }
        guard io.version >= 10 else { return try io.tags() }
        var tagged: [TaggedField] = nodeEndpoints.isEmpty ? [] : [try .of(0, list: nodeEndpoints)]
        try io.tags(&tagged)
        nodeEndpoints = try tagged.list(0, NodeEndpoint.self)
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
            if io.version <= 12 { try io.string(&name) } else { try io.uuid(&topicID) }
            try io.list(&partitions)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var errorCode: KafkaErrorCode = .none
            package var baseOffset: Int64 = 0
            package var logAppendTimeMilliseconds: Int64 = -1
            package var logStartOffset: Int64 = -1
            package var recordErrors: [RecordError] = []
            package var errorMessage: String?
            /// The leader, for a producer that asked another broker (KIP-951).
            package var currentLeader: CurrentLeader?

            package init() {}

            package init(
                partition: Int32 = 0, errorCode: KafkaErrorCode = .none, baseOffset: Int64 = 0, logAppendTimeMilliseconds: Int64 = -1,
                logStartOffset: Int64 = -1, recordErrors: [RecordError] = [], errorMessage: String? = nil
            ) {
                self.partition = partition
                self.errorCode = errorCode
                self.baseOffset = baseOffset
                self.logAppendTimeMilliseconds = logAppendTimeMilliseconds
                self.logStartOffset = logStartOffset
                self.recordErrors = recordErrors
                self.errorMessage = errorMessage
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                try io.errorCode(&errorCode)
                try io.int64(&baseOffset)
                if io.version >= 2 { try io.int64(&logAppendTimeMilliseconds) }
                if io.version >= 5 { try io.int64(&logStartOffset) }
                if io.version >= 8 {
                    try io.list(&recordErrors)
                    try io.optionalString(&errorMessage)
                }
                guard io.version >= 10 else { return try io.tags() }
                var tagged: [TaggedField] = []
                if let currentLeader { tagged.append(try .of(0, currentLeader)) }
                try io.tags(&tagged)
                currentLeader = try tagged.value(0, CurrentLeader.self)
            }

            package struct RecordError: WireLayout, Equatable {
                package var batchIndex: Int32 = 0
                package var batchIndexErrorMessage: String?

                package init() {}

                package init(batchIndex: Int32 = 0, batchIndexErrorMessage: String? = nil) {
                    self.batchIndex = batchIndex
                    self.batchIndexErrorMessage = batchIndexErrorMessage
                }

                package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                    try io.int32(&batchIndex)
                    try io.optionalString(&batchIndexErrorMessage)
                    try io.tags()
                }
            }
        }
    }
}
