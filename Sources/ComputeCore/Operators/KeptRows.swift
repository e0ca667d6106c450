// Rows that an operator must keep before it can give any: a sorted whole, the groups of an aggregation. They are given out in pieces, so
// that the operators above run side by side over them.

import QueryCore

/// Set once before the chains run, then read by all of them.
final class KeptRows {
    private var whole: Batch?
    /// Positions of the rows in output order; nil for their stored order.
    private var order: [Int32]?
    private let grant: QueryGrant
    /// The rows' bytes of the grant, until they are gone.
    private var reserved = 0

    init(_ grant: QueryGrant) { self.grant = grant }

    func set(_ whole: Batch, order: [Int32]?, reserved: Int) {
        self.whole = whole
        self.order = order
        self.reserved = reserved
    }

    /// Positions of a piece; nil after the last. Called in the queue's turn.
    fileprivate func range(_ number: Int) -> Range<Int>? {
        let count = order?.count ?? whole?.rowCount ?? 0
        let start = number * Batch.rowsDefault
        if start < count { return start..<min(count, start + Batch.rowsDefault) }
        grant.release(reserved)
        reserved = 0
        return nil
    }

    fileprivate func rows(_ range: Range<Int>) -> Batch? { order.map { whole?.take(Array($0[range])) } ?? whole?.slice(range) }
}

final class KeptSource: BatchSource {
    let columns: [BoundColumn]
    private let kept: KeptRows
    private let queue: MorselQueue

    init(_ kept: KeptRows, _ columns: [BoundColumn], _ queue: MorselQueue) {
        self.kept = kept
        self.columns = columns
        self.queue = queue
    }

    func next() throws(QueryError) -> Batch? {
        guard let (number, range) = try queue.claim({ kept.range($0) }), let rows = kept.rows(range) else { return nil }
        return Batch(schema: schema, columns: rows.columns, rowCount: rows.rowCount, place: BatchPlace(morsel: number))
    }
}
