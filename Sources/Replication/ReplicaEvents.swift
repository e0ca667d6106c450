// The callbacks of a replica: its owner sets them once, and they are called on the loop.
import Base
import Consensus

/// A replica's callbacks to its service, on the loop.
package struct ReplicaEvents<Outcome: Sendable> {
    /// After every executed command, before the next one is executed and before the proposal's own completion.
    package var onExecuted: (Outcome) -> Void = { _ in }
    /// Other members belong to the group, or this replica plays another part in it.
    package var onMembers: () -> Void = {}
    /// Another replica leads, or none.
    package var onLeader: (NodeID?) -> Void = { _ in }
    /// The state was replaced by a peer's, far ahead of the old one, or given up until a peer's comes (`awaitsTables`).
    package var onInstalled: () -> Void = {}
    /// A peer's own bytes.
    package var onService: (Bytes, NodeID) -> Void = { _, _ in }
    /// How a frame gets to a peer; dropped where there is no connection.
    package var send: (Bytes, NodeID) -> Void = { _, _ in }

    package init() {}
}
