// The analysis of relations that DataFrames have and SELECT lacks: columns added, renamed, dropped; rows without duplicates.

extension Analyser {
    func filter(_ condition: Expression, _ input: Resolved) throws(QueryError) -> Resolved {
        let bound = try ExpressionBinder.condition(try binder(input.scope).bind(condition), condition)
        if bound.containsWindow { throw QueryError(.windowInClause, ["clauseName": "WHERE"]) }
        if bound.containsAggregate {
            let name = "\"\(condition.prettyName)\""
            throw QueryError(.invalidWhereCondition, ["condition": name, "expressionList": condition.prettyName])
        }
        return Resolved(plan: .filter(bound, input.plan), scope: input.scope)
    }

    mutating func deduplicate(_ names: [String]?, _ input: Plan) throws(QueryError) -> Resolved {
        let resolved = Self.withVisibleOutput(try resolve(input))
        var keys = resolved.scope.columns
        if let names {
            keys = []
            for name in names {
                let matching = resolved.scope.columns.filter { Identifier.same($0.name, name) }
                if matching.isEmpty { throw resolved.scope.unresolved([name]) }
                keys += matching
            }
        }
        return Resolved(plan: .distinct(keys: keys.map(\.id), resolved.plan), scope: resolved.scope)
    }

    mutating func withColumns(_ named: [NamedExpression], _ input: Plan) throws(QueryError) -> Resolved {
        let resolved = Self.withVisibleOutput(try resolve(input))
        let binder = binder(resolved.scope)
        var outputs = resolved.scope.columns.map { BoundOutput(expression: .column($0), column: $0) }
        var block = SelectBlock(input: resolved)
        for item in named {
            var bound: BoundExpression
            if let call = GeneratorCall(.alias(item.expression, name: item.name)) {
                let made = try bindGenerator(call, binder, carried: block.input.plan.output)
                block.input.plan = .generate(made, block.input.plan)
                bound = .column(made.columns[0])
            } else {
                bound = overWindows(try binder.bind(item.expression), &block)
            }
            if bound.containsAggregate {
                throw QueryError(.unsupportedExpression, ["invalidExprSqls": "\"\(item.expression.prettyName)\""])
            }
            let new = BoundOutput(expression: bound, column: newColumn(item.name, bound.type, nullable: bound.nullable))
            let replaced = outputs.indices.filter { Identifier.same(outputs[$0].column.name, item.name) }
            if replaced.isEmpty { outputs.append(new) } else { for index in replaced { outputs[index] = new } }
        }
        let entries = outputs.map { output in
            ScopeEntry(column: output.column, qualifier: resolved.scope.visible.first { $0.column.id == output.column.id }?.qualifier ?? [])
        }
        let below: BoundPlan = block.windows.isEmpty ? block.input.plan : .window(block.windows, block.input.plan)
        return Resolved(plan: .project(outputs, below), scope: Scope(entries))
    }

    mutating func renamed(_ renames: [ColumnRename], _ input: Plan) throws(QueryError) -> Resolved {
        let resolved = Self.withVisibleOutput(try resolve(input))
        var outputs = resolved.scope.columns.map { BoundOutput(expression: .column($0), column: $0) }
        for rename in renames {
            for index in outputs.indices where Identifier.same(outputs[index].column.name, rename.from) {
                let column = outputs[index].column
                outputs[index].column = newColumn(rename.to, column.type, nullable: column.nullable)
            }
        }
        return Resolved(plan: .project(outputs, resolved.plan), scope: Scope(columns: outputs.map(\.column)))
    }

    mutating func drop(_ expressions: [Expression], _ input: Plan) throws(QueryError) -> Resolved {
        let resolved = Self.withVisibleOutput(try resolve(input))
        var dropped: [ColumnID] = []
        for case .attribute(let parts, let planID) in expressions {
            if parts.count == 1, planID == nil {
                dropped += resolved.scope.columns.filter { Identifier.same($0.name, parts[0]) }.map(\.id)
                // Dropping a column that does not exist is no error in Spark, hence `try?`.
            } else if case .column(let column)? = try? lookup(parts, planID, resolved.scope) {
                dropped.append(column.id)
            }
        }
        let entries = resolved.scope.visible.filter { !dropped.contains($0.column.id) }
        return Self.withVisibleOutput(Resolved(plan: resolved.plan, scope: Scope(entries)))
    }

    mutating func toDF(_ names: [String], _ input: Plan) throws(QueryError) -> Resolved {
        try named(names, Self.withVisibleOutput(try resolve(input)))
    }
}
