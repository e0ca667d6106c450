// CreateAcls: adds access rules. Source: Kafka protocol guide, api key 30.
import Base

package struct CreateAclsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(30) }
    package typealias Response = CreateAclsResponse

    package var creations: [Rule] = []

    package init() {}

    package init(creations: [Rule] = []) {
        self.creations = creations
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&creations)
        try io.tags()
    }

    package struct Rule: WireLayout, Equatable {
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var resourcePatternType: Int8 = 3
        package var principal: String = ""
        package var host: String = ""
        package var operation: Int8 = 0
        package var permissionType: Int8 = 0

        package init() {}

        package init(
            resourceType: Int8 = 0, resourceName: String = "", resourcePatternType: Int8 = 3, principal: String = "", host: String = "",
            operation: Int8 = 0, permissionType: Int8 = 0
        ) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.resourcePatternType = resourcePatternType
            self.principal = principal
            self.host = host
            self.operation = operation
            self.permissionType = permissionType
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int8(&resourceType)
            try io.string(&resourceName)
            try io.int8(&resourcePatternType)
            try io.string(&principal)
            try io.string(&host)
            try io.int8(&operation)
            try io.int8(&permissionType)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> CreateAclsResponse {
        CreateAclsResponse(results: creations.map { _ in .init(errorCode: code) })
    }
}

package struct CreateAclsResponse: ThrottledResponse, Equatable {
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
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?

        package init() {}

        package init(errorCode: KafkaErrorCode = .none, errorMessage: String? = nil) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.tags()
        }
    }
}
