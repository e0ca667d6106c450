// Makes joins of the queries inside of expressions, so that none is run row by row: EXISTS and IN of a filter become semi and anti joins, a
// scalar query becomes a join with its one row for each row around it. What a query reads of the rows around it is pulled out of it as a
// condition of the join where that is possible; otherwise the query runs over the distinct values that it reads (its domain), and a
// condition `inner = outer` gives these values without the outer rows. Source: Neumann and Kemper, "Unnesting Arbitrary Queries", 2015.

struct Decorrelation {
    private let record: AnalysisRecord

    init(_ record: AnalysisRecord) { self.record = record }

    func apply(_ plan: BoundPlan) throws(QueryError) -> BoundPlan {
        var inputs: [BoundPlan] = []
        for input in plan.inputs { inputs.append(try apply(input)) }
        let below = plan.withInputs(inputs)
        guard below.expressions.contains(where: \.containsSubquery) else { return below }
        switch below {
        case .filter(let condition, let input): return try filter(condition, input)
        case .join(let kind, let left, let right, let condition?) where kind == .inner:
            return try filter(condition, .join(.cross, left, right, condition: nil))
        case .rows, .join: throw QueryError.unsupported("a subquery in VALUES or in the condition of an outer join")
        default: break
        }
        var state = inputs[0]
        let changed = try below.mapExpressions { (expression) throws(QueryError) in try attached(expression, &state) }
        return Self.restored(changed.withInputs([state]), plan.output)
    }

    /// The plan with exactly these columns.
    private static func restored(_ plan: BoundPlan, _ columns: [BoundColumn]) -> BoundPlan {
        if plan.output.map(\.id) == columns.map(\.id) { return plan }
        return .project(columns.map { BoundOutput(expression: .column($0), column: $0) }, plan)
    }

    func newColumn(_ name: String, _ type: DataType, nullable: Bool) -> BoundColumn {
        record.lastID += 1
        return BoundColumn(id: ColumnID(record.lastID), name: name, type: type, nullable: nullable)
    }

    // MARK: Filters

    private func filter(_ condition: BoundExpression, _ input: BoundPlan) throws(QueryError) -> BoundPlan {
        let parts = PredicatePushdown.conjuncts(condition)
        var state = PredicatePushdown.filtered(input, parts.filter { !$0.containsSubquery })
        var rest: [BoundExpression] = []
        for part in parts where part.containsSubquery {
            switch part {
            case .subquery(let query) where query.kind != .scalar: state = try semi(query, negated: false, state)
            case .call(.not, let inner, _):
                guard case .subquery(let query) = inner[0], query.kind != .scalar else { fallthrough }
                state = try semi(query, negated: true, state)
            default: rest.append(try attached(part, &state))
            }
        }
        return Self.restored(PredicatePushdown.filtered(state, rest), input.output)
    }

    private func semi(_ query: BoundSubquery, negated: Bool, _ state: BoundPlan) throws(QueryError) -> BoundPlan {
        let inner = try apply(query.query.plan)
        let dependence = Dependence(query.parameters.filter { inner.reads([$0.column.id]) }, state)
        let columns = Array(inner.output.prefix(query.values.count))
        let tests = zip(query.values, columns).map { BoundExpression.call(.equal, [$0, .column($1)], type: .boolean) }
        let kind: JoinKind = negated ? .leftAnti : .leftSemi
        let mayBeNull = query.values.contains { $0.nullable } || columns.contains { $0.nullable }
        var plan = inner
        var conditions: [BoundExpression] = []
        if let pulled = Self.pulled(inner, dependence.ids, existence: query.kind == .exists) {
            plan = pulled.plan
            conditions = pulled.conditions.map { dependence.outside($0) }
        } else {
            plan = try push(inner, dependence, mayEliminate: true)
            conditions = dependence.conditions
        }
        if negated, mayBeNull, !tests.isEmpty {
            // A comparison with null is not known to be false, so that the row is not known to be absent.
            if conditions.isEmpty, tests.count == 1 { return notIn(query.values[0], columns[0], plan, tests[0], state) }
            conditions += tests.map { .call(.coalesce, [$0, .literal(.boolean(true))], type: .boolean) }
        } else {
            conditions += tests
        }
        return .join(kind, state, plan, condition: PredicatePushdown.conjunction(conditions))
    }

