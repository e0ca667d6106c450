// Functions over texts and binaries, by bytes; positions and lengths count code points. Source: Spark SQL reference, "String Functions".

import QueryCore

enum TextRows {
    private typealias Bytes = ArraySlice<UInt8>

    static let rows: [ScalarRow] = [
        ScalarRow(FunctionSignature("repeat", [.string, .int], .type(.string))) { (input) throws(QueryError) in
            let (texts, counts) = (input.texts(0), input.integers(1))
            return try input.textColumn { (row, out) throws(QueryError) in
                let (text, times) = (texts[row], max(0, Int(counts[row])))
                try Batch.checkText(text.count.multipliedReportingOverflow(by: times).partialValue)
                for _ in 0..<times where !text.isEmpty { out += text }
                return true
            }
        },
        ScalarRow(FunctionSignature("space", [.int], .type(.string))) { (input) throws(QueryError) in
            let counts = input.integers(0)
            return try input.textColumn { (row, out) throws(QueryError) in
                try Batch.checkText(Int(counts[row]))
                out += repeatElement(0x20, count: max(0, Int(counts[row])))
                return true
            }
        },
        ScalarRow(FunctionSignature("ascii", [.string], .type(.int))) { (input) throws(QueryError) in
            let texts = input.texts(0)
            return try input.integerColumn { row in
                String(decoding: Scalars.prefix(texts[row], 1), as: UTF8.self).unicodeScalars.first.map { Int64($0.value) } ?? 0
            }
        },
        ScalarRow(FunctionSignature("chr", aliases: ["char"], [.long], .type(.string))) { (input) throws(QueryError) in
            let codes = input.integers(0)
            return try input.textColumn { row, out in
                // Below zero it is empty; else the low byte's character.
                if codes[row] >= 0 { out += String(Unicode.Scalar(UInt8(truncatingIfNeeded: codes[row]))).utf8 }
                return true
            }
        },
        ScalarRow(FunctionSignature("octet_length", [.text], .type(.int))) { (input) throws(QueryError) in
            let texts = input.texts(0)
            return try input.integerColumn { Int64(texts[$0].count) }
        },
        ScalarRow(FunctionSignature("bit_length", [.text], .type(.int))) { (input) throws(QueryError) in
            let texts = input.texts(0)
            return try input.integerColumn { Int64(texts[$0].count * 8) }
        },
        ScalarRow(FunctionSignature("locate", aliases: ["position"], [.string, .string, .int], required: 2, .type(.int))) {
            (input) throws(QueryError) in
            let (wanted, texts) = (input.texts(0), input.texts(1))
            let starts = input.arguments.count > 2 ? input.integers(2) : [Int64](repeating: 1, count: input.count)
            return try input.integerColumn { Scalars.position(of: wanted[$0], in: texts[$0], from: Int(starts[$0])) }
        },
        ScalarRow(FunctionSignature("translate", [.string, .string, .string], .type(.string))) { (input) throws(QueryError) in
            let (texts, from, to) = (input.texts(0), input.texts(1), input.texts(2))
            return try input.textColumn { row, out in
                out += translated(texts.string(row), from.string(row), to.string(row)).utf8
                return true
            }
        },
        ScalarRow(FunctionSignature("substring_index", [.string, .string, .int], .type(.string))) { (input) throws(QueryError) in
            let (texts, marks, counts) = (input.texts(0), input.texts(1), input.integers(2))
            return try input.textColumn { row, out in
                out += before(texts[row], marks[row], Int(counts[row]))
                return true
            }
        },
        ScalarRow(FunctionSignature("split_part", [.string, .string, .int], .type(.string), canRaise: true)) { (input) throws(QueryError) in
            let (texts, marks, parts) = (input.texts(0), input.texts(1), input.integers(2))
            return try input.textColumn { (row, out) throws(QueryError) in
                if parts[row] == 0 { throw QueryError(.invalidIndexOfZero) }
                let pieces = marks[row].isEmpty ? [texts[row]] : Scalars.split(texts[row], marks[row])
                let index = parts[row] > 0 ? Int(parts[row]) - 1 : pieces.count + Int(parts[row])
                if pieces.indices.contains(index) { out += pieces[index] }
                return true
            }
        },
        ScalarRow(FunctionSignature("find_in_set", [.string, .string], .type(.int))) { (input) throws(QueryError) in
            let (words, sets) = (input.texts(0), input.texts(1))
            return try input.integerColumn { row in
                if words[row].contains(UInt8(ascii: ",")) { return 0 }
                return Int64((Scalars.split(sets[row], [UInt8(ascii: ",")]).firstIndex(of: words[row]) ?? -1) + 1)
            }
        },
        ScalarRow(FunctionSignature("btrim", [.string, .string], required: 1, .type(.string))) { (input) throws(QueryError) in
            try trimmed(input, text: 0, left: true, right: true)
        },
        trim("trim", left: true, right: true), trim("ltrim", left: true, right: false), trim("rtrim", left: false, right: true),
        ScalarRow(FunctionSignature("hex", [.any], .type(.string))) { (input) throws(QueryError) in try hexadecimal(input) },
        ScalarRow(FunctionSignature("unhex", [.string], .type(.binary), nulls: .possible)) { (input) throws(QueryError) in
            let texts = input.texts(0)
            return try input.textColumn { row, out in
                guard let bytes = bytes(ofHexadecimal: texts[row]) else { return false }
                out += bytes
                return true
            }
        },
    ]

