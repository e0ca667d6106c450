// The writes to the tree. Every operation checks first and changes afterwards, in ZooKeeper's order of checks, and notes how to take itself
// back, so that a multi whose third operation is refused leaves no trace. What happened comes out as events; the tree itself knows what has
// changed.
import Base

/// One write under way: its position in the log, its session and identities, and its changes so far.
struct TreeWrite {
    /// One step back, for a multi that fails after it.
    private enum Undo {
        case restore(path: String, Znode)
        /// Only the statistics were changed.
        case restat(path: String, ZnodeStat)
        case remove(path: String)
    }

    let position: ApplyPosition
    let session: SessionID
    let identities: [Identity]
    /// Whether hard quotas refuse.
    let enforcesQuota: Bool
    private var undo: [Undo] = []
    /// A single operation checks everything before it changes anything, so it never has to be taken back.
    private var keepsUndo = false
    private(set) var events: [TreeEvent] = []

    init(_ position: ApplyPosition, session: SessionID = .none, identities: [Identity] = [], enforcesQuota: Bool = false) {
        self.position = position
        self.session = session
        self.identities = identities
        self.enforcesQuota = enforcesQuota
    }

    private var zxid: Int64 { position.slot.rawValue }

    /// Executes the operations in order, all or none.
    mutating func execute(_ operations: [CoordOperation], _ tree: inout ZnodeTree) -> Result<
        [OperationResult], CoordOutcome.OperationRefusal
    > {
        var results: [OperationResult] = []
        results.reserveCapacity(operations.count)
        keepsUndo = operations.count > 1
        for (place, operation) in operations.enumerated() {
            do { results.append(try execute(operation, &tree)) } catch {
                takeBack(&tree)
                return .failure(.init(place: place, reason: error))
            }
        }
        return .success(results)
    }

    private mutating func takeBack(_ tree: inout ZnodeTree) {
        for step in undo.reversed() {
            switch step {
            case .restore(let path, let node): tree.put(path, node)
            case .restat(let path, let stat): tree.change(path) { $0 = stat }
            case .remove(let path): tree.erase(path)
            }
        }
        (undo, events) = ([], [])
    }

    private mutating func execute(_ operation: CoordOperation, _ tree: inout ZnodeTree) throws(CoordRefusal) -> OperationResult {
        switch operation {
        case .create(let path, let data, let acl, let ephemeral, let sequential):
            return try create(path, data, acl, ephemeral ? .ephemeral(session) : .persistent, sequential, &tree)
        case .createContainer(let path, let data, let acl, let sequential):
            return try create(path, data, acl, .container, sequential, &tree)
        case .createTTL(let path, let data, let acl, let sequential, let milliseconds):
            guard NodeLife.isTTL(milliseconds: milliseconds) else { throw .badArguments }
            return try create(path, data, acl, .ttl(milliseconds: milliseconds), sequential, &tree)
        case .delete(let path, let version):
            try delete(path, version, &tree)
            return .deleted
        case .setData(let path, let data, let version): return try setData(path, data, version, &tree)
        case .setACL(let path, let acl, let version): return try setACL(path, acl, version, &tree)
        case .check(let path, let version):
            guard ZnodePath.isValid(path) else { throw .badArguments }
            guard let node = tree.outline(path) else { throw .noNode }
            try require(.read, node.acl)
            try expect(version, node.stat.version)
            return .checked
        }
    }

    private func require(_ needed: Permissions, _ acl: [AccessRight]) throws(CoordRefusal) {
        guard AccessControl.allows(acl, needed, to: identities) else { throw .noAuth }
    }

    private func expect(_ version: Int32, _ found: Int32) throws(CoordRefusal) {
        guard version == -1 || version == found else { throw .badVersion }
    }

    /// Versions wrap around but are never -1, which means "any".
    private func next(_ version: Int32) -> Int32 { version &+ 1 == -1 ? 0 : version &+ 1 }

    // MARK: the operations

