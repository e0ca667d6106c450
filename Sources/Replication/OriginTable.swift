// Executed proposals by their replica: the rule that each takes effect once and in order. A part of the replicated state, stored with the
// machine's own tables.
import Base
import Consensus

/// For each replica its life and the last executed place in that life's row of proposals.
package struct OriginTable: Sendable, Equatable {
    /// The table's rows in SQLite.
    package static let schema = TableSchema(
        "origins", key: [.init("node", .integer)], values: [.init("incarnation", .integer), .init("sequence", .integer)])

    /// Sorted by node, so that rows come in a defined order.
    private var last: [Origin] = []

    package init() {}

    /// Whether to execute the command of `origin` now: it is the next of its life, or the first of a later life. Notes its execution.
    /// Entries without a proposer have no row and pass.
    mutating func admit(_ origin: Origin) -> Bool {
        guard origin != .none else { return true }
        guard let place = last.firstIndex(where: { $0.node == origin.node }) else {
            guard origin.sequence == 1 else { return false }
            last.append(origin)
            last.sort { $0.node < $1.node }
            return true
        }
        let known = last[place]
        let isNext =
            origin.incarnation == known.incarnation
            ? origin.sequence == known.sequence &+ 1 : origin.incarnation > known.incarnation && origin.sequence == 1
        if isNext { last[place] = origin }
        return isNext
    }

    /// Removes the row of a former member; false if it had none.
    mutating func forget(_ node: NodeID) -> Bool {
        guard let place = last.firstIndex(where: { $0.node == node }) else { return false }
        last.remove(at: place)
        return true
    }

    /// The last known life of `node`.
    func incarnation(of node: NodeID) -> Int64 { last.first { $0.node == node }?.incarnation ?? 0 }

    /// The rows as they are now.
    func upserts(into rows: inout RowChanges) {
        for origin in last {
            rows.upsert(Self.schema, [.integer(origin.node.rawValue), .integer(origin.incarnation), .integer(origin.sequence)])
        }
    }

    package mutating func load(_ row: Row) throws(StateCorruption) {
        guard let node = row[0].integer, let incarnation = row[1].integer, let sequence = row[2].integer else {
            throw StateCorruption("a row of origins is incomplete")
        }
        last.append(Origin(node: NodeID(node), incarnation: incarnation, sequence: sequence))
    }
}
