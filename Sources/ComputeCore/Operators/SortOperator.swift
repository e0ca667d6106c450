// ORDER BY: keeps all rows of the chains below, sorts row numbers by their keys, gives the rows in order. With a limit each chain keeps
// only its best rows so far, so a top-n needs memory for n rows of each chain and not for the table. The order is stable: equal rows keep
// their order, for any number of chains. Rows beyond the memory are sorted in runs on disk (`SortRuns`).

import QueryCore

final class SortOperator: Preparation {
    let columns: [BoundColumn]
    let kept: KeptRows
    private let orders: [BoundOrder]
    private let chains: Chains
    private let context: QueryContext
    private let evaluator: Evaluator
    /// Limit of the rows; nil for all.
    private let limit: Int?

    init(_ orders: [BoundOrder], limit: Int?, _ chains: Chains, _ context: QueryContext) {
        self.orders = orders
        self.limit = limit
        self.chains = chains
        self.context = context
        columns = chains.columns
        kept = KeptRows(context.grant)
        evaluator = Evaluator(columns: chains.columns, context)
    }

    private var schema: Schema { Schema(columns.map(\.field)) }

    func prepare() throws(QueryError) {
        try chains.prepare()
        guard let limit else { return try sortAll() }
        try keepBest(limit)
    }

    private func sortAll() throws(QueryError) {
        let sinks = chains.sources.map { _ in SortRuns(orders, chains.columns, context) }
        try context.workers.drain(chains.sources, into: sinks)
        guard let files = context.spill, sinks.contains(where: \.hasSpilled) else {
            let batches = sinks.count == 1 ? sinks[0].batches : sinks.flatMap(\.batches).sorted { $0.place < $1.place }
            let all = try context.concat(batches, schema)
            return kept.set(
                all, order: try Self.sorted(all, orders, evaluator, context), reserved: sinks.reduce(0) { $0 + $1.reserved })
        }
        for sink in sinks { try sink.spill(files) }
        let merge = try SortMerge(sinks.flatMap(\.runs), orders, chains.columns, context, files)
        let schema = schema
        kept.set { () throws(QueryError) in
            guard let rows = try merge.next() else { return nil }
            // Without the place.
            return KeptRows.Whole(
                rows: Batch(schema: schema, columns: Array(rows.columns.dropLast()), rowCount: rows.rowCount), order: nil, reserved: 0)
        }
    }

    fileprivate static func sorted(_ rows: Batch, _ orders: [BoundOrder], _ evaluator: Evaluator, _ context: QueryContext)
        throws(QueryError) -> [Int32]
    {
        var keys: [Column] = []
        for order in orders { keys.append(try evaluator.evaluate(order.expression, rows)) }
        let grant = context.grant
        return try RowOrder(keys, orders, rowCount: rows.rowCount).sorted(context.workers) { () throws(QueryError) in try grant.check() }
    }

    private func keepBest(_ limit: Int) throws(QueryError) {
        let best = chains.sources.map { _ in BestRows(orders, limit: limit, columns, context) }
        try context.workers.drain(chains.sources, into: best)
        let all = try context.concat(best.flatMap(\.batches), best[0].schema)
        let order = try best[0].order(all, context)
        let rows = Batch(schema: schema, columns: Array(all.columns.dropLast()), rowCount: all.rowCount)
        kept.set(rows, order: Array(order.prefix(limit)), reserved: best.reduce(0) { $0 + $1.reserved })
    }
}

/// The place of a row in the input as a last column, which orders equal rows.
enum RowPlace {
    static let column = BoundColumn(id: ColumnID(-1), name: "place", type: .long, nullable: false)
    static let order = BoundOrder(expression: .column(column), ascending: true, nullsFirst: true)

    static func added(to batch: Batch, _ schema: Schema) -> Batch {
        let start = batch.place.packed
        let places = Column(
            type: .long, count: batch.rowCount, validity: nil, storage: .int64((0..<batch.rowCount).map { start + Int64($0) }))
        return Batch(schema: schema, columns: batch.columns + [places], rowCount: batch.rowCount)
    }
}

/// The first rows of one chain, each with its place in the input as a last column, which orders equal rows.
private final class BestRows: ChainSink {
    let schema: Schema
    private(set) var batches: [Batch] = []
    private(set) var reserved = 0
    private let orders: [BoundOrder]
    private let limit: Int
    private let evaluator: Evaluator
    private let context: QueryContext
    private let first: SortLayout
    private var rows = 0
    /// The bits of the first key of the last wanted row; rows beyond them are dropped at once.
    private var bound: SortEntry?

    init(_ orders: [BoundOrder], limit: Int, _ columns: [BoundColumn], _ context: QueryContext) {
        let place = RowPlace.column
        self.orders = orders + [RowPlace.order]
        self.limit = limit
        self.context = context
        evaluator = Evaluator(columns: columns + [place], context)
        schema = Schema((columns + [place]).map(\.field))
        first = SortLayout([orders[0]], marksNulls: [true])
    }

    func consume(_ batch: Batch) throws(QueryError) {
        let placed = try withinBound(RowPlace.added(to: batch, schema))
        if placed.rowCount == 0 { return }
        try context.grant.reserve(placed.byteCount)
        reserved += placed.byteCount
        batches.append(placed)
        rows += placed.rowCount
        if rows > max(4 * limit, 4 * Batch.rowsDefault) { try shrink() }
    }

    private func shrink() throws(QueryError) {
        let all = Batch.concat(batches, schema: schema)
        let best = all.take(Array(try order(all, SerialWorkers(), context).prefix(limit)))
        context.grant.release(reserved - best.byteCount)
        reserved = best.byteCount
        batches = [best]
        rows = best.rowCount
        if rows == limit, limit > 0 { bound = try entries(best, limit - 1..<limit)[0] }
    }

    func order(_ rows: Batch, _ context: QueryContext) throws(QueryError) -> [Int32] { try order(rows, context.workers, context) }

    private func order(_ rows: Batch, _ workers: any QueryWorkers, _ context: QueryContext) throws(QueryError) -> [Int32] {
        var keys: [Column] = []
        for order in orders { keys.append(try evaluator.evaluate(order.expression, rows)) }
        let grant = context.grant
        return try RowOrder(keys, orders, rowCount: rows.rowCount).sorted(workers) { () throws(QueryError) in try grant.check() }
    }

    private func entries(_ batch: Batch, _ range: Range<Int>) throws(QueryError) -> [SortEntry] {
        let key = try evaluator.evaluate(orders[0].expression, batch)
        return [SortEntry](unsafeUninitializedCapacity: range.count) { out, filled in
            first.fill([key], range, UnsafeMutableBufferPointer(rebasing: out[0..<range.count]))
            filled = range.count
        }
    }

    /// The rows that may still be among the best: their first key is not beyond that of the last best row so far.
    private func withinBound(_ batch: Batch) throws(QueryError) -> Batch {
        guard let bound else { return batch }
        let chosen = try entries(batch, 0..<batch.rowCount).filter { !SortEntry.prefixIsLess(bound, $0) }.map(\.row)
        return chosen.count == batch.rowCount ? batch : batch.take(chosen)
    }
}
