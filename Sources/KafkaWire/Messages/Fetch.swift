// Fetch: record batches from partitions, carried verbatim. From version 13 topics are named by id. Of the response's tagged fields those
// for diverging logs (KIP-595) and current leaders (KIP-951) are implemented. A request's tagged fields come from Kafka's own followers
// only, as do those of versions 17 and 18 (directory and high watermark of the follower, KIP-853 and KIP-1166), and are ignored. Source:
// Kafka protocol guide, api key 1.
import Base

package struct FetchRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(1) }
    package typealias Response = FetchResponse

    package var replicaID: Int32 = -1
    package var maxWaitMilliseconds: Int32 = 0
    package var minBytes: Int32 = 0
    package var maxBytes: Int32 = 2147483647
    package var isolationLevel: Int8 = 0
    package var sessionID: Int32 = 0
    package var sessionEpoch: Int32 = -1
    package var topics: [Topic] = []
    package var forgottenTopics: [ForgottenTopic] = []
    package var rackID: String = ""

    package init() {}

    package init(
        replicaID: Int32 = -1, maxWaitMilliseconds: Int32 = 0, minBytes: Int32 = 0, maxBytes: Int32 = 2147483647,
        isolationLevel: Int8 = 0, sessionID: Int32 = 0, sessionEpoch: Int32 = -1, topics: [Topic] = [],
        forgottenTopics: [ForgottenTopic] = [], rackID: String = ""
    ) {
        self.replicaID = replicaID
        self.maxWaitMilliseconds = maxWaitMilliseconds
        self.minBytes = minBytes
        self.maxBytes = maxBytes
        self.isolationLevel = isolationLevel
        self.sessionID = sessionID
        self.sessionEpoch = sessionEpoch
        self.topics = topics
        self.forgottenTopics = forgottenTopics
        self.rackID = rackID
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version <= 14 { try io.int32(&replicaID) }
        try io.int32(&maxWaitMilliseconds)
        try io.int32(&minBytes)
        try io.int32(&maxBytes)
        try io.int8(&isolationLevel)
        if io.version >= 7 {
            try io.int32(&sessionID)
            try io.int32(&sessionEpoch)
        }
        try io.list(&topics)
        if io.version >= 7 { try io.list(&forgottenTopics) }
        if io.version >= 11 { try io.string(&rackID) }
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
            if io.version <= 12 { try io.string(&name) }
            if io.version >= 13 { try io.uuid(&topicID) }
            try io.list(&partitions)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var currentLeaderEpoch: Int32 = -1
            package var fetchOffset: Int64 = 0
            package var lastFetchedEpoch: Int32 = -1
            package var logStartOffset: Int64 = -1
            package var partitionMaxBytes: Int32 = 0

            package init() {}

            package init(
                partition: Int32 = 0, currentLeaderEpoch: Int32 = -1, fetchOffset: Int64 = 0, lastFetchedEpoch: Int32 = -1,
                logStartOffset: Int64 = -1, partitionMaxBytes: Int32 = 0
            ) {
                self.partition = partition
                self.currentLeaderEpoch = currentLeaderEpoch
                self.fetchOffset = fetchOffset
                self.lastFetchedEpoch = lastFetchedEpoch
                self.logStartOffset = logStartOffset
                self.partitionMaxBytes = partitionMaxBytes
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                if io.version >= 9 { try io.int32(&currentLeaderEpoch) }
                try io.int64(&fetchOffset)
                if io.version >= 12 { try io.int32(&lastFetchedEpoch) }
                if io.version >= 5 { try io.int64(&logStartOffset) }
                try io.int32(&partitionMaxBytes)
                try io.tags()
            }
        }
    }

    package struct ForgottenTopic: WireLayout, Equatable {
        package var name: String = ""
        package var topicID: UUIDBytes = UUIDBytes()
        package var partitions: [Int32] = []

        package init() {}

        package init(name: String = "", topicID: UUIDBytes = UUIDBytes(), partitions: [Int32] = []) {
            self.name = name
            self.topicID = topicID
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            if io.version <= 12 { try io.string(&name) }
            if io.version >= 13 { try io.uuid(&topicID) }
            try io.int32s(&partitions)
            try io.tags()
        }
    }
}

