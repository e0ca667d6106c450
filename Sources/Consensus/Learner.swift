// The learner's role: which slots a quorum has made durable, and which of those were handed out for execution. Slots are decided
// and released strictly in order.
import Base

/// Counts acknowledgements and finds the decided prefix.
package struct Learner: Sendable {
    package private(set) var committed: Slot
    /// The highest slot each member has made durable under the present ballot.
    private var durable: [NodeID: Slot] = [:]
    private let members: [NodeID]

    package init(members: [NodeID], committed: Slot) {
        self.members = members.sorted()
        self.committed = committed
    }

    package var quorum: Int { members.count / 2 + 1 }

    /// A new leadership counts afresh.
    mutating func beginBallot() { durable = [:] }

    /// Notes that `node` holds everything up to `slot`; returns the newly decided slots.
    mutating func accepted(by node: NodeID, through slot: Slot) -> ClosedRange<Int64>? {
        durable[node] = max(durable[node] ?? .zero, slot)
        let held = members.map { durable[$0] ?? .zero }.sorted(by: >)
        return advance(to: held[quorum - 1])
    }

    /// The leader says that everything up to `slot` is decided.
    mutating func advance(to slot: Slot) -> ClosedRange<Int64>? {
        guard slot > committed else { return nil }
        defer { committed = slot }
        return committed.rawValue + 1...slot.rawValue
    }
}
