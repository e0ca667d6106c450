// Joins and set operations of the analyser: the scope after ON and USING, and the common types of UNION, INTERSECT and EXCEPT.

extension Analyser {
    mutating func resolveJoin(_ join: Join) throws(QueryError) -> Resolved {
        let left = try resolve(join.left)
        let right = try resolve(join.right)
        var join = join
        if join.isNatural {
            join.using = left.scope.columns.map(\.name).filter { name in right.scope.columns.contains { Identifier.same($0.name, name) } }
        }
        if !join.using.isEmpty { return try resolveUsing(join, left, right) }
        let both = Scope(left.scope.visible + right.scope.visible, hidden: left.scope.hidden + right.scope.hidden)
        var condition: BoundExpression?
        if let written = join.condition {
            let bound = try ExpressionBinder.condition(try binder(both).bind(written), written)
            if bound.containsAggregate { throw QueryError(.unsupportedExpression, ["invalidExprSqls": "\"\(written.prettyName)\""]) }
            condition = bound
        }
        return joined(join.kind, left, right, condition, both)
    }

    private func joined(_ kind: JoinKind, _ left: Resolved, _ right: Resolved, _ condition: BoundExpression?, _ scope: Scope) -> Resolved {
        let kind: JoinKind = kind == .cross && condition != nil ? .inner : kind
        let plan = BoundPlan.join(kind, left.plan, right.plan, condition: condition)
        if kind == .leftSemi || kind == .leftAnti { return Resolved(plan: plan, scope: left.scope) }
        // Outer joins make the other side's columns nullable.
        let output = plan.output
        func refreshed(_ entries: [ScopeEntry]) -> [ScopeEntry] {
            entries.map { entry in
                ScopeEntry(column: output.first { $0.id == entry.column.id } ?? entry.column, qualifier: entry.qualifier)
            }
        }
        return Resolved(plan: plan, scope: Scope(refreshed(scope.visible), hidden: refreshed(scope.hidden)))
    }

    private mutating func resolveUsing(_ join: Join, _ left: Resolved, _ right: Resolved) throws(QueryError) -> Resolved {
        var condition: BoundExpression?
        var keys: [(left: ScopeEntry, right: ScopeEntry)] = []
        for name in join.using {
            let one = try key(name, left.scope, side: "left")
            let other = try key(name, right.scope, side: "right")
            keys.append((one, other))
            let source = Expression.call("=", .column(name), .column(name))
            let test = try FunctionBinder(name: "=", source: source)
                .scalar(.special(.equal, 2...2), [.column(one.column), .column(other.column)], [.column(name), .column(name)])
            condition = condition.map { .call(.and, [$0, test], type: .boolean) } ?? test
        }
        let leftRest = left.scope.visible.filter { entry in !keys.contains { $0.left.column.id == entry.column.id } }
        let rightRest = right.scope.visible.filter { entry in !keys.contains { $0.right.column.id == entry.column.id } }
        let all = Scope(left.scope.visible + right.scope.visible, hidden: left.scope.hidden + right.scope.hidden)
        var resolved = joined(join.kind == .cross ? .inner : join.kind, left, right, condition, all)
        if join.kind == .leftSemi || join.kind == .leftAnti { return resolved }
        let entries = resolved.scope.visible
        func now(_ entry: ScopeEntry) -> ScopeEntry { entries.first { $0.column.id == entry.column.id } ?? entry }
        var keyEntries: [ScopeEntry] = []
        var hidden = resolved.scope.hidden
        switch join.kind {
        case .rightOuter:
            keyEntries = keys.map { now($0.right) }
            hidden += keys.map { now($0.left) }
        case .fullOuter:
            var outputs = resolved.plan.output.map { BoundOutput(expression: .column($0), column: $0) }
            for pair in keys {
                let type = TypeCoercion.common(pair.left.column.type, pair.right.column.type) ?? pair.left.column.type
                let sides = [now(pair.left), now(pair.right)].map { TypeCoercion.cast(.column($0.column), to: type) }
                let column = newColumn(pair.left.column.name, type, nullable: true)
                outputs.append(BoundOutput(expression: .call(.coalesce, sides, type: type), column: column))
                keyEntries.append(ScopeEntry(column: column, qualifier: []))
                hidden += [now(pair.left), now(pair.right)]
            }
            resolved.plan = .project(outputs, resolved.plan)
        default:
            keyEntries = keys.map { now($0.left) }
            hidden += keys.map { now($0.right) }
        }
        return Resolved(plan: resolved.plan, scope: Scope(keyEntries + (leftRest + rightRest).map(now), hidden: hidden))
    }

