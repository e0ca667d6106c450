// Drops unused columns: from scans first of all, so that a CSV reader parses only the fields of a query, and from projections, aggregations
// and unions on the way. The root keeps its output exactly.

enum ColumnPruning {
    static func apply(_ plan: BoundPlan) -> BoundPlan { prune(plan, Set(plan.output.map(\.id))) }

    private static func ids(_ expressions: [BoundExpression]) -> Set<ColumnID> { Set(expressions.flatMap(\.columnIDs)) }

    private static func prune(_ plan: BoundPlan, _ needed: Set<ColumnID>) -> BoundPlan {
        switch plan {
        case .files(var files):
            let kept = files.columns.indices.filter { needed.contains(files.columns[$0].id) }
            files.kept = kept.map { files.kept[$0] }
            files.columns = kept.map { files.columns[$0] }
            return .files(files)
        case .local(let rows, let columns, let positions):
            let kept = columns.indices.filter { needed.contains(columns[$0].id) }
            return .local(rows, kept.map { columns[$0] }, kept: kept.map { positions[$0] })
        case .rows, .range: return plan
        case .project(let outputs, let input):
            let kept = outputs.filter { needed.contains($0.column.id) }
            let pruned = prune(input, ids(kept.map(\.expression)))
            // A projection that only repeats its input is dropped.
            let same =
                kept.count == pruned.output.count
                && zip(kept, pruned.output).allSatisfy { pair in
                    if case .column(let column) = pair.0.expression { column.id == pair.1.id && pair.0.column == pair.1 } else { false }
                }
            return same ? pruned : .project(kept, pruned)
        case .filter(let condition, let input): return .filter(condition, prune(input, needed.union(condition.columnIDs)))
        case .aggregate(let groups, let calls, let input):
            let kept = calls.filter { needed.contains($0.column.id) }
            let read = ids(groups.map(\.expression)).union(ids(kept.flatMap { $0.call.arguments + ($0.call.filter.map { [$0] } ?? []) }))
            return .aggregate(groups: groups, calls: kept, prune(input, read))
        case .join(let kind, let left, let right, let condition):
            let read = needed.union(condition?.columnIDs ?? [])
            return .join(kind, prune(left, read), prune(right, read), condition: condition)
        case .window(let windows, let input):
            let kept = windows.filter { needed.contains($0.column.id) }
            if kept.isEmpty { return prune(input, needed) }
            return .window(kept, prune(input, needed.union(ids(kept.flatMap(\.call.expressions)))))
        case .generate(var generate, let input):
            generate.carried = generate.carried.filter { needed.contains($0.id) }
            return .generate(generate, prune(input, Set(generate.carried.map(\.id)).union(ids(generate.arguments))))
        case .python(let python, let inputs):
            guard let kept = python.pruned(needed) else { return prune(inputs[0], needed) }
            let above = python.shape == .columns ? needed : []
            return .python(
                kept, inputs.indices.map { prune(inputs[$0], above.union(ids(kept.expressions(ofInput: $0)))) })
        case .sort(let orders, let input): return .sort(orders, prune(input, needed.union(ids(orders.map(\.expression)))))
        case .limit(let count, let input): return .limit(count, prune(input, needed))
        case .offset(let count, let input): return .offset(count, prune(input, needed))
        case .distinct(let keys, let input): return .distinct(keys: keys, prune(input, needed.union(keys)))
        case .difference(let kind, let all, let left, let right):
            return .difference(kind, all: all, apply(left), apply(right))
        case .union(let inputs, let columns):
            let kept = columns.indices.filter { needed.contains(columns[$0].id) }
            let pruned = inputs.map { input in
                let output = input.output
                let wanted = kept.map { output[$0] }
                let below = prune(input, Set(wanted.map(\.id)))
                if below.output.map(\.id) == wanted.map(\.id) { return below }
                return .project(wanted.map { BoundOutput(expression: .column($0), column: $0) }, below)
            }
            return .union(pruned, kept.map { columns[$0] })
        }
    }
}
