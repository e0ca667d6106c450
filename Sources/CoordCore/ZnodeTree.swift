// The tree of znodes and the writes to it. Every write checks first and changes afterwards, and notes how to take itself back, so
// that a multi whose third operation is refused leaves no trace. Reads are lookups; order of siblings is by name.
import Base

/// The znode tree, with the rows that each write changes.
package struct ZnodeTree: Sendable {
    private var nodes = LookupTable<String, Znode>()
    /// Paths of ephemeral nodes by owner.
    private var ephemerals = LookupTable<SessionID, NameSet>()
    package private(set) var count = 0
    /// Bytes of all data fields.
    package private(set) var dataBytes = 0

    /// One step back, for a multi that fails after it.
    private enum Undo {
        case restore(path: String, Znode)
        case remove(path: String)
    }

    package init() {
        insert("/", Znode(data: Bytes(), acl: [.open], stat: ZnodeStat()))
        insert("/zookeeper", Znode(data: Bytes(), acl: [.open], stat: ZnodeStat()))
        insert("/zookeeper/config", Znode(data: Bytes(), acl: [AccessRight(.read, scheme: "world", id: "anyone")], stat: ZnodeStat()))
        insert("/zookeeper/quota", Znode(data: Bytes(), acl: [.open], stat: ZnodeStat()))
    }

    package func node(_ path: String) -> Znode? { nodes[path] }
    package func ephemeralPaths(of session: SessionID) -> [String] { ephemerals[session]?.sorted ?? [] }

    /// Puts a node in its place without any check; for loading and for taking back.
    package mutating func insert(_ path: String, _ node: Znode) {
        var node = node
        if let old = nodes[path] {
            node.children = old.children
            dataBytes -= old.data?.readableBytes ?? 0
        } else {
            count += 1
        }
        dataBytes += node.data?.readableBytes ?? 0
        nodes[path] = node
        if path != "/" { nodes[ZnodePath.parent(of: path)]?.children.insert(ZnodePath.name(of: path)) }
        let owner = node.stat.ephemeralOwner
        if owner != 0 { ephemerals[SessionID(owner), default: NameSet()].insert(path) }
    }

    private mutating func erase(_ path: String) {
        guard let node = nodes.remove(path) else { return }
        count -= 1
        dataBytes -= node.data?.readableBytes ?? 0
        nodes[ZnodePath.parent(of: path)]?.children.remove(ZnodePath.name(of: path))
        let owner = SessionID(node.stat.ephemeralOwner)
        if owner != .none {
            ephemerals[owner]?.remove(path)
            if ephemerals[owner]?.isEmpty == true { ephemerals.remove(owner) }
        }
    }

    // MARK: writes

    /// Executes the operations in order, all or none.
    package mutating func write(
        _ operations: [CoordOperation], session: SessionID, identities: [Identity], at position: ApplyPosition, rows: inout RowChanges,
        events: inout [TreeEvent]
    ) -> Result<[OperationResult], CoordOutcome.OperationRefusal> {
        var undo: [Undo] = []
        var results: [OperationResult] = []
        var changed: [String] = []
        for (place, operation) in operations.enumerated() {
            do {
                results.append(try execute(operation, session, identities, position, &undo, &events, &changed))
            } catch {
                for step in undo.reversed() { takeBack(step) }
                events = []
                return .failure(.init(place: place, reason: error))
            }
        }
        note(changed, &rows)
        return .success(results)
    }

    /// The last state of each changed path, once.
    private func note(_ changed: [String], _ rows: inout RowChanges) {
        var seen: Set<String> = []
        for path in changed.reversed() where seen.insert(path).inserted {
            if let node = nodes[path] { CoordRows.upsert(path, node, &rows) } else { CoordRows.delete(path, &rows) }
        }
    }

    private mutating func takeBack(_ step: Undo) {
        switch step {
        case .restore(let path, let node): insert(path, node)
        case .remove(let path): erase(path)
        }
    }

    private mutating func execute(
        _ operation: CoordOperation, _ session: SessionID, _ identities: [Identity], _ position: ApplyPosition, _ undo: inout [Undo],
        _ events: inout [TreeEvent], _ changed: inout [String]
    ) throws(CoordRefusal) -> OperationResult {
        switch operation {
        case .create(let path, let data, let acl, let ephemeral, let sequential):
            let owner = ephemeral ? session : .none
            let node = try create(path, data, acl, owner, sequential, identities, position, &undo)
            events += [.created(node), .childrenChanged(ZnodePath.parent(of: node))]
            changed += [node, ZnodePath.parent(of: node)]
            return .created(path: node)
        case .delete(let path, let version):
            try delete(path, version, identities, position, &undo)
            events += [.deleted(path), .childrenChanged(ZnodePath.parent(of: path))]
            changed += [path, ZnodePath.parent(of: path)]
            return .deleted
        case .setData(let path, let data, let version):
            try setData(path, data, version, identities, position, &undo)
            events.append(.dataChanged(path))
            changed.append(path)
            return .changed(path: path)
        case .setACL(let path, let acl, let version):
            try setACL(path, acl, version, identities, &undo)
            changed.append(path)
            return .changed(path: path)
        case .check(let path, let version):
            guard ZnodePath.isValid(path) else { throw .badArguments }
            guard let node = nodes[path] else { throw .noNode }
            try require(.read, node, identities)
            guard version == -1 || version == node.stat.version else { throw .badVersion }
            return .checked
        }
    }

    private func require(_ needed: Permissions, _ node: Znode, _ identities: [Identity]) throws(CoordRefusal) {
        guard AccessControl.allows(node.acl, needed, to: identities) else { throw .noAuth }
    }

    private mutating func create(
        _ path: String, _ data: Bytes?, _ acl: [AccessRight], _ owner: SessionID, _ sequential: Bool, _ identities: [Identity],
        _ position: ApplyPosition, _ undo: inout [Undo]
    ) throws(CoordRefusal) -> String {
        guard path != "/" || sequential else { throw .nodeExists }
        guard ZnodePath.isValid(path, sequential: sequential) else { throw .badArguments }
        let parentPath = ZnodePath.parent(of: path)
        guard var parent = nodes[parentPath] else { throw .noNode }
        try require(.create, parent, identities)
        guard let rights = AccessControl.normalised(acl, by: identities) else { throw .invalidACL }
        guard parent.stat.ephemeralOwner == 0 else { throw .noChildrenForEphemerals }
        let full = sequential ? path + ZnodePath.sequenceSuffix(parent.stat.childrenCreated) : path
        guard nodes[full] == nil else { throw .nodeExists }
        undo += [.restore(path: parentPath, parent), .remove(path: full)]
        parent.stat.childrenCreated &+= 1
        parent.stat.pzxid = position.slot.rawValue
        nodes[parentPath] = parent
        var stat = ZnodeStat()
        (stat.czxid, stat.mzxid, stat.pzxid) = (position.slot.rawValue, position.slot.rawValue, position.slot.rawValue)
        (stat.ctime, stat.mtime) = (position.time.milliseconds, position.time.milliseconds)
        stat.ephemeralOwner = owner.rawValue
        insert(full, Znode(data: data, acl: rights, stat: stat))
        return full
    }

    private mutating func delete(
        _ path: String, _ version: Int32, _ identities: [Identity], _ position: ApplyPosition, _ undo: inout [Undo]
    ) throws(CoordRefusal) {
        guard ZnodePath.isValid(path), path != "/", path != "/zookeeper", !path.hasPrefix("/zookeeper/") else { throw .badArguments }
        let parentPath = ZnodePath.parent(of: path)
        guard let parent = nodes[parentPath], let node = nodes[path] else { throw .noNode }
        try require(.delete, parent, identities)
        guard version == -1 || version == node.stat.version else { throw .badVersion }
        guard node.children.isEmpty else { throw .notEmpty }
        remove(path, node, parentPath, parent, position, &undo)
    }

    private mutating func remove(
        _ path: String, _ node: Znode, _ parentPath: String, _ parent: Znode, _ position: ApplyPosition, _ undo: inout [Undo]
    ) {
        undo += [.restore(path: parentPath, parent), .restore(path: path, node)]
        erase(path)
        nodes[parentPath]?.stat.pzxid = position.slot.rawValue
    }

    private mutating func setData(
        _ path: String, _ data: Bytes?, _ version: Int32, _ identities: [Identity], _ position: ApplyPosition, _ undo: inout [Undo]
    ) throws(CoordRefusal) {
        guard ZnodePath.isValid(path) else { throw .badArguments }
        guard var node = nodes[path] else { throw .noNode }
        try require(.write, node, identities)
        guard version == -1 || version == node.stat.version else { throw .badVersion }
        undo.append(.restore(path: path, node))
        node.data = data
        node.stat.version = next(node.stat.version)
        node.stat.mzxid = position.slot.rawValue
        node.stat.mtime = position.time.milliseconds
        insert(path, node)
    }

    private mutating func setACL(
        _ path: String, _ acl: [AccessRight], _ version: Int32, _ identities: [Identity], _ undo: inout [Undo]
    ) throws(CoordRefusal) {
        guard ZnodePath.isValid(path) else { throw .badArguments }
        guard var node = nodes[path] else { throw .noNode }
        try require(.admin, node, identities)
        guard let rights = AccessControl.normalised(acl, by: identities) else { throw .invalidACL }
        guard version == -1 || version == node.stat.aversion else { throw .badVersion }
        undo.append(.restore(path: path, node))
        node.acl = rights
        node.stat.aversion = next(node.stat.aversion)
        insert(path, node)
    }

    /// Versions wrap around but are never -1, which means "any".
    private func next(_ version: Int32) -> Int32 { version &+ 1 == -1 ? 0 : version &+ 1 }

    /// Deletes what a session leaves behind, in order of path.
    package mutating func deleteEphemerals(of session: SessionID, at position: ApplyPosition, rows: inout RowChanges, events: inout [TreeEvent]) {
        var changed: [String] = []
        var undo: [Undo] = []
        for path in ephemeralPaths(of: session) {
            let parentPath = ZnodePath.parent(of: path)
            guard let node = nodes[path], let parent = nodes[parentPath] else { continue }
            remove(path, node, parentPath, parent, position, &undo)
            events += [.deleted(path), .childrenChanged(parentPath)]
            changed += [path, parentPath]
        }
        note(changed, &rows)
    }
}
