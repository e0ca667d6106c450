// The tree of znodes by path: lookup, insertion and removal without checks. TreeWrite.swift checks rights, NodeArena.swift lays nodes out
// in memory.
import Base
import Collections

/// The znode tree.
package struct ZnodeTree: Sendable {
    private var arena: NodeArena
    /// Ephemeral nodes by owner; in no order.
    private var ephemerals = LookupTable<SessionID, OrderedSet<UInt32>>()
    /// Containers and nodes with a time to live; in no order.
    private var mortals = OrderedSet<UInt32>()
    /// Limits by the path that they hold for; derived from the nodes under `/zookeeper/quota`.
    package private(set) var quotas = OrderedDictionary<ExactText, QuotaFigures>()
    package private(set) var ephemeralCount = 0
    /// Paths that nodes were taken out of since the changes were last taken; there may be nodes there again.
    private var erased: [String] = []
    /// Above this many children a list is no longer sorted for its readers.
    package static let sortedNamesMax = 10_000

    package init() {
        arena = NodeArena(root: Znode(data: Bytes(), acl: [.open], stat: ZnodeStat()))
        put("/zookeeper", Znode(data: Bytes(), acl: [.open], stat: ZnodeStat()))
        var config = ZnodeStat()
        config.aversion = -1
        put("/zookeeper/config", Znode(data: Bytes(), acl: [AccessRight(.read, scheme: "world", id: "anyone")], stat: config))
        put("/zookeeper/quota", Znode(data: Bytes(), acl: [.open], stat: ZnodeStat()))
        forgetChanges()
    }

    // MARK: changes

    /// How many nodes have changed, came or went since the changes were last taken; some may count twice.
    var changedCount: Int { arena.changedCount + erased.count }

    /// The rows of changed nodes: first the deleted ones, then the present ones.
    mutating func takeChanges(_ rows: inout RowChanges) {
        for path in erased { CoordRows.delete(path, &rows) }
        erased.removeAll(keepingCapacity: true)
        for number in arena.takeChanged() { CoordRows.upsert(arena.path(number), arena.node(number), &rows) }
    }

    /// The tables hold everything as it is.
    mutating func forgetChanges() {
        erased.removeAll()
        _ = arena.takeChanged()
    }

    package var count: Int { arena.count }
    /// Bytes of all data fields.
    package var dataBytes: Int { arena.dataBytes }
    var mortalCount: Int { mortals.count }

    package func node(_ path: String) -> Znode? { arena.find(path).map { arena.node($0) } }

    /// A node without its data.
    package func outline(_ path: String) -> ZnodeOutline? { arena.find(path).map { arena.outline($0) } }

    /// A node that was found: as long as it is not erased, asking it again needs no path.
    struct Place: Equatable { fileprivate var number: UInt32 }

    func place(of path: String) -> Place? { arena.find(path).map { Place(number: $0) } }
    func outline(at place: Place) -> ZnodeOutline { arena.outline(place.number) }
    /// The place of the parent of any node but the root.
    func parent(of place: Place) -> Place { Place(number: arena.parent(place.number)) }

    /// The names below a node, sorted as far as they are not too many; nil if there is no such node.
    package func children(of path: String) -> [String]? {
        guard let number = arena.find(path) else { return nil }
        let names = arena.childNumbers(number).map { arena.name($0) }
        return names.count <= Self.sortedNamesMax ? ExactText.sorted(names) { $0 } : names
    }

    /// The same as a jute vector of strings, without texts in between where names are not sorted; false if there is no such node.
    package func writeChildren(of path: String, into bytes: inout Bytes) -> Bool {
        guard let number = arena.find(path) else { return false }
        let children = arena.childNumbers(number)
        bytes.writeInteger(Int32(clamping: children.count))
        if children.count > Self.sortedNamesMax {
            arena.writeNames(children, into: &bytes)
        } else {
            for name in ExactText.sorted(children.map { arena.name($0) }, by: { $0 }) {
                bytes.writeInteger(Int32(clamping: name.utf8.count))
                bytes.writeString(name)
            }
        }
        return true
    }

    /// A session's ephemeral nodes, by path.
    package func ephemeralPaths(of session: SessionID) -> [String] { ephemeralNodes(of: session).map(\.path) }

    /// The ephemeral nodes of a session that ends, in order of path; the caller erases all of them.
    mutating func takeEphemerals(of session: SessionID) -> [(path: String, place: Place)] {
        defer { ephemerals.remove(session) }
        return ephemeralNodes(of: session)
    }

    private func ephemeralNodes(of session: SessionID) -> [(path: String, place: Place)] {
        ExactText.sorted((ephemerals[session] ?? []).map { (arena.path($0), Place(number: $0)) }, by: \.path)
    }

    /// Some of the containers and nodes with a time to live.
    func mortalPaths(from place: Int, count: Int) -> [String] { mortals.elements.dropFirst(place).prefix(count).map { arena.path($0) } }

    /// How many nodes lie below a path. O(their number), but for the root.
    package func descendantCount(of path: String) -> Int { path == "/" ? count - 1 : subtree(of: path).count - 1 }

    /// The nodes at and below a path, and the bytes of their data. O(their number).
    func subtree(of path: String) -> (count: Int, bytes: Int) {
        guard let root = arena.find(path) else { return (0, 0) }
        var waiting = [root]
        var found = (count: 0, bytes: 0)
        while let next = waiting.popLast() {
            found.count += 1
            found.bytes += arena.dataByteCount(next)
            if arena.childCount(next) > 0 { waiting += arena.childNumbers(next) }
        }
        return found
    }

    /// Puts a node in its place, or changes it there; its children stay, and so does how long it lives. Its parent must be there.
    mutating func put(_ path: String, _ node: Znode) {
        guard putIfPossible(path, node) else { preconditionFailure("a node is put under a parent") }
    }

    private mutating func putIfPossible(_ path: String, _ node: Znode) -> Bool {
        if let number = arena.find(path) {
            arena.replace(number, node)
        } else {
            guard let parent = arena.find(ZnodePath.parent(of: path)) else { return false }
            note(arena.add(path, parent: parent, node), node.stat.life)
        }
        noteQuota(path, node)
        return true
    }

    /// Puts a node where none is.
    mutating func add(_ path: String, below parent: Place, _ node: Znode) {
        note(arena.add(path, parent: parent.number, node), node.stat.life)
        noteQuota(path, node)
    }

    /// Replaces data and statistics of a node; its access list stays, and so does how long it lives.
    mutating func setData(_ path: String, at place: Place, _ data: Bytes?, _ stat: ZnodeStat) {
        arena.setData(place.number, data, stat)
        if let limited = QuotaPath.limited(by: path) { quotas[ExactText(limited)] = QuotaFigures(text: data?.text ?? "") }
    }

    /// Puts a node that was read from the tables, where each is once and parents come first; false if its parent is missing. The nodes
    /// that every tree has are there already.
    mutating func load(_ path: String, _ node: Znode, _ siblings: inout LoadedParent) -> Bool {
        if path == "/" || path.beginsWithBytes(of: "/zookeeper") { return putIfPossible(path, node) }
        if !siblings.holds(path) {
            let parentPath = ZnodePath.parent(of: path)
            guard let parent = arena.find(parentPath) else { return false }
            siblings = LoadedParent(path: parentPath == "/" ? [] : Array(parentPath.utf8), number: parent)
        }
        note(arena.load(path, parent: siblings.number, node), node.stat.life)
        return true
    }

    /// The parent of the row before: the next one often has the same.
    struct LoadedParent: Sendable {
        fileprivate var path: [UInt8] = []
        fileprivate var number = NodeArena.root

        /// Whether `path` is a node right below.
        fileprivate func holds(_ path: String) -> Bool {
            var path = path
            // The bytes are read within the call.
            return path.withUTF8 { bytes in
                guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")), slash == self.path.count else { return false }
                return bytes.prefix(slash).elementsEqual(self.path)
            }
        }
    }

    /// Makes room for nodes that are about to be loaded.
    mutating func reserve(_ nodes: Int) { arena.reserve(nodes) }

    private mutating func noteQuota(_ path: String, _ node: Znode) {
        if let limited = QuotaPath.limited(by: path) { quotas[ExactText(limited)] = QuotaFigures(text: node.data?.text ?? "") }
    }

    private mutating func note(_ number: UInt32, _ life: NodeLife) {
        switch life {
        case .persistent: break
        case .ephemeral(let session):
            ephemerals[session, default: []].append(number)
            ephemeralCount += 1
        case .container, .ttl: mortals.append(number)
        }
    }

    /// Changes the statistics of a node that is there.
    mutating func change(_ path: String, _ body: (inout ZnodeStat) -> Void) {
        if let place = place(of: path) { change(at: place, body) }
    }

    mutating func change(at place: Place, _ body: (inout ZnodeStat) -> Void) {
        var stat = arena.stat(place.number)
        body(&stat)
        arena.set(place.number, stat)
    }

    /// Takes a node without children out.
    mutating func erase(_ path: String) {
        if let place = place(of: path) { erase(path, at: place) }
    }

    mutating func erase(_ path: String, at place: Place) {
        let number = place.number
        switch arena.stat(number).life {
        case .persistent: break
        case .ephemeral(let session):
            ephemeralCount -= 1
            // Of a session that ends the list has gone before.
            if ephemerals[session] != nil {
                ephemerals[session]?.removeUnordered(number)
                if ephemerals[session]?.isEmpty == true { ephemerals.remove(session) }
            }
        case .container, .ttl: mortals.removeUnordered(number)
        }
        arena.remove(number)
        erased.append(path)
        if let limited = QuotaPath.limited(by: path) { quotas.removeUnordered(ExactText(limited)) }
    }
}
