// Aggregates that are others in disguise: a list of the group's values and a function of it, or the least or greatest of a pair. Their
// columns keep the names that the user wrote. Source: Spark SQL reference, "Aggregate Functions".

enum AggregateForms {
    typealias Form = @Sendable ([Expression]) -> Expression

    /// By lower-case name: the number of arguments, and the form over them.
    static let named: [String: (counts: ClosedRange<Int>, form: Form)] = {
        var table: [String: (ClosedRange<Int>, Form)] = [:]
        @Sendable func list(_ value: Expression) -> Expression { .call("collect_list", value) }
        @Sendable func double(_ value: Expression) -> Expression { .cast(value, to: .double, isTry: false) }
        table["collect_set"] = (1...1, { .call("array_distinct", list($0[0])) })
        table["approx_count_distinct"] = (1...2, { .call(name: "count", arguments: [$0[0]], distinct: true) })
        for name in ["bool_and", "every"] { table[name] = (1...1, { .call("min", .cast($0[0], to: .boolean, isTry: false)) }) }
        for name in ["bool_or", "some", "any"] { table[name] = (1...1, { .call("max", .cast($0[0], to: .boolean, isTry: false)) }) }
        for (name, extreme) in [("max_by", "max"), ("min_by", "min")] {
            table[name] = (
                2...3,
                { arguments in
                    if arguments.count == 3 { return best(arguments, isGreatest: name == "max_by") }
                    let pair = Expression.call(
                        "named_struct", .literal(.string("by")), arguments[1], .literal(.string("value")), arguments[0])
                    let best = Expression.filtered(.call(extreme, pair), condition: .call("isnotnull", arguments[1]))
                    return .extract(best, key: .literal(.string("value")))
                }
            )
        }
        table["median"] = (1...1, { .call("list percentile", list(double($0[0])), .literal(.double(0.5))) })
        table["percentile"] = (
            2...3,
            { arguments in
                guard arguments.count == 3 else { return .call("list percentile", list(double(arguments[0])), arguments[1]) }
                let repeated = Expression.call("array_repeat", double(arguments[0]), arguments[2])
                let present = Expression.call("isnotnull", arguments[0])
                return .call("list percentile", .call("flatten", .filtered(list(repeated), condition: present)), arguments[1])
            }
        )
        table["array_agg"] = (1...1, { list($0[0]) })
        table["try_sum"] = (1...1, { .call("list try_sum", list($0[0])) })
        table["try_avg"] = (1...1, { .call("avg", $0[0]) })
        table["histogram_numeric"] = (2...2, { .call("list histogram", list($0[0]), $0[1]) })
        for name in ["bitmap_construct_agg", "bitmap_or_agg", "bitmap_and_agg"] {
            table[name] = (1...1, { .call("list \(name)", list($0[0])) })
        }
        for name in ["percentile_approx", "approx_percentile"] {
            table[name] = (2...3, { .call("list rank", list($0[0]), $0[1]) })
        }
        for name in ["string_agg", "listagg"] {
            table[name] = (1...2, { .call("list text", list($0[0]), $0.count > 1 ? $0[1] : .literal(.string(""))) })
        }
        table["mode"] = (1...2, { .call(name: "list mode", arguments: [list($0[0])] + $0.dropFirst(), distinct: false) })
        table["product"] = (1...1, { .call("list product", list(double($0[0]))) })
        for name in ["skewness", "kurtosis"] { table[name] = (1...1, { .call("list \(name)", list(double($0[0]))) }) }
        for name in ["corr", "covar_samp", "covar_pop"] {
            table[name] = (
                2...2,
                { arguments in
                    let pair = Expression.call(name: "array", arguments: [double(arguments[0]), double(arguments[1])], distinct: false)
                    let both = Expression.call("and", .call("isnotnull", arguments[0]), .call("isnotnull", arguments[1]))
                    return .call("list \(name)", .filtered(list(pair), condition: both))
                }
            )
        }
        for name in ["count", "avgx", "avgy", "sxx", "syy", "sxy", "slope", "intercept", "r2"] {
            table["regr_\(name)"] = (
                2...2,
                { arguments in
                    let pair = Expression.call(name: "array", arguments: [double(arguments[1]), double(arguments[0])], distinct: false)
                    let both = Expression.call("and", .call("isnotnull", arguments[0]), .call("isnotnull", arguments[1]))
                    if name == "count" { return .filtered(.call("count", .literal(.int(1))), condition: both) }
                    return .call("list regr_\(name)", .filtered(list(pair), condition: both))
                }
            )
        }
        for name in ["bit_and", "bit_or", "bit_xor"] { table[name] = (1...1, { .call("list \(name)", list($0[0])) }) }
        return table
    }()

    /// Aggregates whose list may be of distinct values.
    static let takesDistinct: Set<String> = ["listagg", "string_agg", "array_agg", "collect_set"]

    /// The values of the `count` rows with the greatest or least keys, in their order.
    private static func best(_ arguments: [Expression], isGreatest: Bool) -> Expression {
        let pair = Expression.call(
            "named_struct", .literal(.string("by")), arguments[1], .literal(.string("value")), arguments[0])
        let rows = Expression.filtered(.call("collect_list", pair), condition: .call("isnotnull", arguments[1]))
        return .call("list best", rows, arguments[2], .literal(.boolean(isGreatest)))
    }
}