package struct FetchResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var sessionID: Int32 = 0
    package var topics: [Topic] = []
    /// The addresses of the leaders that partitions name.
    package var nodeEndpoints: [NodeEndpoint] = []

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, sessionID: Int32 = 0, topics: [Topic] = [],
        nodeEndpoints: [NodeEndpoint] = []
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.sessionID = sessionID
        self.topics = topics
        self.nodeEndpoints = nodeEndpoints
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        if io.version >= 7 {
            try io.errorCode(&errorCode)
            try io.int32(&sessionID)
        }
        try io.list(&topics)
        guard io.version >= 16 else { return try io.tags() }
        var tagged: [TaggedField] = nodeEndpoints.isEmpty ? [] : [try .of(0, list: nodeEndpoints)]
        try io.tags(&tagged)
        nodeEndpoints = try tagged.list(0, NodeEndpoint.self)
    }

    /// Record batches are not copied; those in files are always pieces of their own.
    package func write(into buffer: inout Bytes, version: Int16, flexible: Bool, cutBytes: Int) throws(WireError) -> [BytesOrFile] {
        try encodeInPieces(into: &buffer, as: KafkaDialect.self, version: version, flexible: flexible, cutBytes: cutBytes)
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
            if io.version <= 12 { try io.string(&name) }
            if io.version >= 13 { try io.uuid(&topicID) }
            try io.list(&partitions)
            try io.tags()
        }

        package struct Partition: WireLayout, Equatable {
            package var partition: Int32 = 0
            package var errorCode: KafkaErrorCode = .none
            package var highWatermark: Int64 = 0
            package var lastStableOffset: Int64 = -1
            package var logStartOffset: Int64 = -1
            package var abortedTransactions: [AbortedTransaction]?
            package var preferredReadReplica: Int32 = -1
            /// Whole record batches, as in the log.
            package var records: BytesOrFile?
            /// The divergence of the reader's log from this one (KIP-595).
            package var diverging: DivergingEpoch?
            /// The leader, for a reader that asked another broker or has an old leader epoch (KIP-951).
            package var currentLeader: CurrentLeader?

            package init() {}

            package init(
                partition: Int32 = 0, errorCode: KafkaErrorCode = .none, highWatermark: Int64 = 0, lastStableOffset: Int64 = -1,
                logStartOffset: Int64 = -1, abortedTransactions: [AbortedTransaction]? = nil, preferredReadReplica: Int32 = -1,
                records: BytesOrFile? = nil
            ) {
                self.partition = partition
                self.errorCode = errorCode
                self.highWatermark = highWatermark
                self.lastStableOffset = lastStableOffset
                self.logStartOffset = logStartOffset
                self.abortedTransactions = abortedTransactions
                self.preferredReadReplica = preferredReadReplica
                self.records = records
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.int32(&partition)
                try io.errorCode(&errorCode)
                try io.int64(&highWatermark)
                try io.int64(&lastStableOffset)
                if io.version >= 5 { try io.int64(&logStartOffset) }
                try io.optionalList(&abortedTransactions)
                if io.version >= 11 { try io.int32(&preferredReadReplica) }
                try io.optionalBytesOrFile(&records)
                guard io.version >= 12 else { return try io.tags() }
                var tagged: [TaggedField] = []
                if let diverging { tagged.append(try .of(0, diverging)) }
                if let currentLeader { tagged.append(try .of(1, currentLeader)) }
                try io.tags(&tagged)
                diverging = try tagged.value(0, DivergingEpoch.self)
                currentLeader = try tagged.value(1, CurrentLeader.self)
            }

            /// The end of the largest epoch not above the reader's.
            package struct DivergingEpoch: WireLayout, Equatable {
                package var epoch: Int32 = -1
                package var endOffset: Int64 = -1

                package init() {}
                package init(epoch: Int32, endOffset: Int64) {
                    self.epoch = epoch
                    self.endOffset = endOffset
                }

                package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                    try io.int32(&epoch)
                    try io.int64(&endOffset)
                    try io.tags()
                }
            }

            package struct AbortedTransaction: WireLayout, Equatable {
                package var producerID: Int64 = 0
                package var firstOffset: Int64 = 0

                package init() {}

                package init(producerID: Int64 = 0, firstOffset: Int64 = 0) {
                    self.producerID = producerID
                    self.firstOffset = firstOffset
                }

                package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                    try io.int64(&producerID)
                    try io.int64(&firstOffset)
                    try io.tags()
                }
            }
        }
    }
}
