// A znode as the rules see it. The stored change counter is the parent's own; the number on the wire is derived.
import Base
import Collections

/// A node's history. Zxids are log slots.
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
    /// `NodeLife` as a number.
    package var storedLife: Int64 = 0
    package init() {}

    package var life: NodeLife { NodeLife(stored: storedLife) }
}

/// A node of the tree, without the names below it.
package struct Znode: Sendable {
    /// nil is a value of its own: a client reads back the null that it wrote.
    package var data: Bytes?
    package var acl: [AccessRight]
    package var stat: ZnodeStat
    package var childCount = 0

    package init(data: Bytes?, acl: [AccessRight], stat: ZnodeStat) {
        self.data = data
        self.acl = acl
        self.stat = stat
    }

    package var status: NodeStatus { NodeStatus(stat: stat, dataBytes: data?.readableBytes ?? 0, childCount: childCount) }
}

/// All of a node but its data, which is not worth a copy where only rules are asked.
package struct ZnodeOutline: Sendable {
    package var acl: [AccessRight]
    package var status: NodeStatus
    package var stat: ZnodeStat { status.stat }
}

extension OrderedDictionary {
    /// Removes an entry in constant time; the last one takes its place, so the table has no order.
    @discardableResult mutating func removeUnordered(_ key: Key) -> Value? {
        guard let place = index(forKey: key) else { return nil }
        swapAt(place, count - 1)
        return removeLast().value
    }
}

extension OrderedSet {
    /// Removes an element in constant time; the last one takes its place.
    mutating func removeUnordered(_ element: Element) {
        guard let place = firstIndex(of: element) else { return }
        swapAt(place, count - 1)
        removeLast()
    }
}
