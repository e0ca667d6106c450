// DeleteGroups: removes groups without members, with their offsets. Source: Kafka protocol guide, api key 42.
import Base

package struct DeleteGroupsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(42) }
    package typealias Response = DeleteGroupsResponse

    package var groups: [String] = []

    package init() {}

    package init(groups: [String] = []) {
        self.groups = groups
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.strings(&groups)
        try io.tags()
    }

    package func refused(_ code: KafkaErrorCode) -> DeleteGroupsResponse {
        DeleteGroupsResponse(results: groups.map { .init(groupID: $0, errorCode: code) })
    }
}

package struct DeleteGroupsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var results: [Result] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, results: [Result] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.results = results
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&results)
        try io.tags()
    }

    package struct Result: WireLayout, Equatable {
        package var groupID: String = ""
        package var errorCode: KafkaErrorCode = .none

        package init() {}

        package init(groupID: String = "", errorCode: KafkaErrorCode = .none) {
            self.groupID = groupID
            self.errorCode = errorCode
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&groupID)
            try io.errorCode(&errorCode)
            try io.tags()
        }
    }
}
