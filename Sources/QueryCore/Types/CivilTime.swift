// Dates and timestamps without a time zone: days and microseconds since 1970-01-01 in UTC, to and from civil fields and text. `ZoneRules`
// leads to and from the wall clocks of other zones. Source: Hinnant, "chrono-compatible low-level date algorithms"; Spark's cast
// rules.

package enum CivilTime {
    package static let microsPerDay: Int64 = 86_400_000_000

    package static func days(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    package static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let mp = (5 * dayOfYear + 2) / 153
        let month = mp < 10 ? mp + 3 : mp - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * mp + 2) / 5 + 1)
    }

    /// The same day of another month, or that month's last day.
    package static func addMonths(_ days: Int, _ months: Int) -> Int {
        let (year, month, day) = civil(days)
        let count = year * 12 + month - 1 + months
        let newYear = count >= 0 ? count / 12 : (count - 11) / 12
        let newMonth = count - newYear * 12 + 1
        return Self.days(year: newYear, month: newMonth, day: min(day, daysInMonth(year: newYear, month: newMonth)))
    }

    package static func daysInMonth(year: Int, month: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// 1 is Monday.
    package static func weekday(_ days: Int) -> Int { ((days + 3) % 7 + 7) % 7 + 1 }

    /// Whole days before the instant, also for instants before 1970.
    package static func floorDay(_ micros: Int64) -> Int {
        let (day, rest) = micros.quotientAndRemainder(dividingBy: microsPerDay)
        return Int(rest < 0 ? day - 1 : day)
    }

    /// Microseconds since the midnight before the instant.
    package static func microsOfDay(_ micros: Int64) -> Int64 {
        let rest = micros % microsPerDay
        return rest < 0 ? rest + microsPerDay : rest
    }

    /// Midnight of a day; nil beyond 64 bits (after the year 294,000).
    package static func midnight(_ days: Int) -> Int64? {
        let (micros, overflow) = Int64(days).multipliedReportingOverflow(by: microsPerDay)
        return overflow ? nil : micros
    }

    package static func formatDate(_ days: Int) -> String {
        let (year, month, day) = civil(days)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    /// `yyyy-MM-dd HH:mm:ss` with the fraction's trailing zeros dropped, as in Spark.
    package static func formatTimestamp(_ micros: Int64) -> String {
        let day = floorDay(micros)
        let inDay = microsOfDay(micros)
        let seconds = Int(inDay / 1_000_000)
        var text = "\(formatDate(day)) \(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
        var fraction = Int(inDay % 1_000_000)
        if fraction > 0 {
            var digits = 6
            while fraction % 10 == 0 {
                fraction /= 10
                digits -= 1
            }
            text += "." + padded(fraction, digits)
        }
        return text
    }

    package static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number.magnitude)
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// `yyyy[-M[-d]]`, with an ignored time after `T` or a blank; blanks around are allowed.
    package static func parseDate(_ text: String) -> Int? {
        var scanner = Scanner(text)
        guard let days = scanner.date() else { return nil }
        if scanner.atEnd || (scanner.dateWasFull && (scanner.peek == UInt8(ascii: "T") || scanner.peek == 0x20)) { return days }
        return nil
    }

    /// A date, then optionally `H:m[:s[.fraction]]` and a zone (`Z`, `UTC`, `+01:00`); without a zone it is UTC.
    package static func parseTimestamp(_ text: String) -> Int64? { clock(text)?.micros }

    /// The same; without a zone in the text it is a wall clock of this one.
    package static func parseTimestamp(_ text: String, in rules: ZoneRules) -> Int64? {
        guard let clock = clock(text) else { return nil }
        return clock.hasZone ? clock.micros : rules.instant(clock.micros)
    }

    /// Whether the text of a timestamp names its zone.
    package static func hasZone(_ text: String) -> Bool { clock(text)?.hasZone ?? false }

    private static func clock(_ text: String) -> (micros: Int64, hasZone: Bool)? {
        var scanner = Scanner(text)
        guard let days = scanner.date() else { return nil }
        guard let micros = midnight(days) else { return nil }
        if scanner.atEnd { return (micros, false) }
        guard scanner.dateWasFull, scanner.take(UInt8(ascii: "T")) || scanner.take(0x20) else { return nil }
        guard let time = scanner.time() else { return nil }
        let hasZone = !scanner.atEnd
        guard let offset = scanner.zone(), scanner.atEnd else { return nil }
        let (instant, overflow) = micros.addingReportingOverflow(time - offset)
        return overflow ? nil : (instant, hasZone)
    }

    private struct Scanner {
        let bytes: ArraySlice<UInt8>
        var at: Int
        var dateWasFull = false

        init(_ text: String) {
            var slice = Array(text.utf8)[...]
            while let first = slice.first, first <= 0x20 { slice = slice.dropFirst() }
            while let last = slice.last, last <= 0x20 { slice = slice.dropLast() }
            bytes = slice
            at = slice.startIndex
        }

        var atEnd: Bool { at == bytes.endIndex }
        var peek: UInt8 { at < bytes.endIndex ? bytes[at] : 0 }

        mutating func take(_ byte: UInt8) -> Bool {
            if peek != byte || atEnd { return false }
            at += 1
            return true
        }

        mutating func number(_ digits: ClosedRange<Int>) -> Int? {
            let start = at
            var value = 0
            while at < bytes.endIndex, at - start < digits.upperBound, peek >= 0x30, peek <= 0x39 {
                value = value * 10 + Int(peek - 0x30)
                at += 1
            }
            return digits.contains(at - start) ? value : nil
        }

        mutating func date() -> Int? {
            let negative = take(UInt8(ascii: "-"))
            guard let year = number(4...6) else { return nil }
            var month = 1
            var day = 1
            if take(UInt8(ascii: "-")) {
                guard let parsed = number(1...2) else { return nil }
                month = parsed
                if take(UInt8(ascii: "-")) {
                    guard let parsed = number(1...2) else { return nil }
                    day = parsed
                    dateWasFull = true
                }
            }
            guard (1...12).contains(month), (1...CivilTime.daysInMonth(year: year, month: month)).contains(day) else { return nil }
            return CivilTime.days(year: negative ? -year : year, month: month, day: day)
        }

        mutating func time() -> Int64? {
            guard let hour = number(1...2), hour < 24 else { return nil }
            var minute = 0
            var second = 0
            var fraction = 0
            if take(UInt8(ascii: ":")) {
                guard let parsed = number(1...2), parsed < 60 else { return nil }
                minute = parsed
                if take(UInt8(ascii: ":")) {
                    guard let parsed = number(1...2), parsed < 60 else { return nil }
                    second = parsed
                    if take(UInt8(ascii: ".")) {
                        let start = at
                        guard var parsed = number(1...6) else { return nil }
                        for _ in (at - start)..<6 { parsed *= 10 }
                        // Digits beyond microseconds are dropped.
                        _ = number(0...12)
                        fraction = parsed
                    }
                }
            }
            return Int64(hour * 3600 + minute * 60 + second) * 1_000_000 + Int64(fraction)
        }

        /// Microseconds east of UTC.
        mutating func zone() -> Int64? {
            _ = take(0x20)
            if atEnd || take(UInt8(ascii: "Z")) { return 0 }
            for name in ["UTC", "GMT"] where bytes[at...].starts(with: name.utf8) { at += 3 }
            if atEnd { return 0 }
            let negative = peek == UInt8(ascii: "-")
            guard take(UInt8(ascii: "+")) || take(UInt8(ascii: "-")), let hour = number(1...2), hour <= 18 else { return nil }
            _ = take(UInt8(ascii: ":"))
            let minute = atEnd ? 0 : number(2...2)
            guard let minute, minute < 60 else { return nil }
            return Int64(hour * 3600 + minute * 60) * (negative ? -1_000_000 : 1_000_000)
        }
    }
}
