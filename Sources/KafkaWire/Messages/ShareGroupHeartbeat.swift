// ShareGroupHeartbeat: a member of a share group reports its presence and its topics, and receives its partitions. Source: Kafka protocol
// guide, api key 76; KIP-932.
import Base

package struct ShareGroupHeartbeatRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(76) }
    package typealias Response = ShareGroupHeartbeatResponse

    package var groupID: String = ""
    package var memberID: String = ""
    package var memberEpoch: Int32 = 0
    package var rackID: String?
    package var subscribedTopicNames: [String]?

    package init() {}

    package init(
        groupID: String = "", memberID: String = "", memberEpoch: Int32 = 0, rackID: String? = nil, subscribedTopicNames: [String]? = nil
    ) {
        self.groupID = groupID
        self.memberID = memberID
        self.memberEpoch = memberEpoch
        self.rackID = rackID
        self.subscribedTopicNames = subscribedTopicNames
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&groupID)
        try io.string(&memberID)
        try io.int32(&memberEpoch)
        try io.optionalString(&rackID)
        try io.optionalStrings(&subscribedTopicNames)
        try io.tags()
    }
}

package struct ShareGroupHeartbeatResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var memberID: String?
    package var memberEpoch: Int32 = 0
    package var heartbeatIntervalMilliseconds: Int32 = 0
    package var assignment: Assignment?

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, memberID: String? = nil,
        memberEpoch: Int32 = 0, heartbeatIntervalMilliseconds: Int32 = 0, assignment: Assignment? = nil
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.memberID = memberID
        self.memberEpoch = memberEpoch
        self.heartbeatIntervalMilliseconds = heartbeatIntervalMilliseconds
        self.assignment = assignment
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.optionalString(&memberID)
        try io.int32(&memberEpoch)
        try io.int32(&heartbeatIntervalMilliseconds)
        try io.optionalNested(&assignment)
        try io.tags()
    }

    package struct Assignment: WireLayout, Equatable {
        package var topicPartitions: [TopicPartitions] = []

        package init() {}

        package init(topicPartitions: [TopicPartitions] = []) {
            self.topicPartitions = topicPartitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.list(&topicPartitions)
            try io.tags()
        }
    }
}
