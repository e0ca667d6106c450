// LeaveGroup: members leave, one before version 3 and several from there. Source: Kafka protocol guide, api key 13.
import Base

package struct LeaveGroupRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(13) }
    package typealias Response = LeaveGroupResponse

    package var groupID: String = ""
    package var memberID: String = ""
    package var members: [Member] = []

    package init() {}

    package init(groupID: String = "", memberID: String = "", members: [Member] = []) {
        self.groupID = groupID
        self.memberID = memberID
        self.members = members
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&groupID)
        if io.version <= 2 { try io.string(&memberID) }
        if io.version >= 3 { try io.list(&members) }
        try io.tags()
    }

    package struct Member: WireLayout, Equatable {
        package var memberID: String = ""
        package var groupInstanceID: String?
        package var reason: String?

        package init() {}

        package init(memberID: String = "", groupInstanceID: String? = nil, reason: String? = nil) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.reason = reason
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&memberID)
            try io.optionalString(&groupInstanceID)
            if io.version >= 5 { try io.optionalString(&reason) }
            try io.tags()
        }
    }
}

package struct LeaveGroupResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var members: [Member] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, members: [Member] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.members = members
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 1 { try io.int32(&throttleTimeMilliseconds) }
        try io.errorCode(&errorCode)
        if io.version >= 3 { try io.list(&members) }
        try io.tags()
    }

    package struct Member: WireLayout, Equatable {
        package var memberID: String = ""
        package var groupInstanceID: String?
        package var errorCode: KafkaErrorCode = .none

        package init() {}

        package init(memberID: String = "", groupInstanceID: String? = nil, errorCode: KafkaErrorCode = .none) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.errorCode = errorCode
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&memberID)
            try io.optionalString(&groupInstanceID)
            try io.errorCode(&errorCode)
            try io.tags()
        }
    }
}
