// The durable side of sessions: which exist, with which timeout and password. When a session was last heard from is not here,
// since that is the leader's own clock and no part of the replicated state.
import Base
import Collections

/// A session as every replica knows it.
package struct SessionRecord: Sendable, Equatable {
    package var timeoutMilliseconds: Int32
    /// 16 random bytes; a client that presents them may take the session over.
    package var password: Bytes
    /// The number of the session's connection, unique over all servers; 0 for none.
    package var owner: Int64 = 0
    /// Who it was when it last wrote, if that was worth remembering.
    package var identities: [Identity] = []
}

/// All open sessions.
package struct SessionTable: Sendable {
    private var sessions = OrderedDictionary<SessionID, SessionRecord>()
    package init() {}
    package var count: Int { sessions.count }
    package var ids: [SessionID] { Array(sessions.keys) }
    package subscript(id: SessionID) -> SessionRecord? { sessions[id] }

    package mutating func open(_ id: SessionID, _ record: SessionRecord) { sessions[id] = record }

    /// False if there is no such session.
    mutating func setOwner(_ id: SessionID, _ owner: Int64) -> Bool {
        guard sessions[id] != nil else { return false }
        sessions[id]?.owner = owner
        return true
    }

    /// False if there is no such session.
    mutating func setIdentities(_ id: SessionID, _ identities: [Identity]) -> Bool {
        guard sessions[id] != nil else { return false }
        sessions[id]?.identities = identities
        return true
    }

    package mutating func close(_ id: SessionID) -> Bool {
        sessions.removeUnordered(id) != nil
    }
}
