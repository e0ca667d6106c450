// ExpireDelegationToken: ends a token or changes its expiry. Source: Kafka protocol guide, api key 40; KIP-48.
import Base

package struct ExpireDelegationTokenRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(40) }
    package typealias Response = ExpireDelegationTokenResponse

    package var hmac = Bytes()
    /// Counted from now; negative ends the token at once.
    package var expiryPeriodMilliseconds: Int64 = -1

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bytes(&hmac)
        try io.int64(&expiryPeriodMilliseconds)
        try io.tags()
    }
}

package struct ExpireDelegationTokenResponse: ThrottledResponse, CodedResponse, Equatable {
    package var errorCode: KafkaErrorCode = .none
    /// The token's expiry, in milliseconds since 1970.
    package var expires: Int64 = 0
    package var throttleTimeMilliseconds: Int32 = 0

    package init() {}

    package init(errorCode: KafkaErrorCode, expires: Int64 = 0) {
        self.errorCode = errorCode
        self.expires = expires
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        try io.int64(&expires)
        try io.int32(&throttleTimeMilliseconds)
        try io.tags()
    }
}
