// Window functions after resolution: the function, the partition, the order and the frame of rows that it reads.

package enum WindowFunction: Hashable, Sendable {
    case rowNumber, rank, denseRank, percentRank, cumeDist, ntile, lag, lead, nthValue
    case aggregate(AggregateFunction)

    /// By lower-case name: those that need OVER, with the bounds of their number of arguments.
    static let named: [String: (function: WindowFunction, arity: ClosedRange<Int>)] = [
        "row_number": (.rowNumber, 0...0), "rank": (.rank, 0...0), "dense_rank": (.denseRank, 0...0),
        "percent_rank": (.percentRank, 0...0), "cume_dist": (.cumeDist, 0...0), "ntile": (.ntile, 0...1), "lag": (.lag, 1...3),
        "lead": (.lead, 1...3), "nth_value": (.nthValue, 2...3),
    ]

    var needsOrder: Bool {
        if case .aggregate = self { false } else { self != .nthValue }
    }
}

package enum FrameBound: Hashable, Sendable {
    case unboundedPreceding
    case unboundedFollowing
    case current
    /// Rows, or a distance of the order's value in its type; negative before the row.
    case offset(Literal)
}

package struct BoundFrame: Hashable, Sendable {
    /// Whether offsets count rows.
    package var isRows: Bool
    package var start: FrameBound
    package var end: FrameBound
}

package struct WindowCall: Hashable, Sendable {
    package var function: WindowFunction
    package var arguments: [BoundExpression]
    package var ignoreNulls: Bool
    package var filter: BoundExpression?
    package var partition: [BoundExpression]
    package var orders: [BoundOrder]
    package var frame: BoundFrame
    package var type: DataType
    package var nullable: Bool

    var expressions: [BoundExpression] { arguments + (filter.map { [$0] } ?? []) + partition + orders.map(\.expression) }

    func mapExpressions<E: Error>(_ change: (BoundExpression) throws(E) -> BoundExpression) throws(E) -> WindowCall {
        var call = self
        call.arguments = try arguments.map(change)
        if let filter { call.filter = try change(filter) }
        call.partition = try partition.map(change)
        call.orders = try orders.map { (order) throws(E) in
            BoundOrder(expression: try change(order.expression), ascending: order.ascending, nullsFirst: order.nullsFirst)
        }
        return call
    }
}

package struct BoundWindow: Hashable, Sendable {
    package var call: WindowCall
    package var column: BoundColumn
}
