// Login to a broker by SCRAM-SHA-256, the client's side: the password itself is never sent, and the broker must prove that it knows the
// user as well. Source: RFC 5802, RFC 7677.
import Base
import Foundation
import KafkaWire
import NetKit

/// The user of a login.
package struct KafkaUser: Sendable {
    package var name: String
    package var password: String
    package init(name: String, password: String) {
        self.name = name
        self.password = password
    }
}

extension KafkaConnection {
    private static var mechanism: String { "SCRAM-SHA-256" }

    /// Throws `loginRefused` if the broker refuses the user.
    func logIn(_ user: KafkaUser) async throws {
        let handshake = try await call(SaslHandshakeRequest(mechanism: Self.mechanism))
        guard handshake.errorCode == .none else {
            throw KafkaFailure.loginRefused(
                user.name, reason: "it does not take \(Self.mechanism) but \(handshake.mechanisms.joined(separator: ", "))")
        }
        var login = ScramLogin(user)
        let second = try login.answer(to: try await step(login.first, user))
        try login.check(try await step(second, user))
    }

    private func step(_ message: Bytes, _ user: KafkaUser) async throws -> Bytes {
        let answer = try await call(SaslAuthenticateRequest(authBytes: message))
        guard answer.errorCode == .none else {
            throw KafkaFailure.loginRefused(user.name, reason: answer.errorMessage ?? answer.errorCode.description)
        }
        return answer.authBytes
    }
}

/// The messages of one login.
private struct ScramLogin {
    private let user: KafkaUser
    private let nonce = Data(Digests.randomBytes(18).readableBytesView).base64EncodedString()
    private let hash = ScramHash.sha256
    private var expected = Bytes()

    init(_ user: KafkaUser) { self.user = user }

    private var bare: String {
        let name = user.name.replacingOccurrences(of: "=", with: "=3D").replacingOccurrences(of: ",", with: "=2C")
        return "n=\(name),r=\(nonce)"
    }

    var first: Bytes { Bytes(string: "n,," + bare) }

    mutating func answer(to challenge: Bytes) throws(KafkaFailure) -> Bytes {
        let text = challenge.text
        let fields = Dictionary(
            text.split(separator: ",").map { ($0.prefix(2), String($0.dropFirst(2))) }, uniquingKeysWith: { first, _ in first })
        // A server that asks for endless iterations would only waste time.
        let iterationsMax = 1_000_000
        guard let joint = fields["r="], joint.hasPrefix(nonce), let salt = fields["s="].flatMap({ Data(base64Encoded: $0) }),
            let iterations = fields["i="].flatMap({ Int($0) }),
            (1...iterationsMax).contains(iterations)
        else { throw .damagedAnswer("the broker's part of the login") }
        let salted = hash.saltedPassword(Bytes(string: user.password), salt: Bytes(bytes: salt), iterations: iterations)
        let clientKey = hash.hmac(key: salted, Bytes(string: "Client Key"))
        let unproved = "c=biws,r=\(joint)"
        let signed = Bytes(string: bare + "," + text + "," + unproved)
        let proof = ScramHash.exclusiveOr(clientKey, hash.hmac(key: hash.hash(clientKey), signed))
        expected = hash.hmac(key: hash.hmac(key: salted, Bytes(string: "Server Key")), signed)
        return Bytes(string: unproved + ",p=" + Data(proof.readableBytesView).base64EncodedString())
    }

    /// Checks the broker's proof that it knows the user, too.
    func check(_ last: Bytes) throws(KafkaFailure) {
        guard last.text.hasPrefix("v="), let signature = Data(base64Encoded: String(last.text.dropFirst(2))),
            Digests.equal(Bytes(bytes: signature), expected)
        else {
            throw .loginRefused(user.name, reason: "the broker cannot show that it knows the user; it may be another one than it says")
        }
    }
}
