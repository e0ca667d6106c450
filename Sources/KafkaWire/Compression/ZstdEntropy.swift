// Zstandard's entropy coders, reading only: finite state entropy and Huffman codes, whose streams are read from their end. Tables are
// checked against their limits before memory is allocated for them. Source: RFC 8878, sections 4.1 and 4.2.
import Base

/// Bits read from the end of a stream; zeros precede its beginning, and only a damaged stream goes beyond it by more than a table's width.
struct ZstdBackwardBits {
    private let bytes: ArraySlice<UInt8>
    /// Bits left; negative after reading beyond the beginning.
    private(set) var left: Int

    init(_ bytes: ArraySlice<UInt8>) throws(WireError) {
        // The last byte has the end mark bit.
        guard let last = bytes.last, last != 0 else { throw .unknownTag("end of a zstd bit stream", 0) }
        self.bytes = bytes
        left = bytes.count * 8 - last.leadingZeroBitCount - 1
    }

    /// At most 32 bits.
    mutating func read(_ count: Int) -> Int {
        left -= count
        return bits(at: left, count)
    }

    func peek(_ count: Int) -> Int { bits(at: left - count, count) }

    mutating func skip(_ count: Int) { left -= count }

    private func bits(at place: Int, _ count: Int) -> Int {
        guard count > 0 else { return 0 }
        if place < 0 { return count + place > 0 ? bits(at: 0, count + place) << -place : 0 }
        let first = bytes.startIndex + place / 8
        var word: UInt64 = 0
        for (number, byte) in bytes[first..<min(bytes.endIndex, first + 5)].enumerated() { word |= UInt64(byte) << UInt64(8 * number) }
        return Int(word >> UInt64(place % 8) & ((1 << UInt64(count)) - 1))
    }
}

/// A table of finite state entropy.
struct ZstdStateTable {
    struct Entry {
        var symbol: UInt8 = 0
        var bits: UInt8 = 0
        var base: UInt16 = 0
    }
    let accuracy: Int
    private(set) var entries: [Entry]

    /// One symbol without bits.
    init(only symbol: UInt8) {
        accuracy = 0
        entries = [Entry(symbol: symbol)]
    }

    /// Counts of symbols; -1 for one with a probability below 1. They fill 2 to the power of `accuracy`.
    init(_ counts: [Int], accuracy: Int) {
        let size = 1 << accuracy
        self.accuracy = accuracy
        entries = [Entry](repeating: Entry(), count: size)
        var next = counts.map { max(1, $0) }
        var high = size
        for (symbol, count) in counts.enumerated() where count == -1 {
            high -= 1
            entries[high].symbol = UInt8(symbol)
        }
        let (step, mask) = ((size >> 1) + (size >> 3) + 3, size - 1)
        var place = 0
        for (symbol, count) in counts.enumerated() where count > 0 {
            for _ in 0..<count {
                entries[place].symbol = UInt8(symbol)
                repeat { place = (place + step) & mask } while place >= high
            }
        }
        for index in 0..<size {
            let symbol = Int(entries[index].symbol)
            let state = next[symbol]
            next[symbol] += 1
            let bits = accuracy - (Int.bitWidth - 1 - state.leadingZeroBitCount)
            entries[index].bits = UInt8(bits)
            entries[index].base = UInt16((state << bits) - size)
        }
    }

    /// Reads a table's description; returns the table and the description's size in bytes.
    static func read(_ bytes: ArraySlice<UInt8>, accuracyMax: Int, symbolsMax: Int) throws(WireError) -> (table: ZstdStateTable, size: Int)
    {
        var place = 0
        func bits(_ count: Int) throws(WireError) -> Int {
            guard place + count <= bytes.count * 8 else { throw .truncated(needed: (place + count + 7) / 8, remaining: bytes.count) }
            var value = 0
            for bit in 0..<count { value |= Int(bytes[bytes.startIndex + (place + bit) / 8] >> UInt8((place + bit) % 8) & 1) << bit }
            place += count
            return value
        }
        let accuracy = try bits(4) + 5
        guard accuracy <= accuracyMax else { throw .overLimit("accuracy of a zstd table", accuracy) }
        var (remaining, counts): (Int, [Int]) = (1 << accuracy, [])
        while remaining > 0 {
            guard counts.count < symbolsMax else { throw .overLimit("symbols of a zstd table", counts.count) }
            let width = Int.bitWidth - (remaining + 1).leadingZeroBitCount
            var value = try bits(width)
            let (mask, threshold) = ((1 << (width - 1)) - 1, (1 << width) - 1 - (remaining + 1))
            if value & mask < threshold {
                place -= 1
                value &= mask
            } else if value > mask {
                value -= threshold
            }
            counts.append(value - 1)
            remaining -= abs(value - 1)
            guard value == 1 else { continue }
            var zeros = 3
            while zeros == 3 {
                zeros = try bits(2)
                counts += Array(repeating: 0, count: zeros)
                guard counts.count <= symbolsMax else { throw .overLimit("symbols of a zstd table", counts.count) }
            }
        }
        guard remaining == 0 else { throw .unknownTag("sum of a zstd table", remaining) }
        return (ZstdStateTable(counts, accuracy: accuracy), (place + 7) / 8)
    }
}

