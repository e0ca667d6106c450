// What replicas say to each other. Prepare and Promise open a leadership once; Accept and Accepted carry each batch; the decision
// (Commit) travels on the next Accept.
import Base

/// A message between two replicas.
package enum PaxosMessage: Equatable, Sendable {
    /// The leader-to-be asks: promise `ballot`, and tell what you accepted from `slot` on.
    case prepare(Ballot, from: Slot)
    /// The promise, with the accepted suffix.
    case promise(Ballot, accepted: [LogEntry])
    /// A higher ballot was promised already.
    case refuse(promised: Ballot)
    /// Accept these entries; everything up to `committed` is decided.
    case accept(Ballot, entries: [LogEntry], committed: Slot)
    /// Every entry up to `through` is durable under this ballot.
    case accepted(Ballot, through: Slot)
}

/// A message with its way.
package struct Envelope: Equatable, Sendable {
    package var from: NodeID
    package var to: NodeID
    package var message: PaxosMessage

    package init(from: NodeID, to: NodeID, _ message: PaxosMessage) {
        self.from = from
        self.to = to
        self.message = message
    }
}
