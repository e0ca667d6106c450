// Functions over dates and timestamps, in UTC, and the datetime patterns of `date_format`, `to_date` and `to_timestamp`. An unknown pattern
// letter is refused. Source: Spark SQL reference, "Datetime Patterns".

import QueryCore

enum TimeFunctions {
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    ]
    private static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

    static func apply(_ function: ScalarFunction, _ values: [Value], _ types: [DataType]) throws(QueryError) -> Value {
        switch function {
        case .toDate, .toTimestamp: return try parse(function, values, types)
        default: break
        }
        guard case .integer(let first) = values[0] else { return .null }
        switch function {
        case .year: return .integer(Int64(CivilTime.civil(Int(first)).year))
        case .month: return .integer(Int64(CivilTime.civil(Int(first)).month))
        case .day: return .integer(Int64(CivilTime.civil(Int(first)).day))
        case .quarter: return .integer(Int64((CivilTime.civil(Int(first)).month + 2) / 3))
        case .dayOfWeek: return .integer(Int64(CivilTime.weekday(Int(first)) % 7 + 1))
        case .dayOfYear: return .integer(first - Int64(CivilTime.days(year: CivilTime.civil(Int(first)).year, month: 1, day: 1)) + 1)
        case .hour: return .integer(secondOfDay(first) / 3600)
        case .minute: return .integer(secondOfDay(first) / 60 % 60)
        case .second: return .integer(secondOfDay(first) % 60)
        case .unixTimestamp: return .integer(Int64(CivilTime.floorDay(first)) * 86_400 + secondOfDay(first))
        case .addMicroseconds:
            guard case .integer(let micros) = values[1] else { return .null }
            let (moved, overflow) = first.addingReportingOverflow(micros)
            if overflow { throw Arithmetic.overflow("long") }
            return .integer(moved)
        case .addMonths:
            guard case .integer(let months) = values[1] else { return .null }
            let isDate = types[0] == .date
            let day = isDate ? Int(first) : CivilTime.floorDay(first)
            guard abs(months) < 1 << 40, let moved = CivilTime.midnight(CivilTime.addMonths(day, Int(months))) else {
                throw Arithmetic.overflow(isDate ? "integer" : "long")
            }
            return isDate ? .integer(moved / CivilTime.microsPerDay) : .integer(moved &+ CivilTime.microsOfDay(first))
        case .dateFormat: return .string(try format(first, TextFunctions.text(values[1])))
        case .dateAdd, .dateSub, .dateDiff:
            guard case .integer(let second) = values[1] else { return .null }
            let days = function == .dateAdd ? first + second : first - second
            guard let narrow = Int32(exactly: days) else { throw Arithmetic.overflow("integer") }
            return .integer(Int64(narrow))
        default: preconditionFailure("\(function) is not a function over time")
        }
    }

    private static func secondOfDay(_ micros: Int64) -> Int64 {
        CivilTime.microsOfDay(micros) / 1_000_000
    }

    /// Runs of one letter, and literal text: quoted, or other characters.
    private enum Piece {
        case field(Character, Int)
        case text(String)
    }

    private static func pieces(_ pattern: String) -> [Piece] {
        var pieces: [Piece] = []
        var characters = Array(pattern)[...]
        while let first = characters.popFirst() {
            if first == "'" {
                var text = ""
                while let next = characters.popFirst(), next != "'" { text.append(next) }
                pieces.append(.text(text.isEmpty ? "'" : text))
            } else if first.isLetter {
                var count = 1
                while characters.first == first {
                    count += 1
                    characters = characters.dropFirst()
                }
                pieces.append(.field(first, count))
            } else {
                pieces.append(.text(String(first)))
            }
        }
        return pieces
    }

    private static func unknown(_ pattern: String) -> QueryError { QueryError.unsupported("datetime pattern '\(pattern)'") }

    static func format(_ micros: Int64, _ pattern: String) throws(QueryError) -> String {
        let day = CivilTime.floorDay(micros)
        let civil = CivilTime.civil(day)
        let second = Int(secondOfDay(micros))
        let fraction = Int(CivilTime.microsOfDay(micros) % 1_000_000)
        var out = ""
        for piece in pieces(pattern) {
            guard case .field(let letter, let count) = piece else {
                if case .text(let text) = piece { out += text }
                continue
            }
            switch letter {
            case "y", "u": out += count == 2 ? CivilTime.padded(civil.year % 100, 2) : CivilTime.padded(civil.year, count)
            case "M", "L":
                let name = months[civil.month - 1]
                out += count >= 4 ? name : count == 3 ? String(name.prefix(3)) : CivilTime.padded(civil.month, count)
            case "d": out += CivilTime.padded(civil.day, count)
            case "D": out += CivilTime.padded(day - CivilTime.days(year: civil.year, month: 1, day: 1) + 1, count)
            case "E":
                let name = weekdays[CivilTime.weekday(day) - 1]
                out += count >= 4 ? name : String(name.prefix(3))
            case "H": out += CivilTime.padded(second / 3600, count)
            case "h": out += CivilTime.padded((second / 3600 + 11) % 12 + 1, count)
            case "m": out += CivilTime.padded(second / 60 % 60, count)
            case "s": out += CivilTime.padded(second % 60, count)
            case "S": out += String((CivilTime.padded(fraction, 6) + "000").prefix(count))
            case "a": out += second < 43_200 ? "AM" : "PM"
            case "Q", "q": out += CivilTime.padded((civil.month + 2) / 3, count)
            default: throw unknown(pattern)
            }
        }
        return out
    }

    // MARK: Parsing

    private static func parse(_ function: ScalarFunction, _ values: [Value], _ types: [DataType]) throws(QueryError) -> Value {
        let wanted: DataType = function == .toDate ? .date : .timestamp
        guard values.count == 2, case .string(let text) = values[0] else { return try Cast.value(values[0], types[0], wanted) }
        let pattern = TextFunctions.text(values[1])
        guard let micros = try parse(text, pattern) else {
            let name = function == .toDate ? "try_to_date" : "try_to_timestamp"
            throw QueryError(
                .cannotParseTimestamp, ["message": "Text '\(text)' could not be parsed by the pattern '\(pattern)'", "func": "`\(name)`"])
        }
        return .integer(function == .toDate ? Int64(CivilTime.floorDay(micros)) : micros)
    }

    static func parse(_ text: String, _ pattern: String) throws(QueryError) -> Int64? {
        var rest = Array(text)[...]
        var fields: [Character: Int] = ["y": 1970, "M": 1, "d": 1, "H": 0, "m": 0, "s": 0, "S": 0]
        var afternoon: Bool?
        let all = pieces(pattern)
        for (index, piece) in all.enumerated() {
            switch piece {
            case .text(let literal):
                guard rest.starts(with: literal) else { return nil }
                rest = rest.dropFirst(literal.count)
            case .field("a", _):
                let mark = String(rest.prefix(2)).uppercased()
                guard mark == "AM" || mark == "PM" else { return nil }
                afternoon = mark == "PM"
                rest = rest.dropFirst(2)
            case .field("M", let count) where count >= 3:
                let names = months.map { count == 3 ? String($0.prefix(3)) : $0 }
                guard let month = names.firstIndex(where: { rest.starts(with: Array($0)) }) else { return nil }
                fields["M"] = month + 1
                rest = rest.dropFirst(names[month].count)
            case .field(let letter, let count):
                let key: Character = letter == "u" ? "y" : letter == "h" ? "H" : letter
                guard fields[key] != nil else { throw unknown(pattern) }
                // A field directly before another field has exactly as many digits as letters.
                var adjacent = false
                if index + 1 < all.count, case .field = all[index + 1] { adjacent = true }
                let most = adjacent || letter == "S" || count == 2 && key != "y" ? max(count, 2) : max(count, key == "y" ? 4 : 2)
                let digits = rest.prefix(letter == "S" ? count : most).prefix { $0.isASCII && $0.isNumber }
                guard digits.count >= (count >= 2 ? count : 1), var number = Int(String(digits)) else { return nil }
                if key == "y", count == 2 { number += 2000 }
                if key == "S" { for _ in digits.count..<max(6, digits.count) { number *= 10 } }
                fields[key] = number
                rest = rest.dropFirst(digits.count)
            }
        }
        guard rest.isEmpty else { return nil }
        return assemble(fields, afternoon)
    }

    private static func assemble(_ fields: [Character: Int], _ afternoon: Bool?) -> Int64? {
        let year = fields["y"] ?? 0
        let month = fields["M"] ?? 0
        let day = fields["d"] ?? 0
        var hour = fields["H"] ?? 0
        let minute = fields["m"] ?? 0
        let second = fields["s"] ?? 0
        if let afternoon { hour = hour % 12 + (afternoon ? 12 : 0) }
        guard year < 290_000, (1...12).contains(month), (1...CivilTime.daysInMonth(year: year, month: month)).contains(day), hour < 24,
            minute < 60, second < 60
        else {
            return nil
        }
        let days = Int64(CivilTime.days(year: year, month: month, day: day))
        return days * CivilTime.microsPerDay + Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + Int64(fields["S"] ?? 0)
    }
}
