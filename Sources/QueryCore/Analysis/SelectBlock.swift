// One SELECT block: projection or aggregation with its HAVING and ORDER BY. These see both the select list and the columns below it, so
// they are bound together: grouping expressions and aggregate calls become columns of an aggregation, the rest is computed over it, and
// columns for HAVING or ORDER BY alone are carried along and dropped at the end.

struct SelectBlock {
    var input: Resolved
    /// Nil for a plain projection.
    var groups: [BoundOutput]?
    /// Of ROLLUP and its like; the aggregation is then over its columns.
    var expansion: GroupingExpansion?
    var calls: [BoundAggregate] = []
    /// Over the aggregation's output, or over the input for a plain projection.
    var outputs: [BoundOutput] = []
    var having: BoundExpression?
    /// Over the rows that HAVING lets through.
    var windows: [BoundWindow] = []
    /// Qualifiers of outputs that are columns of the input.
    var entries: [ScopeEntry] = []

    func plan() -> BoundPlan {
        var plan = input.plan
        if let groups, let expansion {
            let keys = zip(groups, expansion.columns).map { BoundOutput(expression: .column($1), column: $0.column) }
            let more = [expansion.number, expansion.id].map { BoundOutput(expression: .column($0), column: $0) }
            plan = .aggregate(groups: keys + more, calls: calls, expansion.plan(plan))
        } else if let groups {
            plan = .aggregate(groups: groups, calls: calls, plan)
        }
        if let having { plan = .filter(having, plan) }
        if !windows.isEmpty { plan = .window(windows, plan) }
        return .project(outputs, plan)
    }
}

extension Analyser {
    mutating func resolveBlock(_ plan: Plan) throws(QueryError) -> Resolved {
        let block = try block(plan)
        return Resolved(plan: block.plan(), scope: Scope(block.entries))
    }

    /// `plan` is a project, an aggregate, or HAVING over one of them.
    private mutating func block(_ plan: Plan) throws(QueryError) -> SelectBlock {
        switch plan {
        case .project(let items, let input): return try select(items, nil, try resolve(input))
        case .aggregate(let groups, let outputs, let input): return try select(outputs, groups, try resolve(input))
        case .having(let condition, let input):
            var block = try self.block(input)
            let bound = try bind(condition, over: &block)
            if bound.containsWindow { throw QueryError(.unsupportedExpression, ["invalidExprSqls": "\"\(condition.prettyName)\""]) }
            block.having = try ExpressionBinder.condition(bound, condition)
            return block
        default: preconditionFailure("a SELECT block is a project, an aggregate or HAVING over one")
        }
    }

    private static func isBlock(_ plan: Plan) -> Bool {
        switch plan {
        case .project, .aggregate: true
        case .having(_, let input): isBlock(input)
        default: false
        }
    }

    func expanded(_ items: [Expression], _ scope: Scope) throws(QueryError) -> [SelectBlock.Item] {
        var out: [SelectBlock.Item] = []
        for item in items {
            guard case .star(let qualifier) = item else {
                out.append((try withColumns(item, scope), nil))
                continue
            }
            let matching =
                qualifier.isEmpty
                ? scope.visible
                : (scope.visible + scope.hidden).filter { entry in
                    entry.qualifier.last.map { Identifier.same($0, qualifier[qualifier.count - 1]) } ?? false
                }
            if matching.isEmpty, let fields = structure(qualifier, scope) {
                out += fields.map { (.extract(.attribute(qualifier, planID: nil), key: .literal(.string($0.name))), nil) }
                continue
            }
            if matching.isEmpty, !qualifier.isEmpty {
                let columns = scope.columns.map { Identifier.quoted($0.name) }.sorted().joined(separator: ", ")
                throw QueryError(.cannotResolveStarExpand, ["targetString": Identifier.quoted(qualifier), "columns": columns])
            }
            out += matching.map { (nil, $0) }
        }
        return out
    }

    /// The fields of a column that a star names.
    private func structure(_ name: [String], _ scope: Scope) -> [StructField]? {
        // A name without a column is refused as a star's; hence `try?`.
        guard !name.isEmpty, let bound = try? binder(scope).bind(.attribute(name, planID: nil)), case .structure(let fields) = bound.type
        else { return nil }
        return fields
    }

    /// The same with the columns in place of a star that is an argument, as in `hash(*)`. `count(*)` stays.
    private func withColumns(_ item: Expression, _ scope: Scope) throws(QueryError) -> Expression {
        let changed = try item.mapChildren { (child) throws(QueryError) in try withColumns(child, scope) }
        guard case .call(let name, let arguments, let distinct) = changed, name.lowercased() != "count" else { return changed }
        var list: [Expression] = []
        for argument in arguments {
            guard case .star = argument else {
                list.append(argument)
                continue
            }
            for item in try expanded([argument], scope) {
                if let column = item.column { list.append(.attribute(column.qualifier + [column.column.name], planID: nil)) }
                if let expression = item.expression { list.append(expression) }
            }
        }
        return .call(name: name, arguments: list, distinct: distinct)
    }

