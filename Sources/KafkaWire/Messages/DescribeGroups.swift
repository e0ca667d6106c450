// DescribeGroups: state and members of groups. Source: Kafka protocol guide, api key 15.
import Base

package struct DescribeGroupsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(15) }
    package typealias Response = DescribeGroupsResponse

    package var groups: [String] = []
    package var includeAuthorizedOperations: Bool = false

    package init() {}

    package init(groups: [String] = [], includeAuthorizedOperations: Bool = false) {
        self.groups = groups
        self.includeAuthorizedOperations = includeAuthorizedOperations
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.strings(&groups)
        if io.version >= 3 { try io.bool(&includeAuthorizedOperations) }
        try io.tags()
    }

    package func refused(_ code: KafkaErrorCode) -> DescribeGroupsResponse {
        DescribeGroupsResponse(groups: groups.map { .init(errorCode: code, groupID: $0) })
    }
}

package struct DescribeGroupsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var groups: [Group] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, groups: [Group] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.groups = groups
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 1 { try io.int32(&throttleTimeMilliseconds) }
        try io.list(&groups)
        try io.tags()
    }

    package struct Group: WireLayout, Equatable {
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var groupID: String = ""
        package var groupState: String = ""
        package var protocolType: String = ""
        package var protocolName: String = ""
        package var members: [Member] = []
        package var authorizedOperations: Int32 = unknownOperations

        package init() {}

        package init(
            errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, groupID: String = "", groupState: String = "",
            protocolType: String = "",
            protocolName: String = "", members: [Member] = [], authorizedOperations: Int32 = unknownOperations
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.groupID = groupID
            self.groupState = groupState
            self.protocolType = protocolType
            self.protocolName = protocolName
            self.members = members
            self.authorizedOperations = authorizedOperations
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            if io.version >= 6 { try io.optionalString(&errorMessage) }
            try io.string(&groupID)
            try io.string(&groupState)
            try io.string(&protocolType)
            try io.string(&protocolName)
            try io.list(&members)
            if io.version >= 3 { try io.int32(&authorizedOperations) }
            try io.tags()
        }

        package struct Member: WireLayout, Equatable {
            package var memberID: String = ""
            package var groupInstanceID: String?
            package var clientID: String = ""
            package var clientHost: String = ""
            package var memberMetadata: Bytes = Bytes()
            package var memberAssignment: Bytes = Bytes()

            package init() {}

            package init(
                memberID: String = "", groupInstanceID: String? = nil, clientID: String = "", clientHost: String = "",
                memberMetadata: Bytes = Bytes(), memberAssignment: Bytes = Bytes()
            ) {
                self.memberID = memberID
                self.groupInstanceID = groupInstanceID
                self.clientID = clientID
                self.clientHost = clientHost
                self.memberMetadata = memberMetadata
                self.memberAssignment = memberAssignment
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.string(&memberID)
                if io.version >= 4 { try io.optionalString(&groupInstanceID) }
                try io.string(&clientID)
                try io.string(&clientHost)
                try io.bytes(&memberMetadata)
                try io.bytes(&memberAssignment)
                try io.tags()
            }
        }
    }
}
