// What the log holds for coord: sessions that begin and end, and writes to the tree. The wire's requests are turned into these before
// they are proposed; a released tag never changes its meaning.
import Base

/// A session's number, unique over the cluster's life.
package struct SessionID: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static let none = SessionID(0)
}

/// One write. Versions of -1 match any.
package enum CoordOperation: WireLayout, Equatable {
    case create(path: String, data: Bytes?, acl: [AccessRight], ephemeral: Bool, sequential: Bool)
    case delete(path: String, version: Int32)
    case setData(path: String, data: Bytes?, version: Int32)
    case setACL(path: String, acl: [AccessRight], version: Int32)
    case check(path: String, version: Int32)

    package init() { self = .check(path: "/", version: -1) }

    private var tag: Int8 {
        switch self {
        case .create: 1
        case .delete: 2
        case .setData: 3
        case .setACL: 4
        case .check: 5
        }
    }

    package var path: String {
        switch self {
        case .create(let path, _, _, _, _), .delete(let path, _), .setData(let path, _, _), .setACL(let path, _, _), .check(let path, _): path
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = tag
        try io.int8(&tag)
        var path = path
        try io.string(&path)
        var data: Bytes?
        var acl: [AccessRight] = []
        var version: Int32 = -1
        var ephemeral = false
        var sequential = false
        switch self {
        case .create(_, let own, let list, let owned, let numbered): (data, acl, ephemeral, sequential) = (own, list, owned, numbered)
        case .setData(_, let own, let expected): (data, version) = (own, expected)
        case .setACL(_, let list, let expected): (acl, version) = (list, expected)
        case .delete(_, let expected), .check(_, let expected): version = expected
        }
        switch tag {
        case 1:
            try io.optionalBytes(&data)
            try io.list(&acl)
            try io.bool(&ephemeral)
            try io.bool(&sequential)
            self = .create(path: path, data: data, acl: acl, ephemeral: ephemeral, sequential: sequential)
        case 2:
            try io.int32(&version)
            self = .delete(path: path, version: version)
        case 3:
            try io.optionalBytes(&data)
            try io.int32(&version)
            self = .setData(path: path, data: data, version: version)
        case 4:
            try io.list(&acl)
            try io.int32(&version)
            self = .setACL(path: path, acl: acl, version: version)
        case 5:
            try io.int32(&version)
            self = .check(path: path, version: version)
        default: throw .unknownTag("coord operation", Int(tag))
        }
    }
}

/// A command of coord's log.
package enum CoordCommand: WireLayout, Equatable {
    case openSession(SessionID, timeoutMilliseconds: Int32, password: Bytes)
    case closeSession(SessionID)
    /// All operations take place, or none.
    case write(SessionID, identities: [Identity], operations: [CoordOperation])

    package init() { self = .closeSession(.none) }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag: Int8 =
            switch self {
            case .openSession: 1
            case .closeSession: 2
            case .write: 3
            }
        try io.int8(&tag)
        var session = SessionID.none
        switch self {
        case .openSession(let id, _, _), .closeSession(let id), .write(let id, _, _): session = id
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
        case 3:
            var identities: [Identity] = []
            var operations: [CoordOperation] = []
            if case .write(_, let who, let what) = self { (identities, operations) = (who, what) }
            try io.list(&identities)
            try io.list(&operations)
            self = .write(session, identities: identities, operations: operations)
        default: throw .unknownTag("coord command", Int(tag))
        }
    }
}

/// An expected "no", mapped to a protocol code in one table of the service.
package enum CoordRefusal: Error, Sendable, Hashable {
    case badArguments, noNode, noAuth, badVersion, noChildrenForEphemerals, nodeExists, notEmpty, invalidACL, sessionExpired
}

/// What one operation came to.
package enum OperationResult: Sendable, Equatable {
    case created(path: String)
    case deleted
    case changed(path: String)
    case checked
}

/// Something that watches may wait for.
package enum TreeEvent: Sendable, Hashable {
    case created(String)
    case deleted(String)
    case dataChanged(String)
    case childrenChanged(String)
}

/// What a command came to.
package struct CoordOutcome: Sendable {
    package var zxid: Int64
    /// The results in order, or the first operation that was refused, with its place.
    package var result: Result<[OperationResult], OperationRefusal>
    /// What happened to the tree, in order.
    package var events: [TreeEvent] = []
    package var closedSession: SessionID?

    package struct OperationRefusal: Error, Sendable, Equatable {
        package var place: Int
        package var reason: CoordRefusal
    }
}
