// Requests that change the tree: read from the wire, turned into operations of the log. Access is checked where they are executed,
// against the state that they meet there.
import Base
import CoordCore
import ZooKeeperWire

enum WriteRequests {
    /// Bits of a create request's flags.
    private static let ephemeralFlag: Int32 = 1
    private static let sequentialFlag: Int32 = 2

    static func create(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        CoordWrite(operations: [try createOperation(&io)]) { results, _ in
            guard case .created(let path)? = results.first else { return Bytes() }
            return encode(PathResponse(path: path))
        }
    }

    static func create2(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        CoordWrite(operations: [try createOperation(&io)]) { results, machine in
            guard case .created(let path)? = results.first else { return Bytes() }
            return encode(PathStatResponse(path: path, stat: machine.tree.node(path)?.record ?? StatRecord()))
        }
    }

    /// The operation of a create; a request that cannot be one (null path, unknown flags) becomes one that is refused with BadArguments.
    static func createOperation(_ io: inout JuteReader) throws(WireError) -> CoordOperation {
        var request = CreateRequest()
        try request.layout(&io)
        guard let path = request.path, (0...3).contains(request.flags) else {
            return .create(path: "", data: nil, acl: [], ephemeral: false, sequential: false)
        }
        return .create(
            path: path, data: request.data?.copied(), acl: (request.acl ?? []).map(\.right),
            ephemeral: request.flags & ephemeralFlag != 0, sequential: request.flags & sequentialFlag != 0)
    }

    static func delete(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        CoordWrite(operations: [try deleteOperation(&io)]) { _, _ in Bytes() }
    }

    static func deleteOperation(_ io: inout JuteReader) throws(WireError) -> CoordOperation {
        var request = PathVersionRequest()
        try request.layout(&io)
        return .delete(path: request.path ?? "", version: request.version)
    }

    static func checkOperation(_ io: inout JuteReader) throws(WireError) -> CoordOperation {
        var request = PathVersionRequest()
        try request.layout(&io)
        return .check(path: request.path ?? "", version: request.version)
    }

    static func setData(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        CoordWrite(operations: [try setDataOperation(&io)]) { results, machine in statOf(results.first, machine) }
    }

    static func setDataOperation(_ io: inout JuteReader) throws(WireError) -> CoordOperation {
        var request = SetDataRequest()
        try request.layout(&io)
        return .setData(path: request.path ?? "", data: request.data?.copied(), version: request.version)
    }

    static func setACL(_ io: inout JuteReader) throws(WireError) -> CoordWrite {
        var request = SetACLRequest()
        try request.layout(&io)
        let operation = CoordOperation.setACL(path: request.path ?? "", acl: (request.acl ?? []).map(\.right), version: request.version)
        return CoordWrite(operations: [operation]) { results, machine in statOf(results.first, machine) }
    }

    static func statOf(_ result: OperationResult?, _ machine: borrowing CoordMachine) -> Bytes {
        guard case .changed(let path)? = result else { return Bytes() }
        return encode(StatResponse(stat: machine.tree.node(path)?.record ?? StatRecord()))
    }
}

extension ACLRecord {
    var right: AccessRight { AccessRight(Permissions(rawValue: permissions), scheme: scheme, id: id) }
}
