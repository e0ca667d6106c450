// Requests that only look: answered from the state on the session's own server, behind that session's earlier writes. A path is only
// looked up here; one that could not exist is simply missing, as in ZooKeeper, and the empty path is the root.
import Base
import CoordCore
import ZooKeeperWire

enum ReadRequests {
    static func exists(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        let (path, watch) = try pathAndWatch(&io)
        // Of all reads ZooKeeper looks at the path of this one only.
        if path.utf8.contains(0) { return .refused(.badArguments) }
        let node = machine.tree.outline(path)
        if let node, !AccessControl.allows(node.acl, .read, to: context.identities) { return .refused(.noAuth) }
        // A watch on a missing node waits for its creation.
        if watch, !context.watches.add(.data, path) { return .refused(.badArguments) }
        guard let node else { return .refused(.noNode) }
        return .stat(node.status.record)
    }

    static func getData(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer
    {
        let (path, watch) = try pathAndWatch(&io)
        guard let node = machine.tree.node(path) else { return .refused(.noNode) }
        guard AccessControl.allows(node.acl, .read, to: context.identities) else { return .refused(.noAuth) }
        if watch, !context.watches.add(.data, path) { return .refused(.badArguments) }
        return .node(GetDataResponse(data: node.data, stat: node.status.record))
    }

    static func getChildren(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError)
        -> CoordAnswer
    {
        switch try visit(&io, machine, context) {
        case .refused(let code): .refused(code)
        case .node(let path, _): .body(children(of: path, machine))
        }
    }

    static func getChildren2(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError)
        -> CoordAnswer
    {
        switch try visit(&io, machine, context) {
        case .refused(let code): .refused(code)
        case .node(let path, let node):
            .body(children(of: path, machine, node.status.record))
        }
    }

    /// The names, and the node's statistics if they are asked for.
    private static func children(of path: String, _ machine: borrowing CoordMachine, _ stat: StatRecord? = nil) -> Bytes {
        var bytes = Bytes()
        if !machine.tree.writeChildren(of: path, into: &bytes) { preconditionFailure("a node that was visited is there") }
        stat?.write(into: &bytes)
        return bytes
    }

    private enum Found {
        case node(String, ZnodeOutline)
        case refused(ZKErrorCode)
    }

    /// An existing node whose children the caller may read; its watch is set.
    private static func visit(
        _ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext
    ) throws(WireError) -> Found {
        let (path, watch) = try pathAndWatch(&io)
        guard let node = machine.tree.outline(path) else { return .refused(.noNode) }
        guard AccessControl.allows(node.acl, .read, to: context.identities) else { return .refused(.noAuth) }
        if watch, !context.watches.add(.child, path) { return .refused(.badArguments) }
        return .node(path, node)
    }

    private static func pathAndWatch(_ io: inout JuteReader) throws(WireError) -> (path: String, watch: Bool) {
        var request = PathWatchRequest()
        try request.read(&io)
        return (try named(request.path), request.watch)
    }

    private static func path(_ io: inout JuteReader) throws(WireError) -> String {
        var request = PathRequest()
        try request.layout(&io)
        return try named(request.path)
    }

    private static func named(_ path: String?) throws(WireError) -> String {
        guard let path else { throw .unexpectedNull }
        return path.isEmpty ? "/" : path
    }

    static func getACL(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        guard let node = machine.tree.outline(try path(&io)) else { return .refused(.noNode) }
        let isAdmin = AccessControl.allows(node.acl, .admin, to: context.identities)
        guard isAdmin || AccessControl.allows(node.acl, .read, to: context.identities) else { return .refused(.noAuth) }
        let list = node.acl.map { right in
            let hide = right.identity.scheme == "digest" && !isAdmin
            return ACLRecord(
                permissions: right.permissions.rawValue, scheme: right.identity.scheme,
                id: hide ? right.identity.user + ":x" : right.identity.id)
        }
        return .body(encode(GetACLResponse(acl: list, stat: node.status.record)))
    }

    static func getEphemerals(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError)
        -> CoordAnswer
    {
        var request = PathRequest()
        try request.layout(&io)
        let all = machine.tree.ephemeralPaths(of: context.session)
        guard let prefix = request.path, prefix != "/", !prefix.isEmpty else { return .body(encode(NamesResponse(names: all))) }
        return .body(encode(NamesResponse(names: all.filter { $0.beginsWithBytes(of: prefix) })))
    }

    static func getAllChildrenNumber(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError)
        -> CoordAnswer
    {
        var request = PathRequest()
        try request.layout(&io)
        let path = try named(request.path)
        guard let node = machine.tree.outline(path) else { return .refused(.noNode) }
        guard AccessControl.allows(node.acl, .read, to: context.identities) else { return .refused(.noAuth) }
        // Asked by the empty path, ZooKeeper counts the root as well.
        let own = request.path?.isEmpty == true ? 1 : 0
        return .body(encode(CountResponse(count: Int32(clamping: machine.tree.descendantCount(of: path) + own))))
    }

    static func whoAmI(_ io: inout JuteReader, _ machine: borrowing CoordMachine, _ context: ReadContext) throws(WireError) -> CoordAnswer {
        .body(encode(WhoAmIResponse(names: context.identities.map { .init(scheme: $0.scheme, user: $0.user) })))
    }

    /// The answer to a sync, which leaves once everything that was acknowledged anywhere before is visible here.
    static func sync(_ io: inout JuteReader) throws(WireError) -> Bytes {
        var request = PathRequest()
        try request.layout(&io)
        return encode(PathResponse(path: request.path))
    }

    static func reconfig(_ io: inout JuteReader) throws(WireError) -> ReconfigRequest {
        var request = ReconfigRequest()
        try request.layout(&io)
        return request
    }
}

extension Identity {
    /// The name without what proves it.
    var user: String { scheme == "digest" ? String(id.piece(before: ":")) : id }
}

extension NodeStatus {
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
        record.ephemeralOwner = stat.life.session?.rawValue ?? 0
        record.dataLength = Int32(clamping: dataBytes)
        record.numChildren = Int32(clamping: childCount)
        record.pzxid = stat.pzxid
        return record
    }
}
