// The two ways to free a query of its references to the rows around it: its correlated conditions are pulled out, or the values that it
// reads become columns of it. Source: Neumann and Kemper, "Unnesting Arbitrary Queries", 2015.

extension Decorrelation {
    /// The plan without its correlated conditions, and these; it gives all columns that they read. Only for tests of existence: fewer rows
    /// pass a condition, none changes. Nil where a reference stands elsewhere.
    static func pulled(_ plan: BoundPlan, _ ids: Set<ColumnID>, existence: Bool) -> (plan: BoundPlan, conditions: [BoundExpression])? {
        guard plan.reads(ids) else { return (plan, []) }
        switch plan {
        case .filter(let condition, let input):
            guard let below = pulled(input, ids, existence: existence) else { return nil }
            let parts = PredicatePushdown.conjuncts(condition)
            let free = parts.filter { !$0.reads(ids) }
            return (PredicatePushdown.filtered(below.plan, free), below.conditions + parts.filter { $0.reads(ids) })
        case .project(let outputs, let input):
            guard !outputs.contains(where: { $0.expression.reads(ids) }), let below = pulled(input, ids, existence: existence) else {
                return nil
            }
            let read = Set(below.conditions.flatMap(\.columnIDs)).subtracting(outputs.map(\.column.id))
            let more = below.plan.output.filter { read.contains($0.id) }
            return (.project(outputs + more.map { BoundOutput(expression: .column($0), column: $0) }, below.plan), below.conditions)
        case .sort(_, let input): return pulled(input, ids, existence: existence)
        case .distinct(let keys, let input):
            return existence || Set(keys) == Set(input.output.map(\.id)) ? pulled(input, ids, existence: existence) : nil
        case .limit(let count, let input): return existence && count > 0 ? pulled(input, ids, existence: existence) : nil
        case .join(let kind, let left, let right, let condition) where kind == .inner || kind == .cross:
            guard let one = pulled(left, ids, existence: existence), let other = pulled(right, ids, existence: existence) else {
                return nil
            }
            let parts = condition.map(PredicatePushdown.conjuncts) ?? []
            let free = PredicatePushdown.conjunction(parts.filter { !$0.reads(ids) })
            let join = BoundPlan.join(free == nil ? .cross : .inner, one.plan, other.plan, condition: free)
            return (join, one.conditions + other.conditions + parts.filter { $0.reads(ids) })
        default: return nil
        }
    }

    /// The plan with the values that it reads as columns of its own, under the ids of the parameters. With `mayEliminate` the values come
    /// from the plan itself where a condition makes them equal; then values without rows of the plan are not among them.
    func push(_ plan: BoundPlan, _ dependence: Dependence, mayEliminate: Bool) throws(QueryError) -> BoundPlan {
        let ids = dependence.ids
        let columns = dependence.parameters.map(\.column)
        let identities = columns.map { BoundOutput(expression: .column($0), column: $0) }
        func below(_ input: BoundPlan) throws(QueryError) -> BoundPlan { try push(input, dependence, mayEliminate: mayEliminate) }
        guard plan.reads(ids) else { return .join(.cross, plan, dependence.domain, condition: nil) }
        switch plan {
        case .filter(let condition, let input):
            if mayEliminate, let free = Self.eliminated(condition, input, columns) { return free }
            return .filter(condition, try below(input))
        case .project(let outputs, let input): return .project(outputs + identities, try below(input))
        case .sort(_, let input): return try below(input)
        case .generate(var generate, let input):
            generate.carried += columns
            return .generate(generate, try below(input))
        case .window(let windows, let input):
            let apart = windows.map { item in
                var item = item
                item.call.partition += columns.map { .column($0) }
                return item
            }
            return .window(apart, try below(input))
        case .distinct(let keys, let input): return .distinct(keys: keys + columns.map(\.id), try below(input))
        case .aggregate(let groups, let calls, let input):
            if groups.isEmpty { return try pushOneGroup(calls, input, dependence) }
            return .aggregate(groups: groups + identities, calls: calls, try below(input))
        case .join(let kind, let left, let right, let condition):
            return try pushJoin(kind, left, right, condition, dependence, mayEliminate: mayEliminate)
        case .union(let inputs, let outputs):
            var pushed: [BoundPlan] = []
            for input in inputs {
                let given = input.output.map { BoundOutput(expression: .column($0), column: $0) }
                pushed.append(.project(given + identities, try below(input)))
            }
            return .union(pushed, outputs + columns)
        case .difference(let kind, let all, let left, let right):
            func given(_ side: BoundPlan) throws(QueryError) -> BoundPlan {
                .project(side.output.map { BoundOutput(expression: .column($0), column: $0) } + identities, try below(side))
            }
            return .difference(kind, all: all, try given(left), try given(right))
        default: throw QueryError.unsupported("a correlated subquery with LIMIT, OFFSET or VALUES over columns of the outer query")
        }
    }

