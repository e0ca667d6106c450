// One connection's SASL exchange, mechanism DIGEST-MD5: a challenge, a proof, the server's own proof. Users and passwords come from a file
// that the operator names; without one every attempt is refused.
import Base
import CoordCore
import NetKit

/// Passwords of users, by name.
package struct SASLUsers: Sendable {
    private var passwords = LookupTable<ExactText, String>()
    package init() {}

    /// Lines of `name:password`; empty ones and those that begin with # are passed over. Throws the number of a line that is neither.
    package init(lines text: String) throws(BadLine) {
        for (number, line) in text.pieces(at: "\n").enumerated() {
            if line.isEmpty || line.utf8.first == UInt8(ascii: "#") { continue }
            let parts = line.pieces(at: ":", maxSplits: 1)
            guard parts.count == 2, !parts.contains(where: \.isEmpty) else { throw BadLine(number: number + 1) }
            passwords[ExactText(String(parts[0]))] = String(parts[1])
        }
    }

    package struct BadLine: Error { package var number: Int }
    package var isEmpty: Bool { passwords.isEmpty }
    func password(of user: String) -> String? { passwords[ExactText(user)] }
}

/// The server's side of one exchange.
struct SASLExchange {
    enum Step {
        case challenge(Bytes)
        case done(user: String, Bytes)
        case refused
    }
    /// ZooKeeper's realm, which its clients expect.
    static let realm = "zk-sasl-md5"
    private let users: SASLUsers
    private let nonce: String
    private var challenged = false

    init(_ users: SASLUsers) {
        self.users = users
        nonce = Digests.randomBytes(20).readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    mutating func step(_ token: Bytes) -> Step {
        guard !users.isEmpty else { return .refused }
        guard challenged, token.readableBytes > 0 else {
            challenged = true
            return .challenge(Bytes(string: "realm=\"\(Self.realm)\",nonce=\"\(nonce)\",charset=utf-8,qop=\"auth\",algorithm=md5-sess"))
        }
        guard let fields = DigestMD5.fields(token.text), fields["nonce"] == nonce, fields["nc"] == "00000001",
            fields["qop", default: "auth"] == "auth",
            let user = fields["username"], let clientNonce = fields["cnonce"], let uri = fields["digest-uri"],
            let proof = fields["response"],
            fields["realm", default: Self.realm] == Self.realm, fields["authzid", default: user] == user
        else { return .refused }
        var exchange = DigestMD5.Exchange()
        (exchange.user, exchange.realm, exchange.nonce, exchange.clientNonce) = (user, fields["realm"] ?? "", nonce, clientNonce)
        (exchange.uri, exchange.authorization) = (uri, fields["authzid"])
        // An unknown user takes as long as a wrong password.
        let known = users.password(of: user)
        let expected = DigestMD5.proof(exchange, password: known ?? nonce, ofServer: false)
        guard Digests.equal(Bytes(string: proof), expected), known != nil else { return .refused }
        var answer = Bytes(string: "rspauth=")
        answer.writeImmutableBuffer(DigestMD5.proof(exchange, password: known ?? "", ofServer: true))
        return .done(user: user, answer)
    }
}
