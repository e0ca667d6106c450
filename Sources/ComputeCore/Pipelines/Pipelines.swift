// Makes operators of a physical plan. Steps that need no order and no other rows (scans, filters, projections, the left side of most joins)
// run in chains side by side; sorts, aggregations and tables of joins end the chains below them and begin new ones over their kept rows.
// Steps that need rows in order (limits, set operations, first and last) stand above a gathering operator.

import QueryCore

struct Pipelines {
    let context: QueryContext

    /// The whole plan as one source, its rows in order.
    func source(_ plan: PhysicalPlan) throws(QueryError) -> any BatchSource { gathered(try chains(plan)) }

    private func gathered(_ all: Chains) -> any BatchSource {
        var chains = all
        // A single chain gives its rows on demand, and keeps none.
        if chains.multiplies { chains.sources = [chains.sources[0]] }
        return chains.sources.count == 1 && chains.preparations.isEmpty ? chains.sources[0] : GatherOperator(chains, context.workers)
    }

    private func one(_ plan: PhysicalPlan) throws(QueryError) -> any BatchSource { cancellable(try source(plan)) }

    private func cancellable(_ source: any BatchSource) -> any BatchSource { CancellableSource(source, context.isCancelled) }

    func chains(_ plan: PhysicalPlan) throws(QueryError) -> Chains {
        let context = context
        switch plan {
        case .fileScan(let scan): return try fileScan(scan, passing: [])
        case .localScan(let list, let columns, let kept):
            let queue = MorselQueue(context.workers)
            return chains(queue, pieces: list.batches.count) { BatchScan(list, columns, kept: kept, queue) }
        case .rows(let rows, let columns): return Chains(cancellable(RowsSource(rows, columns, context)))
        case .range(let range, let column):
            let queue = MorselQueue(context.workers)
            return chains(queue, pieces: RangeSource.rowCount(range) / Batch.rowsDefault + 1) { RangeSource(range, column, queue) }
        case .project(let outputs, let input): return try chains(input).map { ProjectOperator(outputs, $0, context) }
        case .filter(let condition, .fileScan(let scan)):
            let below = try fileScan(scan, passing: PredicatePushdown.conjuncts(condition))
            return try below.map { FilterOperator(condition, $0, context) }
        case .filter(let condition, let input): return try chains(input).map { FilterOperator(condition, $0, context) }
        case .hashAggregate(let groups, let calls, let input):
            let below = calls.allSatisfy { Accumulators.canMerge($0.call) } ? try chains(input) : Chains(try one(input))
            let operation = HashAggregate(groups, calls, below, context)
            // Without keys there is one row.
            return kept(operation.kept, operation.columns, pieces: groups.isEmpty ? 1 : .max, operation)
        case .sort(let orders, let limit, let input):
            let operation = SortOperator(orders, limit: limit, try chains(input), context)
            return kept(operation.kept, operation.columns, pieces: limit.map { $0 / Batch.rowsDefault + 1 } ?? .max, operation)
        case .window(let windows, let input):
            let operation = WindowOperator(windows, try chains(input), context)
            return kept(operation.kept, operation.columns, pieces: .max, operation)
        case .hashJoin(let shape, let left, let right): return try join(shape, left, right)
        case .generate(let generate, let input):
            var made = try chains(input).map { GenerateOperator(generate, $0, context) }
            made.multiplies = true
            return made
        case .limit(let skip, let count, let input): return Chains(LimitOperator(skip: skip, limit: count, try one(input)))
        case .union(let inputs, let columns):
            var sources: [any BatchSource] = []
            for input in inputs { sources.append(try one(input)) }
            return Chains(UnionOperator(sources, columns))
        case .difference(let kind, let all, let left, let right):
            return Chains(DifferenceOperator(kind, all: all, try one(left), try one(right), grant: context.grant))
        case .python(let python, let inputs): return try self.python(python, inputs)
        case .distinct(let keys, let input): return Chains(DistinctOperator(keys, try one(input), context))
        }
    }

