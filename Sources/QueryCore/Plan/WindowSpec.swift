// Windows as written: the rows around a row that a function reads. A name refers to the WINDOW clause until the parser replaces it.

package struct WindowSpec: Hashable, Sendable {
    /// The name of a definition in the WINDOW clause, for the parts that are missing.
    package var base: String?
    package var partition: [Expression]
    package var orders: [SortOrder]
    package var frame: WindowFrame?

    package init(base: String? = nil, partition: [Expression] = [], orders: [SortOrder] = [], frame: WindowFrame? = nil) {
        self.base = base
        self.partition = partition
        self.orders = orders
        self.frame = frame
    }
}

package struct WindowFrame: Hashable, Sendable {
    package enum Unit: Hashable, Sendable { case rows, range }

    package enum Bound: Hashable, Sendable {
        case unboundedPreceding
        case unboundedFollowing
        case currentRow
        case preceding(Expression)
        case following(Expression)
    }

    package var unit: Unit
    package var start: Bound
    package var end: Bound

    package init(_ unit: Unit, _ start: Bound, _ end: Bound) {
        self.unit = unit
        self.start = start
        self.end = end
    }

    /// Without a frame: from the partition's start to the row's peers, or the whole partition if it has no order.
    package static func standard(isOrdered: Bool) -> WindowFrame {
        isOrdered ? WindowFrame(.range, .unboundedPreceding, .currentRow) : WindowFrame(.rows, .unboundedPreceding, .unboundedFollowing)
    }
}

extension WindowSpec {
    func mapExpressions<E: Error>(_ change: (Expression) throws(E) -> Expression) throws(E) -> WindowSpec {
        var spec = self
        spec.partition = try partition.map(change)
        spec.orders = try orders.map { (order) throws(E) in
            var order = order
            order.expression = try change(order.expression)
            return order
        }
        return spec
    }

    /// Of functions that have one of their own.
    private static func frame(of call: Expression) -> WindowFrame? {
        guard case .call(let name, let arguments, _) = call, let known = WindowFunction.named[name.lowercased()] else { return nil }
        let offset = arguments.count > 1 ? arguments[1] : .literal(.int(1))
        switch known.function {
        case .nthValue: return nil
        case .cumeDist: return WindowFrame(.range, .unboundedPreceding, .currentRow)
        case .lead: return WindowFrame(.rows, .following(offset), .following(offset))
        case .lag:
            var back = Expression.call("negative", offset)
            if case .literal(let literal) = offset, case .integer(let value) = literal.value { back = .literal(.long(0 &- value)) }
            return WindowFrame(.rows, .following(back), .following(back))
        default: return WindowFrame(.rows, .unboundedPreceding, .currentRow)
        }
    }

    /// As Spark prints it, with the frame that holds.
    func prettyName(of call: Expression) -> String {
        var parts: [String] = []
        if !partition.isEmpty { parts.append("PARTITION BY " + partition.map(\.prettyName).joined(separator: ", ")) }
        if !orders.isEmpty {
            let names = orders.map { order in
                let first = order.nulls.map { $0 == .first } ?? order.ascending
                return "\(order.expression.prettyName) \(order.ascending ? "ASC" : "DESC") NULLS \(first ? "FIRST" : "LAST")"
            }
            parts.append("ORDER BY " + names.joined(separator: ", "))
        }
        parts.append((frame ?? Self.frame(of: call) ?? .standard(isOrdered: !orders.isEmpty)).prettyName)
        return "(" + parts.joined(separator: " ") + ")"
    }
}

extension WindowFrame {
    var prettyName: String { "\(unit == .rows ? "ROWS" : "RANGE") BETWEEN \(Self.text(start)) AND \(Self.text(end))" }

    static func text(_ bound: Bound) -> String {
        switch bound {
        case .unboundedPreceding: "UNBOUNDED PRECEDING"
        case .unboundedFollowing: "UNBOUNDED FOLLOWING"
        case .currentRow: "CURRENT ROW"
        case .preceding(let offset): "\(offset.prettyName) PRECEDING"
        case .following(let offset): "\(offset.prettyName) FOLLOWING"
        }
    }
}
