// DeleteAcls: removes the access rules that match filters. Source: Kafka protocol guide, api key 31.
import Base

package struct DeleteAclsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(31) }
    package typealias Response = DeleteAclsResponse

    package var filters: [Filter] = []

    package init() {}

    package init(filters: [Filter] = []) {
        self.filters = filters
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&filters)
        try io.tags()
    }

    package struct Filter: WireLayout, Equatable {
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

    package func refused(_ code: KafkaErrorCode) -> DeleteAclsResponse {
        DeleteAclsResponse(filterResults: filters.map { _ in .init(errorCode: code) })
    }
}

package struct DeleteAclsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var filterResults: [FilterResult] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, filterResults: [FilterResult] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.filterResults = filterResults
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&filterResults)
        try io.tags()
    }

    package struct FilterResult: WireLayout, Equatable {
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var matchingAcls: [Rule] = []

        package init() {}

        package init(errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, matchingAcls: [Rule] = []) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.matchingAcls = matchingAcls
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.list(&matchingAcls)
            try io.tags()
        }

        package struct Rule: WireLayout, Equatable {
            package var errorCode: KafkaErrorCode = .none
            package var errorMessage: String?
            package var resourceType: Int8 = 0
            package var resourceName: String = ""
            package var patternType: Int8 = 3
            package var principal: String = ""
            package var host: String = ""
            package var operation: Int8 = 0
            package var permissionType: Int8 = 0

            package init() {}

            package init(
                errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, resourceType: Int8 = 0, resourceName: String = "",
                patternType: Int8 = 3, principal: String = "", host: String = "", operation: Int8 = 0, permissionType: Int8 = 0
            ) {
                self.errorCode = errorCode
                self.errorMessage = errorMessage
                self.resourceType = resourceType
                self.resourceName = resourceName
                self.patternType = patternType
                self.principal = principal
                self.host = host
                self.operation = operation
                self.permissionType = permissionType
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.errorCode(&errorCode)
                try io.optionalString(&errorMessage)
                try io.int8(&resourceType)
                try io.string(&resourceName)
                try io.int8(&patternType)
                try io.string(&principal)
                try io.string(&host)
                try io.int8(&operation)
                try io.int8(&permissionType)
                try io.tags()
            }
        }
    }
}
