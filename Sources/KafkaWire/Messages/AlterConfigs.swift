// AlterConfigs: replaces all previously set settings of topics and brokers. Source: Kafka protocol guide, api key 33.
import Base

package struct AlterConfigsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(33) }
    package typealias Response = AlterConfigsResponse

    package var resources: [Resource] = []
    package var validateOnly: Bool = false

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&resources)
        try io.bool(&validateOnly)
        try io.tags()
    }

    package struct Resource: WireLayout, Equatable {
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var configs: [Config] = []

        package init() {}

        package init(resourceType: Int8 = 0, resourceName: String = "", configs: [Config] = []) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.configs = configs
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int8(&resourceType)
            try io.string(&resourceName)
            try io.list(&configs)
            try io.tags()
        }

        package struct Config: WireLayout, Equatable {
            package var name: String = ""
            package var value: String?

            package init() {}

            package init(name: String = "", value: String? = nil) {
                self.name = name
                self.value = value
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.string(&name)
                try io.optionalString(&value)
                try io.tags()
            }
        }
    }

    package func refused(_ code: KafkaErrorCode) -> AlterConfigsResponse {
        AlterConfigsResponse(
            responses: resources.map { .init(errorCode: code, resourceType: $0.resourceType, resourceName: $0.resourceName) })
    }
}

package struct AlterConfigsResponse: ThrottledResponse, Equatable {
    package var throttleTimeMilliseconds: Int32 = 0
    package var responses: [Result] = []

    package init() {}

    package init(throttleTimeMilliseconds: Int32 = 0, responses: [Result] = []) {
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.responses = responses
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&throttleTimeMilliseconds)
        try io.list(&responses)
        try io.tags()
    }

    package struct Result: WireLayout, Equatable {
        package var errorCode: KafkaErrorCode = .none
        package var errorMessage: String?
        package var resourceType: Int8 = 0
        package var resourceName: String = ""

        package init() {}

        package init(errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, resourceType: Int8 = 0, resourceName: String = "") {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.resourceType = resourceType
            self.resourceName = resourceName
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.int8(&resourceType)
            try io.string(&resourceName)
            try io.tags()
        }
    }
}
