// The broker's side of OAUTHBEARER: a client shows a JSON Web Token, whose signature, times, issuer and audience are checked, and is whom a claim names. Keys are
// read from a file, again when it changes; nobody else is asked. Source: RFC 7628, RFC 7519, RFC 7517; KIP-255.
import Base
import Foundation
import NetKit
import Storage

/// What tokens are checked against.
package struct OAuthSettings: Sendable {
    /// A JSON Web Key Set; empty for none.
    package var keysFile = ""
    /// Whether tokens without a signature (algorithm `none`) are taken, for development only.
    package var allowsUnsecured = false
    /// Who has to have issued a token, and for whom; empty: anybody.
    package var issuer = ""
    package var audience = ""
    /// The claim that names the user (Kafka: sasl.oauthbearer.sub.claim.name).
    package var principalClaim = "sub"
    /// By how much clocks may differ (Kafka: sasl.oauthbearer.clock.skew.seconds).
    package var clockSkew = Duration.seconds(30)

    package init() {}
}

/// Why a token is refused; the client is told only that it is.
package struct TokenRefusal: Error, Sendable, Equatable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
}

/// The keys of a file.
package struct TokenKeySet: Sendable {
    struct Entry: Sendable {
        var id: String?
        var key: TokenKey
    }
    private(set) var entries: [Entry] = []

    private static let fileBytesMax = 1 << 20
    private static let keysMax = 100

    init() {}

    /// Reads a JSON Web Key Set; keys of other kinds are passed over.
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
            guard let found, found.isUsable, (key["alg"] as? String).map({ $0 == found.algorithm }) ?? true, key["use"] as? String != "enc" else { continue }
            entries.append(Entry(id: key["kid"] as? String, key: found))
        }
        guard !entries.isEmpty else { throw TokenRefusal("\(file) has no key for RS256 of 2048 bits or HS256 of 256 bits") }
    }

    /// Base64 with the alphabet of addresses, without padding.
    static func decoded(_ text: some StringProtocol) -> Bytes? {
        var plain = text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        plain += String(repeating: "=", count: (4 - plain.count % 4) % 4)
        return Data(base64Encoded: plain).map { Bytes(bytes: $0) }
    }
}

/// An object of JSON.
struct JSONObject {
    var values: [String: Any]

    /// nil if the data is none.
    init?(_ data: Data) {
        // Whatever is wrong with it, it is no object.
        guard let object = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] else { return nil }
        values = object
    }
}

/// What a good token says.
struct VerifiedToken: Sendable {
    var user: String
    /// Until when it counts, with what clocks may differ.
    var ends: WallTime
}

/// Checks tokens. Used on the login thread only, after it was made.
final class TokenVerifier: @unchecked Sendable {
    // Safe to share: made before the broker listens, then touched on the login thread only.
    private let settings: OAuthSettings
    private var keys = TokenKeySet()
    private var readAt: Date?

    private static let tokenBytesMax = 16 << 10

    init(_ settings: OAuthSettings) { self.settings = settings }

    /// Whom a token names and until when, if it is good.
    func verified(_ token: String, now: WallTime) throws(TokenRefusal) -> VerifiedToken {
        guard token.utf8.count <= Self.tokenBytesMax else { throw TokenRefusal("a token has at most \(Self.tokenBytesMax) bytes") }
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let claims = Self.object(parts[1]), let signature = TokenKeySet.decoded(parts[2]) else {
            throw TokenRefusal("it is no JSON Web Token")
        }
        try checkSignature(header, Bytes(string: parts[0] + "." + parts[1]), signature)
        let ends = try checkClaims(claims, now)
        guard let user = claims.values[settings.principalClaim] as? String, !user.isEmpty, user.utf8.count <= 255 else {
            throw TokenRefusal("the claim '\(settings.principalClaim)' names nobody")
        }
        return VerifiedToken(user: user, ends: ends)
    }

    private static func object(_ part: Substring) -> JSONObject? { TokenKeySet.decoded(part).flatMap { JSONObject(Data($0.readableBytesView)) } }

    private func checkSignature(_ header: JSONObject, _ message: Bytes, _ signature: Bytes) throws(TokenRefusal) {
        let algorithm = header.values["alg"] as? String ?? ""
        // What has to be understood, and is not.
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

    /// Reads the keys again if their file has changed; if it cannot be read, those that were there stay.
    private func readKeys() throws(TokenRefusal) {
        guard !settings.keysFile.isEmpty else { throw TokenRefusal("no keys are given") }
        // A file that is not there now may be on its way to be replaced.
        let changed = (try? FileManager.default.attributesOfItem(atPath: settings.keysFile))?[.modificationDate] as? Date
        guard changed != readAt || keys.entries.isEmpty else { return }
        do throws(TokenRefusal) {
            keys = try TokenKeySet(file: settings.keysFile)
            readAt = changed
        } catch { if keys.entries.isEmpty { throw error } }
    }

    /// Until when the token counts. Times are seconds since 1970.
    private func checkClaims(_ claims: JSONObject, _ now: WallTime) throws(TokenRefusal) -> WallTime {
        let (seconds, skew) = (Double(now.milliseconds) / 1000, Double(settings.clockSkew.inMilliseconds) / 1000)
        func time(_ name: String) -> Double? { (claims.values[name] as? NSNumber)?.doubleValue }
        guard let expires = time("exp") else { throw TokenRefusal("it does not say when it ends") }
        guard expires + skew > seconds else { throw TokenRefusal("it has ended") }
        for name in ["nbf", "iat"] { if let from = time(name), from - skew > seconds { throw TokenRefusal("it is not valid yet") } }
        if !settings.issuer.isEmpty, claims.values["iss"] as? String != settings.issuer { throw TokenRefusal("somebody else issued it") }
        // A time beyond what can be counted is none that anybody will see.
        let ends = WallTime(milliseconds: Int64(exactly: ((expires + skew) * 1000).rounded()) ?? .max)
        guard !settings.audience.isEmpty else { return ends }
        let audience = claims.values["aud"] as? [String] ?? (claims.values["aud"] as? String).map { [$0] } ?? []
        guard audience.contains(settings.audience) else { throw TokenRefusal("it is for somebody else") }
        return ends
    }
}

/// A client's message of OAUTHBEARER.
struct BearerMessage {
    var token = ""
    /// Whom the client asks to be; empty for whom the token names.
    var identity = ""

    /// `n,[a=identity],` and pairs between bytes of value 1, of which one is `auth=Bearer TOKEN`; nil if it is anything else.
    init?(_ bytes: Bytes) {
        guard let text = String(validating: bytes.readableBytesView, as: UTF8.self), text.hasSuffix("\u{1}\u{1}") else { return nil }
        let fields = text.split(separator: "\u{1}", omittingEmptySubsequences: false)
        let head = fields[0].split(separator: ",", omittingEmptySubsequences: false)
        guard head.count == 3, head[0] == "n" || head[0] == "y", head[2].isEmpty, head[1].isEmpty || head[1].hasPrefix("a=") else { return nil }
        identity = String(head[1].dropFirst(2))
        let shown = fields.dropFirst().filter { $0.hasPrefix("auth=") }
        guard shown.count == 1, let value = shown.first?.dropFirst(5), value.lowercased().hasPrefix("bearer ") else { return nil }
        token = String(value.dropFirst(7))
    }
}
