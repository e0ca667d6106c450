// Timestamps made of fields, fields that `extract` reads and the steps between two times. Source: Spark SQL reference, "Date and Timestamp
// Functions".

import QueryCore

enum MadeTimes {
    static let rows: [ScalarRow] = [
        ScalarRow(
            FunctionSignature(
                "make_timestamp", [FunctionSignature.Parameter](repeating: .any, count: 6), .rule(fields), canRaise: true, clock: .makes)
        ) { (input) throws(QueryError) in
            try input.valueColumn { (values) throws(QueryError) in
                guard case .decimal(let micros) = values[5] else { return .null }
                return .integer(try instant(values.prefix(5).map { Int($0.whole) }, micros))
            }
        },
        ScalarRow(FunctionSignature("second fraction", [.timestamp], .type(.decimal(precision: 8, scale: 6)), clock: .reads)) {
            (input) throws(QueryError) in
            try input.valueColumn { .decimal(Int128(CivilTime.microsOfDay($0[0].whole) % 60_000_000)) }
        },
        number("year of week") { day in CivilTime.civil(day - CivilTime.weekday(day) + 4).year },
        number("day of iso week") { CivilTime.weekday($0) },
        difference("time between", .none), difference("wall time between", .reads),
        ScalarRow(
            FunctionSignature("time sequence", [.any, .any, .long, .long], .rule(sequence), canRaise: true, clock: .onlyUTC)
        ) { (input) throws(QueryError) in
            let isDate = input.type.element?.type == .date
            return try input.valueColumn { (values) throws(QueryError) in
                try times(values[0].whole, values[1].whole, Int(values[2].whole), values[3].whole, isDate: isDate)
            }
        },
    ]

    private static let sequence = TypeRule("(\"DATE\" or \"TIMESTAMP\")") { arguments in
        guard arguments[0].type == arguments[1].type, [.date, .timestamp].contains(arguments[0].type) else { return nil }
        return (arguments.map(\.type), .array(element: arguments[0].type, containsNull: false))
    }

    /// From one time to another by months or microseconds.
    private static func times(_ start: Int64, _ stop: Int64, _ months: Int, _ micros: Int64, isDate: Bool) throws(QueryError) -> Value {
        func illegal() -> QueryError {
            QueryError(
                .illegalSequence,
                ["start": "\(start)", "stop": "\(stop)", "step": months == 0 ? "\(micros) microseconds" : "\(months) months"])
        }
        let step = isDate ? micros / CivilTime.microsPerDay : micros
        guard months != 0 || step != 0, abs(months) < 1 << 24, !isDate || micros % CivilTime.microsPerDay == 0 else { throw illegal() }
        let isForward = months > 0 || months == 0 && step > 0
        if isForward ? start > stop : start < stop { throw illegal() }
        var out: [Value] = []
        while true {
            let time: Int64
            if months != 0 {
                let day = CivilTime.addMonths(isDate ? Int(start) : CivilTime.floorDay(start), months * out.count)
                guard let midnight = CivilTime.midnight(day) else { throw Arithmetic.overflow("long") }
                time = isDate ? Int64(day) : midnight &+ CivilTime.microsOfDay(start)
            } else {
                let (distance, tooFar) = step.multipliedReportingOverflow(by: Int64(out.count))
                let (sum, overflow) = start.addingReportingOverflow(distance)
                if tooFar || overflow { break }
                time = sum
            }
            if isForward ? time > stop : time < stop { break }
            out.append(.integer(time))
            try CollectionRows.check(Int64(out.count))
        }
        return .array(out)
    }

    private static let fields = TypeRule("\"INT\"") { arguments in
        guard arguments.allSatisfy({ $0.type.isNumeric || $0.type == .string || $0.type == .null }) else { return nil }
        return ([DataType](repeating: .int, count: 5) + [.decimal(precision: 16, scale: 6)], .timestamp)
    }

