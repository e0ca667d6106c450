// The broker's side of a SCRAM conversation: two client messages, two answers. Then the client has proved that it knows the password, and
// the broker that it knows the user. An unknown user gets the same first answer as a known one. Source: RFC 5802.
import Base
import BrokerCore
import Foundation
import NetKit

/// The reason for a failed login, and all that the client learns.
struct LoginRefusal: Error {
    var message: String
    static let wrong = LoginRefusal(message: "the user name or the password is wrong")
}

/// A login's user and credential.
struct ScramIdentity {
    var user: String
    var credential: ScramCredential
    /// The login's expiry; nil for none.
    var ends: WallTime?
}

/// One SCRAM conversation.
struct ScramExchange {
    private let mechanism: ScramMechanism
    private var clientFirstBare = ""
    private var serverFirst = ""
    private var nonce = ""
    private var credential: ScramCredential?
    /// The user or token id given by the client.
    private(set) var user = ""
    /// Whether the client logs in with a delegation token (KIP-48).
    private(set) var isByToken = false
    /// The logged-in user, once the conversation is over.
    private(set) var loggedIn = ""
    /// The login's expiry; nil for none.
    private(set) var ends: WallTime?

    init(_ mechanism: ScramMechanism) { self.mechanism = mechanism }

    private var hash: ScramHash { mechanism == .sha256 ? .sha256 : .sha512 }

    /// The iterations shown for an unknown user, equal to the default of our own commands.
    static let iterationsDefault: Int32 = 4096
    static let iterations: ClosedRange<Int32> = 4096...16384
    private static let messageBytesMax = 4096

    /// Answers the client's first message; `find` looks up a user or a token.
    mutating func begin(_ message: Bytes, find: (_ name: String, _ isToken: Bool) -> ScramIdentity?) throws(LoginRefusal) -> Bytes {
        let text = try Self.text(message)
        // No channel binding, and no identity other than the user's own.
        let fields = text.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0] == "n" || fields[0] == "y" else { throw LoginRefusal(message: "channel binding is not served") }
        clientFirstBare = String(fields[2])
        let attributes = Self.attributes(clientFirstBare)
        guard let name = attributes["n"], let clientNonce = attributes["r"], !clientNonce.isEmpty, attributes["m"] == nil else {
            throw LoginRefusal(message: "the first message of SCRAM has no user or no nonce")
        }
        user = name.replacingOccurrences(of: "=2C", with: ",").replacingOccurrences(of: "=3D", with: "=")
        guard fields[1].isEmpty || fields[1] == "a=" + name else { throw LoginRefusal(message: "a user logs in as itself only") }
        isByToken = attributes["tokenauth"] == "true"
        let found = find(user, isByToken)
        credential = found?.credential
        loggedIn = found?.user ?? ""
        ends = found?.ends
        nonce = clientNonce + Self.base64(Digests.randomBytes(18))
        // An unknown user's salt is constant, as a known user's is.
        let salt = credential?.salt ?? hash.hmac(key: Self.disguise, Bytes(string: user)).getSlice(at: 0, length: 16) ?? Bytes()
        serverFirst = "r=\(nonce),s=\(Self.base64(salt)),i=\(credential?.iterations ?? Self.iterationsDefault)"
        return Bytes(string: serverFirst)
    }

    /// A secret of this process, so that made-up salts look like real ones.
    private static let disguise = Digests.randomBytes(32)

    /// Answers the client's last message; throws unless the client proves that it knows the password.
    func finish(_ message: Bytes) throws(LoginRefusal) -> Bytes {
        let text = try Self.text(message)
        guard let place = text.range(of: ",p=", options: .backwards) else {
            throw LoginRefusal(message: "the last message of SCRAM has no proof")
        }
        let withoutProof = String(text[..<place.lowerBound])
        let attributes = Self.attributes(withoutProof)
        guard attributes["r"] == nonce, let binding = attributes["c"].flatMap(Self.bytes),
            binding.text == "n,," || binding.text == "y,," || binding.text.beginsWithBytes(of: "n,a="),
            let proof = Self.bytes(String(text[place.upperBound...])), proof.readableBytes == hash.byteCount
        else { throw .wrong }
        guard let credential else { throw .wrong }
        let signed = Bytes(string: clientFirstBare + "," + serverFirst + "," + withoutProof)
        let clientKey = ScramHash.exclusiveOr(proof, hash.hmac(key: credential.storedKey, signed))
        guard Digests.equal(hash.hash(clientKey), credential.storedKey) else { throw .wrong }
        return Bytes(string: "v=" + Self.base64(hash.hmac(key: credential.serverKey, signed)))
    }

    // MARK: credentials

    /// The stored credential of a salted password.
    static func credential(_ mechanism: ScramMechanism, saltedPassword: Bytes, salt: Bytes, iterations: Int32) -> ScramCredential {
        let hash: ScramHash = mechanism == .sha256 ? .sha256 : .sha512
        return ScramCredential(
            iterations: iterations, salt: salt, storedKey: hash.hash(hash.hmac(key: saltedPassword, Bytes(string: "Client Key"))),
            serverKey: hash.hmac(key: saltedPassword, Bytes(string: "Server Key")))
    }

    /// The credential of a password, with a fresh salt.
    static func credential(_ mechanism: ScramMechanism, password: Bytes) -> ScramCredential {
        let hash: ScramHash = mechanism == .sha256 ? .sha256 : .sha512
        let salt = Digests.randomBytes(16)
        let salted = hash.saltedPassword(password, salt: salt, iterations: Int(iterationsDefault))
        return credential(mechanism, saltedPassword: salted, salt: salt, iterations: iterationsDefault)
    }

    /// Whether a password matches a credential; false without a credential. Takes milliseconds, the time of `iterations`, in either case.
    static func fits(_ password: Bytes, _ mechanism: ScramMechanism, _ known: ScramCredential?, workOf iterations: Int32) -> Bool {
        let hash: ScramHash = mechanism == .sha256 ? .sha256 : .sha512
        let rest = Int(iterations) - Int(known?.iterations ?? 0)
        if rest > 0 { _ = hash.saltedPassword(password, salt: disguise, iterations: rest) }
        guard let known else { return false }
        let salted = hash.saltedPassword(password, salt: known.salt, iterations: Int(known.iterations))
        return Digests.equal(
            credential(mechanism, saltedPassword: salted, salt: known.salt, iterations: known.iterations).storedKey, known.storedKey)
    }

    // MARK: text

    private static func text(_ message: Bytes) throws(LoginRefusal) -> String {
        guard message.readableBytes <= messageBytesMax, let text = String(validating: message.readableBytesView, as: UTF8.self) else {
            throw LoginRefusal(message: "a message of SCRAM is text of at most \(messageBytesMax) bytes")
        }
        return text
    }

    private static func attributes(_ text: String) -> [String: String] {
        Dictionary(
            text.split(separator: ",").compactMap { part in
                part.firstIndex(of: "=").map { (String(part[..<$0]), String(part[part.index(after: $0)...])) }
            }, uniquingKeysWith: { first, _ in first })
    }

    private static func base64(_ bytes: Bytes) -> String { Data(bytes.readableBytesView).base64EncodedString() }
    private static func bytes(_ text: String) -> Bytes? { Data(base64Encoded: text).map { Bytes(bytes: $0) } }
}
