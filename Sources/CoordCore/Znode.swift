// A znode and the set of names below it. The stored change counter is the parent's own; the number on the wire is derived.
import Base

/// What a node remembers of its life. Zxids are log slots.
package struct ZnodeStat: Sendable, Hashable {
    package var czxid: Int64 = 0
    package var mzxid: Int64 = 0
    package var pzxid: Int64 = 0
    package var ctime: Int64 = 0
    package var mtime: Int64 = 0
    package var version: Int32 = 0
    /// Counts every creation of a child, and only those; sequential names are made from it.
    package var childrenCreated: Int32 = 0
    package var aversion: Int32 = 0
    /// The session that takes the node with it when it ends; 0 for none.
    package var ephemeralOwner: Int64 = 0
    package init() {}
}

/// A node of the tree.
package struct Znode: Sendable {
    /// nil is a value of its own: a client reads back the null that it wrote.
    package var data: Bytes?
    package var acl: [AccessRight]
    package var stat: ZnodeStat
    package var children = NameSet()

    package init(data: Bytes?, acl: [AccessRight], stat: ZnodeStat) {
        self.data = data
        self.acl = acl
        self.stat = stat
    }

    /// Creations plus deletions of children, as clients know it.
    package var changeVersion: Int32 { stat.childrenCreated &* 2 &- Int32(children.count) }
}

/// Names without an order of their own; whoever lists them gets them sorted.
package struct NameSet: Sendable {
    private var names: Set<String> = []
    package init() {}
    package var count: Int { names.count }
    package var isEmpty: Bool { names.isEmpty }
    package mutating func insert(_ name: String) { names.insert(name) }
    package mutating func remove(_ name: String) { names.remove(name) }
    /// O(n log n).
    package var sorted: [String] { names.sorted() }
}
