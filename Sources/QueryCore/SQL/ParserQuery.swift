// Queries: WITH, SELECT, VALUES, set operations, FROM with joins, ORDER BY, LIMIT, OFFSET. The shape of the plan is Spark's: limit over
// sort over (having over) aggregate or project over filter over relations. Source: Spark SQL reference, "Retrieval Statements".

extension Parser {
    /// Words that end a select item or a relation, so an alias there needs quotes or AS.
    private static let clauseWords: Set<String> = [
        "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "SORT", "CLUSTER", "DISTRIBUTE", "LIMIT", "OFFSET", "UNION", "EXCEPT", "MINUS",
        "INTERSECT", "ON",
        "USING", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "SEMI", "ANTI", "NATURAL", "LATERAL", "WINDOW", "TABLESAMPLE", "PIVOT",
        "UNPIVOT",
        "QUALIFY", "AS",
    ]

    /// Whether the next word ends a select item or a relation.
    var isClause: Bool { peek.kind == .word && Self.clauseWords.contains(peek.text.uppercased()) }

    mutating func query() throws(QueryError) -> Plan {
        try nested { (parser) throws(QueryError) in try parser.queryBody() }
    }

    private mutating func queryBody() throws(QueryError) -> Plan {
        var tables: [CommonTable] = []
        if takeWord("WITH") {
            if isWord("RECURSIVE") { throw QueryError.unsupported("recursive common table expressions") }
            repeat {
                let name = try identifier()
                let columns = isSymbol("(") ? try identifierList() : []
                _ = takeWord("AS")
                try expectSymbol("(")
                tables.append(CommonTable(name: name, columns: columns, plan: try query()))
                try expectSymbol(")")
            } while takeSymbol(",")
        }
        let plan = try ordered(try setTerm())
        return tables.isEmpty ? plan : .with(tables, plan)
    }

    private mutating func ordered(_ body: Plan) throws(QueryError) -> Plan {
        var plan = body
        if takeWord("ORDER", "BY") || takeWord("SORT", "BY") {
            var orders = [try sortOrder()]
            while takeSymbol(",") { orders.append(try sortOrder()) }
            plan = .sort(orders, plan)
        }
        if isWord("CLUSTER") || isWord("DISTRIBUTE") {
            throw QueryError.unsupported("\(peek.text.uppercased()) clauses")
        }
        var limit: Int?
        if takeWord("LIMIT"), !takeWord("ALL") { limit = try rowCount("limit") }
        if takeWord("OFFSET") { plan = .offset(try rowCount("offset"), plan) }
        if let limit { plan = .limit(limit, plan) }
        return plan
    }

    /// A constant of LIMIT and OFFSET: whole numbers joined by `+`, `-` and `*` are enough to be useful and need no evaluator.
    private mutating func rowCount(_ name: String) throws(QueryError) -> Int {
        let expression = try expression()
        guard let count = Self.constant(expression) else {
            throw QueryError(
                .invalidLimitType,
                ["expr": "\"\(expression.prettyName)\"", "name": name, "dataType": "\"\(Self.constantType(expression))\""])
        }
        if count < 0 { throw QueryError(.invalidLimitNegative, ["name": name, "expr": "\"\(expression.prettyName)\"", "v": "\(count)"]) }
        return count
    }

    private static func constantType(_ expression: Expression) -> String {
        if case .literal(let literal) = expression { literal.type.sqlName } else { "UNKNOWN" }
    }

    static func constant(_ expression: Expression) -> Int? {
        switch expression {
        case .literal(let literal):
            guard literal.type.isIntegral, case .integer(let value) = literal.value else { return nil }
            return Int(value)
        case .call("+", let arguments, _) where arguments.count == 2:
            guard let left = constant(arguments[0]), let right = constant(arguments[1]) else { return nil }
            return left.addingReportingOverflow(right).overflow ? nil : left + right
        case .call("*", let arguments, _) where arguments.count == 2:
            guard let left = constant(arguments[0]), let right = constant(arguments[1]) else { return nil }
            return left.multipliedReportingOverflow(by: right).overflow ? nil : left * right
        default: return nil
        }
    }

    mutating func sortOrder() throws(QueryError) -> SortOrder {
        var order = SortOrder(try expression())
        if takeWord("DESC") { order.ascending = false } else { _ = takeWord("ASC") }
        if takeWord("NULLS", "FIRST") { order.nulls = .first } else if takeWord("NULLS", "LAST") { order.nulls = .last }
        return order
    }

