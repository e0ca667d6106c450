// LIKE without `_`, contains, startswith and endswith with one constant pattern: a sequence of literals, which are searched in the bytes of
// a column. A literal without a fixed place is searched through all texts at once.

import QueryCore

struct TextSearch {
    /// The literals between the `%` of a pattern: the first and the last are at the ends of a text; a single one is all of it.
    private let literals: [[UInt8]]

    /// Nil for functions and patterns that need matching row by row.
    init?(_ function: ScalarFunction, _ pattern: String) {
        let whole = Array(pattern.utf8)
        switch function {
        case .like:
            guard let parts = Self.parts(whole) else { return nil }
            literals = parts
        case .contains: literals = [[], whole, []]
        case .startsWith: literals = [whole, []]
        case .endsWith: literals = [[], whole]
        default: return nil
        }
    }

    /// The literals of a LIKE pattern with the escape `\`; nil if it has a `_`.
    private static func parts(_ pattern: [UInt8]) -> [[UInt8]]? {
        var parts: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in pattern {
            if isEscaped || (byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "%") && byte != UInt8(ascii: "_")) {
                parts[parts.count - 1].append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "%") {
                parts.append([])
            } else {
                return nil
            }
        }
        if isEscaped { parts[parts.count - 1].append(UInt8(ascii: "\\")) }
        return parts
    }

    // hot: `platform-bench compute`, SQL filter and group-by
    func matches(_ offsets: [Int32], _ bytes: [UInt8], _ count: Int) -> Bitmap {
        // Offsets of a column lie inside of its bytes and ascend; the pointers live for this call.
        bytes.withUnsafeBytes { bytes in
            offsets.withUnsafeBufferPointer { offsets in
                if literals.count == 3, literals[0].isEmpty, literals[2].isEmpty, !literals[1].isEmpty {
                    return anywhere(literals[1], offsets, bytes, count)
                }
                var bits = Bitmap(repeating: false, count: count)
                for row in 0..<count where matches(UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])])) {
                    bits[row] = true
                }
                return bits
            }
        }
    }

    private func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        let (first, last) = (literals[0], literals[literals.count - 1])
        if literals.count == 1 { return text.count == first.count && Self.stands(first, in: text, at: 0) }
        guard text.count >= first.count + last.count, Self.stands(first, in: text, at: 0),
            Self.stands(last, in: text, at: text.count - last.count)
        else {
            return false
        }
        var at = first.count
        let end = text.count - last.count
        for literal in literals.dropFirst().dropLast() where !literal.isEmpty {
            guard let found = Self.find(literal, in: text, from: at, to: end) else { return false }
            at = found + literal.count
        }
        return true
    }

    /// The rows whose text has the literal: the search runs through the bytes of all rows, and a find across a row's end does not count.
    private func anywhere(_ literal: [UInt8], _ offsets: UnsafeBufferPointer<Int32>, _ bytes: UnsafeRawBufferPointer, _ count: Int)
        -> Bitmap
    {
        var bits = Bitmap(repeating: false, count: count)
        var (row, at) = (0, Int(offsets[0]))
        let end = Int(offsets[count])
        while let found = Self.find(literal, in: bytes, from: at, to: end) {
            while Int(offsets[row + 1]) <= found { row += 1 }
            let rowEnd = Int(offsets[row + 1])
            if found + literal.count <= rowEnd {
                bits[row] = true
                at = rowEnd
            } else {
                at = found + 1
            }
        }
        return bits
    }

    /// `at` and the literal's count lie within the text.
    @inline(__always)
    private static func stands(_ literal: [UInt8], in text: UnsafeRawBufferPointer, at: Int) -> Bool {
        for index in 0..<literal.count where text[at &+ index] != literal[index] { return false }
        return true
    }

    /// The first position of the literal, which is not empty, in `from..<to` of the text. The search for its first byte takes eight bytes
    /// at once.
    private static func find(_ literal: [UInt8], in text: UnsafeRawBufferPointer, from: Int, to: Int) -> Int? {
        let last = to - literal.count
        let pattern = UInt64(literal[0]) &* 0x0101_0101_0101_0101
        var at = from
        while at + 8 <= to, at <= last {
            let word = text.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ pattern
            // The lowest set bit marks the first zero byte; higher bits may be wrong, and are checked again.
            var zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
            while zeros != 0 {
                let candidate = at &+ zeros.trailingZeroBitCount >> 3
                if candidate > last { return nil }
                if stands(literal, in: text, at: candidate) { return candidate }
                zeros &= zeros &- 1
            }
            at += 8
        }
        while at <= last {
            if stands(literal, in: text, at: at) { return at }
            at += 1
        }
        return nil
    }
}
