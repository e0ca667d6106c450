// The namespace's form in SQLite, readable by a person. A file's blocks are a text of `id:length:generation:state` groups, since they are
// always read and written together; a group of two is a complete block from before generations were counted, a fifth number the length to
// cut to.
import Base

/// The tables of dfs.
package enum DFSRows {
    package static let inodes = TableSchema(
        "inodes", key: [.init("id", .integer)],
        values: [
            .init("parent", .integer), .init("name", .text), .init("kind", .text), .init("permission", .integer), .init("owner", .text),
            .init("group_name", .text), .init("modified", .integer), .init("accessed", .integer), .init("replication", .integer),
            .init("block_size", .integer), .init("blocks", .text), .init("writer", .text), .init("was_closed", .integer),
        ])
    package static let counters = TableSchema("counters", key: [.init("name", .text)], values: [.init("value", .integer)])
    /// Access lists, attributes and quotas of the nodes that have any.
    package static let extras = TableSchema("extras", key: [.init("inode", .integer)], values: [.init("content", .blob)])
    /// Answers for clients that repeat a request.
    package static let retries = TableSchema(
        "retries", key: [.init("slot", .integer)], values: [.init("request", .blob), .init("time", .integer), .init("answer", .blob)])

    /// The directories that may have snapshots.
    package static let snapshotDirectories = TableSchema("snapshot_directories", key: [.init("inode", .integer)], values: [])
    package static let snapshots = TableSchema(
        "snapshots", key: [.init("number", .integer)],
        values: [.init("directory", .integer), .init("name", .text), .init("made", .integer), .init("next_inode", .integer)])
    /// Past states of nodes, for snapshots up to a number.
    package static let versions = TableSchema(
        "versions", key: [.init("inode", .integer), .init("up_to", .integer)], values: [.init("content", .blob)])

    static func upsert(_ inode: Inode, _ rows: inout RowChanges) {
        let file = inode.file
        rows.upsert(
            inodes,
            [
                .integer(inode.id.rawValue), .integer(inode.parent.rawValue), .text(inode.name.text),
                .text(file == nil ? "directory" : "file"),
                .integer(Int64(inode.permission)), .text(inode.owner), .text(inode.group), .integer(inode.modified),
                .integer(inode.accessed),
                .integer(Int64(file?.replication ?? 0)), .integer(file?.blockSizeBytes ?? 0),
                .text(file?.blocks.map(text).joined(separator: " ") ?? ""), file?.writer.map { .text($0) } ?? .null,
                .integer(file?.wasClosed == true ? 1 : 0),
            ])
    }

    private static func text(_ block: Block) -> String {
        let short = "\(block.id.rawValue):\(block.lengthBytes)"
        if block.generation == .first, block.state == .complete { return short }
        let long = "\(short):\(block.generation.rawValue):\(block.state.rawValue)"
        return block.state == .truncating ? "\(long):\(block.cutTo)" : long
    }

    static func delete(_ inode: Inode, _ rows: inout RowChanges) {
        rows.delete(inodes, key: [.integer(inode.id.rawValue)])
        if inode.extras != nil { rows.delete(extras, key: [.integer(inode.id.rawValue)]) }
    }

    static func extras(of inode: Inode, _ rows: inout RowChanges) {
        guard let content = inode.extras else { return rows.delete(extras, key: [.integer(inode.id.rawValue)]) }
        do { rows.upsert(extras, [.integer(inode.id.rawValue), .blob(try content.encoded(as: DurableDialect.self))]) } catch {
            preconditionFailure("what was taken within its limits can be written: \(error)")
        }
    }

    static func counters(_ counters: Counters, _ rows: inout RowChanges) {
        rows.upsert(self.counters, [.text("next_inode"), .integer(counters.nextInode)])
        rows.upsert(self.counters, [.text("next_block"), .integer(counters.nextBlock)])
        rows.upsert(self.counters, [.text("next_generation"), .integer(counters.nextGeneration)])
        rows.upsert(self.counters, [.text("namespace_id"), .integer(counters.namespaceID)])
    }

    static func snapshotCounter(_ counters: Counters, _ rows: inout RowChanges) {
        rows.upsert(self.counters, [.text("next_snapshot"), .integer(counters.nextSnapshot)])
    }

    static func upsert(_ snapshot: Snapshot, _ rows: inout RowChanges) {
        rows.upsert(
            snapshots,
            [
                .integer(snapshot.number), .integer(snapshot.directory.rawValue), .text(snapshot.name.text), .integer(snapshot.made),
                .integer(snapshot.nextInode),
            ])
    }

    static func upsert(_ version: NodeVersion, of id: InodeID, _ rows: inout RowChanges) {
        do {
            let content = try NodeVersion.Content(version.node).encoded(as: DurableDialect.self)
            rows.upsert(versions, [.integer(id.rawValue), .integer(version.upTo), .blob(content)])
        } catch { preconditionFailure("what was taken within its limits can be written: \(error)") }
    }

    static func snapshot(_ row: Row) throws(StateCorruption) -> Snapshot {
        guard let number = row[0].integer, let directory = row[1].integer, let name = row[2].text, let made = row[3].integer,
            let next = row[4].integer
        else { throw StateCorruption("a row of snapshots is incomplete") }
        return Snapshot(number: number, directory: InodeID(directory), name: FileName(name), made: made, nextInode: next)
    }

    static func version(_ row: Row) throws(StateCorruption) -> (InodeID, NodeVersion) {
        guard let inode = row[0].integer, let upTo = row[1].integer, let blob = row[2].blob else {
            throw StateCorruption("a row of versions is incomplete")
        }
        do {
            let content = try NodeVersion.Content(decoding: blob, as: DurableDialect.self)
            return (InodeID(inode), NodeVersion(upTo: upTo, content.node(InodeID(inode))))
        } catch { throw StateCorruption("the version \(upTo) of inode \(inode) cannot be read: \(error)") }
    }

    static func inode(_ row: Row) throws(StateCorruption) -> Inode {
        guard let id = row[0].integer, let parent = row[1].integer, let name = row[2].text, let kind = row[3].text,
            let permission = row[4].integer,
            let owner = row[5].text, let group = row[6].text, let modified = row[7].integer, let accessed = row[8].integer,
            let replication = row[9].integer, let blockSize = row[10].integer, let blockText = row[11].text, let wasClosed = row[13].integer
        else { throw StateCorruption("a row of inodes is incomplete") }
        var blocks: [Block] = []
        for group in blockText.utf8.split(separator: UInt8(ascii: " ")) { blocks.append(try block(group, of: id)) }
        let content = FileContent(
            replication: Int16(truncatingIfNeeded: replication), blockSizeBytes: blockSize, blocks: blocks, writer: row[12].text,
            wasClosed: wasClosed != 0)
        return Inode(
            id: InodeID(id), parent: InodeID(parent), name: FileName(name), permission: Int16(truncatingIfNeeded: permission), owner: owner,
            group: group,
            modified: modified, accessed: accessed, kind: kind == "file" ? .file(content) : .directory(children: DirectoryEntries()))
    }

    private static func block(_ group: Substring.UTF8View.SubSequence, of inode: Int64) throws(StateCorruption) -> Block {
        let parts = group.split(separator: UInt8(ascii: ":")).map { Int64(String(decoding: $0, as: UTF8.self)) }
        guard [2, 4, 5].contains(parts.count), let id = parts[0], let length = parts[1] else {
            throw StateCorruption("inode \(inode) has a bad list of blocks")
        }
        guard parts.count > 2 else { return Block(id: BlockID(id), lengthBytes: length) }
        guard let generation = parts[2], let state = parts[3].flatMap(Block.State.init(rawValue:)) else {
            throw StateCorruption("inode \(inode) has a bad list of blocks")
        }
        var block = Block(id: BlockID(id), generation: Generation(generation), lengthBytes: length, state: state)
        if parts.count == 5 {
            guard let cut = parts[4] else { throw StateCorruption("inode \(inode) has a bad list of blocks") }
            block.cutTo = cut
        }
        return block
    }
}

/// The numbers that are given out next.
package struct Counters: Sendable, Hashable {
    package var nextInode = InodeID.root.rawValue + 1
    package var nextBlock: Int64 = 1_073_741_825
    package var nextGeneration = Generation.first.rawValue + 1
    package var nextSnapshot: Int64 = 1
    /// The number of this file system; 0 until it has one.
    package var namespaceID: Int64 = 0
    package init() {}
}
