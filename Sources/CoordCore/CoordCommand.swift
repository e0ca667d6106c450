// What the log holds for coord: sessions that begin and end, writes to the tree, and nodes that go by themselves. The wire's requests are
// turned into these before they are proposed; a released tag never changes its meaning.
import Base

/// A session's number, unique over the cluster's life. Its highest byte stays below 0x80, which marks nodes that no session owns.
package struct SessionID: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static let none = SessionID(0)
}

/// A command of coord's log.
package enum CoordCommand: WireLayout, Equatable {
    case openSession(SessionID, timeoutMilliseconds: Int32, password: Bytes)
    case closeSession(SessionID)
    /// All operations take place, or none.
    case write(SessionID, identities: [Identity], operations: [CoordOperation])
    /// The same, and hard quotas refuse; proposed by servers that enforce them.
    case writeWithinQuota(SessionID, identities: [Identity], operations: [CoordOperation])
    /// Deletes those of `paths` whose time is up when this is executed. A container that never had a child lives `unusedMilliseconds`.
    case reap(paths: [String], unusedMilliseconds: Int64)

    package init() { self = .closeSession(.none) }

    private var tag: Int8 {
        switch self {
        case .openSession: 1
        case .closeSession: 2
        case .write: 3
        case .reap: 4
        case .writeWithinQuota: 5
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = tag
        try io.int8(&tag)
        var session = SessionID.none
        switch self {
        case .openSession(let id, _, _), .closeSession(let id), .write(let id, _, _), .writeWithinQuota(let id, _, _): session = id
        case .reap: break
        }
        try io.id(&session)
        switch tag {
        case 1:
            var timeout: Int32 = 0
            var password = Bytes()
            if case .openSession(_, let own, let secret) = self { (timeout, password) = (own, secret) }
            try io.int32(&timeout)
            try io.bytes(&password)
            self = .openSession(session, timeoutMilliseconds: timeout, password: password)
        case 2: self = .closeSession(session)
        case 3, 5:
            var identities: [Identity] = []
            var operations: [CoordOperation] = []
            switch self {
            case .write(_, let who, let what), .writeWithinQuota(_, let who, let what): (identities, operations) = (who, what)
            case .openSession, .closeSession, .reap: break
            }
            try io.list(&identities)
            try io.list(&operations)
            self =
                tag == 3
                ? .write(session, identities: identities, operations: operations)
                : .writeWithinQuota(session, identities: identities, operations: operations)
        case 4:
            var paths: [String] = []
            var unused: Int64 = 0
            if case .reap(let names, let milliseconds) = self { (paths, unused) = (names, milliseconds) }
            try io.strings(&paths)
            try io.int64(&unused)
            self = .reap(paths: paths, unusedMilliseconds: unused)
        default: throw .unknownTag("coord command", Int(tag))
        }
    }
}
