// The commands of coord's log: begin and end of sessions, writes to the tree, deletion of expired nodes. The service makes them from the
// wire's requests. A released tag never changes its meaning.
import Base

/// A session's number, unique over the cluster's life. Its highest byte stays below 0x80, which marks nodes that no session owns.
package struct SessionID: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static let none = SessionID(0)
}

/// A command of coord's log.
package enum CoordCommand: WireLayout, Equatable {
    /// A session begins on the connection number `owner`; 0 for any connection, here and below.
    case openSession(SessionID, timeoutMilliseconds: Int32, password: Bytes, owner: Int64 = 0)
    /// A session goes on over another connection; whatever still comes over the one before is refused.
    case attachSession(SessionID, timeoutMilliseconds: Int32, owner: Int64)
    case closeSession(SessionID, owner: Int64 = 0)
    /// All operations take place, or none.
    /// With `withinQuota`, hard quotas refuse; servers that enforce them ask for it.
    case write(SessionID, owner: Int64 = 0, withinQuota: Bool = false, identities: [Identity], operations: [CoordOperation])
    /// The same for a session whose identities are larger than its writes: `identities` count for this write and are remembered; without
    /// them the remembered ones count.
    case writeAs(SessionID, owner: Int64 = 0, withinQuota: Bool = false, identities: [Identity]?, operations: [CoordOperation])
    /// A write of a session that only its own server knows, and that therefore owns nothing.
    case localWrite(withinQuota: Bool, identities: [Identity], operations: [CoordOperation])
    /// Deletes those of `paths` whose time is up when this is executed. A container that never had a child lives `unusedMilliseconds`.
    case reap(paths: [String], unusedMilliseconds: Int64)

    package init() { self = .closeSession(.none) }

    private var tag: Int8 {
        switch self {
        case .openSession(_, _, _, let owner): owner == 0 ? 1 : 5
        case .closeSession(_, let owner): owner == 0 ? 2 : 6
        case .write(_, let owner, let withinQuota, _, _): withinQuota ? 9 : owner == 0 ? 3 : 7
        case .reap: 4
        case .attachSession: 8
        case .localWrite: 10
        case .writeAs: 11
        }
    }

    /// About how many bytes it takes in the log, rather more than less.
    var byteEstimate: Int {
        switch self {
        case .write(_, _, _, let identities, let operations), .localWrite(_, let identities, let operations):
            32 + identities.count * 48 + operations.reduce(0) { $0 + $1.byteEstimate }
        case .writeAs(_, _, _, let identities, let operations):
            32 + (identities ?? []).reduce(0) { $0 + $1.byteCount } + operations.reduce(0) { $0 + $1.byteEstimate }
        case .openSession, .attachSession, .closeSession, .reap: 128
        }
    }

    private var owner: Int64 {
        switch self {
        case .openSession(_, _, _, let owner), .attachSession(_, _, let owner), .closeSession(_, let owner), .write(_, let owner, _, _, _),
            .writeAs(_, let owner, _, _, _):
            owner
        case .reap, .localWrite: 0
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = tag
        try io.int8(&tag)
        var session = SessionID.none
        switch self {
        case .openSession(let id, _, _, _), .attachSession(let id, _, _), .closeSession(let id, _), .write(let id, _, _, _, _),
            .writeAs(let id, _, _, _, _):
            session = id
        case .reap, .localWrite: break
        }
        try io.id(&session)
        // Tags from 5 on name the connection.
        var owner = owner
        if tag >= 5 { try io.int64(&owner) }
        switch tag {
        case 1, 5:
            var timeout: Int32 = 0
            var password = Bytes()
            if case .openSession(_, let own, let secret, _) = self { (timeout, password) = (own, secret) }
            try io.int32(&timeout)
            try io.bytes(&password)
            self = .openSession(session, timeoutMilliseconds: timeout, password: password, owner: owner)
        case 2, 6: self = .closeSession(session, owner: owner)
        case 3, 7, 9:
            var identities: [Identity] = []
            var operations: [CoordOperation] = []
            if case .write(_, _, _, let who, let what) = self { (identities, operations) = (who, what) }
            try io.list(&identities)
            try io.list(&operations)
            self = .write(session, owner: owner, withinQuota: tag == 9, identities: identities, operations: operations)
        case 11:
            var withinQuota = false
            var (identities, operations) = ([Identity]?.none, [CoordOperation]())
            if case .writeAs(_, _, let own, let who, let what) = self { (withinQuota, identities, operations) = (own, who, what) }
            try io.bool(&withinQuota)
            try io.optionalList(&identities)
            try io.list(&operations)
            self = .writeAs(session, owner: owner, withinQuota: withinQuota, identities: identities, operations: operations)
        case 10:
            var withinQuota = false
            var (identities, operations) = ([Identity](), [CoordOperation]())
            if case .localWrite(let own, let who, let what) = self { (withinQuota, identities, operations) = (own, who, what) }
            try io.bool(&withinQuota)
            try io.list(&identities)
            try io.list(&operations)
            self = .localWrite(withinQuota: withinQuota, identities: identities, operations: operations)
        case 8:
            var timeout: Int32 = 0
            if case .attachSession(_, let own, _) = self { timeout = own }
            try io.int32(&timeout)
            self = .attachSession(session, timeoutMilliseconds: timeout, owner: owner)
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
