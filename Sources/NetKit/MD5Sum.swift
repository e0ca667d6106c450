// MD5 of bytes, for protocols that name content by it. Not a protection against forgery.
import Base
import Crypto

package enum MD5Sum {
    /// The 16 bytes of the digest.
    package static func of(_ bytes: Bytes) -> Bytes {
        // Reads the buffer's own memory within this call.
        bytes.withUnsafeReadableBytes { Bytes(bytes: Array(Insecure.MD5.hash(data: $0))) }
    }
}
