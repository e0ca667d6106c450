// Functions by regular expressions. A constant pattern is compiled once for a batch. Source: Spark SQL reference, "String Functions".

import QueryCore

enum PatternRows {
    static let rows: [ScalarRow] = [
        ScalarRow(FunctionSignature("regexp_replace", [.string, .string, .string, .int], required: 3, .type(.string), canRaise: true)) {
            (input) throws(QueryError) in
            let (texts, patterns, replacements) = (input.texts(0), Patterns(input, 1, "regexp_replace"), input.texts(2))
            let starts = input.arguments.count > 3 ? input.integers(3) : nil
            return try input.textColumn { (row, out) throws(QueryError) in
                let (text, start) = (Array(texts[row]), starts?[row] ?? 1)
                if start < 1 {
                    throw QueryError(.invalidParameterPosition, ["parameter": "`position`", "functionName": "`regexp_replace`"])
                }
                let from = Scalars.prefix(text[...], Int(start) - 1).count
                try replaceAll(text, from, try patterns.at(row), Array(replacements[row]), &out)
                return true
            }
        },
        ScalarRow(FunctionSignature("regexp_extract", [.string, .string, .int], required: 2, .type(.string), canRaise: true)) {
            (input) throws(QueryError) in
            let (texts, patterns) = (input.texts(0), Patterns(input, 1, "regexp_extract"))
            let groups = input.arguments.count > 2 ? input.integers(2) : nil
            return try input.textColumn { (row, out) throws(QueryError) in
                let (text, expression, group) = (Array(texts[row]), try patterns.at(row), Int(groups?[row] ?? 1))
                guard (0...expression.groupCount).contains(group) else { throw wrongGroup(group, expression, "regexp_extract") }
                if let found = try expression.firstGroups(in: text), let range = found[group] { out += text[range] }
                return true
            }
        },
        ScalarRow(FunctionSignature("regexp_count", [.string, .string], .type(.int), canRaise: true)) { (input) throws(QueryError) in
            let (texts, patterns) = (input.texts(0), Patterns(input, 1, "regexp_count"))
            return try input.integerColumn { (row) throws(QueryError) in
                var count: Int64 = 0
                try forEachMatch(Array(texts[row]), 0, try patterns.at(row)) { _ in count += 1 }
                return count
            }
        },
        ScalarRow(FunctionSignature("regexp_substr", [.string, .string], .type(.string), nulls: .possible, canRaise: true)) {
            (input) throws(QueryError) in
            let (texts, patterns) = (input.texts(0), Patterns(input, 1, "regexp_substr"))
            return try input.textColumn { (row, out) throws(QueryError) in
                let text = Array(texts[row])
                guard let range = try patterns.at(row).firstGroups(in: text)?[0] else { return false }
                out += text[range]
                return true
            }
        },
        ScalarRow(
            FunctionSignature(
                "regexp_extract_all", [.string, .string, .int], required: 2, .type(.array(element: .string, containsNull: true)),
                canRaise: true)
        ) { (input) throws(QueryError) in
            let (texts, patterns) = (input.texts(0), Patterns(input, 1, "regexp_extract_all"))
            let groups = input.arguments.count > 2 ? input.integers(2) : nil
            var builder = ColumnBuilder(type: input.type, capacity: input.count)
            for row in 0..<input.count {
                guard input.isPresent(row) else {
                    builder.appendNull()
                    continue
                }
                let (text, expression, group) = (Array(texts[row]), try patterns.at(row), Int(groups?[row] ?? 1))
                guard (0...expression.groupCount).contains(group) else { throw wrongGroup(group, expression, "regexp_extract_all") }
                var found: [Value] = []
                try forEachMatch(text, 0, expression) { groups in
                    found.append(.string(groups[group].map { String(decoding: text[$0], as: UTF8.self) } ?? ""))
                }
                try CollectionRows.check(Int64(found.count))
                builder.append(.array(found))
            }
            return builder.finish()
        },
        ScalarRow(FunctionSignature("regexp_instr", [.string, .string, .int], required: 2, .type(.int), canRaise: true)) {
            (input) throws(QueryError) in
            let (texts, patterns) = (input.texts(0), Patterns(input, 1, "regexp_instr"))
            return try input.integerColumn { (row) throws(QueryError) in
                let text = Array(texts[row])
                guard let range = try patterns.at(row).firstGroups(in: text)?[0] else { return 0 }
                return Int64(Scalars.count(text[..<range.lowerBound])) + 1
            }
        },
    ]

    private static func wrongGroup(_ group: Int, _ expression: RegularExpression, _ function: String) -> QueryError {
        QueryError(
            .invalidParameterRegexGroup,
            [
                "parameter": "`idx`", "functionName": "`\(function)`", "groupCount": "\(expression.groupCount)", "groupIndex": "\(group)",
            ])
    }

    /// The compiled patterns of an argument; the last one is kept.
    private final class Patterns {
        private let texts: TextArgument
        private let function: String
        private var last: (text: ArraySlice<UInt8>, compiled: RegularExpression)?

        init(_ input: FunctionInput, _ index: Int, _ function: String) {
            texts = input.texts(index)
            self.function = function
        }

        func at(_ row: Int) throws(QueryError) -> RegularExpression {
            let text = texts[row]
            if let last, last.text == text { return last.compiled }
            let compiled = try RegularExpression(String(decoding: text, as: UTF8.self), function: function)
            last = (text, compiled)
            return compiled
        }
    }

    /// Calls `body` with the groups of each match that follows the one before. After an empty match the search goes one character on.
    private static func forEachMatch(
        _ text: [UInt8], _ from: Int, _ expression: RegularExpression, _ body: ([Range<Int>?]) -> Void
    ) throws(QueryError) {
        var at = from
        while at <= text.count, let groups = try expression.firstGroups(in: text, from: at), let whole = groups[0] {
            body(groups)
            at = whole.upperBound
            if whole.isEmpty {
                at += 1
                while at < text.count, text[at] & 0xC0 == 0x80 { at += 1 }
            }
        }
    }

    /// The replacement may name groups as `$1`; a backslash takes the next character as it is.
    private static func replaceAll(
        _ text: [UInt8], _ from: Int, _ expression: RegularExpression, _ replacement: [UInt8], _ out: inout [UInt8]
    ) throws(QueryError) {
        var copied = 0
        var wrongGroup: Int?
        var built: [UInt8] = []
        try forEachMatch(text, from, expression) { groups in
            guard let whole = groups[0] else { return }
            built += text[copied..<whole.lowerBound]
            copied = whole.upperBound
            var at = 0
            while at < replacement.count {
                let byte = replacement[at]
                at += 1
                if byte == UInt8(ascii: "\\"), at < replacement.count {
                    built.append(replacement[at])
                    at += 1
                } else if byte == UInt8(ascii: "$"), at < replacement.count, (0x30...0x39).contains(replacement[at]) {
                    var group = Int(replacement[at] - 0x30)
                    at += 1
                    // More digits belong to the number while such a group exists.
                    while at < replacement.count, (0x30...0x39).contains(replacement[at]),
                        group * 10 + Int(replacement[at] - 0x30) < groups.count
                    {
                        group = group * 10 + Int(replacement[at] - 0x30)
                        at += 1
                    }
                    if groups.indices.contains(group) { if let range = groups[group] { built += text[range] } } else { wrongGroup = group }
                } else {
                    built.append(byte)
                }
            }
        }
        if let wrongGroup { throw QueryError.unsupported("a replacement that names group \(wrongGroup), which the pattern does not have") }
        out += built
        out += text[copied...]
    }
}
