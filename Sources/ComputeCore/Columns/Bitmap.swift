// A packed sequence of bits in Arrow's layout (least significant bit first, little-endian words). Bits at and after `count` are always
// zero, so that whole words can be compared and counted. Source: Arrow columnar format, "Validity bitmaps".

package struct Bitmap: Hashable, Sendable {
    package private(set) var words: [UInt64]
    package private(set) var count: Int

    package init(repeating bit: Bool, count: Int) {
        words = [UInt64](repeating: bit ? ~0 : 0, count: (count + 63) / 64)
        self.count = count
        clearTail()
    }

    package init() {
        words = []
        count = 0
    }

    /// From whole words; bits after `count` are cleared.
    package init(words: [UInt64], count: Int) {
        precondition(words.count == (count + 63) / 64, "a bitmap needs one word for each 64 bits begun")
        self.words = words
        self.count = count
        clearTail()
    }

    /// From Arrow's bytes of a wire or a file; `bytes` must hold at least `(count + 7) / 8`.
    package init(bytes: ArraySlice<UInt8>, count: Int) {
        precondition(bytes.count >= (count + 7) / 8, "a bitmap needs one byte for each eight bits begun")
        var words = [UInt64](repeating: 0, count: (count + 63) / 64)
        for (index, byte) in bytes.prefix((count + 7) / 8).enumerated() { words[index >> 3] |= UInt64(byte) << UInt64((index & 7) * 8) }
        self.init(words: words, count: count)
    }

    /// Arrow's bytes, without padding.
    package var bytes: [UInt8] {
        (0..<(count + 7) / 8).map { UInt8(truncatingIfNeeded: words[$0 >> 3] >> UInt64(($0 & 7) * 8)) }
    }

    package subscript(_ index: Int) -> Bool {
        get { words[index >> 6] >> UInt64(index & 63) & 1 == 1 }
        set {
            precondition(index < count, "bit outside of the bitmap")
            if newValue { words[index >> 6] |= 1 << UInt64(index & 63) } else { words[index >> 6] &= ~(1 << UInt64(index & 63)) }
        }
    }

    package mutating func append(_ bit: Bool) {
        if count & 63 == 0 { words.append(0) }
        if bit { words[count >> 6] |= 1 << UInt64(count & 63) }
        count += 1
    }

    package var trueCount: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    private mutating func clearTail() {
        if count & 63 != 0 { words[words.count - 1] &= (1 << UInt64(count & 63)) - 1 }
    }

    package static func & (left: Bitmap, right: Bitmap) -> Bitmap { combine(left, right) { $0 & $1 } }
    package static func | (left: Bitmap, right: Bitmap) -> Bitmap { combine(left, right) { $0 | $1 } }
    package static prefix func ~ (bits: Bitmap) -> Bitmap { Bitmap(words: bits.words.map { ~$0 }, count: bits.count) }

    private static func combine(_ left: Bitmap, _ right: Bitmap, _ operation: (UInt64, UInt64) -> UInt64) -> Bitmap {
        precondition(left.count == right.count, "bitmaps of one batch have one length")
        var words = left.words
        for index in words.indices { words[index] = operation(words[index], right.words[index]) }
        return Bitmap(words: words, count: left.count)
    }

    /// Positions of the set bits, ascending.
    package var trueIndices: [Int32] {
        var indices: [Int32] = []
        indices.reserveCapacity(trueCount)
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                indices.append(Int32(index * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
        return indices
    }
}
