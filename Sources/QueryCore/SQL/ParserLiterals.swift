// Literals of several tokens: intervals (`INTERVAL '3' MONTH`, `INTERVAL 1 DAY 2 HOURS`, `INTERVAL '1-2' YEAR TO MONTH`) and binaries
// (`X'1F'`). Source: Spark SQL reference, "Literals".

extension Parser {
    private enum Field: Int {
        case year, month, week, day, hour, minute, second, millisecond, microsecond

        init?(_ word: String) {
            let names: [String: Field] = [
                "YEAR": .year, "MONTH": .month, "WEEK": .week, "DAY": .day, "HOUR": .hour, "MINUTE": .minute, "SECOND": .second,
                "MILLISECOND": .millisecond, "MICROSECOND": .microsecond,
            ]
            let upper = word.uppercased()
            guard let field = names[upper] ?? (upper.hasSuffix("S") ? names[String(upper.dropLast())] : nil) else { return nil }
            self = field
        }

        /// Of months for a year and a month, of microseconds for the rest.
        var scale: Int64 {
            switch self {
            case .year: 12
            case .month, .microsecond: 1
            case .week: 7 * CivilTime.microsPerDay
            case .day: CivilTime.microsPerDay
            case .hour: 3_600_000_000
            case .minute: 60_000_000
            case .second: 1_000_000
            case .millisecond: 1000
            }
        }

        var isMonths: Bool { self == .year || self == .month }
    }

    /// A sum of amounts, with the rule that months and shorter fields are not mixed.
    private struct Total {
        var months: Int64 = 0
        var micros: Int64 = 0
        var hasMonths = false
        var hasTime = false
        var onlyDays = true

        /// Nil when the sum does not fit, or `number` is no number.
        mutating func add(_ number: Substring, _ field: Field, sign: Int64) -> Bool {
            guard let decimal = DecimalText.parse(String(number)), decimal.scale == 0 || field == .second,
                let scaled = DecimalText.rescale(
                    decimal.unscaled, from: decimal.scale, to: field == .second ? 6 : 0),
                let units = Int64(exactly: scaled)
            else { return false }
            let (amount, tooMany) = units.multipliedReportingOverflow(by: (field == .second ? 1 : field.scale) * sign)
            let (sum, overflow) = (field.isMonths ? months : micros).addingReportingOverflow(amount)
            if tooMany || overflow { return false }
            if field.isMonths { (months, hasMonths) = (sum, true) } else { (micros, hasTime) = (sum, true) }
            if !field.isMonths, field != .day, field != .week { onlyDays = false }
            return true
        }

        var interval: Interval? {
            if hasMonths && hasTime || !hasMonths && !hasTime { return nil }
            if hasMonths { return Int32(exactly: months).map { Interval(Int64($0), .months) } }
            return onlyDays ? Interval(micros / CivilTime.microsPerDay, .days) : Interval(micros, .microseconds)
        }
    }

    mutating func interval() throws(QueryError) -> Interval {
        let start = take()
        var total = Total()
        let isText = peek.kind == .string
        if isText, Field(peek(1).text) == nil || peek(1).kind != .word {
            // The fields stand inside of the text: '1 day 2 hours'.
            let words = take().text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" })[...]
            guard fill(&total, words), let interval = total.interval else { throw malformed(start) }
            return interval
        }
        repeat {
            let negative = takeSymbol("-")
            guard peek.kind == .number || peek.kind == .string else { throw malformed(start) }
            let text = take().text
            guard peek.kind == .word, let field = Field(peek.text) else { throw unexpected() }
            _ = take()
            if takeWord("TO") {
                guard peek.kind == .word, let last = Field(peek.text) else { throw unexpected() }
                _ = take()
                guard spread(text, field, last, negative, &total) else { throw malformed(start) }
                break
            }
            guard total.add(Self.trimmed(text), field, sign: negative ? -1 : 1) else { throw malformed(start) }
        } while peek.kind == .number && peek(1).kind == .word && Field(peek(1).text) != nil
            || peek.kind == .string && peek(1).kind == .word && Field(peek(1).text) != nil
        guard let interval = total.interval else { throw malformed(start) }
        return interval
    }

    private static func trimmed(_ text: String) -> Substring {
        var rest = text[...]
        while rest.first == " " { rest = rest.dropFirst() }
        while rest.last == " " { rest = rest.dropLast() }
        return rest
    }

    private func malformed(_ token: Token) -> QueryError {
        QueryError(
            .invalidTypedLiteral, ["valueType": "\"INTERVAL\"", "value": shown(tokens[min(at, tokens.count - 1)])],
            at: position(token.start))
    }

    private func fill(_ total: inout Total, _ words: ArraySlice<Substring>) -> Bool {
        var rest = words
        if rest.first?.uppercased() == "INTERVAL" { rest = rest.dropFirst() }
        while let number = rest.popFirst() {
            guard let word = rest.popFirst(), let field = Field(String(word)) else { return false }
            if !total.add(number, field, sign: 1) { return false }
        }
        return true
    }

    /// `'1-2' YEAR TO MONTH`, `'1 02:03:04.5' DAY TO SECOND`.
    private func spread(_ text: String, _ first: Field, _ last: Field, _ negative: Bool, _ total: inout Total) -> Bool {
        var rest = Self.trimmed(text)
        var sign: Int64 = negative ? -1 : 1
        if rest.first == "-" {
            sign = -sign
            rest = rest.dropFirst()
        }
        let parts = rest.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "-" || $0 == " " || $0 == ":" })
        let fields: [Field] = first.isMonths ? [.year, .month] : [.day, .hour, .minute, .second]
        guard let low = fields.firstIndex(of: first), let high = fields.firstIndex(of: last), low < high, parts.count == high - low + 1
        else { return false }
        for (part, field) in zip(parts, fields[low...high]) where !total.add(part, field, sign: sign) { return false }
        return true
    }

    mutating func bytesLiteral() throws(QueryError) -> Expression {
        _ = take()
        let token = take()
        var digits = Array(token.text.utf8)
        if digits.count % 2 == 1 { digits.insert(UInt8(ascii: "0"), at: 0) }
        var bytes: [UInt8] = []
        for at in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(decoding: digits[at..<at + 2], as: UTF8.self), radix: 16), digits[at] != UInt8(ascii: "+") else {
                throw QueryError(.invalidTypedLiteral, ["valueType": "\"X\"", "value": "'\(token.text)'"], at: position(token.start))
            }
            bytes.append(byte)
        }
        return .literal(Literal(.binary(bytes), .binary))
    }
}
