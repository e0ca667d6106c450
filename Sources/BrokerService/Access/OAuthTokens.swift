// The broker's side of OAUTHBEARER: checks a JSON Web Token's signature, times, issuer and audience, and takes the user from a claim. Keys
// come from a file, which is read again when it changes, and from no other source. Source: RFC 7628, RFC 7519, RFC 7517; KIP-255.
import Base
import Foundation
import NetKit
import Storage

/// The settings of token verification.
package struct OAuthSettings: Sendable {
    /// A JSON Web Key Set; empty for none.
    package var keysFile = ""
    /// Whether unsigned tokens (algorithm `none`) are accepted, for development only.
    package var allowsUnsecured = false
    /// The required issuer and audience; empty: any.
    package var issuer = ""
    package var audience = ""
    /// The claim that names the user (Kafka: sasl.oauthbearer.sub.claim.name).
    package var principalClaim = "sub"
    /// Allowed clock skew (Kafka: sasl.oauthbearer.clock.skew.seconds).
    package var clockSkew = Duration.seconds(30)

    package init() {}
}

/// The reason for a token's refusal; the client learns only of the refusal.
package struct TokenRefusal: Error, Sendable, Equatable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
}

/// The keys of a key set file.
package struct TokenKeySet: Sendable {
    struct Entry: Sendable {
        var id: String?
        var key: TokenKey
    }
    private(set) var entries: [Entry] = []

    private static let fileBytesMax = 1 << 20
    private static let keysMax = 100

    init() {}

    /// Reads a JSON Web Key Set; skips other kinds of keys.
    package init(file: String) throws(TokenRefusal) {
        guard let data = FileManager.default.contents(atPath: file), data.count <= Self.fileBytesMax else {
            throw TokenRefusal("\(file) cannot be read, or is larger than \(Self.fileBytesMax) bytes")
        }
        guard let top = JSONObject(data), let keys = top.values["keys"] as? [[String: Any]], keys.count <= Self.keysMax else {
            throw TokenRefusal("\(file) is no JSON Web Key Set of at most \(Self.keysMax) keys")
        }
        for key in keys {
            func bytes(_ name: String) -> Bytes? { (key[name] as? String).flatMap(Self.decoded) }
            let found: TokenKey?
            switch key["kty"] as? String {
            case "oct": found = bytes("k").map { .secret($0) }
            case "RSA": if let n = bytes("n"), let e = bytes("e") { found = .rsa(modulus: n, exponent: e) } else { found = nil }
            default: found = nil
            }
            guard let found, found.isUsable, (key["alg"] as? String).map({ $0 == found.algorithm }) ?? true, key["use"] as? String != "enc"
            else { continue }
            entries.append(Entry(id: key["kid"] as? String, key: found))
        }
        guard !entries.isEmpty else { throw TokenRefusal("\(file) has no key for RS256 of 2048 bits or HS256 of 256 bits") }
    }

    /// Base64 with the URL alphabet, without padding.
    static func decoded(_ text: some StringProtocol) -> Bytes? {
        var plain = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        plain += String(repeating: "=", count: (4 - plain.count % 4) % 4)
        return Data(base64Encoded: plain).map { Bytes(bytes: $0) }
    }
}

/// A JSON object.
struct JSONObject {
    var values: [String: Any]

    /// nil if the data is not a JSON object.
    init?(_ data: Data) {
        // Any fault means that it is no object.
        guard let object = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] else { return nil }
        values = object
    }
}

/// The claims of a valid token.
struct VerifiedToken: Sendable {
    var user: String
    /// The expiry, plus the allowed clock skew.
    var ends: WallTime
}

/// Verifies tokens. Used on the login thread only, after its initialization.
final class TokenVerifier: @unchecked Sendable {
    // Safe to share: made before the broker listens, then touched on the login thread only.
    private let settings: OAuthSettings
    private var keys = TokenKeySet()
    private var readAt: Date?

    private static let tokenBytesMax = 16 << 10

    init(_ settings: OAuthSettings) { self.settings = settings }

    /// The user and expiry of a valid token.
    func verified(_ token: String, now: WallTime) throws(TokenRefusal) -> VerifiedToken {
        guard token.utf8.count <= Self.tokenBytesMax else { throw TokenRefusal("a token has at most \(Self.tokenBytesMax) bytes") }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let claims = Self.object(parts[1]),
            let signature = TokenKeySet.decoded(parts[2])
        else {
            throw TokenRefusal("it is no JSON Web Token")
        }
        try checkSignature(header, Bytes(string: parts[0] + "." + parts[1]), signature)
        let ends = try checkClaims(claims, now)
        guard let user = claims.values[settings.principalClaim] as? String, !user.isEmpty, user.utf8.count <= 255 else {
            throw TokenRefusal("the claim '\(settings.principalClaim)' names nobody")
        }
        return VerifiedToken(user: user, ends: ends)
    }

