// Delegation tokens in the broker's durable state: owner, renewers, expiry. The secret part is not kept: it is made from
// the token's id with a key that every broker is configured with. Source: Kafka KIP-48, KIP-373.
import Base

/// A token that logs its holder in as its owner.
package struct DelegationToken: WireLayout, Hashable {
    package var id = ""
    /// A user's name, without `User:`.
    package var owner = ""
    /// The user who requested it.
    package var requester = ""
    package var renewers: [String] = []
    package var issued = WallTime.zero
    package var expires = WallTime.zero
    /// The last time until which it can be renewed.
    package var latestExpiry = WallTime.zero
    /// The verifier of its secret part, for each mechanism.
    package var sha256 = ScramCredential()
    package var sha512 = ScramCredential()

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&id)
        try io.string(&owner)
        try io.string(&requester)
        try io.strings(&renewers)
        try Self.time(&issued, &io)
        try Self.time(&expires, &io)
        try Self.time(&latestExpiry, &io)
        try io.nested(&sha256)
        try io.nested(&sha512)
    }

    private static func time<C: FieldCoder & ~Copyable>(_ time: inout WallTime, _ io: inout C) throws(WireError) {
        var milliseconds = time.milliseconds
        try io.int64(&milliseconds)
        time = WallTime(milliseconds: milliseconds)
    }

    /// Whether a user may renew it, end it and see it.
    package func isOf(_ user: String) -> Bool { ([owner, requester] + renewers).contains { $0.hasSameBytes(as: user) } }

    package func credential(_ mechanism: ScramMechanism) -> ScramCredential { mechanism == .sha256 ? sha256 : sha512 }
}

/// A change of tokens.
package enum TokenCommand: WireLayout, Equatable {
    case set(DelegationToken)
    /// Sets the expiry, at most the latest one.
    case prolong(id: String, expires: Int64)
    case remove(id: String)
    /// Removes tokens that ended before this time.
    case removeExpired(now: Int64)

    package init() { self = .remove(id: "") }

    private var tag: Int8 {
        switch self {
        case .set: 1
        case .prolong: 2
        case .remove: 3
        case .removeExpired: 4
        }
    }

    private static func blank(_ tag: Int8) throws(WireError) -> TokenCommand {
        switch tag {
        case 1: .set(DelegationToken())
        case 2: .prolong(id: "", expires: 0)
        case 3: .remove(id: "")
        case 4: .removeExpired(now: 0)
        default: throw .unknownTag("token command", Int(tag))
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = self.tag
        try io.int8(&tag)
        if tag != self.tag { self = try Self.blank(tag) }
        switch self {
        case .set(var token):
            try io.nested(&token)
            self = .set(token)
        case .prolong(var id, var expires):
            try io.string(&id)
            try io.int64(&expires)
            self = .prolong(id: id, expires: expires)
        case .remove(var id):
            try io.string(&id)
            self = .remove(id: id)
        case .removeExpired(var now):
            try io.int64(&now)
            self = .removeExpired(now: now)
        }
    }
}

extension BrokerMachine {
    /// Limit of tokens.
    package static let tokensMax = 10_000

    mutating func apply(_ command: TokenCommand, _ rows: inout RowChanges) -> BrokerOutcome {
        switch command {
        case .set(let token):
            guard tokens[token.id] != nil || tokens.count < Self.tokensMax else { return .refused(.tooManyTokens(limit: Self.tokensMax)) }
            store(token, &rows)
        case .prolong(let id, let expires):
            guard var token = tokens[id] else { return .refused(.unknownToken) }
            token.expires = WallTime(milliseconds: min(expires, token.latestExpiry.milliseconds))
            store(token, &rows)
        case .remove(let id):
            guard tokens[id] != nil else { return .refused(.unknownToken) }
            remove(token: id, &rows)
        case .removeExpired(let now):
            for (id, token) in tokens.entries where token.expires.milliseconds < now { remove(token: id, &rows) }
        }
        return .done
    }

    private mutating func store(_ token: DelegationToken, _ rows: inout RowChanges) {
        tokens[token.id] = token
        rows.upsert(Self.tokensTable, [.text(token.id), .text(token.owner), .integer(token.expires.milliseconds), .blob(Self.blob(token))])
    }

    private mutating func remove(token id: String, _ rows: inout RowChanges) {
        tokens[id] = nil
        rows.delete(Self.tokensTable, key: [.text(id)])
    }

    /// The last column holds the whole token.
    static let tokensTable = TableSchema(
        "delegation_tokens", key: [.init("token_id", .text)],
        values: [.init("owner", .text), .init("expires_ms", .integer), .init("token", .blob)])

    private static func blob(_ token: DelegationToken) -> Bytes {
        do { return try token.encoded(as: DurableDialect.self) } catch {
            preconditionFailure("a token of ours can always be encoded: \(error)")
        }
    }

    mutating func loadToken(_ row: Row) throws(StateCorruption) {
        guard let id = row[0].text, let blob = row[3].blob else { throw StateCorruption("a token's row is incomplete") }
        do { tokens[id] = try DelegationToken(decoding: blob, as: DurableDialect.self) } catch {
            throw StateCorruption("the token '\(id)' cannot be read: \(error)")
        }
    }
}
