// ShareAcknowledge: a share consumer's acknowledgements of acquired records. Source: Kafka protocol guide, api key 79; KIP-932, KIP-1222.
import Base

package struct ShareAcknowledgeRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(79) }
    package typealias Response = ShareAcknowledgeResponse

    package var groupID: String?
    package var memberID: String?
    package var shareSessionEpoch: Int32 = 0
    package var isRenewAck: Bool = false
    package var topics: [Topic] = []

    package init() {}

    package init(
        groupID: String? = nil, memberID: String? = nil, shareSessionEpoch: Int32 = 0, isRenewAck: Bool = false, topics: [Topic] = []
    ) {
        self.groupID = groupID
        self.memberID = memberID
        self.shareSessionEpoch = shareSessionEpoch
        self.isRenewAck = isRenewAck
        self.topics = topics
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalString(&groupID)
        try io.optionalString(&memberID)
        try io.int32(&shareSessionEpoch)
        if io.version >= 2 { try io.bool(&isRenewAck) }
        try io.list(&topics)
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
}

package struct ShareAcknowledgeResponse: ThrottledResponse, CodedResponse, Equatable {
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
        if io.version >= 2 { try io.int32(&acquisitionLockMilliseconds) }
        try io.list(&topics)
        try io.list(&nodeEndpoints)
        try io.tags()
    }

    package typealias Topic = PerTopicID<Partition>

    package struct Partition: WireLayout, Equatable {
        package var partition: Int32 = 0
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var currentLeader: CurrentLeader = CurrentLeader()

        package init() {}

        package init(
            partition: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil,
            currentLeader: CurrentLeader = CurrentLeader()
        ) {
            self.partition = partition
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.currentLeader = currentLeader
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&partition)
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.nested(&currentLeader)
            try io.tags()
        }
    }
}