    private static func translated(_ text: String, _ from: String, _ to: String) -> String {
        var changes: [Unicode.Scalar: Unicode.Scalar?] = [:]
        let targets = Array(to.unicodeScalars)
        for (index, scalar) in from.unicodeScalars.enumerated() where changes[scalar] == nil {
            changes[scalar] = .some(index < targets.count ? targets[index] : nil)
        }
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if let change = changes[scalar] { if let target = change { out.append(target) } } else { out.append(scalar) }
        }
        return String(out)
    }

    /// The text before the `count`th mark, or after the `-count`th from the end.
    private static func before(_ text: Bytes, _ mark: Bytes, _ count: Int) -> Bytes {
        if count == 0 || mark.isEmpty { return [] }
        let pieces = Scalars.split(text, mark)
        if pieces.count <= count.magnitude { return text }
        if count > 0 { return text[text.startIndex..<pieces[count - 1].endIndex] }
        return text[pieces[pieces.count + count].startIndex..<text.endIndex]
    }

    /// With two arguments the first holds the characters.
    private static func trim(_ name: String, left: Bool, right: Bool) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.string, .string], required: 1, .type(.string))) { (input) throws(QueryError) in
            try trimmed(input, text: input.arguments.count - 1, left: left, right: right)
        }
    }

    /// The text without the leading and trailing characters that are among those of the other argument; without one, blanks.
    private static func trimmed(_ input: FunctionInput, text: Int, left: Bool, right: Bool) throws(QueryError) -> Column {
        let texts = input.texts(text)
        if input.arguments.count == 1 {
            return try input.textColumn { row, out in
                var slice = texts[row]
                if left { while slice.first == 0x20 { slice = slice.dropFirst() } }
                if right { while slice.last == 0x20 { slice = slice.dropLast() } }
                out += slice
                return true
            }
        }
        let sets = input.texts(1 - text)
        return try input.textColumn { row, out in
            let dropped = Set(sets.string(row).unicodeScalars)
            var scalars = Array(texts.string(row).unicodeScalars)[...]
            if left { while let first = scalars.first, dropped.contains(first) { scalars = scalars.dropFirst() } }
            if right { while let last = scalars.last, dropped.contains(last) { scalars = scalars.dropLast() } }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            out += String(text).utf8
            return true
        }
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func hexadecimal(_ input: FunctionInput) throws(QueryError) -> Column {
        switch input.arguments[0].column.storage {
        case .bytes:
            let texts = input.texts(0)
            return try input.textColumn { row, out in
                for byte in texts[row] { out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
                return true
            }
        case .int8, .int16, .int32, .int64:
            let values = input.integers(0)
            return try input.textColumn { row, out in
                out += String(UInt64(bitPattern: values[row]), radix: 16, uppercase: true).utf8
                return true
            }
        default: throw QueryError.unsupported("hex of \(input.arguments[0].column.type.sqlName)")
        }
    }

    /// An odd first digit stands alone.
    static func bytes(ofHexadecimal text: ArraySlice<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        var high: UInt8? = text.count % 2 == 1 ? 0 : nil
        for byte in text {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            if let first = high {
                out.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return out
    }
}

/// Texts as bytes, counted in code points.
enum Scalars {
    private typealias Bytes = ArraySlice<UInt8>

    static func count(_ text: ArraySlice<UInt8>) -> Int { text.count { $0 & 0xC0 != 0x80 } }

    static func prefix(_ text: ArraySlice<UInt8>, _ count: Int) -> ArraySlice<UInt8> { text[text.startIndex..<start(of: count, text)] }

    static func dropping(_ text: ArraySlice<UInt8>, _ count: Int) -> ArraySlice<UInt8> { text[start(of: count, text)..<text.endIndex] }

    /// Where the code point with this number from zero begins; the end if there is none.
    private static func start(of number: Int, _ text: ArraySlice<UInt8>) -> Int {
        if number <= 0 { return text.startIndex }
        var seen = 0
        for at in text.indices where text[at] & 0xC0 != 0x80 {
            if seen == number { return at }
            seen += 1
        }
        return text.endIndex
    }

    /// From 1; 0 when absent at and after `start`.
    static func position(of wanted: ArraySlice<UInt8>, in text: ArraySlice<UInt8>, from start: Int) -> Int64 {
        guard start > 0 else { return 0 }
        if wanted.isEmpty { return start == 1 ? 1 : start <= count(text) + 1 ? Int64(start) : 0 }
        var at = self.start(of: start - 1, text)
        while at + wanted.count <= text.endIndex {
            if text[at..<at + wanted.count] == wanted { return Int64(count(text[text.startIndex..<at])) + 1 }
            at += 1
        }
        return 0
    }

    /// The pieces between marks; a mark is not empty.
    static func split(_ text: ArraySlice<UInt8>, _ mark: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var start = text.startIndex
        var at = start
        while at + mark.count <= text.endIndex {
            if text[at..<at + mark.count] == mark {
                pieces.append(text[start..<at])
                at += mark.count
                start = at
            } else {
                at += 1
            }
        }
        return pieces + [text[start..<text.endIndex]]
    }
}
