// The outcome of a command of the log: results or a refusal, and events for watches. Values only; the service makes replies and
// notifications of them.
import Base

/// An expected "no", mapped to a protocol code in one table of the service.
package enum CoordRefusal: Error, Sendable, Hashable, CaseIterable {
    case badArguments, noNode, noAuth, badVersion, noChildrenForEphemerals, nodeExists, notEmpty, invalidACL, sessionExpired, quotaExceeded
    /// The session goes on over another connection.
    case sessionMoved
    case ephemeralOnLocalSession
}

/// A node's statistics right after an operation; in a multi a later operation may have changed them again.
package struct NodeStatus: Sendable, Hashable {
    package var stat: ZnodeStat
    package var dataBytes: Int
    package var childCount: Int

    /// Creations plus deletions of children, as clients know it.
    package var changeVersion: Int32 { stat.childrenCreated &* 2 &- Int32(truncatingIfNeeded: childCount) }
}

/// What one operation came to.
package enum OperationResult: Sendable, Equatable {
    case created(path: String, NodeStatus)
    case deleted
    case changed(path: String, NodeStatus)
    case checked
}

/// Something that watches may wait for.
package struct TreeEvent: Sendable, Hashable {
    package enum Kind: Sendable, Hashable { case created, deleted, dataChanged, childrenChanged }
    package var kind: Kind
    package var path: String
    /// The node's access list at the time of the event: sessions without READ get no notification.
    package var acl: [AccessRight]

    package init(_ kind: Kind, _ path: String, acl: [AccessRight]) {
        self.kind = kind
        self.path = path
        self.acl = acl
    }
}

/// The outcome of a command.
package struct CoordOutcome: Sendable {
    package var zxid: Int64
    /// The results in order, or the first operation that was refused, with its place.
    package var result: Result<[OperationResult], OperationRefusal>
    /// What happened to the tree, in order.
    package var events: [TreeEvent] = []
    package var closedSession: SessionID?
    /// A session began, or goes on over another connection.
    package var attachedSession: SessionID?

    package struct OperationRefusal: Error, Sendable, Equatable {
        package var place: Int
        package var reason: CoordRefusal
    }
}
