// Signatures of JSON Web Tokens. Source: RFC 7518, sections 3.2 and 3.3.
import Base
import Crypto
import CryptoExtras
import Foundation

/// A key that checks signatures.
package enum TokenKey: Sendable, Equatable {
    /// HS256: the checking key also signs.
    case secret(Bytes)
    /// RS256: modulus and exponent, big-endian.
    case rsa(modulus: Bytes, exponent: Bytes)

    /// The algorithm's name in a token's header.
    package var algorithm: String {
        switch self {
        case .secret: "HS256"
        case .rsa: "RS256"
        }
    }

    /// Whether a key is usable: RSA has at least 2048 bits, a secret at least 256.
    package var isUsable: Bool {
        switch self {
        case .secret(let bytes): bytes.readableBytes >= 32
        case .rsa(let modulus, let exponent): Self.publicKey(modulus, exponent) != nil
        }
    }

    package func signs(_ message: Bytes, with signature: Bytes) -> Bool {
        switch self {
        case .secret(let key): return Digests.equal(ScramHash.sha256.hmac(key: key, message), signature)
        case .rsa(let modulus, let exponent):
            guard let key = Self.publicKey(modulus, exponent) else { return false }
            let seal = _RSA.Signing.RSASignature(rawRepresentation: Data(signature.readableBytesView))
            return key.isValidSignature(seal, for: Data(message.readableBytesView), padding: .insecurePKCS1v1_5)
        }
    }

    private static func publicKey(_ modulus: Bytes, _ exponent: Bytes) -> _RSA.Signing.PublicKey? {
        // The error is the only sign of numbers that are not a key.
        try? _RSA.Signing.PublicKey(n: Data(modulus.readableBytesView), e: Data(exponent.readableBytesView))
    }
}
