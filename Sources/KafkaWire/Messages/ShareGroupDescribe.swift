// ShareGroupDescribe: the members of share groups, their topics and partitions. Source: Kafka protocol guide, api key 77; KIP-932.
import Base

package struct ShareGroupDescribeRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(77) }
    package typealias Response = ShareGroupDescribeResponse

    package var groupIDs: [String] = []
    package var includeAuthorizedOperations: Bool = false

    package init() {}

    package init(groupIDs: [String] = [], includeAuthorizedOperations: Bool = false) {
        self.groupIDs = groupIDs
        self.includeAuthorizedOperations = includeAuthorizedOperations
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.strings(&groupIDs)
        try io.bool(&includeAuthorizedOperations)
        try io.tags()
    }

    package func refused(_ code: KafkaErrorCode) -> ShareGroupDescribeResponse {
        ShareGroupDescribeResponse(groups: groupIDs.map { .init(errorCode: code, groupID: $0) })
    }
}

package struct ShareGroupDescribeResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var groups: [Group] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, groups: [Group] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.groups = groups
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&groups)
        try io.tags()
    }

    package struct Group: WireLayout, Equatable {
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var groupID: String = ""
        package var groupState: String = ""
        package var groupEpoch: Int32 = 0
        package var assignmentEpoch: Int32 = 0
        package var assignorName: String = ""
        package var members: [Member] = []
        package var authorizedOperations: Int32 = unknownOperations

        package init() {}

        package init(
            errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, groupID: String = "", groupState: String = "",
            groupEpoch: Int32 = 0,
            assignmentEpoch: Int32 = 0, assignorName: String = "", members: [Member] = [], authorizedOperations: Int32 = unknownOperations
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.groupID = groupID
            self.groupState = groupState
            self.groupEpoch = groupEpoch
            self.assignmentEpoch = assignmentEpoch
            self.assignorName = assignorName
            self.members = members
            self.authorizedOperations = authorizedOperations
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.string(&groupID)
            try io.string(&groupState)
            try io.int32(&groupEpoch)
            try io.int32(&assignmentEpoch)
            try io.string(&assignorName)
            try io.list(&members)
            try io.int32(&authorizedOperations)
            try io.tags()
        }
    }

    package struct Member: WireLayout, Equatable {
        package var memberID: String = ""
        package var rackID: String?
        package var memberEpoch: Int32 = 0
        package var clientID: String = ""
        package var clientHost: String = ""
        package var subscribedTopicNames: [String] = []
        package var assignment: Assignment = Assignment()

        package init() {}

        package init(
            memberID: String = "", rackID: String? = nil, memberEpoch: Int32 = 0, clientID: String = "", clientHost: String = "",
            subscribedTopicNames: [String] = [], assignment: Assignment = Assignment()
        ) {
            self.memberID = memberID
            self.rackID = rackID
            self.memberEpoch = memberEpoch
            self.clientID = clientID
            self.clientHost = clientHost
            self.subscribedTopicNames = subscribedTopicNames
            self.assignment = assignment
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&memberID)
            try io.optionalString(&rackID)
            try io.int32(&memberEpoch)
            try io.string(&clientID)
            try io.string(&clientHost)
            try io.strings(&subscribedTopicNames)
            try io.nested(&assignment)
            try io.tags()
        }
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

    package struct TopicPartitions: WireLayout, Equatable {
        package var topicID: UUIDBytes = UUIDBytes()
        package var topicName: String = ""
        package var partitions: [Int32] = []

        package init() {}

        package init(topicID: UUIDBytes = UUIDBytes(), topicName: String = "", partitions: [Int32] = []) {
            self.topicID = topicID
            self.topicName = topicName
            self.partitions = partitions
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.uuid(&topicID)
            try io.string(&topicName)
            try io.int32s(&partitions)
            try io.tags()
        }
    }
}
