// SaslAuthenticate: one step of a mechanism's conversation. Source: Kafka protocol guide, api key 36.
import Base

package struct SaslAuthenticateRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(36) }
    package typealias Response = SaslAuthenticateResponse

    package var authBytes: Bytes = Bytes()

    package init() {}

    package init(authBytes: Bytes = Bytes()) {
        self.authBytes = authBytes
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bytes(&authBytes)
        try io.tags()
    }
}

package struct SaslAuthenticateResponse: CodedResponse, Equatable {
    package var errorCode: KafkaErrorCode = .none
    package var errorMessage: String?
    package var authBytes: Bytes = Bytes()
    package var sessionLifetimeMilliseconds: Int64 = 0

    package init() {}

    package init(
        errorCode: KafkaErrorCode = .none, errorMessage: String? = nil, authBytes: Bytes = Bytes(), sessionLifetimeMilliseconds: Int64 = 0
    ) {
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.authBytes = authBytes
        self.sessionLifetimeMilliseconds = sessionLifetimeMilliseconds
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        try io.optionalString(&errorMessage)
        try io.bytes(&authBytes)
        if io.version >= 1 { try io.int64(&sessionLifetimeMilliseconds) }
        try io.tags()
    }
}