    private func key(_ name: String, _ scope: Scope, side: String) throws(QueryError) -> ScopeEntry {
        let found = scope.visible.filter { Identifier.same($0.column.name, name) }
        if found.count > 1 {
            let names = found.map { Identifier.quoted($0.qualifier + [$0.column.name]) }.joined(separator: ", ")
            throw QueryError(.ambiguousReference, ["name": Identifier.quoted(name), "referenceNames": "[\(names)]"])
        }
        if let entry = found.first { return entry }
        let suggestion = scope.columns.map { Identifier.quoted($0.name) }.sorted().joined(separator: ", ")
        throw QueryError(.unresolvedUsingColumn, ["colName": Identifier.quoted(name), "side": side, "suggestion": suggestion])
    }

    // MARK: Set operations

    private static let ordinals = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]

    mutating func resolveSetOperation(_ operation: SetOperation) throws(QueryError) -> Resolved {
        var left = Self.withVisibleOutput(try resolve(operation.left))
        var right = Self.withVisibleOutput(try resolve(operation.right))
        let shown = operation.kind == .union ? "UNION" : operation.kind == .except ? "EXCEPT" : "INTERSECT"
        if operation.byName {
            if operation.allowMissingColumns { left = widened(left, by: right) }
            right = try reordered(right, like: left, operation.allowMissingColumns)
        }
        guard left.plan.output.count == right.plan.output.count else {
            throw QueryError(
                .numColumnsMismatch,
                [
                    "operator": shown, "firstNumColumns": "\(left.plan.output.count)", "invalidOrdinalNum": "second",
                    "invalidNumColumns": "\(right.plan.output.count)",
                ])
        }
        var types: [DataType] = []
        for (index, pair) in zip(left.plan.output, right.plan.output).enumerated() {
            guard let type = TypeCoercion.common(pair.0.type, pair.1.type) else {
                throw QueryError(
                    .incompatibleColumnType,
                    [
                        "operator": shown, "columnOrdinalNumber": index < 10 ? Self.ordinals[index] : "\(index + 1)th",
                        "tableOrdinalNumber": "second",
                        "dataType1": "\"\(pair.1.type.sqlName)\"", "dataType2": "\"\(pair.0.type.sqlName)\"", "hint": "",
                    ])
            }
            types.append(type)
        }
        let one = casted(left.plan, types)
        let other = casted(right.plan, types)
        if operation.kind != .union {
            let plan = BoundPlan.difference(operation.kind, all: operation.all, one, other)
            return Resolved(plan: plan, scope: Scope(columns: plan.output))
        }
        var columns: [BoundColumn] = []
        for (index, pair) in zip(one.output, other.output).enumerated() {
            columns.append(newColumn(pair.0.name, types[index], nullable: pair.0.nullable || pair.1.nullable))
        }
        // UNION of UNION of ... is one operator with many inputs.
        var inputs = [one, other]
        if case .union(let earlier, _) = one { inputs = earlier + [other] }
        let union = BoundPlan.union(inputs, columns)
        let plan = operation.all ? union : BoundPlan.distinct(keys: columns.map(\.id), union)
        return Resolved(plan: plan, scope: Scope(columns: columns))
    }

    private mutating func casted(_ plan: BoundPlan, _ types: [DataType]) -> BoundPlan {
        if plan.output.map(\.type) == types { return plan }
        var outputs: [BoundOutput] = []
        for (column, type) in zip(plan.output, types) {
            outputs.append(output(TypeCoercion.cast(.column(column), to: type), named: column.name))
        }
        return .project(outputs, plan)
    }

    /// With nulls for the columns that only the other side has.
    private mutating func widened(_ left: Resolved, by right: Resolved) -> Resolved {
        let present = left.plan.output
        let missing = right.plan.output.filter { column in !present.contains { Identifier.same($0.name, column.name) } }
        if missing.isEmpty { return left }
        var outputs = present.map { BoundOutput(expression: .column($0), column: $0) }
        for column in missing {
            let null = BoundExpression.cast(.literal(.null), to: column.type, isTry: false)
            outputs.append(BoundOutput(expression: null, column: newColumn(column.name, column.type, nullable: true)))
        }
        let plan = BoundPlan.project(outputs, left.plan)
        return Resolved(plan: plan, scope: Scope(columns: plan.output))
    }

    private mutating func reordered(_ right: Resolved, like left: Resolved, _ allowMissing: Bool) throws(QueryError) -> Resolved {
        var outputs: [BoundOutput] = []
        for column in left.plan.output {
            if let found = right.plan.output.first(where: { Identifier.same($0.name, column.name) }) {
                outputs.append(BoundOutput(expression: .column(found), column: found))
            } else if allowMissing {
                let missing = BoundExpression.cast(.literal(.null), to: column.type, isTry: false)
                outputs.append(BoundOutput(expression: missing, column: newColumn(column.name, column.type, nullable: true)))
            } else {
                throw right.scope.unresolved([column.name])
            }
        }
        if right.plan.output.count > outputs.count { throw QueryError.unsupported("unionByName with columns that only the right side has") }
        return Resolved(plan: .project(outputs, right.plan), scope: Scope(columns: outputs.map(\.column)))
    }
}
