// ListGroups: the groups that this broker coordinates. Source: Kafka protocol guide, api key 16.
import Base

package struct ListGroupsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(16) }
    package typealias Response = ListGroupsResponse

    package var statesFilter: [String] = []
    package var typesFilter: [String] = []

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 4 { try io.strings(&statesFilter) }
        if io.version >= 5 { try io.strings(&typesFilter) }
        try io.tags()
    }
}

package struct ListGroupsResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var groups: [Group] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, groups: [Group] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.groups = groups
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 1 { try io.int32(&throttleTimeMilliseconds) }
        try io.errorCode(&errorCode)
        try io.list(&groups)
        try io.tags()
    }

    package struct Group: WireLayout, Equatable {
        package var groupID: String = ""
        package var protocolType: String = ""
        package var groupState: String = ""
        package var groupType: String = ""

        package init() {}

        package init(groupID: String = "", protocolType: String = "", groupState: String = "", groupType: String = "") {
            self.groupID = groupID
            self.protocolType = protocolType
            self.groupState = groupState
            self.groupType = groupType
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&groupID)
            try io.string(&protocolType)
            if io.version >= 4 { try io.string(&groupState) }
            if io.version >= 5 { try io.string(&groupType) }
            try io.tags()
        }
    }
}
