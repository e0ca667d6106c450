// CreateDelegationToken: a token by which other clients log in as its owner. Source: Kafka protocol guide, api key 38; KIP-48, KIP-373.
import Base

/// A principal, in two parts.
package struct WirePrincipal: WireLayout, Equatable {
    package var type: String = ""
    package var name: String = ""

    package init() {}

    package init(type: String = "User", name: String) {
        self.type = type
        self.name = name
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&type)
        try io.string(&name)
        try io.tags()
    }
}

package struct CreateDelegationTokenRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(38) }
    package typealias Response = CreateDelegationTokenResponse

    /// The token's owner; nil for the requester.
    package var ownerType: String?
    package var ownerName: String?
    package var renewers: [WirePrincipal] = []
    /// Negative for the longest possible.
    package var maxLifetimeMilliseconds: Int64 = -1

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        if io.version >= 3 {
            try io.optionalString(&ownerType)
            try io.optionalString(&ownerName)
        }
        try io.list(&renewers)
        try io.int64(&maxLifetimeMilliseconds)
        try io.tags()
    }
}

package struct CreateDelegationTokenResponse: ThrottledResponse, CodedResponse, Equatable {
    package var errorCode: KafkaErrorCode = .none
    package var ownerType: String = ""
    package var ownerName: String = ""
    package var requesterType: String = ""
    package var requesterName: String = ""
    /// Times in milliseconds since 1970.
    package var issued: Int64 = 0
    package var expires: Int64 = 0
    package var latestExpiry: Int64 = 0
    package var tokenID: String = ""
    package var hmac = Bytes()
    package var throttleTimeMilliseconds: Int32 = 0

    package init() {}

    package init(errorCode: KafkaErrorCode) { self.errorCode = errorCode }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        try io.string(&ownerType)
        try io.string(&ownerName)
        if io.version >= 3 {
            try io.string(&requesterType)
            try io.string(&requesterName)
        }
        try io.int64(&issued)
        try io.int64(&expires)
        try io.int64(&latestExpiry)
        try io.string(&tokenID)
        try io.bytes(&hmac)
        try io.int32(&throttleTimeMilliseconds)
        try io.tags()
    }
}
