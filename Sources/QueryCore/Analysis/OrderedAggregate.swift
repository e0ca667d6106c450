// Aggregates over the ordered values of a group: `percentile_cont(0.5) WITHIN GROUP (ORDER BY x)`. Such a call is written as a call of
// `within group`, whose arguments are the aggregate and the orders, each with whether it ascends. Source: Spark SQL reference, "Ordered-Set
// Aggregate Functions".

enum OrderedAggregate {
    /// With a blank, so that no query can call it.
    static let name = "within group"

    static func written(_ call: Expression, _ orders: [SortOrder]) -> Expression {
        let list = orders.flatMap { [$0.expression, .literal(.boolean($0.ascending))] }
        return .call(name: name, arguments: [call] + list, distinct: false)
    }

    private static func orders(_ arguments: [Expression]) -> [(key: Expression, ascending: Bool)] {
        stride(from: 1, to: arguments.count - 1, by: 2).map { place in
            (arguments[place], arguments[place + 1] == .literal(.boolean(true)))
        }
    }

    static func shown(_ arguments: [Expression], _ names: [String]) -> String {
        guard case .call(let name, _, _) = arguments.first else { return names.joined(separator: ", ") }
        let isList = ["listagg", "string_agg"].contains(name.lowercased())
        let isMode = name.lowercased() == "mode"
        let orders = orders(arguments).enumerated().map { place, order in
            let key = names[1 + 2 * place]
            if isList { return key + (order.ascending ? " ASC NULLS FIRST" : " DESC NULLS LAST") }
            // Spark shows the order in which it counts the values, which is the other one.
            return key + (order.ascending != isMode ? "" : " DESC")
        }
        return "\(names[0]) WITHIN GROUP (ORDER BY \(orders.joined(separator: ", ")))"
    }

    /// The expression that computes the call.
    static func form(_ arguments: [Expression]) throws(QueryError) -> Expression {
        let orders = orders(arguments)
        guard case .call(let written, let given, let distinct) = arguments[0], let first = orders.first else {
            throw QueryError.unsupported("WITHIN GROUP behind an expression that is no call")
        }
        switch (written.lowercased(), given.count) {
        case ("percentile_cont", 1), ("percentile_disc", 1):
            if written.lowercased() == "percentile_cont" {
                return .call("percentile", first.key, first.ascending ? given[0] : .call("-", .literal(.int(1)), given[0]))
            }
            let value = Expression.cast(first.key, to: .double, isTry: false)
            return .call("list discrete", .call("collect_list", value), given[0], .literal(.boolean(first.ascending)))
        case ("mode", 0):
            return .call("list mode", .call("collect_list", first.key), .literal(.boolean(first.ascending)))
        case ("listagg", 1...2), ("string_agg", 1...2):
            return list(given[0], given.count > 1 ? given[1] : .literal(.string("")), orders, distinct: distinct)
        default: throw QueryError.unsupported("WITHIN GROUP of \(written)")
        }
    }

    /// The texts of the values by their keys, nulls left out.
    private static func list(
        _ value: Expression, _ separator: Expression, _ orders: [(key: Expression, ascending: Bool)], distinct: Bool
    ) -> Expression {
        var fields: [Expression] = []
        for (place, order) in orders.enumerated() { fields += [.literal(.string("key\(place)")), order.key] }
        fields += [.literal(.string("value")), .cast(value, to: .string, isTry: false)]
        let row = Expression.call(name: "named_struct", arguments: fields, distinct: false)
        var rows = Expression.filtered(.call("collect_list", row), condition: .call("isnotnull", value))
        if distinct { rows = .call("array_distinct", rows) }
        let directions = String(orders.map { $0.ascending ? "+" : "-" })
        return .call("list ordered", rows, separator, .literal(.string(directions)))
    }
}
