// Snappy, writing: blocks in the framing of Kafka's Java clients, which every client reads. Sources: Snappy's format description
// (google/snappy, format_description.txt); the block framing of snappy-java.
import Base

enum SnappyEncoder {
    /// Magic, version and the oldest compatible version.
    private static let header: [UInt8] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1]
    /// The block size of snappy-java; every distance in it fits into two bytes.
    private static let blockBytes = 32 << 10
    private static let copyMax = 64

    static func encode(_ plain: [UInt8]) -> [UInt8] {
        var packed = header
        for range in RepeatedBytes.blocks(plain, of: blockBytes) {
            let block = block(range, of: plain)
            for shift in [24, 16, 8, 0] { packed.append(UInt8(truncatingIfNeeded: block.count >> shift)) }
            packed += block
        }
        return packed
    }

    private static func block(_ range: Range<Int>, of plain: [UInt8]) -> [UInt8] {
        var packed: [UInt8] = []
        var size = range.count
        while size >= 0x80 {
            packed.append(UInt8(truncatingIfNeeded: size | 0x80))
            size >>= 7
        }
        packed.append(UInt8(size))
        RepeatedBytes.each(in: range, of: plain, reach: blockBytes) { step in
            literals(plain[step.literals], into: &packed)
            var left = step.count
            while left > 0 {
                let count = min(left, copyMax)
                packed.append(UInt8(truncatingIfNeeded: (count - 1) << 2 | 2))
                packed.append(UInt8(truncatingIfNeeded: step.distance))
                packed.append(UInt8(truncatingIfNeeded: step.distance >> 8))
                left -= count
            }
        }
        return packed
    }

    private static func literals(_ bytes: ArraySlice<UInt8>, into packed: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let last = bytes.count - 1
        if last < 60 {
            packed.append(UInt8(last << 2))
        } else if last < 0x100 {
            packed += [60 << 2, UInt8(last)]
        } else {
            packed += [61 << 2, UInt8(truncatingIfNeeded: last), UInt8(truncatingIfNeeded: last >> 8)]
        }
        packed += bytes
    }
}
