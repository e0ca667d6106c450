// SHA-2 as data structures and SCRAM ask for it; see Digests for the rest.
import Base
import Crypto
import Foundation

extension Digests {
    /// The first 128 bits of SHA-256: enough to tell keys apart.
    package static func fingerprint(_ bytes: Bytes) -> UUIDBytes {
        let digest = bytes.withUnsafeReadableBytes { SHA256.hash(data: $0) }
        return digest.withUnsafeBytes { memory in
            // A digest has 32 bytes; the two loads lie in its first half.
            UUIDBytes(high: memory.loadUnaligned(fromByteOffset: 0, as: UInt64.self), low: memory.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }
}