    /// NOT IN over a query without reference to the row: an anti join, unless null is on either side.
    private func notIn(
        _ value: BoundExpression, _ column: BoundColumn, _ plan: BoundPlan, _ test: BoundExpression, _ state: BoundPlan
    ) -> BoundPlan {
        func count(_ argument: BoundExpression) -> BoundAggregate {
            let call = AggregateCall(
                function: .count, arguments: [argument], distinct: false, ignoreNulls: false, filter: nil, type: .long)
            return BoundAggregate(call: call, column: newColumn("count", .long, nullable: false))
        }
        let (rows, present) = (count(.literal(.int(1))), count(.column(column)))
        let counted = BoundPlan.aggregate(groups: [], calls: [rows, present], plan)
        let joined = BoundPlan.join(.cross, .join(.leftAnti, state, plan, condition: test), counted, condition: nil)
        let isEmpty = BoundExpression.call(.equal, [.column(rows.column), .literal(.long(0))], type: .boolean)
        let hasNoNull = BoundExpression.call(.equal, [.column(rows.column), .column(present.column)], type: .boolean)
        let isKnown = BoundExpression.call(.and, [.call(.isNotNull, [value], type: .boolean), hasNoNull], type: .boolean)
        return Self.restored(.filter(.call(.or, [isEmpty, isKnown], type: .boolean), joined), state.output)
    }

    // MARK: Anywhere in an expression

    private func attached(_ expression: BoundExpression, _ state: inout BoundPlan) throws(QueryError) -> BoundExpression {
        guard expression.containsSubquery else { return expression }
        // Spark gives false, not null, for IN and for NOT IN of a query where the answer is unknown.
        func known(_ test: BoundExpression) -> BoundExpression {
            .call(.coalesce, [test, .literal(.boolean(false))], type: .boolean)
        }
        switch expression {
        case .subquery(let query):
            switch query.kind {
            case .scalar: return try scalar(query, &state)
            case .exists: return try mark(query, &state)
            case .contains: return known(try membership(query, &state))
            }
        case .call(.not, let inner, _):
            guard case .subquery(let query) = inner[0], query.kind == .contains else { fallthrough }
            return known(.call(.not, [try membership(query, &state)], type: .boolean))
        default: return try expression.mapChildren { (child) throws(QueryError) in try attached(child, &state) }
        }
    }

    private func scalar(_ query: BoundSubquery, _ state: inout BoundPlan) throws(QueryError) -> BoundExpression {
        let inner = try apply(query.query.plan)
        let value = inner.output[0]
        let dependence = Dependence(query.parameters.filter { inner.reads([$0.column.id]) }, state)
        if dependence.parameters.isEmpty {
            let one = Self.overOneGroup(inner) == nil ? single(value, [], inner) : (inner, value)
            state = .join(.cross, state, one.0, condition: nil)
            return .column(one.1)
        }
        if let shape = Self.overOneGroup(inner) {
            // Rows around it that have no inner rows get the values of no rows: 0 for a count, null for a sum.
            let groups = dependence.parameters.map { BoundOutput(expression: .column($0.column), column: $0.column) }
            let grouped = BoundPlan.aggregate(
                groups: groups, calls: shape.calls, try push(shape.input, dependence, mayEliminate: true))
            let found = newColumn("found", .boolean, nullable: false)
            let result = newColumn(value.name, value.type, nullable: true)
            let outputs =
                groups + [
                    BoundOutput(expression: shape.result, column: result),
                    BoundOutput(expression: .literal(.boolean(true)), column: found),
                ]
            state = .join(
                .leftOuter, state, .project(outputs, grouped), condition: PredicatePushdown.conjunction(dependence.conditions))
            let isMissing = BoundExpression.call(.isNull, [.column(found)], type: .boolean)
            let empty = shape.result.rewritten { node in
                guard case .column(let column) = node, let item = shape.calls.first(where: { $0.column.id == column.id }) else {
                    return node
                }
                if item.call.nullable { return .cast(.literal(.null), to: column.type, isTry: false) }
                return .literal(Literal(column.type == .long ? .integer(0) : .array([]), column.type))
            }
            let branch = BoundBranch(condition: isMissing, result: dependence.outside(empty))
            return .caseWhen([branch], otherwise: .column(result), type: value.type)
        }
        let pushed = try push(inner, dependence, mayEliminate: true)
        let one = single(value, dependence.parameters.map(\.column), pushed)
        state = .join(.leftOuter, state, one.0, condition: PredicatePushdown.conjunction(dependence.conditions))
        return .column(one.1)
    }