    private static func number(_ name: String, _ field: @escaping @Sendable (Int) -> Int) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.date], .type(.int))) { (input) throws(QueryError) in
            let days = input.integers(0)
            return try input.integerColumn { Int64(field(Int(days[$0]))) }
        }
    }

    /// Whole steps of a unit from one time to another.
    private static func difference(_ name: String, _ clock: FunctionSignature.Clock) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.string, .timestamp, .timestamp], .type(.long), nulls: .possible, clock: clock)) {
            (input) throws(QueryError) in
            let (units, starts, ends) = (input.texts(0), input.integers(1), input.integers(2))
            return try input.integerColumn { (row) throws(QueryError) in
                guard let unit = TimeUnits.steps[units.string(row).uppercased()] else { return nil }
                if unit.months > 0 { return Int64(months(starts[row], ends[row]) / unit.months) }
                let (micros, overflow) = ends[row].subtractingReportingOverflow(starts[row])
                if overflow { throw Arithmetic.overflow("long") }
                return micros / unit.micros
            }
        }
    }

    private static func months(_ start: Int64, _ end: Int64) -> Int {
        let (one, other) = (CivilTime.civil(CivilTime.floorDay(start)), CivilTime.civil(CivilTime.floorDay(end)))
        let months = (other.year - one.year) * 12 + other.month - one.month
        let (from, to) = ((one.day, CivilTime.microsOfDay(start)), (other.day, CivilTime.microsOfDay(end)))
        if months > 0, to < from { return months - 1 }
        return months < 0 && to > from ? months + 1 : months
    }

    /// A wall clock's time; a second of 60 is the next minute's first.
    private static func instant(_ fields: [Int], _ micros: Int128) throws(QueryError) -> Int64 {
        let (year, month, day, hour, minute) = (fields[0], fields[1], fields[2], fields[3], fields[4])
        let days = try CivilTime.checkedDays(year, month, day)
        guard (0...23).contains(hour) else { throw outside("HourOfDay", 0...23, hour) }
        guard (0...59).contains(minute) else { throw outside("MinuteOfHour", 0...59, minute) }
        guard micros >= 0, micros <= 60_000_000 else { throw outside("SecondOfMinute", 0...59, Int(clamping: micros / 1_000_000)) }
        let inDay = Int64(hour * 3600 + minute * 60) * 1_000_000 + Int64(micros)
        guard let midnight = CivilTime.midnight(days) else { throw Arithmetic.overflow("long") }
        let (instant, overflow) = midnight.addingReportingOverflow(inDay)
        if overflow { throw Arithmetic.overflow("long") }
        return instant
    }

    private static func refused(_ message: String) -> QueryError {
        QueryError(.dateFieldOutOfBounds, ["rangeMessage": message, "ansiConfig": QueryError.ansiSetting])
    }

    static func outside(_ field: String, _ range: ClosedRange<Int>, _ value: Int) -> QueryError {
        refused("Invalid value for \(field) (valid values \(range.lowerBound) - \(range.upperBound)): \(value)")
    }

    /// The refusal of a date that does not exist, by its first wrong field.
    static func wrongDate(_ year: Int, _ month: Int, _ day: Int) -> QueryError {
        guard (1...12).contains(month) else { return outside("MonthOfYear", 1...12, month) }
        guard (1...31).contains(day) else { return refused("Invalid value for DayOfMonth (valid values 1 - 28/31): \(day)") }
        let names = [
            "JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER",
        ]
        if month == 2, day == 29 { return refused("Invalid date 'February 29' as '\(year)' is not a leap year") }
        return refused("Invalid date '\(names[month - 1]) \(day)'")
    }
}

extension CivilTime {
    /// The days of a date that exists, within the range of dates.
    static func checkedDays(_ year: Int, _ month: Int, _ day: Int) throws(QueryError) -> Int {
        guard (1...12).contains(month), (1...daysInMonth(year: year, month: month)).contains(day) else {
            throw MadeTimes.wrongDate(year, month, day)
        }
        let days = days(year: year, month: month, day: day)
        guard Int32(exactly: days) != nil else { throw MadeTimes.outside("Year", -999_999...999_999, year) }
        return days
    }
}
