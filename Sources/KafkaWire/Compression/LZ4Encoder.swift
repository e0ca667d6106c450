// LZ4, writing: one frame of independent blocks without checksums, since a record batch has one of its own. Sources: LZ4 frame and block
// format descriptions (lz4/lz4, doc).
import Base

enum LZ4Encoder {
    /// Magic, flags (version 1, independent blocks), blocks of at most 64 KiB, and the checksum of the two bytes before it.
    private static let header: [UInt8] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]
    private static let blockBytes = 64 << 10
    /// The largest distance.
    private static let reach = (64 << 10) - 1
    private static let leastMatch = 4

    static func encode(_ plain: [UInt8]) -> [UInt8] {
        var packed = header
        for range in RepeatedBytes.blocks(plain, of: blockBytes) where !range.isEmpty {
            let block = block(range, of: plain)
            let isSmaller = block.count < range.count
            let size = UInt32(isSmaller ? block.count : range.count) | (isSmaller ? 0 : 1 << 31)
            append(size, to: &packed)
            if isSmaller { packed += block } else { packed += plain[range] }
        }
        append(0, to: &packed)
        return packed
    }

    private static func append(_ word: UInt32, to packed: inout [UInt8]) {
        for shift in [UInt32(0), 8, 16, 24] { packed.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }

    private static func block(_ range: Range<Int>, of plain: [UInt8]) -> [UInt8] {
        var packed: [UInt8] = []
        packed.reserveCapacity(range.count)
        RepeatedBytes.each(in: range, of: plain, reach: reach) { step in
            let extra = max(0, step.count - leastMatch)
            packed.append(UInt8(min(15, step.literals.count) << 4 | min(15, extra)))
            length(step.literals.count, into: &packed)
            packed += plain[step.literals]
            guard step.count > 0 else { return }
            packed.append(UInt8(truncatingIfNeeded: step.distance))
            packed.append(UInt8(truncatingIfNeeded: step.distance >> 8))
            length(extra, into: &packed)
        }
        return packed
    }

    /// The rest of a length above its four bits.
    private static func length(_ count: Int, into packed: inout [UInt8]) {
        guard count >= 15 else { return }
        var left = count - 15
        while left >= 255 {
            packed.append(255)
            left -= 255
        }
        packed.append(UInt8(left))
    }
}
