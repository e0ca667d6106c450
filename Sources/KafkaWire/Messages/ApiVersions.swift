// ApiVersions: what the broker serves. Feature flags are tagged fields that we leave out, since no feature is versioned here.
// Source: Kafka protocol guide, api key 18; KIP-511.
import Base

package struct ApiVersionsRequest: WireLayout, Equatable {
    package var clientSoftwareName: String = ""
    package var clientSoftwareVersion: String = ""

    package init() {}

    package init(clientSoftwareName: String = "", clientSoftwareVersion: String = "") {
        self.clientSoftwareName = clientSoftwareName
        self.clientSoftwareVersion = clientSoftwareVersion
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 3 {
            try io.string(&clientSoftwareName)
            try io.string(&clientSoftwareVersion)
        }
        try io.tags()
    }
}

package struct ApiVersionsResponse: WireLayout, Equatable {
    package var errorCode: KafkaErrorCode = .none
    package var apis: [ServedApi] = []
    package var throttleTimeMilliseconds: Int32 = 0

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, apis: [ServedApi] = [], throttleTimeMilliseconds: Int32 = 0) {
        self.errorCode = errorCode
        self.apis = apis
        self.throttleTimeMilliseconds = throttleTimeMilliseconds
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        try io.list(&apis)
        if io.version >= 1 { try io.int32(&throttleTimeMilliseconds) }
        try io.tags()
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
