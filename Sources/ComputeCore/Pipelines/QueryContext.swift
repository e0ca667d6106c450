// Shared by all operators of one query: its grant, its threads, its time.

import QueryCore

struct QueryContext {
    let files: any TableFiles
    /// The statement's time in microseconds since 1970.
    let now: Int64
    /// The session's time zone; nil for UTC.
    let zone: ZoneRules?
    let grant: QueryGrant
    let workers: any QueryWorkers
    /// Bytes of a text file for one chain at a time.
    let morselBytes: Int
    let isCancelled: @Sendable () -> Bool
    /// Nil where no Python functions run.
    var python: (any PythonRunner)?
    /// Nil: operators that use up the grant are refused.
    private(set) var spill: (any SpillFiles)?

    /// For rows that came back from the disk.
    var withoutSpill: QueryContext {
        var context = self
        context.spill = nil
        return context
    }

    /// The rows of all batches as one, column beside column.
    func concat(_ batches: [Batch], _ schema: Schema) throws(QueryError) -> Batch {
        let rowCount = batches.reduce(0) { $0 + $1.rowCount }
        if rowCount > Int(Int32.max) { throw QueryError.unsupported("an operator that keeps more than \(Int32.max) rows") }
        if batches.isEmpty { return Batch(schema: schema, columns: schema.fields.map { Column(type: $0.type, values: []) }, rowCount: 0) }
        if batches.count == 1 { return batches[0] }
        for index in schema.fields.indices where batches.reduce(0, { $0 + $1.columns[index].textBytes }) > Int(Int32.max) {
            throw QueryError.unsupported("an operator that keeps more than 2 GiB of text of one column")
        }
        let columns = schema.fields.map { _ in Slot() }
        try workers.each(columns.count) { (index) throws(QueryError) in
            columns[index].column = Column.concat(batches.map { $0.columns[index] }, type: schema.fields[index].type)
        }
        return Batch(schema: schema, columns: columns.compactMap(\.column), rowCount: rowCount)
    }

    private final class Slot {
        var column: Column?
    }
}
