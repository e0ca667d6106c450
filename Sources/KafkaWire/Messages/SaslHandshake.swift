// SaslHandshake: the mechanism of a client's login. Source: Kafka protocol guide, api key 17.
import Base

package struct SaslHandshakeRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(17) }
    package typealias Response = SaslHandshakeResponse

    package var mechanism: String = ""

    package init() {}

    package init(mechanism: String = "") {
        self.mechanism = mechanism
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&mechanism)
        try io.tags()
    }
}

package struct SaslHandshakeResponse: CodedResponse, Equatable {
    package var errorCode: KafkaErrorCode = .none
    package var mechanisms: [String] = []

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, mechanisms: [String] = []) {
        self.errorCode = errorCode
        self.mechanisms = mechanisms
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        try io.strings(&mechanisms)
        try io.tags()
    }
}
