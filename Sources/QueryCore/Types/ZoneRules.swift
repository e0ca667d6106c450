// The rules of one time zone: its offsets from UTC over time, out of a file of the zone database or of a fixed offset's name. It reads no
// file itself. Local times that a change skips move forward by its length; those that occur twice mean the first, as in Java. Sources: RFC
// 9636 (TZif), POSIX TZ.

package final class ZoneRules: Hashable, Sendable {
    package let name: String
    /// Seconds since 1970 at which the offset changes, ascending.
    private let changes: [Int64]
    /// In seconds east of UTC: before the first change, then behind each.
    private let offsets: [Int32]
    /// For the time behind the last change.
    private let yearly: YearlyRule?

    /// Of a fixed offset in seconds east of UTC.
    package init(name: String, offset: Int32) {
        self.name = name
        changes = []
        offsets = [offset]
        yearly = nil
    }

    /// From the bytes of a TZif file of version 2 or later; nil if they are none.
    package init?(name: String, tzif: [UInt8]) {
        guard let first = TZifBlock(tzif, at: 0, timeBytes: 4), first.version >= UInt8(ascii: "2"),
            let block = TZifBlock(tzif, at: first.end, timeBytes: 8), let standard = block.offsets.first
        else { return nil }
        self.name = name
        changes = block.changes
        offsets = [standard] + block.kinds.map { block.offsets[Int($0)] }
        let footer = tzif[block.end...].dropFirst().prefix { $0 != 0x0A }
        yearly = YearlyRule(Array(footer))
    }

    package static func == (left: ZoneRules, right: ZoneRules) -> Bool { left.name == right.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// Whether it is UTC at all times.
    package var isUTC: Bool { changes.isEmpty && offsets == [0] && yearly == nil }

    /// Seconds east of UTC at an instant in seconds since 1970.
    func offset(at instant: Int64) -> Int64 {
        var (low, high) = (0, changes.count)
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= instant { low = middle + 1 } else { high = middle }
        }
        if low == changes.count, let yearly { return yearly.offset(at: instant) }
        return Int64(offsets[low])
    }

    private static let microsPerSecond: Int64 = 1_000_000

    /// The wall clock at an instant, as microseconds since 1970 on that clock; nil beyond 64 bits.
    package func local(_ micros: Int64) -> Int64? {
        let seconds = Self.floor(micros)
        let (local, overflow) = micros.addingReportingOverflow(offset(at: seconds) * Self.microsPerSecond)
        return overflow ? nil : local
    }

    /// The instant of a wall clock; nil beyond 64 bits.
    package func instant(_ local: Int64) -> Int64? {
        let seconds = Self.floor(local)
        // Of the offsets a day before and a day after, the earlier one decides gaps and overlaps.
        let before = offset(at: seconds - 86_400)
        let after = offset(at: seconds + 86_400)
        var chosen = before
        if before != after, offset(at: seconds - before) != before, offset(at: seconds - after) == after { chosen = after }
        let (instant, overflow) = local.subtractingReportingOverflow(chosen * Self.microsPerSecond)
        return overflow ? nil : instant
    }

    private static func floor(_ micros: Int64) -> Int64 {
        let (quotient, rest) = micros.quotientAndRemainder(dividingBy: microsPerSecond)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// The rules of `Z`, `UTC`, `+08:00`, `UTC-3`, `GMT+1`; nil for any other name.
    package static func fixed(_ name: String) -> ZoneRules? {
        var rest = Array(name.utf8)[...]
        for prefix in ["UTC", "GMT", "UT", "Z"] where rest.starts(with: prefix.utf8) {
            rest = rest.dropFirst(prefix.utf8.count)
            break
        }
        if rest.isEmpty { return name.isEmpty ? nil : ZoneRules(name: name, offset: 0) }
        guard let sign = rest.popFirst(), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return nil }
        let parts = rest.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard (1...3).contains(parts.count),
            parts.allSatisfy({ (1...2).contains($0.count) && $0.allSatisfy { (0x30...0x39).contains($0) } })
        else { return nil }
        var numbers = parts.map { part in part.reduce(Int32(0)) { $0 * 10 + Int32($1 - 0x30) } }
        while numbers.count < 3 { numbers.append(0) }
        let seconds = numbers[0] * 3600 + numbers[1] * 60 + numbers[2]
        guard numbers[1] < 60, numbers[2] < 60, seconds <= 18 * 3600 else { return nil }
        return ZoneRules(name: name, offset: sign == UInt8(ascii: "-") ? -seconds : seconds)
    }
}

/// The header and the data of one version in a TZif file.
private struct TZifBlock {
    let version: UInt8
    private(set) var changes: [Int64] = []
    /// The kind of local time behind each change.
    private(set) var kinds: [UInt8] = []
    /// Of each kind, in seconds.
    private(set) var offsets: [Int32] = []
    /// The position behind the data.
    let end: Int

