// A query whose rows go into files: all of its chains write side by side, each into files of its own. Rows that were sorted are written by
// one chain, in their order.
import QueryCore

extension QuerySession {
    /// Runs a query and writes its rows. Nothing is visible before the caller commits the output. The other arguments are those of `run`.
    package func write(
        _ plan: Plan, as shape: OutputShape, to output: any TableOutput, now: Int64, workers: any QueryWorkers = SerialWorkers(),
        pool: (any QueryMemoryPool)? = nil, isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(QueryError) {
        let bound = try analysed(plan)
        let (partition, data) = try Self.positions(shape, bound.schema)
        let columns = bound.output
        let writers = try FormatWriters(shape, Schema(data.map { columns[$0].field }), now: now)
        let context = context(now: now, workers: workers, pool: pool, isCancelled: isCancelled)
        let physical = Planner.plan(Self.optimised(bound, now))
        let pipelines = Pipelines(context: context)
        let sources = try physical.isSorted ? [pipelines.source(physical)] : pipelines.sources(physical)
        let sinks = sources.map { _ in OutputSink(columns, partition: partition, data: data, writers, output, context) }
        try workers.drain(sources, into: sinks)
        let isEmpty = sinks.allSatisfy { $0.rowCount == 0 }
        try workers.each(sinks.count) { (index) throws(QueryError) in try sinks[index].finish(always: isEmpty && index == 0) }
    }

    /// Throws the reason if a query cannot be written so.
    package func checkWrite(_ plan: Plan, as shape: OutputShape, now: Int64) throws(QueryError) {
        let schema = try analysed(plan).schema
        let (_, data) = try Self.positions(shape, schema)
        _ = try FormatWriters(shape, Schema(data.map { schema.fields[$0] }), now: now)
    }

    /// The positions of partition columns, in the order of their directories, and of the columns in the files.
    private static func positions(_ shape: OutputShape, _ schema: Schema) throws(QueryError) -> (partition: [Int], data: [Int]) {
        for (index, field) in schema.fields.enumerated()
        where schema.fields[..<index].contains(where: { Identifier.same($0.name, field.name) }) {
            throw QueryError(.columnAlreadyExists, ["columnName": Identifier.quoted(field.name.lowercased())])
        }
        var partition: [Int] = []
        for name in shape.partitionColumns {
            guard let index = schema.fields.firstIndex(where: { Identifier.same($0.name, name) }) else {
                throw QueryError(.partitionColumnNotFound, ["column": Identifier.quoted(name), "schema": schema.ddl])
            }
            guard schema.fields[index].type.isAtomic, schema.fields[index].type != .binary else {
                throw OutputColumns.unsupported(schema.fields[index], "partitioned")
            }
            partition.append(index)
        }
        let data = schema.fields.indices.filter { !partition.contains($0) }
        if data.isEmpty { throw QueryError(.allPartitionColumns) }
        return (partition, data)
    }
}

extension PhysicalPlan {
    /// Whether the rows come in the order of a sort.
    var isSorted: Bool {
        switch self {
        case .sort: true
        case .project(_, let input), .filter(_, let input), .limit(_, _, let input): input.isSorted
        default: false
        }
    }
}

extension Pipelines {
    /// The chains of a plan, ready to be drained side by side; each batch with rows comes from one of them.
    func sources(_ plan: PhysicalPlan) throws(QueryError) -> [any BatchSource] {
        let chains = try chains(plan)
        try chains.prepare()
        return chains.sources
    }
}
