// ConsumerGroupHeartbeat: a member of a group whose partitions the coordinator assigns reports its partitions and receives its assignment.
// Source: Kafka protocol guide, api key 68; KIP-848.
import Base

package struct ConsumerGroupHeartbeatRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(68) }
    package typealias Response = ConsumerGroupHeartbeatResponse

    package var groupID: String = ""
    package var memberID: String = ""
    package var memberEpoch: Int32 = 0
    package var instanceID: String?
    package var rackID: String?
    package var rebalanceTimeoutMilliseconds: Int32 = -1
    package var subscribedTopicNames: [String]?
    package var subscribedTopicRegex: String?
    package var serverAssignor: String?
    package var topicPartitions: [TopicPartitions]?

    package init() {}

    package init(
        groupID: String = "", memberID: String = "", memberEpoch: Int32 = 0, instanceID: String? = nil, rackID: String? = nil,
        rebalanceTimeoutMilliseconds: Int32 = -1, subscribedTopicNames: [String]? = nil, subscribedTopicRegex: String? = nil,
        serverAssignor: String? = nil, topicPartitions: [TopicPartitions]? = nil
    ) {
        self.groupID = groupID
        self.memberID = memberID
        self.memberEpoch = memberEpoch
        self.instanceID = instanceID
        self.rackID = rackID
        self.rebalanceTimeoutMilliseconds = rebalanceTimeoutMilliseconds
        self.subscribedTopicNames = subscribedTopicNames
        self.subscribedTopicRegex = subscribedTopicRegex
        self.serverAssignor = serverAssignor
        self.topicPartitions = topicPartitions
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&groupID)
        try io.string(&memberID)
        try io.int32(&memberEpoch)
        try io.optionalString(&instanceID)
        try io.optionalString(&rackID)
        try io.int32(&rebalanceTimeoutMilliseconds)
        try io.optionalStrings(&subscribedTopicNames)
        if io.version >= 1 { try io.optionalString(&subscribedTopicRegex) }
        try io.optionalString(&serverAssignor)
        try io.optionalList(&topicPartitions)
        try io.tags()
    }
}

package struct ConsumerGroupHeartbeatResponse: ThrottledResponse, CodedResponse, Equatable {
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
