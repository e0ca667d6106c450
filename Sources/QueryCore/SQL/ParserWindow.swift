// OVER, the WINDOW clause and frames. Source: Spark SQL reference, "Window Functions".

extension Parser {
    /// FILTER, IGNORE NULLS and OVER behind a call.
    mutating func callTail(_ call: Expression) throws(QueryError) -> Expression {
        var call = call
        if takeWord("WITHIN", "GROUP") { call = try withinGroup(call) }
        if isWord("FILTER"), isSymbol("(", 1) {
            at += 2
            try expectWord("WHERE")
            let condition = try expression()
            try expectSymbol(")")
            call = .filtered(call, condition: condition)
        }
        if takeWord("IGNORE", "NULLS") { call = .ignoringNulls(call) } else { _ = takeWord("RESPECT", "NULLS") }
        guard takeWord("OVER") else { return call }
        if !isSymbol("(") { return .window(call, WindowSpec(base: try identifier())) }
        return .window(call, try windowSpec())
    }

    /// `WITHIN GROUP (ORDER BY x DESC)`.
    private mutating func withinGroup(_ call: Expression) throws(QueryError) -> Expression {
        try expectSymbol("(")
        try expectWord("ORDER")
        try expectWord("BY")
        var orders: [SortOrder] = []
        repeat { orders.append(try sortOrder()) } while takeSymbol(",")
        try expectSymbol(")")
        return OrderedAggregate.written(call, orders)
    }

    private mutating func windowSpec() throws(QueryError) -> WindowSpec {
        try expectSymbol("(")
        var spec = WindowSpec()
        let words = ["PARTITION", "DISTRIBUTE", "CLUSTER", "ORDER", "SORT", "ROWS", "RANGE"]
        if [.word, .quoted].contains(peek.kind), !words.contains(where: { isWord($0) }) { spec.base = try identifier() }
        if takeWord("PARTITION", "BY") || takeWord("DISTRIBUTE", "BY") {
            repeat { spec.partition.append(try expression()) } while takeSymbol(",")
        }
        if takeWord("ORDER", "BY") || takeWord("SORT", "BY") {
            repeat { spec.orders.append(try sortOrder()) } while takeSymbol(",")
        }
        if isWord("ROWS") || isWord("RANGE") { spec.frame = try frame() }
        try expectSymbol(")")
        return spec
    }

    private mutating func frame() throws(QueryError) -> WindowFrame {
        let unit: WindowFrame.Unit = take().text.uppercased() == "ROWS" ? .rows : .range
        if takeWord("BETWEEN") {
            let start = try bound()
            try expectWord("AND")
            return WindowFrame(unit, start, try bound())
        }
        return WindowFrame(unit, try bound(), .currentRow)
    }

    private mutating func bound() throws(QueryError) -> WindowFrame.Bound {
        if takeWord("UNBOUNDED", "PRECEDING") { return .unboundedPreceding }
        if takeWord("UNBOUNDED", "FOLLOWING") { return .unboundedFollowing }
        if takeWord("CURRENT", "ROW") { return .currentRow }
        let offset = try expression()
        if takeWord("PRECEDING") { return .preceding(offset) }
        if takeWord("FOLLOWING") { return .following(offset) }
        throw unexpected()
    }

    /// `WINDOW w AS (...), v AS (w ...)`, if present, put into the windows of the select list.
    mutating func namedWindows(_ items: [Expression]) throws(QueryError) -> [Expression] {
        var named: [(name: String, spec: WindowSpec)] = []
        if takeWord("WINDOW") {
            repeat {
                let name = try identifier()
                try expectWord("AS")
                let spec = isSymbol("(") ? try windowSpec() : WindowSpec(base: try identifier())
                named.append((name, try Self.complete(spec, named)))
            } while takeSymbol(",")
        }
        let known = named
        return try items.map { (item) throws(QueryError) in
            try item.mapWindows { (spec) throws(QueryError) in try Self.complete(spec, known) }
        }
    }

    private static func complete(_ spec: WindowSpec, _ named: [(name: String, spec: WindowSpec)]) throws(QueryError) -> WindowSpec {
        guard let base = spec.base else { return spec }
        guard let found = named.last(where: { Identifier.same($0.name, base) }) else {
            throw QueryError(.missingWindow, ["windowName": Identifier.quoted(base)])
        }
        var whole = found.spec
        if !spec.partition.isEmpty { whole.partition = spec.partition }
        if !spec.orders.isEmpty { whole.orders = spec.orders }
        whole.frame = spec.frame ?? whole.frame
        return whole
    }
}
