// DescribeDelegationToken: the existing tokens. Source: Kafka protocol guide, api key 41; KIP-48, KIP-373.
import Base

package struct DescribeDelegationTokenRequest: KafkaRequest, Equatable {
    package static var apiKey: ApiKey { ApiKey(41) }
    package typealias Response = DescribeDelegationTokenResponse

    /// nil for all tokens.
    package var owners: [WirePrincipal]?

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.optionalList(&owners)
        try io.tags()
    }
}

package struct DescribeDelegationTokenResponse: ThrottledResponse, CodedResponse, Equatable {
    package var errorCode: KafkaErrorCode = .none
    package var tokens: [Token] = []
    package var throttleTimeMilliseconds: Int32 = 0

    package init() {}

    package init(errorCode: KafkaErrorCode = .none, tokens: [Token] = []) {
        self.errorCode = errorCode
        self.tokens = tokens
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.errorCode(&errorCode)
        try io.list(&tokens)
        try io.int32(&throttleTimeMilliseconds)
        try io.tags()
    }

    package struct Token: WireLayout, Equatable {
        package var owner = WirePrincipal(name: "")
        package var requester = WirePrincipal(name: "")
        package var issued: Int64 = 0
        package var expires: Int64 = 0
        package var latestExpiry: Int64 = 0
        package var tokenID: String = ""
        package var hmac = Bytes()
        package var renewers: [WirePrincipal] = []

        package init() {}

        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(&owner.type)
            try io.string(&owner.name)
            if io.version >= 3 {
                try io.string(&requester.type)
                try io.string(&requester.name)
            }
            try io.int64(&issued)
            try io.int64(&expires)
            try io.int64(&latestExpiry)
            try io.string(&tokenID)
            try io.bytes(&hmac)
            try io.list(&renewers)
            try io.tags()
        }
    }
}
