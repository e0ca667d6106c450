// JoinGroup: a member enters a group or a new generation of it. Source: Kafka protocol guide, api key 11; KIP-345, KIP-394, KIP-814.
import Base

package struct JoinGroupRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(11) }
    package typealias Response = JoinGroupResponse

    package var groupID: String = ""
    package var sessionTimeoutMilliseconds: Int32 = 0
    package var rebalanceTimeoutMilliseconds: Int32 = -1
    package var memberID: String = ""
    package var groupInstanceID: String?
    package var protocolType: String = ""
    package var protocols: [GroupProtocol] = []
    package var reason: String?

    package init() {}

    package init(
        groupID: String = "", sessionTimeoutMilliseconds: Int32 = 0, rebalanceTimeoutMilliseconds: Int32 = -1, memberID: String = "",
        groupInstanceID: String? = nil, protocolType: String = "", protocols: [GroupProtocol] = [], reason: String? = nil
    ) {
        self.groupID = groupID
        self.sessionTimeoutMilliseconds = sessionTimeoutMilliseconds
        self.rebalanceTimeoutMilliseconds = rebalanceTimeoutMilliseconds
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.protocolType = protocolType
        self.protocols = protocols
        self.reason = reason
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&groupID)
        try io.int32(&sessionTimeoutMilliseconds)
        if io.version >= 1 { try io.int32(&rebalanceTimeoutMilliseconds) }
        try io.string(&memberID)
        if io.version >= 5 { try io.optionalString(&groupInstanceID) }
        try io.string(&protocolType)
        try io.list(&protocols)
        if io.version >= 8 { try io.optionalString(&reason) }
        try io.tags()
    }

    package struct GroupProtocol: WireLayout, Equatable {
        package var name: String = ""
        package var metadata: Bytes = Bytes()

        package init() {}

        package init(name: String = "", metadata: Bytes = Bytes()) {
            self.name = name
            self.metadata = metadata
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.bytes(&metadata)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> JoinGroupResponse {
        JoinGroupResponse(errorCode: code, protocolName: "", memberID: memberID)
    }
}

package struct JoinGroupResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var generationID: Int32 = -1
    package var protocolType: String?
    package var protocolName: String?
    package var leader: String = ""
    package var skipAssignment: Bool = false
    package var memberID: String = ""
    package var members: [Member] = []

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, generationID: Int32 = -1, protocolType: String? = nil,
        protocolName: String? = nil, leader: String = "", skipAssignment: Bool = false, memberID: String = "", members: [Member] = []
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.generationID = generationID
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.leader = leader
        self.skipAssignment = skipAssignment
        self.memberID = memberID
        self.members = members
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 2 { try io.int32(&throttleTimeMilliseconds) }
        try io.errorCode(&errorCode)
        try io.int32(&generationID)
        if io.version >= 7 { try io.optionalString(&protocolType) }
        try io.string(&protocolName, nullableFrom: 7)
        try io.string(&leader)
        if io.version >= 9 { try io.bool(&skipAssignment) }
        try io.string(&memberID)
        try io.list(&members)
        try io.tags()
    }

    package struct Member: WireLayout, Equatable {
        package var memberID: String = ""
        package var groupInstanceID: String?
        package var metadata: Bytes = Bytes()

        package init() {}

        package init(memberID: String = "", groupInstanceID: String? = nil, metadata: Bytes = Bytes()) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.metadata = metadata
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&memberID)
            if io.version >= 5 { try io.optionalString(&groupInstanceID) }
            try io.bytes(&metadata)
            try io.tags()
        }
    }
}
