// Functions over dates and timestamps by days and microseconds. Source: Spark SQL reference, "Date and Timestamp Functions".

import QueryCore

enum TimeRows {
    static let rows: [ScalarRow] =
        [
            ScalarRow(FunctionSignature("add_months", [.date, .int], .type(.date), canRaise: true)) { (input) throws(QueryError) in
                let (days, months) = (input.integers(0), input.integers(1))
                return try input.integerColumn { (row) throws(QueryError) in
                    guard let moved = Int32(exactly: CivilTime.addMonths(Int(days[row]), Int(months[row]))) else {
                        throw Arithmetic.overflow("integer")
                    }
                    return Int64(moved)
                }
            },
            ScalarRow(FunctionSignature("months_between", [.timestamp, .timestamp, .boolean], required: 2, .type(.double), clock: .reads)) {
                input in
                let (ends, starts) = (input.integers(0), input.integers(1))
                var rounds = true
                if input.arguments.count > 2, case .boolean(let flag) = input.arguments[2].column.value(0) { rounds = flag }
                return input.doubleColumn((0..<input.count).map { months(ends[$0], starts[$0], rounds) })
            },
            date("last_day") { day in
                let civil = CivilTime.civil(day)
                return day - civil.day + CivilTime.daysInMonth(year: civil.year, month: civil.month)
            },
            ScalarRow(FunctionSignature("next_day", [.date, .string], .type(.date), canRaise: true)) { (input) throws(QueryError) in
                let (days, names) = (input.integers(0), input.texts(1))
                return try input.integerColumn { (row) throws(QueryError) in
                    guard let wanted = weekday(names.string(row)) else {
                        throw QueryError(.illegalDayOfWeek, ["string": names.string(row)])
                    }
                    let next = days[row] + Int64((wanted - CivilTime.weekday(Int(days[row])) + 6) % 7 + 1)
                    guard Int32(exactly: next) != nil else { throw Arithmetic.overflow("integer") }
                    return next
                }
            },
            ScalarRow(FunctionSignature("trunc", [.date, .string], .type(.date), nulls: .possible)) { (input) throws(QueryError) in
                let (days, units) = (input.integers(0), input.texts(1))
                return try input.integerColumn { row in
                    guard let unit = Unit(units.string(row)), unit.isDay else { return nil }
                    return Int64(Int32(clamping: unit.start(ofDay: Int(days[row]))))
                }
            },
            ScalarRow(FunctionSignature("date_trunc", [.string, .timestamp], .type(.timestamp), nulls: .possible, clock: .makes)) {
                (input) throws(QueryError) in
                let (units, instants) = (input.texts(0), input.integers(1))
                return try input.integerColumn { row in Unit(units.string(row))?.start(instants[row]) }
            },
            number("weekday") { CivilTime.weekday($0) - 1 },
            number("weekofyear") { weekOfYear($0) },
            name("dayname") { ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][CivilTime.weekday($0) - 1] },
            name("monthname") {
                ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][CivilTime.civil($0).month - 1]
            },
            ScalarRow(FunctionSignature("make_date", [.int, .int, .int], .type(.date), canRaise: true)) { (input) throws(QueryError) in
                let (years, months, days) = (input.integers(0), input.integers(1), input.integers(2))
                return try input.integerColumn { (row) throws(QueryError) in
                    let (year, month, day) = (Int(years[row]), Int(months[row]), Int(days[row]))
                    guard (1...12).contains(month), (1...CivilTime.daysInMonth(year: year, month: month)).contains(day),
                        let days = Int32(exactly: CivilTime.days(year: year, month: month, day: day))
                    else { throw MadeTimes.wrongDate(year, month, day) }
                    return Int64(days)
                }
            },
            number("unix_date") { $0 },
            ScalarRow(FunctionSignature("date_from_unix_date", [.int], .type(.date))) { (input) throws(QueryError) in
                let days = input.integers(0)
                return try input.integerColumn { days[$0] }
            },
            since("unix_seconds", 1_000_000), since("unix_millis", 1000), since("unix_micros", 1),
            from("timestamp_millis", 1000), from("timestamp_micros", 1),
            ScalarRow(
                FunctionSignature("from_unixtime", [.long, .string], required: 1, .type(.string), canRaise: true, clock: .printsSeconds)
            ) {
                (input) throws(QueryError) in
                let seconds = input.integers(0)
                let patterns = input.arguments.count > 1 ? input.texts(1) : nil
                return try input.textColumn { (row, out) throws(QueryError) in
                    let (micros, overflow) = seconds[row].multipliedReportingOverflow(by: 1_000_000)
                    if overflow { throw Arithmetic.overflow("long") }
                    out += try TimeFunctions.format(micros, patterns?.string(row) ?? "yyyy-MM-dd HH:mm:ss").utf8
                    return true
                }
            },
        ] + MadeTimes.rows

    // MARK: Families

    private static func date(_ name: String, _ change: @escaping @Sendable (Int) -> Int) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.date], .type(.date))) { (input) throws(QueryError) in
            let days = input.integers(0)
            return try input.integerColumn { row in Int64(Int32(clamping: change(Int(days[row])))) }
        }
    }

    private static func number(_ name: String, _ field: @escaping @Sendable (Int) -> Int) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.date], .type(.int))) { (input) throws(QueryError) in
            let days = input.integers(0)
            return try input.integerColumn { Int64(field(Int(days[$0]))) }
        }
    }

    private static func name(_ name: String, _ text: @escaping @Sendable (Int) -> String) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.date], .type(.string))) { (input) throws(QueryError) in
            let days = input.integers(0)
            return try input.textColumn { row, out in
                out += text(Int(days[row])).utf8
                return true
            }
        }
    }

    /// Whole units since 1970, rounded down.
    private static func since(_ name: String, _ micros: Int64) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.timestamp], .type(.long))) { (input) throws(QueryError) in
            let instants = input.integers(0)
            return try input.integerColumn { row in
                let (quotient, rest) = instants[row].quotientAndRemainder(dividingBy: micros)
                return rest < 0 ? quotient - 1 : quotient
            }
        }
    }

    private static func from(_ name: String, _ micros: Int64) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.long], .type(.timestamp), canRaise: true)) { (input) throws(QueryError) in
            let values = input.integers(0)
            return try input.integerColumn { (row) throws(QueryError) in
                let (instant, overflow) = values[row].multipliedReportingOverflow(by: micros)
                if overflow { throw Arithmetic.overflow("long") }
                return instant
            }
        }
    }

    // MARK: Rules

    /// Whole months where both are the same day of the month or both its last; else with the rest of the month as 31 days.
    private static func months(_ end: Int64, _ start: Int64, _ rounds: Bool) -> Double {
        let (endDay, startDay) = (CivilTime.floorDay(end), CivilTime.floorDay(start))
        let (one, other) = (CivilTime.civil(endDay), CivilTime.civil(startDay))
        let months = Double((one.year - other.year) * 12 + one.month - other.month)
        let isLast = { (civil: (year: Int, month: Int, day: Int)) in
            civil.day == CivilTime.daysInMonth(year: civil.year, month: civil.month)
        }
        if one.day == other.day || isLast(one) && isLast(other) { return months }
        let seconds = Double(CivilTime.microsOfDay(end) / 1_000_000 - CivilTime.microsOfDay(start) / 1_000_000)
        let value = months + (Double(one.day - other.day) * 86_400 + seconds) / (31 * 86_400)
        return rounds ? (value * 1e8).rounded() / 1e8 : value
    }

    private static func weekday(_ name: String) -> Int? {
        let names = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]
        let upper = name.uppercased()
        return names.firstIndex { $0 == upper || $0.prefix(3) == upper || $0.prefix(2) == upper }.map { $0 + 1 }
    }

    /// By ISO 8601: the week with the year's first Thursday is the first.
    private static func weekOfYear(_ day: Int) -> Int {
        let thursday = day - CivilTime.weekday(day) + 4
        return (thursday - CivilTime.days(year: CivilTime.civil(thursday).year, month: 1, day: 1)) / 7 + 1
    }

    /// The units of `trunc` and `date_trunc`.
    private enum Unit {
        case year, quarter, month, week
        case time(micros: Int64)

        init?(_ name: String) {
            let table: [String: Unit] = [
                "YEAR": .year, "YYYY": .year, "YY": .year, "QUARTER": .quarter, "MONTH": .month, "MM": .month, "MON": .month,
                "WEEK": .week, "DAY": .time(micros: CivilTime.microsPerDay), "DD": .time(micros: CivilTime.microsPerDay),
                "HOUR": .time(micros: 3_600_000_000), "MINUTE": .time(micros: 60_000_000), "SECOND": .time(micros: 1_000_000),
                "MILLISECOND": .time(micros: 1000), "MICROSECOND": .time(micros: 1),
            ]
            guard let unit = table[name.uppercased()] else { return nil }
            self = unit
        }

        var isDay: Bool {
            if case .time = self { false } else { true }
        }

        func start(ofDay day: Int) -> Int {
            let civil = CivilTime.civil(day)
            return switch self {
            case .year: CivilTime.days(year: civil.year, month: 1, day: 1)
            case .quarter: CivilTime.days(year: civil.year, month: (civil.month - 1) / 3 * 3 + 1, day: 1)
            case .month: day - civil.day + 1
            case .week: day - CivilTime.weekday(day) + 1
            case .time: day
            }
        }

        func start(_ instant: Int64) -> Int64 {
            guard case .time(let micros) = self else {
                return CivilTime.midnight(start(ofDay: CivilTime.floorDay(instant))) ?? Int64.min
            }
            let rest = instant % micros
            let (start, overflow) = instant.subtractingReportingOverflow(rest < 0 ? rest + micros : rest)
            return overflow ? Int64.min : start
        }
    }
}