    private mutating func create(
        _ path: String, _ data: Bytes?, _ acl: [AccessRight], _ life: NodeLife, _ sequential: Bool, _ tree: inout ZnodeTree
    ) throws(CoordRefusal) -> OperationResult {
        guard let parentPath = ZnodePath.parentIfAny(of: path) else { throw .badArguments }
        guard let rights = AccessControl.normalised(acl, by: identities) else { throw .invalidACL }
        guard let place = tree.place(of: parentPath) else { throw .noNode }
        let parent = tree.outline(at: place)
        try require(.create, parent.acl)
        let full = sequential ? path + ZnodePath.sequenceSuffix(parent.stat.childrenCreated) : path
        guard ZnodePath.isValid(full) else { throw .badArguments }
        guard tree.place(of: full) == nil else { throw .nodeExists }
        guard parent.stat.life.session == nil else { throw .noChildrenForEphemerals }
        try askQuota(full, bytes: data?.readableBytes ?? 0, count: 1, tree)
        if keepsUndo { undo += [.restat(path: parentPath, parent.stat), .remove(path: full)] }
        tree.change(at: place) {
            $0.childrenCreated &+= 1
            $0.pzxid = zxid
        }
        var stat = ZnodeStat()
        (stat.czxid, stat.mzxid, stat.pzxid) = (zxid, zxid, zxid)
        (stat.ctime, stat.mtime) = (position.time.milliseconds, position.time.milliseconds)
        stat.storedLife = life.stored
        let node = Znode(data: data, acl: rights, stat: stat)
        tree.add(full, below: place, node)
        count(full, bytes: data?.readableBytes ?? 0, count: 1, &tree)
        if let counted = QuotaPath.counted(by: full) { recount(counted, &tree) }
        note(full, .created, rights, parentPath, parent.acl)
        return .created(path: full, node.status)
    }

    private mutating func delete(_ path: String, _ version: Int32, _ tree: inout ZnodeTree) throws(CoordRefusal) {
        guard let parentPath = ZnodePath.parentIfAny(of: path), !ZnodePath.isReserved(path) else { throw .badArguments }
        guard let parent = tree.place(of: parentPath) else { throw .noNode }
        try require(.delete, tree.outline(at: parent).acl)
        guard let place = tree.place(of: path) else { throw .noNode }
        let node = tree.outline(at: place)
        try expect(version, node.stat.version)
        guard node.status.childCount == 0 else { throw .notEmpty }
        remove(path, at: place, node, parentPath, at: parent, &tree)
    }

    private mutating func remove(
        _ path: String, at place: ZnodeTree.Place, _ node: ZnodeOutline, _ parentPath: String, at parentPlace: ZnodeTree.Place,
        _ tree: inout ZnodeTree
    ) {
        let parent = tree.outline(at: parentPlace)
        if keepsUndo, let whole = tree.node(path) { undo += [.restat(path: parentPath, parent.stat), .restore(path: path, whole)] }
        tree.erase(path, at: place)
        tree.change(at: parentPlace) { $0.pzxid = zxid }
        count(path, bytes: -node.status.dataBytes, count: -1, &tree)
        note(path, .deleted, node.acl, parentPath, parent.acl)
    }

    /// A node came or went.
    private mutating func note(
        _ path: String, _ kind: TreeEvent.Kind, _ acl: [AccessRight], _ parentPath: String, _ parentACL: [AccessRight]
    ) {
        events.append(TreeEvent(kind, path, acl: acl))
        events.append(TreeEvent(.childrenChanged, parentPath, acl: parentACL))
    }

    private mutating func setData(_ path: String, _ data: Bytes?, _ version: Int32, _ tree: inout ZnodeTree) throws(CoordRefusal)
        -> OperationResult
    {
        guard ZnodePath.isValid(path) else { throw .badArguments }
        guard let place = tree.place(of: path) else { throw .noNode }
        let node = tree.outline(at: place)
        try require(.write, node.acl)
        let growth = (data?.readableBytes ?? 0) - node.status.dataBytes
        try askQuota(path, bytes: growth, count: 0, tree)
        try expect(version, node.stat.version)
        keep(path, tree)
        var stat = node.stat
        stat.version = next(stat.version)
        stat.mzxid = zxid
        stat.mtime = position.time.milliseconds
        tree.setData(path, at: place, data, stat)
        let status = NodeStatus(stat: stat, dataBytes: data?.readableBytes ?? 0, childCount: node.status.childCount)
        let result = OperationResult.changed(path: path, status)
        count(path, bytes: growth, count: 0, &tree)
        events.append(TreeEvent(.dataChanged, path, acl: node.acl))
        return result
    }

    /// Writes the server's own data of a node, without a check of rights.
    mutating func keep(_ data: Bytes, in path: String, _ tree: inout ZnodeTree) {
        guard let node = tree.outline(path) else { return }
        var stat = node.stat
        stat.version = next(stat.version)
        stat.mzxid = zxid
        stat.mtime = position.time.milliseconds
        _ = replace(path, Znode(data: data, acl: node.acl, stat: stat), node, &tree)
        events.append(TreeEvent(.dataChanged, path, acl: node.acl))
    }

    private mutating func setACL(_ path: String, _ acl: [AccessRight], _ version: Int32, _ tree: inout ZnodeTree) throws(CoordRefusal)
        -> OperationResult
    {
        guard ZnodePath.isValid(path) else { throw .badArguments }
        guard let rights = AccessControl.normalised(acl, by: identities) else { throw .invalidACL }
        guard let node = tree.node(path) else { throw .noNode }
        try require(.admin, node.acl)
        try expect(version, node.stat.aversion)
        keep(path, tree)
        var stat = node.stat
        stat.aversion = next(stat.aversion)
        let outline = ZnodeOutline(acl: node.acl, status: node.status)
        return replace(path, Znode(data: node.data, acl: rights, stat: stat), outline, &tree)
    }

