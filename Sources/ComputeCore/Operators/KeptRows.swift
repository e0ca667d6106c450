// Rows that an operator must keep before it can give any: a sorted whole, the groups of an aggregation. They are given out in pieces, so
// that the operators above run side by side over them. Spilled rows come back as several wholes, one after the other.

import QueryCore

/// Set once before the chains run, then read by all of them.
final class KeptRows {
    private var whole: Batch?
    /// Positions of the rows in output order; nil for their stored order.
    private var order: [Int32]?
    private let grant: QueryGrant
    /// The rows' bytes of the grant, until they are gone.
    private var reserved = 0
    /// The first row that was not given yet.
    private var at = 0
    /// Makes the next whole; called in the queue's turn.
    private var more: (() throws(QueryError) -> Whole?)?

    struct Whole {
        let rows: Batch
        var order: [Int32]?
        let reserved: Int
    }

    struct Piece {
        fileprivate let whole: Batch
        fileprivate let order: ArraySlice<Int32>?
        fileprivate let range: Range<Int>

        fileprivate var rows: Batch { order.map { whole.take(Array($0)) } ?? whole.slice(range) }
    }

    init(_ grant: QueryGrant) { self.grant = grant }

    func set(_ whole: Batch, order: [Int32]?, reserved: Int) {
        self.whole = whole
        self.order = order
        self.reserved = reserved
    }

    /// Rows that come in several wholes.
    func set(_ more: @escaping () throws(QueryError) -> Whole?) { self.more = more }

    /// The next piece; nil after the last. Called in the queue's turn.
    fileprivate func piece() throws(QueryError) -> Piece? {
        while true {
            if let whole, at < order?.count ?? whole.rowCount {
                let range = at..<min(order?.count ?? whole.rowCount, at + Batch.rowsDefault)
                at = range.upperBound
                return Piece(whole: whole, order: order?[range], range: range)
            }
            whole = nil
            grant.release(reserved)
            reserved = 0
            guard let next = try more?() else {
                more = nil
                return nil
            }
            set(next.rows, order: next.order, reserved: next.reserved)
            at = 0
        }
    }
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
        let kept = kept
        guard let (number, piece) = try queue.claim({ (_) throws(QueryError) in try kept.piece() }) else { return nil }
        let rows = piece.rows
        return Batch(schema: schema, columns: rows.columns, rowCount: rows.rowCount, place: BatchPlace(morsel: number))
    }
}