    mutating func select(_ items: [Expression], _ groups: [Expression]?, _ below: Resolved) throws(QueryError) -> SelectBlock {
        if items.contains(where: { GeneratorCall($0) != nil }) {
            var isOverGroups = groups != nil
            if !isOverGroups { isOverGroups = try aggregates(items, below.scope) }
            if isOverGroups { return try selectOverGroups(items, groups, below) }
        }
        let (list, input) = try generated(items, below)
        var block = SelectBlock(input: input)
        let binder = binder(input.scope)
        var bound: [(expression: BoundExpression, name: String, qualifier: [String])] = []
        for item in list {
            if let entry = item.column {
                bound.append((.column(entry.column), entry.column.name, entry.qualifier))
            } else if let expression = item.expression {
                let value = try binder.bind(expression)
                var qualifier: [String] = []
                if case .column(let column) = value, case .attribute = expression {
                    qualifier = (input.scope.visible + input.scope.hidden).first { $0.column.id == column.id }?.qualifier ?? []
                }
                bound.append((value, unqualified(expression, input.scope).outputName, qualifier))
            }
        }
        if groups != nil || bound.contains(where: { $0.expression.containsAggregate }) {
            let items = bound.map { ($0.expression, $0.name) }
            let written = groups == [.call("all")] ? try groupedByAll(list, bound.map(\.expression)) : groups ?? []
            if let sets = try GroupingSets(written) {
                try expand(&block, sets, items, binder)
            } else {
                block.groups = try grouping(written, items, binder, input.scope)
            }
        }
        for item in bound {
            var expression = item.expression
            if block.groups != nil { expression = try overAggregate(expression, &block, shown: nil) }
            expression = overWindows(expression, &block)
            let output = output(expression, named: item.name)
            block.outputs.append(output)
            block.entries.append(ScopeEntry(column: output.column, qualifier: item.qualifier))
        }
        return block
    }

    /// GROUP BY ALL: the items of the select list without aggregates.
    private func groupedByAll(_ list: [SelectBlock.Item], _ bound: [BoundExpression]) throws(QueryError)
        -> [Expression]
    {
        var groups: [Expression] = []
        for (index, expression) in bound.enumerated() where !expression.containsAggregate && !expression.containsWindow {
            groups.append(.literal(.int(Int32(index + 1))))
        }
        return groups
    }

    private mutating func expand(
        _ block: inout SelectBlock, _ sets: GroupingSets, _ items: [(expression: BoundExpression, name: String)], _ binder: ExpressionBinder
    ) throws(QueryError) {
        var groups: [BoundOutput] = []
        var columns: [BoundColumn] = []
        for key in sets.keys {
            guard let found = try grouping([key], items, binder, block.input.scope).first else { continue }
            let column = newColumn(key.outputName, found.expression.type, nullable: true)
            groups.append(BoundOutput(expression: found.expression, column: column))
            columns.append(newColumn(key.outputName, found.expression.type, nullable: true))
        }
        block.groups = groups
        block.expansion = GroupingExpansion(
            sets: sets.sets, ids: sets.sets.map(sets.id), keys: groups.map(\.expression), columns: columns,
            number: newColumn("grouping set", .int, nullable: false), id: newColumn("spark_grouping_id", .long, nullable: false))
    }

    /// `grouping(key)` and `grouping_id(keys)`.
    private func groupingValue(_ call: AggregateCall, _ block: SelectBlock) throws(QueryError) -> BoundExpression {
        guard let expansion = block.expansion else { throw QueryError(.unsupportedGrouping) }
        if call.function == .groupingID {
            let matches =
                call.arguments.count == expansion.keys.count && zip(call.arguments, expansion.keys).allSatisfy { Self.matches($0, $1) }
            guard call.arguments.isEmpty || matches else { throw QueryError(.groupingIDMismatch) }
            return .column(expansion.id)
        }
        guard let position = expansion.keys.firstIndex(where: { Self.matches($0, call.arguments[0]) }) else {
            throw QueryError(.groupingColumnMismatch)
        }
        return expansion.bit(position)
    }

