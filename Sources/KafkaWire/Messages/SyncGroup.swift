// SyncGroup: the leader submits the assignment, and every member receives its part. Source: Kafka protocol guide, api key 14.
import Base

package struct SyncGroupRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(14) }
    package typealias Response = SyncGroupResponse

    package var groupID: String = ""
    package var generationID: Int32 = 0
    package var memberID: String = ""
    package var groupInstanceID: String?
    package var protocolType: String?
    package var protocolName: String?
    package var assignments: [Assignment] = []

    package init() {}

    package init(
        groupID: String = "", generationID: Int32 = 0, memberID: String = "", groupInstanceID: String? = nil, protocolType: String? = nil,
        protocolName: String? = nil, assignments: [Assignment] = []
    ) {
        self.groupID = groupID
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.assignments = assignments
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&groupID)
        try io.int32(&generationID)
        try io.string(&memberID)
        if io.version >= 3 { try io.optionalString(&groupInstanceID) }
        if io.version >= 5 {
            try io.optionalString(&protocolType)
            try io.optionalString(&protocolName)
        }
        try io.list(&assignments)
        try io.tags()
    }

    package struct Assignment: WireLayout, Equatable {
        package var memberID: String = ""
        package var assignment: Bytes = Bytes()

        package init() {}

        package init(memberID: String = "", assignment: Bytes = Bytes()) {
            self.memberID = memberID
            self.assignment = assignment
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&memberID)
            try io.bytes(&assignment)
            try io.tags()
        }
    }
}

package struct SyncGroupResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var protocolType: String?
    package var protocolName: String?
    package var assignment: Bytes = Bytes()

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, protocolType: String? = nil, protocolName: String? = nil,
        assignment: Bytes = Bytes()
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.assignment = assignment
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 1 { try io.int32(&throttleTimeMilliseconds) }
        try io.errorCode(&errorCode)
        if io.version >= 5 {
            try io.optionalString(&protocolType)
            try io.optionalString(&protocolName)
        }
        try io.bytes(&assignment)
        try io.tags()
    }
}
