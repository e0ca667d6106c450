// Nodes by number, as they lie in memory: a fixed record each, the history of those that have one, names and data in slabs. Meant for
// millions: no node is an allocation of its own, and no table is ever copied as a whole.
import Base

/// What every node has. 64 bytes.
struct NodeRecord: Sendable {
    var czxid: Int64 = 0
    var ctime: Int64 = 0
    var payload: Payload
    var hash: UInt32 = 0
    var nextInBucket = PathIndex.none
    var parent = PathIndex.none
    var firstChild = PathIndex.none
    var nextSibling = PathIndex.none
    var previousSibling = PathIndex.none
    /// Where its history is; none for a node that was never changed and has no children and no owner.
    var history = PathIndex.none
    var acl: UInt32
    /// Whether its row is still to be made.
    var isChanged = false
}

/// The further fields of a node that was changed, has children or an owner.
struct NodeHistory: Sendable {
    var mzxid: Int64
    var pzxid: Int64
    var mtime: Int64
    var storedLife: Int64 = 0
    var version: Int32 = 0
    var childrenCreated: Int32 = 0
    var aversion: Int32 = 0
    var childCount: Int32 = 0

    /// That of a node right after its creation.
    init(_ record: NodeRecord) { (mzxid, pzxid, mtime) = (record.czxid, record.czxid, record.ctime) }

    /// All but the number of children, which is the tree's own.
    mutating func take(_ stat: ZnodeStat) {
        (mzxid, pzxid, mtime) = (stat.mzxid, stat.pzxid, stat.mtime)
        (version, childrenCreated, aversion) = (stat.version, stat.childrenCreated, stat.aversion)
        storedLife = stat.storedLife
    }

    func isTrivial(_ record: NodeRecord) -> Bool {
        mzxid == record.czxid && pzxid == record.czxid && mtime == record.ctime && storedLife == 0 && version == 0 && childrenCreated == 0
            && aversion == 0 && childCount == 0
    }
}

/// The nodes of a tree. Number 0 is the root.
struct NodeArena: Sendable {
    static let root: UInt32 = 0
    private var records = NumberedSlots<NodeRecord>()
    private var histories = NumberedSlots<NodeHistory>()
    private var payloads = PayloadStore()
    private var lists = AccessLists()
    private var index = PathIndex()
    private(set) var count = 0
    /// Bytes of all data fields.
    private(set) var dataBytes = 0
    /// Nodes that were changed since this was last emptied, each once, in the order in which they first changed; some of them may be gone.
    private var changed: [UInt32] = []

    init(root: Znode) { _ = add("", parent: PathIndex.none, root) }

    // MARK: finding

