// Digests and secrets of protocols: ZooKeeper's digest scheme, session passwords. Comparison of secrets takes constant time.
import Base
import Crypto
import Foundation

package enum Digests {
    /// base64(SHA-1(text)), as ZooKeeper's digest scheme stores `user:password`.
    package static func sha1Base64(_ text: String) -> String { Data(Insecure.SHA1.hash(data: Data(text.utf8))).base64EncodedString() }

    /// Unguessable bytes from the system.
    package static func randomBytes(_ count: Int) -> Bytes {
        var generator = SystemRandomNumberGenerator()
        return Bytes(bytes: (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// Whether two secrets are equal, in a time that does not reveal where they differ.
    package static func equal(_ left: Bytes, _ right: Bytes) -> Bool {
        guard left.readableBytes == right.readableBytes else { return false }
        return zip(left.readableBytesView, right.readableBytesView).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
