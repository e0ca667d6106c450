// How the namespace lies in SQLite, readable by a person. A file's blocks are a text of `id:length` pairs, since they are always
// read and written together.
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

    static func upsert(_ inode: Inode, _ rows: inout RowChanges) {
        let file = inode.file
        rows.upsert(
            inodes,
            [
                .integer(inode.id.rawValue), .integer(inode.parent.rawValue), .text(inode.name), .text(file == nil ? "directory" : "file"),
                .integer(Int64(inode.permission)), .text(inode.owner), .text(inode.group), .integer(inode.modified), .integer(inode.accessed),
                .integer(Int64(file?.replication ?? 0)), .integer(file?.blockSizeBytes ?? 0),
                .text(file?.blocks.map { "\($0.id.rawValue):\($0.lengthBytes)" }.joined(separator: " ") ?? ""), file?.writer.map { .text($0) } ?? .null,
                .integer(file?.wasClosed == true ? 1 : 0),
            ])
    }

    static func delete(_ id: InodeID, _ rows: inout RowChanges) { rows.delete(inodes, key: [.integer(id.rawValue)]) }

    static func counters(nextInode: Int64, nextBlock: Int64, _ rows: inout RowChanges) {
        rows.upsert(counters, [.text("next_inode"), .integer(nextInode)])
        rows.upsert(counters, [.text("next_block"), .integer(nextBlock)])
    }

    static func inode(_ row: Row) throws(StateCorruption) -> Inode {
        guard let id = row[0].integer, let parent = row[1].integer, let name = row[2].text, let kind = row[3].text, let permission = row[4].integer,
            let owner = row[5].text, let group = row[6].text, let modified = row[7].integer, let accessed = row[8].integer,
            let replication = row[9].integer, let blockSize = row[10].integer, let blockText = row[11].text, let wasClosed = row[13].integer
        else { throw StateCorruption("a row of inodes is incomplete") }
        var blocks: [Block] = []
        for pair in blockText.split(separator: " ") {
            let parts = pair.split(separator: ":")
            guard parts.count == 2, let block = Int64(parts[0]), let length = Int64(parts[1]) else { throw StateCorruption("inode \(id) has a bad list of blocks") }
            blocks.append(Block(id: BlockID(block), lengthBytes: length))
        }
        let content = FileContent(replication: Int16(truncatingIfNeeded: replication), blockSizeBytes: blockSize, blocks: blocks, writer: row[12].text,
            wasClosed: wasClosed != 0)
        return Inode(
            id: InodeID(id), parent: InodeID(parent), name: name, permission: Int16(truncatingIfNeeded: permission), owner: owner, group: group,
            modified: modified, accessed: accessed, kind: kind == "file" ? .file(content) : .directory(children: DirectoryEntries()))
    }
}
