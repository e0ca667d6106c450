// The executable plan, as a value: the operator of each step, with its keys. EXPLAIN prints it and `Pipelines` makes operators of it. The
// choices are few and plain: a limit directly over a sort is a top-n, equalities of a join condition become hash keys, aggregates over
// distinct values aggregate the distinct rows, everything else maps one to one.

import QueryCore

/// Two expressions that a join compares for equality.
struct JoinKeys {
    let left: BoundExpression
    let right: BoundExpression
    /// `<=>`: a null equals a null.
    let matchesNulls: Bool
}

indirect enum PhysicalPlan {
    case fileScan(BoundFiles)
    case localScan(BatchList, [BoundColumn], kept: [Int])
    case rows([[BoundExpression]], [BoundColumn])
    case range(RowRange, BoundColumn)
    case project([BoundOutput], PhysicalPlan)
    case filter(BoundExpression, PhysicalPlan)
    case hashAggregate(groups: [BoundOutput], calls: [BoundAggregate], PhysicalPlan)
    case hashJoin(JoinShape, PhysicalPlan, PhysicalPlan)
    /// All windows have the same partition and order.
    case window([BoundWindow], PhysicalPlan)
    case generate(BoundGenerate, PhysicalPlan)
    /// With a limit, keeps only the first rows.
    case sort([BoundOrder], limit: Int?, PhysicalPlan)
    case limit(skip: Int, count: Int?, PhysicalPlan)
    case union([PhysicalPlan], [BoundColumn])
    case difference(SetKind, all: Bool, PhysicalPlan, PhysicalPlan)
    case distinct(keys: [ColumnID], PhysicalPlan)
    /// Inputs with keys are sorted by these.
    case python(BoundPython, [PhysicalPlan])

    var inputs: [PhysicalPlan] {
        switch self {
        case .fileScan, .localScan, .rows, .range: []
        case .project(_, let input), .filter(_, let input), .hashAggregate(_, _, let input), .sort(_, _, let input),
            .limit(_, _, let input), .window(_, let input), .generate(_, let input),
            .distinct(_, let input):
            [input]
        case .hashJoin(_, let left, let right), .difference(_, _, let left, let right): [left, right]
        case .union(let inputs, _), .python(_, let inputs): inputs
        }
    }
}

enum Planner {
    /// Above this many rows a limit saves nothing over sorting everything.
    private static let topRowsMax = 1 << 24

    /// `needed` are the columns that the steps above read; nil for all of them, in the plan's order. Joins give no others.
    static func plan(_ plan: BoundPlan, needed: Set<ColumnID>? = nil) -> PhysicalPlan {
        func with(_ expressions: [BoundExpression]) -> Set<ColumnID>? { needed.map { $0.union(expressions.flatMap(\.columnIDs)) } }
        switch plan {
        case .files(let scan): return .fileScan(scan)
        case .local(let rows, let columns, let kept):
            guard let list = rows as? BatchList else { preconditionFailure("local relations are lists of batches") }
            return .localScan(list, columns, kept: kept)
        case .rows(let rows, let columns): return .rows(rows, columns)
        case .range(let range, let column): return .range(range, column)
        case .project(let outputs, let input):
            return .project(outputs, Self.plan(input, needed: Set(outputs.flatMap(\.expression.columnIDs))))
        case .filter(let condition, let input): return .filter(condition, Self.plan(input, needed: with([condition])))
        case .aggregate(let groups, let calls, let input):
            let read = groups.map(\.expression) + calls.flatMap { $0.call.arguments + ($0.call.filter.map { [$0] } ?? []) }
            return aggregate(groups, calls, Self.plan(input, needed: Set(read.flatMap(\.columnIDs))))
        case .join(let kind, let left, let right, let condition): return join(kind, left, right, condition, plan.output, needed)
        case .window(let windows, let input): return window(windows, Self.plan(input, needed: with(windows.flatMap { read($0.call) })))
        case .generate(var generate, let input):
            if let needed { generate.carried = generate.carried.filter { needed.contains($0.id) } }
            let read = Set(generate.carried.map(\.id) + generate.arguments.flatMap(\.columnIDs))
            return .generate(generate, Self.plan(input, needed: read))
        case .python(let python, let inputs): return Self.python(python, inputs, needed)
        case .sort(let orders, let input): return .sort(orders, limit: nil, Self.plan(input, needed: with(orders.map(\.expression))))
        case .limit(let count, let input): return limit(count, input, needed)
        case .offset(let count, let input): return .limit(skip: count, count: nil, Self.plan(input, needed: needed))
        case .union(let inputs, let columns): return .union(inputs.map { Self.plan($0) }, columns)
        case .difference(let kind, let all, let left, let right): return .difference(kind, all: all, Self.plan(left), Self.plan(right))
        case .distinct(let keys, let input):
            // Distinct whole rows are the groups of all columns.
            let output = input.output
            if Set(keys) == Set(output.map(\.id)), Set(keys).count == output.count {
                return .hashAggregate(groups: output.map { BoundOutput(expression: .column($0), column: $0) }, calls: [], Self.plan(input))
            }
            return .distinct(keys: keys, Self.plan(input))
        }
    }

