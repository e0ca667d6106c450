// The arithmetic of SASL's DIGEST-MD5 (RFC 2831), which ZooKeeper's clients still speak. MD5 is no protection by itself: the exchange
// hides a password from an eavesdropper, but not from guesses on a recorded exchange. Nothing else should use this.
import Base
import Crypto
import Foundation

package enum DigestMD5 {
    /// The values that both sides know at the end of an exchange.
    package struct Exchange: Sendable {
        package var user = ""
        package var realm = ""
        package var nonce = ""
        package var clientNonce = ""
        package var count = "00000001"
        package var uri = ""
        package var authorization: String?
        package init() {}
    }

    private static func md5(_ bytes: [UInt8]) -> [UInt8] { Array(Insecure.MD5.hash(data: Data(bytes))) }
    private static func hex(_ bytes: [UInt8]) -> [UInt8] {
        bytes.flatMap { byte in Array((byte < 16 ? "0" : "").utf8) + Array(String(byte, radix: 16).utf8) }
    }

    /// The proof of the client (`AUTHENTICATE:`), or the server's answer to it (`:`), as 32 hex digits.
    package static func proof(_ exchange: Exchange, password: String, ofServer: Bool) -> Bytes {
        let secret = md5(Array("\(exchange.user):\(exchange.realm):\(password)".utf8))
        let authorization = exchange.authorization.map { ":\($0)" } ?? ""
        let first = hex(md5(secret + Array(":\(exchange.nonce):\(exchange.clientNonce)\(authorization)".utf8)))
        let second = hex(md5(Array("\(ofServer ? "" : "AUTHENTICATE"):\(exchange.uri)".utf8)))
        let middle = Array(":\(exchange.nonce):\(exchange.count):\(exchange.clientNonce):auth:".utf8)
        return Bytes(bytes: hex(md5(first + middle + second)))
    }

    /// The `name=value` pairs of a challenge or response, nil if they are malformed. Values may be quoted.
    package static func fields(_ text: String) -> [String: String]? {
        var fields: [String: String] = [:]
        var rest = Substring(text)
        while !rest.isEmpty {
            guard let equals = rest.firstIndex(of: "=") else { return nil }
            let name = rest[..<equals].drop { $0 == " " || $0 == "," }
            rest = rest[rest.index(after: equals)...]
            var value = ""
            if rest.first == "\"" {
                rest.removeFirst()
                while let next = rest.popFirst(), next != "\"" { value.append(next == "\\" ? rest.popFirst() ?? next : next) }
            } else {
                value = String(rest.prefix { $0 != "," })
                rest = rest.dropFirst(value.count)
            }
            guard !name.isEmpty, fields.updateValue(value, forKey: name.lowercased()) == nil else { return nil }
            rest = rest.drop { $0 == "," || $0 == " " }
        }
        return fields
    }
}
