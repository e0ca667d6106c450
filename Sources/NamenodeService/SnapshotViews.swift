// Paths below `.snapshot` for readers: the node at one, pages of directories, sums of trees. Nothing at such a path ever changes.
import Base
import DFSCore
import HadoopWire

/// A path below a snapshottable directory's `.snapshot`.
struct SnapshotPath: Sendable {
    /// The directory as it is now.
    var directory: Inode
    /// Nil: the folder of snapshots.
    var snapshot: Snapshot?
    var rest: ArraySlice<FileName> = []

    /// Nil for any other path. Throws if there is no such directory or snapshot.
    init?(_ parts: [FileName], _ path: String, _ caller: Caller, in machine: borrowing DFSMachine) throws(DFSRefusal) {
        guard let place = parts.firstIndex(of: Snapshot.folder) else { return nil }
        try machine.namespace.checkTraverse(caller, parts[..<place])
        guard let directory = machine.namespace.lookup(parts[..<place]), machine.namespace.snapshots.isAllowed(directory.id) else {
            throw .notFound(path)
        }
        try machine.namespace.check(caller, .execute, directory)
        self.directory = directory
        guard place + 1 < parts.count else { return }
        guard let found = machine.namespace.snapshots.snapshot(parts[place + 1], of: directory.id) else { throw .notFound(path) }
        (snapshot, rest) = (found, parts[(place + 2)...])
    }

    /// The node, named as the path names it.
    func node(_ path: String, _ caller: Caller, in machine: borrowing DFSMachine) throws(DFSRefusal) -> Inode {
        guard let snapshot else {
            var folder = directory
            (folder.name, folder.kind) = (Snapshot.folder, .directory(children: DirectoryEntries()))
            return folder
        }
        let namespace = machine.namespace
        let found = try namespace.lookup(rest, in: snapshot) { (directory: Inode) throws(DFSRefusal) in
            try namespace.check(caller, .execute, directory)
        }
        guard let found else { throw .notFound(path) }
        return found
    }
}

/// A part of a directory.
struct DirectoryPage: Sendable {
    var entries: [Inode] = []
    /// Entries behind these; in a snapshot 1 for any number.
    var remaining = 0
}

extension Namenode {
    /// A page of the directory at a path, of whatever time.
    static func page(
        _ path: String, of inode: Inode, after name: FileName, count: Int, _ caller: Caller, in machine: borrowing DFSMachine
    ) throws(DFSRefusal) -> DirectoryPage {
        guard let parts = FilePath.components(path) else { throw .invalidPath(path) }
        guard let place = try SnapshotPath(parts, path, caller, in: machine) else {
            guard let found = inode.entries?.page(after: name, count: count) else { return DirectoryPage() }
            let namespace = machine.namespace
            return DirectoryPage(entries: found.ids.compactMap { namespace.inode($0) }, remaining: found.remaining)
        }
        if let snapshot = place.snapshot {
            let found = machine.namespace.page(of: inode.id, in: snapshot, after: name, count: count)
            return DirectoryPage(entries: found.entries, remaining: found.hasMore ? 1 : 0)
        }
        let all = machine.namespace.snapshots.snapshots(of: place.directory.id).filter { name < $0.name }.sorted { $0.name < $1.name }
        var page = DirectoryPage(remaining: max(0, all.count - count))
        for snapshot in all.prefix(count) {
            if let top = view(snapshot, in: machine) { page.entries.append(top) }
        }
        return page
    }

    /// A snapshot as an entry of the folder of snapshots.
    static func view(_ snapshot: Snapshot, in machine: borrowing DFSMachine) -> Inode? {
        guard var top = machine.namespace.node(snapshot.directory, in: snapshot) else { return nil }
        (top.name, top.modified) = (snapshot.name, snapshot.made)
        return top
    }

    // MARK: sums

    /// Entries looked at in one turn.
    private static let entriesPerStep = 1_000

    /// The sums of a tree in a snapshot; nil for any other path.
    func snapshotSummary(_ path: String, _ caller: Caller) async throws -> (top: Inode, usage: TreeUsage)? {
        guard let parts = FilePath.components(path), parts.contains(Snapshot.folder) else { return nil }
        let (top, snapshot) = try await look { machine, _ in
            let place = try SnapshotPath(parts, path, caller, in: machine)
            return (try Self.find(path, caller, in: machine), place?.snapshot)
        }
        guard let snapshot, top.isDirectory else { return (top, TreeUsage(of: top)) }
        var usage = TreeUsage(of: top)
        var waiting = [(id: top.id, after: FileName(""))]
        while let next = waiting.popLast() {
            let page = try await look { machine, _ in
                if next.after.text.isEmpty, let directory = machine.namespace.node(next.id, in: snapshot) {
                    try machine.namespace.check(caller, .read, directory)
                    try machine.namespace.check(caller, .execute, directory)
                }
                return machine.namespace.page(of: next.id, in: snapshot, after: next.after, count: Self.entriesPerStep)
            }
            if page.hasMore, let last = page.entries.last { waiting.append((next.id, last.name)) }
            for entry in page.entries {
                usage.add(TreeUsage(of: entry))
                if entry.isDirectory { waiting.append((entry.id, FileName(""))) }
            }
        }
        return (top, usage)
    }

    // MARK: versions that no snapshot needs

    /// Steps of one tick.
    private static let trimsPerTick = 20

    /// Drops what deleted snapshots kept, a part in each second.
    func trimVersions() async throws {
        for _ in 0..<Self.trimsPerTick {
            guard
                let (after, upTo) = try await look({ machine, soft -> (InodeID, InodeID)? in
                    guard let after = soft.trimsAfter else { return nil }
                    guard let upTo = machine.namespace.snapshots.trimEnd(after: after) else {
                        soft.trimsAfter = nil
                        return nil
                    }
                    soft.trimsAfter = upTo
                    return (after, upTo)
                })
            else { return }
            _ = try await replica.propose(.snapshot(.trim(after: after, upTo: upTo)))
        }
    }
}
