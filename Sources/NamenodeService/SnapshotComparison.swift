// The differences between two snapshots of a directory, or a snapshot and now: both trees are walked side by side, some directories in each
// turn of the loop. Nodes are the same if their numbers are, whatever they are called. Source: SnapshotDiffReport of Hadoop 3.
import Base
import DFSCore
import HadoopWire

/// A walk over two times of a directory.
struct SnapshotComparison: Sendable {
    /// Nil: now.
    let from: Snapshot?
    let to: Snapshot?
    let directory: InodeID
    private(set) var differences: [SnapshotDifference] = []
    /// Directories that are there at both times, with their path in the first.
    private var waiting: [(id: InodeID, path: [FileName])]

    /// Differences of one answer.
    static let differencesMax = 100_000
    /// Entries of one directory that are compared.
    static let entriesMax = 1_000_000
    private static let entriesPerTurn = 2_000

    init(_ directory: InodeID, from: Snapshot?, to: Snapshot?) {
        (self.directory, self.from, self.to) = (directory, from, to)
        waiting = [(directory, [])]
    }

    private static func node(_ id: InodeID, _ time: Snapshot?, under directory: InodeID, _ namespace: Namespace) -> Inode? {
        if let time { return namespace.node(id, in: time) }
        var current = id
        while current != directory {
            guard current != .root, let inode = namespace.inode(current) else { return nil }
            current = inode.parent
        }
        return namespace.inode(id)
    }

    private static func entries(_ id: InodeID, _ time: Snapshot?, _ namespace: Namespace) -> [Inode] {
        if let time { return namespace.page(of: id, in: time, after: FileName(""), count: entriesMax).entries }
        return (namespace.inode(id)?.entries?.page(after: FileName(""), count: entriesMax).ids ?? []).compactMap { namespace.inode($0) }
    }

    /// The path below the directory at a time.
    private func path(_ id: InodeID, _ time: Snapshot?, _ namespace: Namespace) -> [FileName] {
        var (names, current): ([FileName], InodeID) = ([], id)
        while current != directory, current != .root {
            guard let inode = time.map({ namespace.node(current, in: $0) }) ?? namespace.inode(current) else { break }
            names.append(inode.name)
            current = inode.parent
        }
        return names.reversed()
    }

    private static func text(_ names: [FileName]) -> String { names.map(\.text).joined(separator: "/") }

    private static func isChanged(_ old: Inode, _ new: Inode) -> Bool {
        let blocks = (
            old.file?.blocks.map { [$0.id.rawValue, $0.lengthBytes] }, new.file?.blocks.map { [$0.id.rawValue, $0.lengthBytes] }
        )
        return old.modified != new.modified || old.permission != new.permission || old.owner != new.owner || old.group != new.group
            || old.extras != new.extras || old.file?.replication != new.file?.replication || blocks.0 != blocks.1
    }

    /// Compares some directories. False once all are.
    mutating func step(_ namespace: Namespace) throws(DFSRefusal) -> Bool {
        var left = Self.entriesPerTurn
        while left > 0, let next = waiting.popLast() {
            let old = Self.entries(next.id, from, namespace)
            let new = Self.entries(next.id, to, namespace)
            left -= 1 + old.count + new.count
            compare(next.path, old, new, namespace)
            guard differences.count <= Self.differencesMax else {
                throw .snapshot("more than \(Self.differencesMax) differences; compare directories below this one")
            }
        }
        return !waiting.isEmpty
    }

    private mutating func compare(_ path: [FileName], _ old: [Inode], _ new: [Inode], _ namespace: Namespace) {
        let staying = Dictionary(uniqueKeysWithValues: new.map { ($0.id, $0) })
        for inode in old {
            let place = path + [inode.name]
            let later: Inode
            if let there = staying[inode.id] {
                later = there
            } else if let moved = Self.node(inode.id, to, under: directory, namespace) {
                later = moved
            } else {
                differences.append(SnapshotDifference("-", Self.text(place)))
                continue
            }
            if later.parent != inode.parent || later.name != inode.name {
                differences.append(SnapshotDifference("R", Self.text(place), to: Self.text(self.path(inode.id, to, namespace))))
            }
            if Self.isChanged(inode, later) { differences.append(SnapshotDifference("M", Self.text(place))) }
            if inode.isDirectory { waiting.append((inode.id, place)) }
        }
        for inode in new where Self.node(inode.id, from, under: directory, namespace) == nil {
            differences.append(SnapshotDifference("+", Self.text(self.path(inode.id, to, namespace))))
        }
    }

    /// Compares the directory itself.
    mutating func begin(_ namespace: Namespace) {
        guard let old = Self.node(directory, from, under: directory, namespace),
            let new = Self.node(directory, to, under: directory, namespace), Self.isChanged(old, new)
        else { return }
        differences.append(SnapshotDifference("M", ""))
    }
}
