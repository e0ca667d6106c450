// The tree of inodes: resolution of paths, checks of access, addition and removal of nodes. Every change notes its rows.
import Base

/// The namespace with its counters.
package struct Namespace: Sendable {
    private var inodes = LookupTable<InodeID, Inode>()
    package private(set) var counters = Counters()
    /// The file of each block.
    private var owners = LookupTable<BlockID, InodeID>()
    /// The number of open files of each lease holder.
    private var holders = LookupTable<String, Int>()
    /// The sums of each directory's tree.
    private var usages = LookupTable<InodeID, TreeUsage>()
    /// The tops of trees that were deleted and are removed in parts, sorted.
    package private(set) var removedTops: [InodeID] = []
    package private(set) var snapshots = SnapshotTable()

    package init() {
        inodes[.root] = Inode(
            id: .root, parent: .root, name: FileName(""), permission: 0o755, owner: "", group: "supergroup", modified: 0, accessed: 0,
            kind: .directory(children: DirectoryEntries()))
        usages[.root] = .directory
    }

    package var inodeCount: Int { Int(usages[.root]?.names ?? 0) }
    package var blockCount: Int { Int(usages[.root]?.blocks ?? 0) }

    package func inode(_ id: InodeID) -> Inode? { inodes[id] }

    /// The node at a path, without access checks.
    package func lookup(_ components: some Sequence<FileName>) -> Inode? {
        var current = InodeID.root
        for name in components {
            guard let next = inodes[current]?.entries?[name] else { return nil }
            current = next
        }
        return inodes[current]
    }

    package func path(of id: InodeID) -> String {
        var parts: [FileName] = []
        var current = id
        while current != .root, let inode = inodes[current] {
            parts.append(inode.name)
            current = inode.parent
        }
        return FilePath.joined(parts.reversed())
    }

    /// The sums of a tree.
    package func usage(of top: Inode) -> TreeUsage { top.file.map { TreeUsage($0) } ?? usages[top.id] ?? TreeUsage() }

    /// Adds to the sums of a directory and of those above it.
    private mutating func count(_ usage: TreeUsage, in directory: InodeID) {
        var current = directory
        while let sums = usages[current] {
            usages[current] = sums + usage
            guard current != .root, let inode = inodes[current] else { return }
            current = inode.parent
        }
    }

    /// Whether a client holds the lease of any file.
    package func isHolder(_ name: String) -> Bool { holders[name] != nil }

    private mutating func count(_ holder: String?, _ change: Int) {
        guard let holder else { return }
        let files = (holders[holder] ?? 0) + change
        holders[holder] = files > 0 ? files : nil
    }

    /// Whether the node has a path: trees that are being removed have none.
    package func isReachable(_ id: InodeID) -> Bool {
        var current = id
        while current != .root {
            guard let inode = inodes[current] else { return false }
            if removedTops.isEmpty { return true }
            current = inode.parent
        }
        return true
    }

    // MARK: access

    /// Bits of a permission digit.
    package enum Access: Int16, Sendable {
        case execute = 1, write = 2, read = 4
        var text: String { self == .execute ? "EXECUTE" : self == .write ? "WRITE" : "READ" }
    }

    package func check(_ caller: Caller, _ access: Access, _ inode: Inode) throws(DFSRefusal) {
        if caller.isSuper { return }
        guard Self.allows(caller, access, inode) else { throw .denied(user: caller.user, needs: access.text, path: path(of: inode.id)) }
    }

    /// Without a user directory, a user's only group is the group of the same name.
    private static func allows(_ caller: Caller, _ access: Access, _ inode: Inode) -> Bool {
        let bits = inode.permission
        func has(_ digit: Int16) -> Bool { digit & access.rawValue != 0 }
        if caller.user == inode.owner { return has(bits >> 6) }
        guard let list = inode.extras?.acl, list.hasAccessEntries else { return has(bits >> (caller.user == inode.group ? 3 : 0)) }
        let mask = (bits >> 3) & 7
        let named = list.entries.filter { !$0.isDefault }
        if let own = named.first(where: { $0.kind == .user && $0.name == caller.user }) { return has(own.bits & mask) }
        let groups = named.filter { $0.kind == .group && ($0.name == caller.user || $0.name.isEmpty && caller.user == inode.group) }
        return groups.isEmpty ? has(bits) : groups.contains { has($0.bits & mask) }
    }

    /// Checks that the caller may take `inode` out of `directory`, which may be sticky.
    package func checkSticky(_ caller: Caller, _ inode: Inode, in directory: Inode) throws(DFSRefusal) {
        guard directory.isSticky, !caller.isSuper, caller.user != directory.owner, caller.user != inode.owner else { return }
        throw .denied(user: caller.user, needs: "WRITE (sticky)", path: path(of: inode.id))
    }

    /// Checks that the caller may traverse every existing directory of the path.
    package func checkTraverse(_ caller: Caller, _ components: some Collection<FileName>) throws(DFSRefusal) {
        if caller.isSuper { return }
        var current = InodeID.root
        for name in components {
            guard let inode = inodes[current], inode.isDirectory else { return }
            try check(caller, .execute, inode)
            guard let next = inode.entries?[name] else { return }
            current = next
        }
    }

    // MARK: changes

    mutating func update(_ id: InodeID, _ rows: inout RowChanges, _ change: (inout Inode) -> Void) {
        guard var inode = inodes[id] else { preconditionFailure("only existing inodes are changed") }
        preserve(inode, &rows)
        // The table's copy is dropped during the change, so that a large directory is not copied.
        inodes[id] = nil
        let old = inode.file
        change(&inode)
        let (before, after) = (old?.blocks ?? [], inode.file?.blocks ?? [])
        if let old, let new = inode.file {
            if old.writer != new.writer {
                count(old.writer, -1)
                count(new.writer, 1)
            }
            let (less, more) = (TreeUsage(old), TreeUsage(new))
            if less != more { count(-less + more, in: inode.parent) }
        }
        if before.count != after.count {
            if after.starts(with: before, by: { $0.id == $1.id }) {
                after[before.count...].forEach { owners[$0.id] = id }
            } else {
                before.forEach { if owners[$0.id] == id, !snapshots.holds(id, $0.id) { owners.remove($0.id) } }
                after.forEach { owners[$0.id] = id }
            }
        }
        inodes[id] = inode
        DFSRows.upsert(inode, &rows)
    }

    /// Gives the file system its number, once.
    mutating func identify(_ number: Int64, _ rows: inout RowChanges) {
        guard counters.namespaceID == 0 else { return }
        counters.namespaceID = number
        DFSRows.counters(counters, &rows)
    }

    package func owner(of block: BlockID) -> Inode? { owners[block].flatMap { inodes[$0] } }

    mutating func changeExtras(_ id: InodeID, _ rows: inout RowChanges, _ change: (inout InodeExtras) -> Void) {
        guard var inode = inodes[id] else { preconditionFailure("only existing inodes are changed") }
        preserve(inode, &rows)
        inodes[id] = nil
        var extras = inode.extras ?? InodeExtras()
        change(&extras)
        let hadAny = inode.extras != nil
        inode.extras = extras.isEmpty ? nil : extras
        inodes[id] = inode
        if hadAny || inode.extras != nil { DFSRows.extras(of: inode, &rows) }
    }

    /// Adds a node below `parent`, which must be a directory without that name.
    mutating func add(
        _ name: FileName, to parent: InodeID, permission: Int16, owner: String, time: Int64, kind: Inode.Kind, _ rows: inout RowChanges
    ) -> InodeID {
        let id = InodeID(counters.nextInode)
        counters.nextInode += 1
        let group = inodes[parent]?.group ?? "supergroup"
        let inode = Inode(
            id: id, parent: parent, name: name, permission: permission, owner: owner, group: group, modified: time, accessed: time,
            kind: kind)
        inodes[id] = inode
        if inode.isDirectory { usages[id] = .directory }
        count(usage(of: inode), in: parent)
        count(inode.file?.writer, 1)
        DFSRows.upsert(inode, &rows)
        link(id, name, parent, time, &rows)
        DFSRows.counters(counters, &rows)
        return id
    }

    private mutating func link(_ id: InodeID, _ name: FileName, _ parent: InodeID, _ time: Int64, _ rows: inout RowChanges) {
        update(parent, &rows) { directory in
            guard case .directory(var children) = directory.kind else { preconditionFailure("a parent is a directory") }
            directory.kind = .directory(children: DirectoryEntries())
            children[name] = id
            directory.kind = .directory(children: children)
            directory.modified = time
        }
    }

    private mutating func unlink(_ inode: Inode, _ time: Int64, _ rows: inout RowChanges) {
        update(inode.parent, &rows) { directory in
            guard case .directory(var children) = directory.kind else { preconditionFailure("a parent is a directory") }
            directory.kind = .directory(children: DirectoryEntries())
            children[inode.name] = nil
            directory.kind = .directory(children: children)
            directory.modified = time
        }
    }

    /// Moves a node to another parent and name.
    mutating func move(_ id: InodeID, to parent: InodeID, as name: FileName, time: Int64, _ rows: inout RowChanges) {
        guard let inode = inodes[id] else { preconditionFailure("only existing inodes are moved") }
        preserve(inode, isMoving: true, &rows)
        unlink(inode, time, &rows)
        count(-usage(of: inode), in: inode.parent)
        update(id, &rows) {
            $0.parent = parent
            $0.name = name
        }
        count(usage(of: inode), in: parent)
        link(id, name, parent, time, &rows)
    }

    /// Nodes that are no more.
    struct Removed: Sendable {
        var blocks: [BlockID] = []
        /// The files among them that were being written.
        var openFiles: [InodeID] = []
    }

    /// Names and blocks of the largest tree that is removed at once.
    static let removedAtOnceMax: Int64 = 2_000

    /// Takes a node out of the tree, with everything below it. A large tree loses its path now, and its nodes in the steps of `removeMore`.
    mutating func remove(_ id: InodeID, time: Int64, _ rows: inout RowChanges) -> Removed {
        guard let top = inodes[id] else { return Removed() }
        let usage = usage(of: top)
        preserve(top, &rows)
        unlink(top, time, &rows)
        count(-usage, in: top.parent)
        inodes[id]?.parent = .removed
        removedTops.insert(id, at: removedTops.firstIndex { $0 > id } ?? removedTops.count)
        var removed = Removed()
        if top.file != nil || usage.names + usage.blocks <= Self.removedAtOnceMax {
            removeMore(from: id, namesMax: .max, &removed, &rows)
        } else if let inode = inodes[id] {
            DFSRows.upsert(inode, &rows)
        }
        return removed
    }

    /// Removes about `namesMax` nodes of trees without a path, the deepest first.
    mutating func removeMore(namesMax: Int, _ rows: inout RowChanges) -> Removed {
        var removed = Removed()
        if let top = removedTops.last { removeMore(from: top, namesMax: namesMax, &removed, &rows) }
        return removed
    }

    private mutating func removeMore(from top: InodeID, namesMax: Int, _ removed: inout Removed, _ rows: inout RowChanges) {
        var stages = [top]
        var left = namesMax
        while left > 0, let current = stages.last {
            if let child = inodes[current]?.entries?.last {
                stages.append(child)
                continue
            }
            stages.removeLast()
            if let inode = inodes[current] { preserve(inode, &rows) }
            if let parent = stages.last { dropLastEntry(parent) } else { removedTops.removeAll { $0 == top } }
            guard let inode = inodes.remove(current) else { continue }
            usages.remove(current)
            if inode.isDirectory { snapshots.disallow(current, &rows) }
            for block in inode.file?.blocks ?? [] where owners[block.id] == current && !snapshots.holds(current, block.id) {
                owners.remove(block.id)
                removed.blocks.append(block.id)
            }
            if let writer = inode.file?.writer {
                count(writer, -1)
                removed.openFiles.append(current)
            }
            DFSRows.delete(inode, &rows)
            left -= 1 + (inode.file?.blocks.count ?? 0)
        }
    }

    private mutating func dropLastEntry(_ id: InodeID) {
        guard case .directory(var children)? = inodes[id]?.kind else { preconditionFailure("a parent is a directory") }
        inodes[id]?.kind = .directory(children: DirectoryEntries())
        children.removeLast()
        inodes[id]?.kind = .directory(children: children)
    }

    mutating func takeBlockID(_ rows: inout RowChanges) -> BlockID {
        defer {
            counters.nextBlock += 1
            DFSRows.counters(counters, &rows)
        }
        return BlockID(counters.nextBlock)
    }

    mutating func takeGeneration(_ rows: inout RowChanges) -> Generation {
        defer {
            counters.nextGeneration += 1
            DFSRows.counters(counters, &rows)
        }
        return Generation(counters.nextGeneration)
    }

    // MARK: snapshots

    private mutating func preserve(_ inode: Inode, isMoving: Bool = false, _ rows: inout RowChanges) {
        guard !snapshots.all.isEmpty else { return }
        let known = inodes
        snapshots.preserve(inode, isMoving: isMoving, { known[$0] }, &rows)
    }

    mutating func change(snapshots change: (inout SnapshotTable) -> Void) { change(&snapshots) }

    mutating func takeSnapshot(of directory: InodeID, as name: FileName, at time: Int64, _ rows: inout RowChanges) {
        let snapshot = Snapshot(
            number: counters.nextSnapshot, directory: directory, name: name, made: time, nextInode: counters.nextInode)
        counters.nextSnapshot += 1
        DFSRows.snapshotCounter(counters, &rows)
        snapshots.add(snapshot, &rows)
    }

    /// Drops versions of some nodes. Returns the blocks that nothing has any more.
    mutating func trimVersions(after: InodeID, upTo: InodeID, _ rows: inout RowChanges) -> [BlockID] {
        let known = inodes
        let released = snapshots.trim(after: after, upTo: upTo, { known[$0] }, &rows)
        return released.compactMap { id, block in
            guard owners[block] == id, inodes[id]?.file?.blocks.contains(where: { $0.id == block }) != true else { return nil }
            owners.remove(block)
            return block
        }
    }

    /// Whether a snapshot shows a block, which must stay although its file has lost it.
    func isKept(_ block: BlockID) -> Bool { owners[block].map { snapshots.holds($0, block) } ?? false }

    /// Whether a snapshot shows a node in its present state or a past one.
    func isInSnapshot(_ id: InodeID) -> Bool {
        snapshots.isShown(id) { inodes[$0] } || !snapshots.blocks(ofVersionsOf: id).isEmpty
    }

    /// A block that a file or a snapshot has, and the copies that it shall have. Its writer may have left it open with its file's end.
    package func wanted(_ block: BlockID) -> (block: Block, replication: Int16)? {
        guard let owner = owners[block] else { return nil }
        if let file = inodes[owner]?.file, let found = file.blocks.first(where: { $0.id == block }) { return (found, file.replication) }
        return snapshots.version(of: owner, with: block)
    }

    /// The node at the end of a path below a snapshot's directory, as it was. `check` sees each directory on the way.
    package func lookup<Failure: Error>(
        _ names: some Sequence<FileName>, in snapshot: Snapshot, check: (Inode) throws(Failure) -> Void
    ) throws(Failure) -> Inode? {
        var node = snapshots.state(snapshot.directory, in: snapshot) { inodes[$0] }
        for name in names {
            guard let directory = node, directory.isDirectory else { return nil }
            try check(directory)
            node = snapshots.child(name, of: directory.id, in: snapshot) { inodes[$0] }
        }
        return node.map { frozen($0) }
    }

    /// A node in a snapshot by its number; nil if it was not below the snapshot's directory.
    package func node(_ id: InodeID, in snapshot: Snapshot) -> Inode? {
        guard snapshots.covers(snapshot, id, { inodes[$0] }) else { return nil }
        return snapshots.state(id, in: snapshot) { inodes[$0] }.map { frozen($0) }
    }

    /// At most `count` entries of a directory in a snapshot behind a name, and whether there are more.
    package func page(of directory: InodeID, in snapshot: Snapshot, after name: FileName, count: Int) -> (entries: [Inode], hasMore: Bool) {
        let page = snapshots.page(of: directory, in: snapshot, after: name, count: count) { inodes[$0] }
        return (page.entries.map { frozen($0) }, page.hasMore)
    }

    /// A file as a reader of the snapshot has it: without a writer, at the length known then. A directory has no entries of its own here.
    private func frozen(_ node: Inode) -> Inode {
        var node = node
        guard case .file(var file) = node.kind else {
            node.kind = .directory(children: DirectoryEntries())
            return node
        }
        file.writer = nil
        file.blocks.removeAll { $0.isOpen && $0.leastBytes == 0 }
        for place in file.blocks.indices {
            let past = file.blocks[place]
            // The block may have grown under a later generation since, or grow now; readers get its bytes of then.
            let present = wanted(past.id)?.block ?? past
            (file.blocks[place].lengthBytes, file.blocks[place].generation) = (past.leastBytes, max(past.generation, present.generation))
            file.blocks[place].state = present.isOpen ? .underConstruction : .complete
        }
        node.kind = .file(file)
        return node
    }

    // MARK: loading

    mutating func load(_ inode: Inode) {
        if inode.id == .root {
            let children = inodes[.root]?.entries ?? DirectoryEntries()
            inodes[.root] = inode
            inodes[.root]?.kind = .directory(children: children)
        } else {
            inodes[inode.id] = inode
            inode.file?.blocks.forEach { owners[$0.id] = inode.id }
            count(inode.file?.writer, 1)
        }
    }

    mutating func load(_ change: (inout Counters) -> Void) { change(&counters) }

    mutating func load(_ extras: InodeExtras, of id: InodeID) throws(StateCorruption) {
        guard inodes[id] != nil else { throw StateCorruption("the extras of inode \(id) belong to nobody") }
        inodes[id]?.extras = extras
    }

    /// Links every loaded node to its parent, and sums the trees up.
    mutating func finishLoading(_ ids: [InodeID]) throws(StateCorruption) {
        for id in ids where id != .root {
            guard let inode = inodes[id] else { continue }
            if inode.parent == .removed {
                removedTops.append(id)
                continue
            }
            guard case .directory(var children)? = inodes[inode.parent]?.kind else {
                throw StateCorruption("inode \(id) has no parent directory")
            }
            inodes[inode.parent]?.kind = .directory(children: DirectoryEntries())
            children[inode.name] = id
            inodes[inode.parent]?.kind = .directory(children: children)
        }
        sumUp(ids)
        // Blocks of versions alone have their node as owner as well.
        for id in snapshots.versioned(after: .removed, count: .max) {
            for block in snapshots.blocks(ofVersionsOf: id) where owners[block] == nil { owners[block] = id }
        }
    }

    /// The sums of directories, from those of the nodes in them.
    private mutating func sumUp(_ ids: [InodeID]) {
        removedTops.sort()
        var subdirectories = LookupTable<InodeID, [InodeID]>()
        // The root may have a row, or not yet.
        for id in ids where id != .root {
            guard let inode = inodes[id] else { continue }
            if let file = inode.file {
                usages[inode.parent, default: TreeUsage()] = usages[inode.parent, default: TreeUsage()] + TreeUsage(file)
            } else {
                usages[id, default: TreeUsage()].directories += 1
                subdirectories[inode.parent, default: []].append(id)
            }
        }
        var order = [InodeID.root] + removedTops
        var place = 0
        while place < order.count {
            order += subdirectories[order[place]] ?? []
            place += 1
        }
        for id in order.reversed() where id != .root {
            guard let inode = inodes[id], let own = usages[id], inode.isDirectory, inode.parent != .removed else { continue }
            usages[inode.parent] = (usages[inode.parent] ?? TreeUsage()) + own
        }
        usages.remove(.removed)
    }
}
