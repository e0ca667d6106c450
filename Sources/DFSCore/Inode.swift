// A file or a directory, and the blocks of a file.
import Base

/// An inode's number, never used again.
package struct InodeID: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static let root = InodeID(16385)
}

/// A block's number, never used again.
package struct BlockID: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
}

/// A finished piece of a file.
package struct Block: Sendable, Hashable {
    package var id: BlockID
    package var lengthBytes: Int64
    package init(id: BlockID, lengthBytes: Int64) {
        self.id = id
        self.lengthBytes = lengthBytes
    }
}

/// Who acts: a user with groups. The super-user passes every check.
package struct Caller: WireLayout, Hashable {
    package var user = ""
    package var isSuper = false
    package init() {}
    package init(user: String, isSuper: Bool) {
        self.user = user
        self.isSuper = isSuper
    }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&user)
        try io.bool(&isSuper)
    }
}

/// The content of a file.
package struct FileContent: Sendable, Hashable {
    package var replication: Int16
    package var blockSizeBytes: Int64
    package var blocks: [Block] = []
    /// Who writes the file at present; nil if it is closed.
    package var writer: String?
    /// Whether the file was ever closed. One that was not is an upload in its first run; if that breaks off, the file goes.
    package var wasClosed = false
    package var lengthBytes: Int64 { blocks.reduce(0) { $0 + $1.lengthBytes } }
}

/// A node of the namespace.
package struct Inode: Sendable {
    package enum Kind: Sendable {
        case directory(children: DirectoryEntries)
        case file(FileContent)
    }
    package var id: InodeID
    package var parent: InodeID
    package var name: String
    /// Unix permission bits, 0 to 0o1777.
    package var permission: Int16
    package var owner: String
    package var group: String
    /// Milliseconds since 1970.
    package var modified: Int64
    package var accessed: Int64
    package var kind: Kind

    package var file: FileContent? { if case .file(let content) = kind { content } else { nil } }
    package var entries: DirectoryEntries? { if case .directory(let children) = kind { children } else { nil } }
    package var isDirectory: Bool { entries != nil }
}

/// A directory's entries; listed by name.
package struct DirectoryEntries: Sendable {
    private var byName: [String: InodeID] = [:]
    package init() {}
    package var count: Int { byName.count }
    package var isEmpty: Bool { byName.isEmpty }
    package subscript(name: String) -> InodeID? {
        get { byName[name] }
        set { byName[name] = newValue }
    }
    /// O(n log n).
    package var sorted: [(name: String, id: InodeID)] { byName.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
}
