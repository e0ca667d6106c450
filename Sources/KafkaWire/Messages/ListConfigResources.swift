// ListConfigResources: the resources with settings of their own; version 0 has client metrics only. Source: Kafka protocol guide, api key
// 74; KIP-1142.
import Base

package struct ListConfigResourcesRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(74) }
    package typealias Response = ListConfigResourcesResponse

    /// Resource types as in DescribeConfigs; empty for all.
    package var resourceTypes: [Int8] = []

    package init() {}

    package init(resourceTypes: [Int8] = []) { self.resourceTypes = resourceTypes }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 1 { try io.int8s(&resourceTypes) }
        try io.tags()
    }
}

package struct ListConfigResourcesResponse: ThrottledResponse, CodedResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var errorCode: KafkaErrorCode = .none
    package var configResources: [Resource] = []

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, configResources: [Resource] = []) {
        self.errorCode = errorCode
        self.configResources = configResources
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.errorCode(&errorCode)
        try io.list(&configResources)
        try io.tags()
    }

    package struct Resource: WireLayout, Equatable {
        package var resourceName: String = ""
        /// 16, client metrics, for the version without this field.
        package var resourceType: Int8 = 16

        package init() {}

        package init(resourceName: String = "", resourceType: Int8) {
            self.resourceName = resourceName
            self.resourceType = resourceType
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&resourceName)
            if io.version >= 1 { try io.int8(&resourceType) }
            try io.tags()
        }
    }
}
