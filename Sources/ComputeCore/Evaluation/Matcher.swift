// LIKE patterns and regular expressions. A constant pattern, by far the most frequent kind, is prepared once for each batch. LIKE is
// matched by hand in time linear in text times wildcards, regular expressions by `RegularExpression`.

import QueryCore

struct Matcher {
    private var like: [LikeToken]?
    private var regex: RegularExpression?

    private enum LikeToken: Equatable {
        case exactly(Unicode.Scalar)
        case one
        case many
    }

    init(_ function: ScalarFunction, _ arguments: [Vector]) {
        guard arguments.count >= 2, arguments[1].isConstant, case .string(let pattern) = arguments[1].column.value(0) else { return }
        switch function {
        case .like, .ilike:
            guard arguments.count == 2 else { return }
            like = Self.compile(function == .ilike ? pattern.lowercased() : pattern, escape: "\\")
        // An invalid pattern raises at the first matched row, hence `try?`.
        case .rlike, .split: regex = try? RegularExpression(pattern, function: "\(function)")
        default: break
        }
    }

    func apply(_ function: ScalarFunction, _ values: [Value]) throws(QueryError) -> Value {
        let text = TextFunctions.text(values[0])
        let pattern = TextFunctions.text(values[1])
        switch function {
        case .like, .ilike:
            let fold = function == .ilike
            let escape = values.count > 2 ? TextFunctions.text(values[2]).unicodeScalars.first ?? "\\" : "\\"
            let tokens = like ?? Self.compile(fold ? pattern.lowercased() : pattern, escape: escape)
            return .boolean(Self.matches(Array((fold ? text.lowercased() : text).unicodeScalars), tokens))
        case .rlike: return .boolean(try prepared(pattern, "rlike").matches(text))
        default: return .array(try split(text, pattern, values.count > 2 ? TextFunctions.integer(values[2]) : -1).map { .string($0) })
        }
    }

    private func prepared(_ pattern: String, _ function: String) throws(QueryError) -> RegularExpression {
        if let regex { return regex }
        return try RegularExpression(pattern, function: function)
    }

    // MARK: LIKE

    private static func compile(_ pattern: String, escape: Unicode.Scalar) -> [LikeToken] {
        var tokens: [LikeToken] = []
        var escaped = false
        for scalar in pattern.unicodeScalars {
            if escaped {
                tokens.append(.exactly(scalar))
                escaped = false
            } else if scalar == escape {
                escaped = true
            } else if scalar == "%" {
                if tokens.last != .many { tokens.append(.many) }
            } else {
                tokens.append(scalar == "_" ? .one : .exactly(scalar))
            }
        }
        if escaped { tokens.append(.exactly(escape)) }
        return tokens
    }

    /// Greedy with one point of return: the last `%` seen.
    private static func matches(_ text: [Unicode.Scalar], _ tokens: [LikeToken]) -> Bool {
        var at = 0
        var token = 0
        var lastMany = -1
        var resume = 0
        while at < text.count {
            if token < tokens.count, tokens[token] == .many {
                lastMany = token
                resume = at
                token += 1
            } else if token < tokens.count, tokens[token] == .one || tokens[token] == .exactly(text[at]) {
                token += 1
                at += 1
            } else if lastMany >= 0 {
                resume += 1
                at = resume
                token = lastMany + 1
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { $0 == .many }
    }

    // MARK: split

    private func split(_ text: String, _ pattern: String, _ limit: Int) throws(QueryError) -> [String] {
        let special = Set("\\^$.|?*+()[]{}".unicodeScalars)
        if pattern.unicodeScalars.count == 1, let scalar = pattern.unicodeScalars.first, !special.contains(scalar), limit <= 0 {
            return text.unicodeScalars.split(separator: scalar, omittingEmptySubsequences: false).map { String($0) }
        }
        let regex = try prepared(pattern, "split")
        var whole = text
        // The pointer is used within the call, with the text's own length.
        return try whole.withUTF8 { bytes in Result { () throws(QueryError) in try Self.split(bytes, regex, limit) } }.get()
    }

    /// The parts between matches. An empty match cuts off one character, as in Java.
    private static func split(_ text: UnsafeBufferPointer<UInt8>, _ regex: RegularExpression, _ limit: Int) throws(QueryError) -> [String] {
        func part(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }
        var parts: [String] = []
        var start = 0
        while limit <= 0 || parts.count < limit - 1, let match = try regex.firstMatch(in: text, from: start) {
            if match.isEmpty {
                guard match.lowerBound < text.count else { break }
                var next = match.lowerBound + 1
                while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 }
                parts.append(part(start..<next))
                start = next
                if start == text.count { return parts }
                continue
            }
            parts.append(part(start..<match.lowerBound))
            start = match.upperBound
        }
        parts.append(part(start..<text.count))
        return parts
    }
}