    private static func python(_ all: BoundPython, _ inputs: [BoundPlan], _ needed: Set<ColumnID>?) -> PhysicalPlan {
        var python = all
        if let needed {
            guard let kept = all.pruned(needed) else { return plan(inputs[0], needed: needed) }
            python = kept
        }
        let read = inputs.indices.map { Set(python.expressions(ofInput: $0).flatMap(\.columnIDs)) }
        if python.shape == .columns { return .python(python, [plan(inputs[0], needed: needed.map { $0.union(read[0]) })]) }
        let below = inputs.enumerated().map { index, input in
            let orders = python.keys.indices.contains(index)
                ? python.keys[index].map { BoundOrder(expression: $0.expression, ascending: true, nullsFirst: true) } : []
            let rows = plan(input, needed: read[index])
            return orders.isEmpty ? rows : .sort(orders, limit: nil, rows)
        }
        return .python(python, below)
    }

    private static func read(_ call: WindowCall) -> [BoundExpression] {
        call.arguments + (call.filter.map { [$0] } ?? []) + call.partition + call.orders.map(\.expression)
    }

    /// One step for all windows of one partition and order.
    private static func window(_ windows: [BoundWindow], _ input: PhysicalPlan) -> PhysicalPlan {
        var rest = windows
        var plan = input
        while let first = rest.first {
            let (partition, orders) = (first.call.partition, first.call.orders)
            plan = .window(rest.filter { $0.call.partition == partition && $0.call.orders == orders }, plan)
            rest.removeAll { $0.call.partition == partition && $0.call.orders == orders }
        }
        return plan
    }

    private static func limit(_ count: Int, _ input: BoundPlan, _ needed: Set<ColumnID>?) -> PhysicalPlan {
        if count > topRowsMax { return .limit(skip: 0, count: count, plan(input, needed: needed)) }
        func top(_ orders: [BoundOrder], _ below: BoundPlan, _ needed: Set<ColumnID>?) -> PhysicalPlan {
            .sort(orders, limit: count, plan(below, needed: needed?.union(orders.flatMap(\.expression.columnIDs))))
        }
        switch input {
        case .sort(let orders, let below): return .limit(skip: 0, count: count, top(orders, below, needed))
        case .project(let outputs, .sort(let orders, let below)):
            return .limit(
                skip: 0, count: count, .project(outputs, top(orders, below, Set(outputs.flatMap(\.expression.columnIDs)))))
        case .offset(let skip, let below): return .limit(skip: skip, count: count, plan(below, needed: needed))
        default: return .limit(skip: 0, count: count, plan(input, needed: needed))
        }
    }

    /// When all calls are over the distinct values of the same arguments, a step in chains first finds the groups of keys and arguments;
    /// the calls then see each of them once.
    private static func aggregate(_ groups: [BoundOutput], _ calls: [BoundAggregate], _ input: PhysicalPlan) -> PhysicalPlan {
        guard let first = calls.first?.call,
            calls.allSatisfy({ $0.call.distinct && $0.call.filter == nil && $0.call.arguments == first.arguments })
        else {
            return .hashAggregate(groups: groups, calls: calls, input)
        }
        // The columns of the inner step are its own; no plan has negative ids.
        let arguments = first.arguments.enumerated().map { index, argument in
            BoundOutput(
                expression: argument,
                column: BoundColumn(id: ColumnID(-2 - index), name: "distinct", type: argument.type, nullable: argument.nullable))
        }
        let outer = calls.map { item in
            var call = item.call
            call.distinct = false
            call.arguments = arguments.map { .column($0.column) }
            return BoundAggregate(call: call, column: item.column)
        }
        let keys = groups.map { BoundOutput(expression: .column($0.column), column: $0.column) }
        return .hashAggregate(groups: keys, calls: outer, .hashAggregate(groups: groups + arguments, calls: [], input))
    }

    private static func join(
        _ kind: JoinKind, _ left: BoundPlan, _ right: BoundPlan, _ condition: BoundExpression?, _ output: [BoundColumn],
        _ needed: Set<ColumnID>?
    ) -> PhysicalPlan {
        let leftIDs = Set(left.output.map(\.id))
        let rightIDs = Set(right.output.map(\.id))
        func only(_ expression: BoundExpression, _ ids: Set<ColumnID>) -> Bool {
            let read = expression.columnIDs
            return !read.isEmpty && read.allSatisfy { ids.contains($0) }
        }
        var keys: [JoinKeys] = []
        var residual: BoundExpression?
        for part in condition.map(conjuncts) ?? [] {
            if case .call(let function, let sides, _) = part, function == .equal || function == .nullSafeEqual {
                let matchesNulls = function == .nullSafeEqual
                if only(sides[0], leftIDs), only(sides[1], rightIDs) {
                    keys.append(JoinKeys(left: sides[0], right: sides[1], matchesNulls: matchesNulls))
                    continue
                }
                if only(sides[1], leftIDs), only(sides[0], rightIDs) {
                    keys.append(JoinKeys(left: sides[1], right: sides[0], matchesNulls: matchesNulls))
                    continue
                }
            }
            residual = residual.map { .call(.and, [$0, part], type: .boolean) } ?? part
        }
        let read = needed?.union(condition?.columnIDs ?? [])
        let wanted = needed.map { needed in output.filter { needed.contains($0.id) } } ?? output
        return .hashJoin(
            JoinShape(kind: kind, keys: keys, residual: residual, output: wanted), plan(left, needed: read), plan(right, needed: read))
    }

    private static func conjuncts(_ expression: BoundExpression) -> [BoundExpression] {
        if case .call(.and, let sides, _) = expression { return sides.flatMap(conjuncts) }
        return [expression]
    }
}