    /// When the conditions say that each parameter equals an expression of the input, the expressions are the parameters' values.
    private static func eliminated(_ condition: BoundExpression, _ input: BoundPlan, _ columns: [BoundColumn]) -> BoundPlan? {
        let ids = Set(columns.map(\.id))
        guard !input.reads(ids) else { return nil }
        var rest = PredicatePushdown.conjuncts(condition)
        var values: [BoundOutput] = []
        for column in columns {
            func value(_ part: BoundExpression) -> BoundExpression? {
                guard case .call(.equal, let sides, _) = part else { return nil }
                for (one, other) in [(sides[0], sides[1]), (sides[1], sides[0])] {
                    if case .column(let named) = one, named.id == column.id, !other.reads(ids) { return other }
                }
                return nil
            }
            guard let index = rest.firstIndex(where: { value($0) != nil }), let found = value(rest[index]) else { return nil }
            rest.remove(at: index)
            // A null is equal to nothing.
            if found.nullable { rest.append(.call(.isNotNull, [found], type: .boolean)) }
            values.append(BoundOutput(expression: found, column: column))
        }
        let given = input.output.map { BoundOutput(expression: .column($0), column: $0) }
        return PredicatePushdown.filtered(.project(given + values, input), rest)
    }

    /// An aggregation without keys has a row also for values without rows below.
    private func pushOneGroup(_ calls: [BoundAggregate], _ input: BoundPlan, _ dependence: Dependence) throws(QueryError) -> BoundPlan {
        let columns = dependence.parameters.map(\.column)
        var outputs = columns.map { BoundOutput(expression: .column($0), column: $0) }
        let grouped = BoundPlan.aggregate(groups: outputs, calls: calls, try push(input, dependence, mayEliminate: false))
        let (renamed, conditions) = apart(grouped, columns)
        let joined = BoundPlan.join(.leftOuter, dependence.domain, renamed, condition: PredicatePushdown.conjunction(conditions))
        for item in calls {
            let missing: BoundExpression? =
                item.call.nullable ? nil : .literal(Literal(item.column.type == .long ? .integer(0) : .array([]), item.column.type))
            let value = BoundExpression.column(item.column)
            outputs.append(
                BoundOutput(
                    expression: missing.map { .call(.coalesce, [value, $0], type: item.column.type) } ?? value, column: item.column))
        }
        return .project(outputs, joined)
    }

    /// The plan with other ids for the parameters, and the conditions that these equal the parameters.
    private func apart(_ plan: BoundPlan, _ columns: [BoundColumn]) -> (BoundPlan, [BoundExpression]) {
        let ids = Set(columns.map(\.id))
        var outputs = plan.output.filter { !ids.contains($0.id) }.map { BoundOutput(expression: .column($0), column: $0) }
        var conditions: [BoundExpression] = []
        for column in columns {
            let other = newColumn(column.name, column.type, nullable: true)
            outputs.append(BoundOutput(expression: .column(column), column: other))
            conditions.append(.call(.nullSafeEqual, [.column(column), .column(other)], type: .boolean))
        }
        return (.project(outputs, plan), conditions)
    }

    private func pushJoin(
        _ kind: JoinKind, _ left: BoundPlan, _ right: BoundPlan, _ condition: BoundExpression?, _ dependence: Dependence, mayEliminate: Bool
    ) throws(QueryError) -> BoundPlan {
        let ids = dependence.ids
        let isInner = kind == .inner || kind == .cross
        if !right.reads(ids), kind != .rightOuter, kind != .fullOuter {
            return .join(kind, try push(left, dependence, mayEliminate: mayEliminate), right, condition: condition)
        }
        if !left.reads(ids), isInner || kind == .rightOuter {
            return .join(kind, left, try push(right, dependence, mayEliminate: mayEliminate), condition: condition)
        }
        guard kind != .fullOuter, kind != .rightOuter else {
            throw QueryError.unsupported("a correlated subquery over a full or right outer join")
        }
        let one = try push(left, dependence, mayEliminate: mayEliminate && isInner)
        let (other, conditions) = apart(
            try push(right, dependence, mayEliminate: mayEliminate && isInner), dependence.parameters.map(\.column))
        let all = (condition.map { [$0] } ?? []) + conditions
        return .join(kind == .cross ? .inner : kind, one, other, condition: PredicatePushdown.conjunction(all))
    }
}