    private mutating func keep(_ path: String, _ tree: ZnodeTree) {
        if keepsUndo, let whole = tree.node(path) { undo.append(.restore(path: path, whole)) }
    }

    /// Puts the changed node in the place of `old`, whose children stay.
    private mutating func replace(_ path: String, _ node: Znode, _ old: ZnodeOutline, _ tree: inout ZnodeTree) -> OperationResult {
        tree.put(path, node)
        var status = node.status
        status.childCount = old.status.childCount
        return .changed(path: path, status)
    }

    // MARK: quotas

    private func askQuota(_ path: String, bytes: Int, count: Int64, _ tree: ZnodeTree) throws(CoordRefusal) {
        guard enforcesQuota, let limited = tree.quotaPath(above: path) else { return }
        guard tree.quotaHasRoom(limited, count: count, bytes: Int64(bytes)) else { throw .quotaExceeded }
    }

    /// Adds to the statistics of the nearest quota. No event, no new version.
    private mutating func count(_ path: String, bytes: Int, count: Int64, _ tree: inout ZnodeTree) {
        guard bytes != 0 || count != 0, let limited = tree.quotaPath(above: path) else { return }
        var used = tree.quotaUsage(of: limited)
        used.count &+= count
        used.bytes &+= Int64(bytes)
        write(used, limited, &tree)
    }

    private mutating func recount(_ limited: String, _ tree: inout ZnodeTree) {
        let found = tree.subtree(of: limited)
        var used = QuotaFigures()
        (used.count, used.bytes) = (Int64(found.count), Int64(found.bytes))
        write(used, limited, &tree)
    }

    private mutating func write(_ used: QuotaFigures, _ limited: String, _ tree: inout ZnodeTree) {
        let path = QuotaPath.statistics(of: limited)
        guard var node = tree.node(path) else { return }
        keep(path, tree)
        node.data = Bytes(string: used.usageText)
        tree.put(path, node)
    }

    // MARK: nodes that go by themselves

    /// Deletes a session's ephemeral nodes, in order of path. Cannot fail, so there is no undo.
    mutating func deleteEphemerals(_ tree: inout ZnodeTree) {
        let nodes = tree.takeEphemerals(of: session)
        events.reserveCapacity(2 * nodes.count)
        var parent = (path: "", place: nil as ZnodeTree.Place?, acl: [AccessRight]())
        for (path, place) in nodes {
            // Many lie side by side, and their parent changes once.
            let above = tree.parent(of: place)
            if parent.place != above {
                parent = (ZnodePath.parent(of: path), above, tree.outline(at: above).acl)
                tree.change(at: above) { $0.pzxid = zxid }
            }
            let node = tree.outline(at: place)
            tree.erase(path, at: place)
            count(path, bytes: -node.status.dataBytes, count: -1, &tree)
            note(path, .deleted, node.acl, parent.path, parent.acl)
        }
    }

    /// Deletes those of `paths` whose time is up.
    mutating func reap(_ paths: [String], unusedMilliseconds: Int64, _ tree: inout ZnodeTree) {
        for path in paths where tree.isDue(path, now: position.time, unusedMilliseconds: unusedMilliseconds) {
            guard let place = tree.place(of: path) else { continue }
            remove(path, at: place, tree.outline(at: place), ZnodePath.parent(of: path), at: tree.parent(of: place), &tree)
        }
    }
}

extension ZnodeTree {
    /// Whether a container or a node with a time to live should go. A container that never had a child goes after `unusedMilliseconds`; 0
    /// for never.
    package func isDue(_ path: String, now: WallTime, unusedMilliseconds: Int64) -> Bool {
        guard let node = outline(path), node.status.childCount == 0 else { return false }
        switch node.stat.life {
        case .persistent, .ephemeral: return false
        case .ttl(let milliseconds):
            // A deleted child counts as a change: the parent's own time does not tell when, so the node lives on from its last change of
            // data.
            return now.milliseconds(since: node.stat.mtime) >= milliseconds
        case .container:
            return node.stat.childrenCreated > 0
                || (unusedMilliseconds > 0 && now.milliseconds(since: node.stat.ctime) >= unusedMilliseconds)
        }
    }

    /// Those of `count` containers and nodes with a time to live from `place` on that should go, and how many there are in all.
    package func due(from place: Int, count: Int, now: WallTime, unusedMilliseconds: Int64) -> (paths: [String], total: Int) {
        let slice = mortalPaths(from: place, count: count)
        return (slice.filter { isDue($0, now: now, unusedMilliseconds: unusedMilliseconds) }, mortalCount)
    }
}
