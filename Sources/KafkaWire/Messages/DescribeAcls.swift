// DescribeAcls: the access rules that match a filter. Source: Kafka protocol guide, api key 29.
import Base

package struct DescribeAclsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(29) }
    package typealias Response = DescribeAclsResponse

    package var resourceTypeFilter: Int8 = 0
    package var resourceNameFilter: String?
    package var patternTypeFilter: Int8 = 3
    package var principalFilter: String?
    package var hostFilter: String?
    package var operation: Int8 = 0
    package var permissionType: Int8 = 0

    package init() {}

    package init(
        resourceTypeFilter: Int8 = 0, resourceNameFilter: String? = nil, patternTypeFilter: Int8 = 3, principalFilter: String? = nil,
        hostFilter: String? = nil, operation: Int8 = 0, permissionType: Int8 = 0
    ) {
        self.resourceTypeFilter = resourceTypeFilter
        self.resourceNameFilter = resourceNameFilter
        self.patternTypeFilter = patternTypeFilter
        self.principalFilter = principalFilter
        self.hostFilter = hostFilter
        self.operation = operation
        self.permissionType = permissionType
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int8(&resourceTypeFilter)
        try io.optionalString(&resourceNameFilter)
        try io.int8(&patternTypeFilter)
        try io.optionalString(&principalFilter)
        try io.optionalString(&hostFilter)
        try io.int8(&operation)
        try io.int8(&permissionType)
        try io.tags()
    }
}

package struct DescribeAclsResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var resources: [Resource] = []

    package init() {}

    package init(
        throttleTimeMilliseconds: Int32 = 0, errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, resources: [Resource] = []
    ) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.resources = resources
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.list(&resources)
        try io.tags()
    }

    package struct Resource: WireLayout, Equatable {
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var patternType: Int8 = 3
        package var acls: [Rule] = []

        package init() {}

        package init(resourceType: Int8 = 0, resourceName: String = "", patternType: Int8 = 3, acls: [Rule] = []) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.patternType = patternType
            self.acls = acls
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int8(&resourceType)
            try io.string(&resourceName)
            try io.int8(&patternType)
            try io.list(&acls)
            try io.tags()
        }

        package struct Rule: WireLayout, Equatable {
            package var principal: String = ""
            package var host: String = ""
            package var operation: Int8 = 0
            package var permissionType: Int8 = 0

            package init() {}

            package init(principal: String = "", host: String = "", operation: Int8 = 0, permissionType: Int8 = 0) {
                self.principal = principal
                self.host = host
                self.operation = operation
                self.permissionType = permissionType
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.string(&principal)
                try io.string(&host)
                try io.int8(&operation)
                try io.int8(&permissionType)
                try io.tags()
            }
        }
    }
}
