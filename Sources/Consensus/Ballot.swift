// Ballots: totally ordered, and no two nodes ever use the same one.
// Source: Lamport, "Paxos Made Simple", section 2.2.
import Base

/// A leadership attempt: a round and the node that opened it. The round counts leaderships; the node breaks ties.
package struct Ballot: Hashable, Comparable, Sendable {
    package var round: Int64
    package var node: NodeID

    package init(round: Int64 = 0, node: NodeID = NodeID(0)) {
        self.round = round
        self.node = node
    }

    /// Below every ballot that a node opens.
    package static let none = Ballot()

    package static func < (left: Ballot, right: Ballot) -> Bool {
        (left.round, left.node) < (right.round, right.node)
    }

    /// The lowest ballot of `node` above this one.
    package func successor(for node: NodeID) -> Ballot { Ballot(round: round &+ 1, node: node) }

    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&round)
        try io.id(&node)
    }
}
