// Turns a resolved plan into operators. The choices are few and plain: a limit directly over a sort is a top-n, equalities of a join
// condition become hash keys, everything else maps one to one.

import QueryCore

struct Planner {
    let files: any TableFiles
    let now: Int64
    let grant: QueryGrant
    let isCancelled: @Sendable () -> Bool

    func source(_ plan: BoundPlan) throws(QueryError) -> any BatchSource {
        CancellableSource(try operation(plan), isCancelled)
    }

    private func operation(_ plan: BoundPlan) throws(QueryError) -> any BatchSource {
        switch plan {
        case .files(let scan): return try fileScan(scan)
        case .local(let rows, let columns, let kept):
            guard let list = rows as? BatchList else { preconditionFailure("local relations are lists of batches") }
            return BatchScan(list, columns, kept: kept)
        case .rows(let rows, let columns): return RowsSource(rows, columns, now: now)
        case .range(let range, let column): return RangeSource(range, column)
        case .project(let outputs, let input): return ProjectOperator(outputs, try source(input), now: now)
        case .filter(let condition, let input): return FilterOperator(condition, try source(input), now: now)
        case .aggregate(let groups, let calls, let input): return HashAggregate(groups, calls, try source(input), now: now, grant: grant)
        case .join(let kind, let left, let right, let condition): return try join(kind, left, right, condition, plan.output)
        case .sort(let orders, let input): return SortOperator(orders, limit: nil, try source(input), now: now, grant: grant)
        case .limit(let count, let input): return try limit(count, input)
        case .offset(let count, let input): return LimitOperator(skip: count, limit: nil, try source(input))
        case .union(let inputs, let columns):
            var sources: [any BatchSource] = []
            for input in inputs { sources.append(try source(input)) }
            return UnionOperator(sources, columns)
        case .difference(let kind, let all, let left, let right):
            return DifferenceOperator(kind, all: all, try source(left), try source(right), grant: grant)
        case .distinct(let keys, let input): return DistinctOperator(keys, try source(input), grant: grant)
        }
    }

    /// Above this many rows a limit saves nothing over sorting everything.
    private static let topRowsMax = 1 << 24

    private func limit(_ count: Int, _ input: BoundPlan) throws(QueryError) -> any BatchSource {
        if count > Self.topRowsMax { return LimitOperator(skip: 0, limit: count, try source(input)) }
        switch input {
        case .sort(let orders, let below):
            return LimitOperator(skip: 0, limit: count, SortOperator(orders, limit: count, try source(below), now: now, grant: grant))
        case .project(let outputs, .sort(let orders, let below)):
            let top = SortOperator(orders, limit: count, try source(below), now: now, grant: grant)
            return LimitOperator(skip: 0, limit: count, ProjectOperator(outputs, top, now: now))
        case .offset(let skip, let below):
            return LimitOperator(skip: skip, limit: count, try source(below))
        default: return LimitOperator(skip: 0, limit: count, try source(input))
        }
    }

    private func fileScan(_ scan: BoundFiles) throws(QueryError) -> any BatchSource {
        let found = try files.dataFiles(scan.source.paths)
        switch scan.source.format {
        case .csv: return try CSVReader(scan, found, files)
        case .json: return JSONReader(scan, found, files)
        case .text: return TextReader(scan, found, files)
        }
    }

    private func join(
        _ kind: JoinKind, _ left: BoundPlan, _ right: BoundPlan, _ condition: BoundExpression?, _ output: [BoundColumn]
    ) throws(QueryError) -> any BatchSource {
        let leftIDs = left.output.map(\.id)
        let rightIDs = right.output.map(\.id)
        func only(_ expression: BoundExpression, _ ids: [ColumnID]) -> Bool {
            let read = expression.columnIDs
            return !read.isEmpty && read.allSatisfy { ids.contains($0) }
        }
        var keys: [(left: BoundExpression, right: BoundExpression)] = []
        var residual: BoundExpression?
        for part in condition.map(Self.conjuncts) ?? [] {
            if case .call(.equal, let sides, _) = part {
                if only(sides[0], leftIDs), only(sides[1], rightIDs) {
                    keys.append((sides[0], sides[1]))
                    continue
                }
                if only(sides[1], leftIDs), only(sides[0], rightIDs) {
                    keys.append((sides[1], sides[0]))
                    continue
                }
            }
            residual = residual.map { .call(.and, [$0, part], type: .boolean) } ?? part
        }
        return HashJoin(
            kind, try source(left), try source(right), keys: keys, residual: residual, output: output, now: now, grant: grant)
    }

    private static func conjuncts(_ expression: BoundExpression) -> [BoundExpression] {
        if case .call(.and, let sides, _) = expression { return sides.flatMap(conjuncts) }
        return [expression]
    }
}