/// A Huffman code of literals.
struct ZstdHuffmanTable {
    private var entries: [(symbol: UInt8, bits: UInt8)]
    private let width: Int
    private static let widthMax = 11

    /// Reads a code's description; returns the code and the description's size in bytes.
    static func read(_ bytes: ArraySlice<UInt8>) throws(WireError) -> (table: ZstdHuffmanTable, size: Int) {
        guard let header = bytes.first.map(Int.init) else { throw .truncated(needed: 1, remaining: 0) }
        let rest = bytes.dropFirst()
        if header >= 128 {
            let count = header - 127
            guard rest.count >= (count + 1) / 2 else { throw .truncated(needed: (count + 1) / 2, remaining: rest.count) }
            let weights = (0..<count).map { number in
                let byte = rest[rest.startIndex + number / 2]
                return Int(number % 2 == 0 ? byte >> 4 : byte & 15)
            }
            return (try ZstdHuffmanTable(weights), 1 + (count + 1) / 2)
        }
        guard rest.count >= header else { throw .truncated(needed: header, remaining: rest.count) }
        return (try ZstdHuffmanTable(try weights(rest.prefix(header))), 1 + header)
    }

    /// Entropy-coded weights, by two states in turn.
    private static func weights(_ bytes: ArraySlice<UInt8>) throws(WireError) -> [Int] {
        let (table, size) = try ZstdStateTable.read(bytes, accuracyMax: 6, symbolsMax: widthMax + 2)
        var bits = try ZstdBackwardBits(bytes.dropFirst(size))
        var states = [bits.read(table.accuracy), bits.read(table.accuracy)]
        guard bits.left >= 0 else { throw .truncated(needed: -bits.left, remaining: 0) }
        var (weights, turn): ([Int], Int) = ([], 0)
        while true {
            guard weights.count < 254 else { throw .overLimit("weights of a zstd Huffman code", weights.count) }
            let entry = table.entries[states[turn]]
            weights.append(Int(entry.symbol))
            guard bits.left >= Int(entry.bits) else {
                // The bits are used up: the other state has the last weight.
                weights.append(Int(table.entries[states[1 - turn]].symbol))
                return weights
            }
            states[turn] = Int(entry.base) + bits.read(Int(entry.bits))
            turn = 1 - turn
        }
    }

    /// The last symbol's weight is the remainder.
    private init(_ stated: [Int]) throws(WireError) {
        let sum = stated.reduce(0) { $0 + ($1 > 0 ? 1 << ($1 - 1) : 0) }
        guard sum > 0, stated.allSatisfy({ $0 <= Self.widthMax }) else { throw .unknownTag("weights of a zstd Huffman code", sum) }
        width = Int.bitWidth - sum.leadingZeroBitCount
        let missing = (1 << width) - sum
        guard width <= Self.widthMax, missing & (missing - 1) == 0 else { throw .unknownTag("weights of a zstd Huffman code", sum) }
        let weights = stated + [missing.trailingZeroBitCount + 1]
        entries = []
        entries.reserveCapacity(1 << width)
        for weight in 1...width {
            for (symbol, own) in weights.enumerated() where own == weight {
                entries += Array(repeating: (UInt8(symbol), UInt8(width + 1 - weight)), count: 1 << (weight - 1))
            }
        }
        guard entries.count == 1 << width else { throw .unknownTag("weights of a zstd Huffman code", entries.count) }
    }

    /// Reads exactly `count` literals from a stream; throws if it holds more or fewer.
    func decode(_ bytes: ArraySlice<UInt8>, count: Int, into literals: inout [UInt8]) throws(WireError) {
        var bits = try ZstdBackwardBits(bytes)
        for _ in 0..<count {
            let entry = entries[bits.peek(width)]
            bits.skip(Int(entry.bits))
            literals.append(entry.symbol)
        }
        guard bits.left == 0 else { throw .unknownTag("bits left in a zstd stream", bits.left) }
    }
}
