// The CRC of bytes from the CRCs of their parts, without the bytes. Source: "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ",
// Intel, for the arithmetic; Hadoop's CrcComposer for the composition.
import Base
import HadoopWire

/// Composes CRCs of one kind. A value of parts in their order.
package struct CRCComposition: Sendable {
    /// The generator, lowest power in the highest bit.
    private let polynomial: UInt32
    /// Length in bytes of the last part, and the factor that shifts a CRC by it: most parts have one length.
    private var shift: (bytes: Int64, factor: UInt32)
    /// The CRC of all parts until now; 0 for none.
    package private(set) var value: UInt32 = 0

    /// `kind`: CRC-32C or CRC-32.
    package init(_ kind: ChecksumKind) {
        polynomial = kind == .crc32 ? 0xEDB8_8320 : 0x82F6_3B78
        shift = (0, 0x8000_0000)
    }

    /// Adds a part of so many bytes.
    package mutating func add(_ sum: UInt32, lengthBytes: Int64) {
        if shift.bytes != lengthBytes { shift = (lengthBytes, factor(of: lengthBytes)) }
        value = product(value, shift.factor) ^ sum
    }

    /// Adds the CRCs of chunks of so many bytes, the last of which may be shorter.
    package mutating func add(_ sums: Bytes, chunkBytes: Int64, lengthBytes: Int64) {
        var (rest, left) = (sums, lengthBytes)
        while left > 0, let sum = rest.readInteger(as: UInt32.self) {
            add(sum, lengthBytes: min(chunkBytes, left))
            left -= min(chunkBytes, left)
        }
    }

    /// Product of two polynomials modulo the generator.
    private func product(_ left: UInt32, _ right: UInt32) -> UInt32 {
        var (sum, factor) = (UInt32(0), right)
        for bit in 0..<32 as Range<UInt32> {
            if left & (0x8000_0000 >> bit) != 0 { sum ^= factor }
            factor = factor & 1 == 1 ? (factor >> 1) ^ polynomial : factor >> 1
        }
        return sum
    }

    /// x to the power of 8 times the bytes.
    private func factor(of bytes: Int64) -> UInt32 {
        var (result, base) = (UInt32(0x8000_0000), UInt32(0x8000_0000) >> 8)
        var rest = max(0, bytes)
        while rest > 0 {
            if rest & 1 == 1 { result = product(result, base) }
            base = product(base, base)
            rest >>= 1
        }
        return result
    }
}
