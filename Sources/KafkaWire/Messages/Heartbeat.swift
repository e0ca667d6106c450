// Heartbeat: a member reports that it is alive, and learns whether the group rebalances. Source: Kafka protocol guide, api key 12.
import Base

package struct HeartbeatRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(12) }
    package typealias Response = HeartbeatResponse

    package var groupID: String = ""
    package var generationID: Int32 = 0
    package var memberID: String = ""
    package var groupInstanceID: String?

    package init() {}

    package init(groupID: String = "", generationID: Int32 = 0, memberID: String = "", groupInstanceID: String? = nil) {
        self.groupID = groupID
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&groupID)
        try io.int32(&generationID)
        try io.string(&memberID)
        if io.version >= 3 { try io.optionalString(&groupInstanceID) }
        try io.tags()
    }
}

package struct HeartbeatResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 1 { try io.int32(&throttleTimeMilliseconds) }
        try io.errorCode(&errorCode)
        try io.tags()
    }
}
