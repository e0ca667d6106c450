// The engine's scalar functions, and the table of their names in SQL and DataFrames: arity and parameter types of each. Functions whose
// types depend on each other (arithmetic, comparison, CASE-like ones) are typed by `FunctionBinder`. Source: Spark SQL reference, "Built-in
// Functions".

package enum ScalarFunction: Hashable, Sendable {
    case add, subtract, multiply, divide, remainder, integralDivide, positiveModulo, negative
    case equal, nullSafeEqual, less, lessOrEqual, greater, greaterOrEqual
    case and, or, not, isNull, isNotNull, isNaN
    case coalesce, greatest, least, nullIf
    case like, ilike, rlike, startsWith, endsWith, contains
    case abs, sign, round, bankersRound, floor, ceil, sqrt, pow, exp, ln, logBase, log10
    case upper, lower, concat, concatWs, replace, split, instr, initcap
    case year, month, day, hour, minute, second, dayOfWeek, dayOfYear, quarter
    case toDate, toTimestamp, dateAdd, dateSub, dateDiff, dateFormat, unixTimestamp, currentDate, currentTimestamp
    case addMonths, addMicroseconds
    /// A value for each row by its place. Without a seed the statement's time is one.
    case seeded(seed: Int64?, RandomDraw)
    /// The function, with null instead of a refusal of its own; what its arguments refuse is refused.
    indirect case tried(ScalarFunction)
    /// A step to or from a zone's wall clock.
    case zoned(ZoneShift)
    /// Until its extraction into a step of its own.
    case python(PythonCall)
    /// A row of the library's table.
    case library(FunctionSignature)
    case typeOf, array, structure, map, size

    package func nullable(_ arguments: [BoundExpression]) -> Bool {
        switch self {
        case .isNull, .isNotNull, .nullSafeEqual, .isNaN, .typeOf, .concatWs, .array, .structure, .map, .currentDate, .currentTimestamp:
            false
        case .coalesce, .greatest, .least: arguments.allSatisfy { $0.nullable }
        case .library(let signature) where signature.nulls != .strict: true
        case .seeded: false
        case .zoned(let shift) where shift.step == .parse(isTry: true): true
        case .python, .tried: true
        case .nullIf, .divide, .remainder, .ln, .logBase, .log10, .toDate, .toTimestamp: true
        default: arguments.contains { $0.nullable }
        }
    }

    /// Whether evaluation may refuse a value (overflow, division by zero); rows that do not reach it must then not be evaluated.
    package var canRaise: Bool {
        switch self {
        case .add, .subtract, .multiply, .divide, .remainder, .integralDivide, .positiveModulo, .negative, .abs, .round, .bankersRound,
            .floor,
            .ceil, .toDate,
            .toTimestamp, .dateFormat, .dateAdd, .dateSub, .addMonths, .addMicroseconds, .rlike, .split, .coalesce:
            true
        case .python: true
        case .library(let signature): signature.canRaise
        case .zoned(let shift): shift.step != .parse(isTry: true)
        default: false
        }
    }
}

/// What a seeded function gives of a row's place.
package enum RandomDraw: Hashable, Sendable {
    /// In [0, 1).
    case even
    case normal
    /// The place itself, which rises with the rows.
    case place
    case uuid
    /// Digits and letters, so many.
    case text(count: Int)
}

/// The functions' names in SQL, in alphabetical order, without operators; those of the library's rows are in its own table.
package enum RoutineNames {
    package static let scalars: [String] = words(
        Routine.names(aggregates: false) + Array(ScalarForms.named.keys) + Array(ScalarForms.tried.keys)
            + Array(HigherOrderFunction.named.keys) + Array(Expression.castFunctions.keys) + written)
    package static let aggregates: [String] = words(
        Routine.names(aggregates: true) + Array(AggregateForms.named.keys) + ["percentile_cont", "percentile_disc"])
    package static let windows: [String] = words(Array(WindowFunction.named.keys))
    package static let generators: [String] = words(Array(GeneratorCall.families.keys))

    package static var all: [String] { Set(scalars + aggregates + windows + generators).sorted() }

    /// Calls that the binder reads by itself.
    private static let written = [
        "between", "positive", "if", "when", "current_timezone", "from_utc_timestamp", "to_utc_timestamp", "date_part", "datepart",
        "extract", "timestampadd", "timestampdiff", "current_database", "current_schema", "rand", "random", "randn", "uuid",
        "monotonically_increasing_id", "randstr",
    ]

    private static func words(_ names: [String]) -> [String] {
        Set(names).filter { $0.utf8.allSatisfy { $0 == UInt8(ascii: "_") || ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7A) } }
            .sorted()
    }
}

enum Routine {
    case scalar(ScalarFunction, [Parameter], required: Int, Result)
    /// Typed by a rule of its own in `FunctionBinder`; the range bounds the number of arguments.
    case special(ScalarFunction, ClosedRange<Int>)
    case aggregate(AggregateFunction, ClosedRange<Int>)

    typealias Parameter = FunctionSignature.Parameter
    typealias Result = FunctionSignature.Result

    static let many = 1000

    static func library(_ signature: FunctionSignature) -> Routine {
        .scalar(.library(signature), signature.parameters, required: signature.required, signature.result)
    }

    /// By lower-case name.
    static func named(_ name: String) -> Routine? { table[name] ?? aliases[name].flatMap { table[$0] } }

    static func names(aggregates: Bool) -> [String] {
        (Array(table.keys) + Array(aliases.keys)).filter { name in
            if case .aggregate? = named(name) { aggregates } else { !aggregates }
        }
    }