    /// One row for each key, refusing more.
    private func single(_ value: BoundColumn, _ keys: [BoundColumn], _ plan: BoundPlan) -> (BoundPlan, BoundColumn) {
        let call = AggregateCall(
            function: .single, arguments: [.column(value)], distinct: false, ignoreNulls: false, filter: nil, type: value.type)
        let column = newColumn(value.name, value.type, nullable: true)
        let groups = keys.map { BoundOutput(expression: .column($0), column: $0) }
        return (.aggregate(groups: groups, calls: [BoundAggregate(call: call, column: column)], plan), column)
    }

    /// A query whose rows are one expression over an aggregation without keys.
    private static func overOneGroup(_ plan: BoundPlan) -> (result: BoundExpression, calls: [BoundAggregate], input: BoundPlan)? {
        switch plan {
        case .aggregate(let groups, let calls, let input) where groups.isEmpty: return (.column(calls[0].column), calls, input)
        case .project(let outputs, let input):
            guard let (_, calls, below) = overOneGroup(input) else { return nil }
            var through: [ColumnID: BoundExpression] = [:]
            if case .project(let inner, _) = input { for output in inner { through[output.column.id] = output.expression } }
            guard case .aggregate = input else {
                // A projection over a projection: put together.
                let together = outputs.map { output in
                    BoundOutput(expression: output.expression.replacing { through[$0.id] }, column: output.column)
                }
                guard case .project(_, let deeper) = input else { return nil }
                return overOneGroup(.project(together, deeper))
            }
            return (outputs[0].expression, calls, below)
        default: return nil
        }
    }

    /// EXISTS beside other conditions.
    private func mark(_ query: BoundSubquery, _ state: inout BoundPlan) throws(QueryError) -> BoundExpression {
        let inner = try apply(query.query.plan)
        let dependence = Dependence(query.parameters.filter { inner.reads([$0.column.id]) }, state)
        let found = newColumn("found", .boolean, nullable: true)
        let flag = BoundOutput(expression: .literal(.boolean(true)), column: found)
        if dependence.parameters.isEmpty {
            state = .join(.leftOuter, state, .project([flag], .limit(1, inner)), condition: nil)
        } else {
            let keys = dependence.parameters.map { BoundOutput(expression: .column($0.column), column: $0.column) }
            let pushed = try push(inner, dependence, mayEliminate: true)
            let distinct = BoundPlan.distinct(keys: keys.map(\.column.id), .project(keys, pushed))
            state = .join(
                .leftOuter, state, .project(keys + [flag], distinct), condition: PredicatePushdown.conjunction(dependence.conditions))
        }
        return .call(.isNotNull, [.column(found)], type: .boolean)
    }

