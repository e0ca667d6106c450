// Requests that only look: answered from the state on the session's own server, behind that session's earlier writes.
import Base
import CoordCore
import ZooKeeperWire

enum ReadRequests {
    static func exists(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        var request = PathWatchRequest()
        try request.layout(&io)
        guard let path = request.path, ZnodePath.isValid(path) else { return .refused(.badArguments) }
        // A watch on a missing node waits for its creation.
        if request.watch, !context.watch(.data, path) { return .refused(.badArguments) }
        guard let node = machine.tree.node(path) else { return .refused(.noNode) }
        return .body(encode(StatResponse(stat: node.record)))
    }

    static func getData(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        try visit(&io, machine, context, .data) { _, node in encode(GetDataResponse(data: node.data, stat: node.record)) }
    }

    static func getChildren(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        try visit(&io, machine, context, .child) { _, node in encode(NamesResponse(names: node.children.sorted)) }
    }

    static func getChildren2(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        try visit(&io, machine, context, .child) { _, node in encode(NamesStatResponse(names: node.children.sorted, stat: node.record)) }
    }

    /// A read of an existing node that the caller may read, with its watch.
    private static func visit(
        _ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext, _ kind: WatchKind, _ body: (String, Znode) -> Bytes
    ) throws(WireError) -> CoordAnswer {
        var request = PathWatchRequest()
        try request.layout(&io)
        guard let path = request.path, ZnodePath.isValid(path) else { return .refused(.badArguments) }
        guard let node = machine.tree.node(path) else { return .refused(.noNode) }
        guard AccessControl.allows(node.acl, .read, to: context.identities) else { return .refused(.noAuth) }
        if request.watch, !context.watch(kind, path) { return .refused(.badArguments) }
        return .body(body(path, node))
    }

    static func getACL(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        var request = PathRequest()
        try request.layout(&io)
        guard let path = request.path, ZnodePath.isValid(path) else { return .refused(.badArguments) }
        guard let node = machine.tree.node(path) else { return .refused(.noNode) }
        let isAdmin = AccessControl.allows(node.acl, .admin, to: context.identities)
        guard isAdmin || AccessControl.allows(node.acl, .read, to: context.identities) else { return .refused(.noAuth) }
        let list = node.acl.map { right in
            let hide = right.identity.scheme == "digest" && !isAdmin
            let user = right.identity.id.split(separator: ":", maxSplits: 1).first.map(String.init) ?? ""
            return ACLRecord(permissions: right.permissions.rawValue, scheme: right.identity.scheme, id: hide ? user + ":x" : right.identity.id)
        }
        return .body(encode(GetACLResponse(acl: list, stat: node.record)))
    }

    /// The state here is the leader's own, so everything that was acknowledged anywhere is visible already.
    static func sync(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        var request = PathRequest()
        try request.layout(&io)
        guard let path = request.path else { return .refused(.badArguments) }
        return .body(encode(PathResponse(path: path)))
    }
}

extension Znode {
    /// The statistics as clients see them.
    var record: StatRecord {
        var record = StatRecord()
        record.czxid = stat.czxid
        record.mzxid = stat.mzxid
        record.ctime = stat.ctime
        record.mtime = stat.mtime
        record.version = stat.version
        record.cversion = changeVersion
        record.aversion = stat.aversion
        record.ephemeralOwner = stat.ephemeralOwner
        record.dataLength = Int32(data?.readableBytes ?? 0)
        record.numChildren = Int32(children.count)
        record.pzxid = stat.pzxid
        return record
    }
}
