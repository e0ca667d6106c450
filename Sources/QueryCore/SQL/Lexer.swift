// Splits a SQL text into tokens: words, backquoted names, strings without their escapes, numbers and symbols. Comments and blanks fall
// away. It knows no keywords. Source: Spark SQL reference, "Literals", "Identifiers", "Comments".

struct Token: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case word
        case quoted
        case string
        case number
        case symbol
        case end
    }

    var kind: Kind
    /// Names and strings without their quotes and escapes; words and symbols as written.
    var text: String
    /// Its start and end in the text, in bytes.
    var start: Int
    var end: Int
}

struct Lexer {
    private let sql: String
    private let bytes: [UInt8]
    private var at = 0

    init(_ sql: String) {
        self.sql = sql
        bytes = Array(sql.utf8)
    }

    static func tokens(of sql: String) throws(QueryError) -> [Token] {
        var lexer = Lexer(sql)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    /// Line and column of a byte offset.
    static func position(_ offset: Int, in sql: String) -> TextPosition {
        let before = Array(sql.utf8).prefix(offset)
        let line = before.count { $0 == 0x0A } + 1
        let column = String(decoding: before.split(separator: 0x0A, omittingEmptySubsequences: false).last ?? [], as: UTF8.self).count
        return TextPosition(line: line, column: column, sql: sql)
    }

    private func byte(_ offset: Int = 0) -> UInt8 { at + offset < bytes.count ? bytes[at + offset] : 0 }

    private mutating func next() throws(QueryError) -> Token {
        try skipBlanks()
        let start = at
        guard at < bytes.count else { return Token(kind: .end, text: "", start: start, end: start) }
        let first = byte()
        if first == UInt8(ascii: "`") {
            return Token(kind: .quoted, text: try quoted(first, escapes: false), start: start, end: at)
        }
        if first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") {
            return Token(kind: .string, text: try quoted(first, escapes: true), start: start, end: at)
        }
        if first | 0x20 == UInt8(ascii: "r"), byte(1) == UInt8(ascii: "'") || byte(1) == UInt8(ascii: "\"") {
            at += 1
            return Token(kind: .string, text: try quoted(byte(), escapes: false), start: start, end: at)
        }
        if isDigit(first) || (first == UInt8(ascii: ".") && isDigit(byte(1))) { return number() }
        if Identifier.isWordByte(first) || first >= 0x80 {
            while at < bytes.count, Identifier.isWordByte(byte()) || byte() >= 0x80 { at += 1 }
            return token(.word, start)
        }
        for symbol in ["<=>", "::", "||", "<=", ">=", "<>", "!=", "=="] where bytes[at...].starts(with: symbol.utf8) {
            at += symbol.utf8.count
            return token(.symbol, start)
        }
        at += 1
        if "()+-*/%=<>,.;[]!&|^~:?@".utf8.contains(first) { return token(.symbol, start) }
        throw syntaxError(start)
    }

    private func token(_ kind: Token.Kind, _ start: Int) -> Token {
        Token(kind: kind, text: String(decoding: bytes[start..<at], as: UTF8.self), start: start, end: at)
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private mutating func skipBlanks() throws(QueryError) {
        while at < bytes.count {
            if byte() == 0x20 || (byte() >= 0x09 && byte() <= 0x0D) {
                at += 1
            } else if byte() == UInt8(ascii: "-"), byte(1) == UInt8(ascii: "-") {
                while at < bytes.count, byte() != 0x0A { at += 1 }
            } else if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                let start = at
                at += 2
                var depth = 1
                while depth > 0 {
                    guard at < bytes.count else { throw QueryError(.unclosedComment, at: Lexer.position(start, in: sql)) }
                    if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
                        depth -= 1
                        at += 2
                    } else if byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                        depth += 1
                        at += 2
                    } else {
                        at += 1
                    }
                }
            } else {
                return
            }
        }
    }

    /// `at` stands on the opening quote; a doubled quote stands for itself.
    private mutating func quoted(_ quote: UInt8, escapes: Bool) throws(QueryError) -> String {
        let start = at
        at += 1
        var text: [UInt8] = []
        while at < bytes.count {
            let current = byte()
            at += 1
            if current == quote {
                if byte() != quote || at >= bytes.count { return String(decoding: text, as: UTF8.self) }
                at += 1
                text.append(quote)
            } else if escapes, current == UInt8(ascii: "\\"), at < bytes.count {
                unescape(into: &text)
            } else {
                text.append(current)
            }
        }
        throw syntaxError(start)
    }

    private mutating func unescape(into text: inout [UInt8]) {
        let current = byte()
        at += 1
        switch current {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "0"): text.append(0)
        case UInt8(ascii: "Z"): text.append(0x1A)
        // LIKE patterns keep the backslash before their wildcards.
        case UInt8(ascii: "%"), UInt8(ascii: "_"): text += [UInt8(ascii: "\\"), current]
        case UInt8(ascii: "u"):
            let digits = String(decoding: bytes[at..<min(at + 4, bytes.count)], as: UTF8.self)
            if digits.count == 4, let code = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(code) {
                at += 4
                text += Array(String(Character(scalar)).utf8)
            } else {
                text.append(current)
            }
        default: text.append(current)
        }
    }

    /// Digits, fraction, exponent and Spark's type suffix (`1L`, `2.5D`, `1BD`). `1a` is a word, as in Spark.
    private mutating func number() -> Token {
        let start = at
        while isDigit(byte()) { at += 1 }
        var fraction = false
        if byte() == UInt8(ascii: "."), !(Identifier.isWordByte(byte(1)) && !isDigit(byte(1)) && byte(1) | 0x20 != UInt8(ascii: "e")) {
            fraction = true
            at += 1
            while isDigit(byte()) { at += 1 }
        }
        if byte() | 0x20 == UInt8(ascii: "e") {
            let sign = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-") ? 1 : 0
            if isDigit(byte(1 + sign)) {
                at += 1 + sign
                while isDigit(byte()) { at += 1 }
                fraction = true
            }
        }
        let suffixStart = at
        while Identifier.isWordByte(byte()) { at += 1 }
        let suffix = String(decoding: bytes[suffixStart..<at], as: UTF8.self).uppercased()
        if suffix.isEmpty || ["L", "S", "Y", "D", "F", "BD"].contains(suffix) { return token(.number, start) }
        if !fraction { return token(.word, start) }
        at = suffixStart
        return token(.number, start)
    }

    private func syntaxError(_ offset: Int) -> QueryError {
        let text = String(decoding: bytes[offset..<offset + 1], as: UTF8.self)
        return QueryError(.parseSyntaxError, ["error": "'\(text)'", "hint": ""], at: Lexer.position(offset, in: sql))
    }
}
