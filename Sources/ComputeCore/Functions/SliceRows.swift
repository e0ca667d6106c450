// Parts, paddings and edit distances of texts, by code points, and of binaries, by bytes. Source: Spark SQL reference, "String Functions".

import QueryCore

enum SliceRows {
    static let rows: [ScalarRow] = [
        ScalarRow(
            FunctionSignature("length", aliases: ["len", "char_length", "character_length"], [.text], .type(.int))
        ) { (input) throws(QueryError) in
            let texts = units(input)
            return try input.integerColumn { Int64(texts[$0].count) }
        },
        ScalarRow(FunctionSignature("left", [.text, .int], .ofFirst)) { (input) throws(QueryError) in
            let (texts, lengths) = (units(input), input.integers(1))
            return try input.textColumn { row, out in
                out += texts[row].prefix(Int(lengths[row]))
                return true
            }
        },
        ScalarRow(FunctionSignature("right", [.text, .int], .type(.string))) { (input) throws(QueryError) in
            let (texts, lengths) = (units(input), input.integers(1))
            return try input.textColumn { row, out in
                let text = texts[row]
                out += text.dropping(text.count - max(0, Int(lengths[row])))
                return true
            }
        },
        ScalarRow(FunctionSignature("substring", aliases: ["substr"], [.text, .int, .int], required: 2, .ofFirst)) {
            (input) throws(QueryError) in
            let (texts, starts) = (units(input), input.integers(1))
            let lengths = input.arguments.count > 2 ? input.integers(2) : nil
            return try input.textColumn { row, out in
                out += texts[row].part(from: Int(starts[row]), length: Int(lengths?[row] ?? Int64(Int32.max)))
                return true
            }
        },
        ScalarRow(FunctionSignature("overlay", [.text, .text, .int, .int], required: 3, .ofFirst)) { (input) throws(QueryError) in
            let (texts, pieces, starts) = (units(input), units(input, 1), input.integers(2))
            let lengths = input.arguments.count > 3 ? input.integers(3) : nil
            return try input.textColumn { row, out in
                let (text, piece, start) = (texts[row], pieces[row], Int(starts[row]))
                let given = Int(lengths?[row] ?? -1)
                out += text.prefix(start - 1)
                out += piece.bytes
                out += text.dropping(start - 1 + (given < 0 ? piece.count : given))
                return true
            }
        },
        ScalarRow(FunctionSignature("reverse", [.text], .ofFirst)) { (input) throws(QueryError) in
            let texts = units(input)
            return try input.textColumn { row, out in
                let text = texts[row]
                if text.isBinary { out += text.bytes.reversed() } else { appendReversed(text.bytes, &out) }
                return true
            }
        },
        pad("lpad", left: true), pad("rpad", left: false),
        ScalarRow(FunctionSignature("levenshtein", [.string, .string, .int], required: 2, .type(.int))) { (input) throws(QueryError) in
            let (left, right) = (input.texts(0), input.texts(1))
            let limits = input.arguments.count > 2 ? input.integers(2) : nil
            var work = distanceWorkMax
            return try input.integerColumn { (row) throws(QueryError) in
                let (one, other) = (Array(left.string(row).unicodeScalars), Array(right.string(row).unicodeScalars))
                work -= one.count.multipliedReportingOverflow(by: other.count).partialValue
                guard work >= 0 else { throw QueryError.unsupported("levenshtein of texts whose lengths multiply to more than 2^32") }
                let distance = distance(one, other)
                return limits.map { distance > $0[row] ? -1 : distance } ?? distance
            }
        },
    ]

    /// Limit of the comparisons of characters of one batch: some seconds, within which no cancellation is seen.
    private static let distanceWorkMax = 1 << 32

    /// A value counted in its units.
    private struct Units {
        let bytes: ArraySlice<UInt8>
        let isBinary: Bool

        var count: Int { isBinary ? bytes.count : Scalars.count(bytes) }

        func prefix(_ count: Int) -> ArraySlice<UInt8> { isBinary ? bytes.prefix(max(0, count)) : Scalars.prefix(bytes, count) }

        func dropping(_ count: Int) -> ArraySlice<UInt8> { isBinary ? bytes.dropFirst(max(0, count)) : Scalars.dropping(bytes, count) }

        /// Positions count from 1, from the end when negative; 0 means 1.
        func part(from position: Int, length: Int) -> ArraySlice<UInt8> {
            let start = position > 0 ? position - 1 : position < 0 ? count + position : 0
            let end = start + max(0, length)
            guard end > 0 else { return [] }
            let rest = Units(bytes: dropping(start), isBinary: isBinary)
            return rest.prefix(end - max(0, start))
        }
    }

    private struct UnitsByRow {
        let texts: TextArgument
        let isBinary: Bool

        subscript(row: Int) -> Units { Units(bytes: texts[row], isBinary: isBinary) }
    }

    private static func units(_ input: FunctionInput, _ index: Int = 0) -> UnitsByRow {
        UnitsByRow(texts: input.texts(index), isBinary: input.arguments[index].column.type == .binary)
    }

    private static func appendReversed(_ text: ArraySlice<UInt8>, _ out: inout [UInt8]) {
        var end = text.endIndex
        for at in text.indices.reversed() where text[at] & 0xC0 != 0x80 {
            out += text[at..<end]
            end = at
        }
    }

    /// Without a filling, blanks; of binaries, zeros.
    private static func pad(_ name: String, left: Bool) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.text, .int, .text], required: 2, .ofFirst)) { (input) throws(QueryError) in
            let (texts, lengths) = (units(input), input.integers(1))
            let fillings = input.arguments.count > 2 ? units(input, 2) : nil
            return try input.textColumn { (row, out) throws(QueryError) in
                let (text, wanted) = (texts[row], max(0, Int(lengths[row])))
                let missing = wanted - text.count
                let filling = fillings?[row] ?? Units(bytes: [text.isBinary ? 0 : 0x20], isBinary: text.isBinary)
                guard missing > 0, !filling.bytes.isEmpty else {
                    out += text.prefix(wanted)
                    return true
                }
                let (whole, rest) = missing.quotientAndRemainder(dividingBy: filling.count)
                try Batch.checkText((whole + 1).multipliedReportingOverflow(by: filling.bytes.count).partialValue)
                if !left { out += text.bytes }
                for _ in 0..<whole { out += filling.bytes }
                out += filling.prefix(rest)
                if left { out += text.bytes }
                return true
            }
        }
    }

    private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int64 {
        var row = Array(0...right.count)
        for (i, x) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = above
            }
        }
        return Int64(row[right.count])
    }
}
