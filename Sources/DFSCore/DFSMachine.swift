// The namenode's rules as a deterministic state machine. Each command checks everything first and changes afterwards, so a refusal leaves
// no trace. Source: Hadoop's file system specification, "FileSystem" operations and their pre- and postconditions.
import Base

/// The state of dfs: names, blocks, and the writers of files. Datanodes report the places of blocks.
package struct DFSMachine: StateMachine, Sendable {
    package internal(set) var namespace = Namespace()
    /// Files open for writing, sorted.
    package internal(set) var openFiles: [InodeID] = []
    private var retries = RetryCache()
    private var loaded: [InodeID] = []

    package init() {}

    package static func encode(_ command: DFSCommand) throws(WireError) -> Bytes { try command.encoded(as: DurableDialect.self) }
    package static func decode(_ bytes: Bytes) throws(WireError) -> DFSCommand { try DFSCommand(decoding: bytes, as: DurableDialect.self) }
    package static var tables: [TableSchema] {
        [
            DFSRows.counters, DFSRows.inodes, DFSRows.extras, DFSRows.retries, DFSRows.snapshotDirectories, DFSRows.snapshots,
            DFSRows.versions,
        ]
    }

    package var openFileCount: Int { openFiles.count }

    package mutating func apply(_ command: DFSCommand, at position: ApplyPosition, rows: inout RowChanges) -> DFSOutcome {
        var outcome = executed(command, position, &rows)
        // Snapshots show blocks that their files have lost.
        outcome.removedBlocks.removeAll { namespace.isKept($0) }
        return outcome
    }

    private mutating func executed(_ command: DFSCommand, _ position: ApplyPosition, _ rows: inout RowChanges) -> DFSOutcome {
        var outcome = DFSOutcome(answer: .success(.done))
        guard case .once(let id, let inner) = command else {
            outcome.answer = answer(command, position, &rows, &outcome.removedBlocks)
            return outcome
        }
        if let kept = retries.answer(id) {
            outcome.answer = .success(kept)
            return outcome
        }
        outcome.answer = answer(inner, position, &rows, &outcome.removedBlocks)
        // A refusal has changed nothing: a repetition may find another state.
        if case .success(let answer) = outcome.answer { retries.keep(id, answer, position, &rows) }
        return outcome
    }

    private mutating func answer(
        _ command: DFSCommand, _ position: ApplyPosition, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) -> Result<DFSOutcome.Answer, DFSRefusal> {
        do { return .success(try execute(command, position.time.milliseconds, &rows, &removed)) } catch { return .failure(error) }
    }

    private mutating func execute(
        _ command: DFSCommand, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        switch command {
        case .makeDirectories(let path, let permission, let caller):
            _ = try makeDirectories(try components(path), permission, caller, time, &rows)
            return .flag(true)
        case .create(let path, let options, let writer, let caller):
            return try createForUpload(path, options, writer, caller, time, &rows, &removed)
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
            for id in openFiles { abandon(id, time, &rows, &removed) }
            return .done
        case .file(let command): return try execute(command, time, &rows, &removed)
        case .name(let command): return try execute(command, time, &rows, &removed)
        case .snapshot(let command): return try execute(command, time, &rows, &removed)
        case .once: throw .invalidArgument("a request within a request")
        }
    }

    func components(_ path: String) throws(DFSRefusal) -> [FileName] {
        guard let parts = FilePath.components(path) else { throw .invalidPath(path) }
        guard !parts.contains(Snapshot.folder) else { throw .readOnly(path) }
        return parts
    }

    /// The node at a path that must exist and may be reached.
    func existing(_ path: String, _ caller: Caller) throws(DFSRefusal) -> Inode {
        let parts = try components(path)
        try namespace.checkTraverse(caller, parts)
        guard let inode = namespace.lookup(parts) else { throw .notFound(path) }
        return inode
    }

    func parent(of inode: Inode) -> Inode {
        guard let parent = namespace.inode(inode.parent) else { preconditionFailure("every inode has a parent") }
        return parent
    }

    /// Checks the nearest directory above a path that exists.
    func checkAncestor(_ parts: [FileName], _ access: Namespace.Access, _ caller: Caller) throws(DFSRefusal) {
        var depth = parts.count - 1
        while depth > 0 {
            if let inode = namespace.lookup(parts[..<depth]) { return try namespace.check(caller, access, inode) }
            depth -= 1
        }
        if let root = namespace.inode(.root) { try namespace.check(caller, access, root) }
    }

    // MARK: open files

    mutating func noteOpen(_ id: InodeID) {
        let place = openPlace(id)
        if place == openFiles.count || openFiles[place] != id { openFiles.insert(id, at: place) }
    }

    mutating func noteClosed(_ id: InodeID) {
        let place = openPlace(id)
        if place < openFiles.count, openFiles[place] == id { openFiles.remove(at: place) }
    }

    /// The index of the first open file not before this one.
    private func openPlace(_ id: InodeID) -> Int {
        if let last = openFiles.last, last < id { return openFiles.count }
        var (low, high) = (0, openFiles.count)
        while low < high {
            let middle = (low + high) / 2
            if openFiles[middle] < id { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// At most `count` open files behind one, in order.
    package func openFiles(after id: InodeID, count: Int) -> ArraySlice<InodeID> {
        openFiles[openPlace(InodeID(id.rawValue == .max ? .max : id.rawValue + 1))...].prefix(count)
    }

    /// The file that `writer` holds the lease of.
    func openFile(_ id: InodeID, _ writer: String) throws(DFSRefusal) -> FileContent {
        guard namespace.isReachable(id), let file = namespace.inode(id)?.file, let holder = file.writer,
            holder.utf8.elementsEqual(writer.utf8)
        else {
            throw .leaseLost(namespace.path(of: id))
        }
        return file
    }

    /// Closes a file as it is; its committed blocks become complete.
    mutating func close(_ id: InodeID, _ time: Int64, _ rows: inout RowChanges) {
        noteClosed(id)
        guard namespace.inode(id) != nil else { return }
        changeFile(id, &rows) {
            $0.writer = nil
            $0.wasClosed = true
            for place in $0.blocks.indices { ($0.blocks[place].state, $0.blocks[place].cutTo) = (.complete, 0) }
        }
        namespace.update(id, &rows) { $0.modified = time }
    }

    /// Ends an abandoned write. A file that was never closed is removed: half an upload must not look like a whole file. An append keeps
    /// its durable bytes.
    mutating func abandon(_ id: InodeID, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]) {
        guard let file = namespace.inode(id)?.file else { return noteClosed(id) }
        // A deleted file goes with its tree.
        guard namespace.isReachable(id) else { return }
        guard file.wasClosed else {
            removed += remove(id, time, &rows)
            return
        }
        // A block without a known byte was never the file's.
        let empty = file.blocks.filter { $0.isOpen && $0.lengthBytes == 0 }.map(\.id)
        if !empty.isEmpty {
            changeFile(id, &rows) { $0.blocks.removeAll { $0.isOpen && $0.lengthBytes == 0 } }
            removed += empty
        }
        close(id, time, &rows)
    }

    /// Removes a node and everything below it.
    mutating func remove(_ id: InodeID, _ time: Int64, _ rows: inout RowChanges) -> [BlockID] {
        let removed = namespace.remove(id, time: time, &rows)
        for id in removed.openFiles { noteClosed(id) }
        return removed.blocks
    }

    /// Nodes of deleted trees that one command removes.
    package static let removedPerStep = 2_000

    mutating func removeMore(_ rows: inout RowChanges) -> [BlockID] {
        let removed = namespace.removeMore(namesMax: Self.removedPerStep, &rows)
        for id in removed.openFiles { noteClosed(id) }
        return removed.blocks
    }

    mutating func changeFile(_ id: InodeID, _ rows: inout RowChanges, _ change: (inout FileContent) -> Void) {
        namespace.update(id, &rows) { inode in
            guard case .file(var content) = inode.kind else { preconditionFailure("only files have blocks and writers") }
            change(&content)
            inode.kind = .file(content)
        }
    }

    // MARK: loading

    package mutating func load(_ row: Row, of table: TableSchema) throws(StateCorruption) {
        if table == DFSRows.counters {
            guard let name = row[0].text, let value = row[1].integer else { throw StateCorruption("a row of counters is incomplete") }
            namespace.load { (counters: inout Counters) in
                switch name {
                case "next_inode": counters.nextInode = value
                case "next_snapshot": counters.nextSnapshot = value
                case "next_block": counters.nextBlock = value
                case "namespace_id": counters.namespaceID = value
                default: counters.nextGeneration = value
                }
            }
        } else if table == DFSRows.extras {
            guard let inode = row[0].integer, let content = row[1].blob else { throw StateCorruption("a row of extras is incomplete") }
            do { try namespace.load(try InodeExtras(decoding: content, as: DurableDialect.self), of: InodeID(inode)) } catch {
                throw StateCorruption("the extras of inode \(inode) cannot be read: \(error)")
            }
        } else if table == DFSRows.snapshotDirectories {
            guard let inode = row[0].integer else { throw StateCorruption("a row of snapshot directories is incomplete") }
            namespace.change(snapshots: { $0.load(directory: InodeID(inode)) })
        } else if table == DFSRows.snapshots {
            let snapshot = try DFSRows.snapshot(row)
            namespace.change(snapshots: { $0.load(snapshot) })
        } else if table == DFSRows.versions {
            let (id, version) = try DFSRows.version(row)
            namespace.change(snapshots: { $0.load(version, of: id) })
        } else if table == DFSRows.retries {
            try retries.load(row)
        } else {
            let inode = try DFSRows.inode(row)
            namespace.load(inode)
            loaded.append(inode.id)
            if inode.file?.writer != nil { openFiles.append(inode.id) }
        }
    }

    package mutating func finishLoading(applied: Slot) throws(StateCorruption) {
        try namespace.finishLoading(loaded)
        openFiles.sort()
        loaded = []
    }
}
