// DescribeConfigs: settings in force of topics and brokers. Source: Kafka protocol guide, api key 32.
import Base

package struct DescribeConfigsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(32) }
    package typealias Response = DescribeConfigsResponse

    package var resources: [Resource] = []
    package var includeSynonyms: Bool = false
    package var includeDocumentation: Bool = false

    package init() {}

    package init(resources: [Resource] = [], includeSynonyms: Bool = false, includeDocumentation: Bool = false) {
        self.resources = resources
        self.includeSynonyms = includeSynonyms
        self.includeDocumentation = includeDocumentation
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&resources)
        try io.bool(&includeSynonyms)
        if io.version >= 3 { try io.bool(&includeDocumentation) }
        try io.tags()
    }

    package struct Resource: WireLayout, Equatable {
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var configurationKeys: [String]?

        package init() {}

        package init(resourceType: Int8 = 0, resourceName: String = "", configurationKeys: [String]? = nil) {
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.configurationKeys = configurationKeys
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int8(&resourceType)
            try io.string(&resourceName)
            try io.optionalStrings(&configurationKeys)
            try io.tags()
        }
    }

    package func refused(_ code: KafkaErrorCode) -> DescribeConfigsResponse {
        DescribeConfigsResponse(
            results: resources.map { .init(errorCode: code, resourceType: $0.resourceType, resourceName: $0.resourceName) })
    }
}

package struct DescribeConfigsResponse: ThrottledResponse, Equatable {
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
        package var resourceType: Int8 = 0
        package var resourceName: String = ""
        package var configs: [Config] = []

        package init() {}

        package init(
            errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, resourceType: Int8 = 0, resourceName: String = "",
            configs: [Config] = []
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.resourceType = resourceType
            self.resourceName = resourceName
            self.configs = configs
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.errorCode(&errorCode)
            try io.optionalString(&errorMessage)
            try io.int8(&resourceType)
            try io.string(&resourceName)
            try io.list(&configs)
            try io.tags()
        }

        package struct Config: WireLayout, Equatable {
            package var name: String = ""
            package var value: String?
            package var readOnly: Bool = false
            package var configSource: Int8 = -1
            package var isSensitive: Bool = false
            package var synonyms: [Synonym] = []
            package var configType: Int8 = 0
            package var documentation: String?

            package init() {}

            package init(
                name: String = "", value: String? = nil, readOnly: Bool = false, configSource: Int8 = -1, isSensitive: Bool = false,
                synonyms: [Synonym] = [], configType: Int8 = 0, documentation: String? = nil
            ) {
                self.name = name
                self.value = value
                self.readOnly = readOnly
                self.configSource = configSource
                self.isSensitive = isSensitive
                self.synonyms = synonyms
                self.configType = configType
                self.documentation = documentation
            }

            package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                try io.string(&name)
                try io.optionalString(&value)
                try io.bool(&readOnly)
                try io.int8(&configSource)
                try io.bool(&isSensitive)
                try io.list(&synonyms)
                if io.version >= 3 {
                    try io.int8(&configType)
                    try io.optionalString(&documentation)
                }
                try io.tags()
            }

            package struct Synonym: WireLayout, Equatable {
                package var name: String = ""
                package var value: String?
                package var source: Int8 = 0

                package init() {}

                package init(name: String = "", value: String? = nil, source: Int8 = 0) {
                    self.name = name
                    self.value = value
                    self.source = source
                }

                package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
                    try io.string(&name)
                    try io.optionalString(&value)
                    try io.int8(&source)
                    try io.tags()
                }
            }
        }
    }
}
