// SHA-2 for data structures and SCRAM; see Digests for the rest.
import Base
import Crypto
import Foundation

extension Digests {
    /// The first 128 bits of SHA-256: enough to tell keys apart.
    package static func fingerprint(_ bytes: UnsafeRawBufferPointer) -> UUIDBytes {
        SHA256.hash(data: bytes).withUnsafeBytes { memory in
            // The bytes are only read within this call. A digest has 32 bytes; the two loads are in its first half.
            UUIDBytes(
                high: memory.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                low: memory.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }
}

/// The two hash functions of SCRAM. Source: RFC 5802, RFC 7677.
package enum ScramHash: Sendable {
    case sha256, sha512

    package var byteCount: Int { self == .sha256 ? 32 : 64 }

    package func hash(_ bytes: Bytes) -> Bytes {
        let data = Data(bytes.readableBytesView)
        switch self {
        case .sha256: return Bytes(bytes: SHA256.hash(data: data))
        case .sha512: return Bytes(bytes: SHA512.hash(data: data))
        }
    }

    package func hmac(key: Bytes, _ message: Bytes) -> Bytes {
        let key = SymmetricKey(data: Data(key.readableBytesView))
        let data = Data(message.readableBytesView)
        switch self {
        case .sha256: return Bytes(bytes: HMAC<SHA256>.authenticationCode(for: data, using: key))
        case .sha512: return Bytes(bytes: HMAC<SHA512>.authenticationCode(for: data, using: key))
        }
    }

    /// PBKDF2 with one block, which is as long as the hash; takes some milliseconds on purpose.
    package func saltedPassword(_ password: Bytes, salt: Bytes, iterations: Int) -> Bytes {
        switch self {
        case .sha256: return Self.derive(SHA256.self, password, salt, iterations)
        case .sha512: return Self.derive(SHA512.self, password, salt, iterations)
        }
    }

    private static func derive<H: HashFunction>(_: H.Type, _ password: Bytes, _ salt: Bytes, _ iterations: Int) -> Bytes {
        let key = SymmetricKey(data: Data(password.readableBytesView))
        var last = Array(HMAC<H>.authenticationCode(for: Data(salt.readableBytesView) + Data([0, 0, 0, 1]), using: key))
        var sum = last
        for _ in 1..<max(1, iterations) {
            last = Array(HMAC<H>.authenticationCode(for: last, using: key))
            for place in sum.indices { sum[place] ^= last[place] }
        }
        return Bytes(bytes: sum)
    }

    /// Both as long as the hash.
    package static func exclusiveOr(_ left: Bytes, _ right: Bytes) -> Bytes {
        Bytes(bytes: zip(left.readableBytesView, right.readableBytesView).map { $0 ^ $1 })
    }
}
