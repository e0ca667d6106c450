// Sums over a tree, kept for every directory as its files change: quotas, summaries and deletes need no walk. They follow from the inodes
// and have no rows of their own.
import Base

/// The contents of a tree, its top included. Clients choose lengths and numbers of copies, so the sums of bytes go beyond 64 bits.
package struct TreeUsage: Sendable, Hashable {
    package var files: Int64 = 0
    package var directories: Int64 = 0
    package var blocks: Int64 = 0
    package var lengthBytes: Int128 = 0
    /// The bytes of all copies.
    package var spaceBytes: Int128 = 0

    package init() {}

    init(_ file: FileContent) {
        (files, blocks) = (1, Int64(file.blocks.count))
        lengthBytes = Int128(file.lengthBytes)
        spaceBytes = lengthBytes * Int128(file.replication)
    }

    /// The sums of a node alone.
    package init(of node: Inode) { self = node.file.map { TreeUsage($0) } ?? .directory }

    package mutating func add(_ other: TreeUsage) { self = self + other }

    static var directory: TreeUsage {
        var usage = TreeUsage()
        usage.directories = 1
        return usage
    }

    /// Files and directories.
    package var names: Int64 { files + directories }
    /// The bytes of all copies, at most Int64.max.
    package var space: Int64 { Int64(clamping: spaceBytes) }

    static func + (one: TreeUsage, other: TreeUsage) -> TreeUsage {
        var sum = one
        sum.files += other.files
        sum.directories += other.directories
        sum.blocks += other.blocks
        sum.lengthBytes += other.lengthBytes
        sum.spaceBytes += other.spaceBytes
        return sum
    }

    static prefix func - (usage: TreeUsage) -> TreeUsage {
        var negated = TreeUsage()
        (negated.files, negated.directories, negated.blocks) = (-usage.files, -usage.directories, -usage.blocks)
        (negated.lengthBytes, negated.spaceBytes) = (-usage.lengthBytes, -usage.spaceBytes)
        return negated
    }
}

/// A walk over the nodes of a tree, a bounded number of entries in each step, in order of path. The tree may change between steps: a moved
/// node may be visited twice or not at all.
package struct TreeWalk: Sendable {
    private struct Stage: Sendable {
        var directory: InodeID
        /// The last entry that was looked at.
        var after = FileName("")
    }
    private var stages: [Stage] = []
    private var begun = false
    private let top: InodeID
    /// Whether entries of directories without a subdirectory are looked at, too.
    private let looksAtFiles: Bool

    package init(from top: InodeID = .root, looksAtFiles: Bool) { (self.top, self.looksAtFiles) = (top, looksAtFiles) }

    /// Entries looked at in one step.
    package static let entriesPerStep = 1_000

    /// Visits about `budget` entries; a file counts with its blocks. False once the walk has ended.
    package mutating func step<Failure: Error>(
        _ namespace: Namespace, budget: Int = entriesPerStep, visit: (Inode) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        var left = budget
        if !begun {
            begun = true
            guard let inode = namespace.inode(top) else { return false }
            try visit(inode)
            enter(inode, namespace)
        }
        while left > 0, let stage = stages.last {
            left -= 1
            guard let directory = namespace.inode(stage.directory), let next = directory.entries?.first(after: stage.after),
                let inode = namespace.inode(next.id)
            else {
                stages.removeLast()
                continue
            }
            stages[stages.count - 1].after = next.name
            left -= inode.file?.blocks.count ?? 0
            guard looksAtFiles || inode.isDirectory else { continue }
            try visit(inode)
            enter(inode, namespace)
        }
        return !stages.isEmpty
    }

    private mutating func enter(_ inode: Inode, _ namespace: Namespace) {
        guard inode.isDirectory, looksAtFiles || namespace.usage(of: inode).directories > 1 else { return }
        stages.append(Stage(directory: inode.id))
    }
}
