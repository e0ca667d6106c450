// A file or a directory, and the blocks of a file.
import Base

/// An inode's number, never used again.
package struct InodeID: TypedID {
    package let rawValue: Int64
    package init(_ rawValue: Int64) { self.rawValue = rawValue }
    package static let root = InodeID(16385)
    /// The parent of trees that are being removed; no inode has this number.
    static let removed = InodeID(0)
}

/// The user and groups of a request. The super-user passes every check.
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
    /// The lease holder; nil if the file is closed.
    package var writer: String?
    /// Whether the file was ever closed. A file that was not is a first upload; if that breaks off, the file goes.
    package var wasClosed = false
    /// Every block is below 2^46 bytes and a file has fewer than 2^16 of them, so the sum is in range.
    package var lengthBytes: Int64 { blocks.reduce(0) { $0 + $1.lengthBytes } }

    /// HDFS's default limit of the blocks of a file.
    package static let blocksMax = 10_000
}

/// A node of the namespace.
package struct Inode: Sendable {
    package enum Kind: Sendable {
        case directory(children: DirectoryEntries)
        case file(FileContent)
    }
    package var id: InodeID
    package var parent: InodeID
    package var name: FileName
    /// Unix permission bits, 0 to 0o1777.
    package var permission: Int16
    package var owner: String
    package var group: String
    /// Milliseconds since 1970.
    package var modified: Int64
    package var accessed: Int64
    package var kind: Kind
    /// Rare properties; nil for most nodes.
    package var extras: InodeExtras?

    package var file: FileContent? { if case .file(let content) = kind { content } else { nil } }
    package var entries: DirectoryEntries? { if case .directory(let children) = kind { children } else { nil } }
    package var isDirectory: Bool { entries != nil }
    package var isSticky: Bool { permission & 0o1000 != 0 }
}

/// A directory's entries in the byte order of their names. Names mostly come in order, so that adding one moves few.
package struct DirectoryEntries: Sendable {
    private var names: [FileName] = []
    private var ids: [InodeID] = []
    package init() {}
    package var count: Int { names.count }
    package var isEmpty: Bool { names.isEmpty }

    /// Index of the first name not before this one.
    private func place(of name: FileName) -> Int {
        if let last = names.last, last < name { return names.count }
        var (low, high) = (0, names.count)
        while low < high {
            let middle = (low + high) / 2
            if names[middle] < name { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package subscript(name: FileName) -> InodeID? {
        get {
            let place = place(of: name)
            return place < names.count && names[place] == name ? ids[place] : nil
        }
        set {
            let place = place(of: name)
            let isThere = place < names.count && names[place] == name
            switch (newValue, isThere) {
            case (let id?, true): ids[place] = id
            case (let id?, false):
                names.insert(name, at: place)
                ids.insert(id, at: place)
            case (nil, true):
                names.remove(at: place)
                ids.remove(at: place)
            case (nil, false): break
            }
        }
    }

    /// In order of name.
    var all: [InodeID] { ids }
    var last: InodeID? { ids.last }
    mutating func removeLast() {
        names.removeLast()
        ids.removeLast()
    }

    /// The first entry after a name; an empty name is before all.
    func first(after name: FileName) -> (name: FileName, id: InodeID)? {
        var place = name.text.isEmpty ? 0 : place(of: name)
        if place < names.count, names[place] == name { place += 1 }
        return place < names.count ? (names[place], ids[place]) : nil
    }

    /// At most `count` entries after a name, and the number of those behind them.
    package func page(after name: FileName, count: Int) -> (ids: [InodeID], remaining: Int) {
        var start = name.text.isEmpty ? 0 : place(of: name)
        if start < names.count, names[start] == name { start += 1 }
        let end = min(names.count, start + count)
        return (Array(ids[start..<end]), names.count - end)
    }
}
