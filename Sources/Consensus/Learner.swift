// The learner's role: which slots a quorum has made durable. Slots are decided and released strictly in order, and only when they are
// durable here as well: tables that run ahead of their own log could not be continued after a crash.
import Base

/// Finds the decided prefix.
package struct Learner: Sendable {
    /// Everything up to here is decided and durable here, and was released for execution.
    package private(set) var committed: Slot
    /// The highest slot each member has made durable under the present ballot, in the order of `members`.
    private var durable: [Slot]
    private var members: [NodeID]

    package init(members: [NodeID], committed: Slot) {
        self.members = members
        self.committed = committed
        durable = members.map { _ in .zero }
    }

    package var quorum: Int { members.count / 2 + 1 }

    /// A new leadership counts afresh, among these voters.
    mutating func beginBallot(_ voters: [NodeID]) {
        members = voters
        durable = voters.map { _ in .zero }
    }

    func durable(of node: NodeID) -> Slot { members.firstIndex(of: node).map { durable[$0] } ?? .zero }

    /// Notes that `node` holds everything up to `slot` under the present ballot.
    mutating func accepted(by node: NodeID, through slot: Slot) {
        guard let place = members.firstIndex(of: node) else { return }
        durable[place] = max(durable[place], slot)
    }

    /// The last slot that a quorum holds durably, `node` itself among it.
    func decided(on node: NodeID) -> Slot { min(durable.sorted(by: >)[quorum - 1], durable(of: node)) }

    /// Everything up to `slot` is decided and durable here; returns the newly decided slots.
    mutating func advance(to slot: Slot) -> ClosedRange<Int64>? {
        guard slot > committed else { return nil }
        defer { committed = slot }
        return committed.rawValue + 1...slot.rawValue
    }

    /// The tables hold everything up to `slot` already.
    mutating func skip(to slot: Slot) { committed = max(committed, slot) }
}