    private static let aliases: [String: String] = [
        "==": "=", "!": "not", "mean": "avg", "std": "stddev", "stddev_samp": "stddev", "var_samp": "variance", "ceiling": "ceil",
        "power": "pow",
        "ucase": "upper", "lcase": "lower",
        "dayofmonth": "day", "date_diff": "datediff", "dateadd": "date_add", "curdate": "current_date", "now": "current_timestamp",
        "ifnull": "coalesce", "nvl": "coalesce", "first_value": "first", "any_value": "first", "last_value": "last", "regexp": "rlike",
        "regexp_like": "rlike", "signum": "sign", "sum_distinct": "sum", "cardinality": "size",
    ]

    private static let table: [String: Routine] = {
        var table: [String: Routine] = [:]
        func scalar(_ names: String, _ function: ScalarFunction, _ parameters: [Parameter], required: Int? = nil, _ result: Result) {
            table[names] = .scalar(function, parameters, required: required ?? parameters.count, result)
        }
        for (name, function) in [
            ("+", ScalarFunction.add), ("-", .subtract), ("*", .multiply), ("/", .divide), ("%", .remainder), ("div", .integralDivide),
            ("pmod", .positiveModulo), ("mod", .remainder), ("=", .equal), ("<=>", .nullSafeEqual), ("<", .less), ("<=", .lessOrEqual),
            (">", .greater),
            (">=", .greaterOrEqual),
            ("and", .and), ("or", .or), ("nullif", .nullIf),
        ] {
            table[name] = .special(function, 2...2)
        }
        for (name, function) in [
            ("not", ScalarFunction.not), ("negative", .negative), ("isnull", .isNull), ("isnotnull", .isNotNull), ("abs", .abs),
            ("typeof", .typeOf), ("size", .size),
        ] {
            table[name] = .special(function, 1...1)
        }
        for (name, function) in [
            ("coalesce", ScalarFunction.coalesce), ("array", .array), ("struct", .structure), ("named_struct", .structure),
            ("map", .map), ("concat", .concat),
        ] {
            table[name] = .special(function, (name == "coalesce" ? 1 : 0)...many)
        }
        table["greatest"] = .special(.greatest, 2...many)
        table["least"] = .special(.least, 2...many)
        for (name, function) in [
            ("round", ScalarFunction.round), ("bround", .bankersRound), ("floor", .floor), ("ceil", .ceil),
        ] {
            table[name] = .special(function, 1...2)
        }
        table["concat_ws"] = .special(.concatWs, 1...many)
        table["log"] = .special(.logBase, 1...2)
        for (name, function) in [("sqrt", ScalarFunction.sqrt), ("exp", .exp), ("ln", .ln), ("log10", .log10), ("sign", .sign)] {
            scalar(name, function, [.double], .type(.double))
        }
        scalar("pow", .pow, [.double, .double], .type(.double))
        scalar("isnan", .isNaN, [.double], .type(.boolean))
        for (name, function) in [("upper", ScalarFunction.upper), ("lower", .lower), ("initcap", .initcap)] {
            scalar(name, function, [.string], .type(.string))
        }
        scalar("replace", .replace, [.string, .string, .string], required: 2, .type(.string))
        scalar("split", .split, [.string, .string, .int], required: 2, .type(.array(element: .string, containsNull: false)))
        scalar("instr", .instr, [.string, .string], .type(.int))
        scalar("like", .like, [.string, .string, .string], required: 2, .type(.boolean))
        scalar("ilike", .ilike, [.string, .string, .string], required: 2, .type(.boolean))
        for (name, function) in [
            ("rlike", ScalarFunction.rlike), ("startswith", .startsWith), ("endswith", .endsWith), ("contains", .contains),
        ] {
            scalar(name, function, [.string, .string], .type(.boolean))
        }
        for (name, function) in [
            ("year", ScalarFunction.year), ("month", .month), ("day", .day), ("dayofweek", .dayOfWeek), ("dayofyear", .dayOfYear),
            ("quarter", .quarter),
        ] {
            scalar(name, function, [.date], .type(.int))
        }
        for (name, function) in [("hour", ScalarFunction.hour), ("minute", .minute), ("second", .second)] {
            scalar(name, function, [.timestamp], .type(.int))
        }
        scalar("to_date", .toDate, [.any, .string], required: 1, .type(.date))
        scalar("to_timestamp", .toTimestamp, [.any, .string], required: 1, .type(.timestamp))
        scalar("date_add", .dateAdd, [.date, .days], .type(.date))
        scalar("date_sub", .dateSub, [.date, .days], .type(.date))
        scalar("datediff", .dateDiff, [.date, .date], .type(.int))
        scalar("date_format", .dateFormat, [.timestamp, .string], .type(.string))
        scalar("unix_timestamp", .unixTimestamp, [.timestamp], .type(.long))
        scalar("current_date", .currentDate, [], .type(.date))
        scalar("current_timestamp", .currentTimestamp, [], .type(.timestamp))
        for (name, function) in [
            ("sum", AggregateFunction.sum), ("avg", .avg), ("min", .min), ("max", .max), ("stddev", .stddevSample),
            ("stddev_pop", .stddevPopulation), ("variance", .varianceSample), ("var_pop", .variancePopulation), ("count_if", .countIf),
            ("collect_list", .collectList), ("grouping", .grouping),
        ] {
            table[name] = .aggregate(function, 1...1)
        }
        table["grouping_id"] = .aggregate(.groupingID, 0...many)
        table["count"] = .aggregate(.count, 1...many)
        table["first"] = .aggregate(.first, 1...2)
        table["last"] = .aggregate(.last, 1...2)
        return table
    }()
}