    init?(_ bytes: [UInt8], at start: Int, timeBytes: Int) {
        guard bytes.count - start >= 44, bytes[start...].starts(with: "TZif".utf8) else { return nil }
        version = bytes[start + 4]
        func number(_ at: Int, _ width: Int) -> Int64 {
            let raw = bytes[at..<at + width].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return width == 4 ? Int64(Int32(truncatingIfNeeded: raw)) : Int64(bitPattern: raw)
        }
        // The counts of UTC marks, standard marks, leap seconds, changes, kinds and letters.
        let counts = (0..<6).map { Int(number(start + 20 + $0 * 4, 4)) }
        guard counts.allSatisfy({ $0 >= 0 && $0 <= bytes.count }), counts[4] > 0 else { return nil }
        let times = start + 44
        let kindsAt = times + counts[3] * timeBytes
        let typesAt = kindsAt + counts[3]
        let length = counts[3] * (timeBytes + 1) + counts[4] * 6 + counts[5] + counts[2] * (timeBytes + 4) + counts[1] + counts[0]
        end = times + length
        guard end <= bytes.count else { return nil }
        changes = (0..<counts[3]).map { number(times + $0 * timeBytes, timeBytes) }
        kinds = Array(bytes[kindsAt..<typesAt])
        offsets = (0..<counts[4]).map { Int32(truncatingIfNeeded: number(typesAt + $0 * 6, 4)) }
        let kindCount = counts[4]
        guard kinds.allSatisfy({ Int($0) < kindCount }), zip(changes, changes.dropFirst()).allSatisfy({ $0 < $1 }) else { return nil }
    }
}

/// The rule for all years behind a file's last change: `EST5EDT,M3.2.0,M11.1.0`.
private struct YearlyRule {
    /// The day of a change by month, week and weekday, and its time of day in seconds.
    struct Change {
        var month: Int
        var week: Int
        var weekday: Int
        var seconds: Int64

        /// Seconds since 1970 on the wall clock before the change.
        func local(_ year: Int) -> Int64 {
            let first = CivilTime.days(year: year, month: month, day: 1)
            // 1970-01-01 was a Thursday; Sunday is 0.
            let firstWeekday = CivilTime.weekday(first) % 7
            var day = first + (weekday - firstWeekday + 7) % 7 + (week - 1) * 7
            if day >= first + CivilTime.daysInMonth(year: year, month: month) { day -= 7 }
            return Int64(day) * 86_400 + seconds
        }
    }

    let standard: Int64
    let summer: Int64
    /// To summer time and from it; nil if the offset never changes.
    let changes: (start: Change, end: Change)?

    init?(_ text: [UInt8]) {
        var rest = text[...]
        guard Self.skipName(&rest), let west = Self.time(&rest) else { return nil }
        standard = -west
        guard !rest.isEmpty else {
            summer = standard
            changes = nil
            return
        }
        guard Self.skipName(&rest) else { return nil }
        if rest.first == UInt8(ascii: ",") {
            summer = standard + 3600
        } else {
            guard let west = Self.time(&rest) else { return nil }
            summer = -west
        }
        guard let start = Self.change(&rest), let end = Self.change(&rest), rest.isEmpty else { return nil }
        changes = (start, end)
    }

    func offset(at instant: Int64) -> Int64 {
        guard let changes else { return standard }
        let (days, rest) = (instant + standard).quotientAndRemainder(dividingBy: 86_400)
        let year = CivilTime.civil(Int(rest < 0 ? days - 1 : days)).year
        let start = changes.start.local(year) - standard
        let end = changes.end.local(year) - summer
        let isSummer = start < end ? instant >= start && instant < end : instant >= start || instant < end
        return isSummer ? summer : standard
    }

    private static func skipName(_ rest: inout ArraySlice<UInt8>) -> Bool {
        if rest.first == UInt8(ascii: "<") {
            guard let close = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[(close + 1)...]
            return true
        }
        let before = rest.count
        rest = rest.drop { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }
        return before - rest.count >= 3
    }

    private static func number(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        guard (1...3).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    /// `[+-]h[:mm[:ss]]` in seconds.
    private static func time(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard var seconds = number(&rest).map({ $0 * 3600 }) else { return nil }
        for unit in [Int64(60), 1] where rest.first == UInt8(ascii: ":") {
            rest = rest.dropFirst()
            guard let part = number(&rest) else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    /// `,M3.2.0/2`; days counted by number, which no zone of today uses, are refused.
    private static func change(_ rest: inout ArraySlice<UInt8>) -> Change? {
        guard rest.starts(with: ",M".utf8) else { return nil }
        rest = rest.dropFirst(2)
        var fields: [Int] = []
        for _ in 0..<3 {
            if !fields.isEmpty {
                guard rest.first == UInt8(ascii: ".") else { return nil }
                rest = rest.dropFirst()
            }
            guard let field = number(&rest) else { return nil }
            fields.append(Int(field))
        }
        guard (1...12).contains(fields[0]), (1...5).contains(fields[1]), (0...6).contains(fields[2]) else { return nil }
        var change = Change(month: fields[0], week: fields[1], weekday: fields[2], seconds: 7200)
        if rest.first == UInt8(ascii: "/") {
            rest = rest.dropFirst()
            guard let seconds = time(&rest) else { return nil }
            change.seconds = seconds
        }
        return change
    }
}

/// Zones by name, e.g. `Europe/Berlin`; nil for a name that is none.
package protocol TimeZones: Sendable {
    func rules(_ name: String) -> ZoneRules?
}
