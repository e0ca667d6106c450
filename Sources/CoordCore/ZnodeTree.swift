// The tree of znodes as it lies in memory: lookups, and putting nodes in and out without any check. Who may change what is decided in
// TreeWrite.swift; order of siblings is by name.
import Base
import Collections

/// The znode tree.
package struct ZnodeTree: Sendable {
    private struct Entry: Sendable {
        var node: Znode
        var children = NameSet()
    }
    private var entries = LookupTable<String, Entry>()
    /// Paths of ephemeral nodes by owner.
    private var ephemerals = LookupTable<SessionID, NameSet>()
    /// Containers and nodes with a time to live; in no order.
    private(set) var mortals = OrderedSet<String>()
    /// Limits by the path that they hold for; derived from the nodes under `/zookeeper/quota`.
    package private(set) var quotas = OrderedDictionary<String, QuotaFigures>()
    package private(set) var count = 0
    package private(set) var ephemeralCount = 0
    /// Bytes of all data fields.
    package private(set) var dataBytes = 0

    package init() {
        put("/", Znode(data: Bytes(), acl: [.open], stat: ZnodeStat()))
        put("/zookeeper", Znode(data: Bytes(), acl: [.open], stat: ZnodeStat()))
        var config = ZnodeStat()
        config.aversion = -1
        put("/zookeeper/config", Znode(data: Bytes(), acl: [AccessRight(.read, scheme: "world", id: "anyone")], stat: config))
        put("/zookeeper/quota", Znode(data: Bytes(), acl: [.open], stat: ZnodeStat()))
    }

    package func node(_ path: String) -> Znode? {
        guard let entry = entries[path] else { return nil }
        var node = entry.node
        node.childCount = entry.children.count
        return node
    }

    /// The names below a node, sorted; nil if there is no such node. O(n log n).
    package func children(of path: String) -> [String]? { entries[path]?.children.sorted }

    package func ephemeralPaths(of session: SessionID) -> [String] { ephemerals[session]?.sorted ?? [] }

    /// How many nodes lie below a path. O(their number), but for the root.
    package func descendantCount(of path: String) -> Int { path == "/" ? count - 1 : subtree(of: path).count - 1 }

    /// The nodes at and below a path, and the bytes of their data. O(their number).
    func subtree(of path: String) -> (count: Int, bytes: Int) {
        var waiting = [path]
        var found = (count: 0, bytes: 0)
        while let next = waiting.popLast() {
            guard let entry = entries[next] else { continue }
            found.count += 1
            found.bytes += entry.node.data?.readableBytes ?? 0
            let prefix = next == "/" ? next : next + "/"
            for name in entry.children.sorted { waiting.append(prefix + name) }
        }
        return found
    }

    /// Puts a node in its place, or changes it there; its children stay.
    mutating func put(_ path: String, _ node: Znode) {
        dataBytes += node.data?.readableBytes ?? 0
        if let old = entries[path]?.node.data { dataBytes -= old.readableBytes }
        if entries[path] == nil {
            count += 1
            note(path, node.stat.life)
            entries[path] = Entry(node: node)
            if path != "/" { entries[ZnodePath.parent(of: path)]?.children.insert(ZnodePath.name(of: path)) }
        } else {
            entries[path]?.node = node
        }
        if let limited = QuotaPath.limited(by: path) { quotas[limited] = QuotaFigures(text: node.data?.text ?? "") }
    }

    private mutating func note(_ path: String, _ life: NodeLife) {
        switch life {
        case .persistent: break
        case .ephemeral(let session):
            ephemerals[session, default: NameSet()].insert(path)
            ephemeralCount += 1
        case .container, .ttl: mortals.append(path)
        }
    }

    /// Changes the statistics of a node that is there.
    mutating func change(_ path: String, _ body: (inout ZnodeStat) -> Void) {
        guard var stat = entries[path]?.node.stat else { return }
        body(&stat)
        entries[path]?.node.stat = stat
    }

    /// Takes a node without children out.
    mutating func erase(_ path: String) {
        guard let node = entries.remove(path)?.node else { return }
        count -= 1
        dataBytes -= node.data?.readableBytes ?? 0
        entries[ZnodePath.parent(of: path)]?.children.remove(ZnodePath.name(of: path))
        switch node.stat.life {
        case .persistent: break
        case .ephemeral(let session):
            ephemerals[session]?.remove(path)
            if ephemerals[session]?.isEmpty == true { ephemerals.remove(session) }
            ephemeralCount -= 1
        case .container, .ttl: mortals.removeUnordered(path)
        }
        if let limited = QuotaPath.limited(by: path) { quotas.removeUnordered(limited) }
    }
}
