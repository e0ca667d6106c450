// Zstandard, writing: one frame whose blocks have plain literals and sequences in the predefined tables. It forgoes the gain of
// entropy-coded literals and keeps the encoder a page long. Source: RFC 8878, sections 3.1 and 4.1.
import Base

enum ZstdEncoder {
    private static let magic: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]
    /// One segment, with the size of its content in four bytes.
    private static let descriptor: UInt8 = 0xa0
    private static let blockBytes = 128 << 10

    private enum BlockType: UInt32 { case raw = 0, compressed = 2 }

    private struct Sequence {
        var literals: Int
        var match: Int
        var distance: Int
    }

    static func encode(_ plain: [UInt8]) -> [UInt8] {
        var packed = magic + [descriptor]
        append(UInt32(truncatingIfNeeded: plain.count), bytes: 4, to: &packed)
        let ranges = RepeatedBytes.blocks(plain, of: blockBytes)
        for (number, range) in ranges.enumerated() {
            let block = block(range, of: plain)
            let type: BlockType = block.count < range.count ? .compressed : .raw
            let size = UInt32(type == .raw ? range.count : block.count)
            append(size << 3 | type.rawValue << 1 | (number == ranges.count - 1 ? 1 : 0), bytes: 3, to: &packed)
            if type == .raw { packed += plain[range] } else { packed += block }
        }
        return packed
    }

    private static func append(_ word: UInt32, bytes: Int, to packed: inout [UInt8]) {
        for number in 0..<bytes { packed.append(UInt8(truncatingIfNeeded: word >> UInt32(8 * number))) }
    }

    private static func block(_ range: Range<Int>, of plain: [UInt8]) -> [UInt8] {
        var (literals, sequences): ([UInt8], [Sequence]) = ([], [])
        RepeatedBytes.each(in: range, of: plain, reach: blockBytes) { step in
            literals += plain[step.literals]
            if step.count > 0 { sequences.append(Sequence(literals: step.literals.count, match: step.count, distance: step.distance)) }
        }
        var packed: [UInt8] = []
        // Plain literals, their size in 20 bits.
        append(UInt32(literals.count) << 4 | 3 << 2, bytes: 3, to: &packed)
        packed += literals
        count(sequences.count, into: &packed)
        guard !sequences.isEmpty else { return packed }
        // The predefined tables for all three parts.
        packed.append(0)
        packed += bits(of: sequences)
        return packed
    }

    private static func count(_ count: Int, into packed: inout [UInt8]) {
        if count < 128 {
            packed.append(UInt8(count))
        } else if count < 0x7f00 {
            packed += [UInt8(count >> 8 + 128), UInt8(truncatingIfNeeded: count)]
        } else {
            packed.append(255)
            append(UInt32(count - 0x7f00), bytes: 2, to: &packed)
        }
    }

    /// The sequences from the last to the first, since readers begin at the end.
    private static func bits(of sequences: [Sequence]) -> [UInt8] {
        var bits = ForwardBits()
        var (lengths, offsets, matches) = (StateEncoder(.literalLength), StateEncoder(.offset), StateEncoder(.matchLength))
        for sequence in sequences.reversed() {
            let length = code(sequence.literals, in: ZstdSequenceKind.literalBases)
            let match = code(sequence.match, in: ZstdSequenceKind.matchBases)
            let distance = sequence.distance + 3
            let offset = Int.bitWidth - 1 - distance.leadingZeroBitCount
            offsets.move(to: offset, &bits)
            matches.move(to: match, &bits)
            lengths.move(to: length, &bits)
            bits.write(sequence.literals - ZstdSequenceKind.literalBases[length], ZstdSequenceKind.literalBits[length])
            bits.write(sequence.match - ZstdSequenceKind.matchBases[match], ZstdSequenceKind.matchBits[match])
            bits.write(distance - 1 << offset, offset)
        }
        matches.end(&bits)
        offsets.end(&bits)
        lengths.end(&bits)
        return bits.ended()
    }

    /// The last code whose base is not above a value.
    private static func code(_ value: Int, in bases: [Int]) -> Int {
        var (low, high) = (0, bases.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if bases[middle] <= value { low = middle } else { high = middle }
        }
        return low
    }

    /// Bits from the lowest on, with an end mark bit.
    private struct ForwardBits {
        private var bytes: [UInt8] = []
        private var word: UInt64 = 0
        private var held = 0

        /// At most 32 bits.
        mutating func write(_ value: Int, _ count: Int) {
            word |= UInt64(truncatingIfNeeded: value) << UInt64(held)
            held += count
            while held >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
                held -= 8
            }
        }

        func ended() -> [UInt8] { bytes + [UInt8(truncatingIfNeeded: word | 1 << UInt64(held))] }
    }

    /// Finite state entropy in one of the predefined tables, written from the last symbol to the first.
    private struct StateEncoder {
        private let table: ZstdStateTable
        private let before: [UInt8]
        private var state: Int?

        init(_ kind: ZstdSequenceKind) {
            table = kind.predefined
            before = Self.before[kind.rawValue]
        }

        /// Moves to the state in which a reader finds `symbol`, and writes the bits that take the reader from there to the previous state.
        mutating func move(to symbol: Int, _ bits: inout ForwardBits) {
            let place = Int(before[symbol << table.accuracy | (state ?? 0)])
            let entry = table.entries[place]
            if let state { bits.write(state - Int(entry.base), Int(entry.bits)) }
            state = place
        }

        func end(_ bits: inout ForwardBits) { bits.write(state ?? 0, table.accuracy) }

        /// For each part, symbol and state: the one state with that symbol from which a reader can reach the state.
        private static let before: [[UInt8]] = ZstdSequenceKind.allCases.map { kind in
            let table = kind.predefined
            var places = [UInt8](repeating: 0, count: kind.symbolsMax << table.accuracy)
            for (place, entry) in table.entries.enumerated() {
                for state in Int(entry.base)..<(Int(entry.base) + 1 << Int(entry.bits)) {
                    places[Int(entry.symbol) << table.accuracy | state] = UInt8(place)
                }
            }
            return places
        }
    }
}