    private static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var hasher = Hasher()
        hasher.combine(bytes: UnsafeRawBufferPointer(bytes))
        return UInt32(truncatingIfNeeded: hasher.finalize())
    }

    func find(_ path: String) -> UInt32? {
        var path = path
        // The bytes are read within the call.
        return path.withUTF8 { bytes in
            if bytes.count == 1, bytes[0] == UInt8(ascii: "/") { return Self.root }
            let hash = Self.hash(bytes)
            var number = index.first(hash)
            while number != PathIndex.none {
                let record = records[number]
                if record.hash == hash, matches(number, bytes) { return number }
                number = record.nextInBucket
            }
            return nil
        }
    }

    /// Compares name by name from the end; paths are equal if their bytes are.
    private func matches(_ number: UInt32, _ path: UnsafeBufferPointer<UInt8>) -> Bool {
        var (number, end) = (number, path.count)
        while number != Self.root {
            let record = records[number]
            guard payloads.nameEquals(record.payload, path, endingAt: end) else { return false }
            end -= record.payload.nameBytes + 1
            guard end >= 0, path[end] == UInt8(ascii: "/") else { return false }
            number = record.parent
        }
        return end == 0
    }

    func path(_ number: UInt32) -> String {
        if number == Self.root { return "/" }
        var bytes = 0
        var next = number
        while next != Self.root {
            bytes += 1 + records[next].payload.nameBytes
            next = records[next].parent
        }
        // Filled from its end to its beginning with as many bytes as were counted.
        return String(unsafeUninitializedCapacity: bytes) { text in
            var (end, next) = (bytes, number)
            while next != Self.root {
                let payload = records[next].payload
                payloads.copyName(payload, to: text, endingAt: end)
                end -= payload.nameBytes + 1
                text[end] = UInt8(ascii: "/")
                next = records[next].parent
            }
            return bytes
        }
    }

    // MARK: reading

    func node(_ number: UInt32) -> Znode {
        let record = records[number]
        let history = history(record)
        var node = Znode(data: payloads.data(record.payload), acl: lists[record.acl], stat: Self.stat(record, history))
        node.childCount = Int(history.childCount)
        return node
    }

    func outline(_ number: UInt32) -> ZnodeOutline {
        let record = records[number]
        let history = history(record)
        let status = NodeStatus(stat: Self.stat(record, history), dataBytes: record.payload.dataBytes, childCount: Int(history.childCount))
        return ZnodeOutline(acl: lists[record.acl], status: status)
    }

    private func history(_ record: NodeRecord) -> NodeHistory {
        record.history == PathIndex.none ? NodeHistory(record) : histories[record.history]
    }

    private static func stat(_ record: NodeRecord, _ history: NodeHistory) -> ZnodeStat {
        var stat = ZnodeStat()
        (stat.czxid, stat.ctime) = (record.czxid, record.ctime)
        (stat.mzxid, stat.pzxid, stat.mtime) = (history.mzxid, history.pzxid, history.mtime)
        (stat.version, stat.childrenCreated, stat.aversion) = (history.version, history.childrenCreated, history.aversion)
        stat.storedLife = history.storedLife
        return stat
    }

    func stat(_ number: UInt32) -> ZnodeStat { Self.stat(records[number], history(records[number])) }
    func parent(_ number: UInt32) -> UInt32 { records[number].parent }
    func dataByteCount(_ number: UInt32) -> Int { records[number].payload.dataBytes }
    func childCount(_ number: UInt32) -> Int { Int(history(records[number]).childCount) }

    func childNumbers(_ number: UInt32) -> [UInt32] {
        var children: [UInt32] = []
        children.reserveCapacity(childCount(number))
        var next = records[number].firstChild
        while next != PathIndex.none {
            children.append(next)
            next = records[next].nextSibling
        }
        return children
    }

    /// Each name behind its length, an int32.
    func writeNames(_ numbers: [UInt32], into bytes: inout Bytes) {
        bytes.reserveCapacity(minimumWritableBytes: numbers.reduce(0) { $0 + 4 + records[$1].payload.nameBytes })
        for number in numbers { payloads.writeName(records[number].payload, into: &bytes) }
    }

    func name(_ number: UInt32) -> String { String(decoding: payloads.name(records[number].payload), as: UTF8.self) }

    // MARK: changing

    /// How many nodes have changed.
    var changedCount: Int { changed.count }

    /// The changed nodes that are still there; that they were changed is forgotten.
    mutating func takeChanged() -> [UInt32] {
        var taken: [UInt32] = []
        taken.reserveCapacity(changed.count)
        for number in changed where records.holds(number) && records[number].isChanged {
            records[number].isChanged = false
            taken.append(number)
        }
        changed.removeAll(keepingCapacity: true)
        return taken
    }

    private mutating func noteChanged(_ number: UInt32) {
        guard !records[number].isChanged else { return }
        records[number].isChanged = true
        changed.append(number)
    }

    /// Makes room in the index for nodes that are about to come.
    mutating func reserve(_ nodes: Int) { index.reserve(nodes, &records) }

    /// Adds a node under `parent`; the root has none.
    mutating func add(_ path: String, parent: UInt32, _ node: Znode) -> UInt32 {
        let number = load(path, parent: parent, node)
        noteChanged(number)
        return number
    }

    /// Adds a node whose row is there already.
    mutating func load(_ path: String, parent: UInt32, _ node: Znode) -> UInt32 {
        var path = path
        // The bytes are read within the call.
        var record = path.withUTF8 { bytes in
            let slash = bytes.lastIndex(of: UInt8(ascii: "/")) ?? -1
            let name = UnsafeBufferPointer(rebasing: bytes[(slash + 1)...])
            return NodeRecord(payload: payloads.add(name: name, data: node.data), hash: Self.hash(bytes), acl: lists.take(node.acl))
        }
        (record.czxid, record.ctime) = (node.stat.czxid, node.stat.ctime)
        count += 1
        dataBytes += record.payload.dataBytes
        var history = NodeHistory(record)
        history.take(node.stat)
        if !history.isTrivial(record) { record.history = histories.add(history) }
        guard parent != PathIndex.none else { return records.add(record) }
        record.parent = parent
        record.nextSibling = records[parent].firstChild
        let number = records.add(record)
        if record.nextSibling != PathIndex.none { records[record.nextSibling].previousSibling = number }
        records[parent].firstChild = number
        index.insert(number, &records)
        changeHistory(parent) { $0.childCount += 1 }
        return number
    }

    mutating func replace(_ number: UInt32, _ node: Znode) {
        dataBytes += (node.data?.readableBytes ?? 0) - records[number].payload.dataBytes
        records[number].payload = payloads.replace(records[number].payload, data: node.data)
        let list = lists.take(node.acl)
        lists.giveBack(records[number].acl)
        records[number].acl = list
        set(number, node.stat)
    }

    mutating func setData(_ number: UInt32, _ data: Bytes?, _ stat: ZnodeStat) {
        dataBytes += (data?.readableBytes ?? 0) - records[number].payload.dataBytes
        records[number].payload = payloads.replace(records[number].payload, data: data)
        set(number, stat)
    }

    mutating func set(_ number: UInt32, _ stat: ZnodeStat) {
        (records[number].czxid, records[number].ctime) = (stat.czxid, stat.ctime)
        noteChanged(number)
        changeHistory(number) { $0.take(stat) }
    }

    private mutating func changeHistory(_ number: UInt32, _ body: (inout NodeHistory) -> Void) {
        let record = records[number]
        var history = history(record)
        body(&history)
        switch (record.history == PathIndex.none, history.isTrivial(record)) {
        case (true, true): break
        case (true, false): records[number].history = histories.add(history)
        case (false, true):
            histories.remove(record.history)
            records[number].history = PathIndex.none
        case (false, false): histories[record.history] = history
        }
    }

    /// Takes a node without children out.
    mutating func remove(_ number: UInt32) {
        let record = records[number]
        index.remove(number, &records)
        if record.previousSibling == PathIndex.none {
            records[record.parent].firstChild = record.nextSibling
        } else {
            records[record.previousSibling].nextSibling = record.nextSibling
        }
        if record.nextSibling != PathIndex.none { records[record.nextSibling].previousSibling = record.previousSibling }
        changeHistory(record.parent) { $0.childCount -= 1 }
        if record.history != PathIndex.none { histories.remove(record.history) }
        payloads.remove(record.payload)
        lists.giveBack(record.acl)
        records[number].isChanged = false
        records.remove(number)
        count -= 1
        dataBytes -= record.payload.dataBytes
    }
}