    /// IN beside other conditions, with SQL's three values.
    private func membership(_ query: BoundSubquery, _ state: inout BoundPlan) throws(QueryError) -> BoundExpression {
        let inner = try apply(query.query.plan)
        guard query.values.count == 1, !query.parameters.contains(where: { inner.reads([$0.column.id]) }) else {
            throw QueryError.unsupported("IN with a correlated subquery or with several columns beside other conditions")
        }
        let (value, column) = (query.values[0], inner.output[0])
        func count(_ argument: BoundExpression) -> BoundAggregate {
            let call = AggregateCall(
                function: .count, arguments: [argument], distinct: false, ignoreNulls: false, filter: nil, type: .long)
            return BoundAggregate(call: call, column: newColumn("count", .long, nullable: false))
        }
        let (rows, present) = (count(.literal(.int(1))), count(.column(column)))
        let key = newColumn("key", column.type, nullable: true)
        let keys = BoundPlan.aggregate(groups: [BoundOutput(expression: .column(column), column: key)], calls: [], inner)
        let counted = BoundPlan.aggregate(groups: [], calls: [rows, present], inner)
        let test = BoundExpression.call(.equal, [value, .column(key)], type: .boolean)
        state = .join(.cross, .join(.leftOuter, state, keys, condition: test), counted, condition: nil)
        func equal(_ left: BoundExpression, _ right: BoundExpression) -> BoundExpression { .call(.equal, [left, right], type: .boolean) }
        let noRows = equal(.column(rows.column), .literal(.long(0)))
        let hasNull = BoundExpression.call(.not, [equal(.column(rows.column), .column(present.column))], type: .boolean)
        let unknown = BoundExpression.call(.or, [.call(.isNull, [value], type: .boolean), hasNull], type: .boolean)
        return .caseWhen(
            [
                BoundBranch(condition: .call(.isNotNull, [.column(key)], type: .boolean), result: .literal(.boolean(true))),
                BoundBranch(condition: noRows, result: .literal(.boolean(false))),
                BoundBranch(condition: unknown, result: .cast(.literal(.null), to: .boolean, isTry: false)),
            ], otherwise: .literal(.boolean(false)), type: .boolean)
    }
}

/// What a query reads of the rows around it.
struct Dependence {
    let parameters: [BoundOutput]
    private let state: BoundPlan

    init(_ parameters: [BoundOutput], _ state: BoundPlan) {
        self.parameters = parameters
        self.state = state
    }

    var ids: Set<ColumnID> { Set(parameters.map(\.column.id)) }

    /// The distinct values of the rows around it.
    var domain: BoundPlan { .distinct(keys: parameters.map(\.column.id), .project(parameters, state)) }

    /// That a row around it has the values of a row of the query.
    var conditions: [BoundExpression] {
        parameters.map { .call(.nullSafeEqual, [$0.expression, .column($0.column)], type: .boolean) }
    }

    /// The expression in terms of the rows around the query.
    func outside(_ expression: BoundExpression) -> BoundExpression {
        expression.replacing { column in parameters.first { $0.column.id == column.id }?.expression }
    }
}

extension BoundExpression {
    package var containsSubquery: Bool {
        if case .subquery = self { true } else { children.contains { $0.containsSubquery } }
    }

    /// The expression with columns replaced where `value` gives something.
    func replacing(_ value: (BoundColumn) -> BoundExpression?) -> BoundExpression {
        rewritten { node in
            if case .column(let column) = node { value(column) ?? node } else { node }
        }
    }

    func reads(_ ids: Set<ColumnID>) -> Bool { columnIDs.contains { ids.contains($0) } }
}

extension BoundPlan {
    /// Of this node alone.
    var expressions: [BoundExpression] {
        switch self {
        case .rows(let rows, _): rows.flatMap { $0 }
        case .project(let outputs, _): outputs.map(\.expression)
        case .filter(let condition, _): [condition]
        case .aggregate(let groups, let calls, _):
            groups.map(\.expression) + calls.flatMap { $0.call.arguments + ($0.call.filter.map { [$0] } ?? []) }
        case .join(_, _, _, let condition): condition.map { [$0] } ?? []
        case .sort(let orders, _): orders.map(\.expression)
        case .window(let windows, _): windows.flatMap(\.call.expressions)
        case .generate(let generate, _): generate.arguments
        case .python(let python, _): python.firstExpressions + python.secondExpressions
        default: []
        }
    }

    /// Whether any expression of the plan names one of the columns.
    func reads(_ ids: Set<ColumnID>) -> Bool {
        expressions.contains { $0.reads(ids) } || inputs.contains { $0.reads(ids) }
    }
}