    private static func object(_ part: Substring) -> JSONObject? {
        TokenKeySet.decoded(part).flatMap { JSONObject(Data($0.readableBytesView)) }
    }

    private func checkSignature(_ header: JSONObject, _ message: Bytes, _ signature: Bytes) throws(TokenRefusal) {
        let algorithm = header.values["alg"] as? String ?? ""
        // Critical extensions must be understood, and none is.
        guard header.values["crit"] == nil else { throw TokenRefusal("its header has extensions that are not known") }
        if algorithm == "none" {
            guard settings.allowsUnsecured else { throw TokenRefusal("it has no signature") }
            guard signature.readableBytes == 0 else { throw TokenRefusal("it has a signature and names no algorithm") }
            return
        }
        try readKeys()
        let id = header.values["kid"] as? String
        let candidates = keys.entries.filter { $0.key.algorithm == algorithm && (id == nil || $0.id == nil || $0.id == id) }
        guard !candidates.isEmpty else { throw TokenRefusal("there is no key '\(id ?? "")' for \(algorithm)") }
        guard candidates.contains(where: { $0.key.signs(message, with: signature) }) else { throw TokenRefusal("its signature is wrong") }
    }

    /// Reads the keys again if their file has changed; keeps the old keys if the file cannot be read.
    private func readKeys() throws(TokenRefusal) {
        guard !settings.keysFile.isEmpty else { throw TokenRefusal("no keys are given") }
        // A missing file may be about to be replaced.
        let changed = (try? FileManager.default.attributesOfItem(atPath: settings.keysFile))?[.modificationDate] as? Date
        guard changed != readAt || keys.entries.isEmpty else { return }
        do throws(TokenRefusal) {
            keys = try TokenKeySet(file: settings.keysFile)
            readAt = changed
        } catch { if keys.entries.isEmpty { throw error } }
    }

    /// The token's expiry. Times are seconds since 1970.
    private func checkClaims(_ claims: JSONObject, _ now: WallTime) throws(TokenRefusal) -> WallTime {
        let (seconds, skew) = (Double(now.milliseconds) / 1000, Double(settings.clockSkew.inMilliseconds) / 1000)
        func time(_ name: String) -> Double? { (claims.values[name] as? NSNumber)?.doubleValue }
        guard let expires = time("exp") else { throw TokenRefusal("it does not say when it ends") }
        guard expires + skew > seconds else { throw TokenRefusal("it has ended") }
        for name in ["nbf", "iat"] { if let from = time(name), from - skew > seconds { throw TokenRefusal("it is not valid yet") } }
        if !settings.issuer.isEmpty, claims.values["iss"] as? String != settings.issuer { throw TokenRefusal("somebody else issued it") }
        // A time beyond the range counts as never.
        let ends = WallTime(milliseconds: Int64(exactly: ((expires + skew) * 1000).rounded()) ?? .max)
        guard !settings.audience.isEmpty else { return ends }
        let audience = claims.values["aud"] as? [String] ?? (claims.values["aud"] as? String).map { [$0] } ?? []
        guard audience.contains(settings.audience) else { throw TokenRefusal("it is for somebody else") }
        return ends
    }
}

/// A client message of OAUTHBEARER.
struct BearerMessage {
    var token = ""
    /// The requested identity; empty for the token's user.
    var identity = ""

    /// Parses `n,[a=identity],` and pairs between bytes of value 1, one of them `auth=Bearer TOKEN`; nil for other text.
    init?(_ bytes: Bytes) {
        guard let text = String(validating: bytes.readableBytesView, as: UTF8.self), text.hasSuffix("\u{1}\u{1}") else { return nil }
        let fields = text.split(separator: "\u{1}", omittingEmptySubsequences: false)
        let head = fields[0].split(separator: ",", omittingEmptySubsequences: false)
        guard head.count == 3, head[0] == "n" || head[0] == "y", head[2].isEmpty, head[1].isEmpty || head[1].beginsWithBytes(of: "a=")
        else {
            return nil
        }
        identity = String(head[1].droppingBytes(first: 2))
        let shown = fields.dropFirst().filter { $0.hasPrefix("auth=") }
        guard shown.count == 1, let value = shown.first?.dropFirst(5), value.lowercased().hasPrefix("bearer ") else { return nil }
        token = String(value.dropFirst(7))
    }
}