    private mutating func grouping(
        _ groups: [Expression], _ items: [(expression: BoundExpression, name: String)], _ binder: ExpressionBinder,
        _ scope: Scope
    ) throws(QueryError) -> [BoundOutput] {
        var out: [BoundOutput] = []
        for group in groups {
            let bound: BoundExpression
            if case .literal(let literal) = group, literal.type == .int, case .integer(let index) = literal.value {
                guard index >= 1, index <= items.count else {
                    throw QueryError(.groupByPosOutOfRange, ["index": "\(index)", "size": "\(items.count)"])
                }
                bound = items[Int(index) - 1].expression
                if bound.containsAggregate {
                    throw QueryError(.groupByPosAggregate, ["index": "\(index)", "aggExpr": items[Int(index) - 1].name])
                }
            } else {
                if case .attribute(let parts, nil) = group, parts.count == 1, try scope.find(parts) == nil,
                    let item = items.first(where: { Identifier.same($0.name, parts[0]) })
                {
                    // A name missing from the input may be an alias of the select list.
                    bound = item.expression
                } else {
                    bound = try binder.bind(group)
                }
                if bound.containsWindow { throw QueryError(.unsupportedExpression, ["invalidExprSqls": "\"\(group.prettyName)\""]) }
                if bound.containsAggregate { throw QueryError(.groupByAggregate, ["sqlExpr": group.prettyName]) }
            }
            if out.contains(where: { $0.expression == bound }) { continue }
            out.append(output(bound, named: group.outputName))
        }
        return out
    }

    /// Names without the table's name: `t.a + 1` is called `(a + 1)`, while a struct's `s.f + 1` keeps its path.
    private func unqualified(_ expression: Expression, _ scope: Scope) -> Expression {
        expression.mapAttributes { parts, planID in
            // The name was bound before, so a lookup that fails here is of a DataFrame column and keeps its parts; hence `try?`.
            guard planID == nil, parts.count > 1, let found = try? scope.find(parts), found.used == 2 else { return parts }
            return Array(parts.dropFirst())
        }
    }

    /// Rewrites an expression over the input into one over the aggregation: grouping expressions and aggregate calls become its columns.
    private mutating func overAggregate(_ expression: BoundExpression, _ block: inout SelectBlock, shown: String?) throws(QueryError)
        -> BoundExpression
    {
        if let group = block.groups?.first(where: { Self.matches($0.expression, expression) }) { return .column(group.column) }
        switch expression {
        case .aggregate(let call) where call.function == .grouping || call.function == .groupingID: return try groupingValue(call, block)
        case .aggregate(let call):
            if let known = block.calls.first(where: { $0.call == call }) { return .column(known.column) }
            let column = newColumn(call.function.rawValue, call.type, nullable: call.nullable)
            block.calls.append(BoundAggregate(call: call, column: column))
            return .column(column)
        case .column(let column):
            if block.groups?.contains(where: { $0.column.id == column.id }) == true
                || block.calls.contains(where: { $0.column.id == column.id }) || block.expansion?.id.id == column.id
                || block.windows.contains(where: { $0.column.id == column.id })
            {
                return expression
            }
            if block.groups?.isEmpty ?? true { throw QueryError(.missingGroupBy) }
            let name = column.name
            throw QueryError(.missingAggregation, ["expression": "\"\(name)\"", "expressionAnyValue": "\"any_value(\(name))\""])
        default:
            return try expression.mapChildren { (child) throws(QueryError) in try overAggregate(child, &block, shown: shown) }
        }
    }

    /// Window functions become columns of a step above the aggregation.
    mutating func overWindows(_ expression: BoundExpression, _ block: inout SelectBlock) -> BoundExpression {
        guard expression.containsWindow else { return expression }
        guard case .window(let call) = expression else { return expression.mapChildren { overWindows($0, &block) } }
        if let known = block.windows.first(where: { $0.call == call }) { return .column(known.column) }
        let column = newColumn("window", call.type, nullable: call.nullable)
        block.windows.append(BoundWindow(call: call, column: column))
        return .column(column)
    }

    /// Columns match by id, whatever their letters' case; everything else by structure.
    private static func matches(_ left: BoundExpression, _ right: BoundExpression) -> Bool {
        if case .column(let one) = left, case .column(let other) = right { return one.id == other.id }
        return left == right
    }

