// Functions that are others in disguise. Their columns keep the names that the user wrote. Source: Spark SQL reference, "Built-in
// Functions".

enum ScalarForms {
    typealias Form = @Sendable ([Expression]) -> Expression

    /// By lower-case name: the number of arguments, and the form over them.
    static let named: [String: (counts: ClosedRange<Int>, form: Form)] = {
        var table: [String: (ClosedRange<Int>, Form)] = [:]
        let zero = Expression.literal(.int(0))
        table["nvl2"] = (
            3...3,
            { .caseWhen(branches: [CaseBranch(condition: .call("isnotnull", $0[0]), result: $0[1])], otherwise: $0[2]) }
        )
        for (name, operation) in [("try_divide", "/"), ("try_mod", "%")] {
            // A comparison with null is not true, so that the division gives the null.
            table[name] = (
                2...2,
                { arguments in
                    let branch = CaseBranch(condition: .call("=", arguments[1], zero), result: .literal(.null))
                    return .caseWhen(branches: [branch], otherwise: .call(operation, arguments[0], arguments[1]))
                }
            )
        }
        table["equal_null"] = (2...2, { .call("<=>", $0[0], $0[1]) })
        table["zeroifnull"] = (1...1, { .call("coalesce", $0[0], zero) })
        table["nullifzero"] = (1...1, { .call("nullif", $0[0], zero) })
        table["timestamp_seconds"] = (1...1, { .cast($0[0], to: .timestamp, isTry: false) })
        table["to_unix_timestamp"] = (1...2, { .call("unix_timestamp", $0.count == 2 ? .call("to_timestamp", $0[0], $0[1]) : $0[0]) })
        table["spark_partition_id"] = (0...0, { _ in zero })
        for name in ["to_timestamp_ltz"] {
            table[name] = (1...2, { .call(name: "to_timestamp", arguments: $0, distinct: false) })
        }
        for name in ["make_timestamp_ltz", "try_make_timestamp_ltz"] {
            let plain = name.hasPrefix("try") ? "try_make_timestamp" : "make_timestamp"
            table[name] = (6...7, { .call(name: plain, arguments: $0, distinct: false) })
        }
        table["assert_true"] = (
            1...2,
            { arguments in
                let message = arguments.count > 1 ? arguments[1] : .literal(.string(FunctionNames.untrue(arguments[0].prettyName)))
                let branch = CaseBranch(condition: arguments[0], result: .literal(.null))
                return .caseWhen(branches: [branch], otherwise: .call("raise_error", message))
            }
        )
        // The number of a row among all, from zero.
        table["distributed_sequence_id"] = (
            0...0,
            { _ in
                var spec = WindowSpec()
                spec.orders = [SortOrder(.call("monotonically_increasing_id"))]
                let number = Expression.window(.call("row_number"), spec)
                return .call("-", .cast(number, to: .long, isTry: false), .literal(.long(1)))
            }
        )
        table["current_catalog"] = (0...0, { _ in .literal(.string("spark_catalog")) })
        table["current_path"] = (0...0, { _ in .literal(.string("system.builtin,system.session,spark_catalog.default")) })
        table["collation"] = (1...1, { _ in .literal(.string("SYSTEM.BUILTIN.UTF8_BINARY")) })
        table["localtimestamp"] = (0...0, { _ in .call("current_timestamp") })
        table["uniform"] = (2...3, { uniform($0) })
        table["shuffle"] = (
            1...2, { .call("shuffled", $0[0], .call(name: "rand", arguments: Array($0.dropFirst()), distinct: false)) }
        )
        return table
    }()

    /// Functions that give null where another one refuses a value.
    static let tried: [String: String] = [
        "try_add": "+", "try_subtract": "-", "try_multiply": "*", "try_to_number": "to_number", "try_to_binary": "to_binary",
        "try_make_timestamp": "make_timestamp", "try_to_date": "to_date", "try_to_timestamp": "to_timestamp",
        "try_url_decode": "url_decode", "try_parse_url": "parse_url", "try_validate_utf8": "validate_utf8",
    ]

    /// A number between two, of their common type: whole if both are.
    private static func uniform(_ arguments: [Expression]) -> Expression {
        let random = Expression.call(name: "rand", arguments: Array(arguments.dropFirst(2)), distinct: false)
        return .call("uniform of", random, arguments[0], arguments[1])
    }

    /// Limit of the levels of `decode` in the first argument of one: each level is evaluated as often as the one around it has searches.
    private static let decodeLevelsMax = 4

    /// The form of a function whose meaning depends on its arguments; nil for all others.
    static func form(_ name: String, _ arguments: [Expression]) -> Expression? {
        switch (name, arguments.count) {
        case ("try_to_date", 1): return .cast(arguments[0], to: .date, isTry: true)
        case ("try_to_timestamp", 1): return .cast(arguments[0], to: .timestamp, isTry: true)
        case ("unix_timestamp", 0): return .call("unix_timestamp", .call("current_timestamp"))
        case ("unix_timestamp", 2): return .call("unix_timestamp", .call("to_timestamp", arguments[0], arguments[1]))
        case ("decode", 3...):
            // Each search compares the first argument again.
            guard arguments[0].levels(of: "decode") < decodeLevelsMax else { return nil }
            var branches: [CaseBranch] = []
            for place in stride(from: 1, to: arguments.count - 1, by: 2) {
                branches.append(CaseBranch(condition: .call("<=>", arguments[0], arguments[place]), result: arguments[place + 1]))
            }
            return .caseWhen(branches: branches, otherwise: arguments.count % 2 == 0 ? arguments[arguments.count - 1] : nil)
        case ("-", 1): return .call("negative", arguments[0])
        case ("timestampdiff", 3):
            // Whole days and months are of the wall clock.
            guard case .literal(let literal) = arguments[0], case .string(let unit) = literal.value else { return nil }
            let isExact = TimeUnits.steps[unit.uppercased()].map { $0.months == 0 && $0.micros < CivilTime.microsPerDay } ?? true
            return .call(isExact ? "time between" : "wall time between", arguments[0], arguments[1], arguments[2])
        default: return nil
        }
    }

    /// The function that gives a field of a time, as `date_part` and `extract` name it.
    static func field(_ arguments: [Expression]) throws(QueryError) -> Expression {
        guard case .literal(let literal) = arguments[0], case .string(let field) = literal.value else {
            throw QueryError.unsupported("a field of a time whose name is no constant")
        }
        guard let function = TimeUnits.fields[field.lowercased()] else {
            throw QueryError(
                .invalidExtractField, ["field": Identifier.quoted(field), "expr": "\"\(arguments[1].prettyName)\""])
        }
        return .call(function, arguments[1])
    }
}