    /// UNION and EXCEPT bind alike from the left; INTERSECT binds tighter.
    private mutating func setTerm() throws(QueryError) -> Plan {
        var left = try intersectTerm()
        var terms = 0
        while true {
            let kind: SetKind
            if takeWord("UNION") { kind = .union } else if takeWord("EXCEPT") || takeWord("MINUS") { kind = .except } else { return left }
            terms += 1
            if terms > Self.depthMax { throw QueryError(.failedToParseTooComplex) }
            let all = setQuantifier()
            left = .setOperation(SetOperation(kind: kind, all: all, left: left, right: try intersectTerm()))
        }
    }

    private mutating func intersectTerm() throws(QueryError) -> Plan {
        var left = try queryPrimary()
        while takeWord("INTERSECT") {
            let all = setQuantifier()
            left = .setOperation(SetOperation(kind: .intersect, all: all, left: left, right: try queryPrimary()))
        }
        return left
    }

    private mutating func setQuantifier() -> Bool {
        if takeWord("ALL") { return true }
        _ = takeWord("DISTINCT")
        return false
    }

    private mutating func queryPrimary() throws(QueryError) -> Plan {
        if takeWord("SELECT") { return try select() }
        if takeWord("VALUES") { return try aliased(.values(try valuesRows()), name: nil) }
        if takeWord("TABLE") { return .table(try nameParts()) }
        if takeSymbol("(") {
            let plan = try query()
            try expectSymbol(")")
            return plan
        }
        throw unexpected()
    }

    private mutating func valuesRows() throws(QueryError) -> [[Expression]] {
        var rows: [[Expression]] = []
        repeat {
            if isSymbol("(") {
                let start = at
                _ = take()
                var row = [try expression()]
                while takeSymbol(",") { row.append(try expression()) }
                try expectSymbol(")")
                // `(1) + 2` is an expression that begins with a parenthesis, not a row.
                if row.count == 1, peek.kind == .symbol, !isSymbol(","), !isSymbol(")"), !isSymbol(";") {
                    at = start
                    row = [try expression()]
                }
                rows.append(row)
            } else {
                rows.append([try expression()])
            }
        } while takeSymbol(",")
        return rows
    }

    private mutating func select() throws(QueryError) -> Plan {
        let distinct = takeWord("DISTINCT")
        if !distinct { _ = takeWord("ALL") }
        var items = [try namedExpression()]
        while takeSymbol(",") { items.append(try namedExpression()) }
        var plan: Plan = takeWord("FROM") ? try relations() : .oneRow
        plan = try lateralViews(plan)
        if isWord("LATERAL") || isWord("PIVOT") || isWord("UNPIVOT") { throw QueryError.unsupported("\(peek.text.uppercased()) clauses") }
        if takeWord("WHERE") { plan = .filter(try expression(), plan) }
        var groups: [Expression]?
        if takeWord("GROUP", "BY") { groups = try grouping(items) }
        let having = takeWord("HAVING") ? try expression() : nil
        items = try namedWindows(items)
        if let groups {
            plan = .aggregate(groups: groups, outputs: items, plan)
        } else if having != nil {
            plan = .aggregate(groups: [], outputs: items, plan)
        } else {
            plan = .project(items, plan)
        }
        if let having { plan = .having(having, plan) }
        return distinct ? .deduplicate(columns: nil, plan) : plan
    }

    private mutating func grouping(_ items: [Expression]) throws(QueryError) -> [Expression] {
        if isWord("ALL"), !isSymbol(".", 1), !isSymbol("(", 1) {
            _ = take()
            return [.call("all")]
        }
        var groups: [Expression] = []
        repeat { groups.append(try groupingItem()) } while takeSymbol(",")
        if takeWord("WITH", "ROLLUP") { return [.call(name: "rollup", arguments: groups, distinct: false)] }
        if takeWord("WITH", "CUBE") { return [.call(name: "cube", arguments: groups, distinct: false)] }
        if takeWord("GROUPING", "SETS") { return [.call(name: "grouping sets", arguments: try groupingSets(), distinct: false)] }
        return groups
    }

    private mutating func groupingItem() throws(QueryError) -> Expression {
        if takeWord("GROUPING", "SETS") { return .call(name: "grouping sets", arguments: try groupingSets(), distinct: false) }
        if isWord("ROLLUP") || isWord("CUBE"), isSymbol("(", 1) {
            let name = take().text.lowercased()
            return .call(name: name, arguments: try groupingSets(), distinct: false)
        }
        return try expression()
    }

