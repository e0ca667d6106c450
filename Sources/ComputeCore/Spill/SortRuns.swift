// ORDER BY beyond the memory: each chain sorts what fits and writes it as a run; the runs are merged as they are read. A merge looks at one
// block of each run: rows up to the smallest of the blocks' last rows are in their final order.

import QueryCore

/// The rows of one chain, in memory or as sorted runs with each row's place in the input as a last column.
final class SortRuns: ChainSink {
    private(set) var batches: [Batch] = []
    private(set) var runs: [SpillSource] = []
    private(set) var reserved = 0
    private let sorter: RunSorter
    private let context: QueryContext

    init(_ orders: [BoundOrder], _ columns: [BoundColumn], _ context: QueryContext) {
        sorter = RunSorter(orders, columns, context)
        self.context = context
    }

    var hasSpilled: Bool { !runs.isEmpty }

    func consume(_ batch: Batch) throws(QueryError) {
        // The row's bytes twice (as kept and as sorted), and its entry twice.
        let bytes = 2 * batch.byteCount + batch.rowCount * 2 * MemoryLayout<SortEntry>.stride
        if let files = context.spill {
            if try !context.grant.reserveUnlessFull(bytes, held: reserved) {
                try spill(files)
                try context.grant.reserve(bytes)
            }
        } else {
            try context.grant.reserve(bytes)
        }
        reserved += bytes
        batches.append(batch)
    }

    /// Writes the rows in memory as a run.
    func spill(_ files: any SpillFiles) throws(QueryError) {
        guard !batches.isEmpty else { return }
        let placed = batches.map { RowPlace.added(to: $0, sorter.schema) }
        batches = []
        let all = try context.concat(placed, sorter.schema)
        // Other chains do the same side by side.
        let rows = SortedRows(all, try sorter.order(all, SerialWorkers()))
        runs.append(try sorter.write({ () throws(QueryError) in rows.next() }, files))
        context.grant.release(reserved)
        reserved = 0
    }
}

/// Rows in an order, some at a time.
private final class SortedRows {
    private let rows: Batch
    private let order: [Int32]
    private var at = 0

    init(_ rows: Batch, _ order: [Int32]) {
        self.rows = rows
        self.order = order
    }

    func next() -> Batch? {
        guard at < order.count else { return nil }
        let end = min(order.count, at + Batch.rowsDefault)
        defer { at = end }
        return rows.take(Array(order[at..<end]))
    }
}

/// Orders rows that have their place as a last column, and writes them as a run.
private struct RunSorter {
    let columns: [BoundColumn]
    let schema: Schema
    private let orders: [BoundOrder]
    private let evaluator: Evaluator
    private let grant: QueryGrant

    init(_ orders: [BoundOrder], _ columns: [BoundColumn], _ context: QueryContext) {
        self.columns = columns + [RowPlace.column]
        self.orders = orders + [RowPlace.order]
        schema = Schema(self.columns.map(\.field))
        evaluator = Evaluator(columns: self.columns, context)
        grant = context.grant
    }

    func order(_ rows: Batch, _ workers: any QueryWorkers) throws(QueryError) -> [Int32] {
        var keys: [Column] = []
        for order in orders { keys.append(try evaluator.evaluate(order.expression, rows)) }
        let grant = grant
        return try RowOrder(keys, orders, rowCount: rows.rowCount).sorted(workers) { () throws(QueryError) in try grant.check() }
    }

    func write(_ next: () throws(QueryError) -> Batch?, _ files: any SpillFiles) throws(QueryError) -> SpillSource {
        let rows = try SpilledRows(schema, files)
        var blocks: [SpillBlock] = []
        while let batch = try next() {
            try grant.check()
            let pieces = max(1, min(batch.rowCount, batch.byteCount / grant.spillBlockBytes))
            for piece in 0..<pieces {
                let range = batch.rowCount * piece / pieces..<batch.rowCount * (piece + 1) / pieces
                blocks.append(try rows.append(batch.slice(range)))
            }
        }
        return SpillSource(rows, blocks, columns)
    }
}

/// The rows of several runs in order.
final class SortMerge {
    /// Runs that are merged at once; more of them are merged to fewer first.
    private static let runsMax = 64

    private let sorter: RunSorter
    private var runs: [Run]
    private let context: QueryContext

    private struct Run {
        let source: SpillSource
        var rows: Batch?
    }

    init(
        _ sources: [SpillSource], _ orders: [BoundOrder], _ columns: [BoundColumn], _ context: QueryContext, _ files: any SpillFiles
    ) throws(QueryError) {
        sorter = RunSorter(orders, columns, context)
        self.context = context
        runs = []
        var sources = sources
        while sources.count > Self.runsMax {
            runs = sources.prefix(Self.runsMax).map { Run(source: $0) }
            let merged = try sorter.write({ () throws(QueryError) in try self.next() }, files)
            sources = Array(sources.dropFirst(Self.runsMax)) + [merged]
        }
        runs = sources.map { Run(source: $0) }
    }

    /// The next rows in order; nil after the last.
    func next() throws(QueryError) -> Batch? {
        for index in runs.indices where runs[index].rows == nil { runs[index].rows = try runs[index].source.next() }
        runs.removeAll { $0.rows == nil }
        guard runs.count > 1 else {
            defer { if !runs.isEmpty { runs[0].rows = nil } }
            return runs.first?.rows
        }
        let heads = runs.compactMap(\.rows)
        let all = try context.concat(heads, sorter.schema)
        let order = try sorter.order(all, context.workers)
        var runOf = [Int32](repeating: 0, count: all.rowCount)
        // A run without further blocks bounds nothing.
        var bounds = [Bool](repeating: false, count: all.rowCount)
        var start = 0
        for (index, rows) in heads.enumerated() {
            for row in start..<start + rows.rowCount { runOf[row] = Int32(index) }
            start += rows.rowCount
            bounds[start - 1] = !runs[index].source.isEmpty
        }
        let final = (order.firstIndex { bounds[Int($0)] }).map { $0 + 1 } ?? order.count
        var given = [Int](repeating: 0, count: runs.count)
        for row in order[..<final] { given[Int(runOf[Int(row)])] += 1 }
        for (index, rows) in heads.enumerated() {
            runs[index].rows = given[index] == rows.rowCount ? nil : rows.slice(given[index]..<rows.rowCount)
        }
        return all.take(Array(order[..<final]))
    }
}
