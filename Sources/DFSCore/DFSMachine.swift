// The namenode's rules as a deterministic state machine. Each command checks everything first and changes afterwards, so a refusal leaves
// no trace. Source: Hadoop's file system specification, "FileSystem" operations and their pre- and postconditions.
import Base

/// The state of dfs: names, blocks, and who writes what. Places of blocks are the datanodes' to report.
package struct DFSMachine: StateMachine, Sendable {
    package private(set) var namespace = Namespace()
    /// Files that are open for writing.
    private var openFiles: [InodeID] = []
    private var loaded: [InodeID] = []

    package init() {}

    package static func encode(_ command: DFSCommand) throws(WireError) -> Bytes { try command.encoded(as: DurableDialect.self) }
    package static func decode(_ bytes: Bytes) throws(WireError) -> DFSCommand { try DFSCommand(decoding: bytes, as: DurableDialect.self) }
    package static var tables: [TableSchema] { [DFSRows.counters, DFSRows.inodes] }

    package var openFileCount: Int { openFiles.count }

    package mutating func apply(_ command: DFSCommand, at position: ApplyPosition, rows: inout RowChanges) -> DFSOutcome {
        var outcome = DFSOutcome(answer: .success(.done))
        do {
            outcome.answer = .success(try execute(command, position.time.milliseconds, &rows, &outcome.removedBlocks))
        } catch { outcome.answer = .failure(error) }
        return outcome
    }

    private mutating func execute(
        _ command: DFSCommand, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        switch command {
        case .makeDirectories(let path, let permission, let caller):
            _ = try makeDirectories(try components(path), permission, caller, time, &rows)
            return .flag(true)
        case .create(let path, let options, let writer, let caller): return try create(path, options, writer, caller, time, &rows, &removed)
        case .openForAppend(let path, let writer, let caller): return try openForAppend(path, writer, caller, &rows)
        case .finishBlock(let id, let writer, let block, let length, let last):
            return try finishBlock(id, writer, Block(id: block, lengthBytes: length), last, time, &rows)
        case .close(let id, let writer):
            _ = try openFile(id, writer)
            close(id, time, &rows)
            return .done
        case .abandonFile(let id, let writer):
            _ = try openFile(id, writer)
            abandon(id, time, &rows, &removed)
            return .done
        case .rename(let source, let target, let caller): return .flag(try rename(source, target, caller, time, &rows))
        case .delete(let path, let recursive, let caller): return .flag(try delete(path, recursive, caller, time, &rows, &removed))
        case .setAttributes(let path, let change, let caller):
            try setAttributes(path, change, caller, &rows)
            return .done
        case .closeAbandoned:
            // In order of number: a machine that was loaded knows no other order.
            for id in openFiles.sorted() { abandon(id, time, &rows, &removed) }
            return .done
        }
    }

    private func components(_ path: String) throws(DFSRefusal) -> [String] {
        guard let parts = FilePath.components(path) else { throw .invalidPath(path) }
        return parts
    }

    /// The node at a path that must exist and may be reached.
    private func existing(_ path: String, _ caller: Caller) throws(DFSRefusal) -> Inode {
        let parts = try components(path)
        try namespace.checkTraverse(caller, parts)
        guard let inode = namespace.lookup(parts) else { throw .notFound(path) }
        return inode
    }

    private func parent(of inode: Inode) -> Inode {
        guard let parent = namespace.inode(inode.parent) else { preconditionFailure("every inode has a parent") }
        return parent
    }

    /// Checks the nearest directory above a path that exists.
    private func checkAncestor(_ parts: [String], _ access: Namespace.Access, _ caller: Caller) throws(DFSRefusal) {
        var depth = parts.count - 1
        while depth > 0 {
            if let inode = namespace.lookup(parts[..<depth]) { return try namespace.check(caller, access, inode) }
            depth -= 1
        }
        if let root = namespace.inode(.root) { try namespace.check(caller, access, root) }
    }

    // MARK: directories

    private mutating func makeDirectories(
        _ parts: [String], _ permission: Int16, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges
    ) throws(DFSRefusal) -> InodeID {
        var depth = 0
        var current = InodeID.root
        while depth < parts.count, let inode = namespace.inode(current), let next = inode.entries?[parts[depth]] {
            try namespace.check(caller, .execute, inode)
            current = next
            depth += 1
        }
        guard let base = namespace.inode(current), base.isDirectory else {
            if depth == parts.count { throw .exists(FilePath.joined(parts)) }
            throw .parentNotDirectory(FilePath.joined(parts[..<depth]))
        }
        guard depth < parts.count else { return current }
        try namespace.check(caller, .write, base)
        for name in parts[depth...] {
            current = namespace.add(
                name, to: current, permission: permission, owner: caller.user, time: time, kind: .directory(children: DirectoryEntries()), &rows)
        }
        return current
    }

    // MARK: files

    private mutating func create(
        _ path: String, _ options: CreateOptions, _ writer: String, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        let parts = try components(path)
        guard let name = parts.last else { throw .exists("/") }
        guard options.blockSizeBytes >= 1 << 20, options.replication >= 1 else {
            throw .invalidArgument("block size \(options.blockSizeBytes) is below 1 MiB, or replication \(options.replication) below 1")
        }
        // Access first: a refusal must not tell whether the file is there.
        try namespace.checkTraverse(caller, parts)
        try checkAncestor(parts, .write, caller)
        if let old = namespace.lookup(parts) {
            guard !old.isDirectory, options.overwrite else { throw .exists(path) }
            try namespace.check(caller, .write, old)
            if let holder = old.file?.writer { throw .beingWritten(path, by: holder) }
            removed += namespace.remove(old.id, time: time, &rows)
        }
        let directory = try makeDirectories(Array(parts.dropLast()), 0o755, caller, time, &rows)
        if let inode = namespace.inode(directory) { try namespace.check(caller, .write, inode) }
        let content = FileContent(replication: options.replication, blockSizeBytes: options.blockSizeBytes, writer: writer)
        let id = namespace.add(name, to: directory, permission: options.permission, owner: caller.user, time: time, kind: .file(content), &rows)
        openFiles.append(id)
        return .opened(id, nextBlock: namespace.takeBlockID(&rows), blockSizeBytes: options.blockSizeBytes)
    }

    private mutating func openForAppend(_ path: String, _ writer: String, _ caller: Caller, _ rows: inout RowChanges) throws(DFSRefusal) -> DFSOutcome.Answer {
        let inode = try existing(path, caller)
        guard let file = inode.file else { throw .isDirectory(path) }
        try namespace.check(caller, .write, inode)
        if let holder = file.writer { throw .beingWritten(path, by: holder) }
        changeFile(inode.id, &rows) { $0.writer = writer }
        openFiles.append(inode.id)
        return .opened(inode.id, nextBlock: namespace.takeBlockID(&rows), blockSizeBytes: file.blockSizeBytes)
    }

    private func openFile(_ id: InodeID, _ writer: String) throws(DFSRefusal) -> FileContent {
        guard let file = namespace.inode(id)?.file, file.writer == writer else { throw .leaseLost(namespace.path(of: id)) }
        return file
    }

    private mutating func finishBlock(
        _ id: InodeID, _ writer: String, _ block: Block, _ last: Bool, _ time: Int64, _ rows: inout RowChanges
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        let file = try openFile(id, writer)
        if block.lengthBytes > 0 { changeFile(id, &rows) { $0.blocks.append(block) } }
        guard last else { return .opened(id, nextBlock: namespace.takeBlockID(&rows), blockSizeBytes: file.blockSizeBytes) }
        close(id, time, &rows)
        return .done
    }

    private mutating func close(_ id: InodeID, _ time: Int64, _ rows: inout RowChanges) {
        openFiles.removeAll { $0 == id }
        guard namespace.inode(id) != nil else { return }
        changeFile(id, &rows) {
            $0.writer = nil
            $0.wasClosed = true
        }
        namespace.update(id, &rows) { $0.modified = time }
    }

    /// Ends a write that nobody goes on with: half an upload must not look like a whole file, so a file that was never closed goes. One that
    /// was being appended to keeps what is durable.
    private mutating func abandon(_ id: InodeID, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]) {
        guard let file = namespace.inode(id)?.file, !file.wasClosed else { return close(id, time, &rows) }
        openFiles.removeAll { $0 == id }
        removed += namespace.remove(id, time: time, &rows)
    }

    private mutating func changeFile(_ id: InodeID, _ rows: inout RowChanges, _ change: (inout FileContent) -> Void) {
        namespace.update(id, &rows) { inode in
            guard case .file(var content) = inode.kind else { preconditionFailure("only files have blocks and writers") }
            change(&content)
            inode.kind = .file(content)
        }
    }

    // MARK: rename, delete, attributes

    /// False where HDFS answers false: a missing source, an existing file at the target, a missing parent, a directory under itself.
    private mutating func rename(_ source: String, _ target: String, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges) throws(DFSRefusal) -> Bool {
        let from = try components(source)
        var to = try components(target)
        try namespace.checkTraverse(caller, from)
        try namespace.checkTraverse(caller, to)
        guard let name = from.last, let inode = namespace.lookup(from) else { return false }
        if from == to { return !inode.isDirectory }
        if let there = namespace.lookup(to), there.isDirectory { to.append(name) }
        guard namespace.lookup(to) == nil, let newName = to.last, let directory = namespace.lookup(to.dropLast()), directory.isDirectory else { return false }
        guard !to.starts(with: from) else { return false }
        try namespace.check(caller, .write, parent(of: inode))
        try namespace.check(caller, .write, directory)
        namespace.move(inode.id, to: directory.id, as: newName, time: time, &rows)
        return true
    }

    private mutating func delete(
        _ path: String, _ recursive: Bool, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> Bool {
        let parts = try components(path)
        try namespace.checkTraverse(caller, parts)
        guard !parts.isEmpty, let inode = namespace.lookup(parts) else { return false }
        try namespace.check(caller, .write, parent(of: inode))
        if let entries = inode.entries, !entries.isEmpty {
            guard recursive else { throw .notEmpty(path) }
            try checkSubtree(inode, caller)
        }
        removed += namespace.remove(inode.id, time: time, &rows)
        return true
    }

    /// Whoever deletes a tree must be able to delete from every directory in it.
    private func checkSubtree(_ top: Inode, _ caller: Caller) throws(DFSRefusal) {
        if caller.isSuper { return }
        var waiting = [top]
        while let directory = waiting.popLast() {
            try namespace.check(caller, .write, directory)
            waiting += namespace.children(of: directory).filter { $0.entries.map { !$0.isEmpty } ?? false }
        }
    }

    private mutating func setAttributes(_ path: String, _ change: AttributeChange, _ caller: Caller, _ rows: inout RowChanges) throws(DFSRefusal) {
        let inode = try existing(path, caller)
        if change.owner != nil || change.group != nil, !caller.isSuper {
            throw .denied(user: caller.user, needs: "SUPERUSER", path: path)
        }
        if change.permission != nil, !caller.isSuper, inode.owner != caller.user { throw .denied(user: caller.user, needs: "OWNER", path: path) }
        if change.replication != nil || change.modified != nil || change.accessed != nil { try namespace.check(caller, .write, inode) }
        if let replication = change.replication {
            guard !inode.isDirectory else { throw .isDirectory(path) }
            guard replication >= 1 else { throw .invalidArgument("replication \(replication) is below 1") }
            changeFile(inode.id, &rows) { $0.replication = replication }
        }
        namespace.update(inode.id, &rows) {
            $0.permission = change.permission ?? $0.permission
            $0.owner = change.owner ?? $0.owner
            $0.group = change.group ?? $0.group
            $0.modified = change.modified ?? $0.modified
            $0.accessed = change.accessed ?? $0.accessed
        }
    }

    // MARK: loading

    package mutating func load(_ row: Row, of table: TableSchema) throws(StateCorruption) {
        if table == DFSRows.counters {
            guard let name = row[0].text, let value = row[1].integer else { throw StateCorruption("a row of counters is incomplete") }
            if name == "next_inode" { namespace.loadCounters(nextInode: value, nextBlock: namespace.nextBlock) } else {
                namespace.loadCounters(nextInode: namespace.nextInode, nextBlock: value)
            }
        } else {
            let inode = try DFSRows.inode(row)
            namespace.load(inode)
            loaded.append(inode.id)
            if inode.file?.writer != nil { openFiles.append(inode.id) }
        }
    }

    package mutating func finishLoading(applied: Slot) throws(StateCorruption) {
        try namespace.finishLoading(loaded)
        loaded = []
    }
}
