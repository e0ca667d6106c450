// ApiVersions: the served APIs, and from version 3 on the features that clients check before they use them. Source: Kafka protocol guide,
// api key 18; KIP-511, KIP-584 for the features, which are tagged fields.
import Base

package struct ApiVersionsRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(18) }
    package typealias Response = ApiVersionsResponse

    package var clientSoftwareName: String = ""
    package var clientSoftwareVersion: String = ""

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 3 {
            try io.string(&clientSoftwareName)
            try io.string(&clientSoftwareVersion)
        }
        try io.tags()
    }
}

package struct ApiVersionsResponse: ThrottledResponse, CodedResponse, Equatable {
    package var errorCode: KafkaErrorCode = .none
    package var apis: [ServedApi] = []
    package var throttleTimeMilliseconds: Int32 = 0
    package var features: [Feature] = []

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, apis: [ServedApi] = [], throttleTimeMilliseconds: Int32 = 0, features: [Feature] = []) {
        self.errorCode = errorCode
        self.apis = apis
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
        self.features = features
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        try io.list(&apis)
        if io.version >= 1 { try io.int32(&throttleTimeMilliseconds) }
        var tagged = try Feature.tagged(features)
        try io.tags(&tagged)
        features = try Feature.list(tagged)
    }

    /// A feature with its level in force, which is also the highest known level.
    package struct Feature: Equatable, Sendable {
        package var name: String
        package var level: Int16
        package init(name: String, level: Int16) {
            self.name = name
            self.level = level
        }

        private static let supportedTag: UInt32 = 0
        private static let epochTag: UInt32 = 1
        private static let finalizedTag: UInt32 = 2

        static func tagged(_ features: [Feature]) throws(WireError) -> [TaggedField] {
            guard !features.isEmpty else { return [] }
            var supported = FieldWriter<KafkaDialect>(flexible: true)
            var levels = features.map { FeatureLevels(name: $0.name, first: 0, second: $0.level) }
            try supported.list(&levels)
            var finalized = FieldWriter<KafkaDialect>(flexible: true)
            // Here the higher level comes first.
            levels = features.map { FeatureLevels(name: $0.name, first: $0.level, second: $0.level) }
            try finalized.list(&levels)
            var epoch = Bytes()
            epoch.writeInteger(Int64(0))
            return [
                TaggedField(tag: supportedTag, payload: supported.buffer), TaggedField(tag: epochTag, payload: epoch),
                TaggedField(tag: finalizedTag, payload: finalized.buffer),
            ]
        }

        static func list(_ tagged: [TaggedField]) throws(WireError) -> [Feature] {
            guard let field = tagged.first(where: { $0.tag == finalizedTag }) else { return [] }
            var reader = FieldReader<KafkaDialect>(field.payload, flexible: true)
            var levels: [FeatureLevels] = []
            try reader.list(&levels)
            return levels.map { Feature(name: $0.name, level: $0.first) }
        }
    }

    private struct FeatureLevels: WireLayout {
        var name = ""
        var first: Int16 = 0
        var second: Int16 = 0
        init() {}
        init(name: String, first: Int16, second: Int16) {
            self.name = name
            self.first = first
            self.second = second
        }

        mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&name)
            try io.int16(&first)
            try io.int16(&second)
            try io.tags()
        }
    }

    package struct ServedApi: WireLayout, Equatable {
        package var apiKey: Int16 = 0
        package var minVersion: Int16 = 0
        package var maxVersion: Int16 = 0

        package init() {}

        package init(apiKey: Int16 = 0, minVersion: Int16 = 0, maxVersion: Int16 = 0) {
            self.apiKey = apiKey
            self.minVersion = minVersion
            self.maxVersion = maxVersion
        }

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int16(&apiKey)
            try io.int16(&minVersion)
            try io.int16(&maxVersion)
            try io.tags()
        }
    }
}
