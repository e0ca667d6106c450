// ORDER BY: reads everything, sorts row numbers by typed keys, gives batches in order. With a limit above it keeps only the best rows so
// far, so a top-n needs memory for n rows and not for the table. The order is stable: equal rows stay as they came.

import QueryCore

final class SortOperator: BatchSource {
    let columns: [BoundColumn]
    private let orders: [BoundOrder]
    private let input: any BatchSource
    private let evaluator: Evaluator
    private let grant: QueryGrant
    /// Rows that are wanted at most; nil for all.
    private let limit: Int?
    private var sorted: Batch?
    private var at = 0
    private var reserved = 0
    /// Where the first key of the last wanted row lies; rows after it are dropped as they come.
    private var bound: SortPlace?

    init(_ orders: [BoundOrder], limit: Int?, _ input: any BatchSource, now: Int64, grant: QueryGrant) {
        self.orders = orders
        self.limit = limit
        self.input = input
        self.grant = grant
        columns = input.columns
        evaluator = Evaluator(columns: input.columns, now: now)
    }

    func next() throws(QueryError) -> Batch? {
        if sorted == nil { sorted = try sort() }
        guard let sorted, at < sorted.rowCount else {
            grant.release(reserved)
            reserved = 0
            return nil
        }
        let end = min(at + Batch.rowsDefault, sorted.rowCount)
        defer { at = end }
        return sorted.slice(at..<end)
    }

    private func sort() throws(QueryError) -> Batch {
        var batches: [Batch] = []
        var rows = 0
        while let next = try input.next() {
            let batch = try withinBound(next)
            if batch.rowCount == 0 { continue }
            try grant.reserve(batch.byteCount)
            reserved += batch.byteCount
            batches.append(batch)
            rows += batch.rowCount
            if let limit, rows > max(4 * limit, 4 * Batch.rowsDefault) {
                let best = try ordered(batches, limit)
                batches = [best]
                rows = best.rowCount
                try tightenBound(best, limit)
                grant.release(reserved - best.byteCount)
                reserved = best.byteCount
            }
        }
        if batches.isEmpty { return Batch(schema: schema, columns: columns.map { Column(type: $0.type, values: []) }, rowCount: 0) }
        return try ordered(batches, limit)
    }

    /// The rows of a batch that may still be among the best: a row whose first key comes after that of the last of the best so far is none.
    private func withinBound(_ batch: Batch) throws(QueryError) -> Batch {
        guard let bound, let order = orders.first else { return batch }
        let key = SortKey(try evaluator.evaluate(order.expression, batch), order)
        let chosen = (0..<Int32(batch.rowCount)).filter { (row: Int32) in key.place(Int(row)) <= bound }
        return chosen.count == batch.rowCount ? batch : batch.take(chosen)
    }

    private func tightenBound(_ best: Batch, _ limit: Int) throws(QueryError) {
        guard best.rowCount == limit, limit > 0, let order = orders.first else { return }
        bound = SortKey(try evaluator.evaluate(order.expression, best), order).place(limit - 1)
    }

    private func ordered(_ batches: [Batch], _ limit: Int?) throws(QueryError) -> Batch {
        let all = Batch.concat(batches, schema: schema)
        var keys: [SortKey] = []
        for order in orders { keys.append(SortKey(try evaluator.evaluate(order.expression, all), order)) }
        let rows = try RowOrder(keys, rowCount: all.rowCount).sorted { () throws(QueryError) in try grant.check() }
        return all.take(limit.map { Array(rows.prefix($0)) } ?? rows)
    }
}
