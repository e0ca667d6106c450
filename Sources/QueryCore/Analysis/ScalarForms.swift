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
        table["try_to_date"] = (1...1, { .cast($0[0], to: .date, isTry: true) })
        table["try_to_timestamp"] = (1...1, { .cast($0[0], to: .timestamp, isTry: true) })
        table["spark_partition_id"] = (0...0, { _ in zero })
        return table
    }()

    /// The form of a function whose meaning depends on its arguments; nil for all others.
    static func form(_ name: String, _ arguments: [Expression]) -> Expression? {
        switch (name, arguments.count) {
        case ("unix_timestamp", 0): return .call("unix_timestamp", .call("current_timestamp"))
        case ("unix_timestamp", 2): return .call("unix_timestamp", .call("to_timestamp", arguments[0], arguments[1]))
        case ("date_part", 2), ("datepart", 2):
            guard case .literal(let literal) = arguments[0], case .string(let field) = literal.value else { return nil }
            let lower = field.lowercased()
            // Its seconds have a fraction, which `second` lacks.
            guard !["second", "seconds", "sec", "s"].contains(lower) else { return nil }
            return .call(Parser.fields[lower] ?? lower, arguments[1])
        default: return nil
        }
    }
}
