// The snapshots of a file system and the past states of nodes. Whether a node was below a snapshot's directory follows from its parents at
// that time, so that renames and deletes of any tree keep what snapshots show.
import Base

/// Snapshots, the directories that may have some, and versions of nodes.
package struct SnapshotTable: Sendable {
    /// In order of number.
    package private(set) var all: [Snapshot] = []
    /// The directories that may have snapshots, sorted.
    package private(set) var directories: [InodeID] = []
    /// In order of their snapshots.
    private var versions = LookupTable<InodeID, [NodeVersion]>()
    /// The nodes with versions, sorted.
    private var versioned: [InodeID] = []
    /// The nodes with a version below a directory, sorted.
    private var formerly = LookupTable<InodeID, [InodeID]>()

    /// A node as it is now; nil if it is no more.
    typealias Current = (InodeID) -> Inode?

    // MARK: snapshots

    package func isAllowed(_ directory: InodeID) -> Bool { Self.has(directory, directories) }
    package func snapshots(of directory: InodeID) -> [Snapshot] { all.filter { $0.directory == directory } }
    package func snapshot(_ name: FileName, of directory: InodeID) -> Snapshot? {
        all.first { $0.directory == directory && $0.name == name }
    }

    mutating func allow(_ directory: InodeID, _ rows: inout RowChanges) {
        guard Self.insert(directory, &directories) else { return }
        rows.upsert(DFSRows.snapshotDirectories, [.integer(directory.rawValue)])
    }

    mutating func disallow(_ directory: InodeID, _ rows: inout RowChanges) {
        guard Self.remove(directory, &directories) else { return }
        rows.delete(DFSRows.snapshotDirectories, key: [.integer(directory.rawValue)])
    }

    mutating func add(_ snapshot: Snapshot, _ rows: inout RowChanges) {
        all.append(snapshot)
        DFSRows.upsert(snapshot, &rows)
    }

    mutating func rename(_ snapshot: Snapshot, to name: FileName, _ rows: inout RowChanges) {
        guard let place = all.firstIndex(where: { $0.number == snapshot.number }) else { return }
        all[place].name = name
        DFSRows.upsert(all[place], &rows)
    }

    /// Its versions go in the steps of `trim`.
    mutating func delete(_ snapshot: Snapshot, _ rows: inout RowChanges) {
        all.removeAll { $0.number == snapshot.number }
        rows.delete(DFSRows.snapshots, key: [.integer(snapshot.number)])
    }

    // MARK: past states

    /// The state of a node at the time of a snapshot, wherever the node was. Nil if it was not there, or in no snapshot.
    func state(_ id: InodeID, in snapshot: Snapshot, _ current: Current) -> Inode? {
        guard id.rawValue < snapshot.nextInode else { return nil }
        if let version = versions[id]?.first(where: { $0.upTo >= snapshot.number }) { return version.node }
        return current(id)
    }

    /// Whether a node was at or below the snapshot's directory.
    func covers(_ snapshot: Snapshot, _ id: InodeID, _ current: Current) -> Bool {
        var place = id
        while let node = state(place, in: snapshot, current) {
            if place == snapshot.directory { return true }
            guard place != .root else { return false }
            place = node.parent
        }
        return false
    }

    /// The snapshots between a node's last version, or its making, and now.
    private func later(_ id: InodeID) -> ArraySlice<Snapshot> {
        let since = versions[id]?.last?.upTo ?? .min
        let first = all.lastIndex { $0.number <= since || $0.nextInode <= id.rawValue }
        return all[(first.map { $0 + 1 } ?? 0)...]
    }

    /// Whether a snapshot shows the node as it is now.
    func isShown(_ id: InodeID, _ current: Current) -> Bool { later(id).contains { covers($0, id, current) } }

    /// A node is about to change. `isMoving`: it gets another place, which must not be taken for its past one.
    mutating func preserve(_ node: Inode, isMoving: Bool, _ current: Current, _ rows: inout RowChanges) {
        guard let newest = all.last, newest.nextInode > node.id.rawValue else { return }
        let later = later(node.id)
        guard !later.isEmpty else { return }
        if later.contains(where: { covers($0, node.id, current) }) {
            append(NodeVersion(upTo: newest.number, node), of: node.id)
        } else if isMoving {
            append(NodeVersion(upTo: newest.number, nil), of: node.id)
        } else {
            return
        }
        versions[node.id]?.last.map { DFSRows.upsert($0, of: node.id, &rows) }
    }

    private mutating func append(_ version: NodeVersion, of id: InodeID) {
        versions[id, default: []].append(version)
        _ = Self.insert(id, &versioned)
        if let node = version.node { _ = Self.insert(id, &formerly[node.parent, default: []]) }
    }

    /// Whether a version of a node has the block.
    func holds(_ id: InodeID, _ block: BlockID) -> Bool { version(of: id, with: block) != nil }

    /// The last version's block and number of copies.
    func version(of id: InodeID, with block: BlockID) -> (block: Block, replication: Int16)? {
        for version in (versions[id] ?? []).reversed() {
            if let file = version.node?.file, let found = file.blocks.first(where: { $0.id == block }) { return (found, file.replication) }
        }
        return nil
    }

    // MARK: directories of snapshots

    /// An entry of a directory in a snapshot.
    func child(_ name: FileName, of directory: InodeID, in snapshot: Snapshot, _ current: Current) -> Inode? {
        if let id = current(directory)?.entries?[name], let node = entry(id, of: directory, in: snapshot, current), node.name == name {
            return node
        }
        for id in formerly[directory] ?? [] {
            if let node = entry(id, of: directory, in: snapshot, current), node.name == name { return node }
        }
        return nil
    }

    private func entry(_ id: InodeID, of directory: InodeID, in snapshot: Snapshot, _ current: Current) -> Inode? {
        state(id, in: snapshot, current).flatMap { $0.parent == directory && $0.id != .root ? $0 : nil }
    }

    /// At most `count` entries of a directory behind a name, in order of name, and whether there are more.
    func page(of directory: InodeID, in snapshot: Snapshot, after name: FileName, count: Int, _ current: Current) -> (
        entries: [Inode], hasMore: Bool
    ) {
        let now = current(directory)?.entries
        // Entries that have left, or have another name.
        var gone = (formerly[directory] ?? []).compactMap { entry($0, of: directory, in: snapshot, current) }
            .filter { now?[$0.name] != $0.id && (name.text.isEmpty || name < $0.name) }.sorted { $1.name < $0.name }
        var found: [Inode] = []
        var last = name
        while found.count <= count {
            guard let next = now?.first(after: last) else { break }
            last = next.name
            guard let node = entry(next.id, of: directory, in: snapshot, current), node.name == next.name else { continue }
            while found.count <= count, let other = gone.last, other.name < node.name { found.append(gone.removeLast()) }
            found.append(node)
        }
        while found.count <= count, let other = gone.popLast() { found.append(other) }
        return (Array(found.prefix(count)), found.count > count)
    }

    // MARK: versions that no snapshot needs

    /// Nodes of one step.
    package static let trimmedPerStep = 1_000

    /// The last node of the step that begins behind `id`; nil if there is none.
    package func trimEnd(after id: InodeID) -> InodeID? {
        let start = Self.place(InodeID(id.rawValue == .max ? .max : id.rawValue + 1), versioned)
        return start < versioned.count ? versioned[min(versioned.count, start + Self.trimmedPerStep) - 1] : nil
    }

    /// Nodes with versions behind one, in order.
    package func versioned(after id: InodeID, count: Int) -> ArraySlice<InodeID> {
        versioned[Self.place(InodeID(id.rawValue == .max ? .max : id.rawValue + 1), versioned)...].prefix(count)
    }

    /// The blocks that only versions of a node have, and the copies wished for.
    package func blocks(ofVersionsOf id: InodeID) -> [BlockID] {
        var found: [BlockID] = []
        var seen = LookupTable<BlockID, Bool>()
        for version in versions[id] ?? [] {
            for block in version.node?.file?.blocks ?? [] where seen[block.id] == nil {
                seen[block.id] = true
                found.append(block.id)
            }
        }
        return found
    }

    /// Drops the versions of some nodes that no snapshot shows. Returns the blocks that no version of their node has any more.
    mutating func trim(after: InodeID, upTo: InodeID, _ current: Current, _ rows: inout RowChanges) -> [(InodeID, BlockID)] {
        let first = Self.place(InodeID(after.rawValue == .max ? .max : after.rawValue + 1), versioned)
        let ids = versioned[first...].prefix { $0 <= upTo }
        var released: [(InodeID, BlockID)] = []
        var emptied = LookupTable<InodeID, Bool>()
        // All are judged before any is dropped: a node's past depends on that of its parents.
        let kept = ids.map { ($0, needed($0, current)) }
        for (id, list) in kept {
            let old = versions[id] ?? []
            for version in old where !list.contains(where: { $0.upTo == version.upTo }) {
                rows.delete(DFSRows.versions, key: [.integer(id.rawValue), .integer(version.upTo)])
            }
            for version in list where version.node == nil { DFSRows.upsert(version, of: id, &rows) }
            let before = blocks(ofVersionsOf: id)
            versions[id] = list.isEmpty ? nil : list
            if list.isEmpty { emptied[id] = true }
            var after = LookupTable<BlockID, Bool>()
            for block in blocks(ofVersionsOf: id) { after[block] = true }
            released += before.filter { after[$0] == nil }.map { (id, $0) }
            for parent in old.compactMap({ $0.node?.parent }) where !list.contains(where: { $0.node?.parent == parent }) {
                guard formerly[parent] != nil else { continue }
                _ = Self.remove(id, &formerly[parent, default: []])
                if formerly[parent]?.isEmpty == true { formerly.remove(parent) }
            }
        }
        versioned.removeAll { emptied[$0] != nil }
        return released
    }

    /// The versions of a node that some snapshot needs: whole where one shows it, without a state where one must not.
    private func needed(_ id: InodeID, _ current: Current) -> [NodeVersion] {
        var kept: [NodeVersion] = []
        var since = Int64.min
        for version in versions[id] ?? [] {
            let within = all.filter { $0.number > since && $0.number <= version.upTo && $0.nextInode > id.rawValue }
            since = version.upTo
            guard !within.isEmpty else { continue }
            let isShown = version.node != nil && within.contains { covers($0, id, current) }
            kept.append(isShown ? version : NodeVersion(upTo: version.upTo, nil))
        }
        // A node that is no more needs no version to say that it was not there.
        return current(id) == nil && !kept.contains { $0.node != nil } ? [] : kept
    }

    // MARK: sorted numbers

    private static func place(_ id: InodeID, _ list: [InodeID]) -> Int {
        if let last = list.last, last < id { return list.count }
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func has(_ id: InodeID, _ list: [InodeID]) -> Bool {
        let place = place(id, list)
        return place < list.count && list[place] == id
    }

    private static func insert(_ id: InodeID, _ list: inout [InodeID]) -> Bool {
        let place = place(id, list)
        guard place == list.count || list[place] != id else { return false }
        list.insert(id, at: place)
        return true
    }

    private static func remove(_ id: InodeID, _ list: inout [InodeID]) -> Bool {
        let place = place(id, list)
        guard place < list.count, list[place] == id else { return false }
        list.remove(at: place)
        return true
    }

    // MARK: loading

    mutating func load(directory: InodeID) { _ = Self.insert(directory, &directories) }
    mutating func load(_ snapshot: Snapshot) { all.append(snapshot) }

    /// Versions of a node come in order.
    mutating func load(_ version: NodeVersion, of id: InodeID) { append(version, of: id) }
}