    /// `(a, (a, b), ())`: each set of several keys, or of none, as a struct.
    private mutating func groupingSets() throws(QueryError) -> [Expression] {
        try expectSymbol("(")
        var sets: [Expression] = []
        repeat {
            if isSymbol("("), isSymbol(")", 1) {
                at += 2
                sets.append(.call(name: "struct", arguments: [], distinct: false))
            } else {
                sets.append(try expression())
            }
        } while takeSymbol(",")
        try expectSymbol(")")
        return sets
    }

    mutating func namedExpression() throws(QueryError) -> Expression {
        let expression = try expression()
        if takeWord("AS") {
            if let names = try aliasNames() { return .aliases(expression, names: names) }
            guard [.word, .quoted].contains(peek.kind) else { throw unexpected() }
            return .alias(expression, name: take().text)
        }
        if peek.kind == .quoted || (peek.kind == .word && !Self.clauseWords.contains(peek.text.uppercased())) {
            return .alias(expression, name: take().text)
        }
        return expression
    }

    // MARK: FROM

    private mutating func relations() throws(QueryError) -> Plan {
        var plan = try joined()
        while takeSymbol(",") {
            if takeWord("LATERAL") {
                plan = try joins(try lateral(plan, .inner))
            } else {
                plan = .join(Join(left: plan, right: try joined(), kind: .cross))
            }
        }
        return plan
    }

    private mutating func joined() throws(QueryError) -> Plan { try joins(try relation()) }

    /// The joins behind a relation.
    private mutating func joins(_ first: Plan) throws(QueryError) -> Plan {
        var left = first
        var joins = 0
        while true {
            let isNatural = takeWord("NATURAL")
            guard let kind = try joinKind() else {
                if isNatural { throw unexpected() }
                return left
            }
            joins += 1
            if joins > Self.depthMax { throw QueryError(.failedToParseTooComplex) }
            if takeWord("LATERAL") {
                left = try lateral(left, kind)
                continue
            }
            var join = Join(left: left, right: try relation(), kind: kind)
            join.isNatural = isNatural
            if isNatural {
                // The columns of both sides are known to the analyser only.
            } else if takeWord("ON") {
                join.condition = try expression()
            } else if takeWord("USING") {
                join.using = try identifierList()
            }
            left = .join(join)
        }
    }

    private mutating func joinKind() throws(QueryError) -> JoinKind? {
        var kind = JoinKind.inner
        if takeWord("JOIN") || takeWord("INNER", "JOIN") { return .inner }
        if takeWord("CROSS", "JOIN") { return .cross }
        if takeWord("LEFT") {
            kind = takeWord("SEMI") ? .leftSemi : takeWord("ANTI") ? .leftAnti : .leftOuter
        } else if takeWord("RIGHT") {
            kind = .rightOuter
        } else if takeWord("FULL") {
            kind = .fullOuter
        } else if takeWord("SEMI") {
            kind = .leftSemi
        } else if takeWord("ANTI") {
            kind = .leftAnti
        } else {
            return nil
        }
        if kind != .leftSemi, kind != .leftAnti { _ = takeWord("OUTER") }
        try expectWord("JOIN")
        return kind
    }

    private mutating func relation() throws(QueryError) -> Plan {
        try nested { (parser) throws(QueryError) in
            if parser.takeSymbol("(") {
                let isQuery = ["SELECT", "WITH", "VALUES", "TABLE"].contains { parser.isWord($0) } || parser.isSymbol("(")
                let inner = isQuery ? try parser.query() : try parser.relations()
                try parser.expectSymbol(")")
                return try parser.aliased(inner, name: isQuery ? "__auto_generated_subquery_name" : nil)
            }
            if parser.takeWord("VALUES") { return try parser.aliased(.values(try parser.valuesRows()), name: nil) }
            if parser.isWord("RANGE"), parser.isSymbol("(", 1) { return try parser.aliased(try parser.rangeRelation(), name: nil) }
            let name = try parser.nameParts()
            if parser.isSymbol("(") { return try parser.aliased(try parser.tableFunction(name), name: nil) }
            if parser.isWord("TABLESAMPLE") { throw QueryError.unsupported("TABLESAMPLE") }
            return try parser.aliased(.table(name), name: nil)
        }
    }

    private mutating func aliased(_ plan: Plan, name: String?) throws(QueryError) -> Plan {
        var alias: String?
        if takeWord("AS") {
            alias = try identifier()
        } else if peek.kind == .quoted || (peek.kind == .word && !Self.clauseWords.contains(peek.text.uppercased())) {
            alias = take().text
        }
        if let alias {
            let columns = isSymbol("(") ? try identifierList() : []
            return .subqueryAlias(name: alias, columns: columns, plan)
        }
        return name.map { .subqueryAlias(name: $0, columns: [], plan) } ?? plan
    }
}