    /// Binds an expression of HAVING or ORDER BY. Names mean the select list first, then the input; inside aggregates the input first.
    private mutating func bind(_ expression: Expression, over block: inout SelectBlock) throws(QueryError) -> BoundExpression {
        let outputScope = Scope(block.entries)
        let inputScope = block.input.scope
        let outputs = block.outputs
        let analyser = self
        let find: (_ parts: [String], _ planID: Int64?, _ inAggregate: Bool) throws(QueryError) -> BoundExpression = {
            (parts, planID, inAggregate) throws(QueryError) in
            if inAggregate { return try analyser.lookup(parts, planID, inputScope) }
            if planID == nil, let (column, used) = try outputScope.find(parts), used == parts.count,
                let output = outputs.first(where: { $0.column.id == column.id })
            {
                return output.expression
            }
            do throws(QueryError) {
                return try analyser.lookup(parts, planID, inputScope)
            } catch {
                throw error.errorClass == .unresolvedColumn || error.errorClass == .unresolvedColumnNoSuggestion
                    ? outputScope.unresolved(parts) : error
            }
        }
        let binder = ExpressionBinder(lookup: find) { (test, query, values) throws(QueryError) in
            try analyser.subquery(test, query, values) { (parts) throws(QueryError) in try find(parts, nil, false) }
        } function: {
            analyser.catalog.function($0)
        } python: {
            analyser.catalog.python($0)
        } newID: {
            analyser.record.nextID()
        } zone: {
            analyser.zone($0)
        } database: {
            analyser.catalog.database
        } hint: {
            NearNames.hint($0, among: RoutineNames.all + analyser.catalog.functionNames)
        }
        let bound = try binder.bind(expression)
        if block.groups == nil {
            if bound.containsAggregate { throw QueryError(.unsupportedExpression, ["invalidExprSqls": "\"\(expression.prettyName)\""]) }
            return bound
        }
        do throws(QueryError) {
            return try overAggregate(bound, &block, shown: nil)
        } catch {
            // To the author of an ORDER BY, a column below the aggregation that was not grouped is simply missing.
            guard error.errorClass == .missingAggregation || error.errorClass == .missingGroupBy else { throw error }
            var missing: [String]?
            _ = expression.mapAttributes { parts, _ in
                // A name ambiguous in the output is as useless here as a missing one; hence `try?`.
                if missing == nil, (try? outputScope.find(parts)) == nil { missing = parts }
                return parts
            }
            if let missing { throw outputScope.unresolved(missing) }
            throw error
        }
    }

    // MARK: ORDER BY

    mutating func sort(_ orders: [SortOrder], _ input: Plan) throws(QueryError) -> Resolved {
        var inner = input
        var planIDs: [Int64] = []
        while case .identified(let planID, let next) = inner {
            planIDs.append(planID)
            inner = next
        }
        guard Self.isBlock(inner) else {
            let resolved = try resolve(input)
            let binder = binder(resolved.scope)
            var bound: [BoundOrder] = []
            for order in orders {
                if let column = try ordinal(order, resolved.scope.columns) {
                    bound.append(try Self.order(order, column))
                } else {
                    bound.append(try Self.order(order, try binder.bind(order.expression)))
                }
            }
            return Resolved(plan: .sort(bound, resolved.plan), scope: resolved.scope)
        }
        var block = try self.block(inner)
        for planID in planIDs { planScopes[planID] = Scope(block.entries) }
        let visible = block.outputs.count
        var bound: [BoundOrder] = []
        for order in orders {
            if let column = try ordinal(order, block.entries.map(\.column)) {
                bound.append(try Self.order(order, column))
                continue
            }
            let expression = overWindows(try bind(order.expression, over: &block), &block)
            let index: Int
            if let known = block.outputs.firstIndex(where: { $0.expression == expression }) {
                index = known
            } else {
                index = block.outputs.count
                block.outputs.append(output(expression, named: order.expression.outputName))
            }
            bound.append(try Self.order(order, .column(block.outputs[index].column)))
        }
        let plan = BoundPlan.sort(bound, block.plan())
        let resolved = Resolved(plan: plan, scope: Scope(block.entries))
        return block.outputs.count > visible ? Self.withVisibleOutput(resolved) : resolved
    }

    private func ordinal(_ order: SortOrder, _ columns: [BoundColumn]) throws(QueryError) -> BoundExpression? {
        guard case .literal(let literal) = order.expression, literal.type == .int, case .integer(let index) = literal.value else {
            return nil
        }
        guard index >= 1, index <= columns.count else {
            throw QueryError(.orderByPosOutOfRange, ["index": "\(index)", "size": "\(columns.count)"])
        }
        return .column(columns[Int(index) - 1])
    }

    static func order(_ order: SortOrder, _ expression: BoundExpression, inWindow: Bool = false) throws(QueryError) -> BoundOrder {
        if expression.containsAggregate, !inWindow {
            throw QueryError(.unsupportedExpression, ["invalidExprSqls": "\"\(order.expression.prettyName)\""])
        }
        if !expression.type.isOrderable {
            throw QueryError(
                .dataTypeMismatchInvalidOrdering,
                [
                    "sqlExpr": "\"\(order.expression.prettyName)\"", "functionName": "`sortorder`",
                    "dataType": "\"\(expression.type.sqlName)\"",
                ])
        }
        let nullsFirst = order.nulls.map { $0 == .first } ?? order.ascending
        return BoundOrder(expression: expression, ascending: order.ascending, nullsFirst: nullsFirst)
    }
}
