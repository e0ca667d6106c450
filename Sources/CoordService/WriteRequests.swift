// Requests that change the tree: read from the wire, turned into operations of the log. Access is checked where they are executed,
// against the state that they meet there.
import Base
import CoordCore
import ZooKeeperWire

enum WriteRequests {
    /// The flags of a create request; numbers of ZooKeeper's CreateMode.
    private enum Mode: Int32 {
        case persistent = 0, ephemeral, sequential, ephemeralSequential, container, ttl, ttlSequential
        var isSequential: Bool { self == .sequential || self == .ephemeralSequential || self == .ttlSequential }
    }

    /// An operation that is refused with BadArguments in its turn, for a request that cannot be one.
    static let impossible = CoordOperation.create(path: "", data: nil, acl: [], ephemeral: false, sequential: false)

    static func create(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        CoordWrite(operations: [try createOperation(&io) ?? impossible]) { results in
            guard case .created(let path, _)? = results.first else { return .body(Bytes()) }
            return .path(path)
        }
    }

    static func create2(_ io: inout JuteReader) throws(WireError) -> CoordWrite { withStat(try createOperation(&io)) }
    static func createContainer(_ io: inout JuteReader) throws(WireError) -> CoordWrite { withStat(try containerOperation(&io)) }
    static func createTTL(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        var request = CreateTTLRequest()
        try request.layout(&io)
        // As in ZooKeeper, a time to live that none can have is refused before the path is looked at.
        return withStat(NodeLife.isTTL(milliseconds: request.milliseconds) ? try ttlOperation(request) : nil)
    }

    private static func withStat(_ operation: CoordOperation?) -> CoordWrite {
        CoordWrite(operations: [operation ?? impossible]) { results in
            guard case .created(let path, let status)? = results.first else { return .body(Bytes()) }
            return .body(encode(PathStatResponse(path: path, stat: status.record)))
        }
    }

    private static func request(_ io: inout JuteReader, _ needsList: Bool) throws(WireError) -> CreateRequest {
        var request = CreateRequest()
        try request.read(&io)
        guard !needsList || request.acl != nil else { throw .unexpectedNull }
        return request
    }

    private static func present(_ path: String?) throws(WireError) -> String {
        guard let path else { throw .unexpectedNull }
        return path
    }

    /// The operation of a create, nil if its flags make none. Container as a flag gives an ordinary node, as it does in ZooKeeper.
    static func createOperation(_ io: inout JuteReader, needsList: Bool = false) throws(WireError) -> CoordOperation? {
        try createOperation(try request(&io, needsList))
    }

    private static func createOperation(_ request: CreateRequest) throws(WireError) -> CoordOperation? {
        guard let mode = Mode(rawValue: request.flags), mode != .ttl, mode != .ttlSequential else { return nil }
        let path = try present(request.path)
        let ephemeral = mode == .ephemeral || mode == .ephemeralSequential
        return .create(path: path, data: request.data?.copied(), acl: request.rights, ephemeral: ephemeral, sequential: mode.isSequential)
    }

    static func containerOperation(_ io: inout JuteReader, needsList: Bool = false) throws(WireError) -> CoordOperation? {
        try containerOperation(try request(&io, needsList))
    }

    private static func containerOperation(_ request: CreateRequest) throws(WireError) -> CoordOperation? {
        guard let mode = Mode(rawValue: request.flags), mode != .ttl, mode != .ttlSequential else { return nil }
        let path = try present(request.path)
        return .createContainer(path: path, data: request.data?.copied(), acl: request.rights, sequential: mode.isSequential)
    }

    /// Within a multi flags that name no node with a time to live make it a create, or a container; a null path comes before flags that
    /// name nothing at all.
    static func ttlOperationInMulti(_ io: inout JuteReader) throws(WireError) -> (CoordOperation, OpCode) {
        var request = CreateTTLRequest()
        try request.layout(&io)
        _ = try present(request.create.path)
        if let operation = try ttlOperation(request) { return (operation, .createTTL) }
        if Mode(rawValue: request.create.flags) == .container {
            return (try containerOperation(request.create) ?? impossible, .createContainer)
        }
        return (try createOperation(request.create) ?? impossible, .create)
    }

    private static func ttlOperation(_ request: CreateTTLRequest) throws(WireError) -> CoordOperation? {
        guard let mode = Mode(rawValue: request.create.flags), mode == .ttl || mode == .ttlSequential else { return nil }
        let path = try present(request.create.path)
        return .createTTL(
            path: path, data: request.create.data?.copied(), acl: request.create.rights, sequential: mode.isSequential,
            milliseconds: request.milliseconds)
    }

    static func delete(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        CoordWrite(operations: [try deleteOperation(&io)]) { _ in .body(Bytes()) }
    }

    static func deleteOperation(_ io: inout JuteReader) throws(WireError) -> CoordOperation {
        var request = PathVersionRequest()
        try request.layout(&io)
        guard let path = request.path else { throw .unexpectedNull }
        return .delete(path: path, version: request.version)
    }

    /// Only a multi has checks; as in ZooKeeper, a path that is null makes the whole request unreadable.
    static func checkOperation(_ io: inout JuteReader) throws(WireError) -> CoordOperation {
        var request = PathVersionRequest()
        try request.layout(&io)
        return .check(path: try present(request.path), version: request.version)
    }

    static func setData(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        CoordWrite(operations: [try setDataOperation(&io)]) { statOf($0.first) }
    }

    static func setDataOperation(_ io: inout JuteReader, needsPath: Bool = false) throws(WireError) -> CoordOperation {
        var request = SetDataRequest()
        try request.read(&io)
        guard !needsPath || request.path != nil else { throw .unexpectedNull }
        return .setData(path: request.path ?? "", data: request.data?.copied(), version: request.version)
    }

    static func setACL(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        var request = SetACLRequest()
        try request.layout(&io)
        let operation = CoordOperation.setACL(path: request.path ?? "", acl: (request.acl ?? []).map(\.right), version: request.version)
        return CoordWrite(operations: [operation]) { statOf($0.first) }
    }

    static func statOf(_ result: OperationResult?) -> CoordAnswer {
        guard case .changed(_, let status)? = result else { return .body(Bytes()) }
        return .stat(status.record)
    }
}

extension ACLRecord {
    var right: AccessRight { AccessRight(Permissions(rawValue: permissions), scheme: scheme, id: id) }
}

extension CreateRequest {
    fileprivate var rights: [AccessRight] { (acl ?? []).map(\.right) }
}