    private func python(_ python: BoundPython, _ inputs: [PhysicalPlan]) throws(QueryError) -> Chains {
        let context = context
        if python.shape == .columns, !python.kind.takesIterator {
            return try chains(inputs[0]).map { PythonColumnsOperator(python, $0, context) }
        }
        var sources: [any BatchSource] = []
        for input in inputs { sources.append(try one(input)) }
        switch python.shape {
        case .columns: return Chains(PythonColumnsOperator(python, sources[0], context))
        case .rows: return Chains(PythonRowsOperator(python, sources[0], context))
        case .groups: return Chains(PythonGroupsOperator(python, sources[0], context))
        case .cogroups: return Chains(PythonCogroupsOperator(python, sources, context))
        case .aggregates: return Chains(PythonAggregateOperator(python, sources[0], context))
        }
    }

    /// Every chain checks for cancellation before each batch of its source.
    private func chains(_ queue: MorselQueue, pieces: Int, _ make: () -> any BatchSource) -> Chains {
        Chains(queue, pieces: pieces, width: context.workers.width) { cancellable(make()) }
    }

    private func kept(_ rows: KeptRows, _ columns: [BoundColumn], pieces: Int, _ preparation: any Preparation) -> Chains {
        let queue = MorselQueue(context.workers)
        var chains = chains(queue, pieces: pieces) { KeptSource(rows, columns, queue) }
        chains.preparations = [preparation]
        return chains
    }

    private func join(_ shape: JoinShape, _ left: PhysicalPlan, _ right: PhysicalPlan) throws(QueryError) -> Chains {
        let context = context
        let table = JoinTable(try chains(right), keys: shape.keys, context)
        let below = HashJoin.mayRunInChains(shape.kind) ? try chains(left) : Chains(try one(left))
        let spilled = SpilledJoin(shape, below, table, context)
        var probes = try below.map { SpillableJoin(HashJoin(shape, $0, table, context), spilled) }
        probes.preparations = [table] + below.preparations + [spilled]
        if shape.kind != .leftSemi, shape.kind != .leftAnti { probes.multiplies = true }
        return probes
    }

    /// `conjuncts` are true of every row that is wanted; a scan may leave out the others.
    private func fileScan(_ scan: BoundFiles, passing conjuncts: [BoundExpression]) throws(QueryError) -> Chains {
        let listed = try context.files.dataFiles(scan.source.paths)
        let partitions = try Partitions(listed, wanted: scan.schema)
        if partitions.fields.isEmpty { return try dataScan(scan, listed, conjuncts) { $0 } }
        let found = try partitions.selected(listed, scan, conjuncts, now: context.now)
        return try dataScan(partitions.files(of: scan), found, conjuncts) { PartitionedSource(partitions, scan.columns, $0) }
    }

    /// The scan of the columns in the files; `finish` adds those of directories.
    private func dataScan(
        _ scan: BoundFiles, _ found: [TableFile], _ conjuncts: [BoundExpression], _ finish: (any FileReader) -> any BatchSource
    ) throws(QueryError) -> Chains {
        let context = context
        let queue = MorselQueue(context.workers)
        switch scan.source.format {
        case .csv:
            let options = try CSVOptions(scan.source)
            let files = FileMorsels(found, context, wholeFiles: options.multiLine, lines: .anyEnd(comment: options.comment), queue)
            for field in scan.columns where !field.type.isAtomic {
                throw QueryError(.unsupportedFeature, ["feature": "CSV column \(field.name) of type \(field.type.sqlName)"])
            }
            return chains(queue, pieces: files.pieces) { finish(CSVReader(scan, options, files)) }
        case .json:
            let files = FileMorsels(found, context, queue)
            return chains(queue, pieces: files.pieces) { finish(JSONReader(scan, files)) }
        case .text:
            let files = FileMorsels(found, context, queue)
            return chains(queue, pieces: files.pieces) { finish(TextReader(scan, files)) }
        case .parquet:
            let morsels = ParquetMorsels(found, context, ParquetPruning(conjuncts), queue)
            return chains(queue, pieces: morsels.pieces) { finish(ParquetReader(scan.columns, morsels, now: context.now)) }
        }
    }
}
