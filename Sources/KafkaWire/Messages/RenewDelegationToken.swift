// RenewDelegationToken: extends a token's validity. Source: Kafka protocol guide, api key 39; KIP-48.
import Base

package struct RenewDelegationTokenRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(39) }
    package typealias Response = RenewDelegationTokenResponse

    package var hmac = Bytes()
    /// Counted from now; negative for the broker's default.
    package var renewPeriodMilliseconds: Int64 = -1

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bytes(&hmac)
        try io.int64(&renewPeriodMilliseconds)
        try io.tags()
    }
}

package struct RenewDelegationTokenResponse: ThrottledResponse, CodedResponse, Equatable {
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
