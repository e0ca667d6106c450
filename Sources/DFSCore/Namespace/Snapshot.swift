// A snapshot of a directory, and the past states of nodes from which it is read. A snapshot copies nothing: a node's state is kept when the
// node is changed for the first time after it (docs/decisions/0034-snapshots-by-past-states.md).
import Base

/// A read-only view of a directory at a time, under `.snapshot/NAME`.
package struct Snapshot: Sendable, Hashable {
    /// Greater than that of every earlier one of the file system.
    package var number: Int64
    package var directory: InodeID
    package var name: FileName
    /// Milliseconds since 1970.
    package var made: Int64
    /// Nodes from this number on are younger.
    var nextInode: Int64

    /// The entry of a snapshottable directory that leads to its snapshots.
    package static let folder = FileName(".snapshot")
    /// Snapshots of one file system. Each is looked at when a node is changed that is older.
    package static let countMax = 1_000
}

/// The state of a node in the snapshots up to a number, and above that of the version before.
struct NodeVersion: Sendable {
    var upTo: Int64
    /// A directory without its entries. Nil: the node is in none of these snapshots.
    var node: Inode?

    init(upTo: Int64, _ node: Inode?) {
        self.upTo = upTo
        self.node = node
        if node?.isDirectory == true { self.node?.kind = .directory(children: DirectoryEntries()) }
    }
}

extension NodeVersion {
    /// The durable form of a version's node.
    struct Content: WireLayout {
        var isPresent = false
        var isFile = false
        var parent = InodeID(0)
        var text = ["", "", ""]
        var permission: Int16 = 0
        var times: [Int64] = [0, 0]
        var replication: Int16 = 0
        var blockSizeBytes: Int64 = 0
        var blocks: [Block] = []
        var extras = InodeExtras()

        init() {}

        init(_ node: Inode?) {
            guard let node else { return }
            isPresent = true
            parent = node.parent
            text = [node.name.text, node.owner, node.group]
            permission = node.permission
            times = [node.modified, node.accessed]
            extras = node.extras ?? InodeExtras()
            guard let file = node.file else { return }
            isFile = true
            (replication, blockSizeBytes, blocks) = (file.replication, file.blockSizeBytes, file.blocks)
        }

        mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.bool(&isPresent)
            guard isPresent else { return }
            try io.bool(&isFile)
            try io.id(&parent)
            for place in text.indices { try io.string(&text[place]) }
            try io.int16(&permission)
            for place in times.indices { try io.int64(&times[place]) }
            try io.nested(&extras)
            guard isFile else { return }
            try io.int16(&replication)
            try io.int64(&blockSizeBytes)
            try io.list(&blocks)
        }

        func node(_ id: InodeID) -> Inode? {
            guard isPresent else { return nil }
            let file = FileContent(replication: replication, blockSizeBytes: blockSizeBytes, blocks: blocks, wasClosed: true)
            return Inode(
                id: id, parent: parent, name: FileName(text[0]), permission: permission, owner: text[1], group: text[2], modified: times[0],
                accessed: times[1], kind: isFile ? .file(file) : .directory(children: DirectoryEntries()),
                extras: extras.isEmpty ? nil : extras)
        }
    }
}
