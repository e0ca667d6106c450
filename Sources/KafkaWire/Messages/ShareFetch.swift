// ShareFetch: a share consumer acquires records, and may acknowledge earlier ones in the same request. Partitions are kept in a session.
// Source: Kafka protocol guide, api key 78; KIP-932, KIP-1206, KIP-1222.
import Base

package struct ShareFetchRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(78) }
    package typealias Response = ShareFetchResponse

    package var groupID: String?
    package var memberID: String?
    /// 0 begins a session, -1 ends it; otherwise one more than in the previous request.
    package var shareSessionEpoch: Int32 = 0
    package var maxWaitMilliseconds: Int32 = 0
    package var minBytes: Int32 = 0
    package var maxBytes: Int32 = .max
    package var maxRecords: Int32 = 0
    package var batchSize: Int32 = 0
    /// 0 acquires whole batches, 1 never more than `maxRecords`.
    package var shareAcquireMode: Int8 = 0
    package var isRenewAck: Bool = false
    package var topics: [Topic] = []
    package var forgottenTopics: [ForgottenTopic] = []

    package init() {}

    package init(
        groupID: String? = nil, memberID: String? = nil, shareSessionEpoch: Int32 = 0, maxWaitMilliseconds: Int32 = 0, minBytes: Int32 = 0,
        maxBytes: Int32 = .max, maxRecords: Int32 = 0, batchSize: Int32 = 0, shareAcquireMode: Int8 = 0, isRenewAck: Bool = false,
        topics: [Topic] = [], forgottenTopics: [ForgottenTopic] = []
    ) {
        self.groupID = groupID
        self.memberID = memberID
        self.shareSessionEpoch = shareSessionEpoch
        self.maxWaitMilliseconds = maxWaitMilliseconds
        self.minBytes = minBytes
        self.maxBytes = maxBytes
        self.maxRecords = maxRecords
        self.batchSize = batchSize
        self.shareAcquireMode = shareAcquireMode
        self.isRenewAck = isRenewAck
        self.topics = topics
        self.forgottenTopics = forgottenTopics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&groupID)
        try io.optionalString(&memberID)
        try io.int32(&shareSessionEpoch)
        try io.int32(&maxWaitMilliseconds)
        try io.int32(&minBytes)
        try io.int32(&maxBytes)
        try io.int32(&maxRecords)
        try io.int32(&batchSize)
        if io.version >= 2 { try io.int8(&shareAcquireMode) }
        if io.version >= 2 { try io.bool(&isRenewAck) }
        try io.list(&topics)
        try io.list(&forgottenTopics)
        try io.tags()
    }

    package typealias Topic = PerTopicID<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var acknowledgementBatches: [ShareAcknowledgementBatch] = []

        package init() {}

        package init(partition: Int32 = 0, acknowledgementBatches: [ShareAcknowledgementBatch] = []) {
            self.partition = partition
            self.acknowledgementBatches = acknowledgementBatches
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.list(&acknowledgementBatches)
            try io.tags()
        }
    }

    package typealias ForgottenTopic = TopicPartitions
}

package struct ShareAcknowledgementBatch: WireLayout, Equatable {
    package var firstOffset: Int64 = 0
    /// Inclusive.
    package var lastOffset: Int64 = 0
    /// One for all offsets, or one for each: 0 gap, 1 accept, 2 release, 3 reject, 4 renew.
    package var acknowledgeTypes: [Int8] = []

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&firstOffset)
        try io.int64(&lastOffset)
        try io.int8s(&acknowledgeTypes)
        try io.tags()
    }
}

package struct ShareFetchResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var acquisitionLockMilliseconds: Int32 = 0
    package var topics: [Topic] = []
    package var nodeEndpoints: [NodeEndpoint] = []

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil,
        acquisitionLockMilliseconds: Int32 = 0,
        topics: [Topic] = [], nodeEndpoints: [NodeEndpoint] = []
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.acquisitionLockMilliseconds = acquisitionLockMilliseconds
        self.topics = topics
        self.nodeEndpoints = nodeEndpoints
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.int32(&acquisitionLockMilliseconds)
        try io.list(&topics)
        try io.list(&nodeEndpoints)
        try io.tags()
    }

    package typealias Topic = PerTopicID<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var acknowledgeErrorCode: KafkaErrorCode = .none
        package var acknowledgeErrorMessage: String?
        package var currentLeader: CurrentLeader = CurrentLeader()
        package var records: Bytes?
        package var acquiredRecords: [AcquiredRecords] = []

        package init() {}

        package init(
            partition: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil,
            acknowledgeErrorCode: KafkaErrorCode = .none,
            acknowledgeErrorMessage: String? = nil, currentLeader: CurrentLeader = CurrentLeader(), records: Bytes? = nil,
            acquiredRecords: [AcquiredRecords] = []
        ) {
            self.partition = partition
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.acknowledgeErrorCode = acknowledgeErrorCode
            self.acknowledgeErrorMessage = acknowledgeErrorMessage
            self.currentLeader = currentLeader
            self.records = records
            self.acquiredRecords = acquiredRecords
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.errorCode(&acknowledgeErrorCode)
            try io.optionalString(&acknowledgeErrorMessage)
            try io.nested(&currentLeader)
            try io.optionalBytes(&records)
            try io.list(&acquiredRecords)
            try io.tags()
        }
    }

    package struct AcquiredRecords: WireLayout, Equatable {
        package var firstOffset: Int64 = 0
        /// Inclusive.
        package var lastOffset: Int64 = 0
        package var deliveryCount: Int16 = 0

        package init() {}

        package init(firstOffset: Int64 = 0, lastOffset: Int64 = 0, deliveryCount: Int16 = 0) {
            self.firstOffset = firstOffset
            self.lastOffset = lastOffset
            self.deliveryCount = deliveryCount
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int64(&firstOffset)
            try io.int64(&lastOffset)
            try io.int16(&deliveryCount)
            try io.tags()
        }
    }
}
