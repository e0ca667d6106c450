// The callbacks of a replica: its owner sets them once; the replica calls them on the loop.
import Base
import Consensus

/// A replica's callbacks to its service, on the loop.
package struct ReplicaEvents<Outcome: Sendable> {
    /// After every executed command, before the next one is executed and before the proposal's own completion.
    package var onExecuted: (Outcome) -> Void = { _ in }
    /// The members of the group, or this replica's part in it, changed.
    package var onMembers: () -> Void = {}
    /// Another replica leads, or none.
    package var onLeader: (NodeID?) -> Void = { _ in }
    /// A peer's state, far ahead, replaced the old one; or the state was given up until a peer's comes (`awaitsTables`).
    package var onInstalled: () -> Void = {}
    /// A peer's own bytes.
    package var onService: (Bytes, NodeID) -> Void = { _, _ in }
    /// Sends a frame to a peer; drops it without a connection.
    package var send: (Bytes, NodeID) -> Void = { _, _ in }

    package init() {}
}
