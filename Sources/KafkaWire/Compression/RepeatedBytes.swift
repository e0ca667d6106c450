// The repetitions in a block, for codecs that write a block as literals and back references: greedy, over the last position of each four
// bytes.
import Base

/// One step through a block: literals, then a back reference.
struct RepeatedBytes {
    /// The literals.
    var literals: Range<Int>
    /// Distance and length of the back reference; both 0 at the end of the block.
    var distance = 0
    var count = 0
}

extension RepeatedBytes {
    private static let hashBits = 14
    private static let leastMatch = 4

    private static func word(_ bytes: [UInt8], _ place: Int) -> UInt32 {
        UInt32(bytes[place]) | UInt32(bytes[place &+ 1]) << 8 | UInt32(bytes[place &+ 2]) << 16 | UInt32(bytes[place &+ 3]) << 24
    }

    /// Walks `block` of `bytes`. References go back at most `reach` bytes and not before the block, begin at least `guardBytes` before its
    /// end and leave the last 5 bytes as literals. The last step has no reference; its literals may be empty.
    static func each(in block: Range<Int>, of bytes: [UInt8], reach: Int, guardBytes: Int = 12, _ body: (RepeatedBytes) -> Void) {
        let tailBytes = 5
        var places = [Int32](repeating: -1, count: 1 << hashBits)
        var (place, literals) = (block.lowerBound, block.lowerBound)
        var misses = 0
        while place &+ guardBytes <= block.upperBound {
            let word = word(bytes, place)
            let hash = Int((word &* 2_654_435_761) >> UInt32(32 - hashBits))
            let known = Int(places[hash])
            places[hash] = Int32(truncatingIfNeeded: place &- block.lowerBound)
            let earlier = block.lowerBound &+ known
            guard known >= 0, place &- earlier <= reach, Self.word(bytes, earlier) == word else {
                // Bytes without repetitions are skipped faster and faster.
                misses &+= 1
                place &+= 1 &+ misses >> 6
                continue
            }
            misses = 0
            var count = leastMatch
            while place &+ count < block.upperBound &- tailBytes, bytes[earlier &+ count] == bytes[place &+ count] { count &+= 1 }
            body(RepeatedBytes(literals: literals..<place, distance: place &- earlier, count: count))
            place &+= count
            literals = place
        }
        body(RepeatedBytes(literals: literals..<block.upperBound))
    }

    /// The blocks of at most `count` bytes that make up an input, at least one.
    static func blocks(_ bytes: [UInt8], of count: Int) -> [Range<Int>] {
        bytes.isEmpty ? [0..<0] : stride(from: 0, to: bytes.count, by: count).map { $0..<min(bytes.count, $0 + count) }
    }
}
