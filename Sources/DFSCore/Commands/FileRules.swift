// Rules of commands about a file's content. Source: FSDirWriteFileOp, FSDirAppendOp, FSDirTruncateOp of Hadoop 3 for the details that
// clients rely on.
import Base

extension DFSMachine {
    mutating func execute(
        _ command: FileCommand, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        switch command {
        case .create(let path, let options, let parents, let holder, let caller):
            // As in HDFS, a create may replace an open file; its writer loses the lease.
            return .created(try create(path, options, createParents: parents, replacesOpen: true, holder, caller, time, &rows, &removed))
        case .append(let path, let own, let holder, let caller): return try append(path, ownBlock: own, holder, caller, &rows)
        case .addBlock(let id, let holder, let previous): return try addBlock(id, holder, previous, &rows)
        case .abandonBlock(let id, let holder, let block):
            let file = try openFile(id, holder)
            if let last = file.blocks.last, last.id == block, last.state == .underConstruction {
                changeFile(id, &rows) { $0.blocks.removeLast() }
                removed.append(block)
            }
            return .done
        case .sync(let id, let holder, let bytes):
            let file = try openFile(id, holder)
            if let last = file.blocks.last, last.state == .underConstruction, bytes > last.lengthBytes, bytes <= Block.lengthBytesMax {
                changeFile(id, &rows) { $0.blocks[$0.blocks.count - 1].lengthBytes = bytes }
            }
            return .done
        case .complete(let id, let holder, let last): return try complete(id, holder, last, time, &rows)
        case .takeGeneration(let holder, let block):
            _ = try blockBeingWritten(block, holder)
            return .generation(namespace.takeGeneration(&rows))
        case .updatePipeline(let holder, let before, let after): return try updatePipeline(holder, before, after, &rows)
        case .beginRecovery(let id): return try beginRecovery(id, time, &rows)
        case .endRecovery(let block, let drop): return try endRecovery(block, drop: drop, time, &rows, &removed)
        case .truncate(let path, let bytes, let caller): return try truncate(path, bytes, caller, time, &rows, &removed)
        case .concat(let target, let sources, let caller): return try concat(target, sources, caller, time, &rows, &removed)
        case .removeMore:
            removed += removeMore(&rows)
            return .done
        case .abandonUploads:
            for id in openFiles where namespace.inode(id)?.file?.writer?.utf8.starts(with: FileCommand.uploadPrefix.utf8) == true {
                abandon(id, time, &rows, &removed)
            }
            return .done
        }
    }

    mutating func create(
        _ path: String, _ options: CreateOptions, createParents: Bool, replacesOpen: Bool = false, _ holder: String, _ caller: Caller,
        _ time: Int64,
        _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> InodeID {
        let parts = try components(path)
        guard let name = parts.last else { throw .exists("/") }
        guard options.blockSizeBytes >= 1 << 20, options.blockSizeBytes <= Block.lengthBytesMax, options.replication >= 1 else {
            throw .invalidArgument(
                "block size \(options.blockSizeBytes) is not from 1 MiB to 64 TiB, or replication \(options.replication) below 1")
        }
        // Access first: a refusal must not tell whether the file is there.
        try namespace.checkTraverse(caller, parts)
        try checkAncestor(parts, .write, caller)
        let old = namespace.lookup(parts)
        if let old {
            guard !old.isDirectory, options.overwrite else { throw .exists(path) }
            try namespace.check(caller, .write, old)
            if let other = old.file?.writer, !replacesOpen { throw .beingWritten(path, by: other) }
        } else if !createParents {
            guard let directory = namespace.lookup(parts.dropLast()) else {
                throw .notFound("Parent directory doesn't exist: \(FilePath.joined(parts.dropLast()))")
            }
            guard directory.isDirectory else { throw .parentNotDirectory(FilePath.joined(parts.dropLast())) }
        }
        // The old file takes its quota with it, so its place is free for the new one.
        if old == nil { try checkNameQuota(parts, adding: missingCount(parts)) }
        if let old { removed += remove(old.id, time, &rows) }
        let directory = try makeDirectories(Array(parts.dropLast()), 0o755, caller, time, &rows)
        let content = FileContent(replication: options.replication, blockSizeBytes: options.blockSizeBytes, writer: holder)
        let id = namespace.add(
            name, to: directory, permission: options.permission, owner: caller.user, time: time, kind: .file(content), &rows)
        inheritACL(id, unmasked: options.permission, &rows)
        noteOpen(id)
        return id
    }

    private mutating func append(
        _ path: String, ownBlock: Bool, _ holder: String, _ caller: Caller, _ rows: inout RowChanges
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        let inode = try existing(path, caller)
        guard let file = inode.file else { throw .isDirectory(path) }
        try namespace.check(caller, .write, inode)
        if let other = file.writer { throw .beingWritten(path, by: other) }
        var last = file.blocks.last
        if ownBlock || (last?.lengthBytes ?? 0) >= file.blockSizeBytes { last = nil }
        last?.state = .underConstruction
        changeFile(inode.id, &rows) {
            $0.writer = holder
            if let last { $0.blocks[$0.blocks.count - 1] = last }
        }
        noteOpen(inode.id)
        return .appending(inode.id, last: last, offset: file.lengthBytes - (last?.lengthBytes ?? 0))
    }

    private mutating func addBlock(_ id: InodeID, _ holder: String, _ previous: Block?, _ rows: inout RowChanges) throws(DFSRefusal)
        -> DFSOutcome.Answer
    {
        let file = try openFile(id, holder)
        if let last = file.blocks.last, last.state == .underConstruction, last.lengthBytes == 0, last.id != previous?.id,
            repeats(file, previous)
        {
            return .allocated(last, offset: file.lengthBytes)
        }
        let committed = try self.committed(file, previous)
        guard file.blocks.count < FileContent.blocksMax else {
            throw .notPossible("File has reached the limit on maximum number of blocks: \(FileContent.blocksMax)")
        }
        let length = file.lengthBytes + (committed.map { $0.lengthBytes - (file.blocks.last?.lengthBytes ?? 0) } ?? 0)
        // The last block's bytes count from now on, and the new one as if it were full.
        try checkSpaceQuota(id, adding: file.blockSizeBytes + length - file.lengthBytes, copies: Int64(file.replication))
        let block = Block(
            id: namespace.takeBlockID(&rows), generation: namespace.takeGeneration(&rows), lengthBytes: 0, state: .underConstruction)
        changeFile(id, &rows) {
            if let committed { $0.blocks[$0.blocks.count - 1] = committed }
            $0.blocks.append(block)
        }
        return .allocated(block, offset: length)
    }

    /// Whether the request for a block behind `previous` was executed before.
    private func repeats(_ file: FileContent, _ previous: Block?) -> Bool { file.blocks.dropLast().last?.id == previous?.id }

    /// The last block at the length that its writer reports.
    private func committed(_ file: FileContent, _ last: Block?) throws(DFSRefusal) -> Block? {
        guard let last else {
            guard file.blocks.allSatisfy({ !$0.isOpen }) else { throw .staleBlock("the file's last block is not named") }
            return nil
        }
        guard var own = file.blocks.last, own.id == last.id else { throw .staleBlock("blk_\(last.id) is not the file's last block") }
        guard own.state == .underConstruction else { return own }
        guard last.isPlausible, last.generation == own.generation, last.lengthBytes >= own.lengthBytes else {
            throw .staleBlock(
                "blk_\(last.id) has generation \(own.generation) and at least \(own.lengthBytes) bytes, and not generation \(last.generation) and \(last.lengthBytes)"
            )
        }
        own.lengthBytes = last.lengthBytes
        own.state = .committed
        return own
    }

    private mutating func complete(
        _ id: InodeID, _ holder: String, _ last: Block?, _ time: Int64, _ rows: inout RowChanges
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        if let closed = namespace.inode(id)?.file, closed.writer == nil, closed.wasClosed, closed.blocks.last?.id == last?.id {
            return .flag(true)
        }
        let file = try openFile(id, holder)
        if let committed = try committed(file, last) { changeFile(id, &rows) { $0.blocks[$0.blocks.count - 1] = committed } }
        close(id, time, &rows)
        return .flag(true)
    }

    private func blockBeingWritten(_ id: BlockID, _ holder: String) throws(DFSRefusal) -> (inode: Inode, block: Block) {
        guard let inode = namespace.owner(of: id) else { throw .staleBlock("blk_\(id) belongs to no file") }
        let file = try openFile(inode.id, holder)
        guard let last = file.blocks.last, last.id == id, last.state == .underConstruction else {
            throw .staleBlock("blk_\(id) is not being written")
        }
        return (inode, last)
    }

    private mutating func updatePipeline(_ holder: String, _ before: Block, _ after: Block, _ rows: inout RowChanges) throws(DFSRefusal)
        -> DFSOutcome.Answer
    {
        let (inode, own) = try blockBeingWritten(before.id, holder)
        guard after.id == own.id, after.isPlausible, after.generation > own.generation,
            after.generation.rawValue < namespace.counters.nextGeneration,
            after.lengthBytes >= own.lengthBytes
        else {
            throw .staleBlock(
                "blk_\(own.id) has generation \(own.generation) and \(own.lengthBytes) bytes; it cannot become generation \(after.generation) with \(after.lengthBytes)"
            )
        }
        changeFile(inode.id, &rows) {
            $0.blocks[$0.blocks.count - 1].generation = after.generation
            $0.blocks[$0.blocks.count - 1].lengthBytes = after.lengthBytes
        }
        return .done
    }

    // MARK: recovery

    /// `done` if nothing needed recovery and the file is closed.
    private mutating func beginRecovery(_ id: InodeID, _ time: Int64, _ rows: inout RowChanges) throws(DFSRefusal) -> DFSOutcome.Answer {
        guard namespace.isReachable(id), let file = namespace.inode(id)?.file, file.writer != nil else { return .done }
        guard let last = file.blocks.last, last.isOpen else {
            close(id, time, &rows)
            return .done
        }
        let generation = namespace.takeGeneration(&rows)
        changeFile(id, &rows) { $0.writer = FileCommand.recoverer }
        var block = last
        block.generation = generation
        return .recovering(block)
    }

    private mutating func endRecovery(
        _ block: Block, drop: Bool, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        guard let inode = namespace.owner(of: block.id), namespace.isReachable(inode.id), let file = inode.file else {
            throw .staleBlock("blk_\(block.id) belongs to no file")
        }
        guard file.writer == FileCommand.recoverer, let last = file.blocks.last, last.id == block.id, last.isOpen else {
            throw .staleBlock("blk_\(block.id) is not in recovery")
        }
        if drop {
            changeFile(inode.id, &rows) { $0.blocks.removeLast() }
            removed.append(block.id)
        } else {
            guard block.isPlausible, block.generation > last.generation, block.generation.rawValue < namespace.counters.nextGeneration,
                last.state == .truncating ? block.lengthBytes == last.cutTo : block.lengthBytes >= last.lengthBytes
            else {
                throw .staleBlock(
                    "blk_\(block.id) was recovered to \(block.lengthBytes) bytes of generation \(block.generation); \(last.lengthBytes) of \(last.generation) are known"
                )
            }
            changeFile(inode.id, &rows) {
                $0.blocks[$0.blocks.count - 1].generation = block.generation
                $0.blocks[$0.blocks.count - 1].lengthBytes = block.lengthBytes
            }
        }
        close(inode.id, time, &rows)
        return .done
    }

    // MARK: truncate, concat

    /// `flag(true)` if the file has its new length at once, `recovering` if a datanode must cut its last block.
    private mutating func truncate(
        _ path: String, _ bytes: Int64, _ caller: Caller, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        let inode = try existing(path, caller)
        guard let file = inode.file else { throw .isDirectory(path) }
        try namespace.check(caller, .write, inode)
        if let holder = file.writer { throw .beingWritten(path, by: holder) }
        guard bytes >= 0, bytes <= file.lengthBytes else {
            throw .invalidArgument("Cannot truncate to a larger file size. Current size: \(file.lengthBytes), truncate size: \(bytes).")
        }
        guard bytes < file.lengthBytes else { return .flag(true) }
        var (kept, rest) = ([Block](), bytes)
        for block in file.blocks {
            if rest >= block.lengthBytes {
                kept.append(block)
                rest -= block.lengthBytes
            } else {
                if rest > 0 {
                    // The block is cut on the datanode, and a snapshot needs it whole.
                    guard !namespace.isInSnapshot(inode.id) else {
                        throw .snapshot("\(path) is in a snapshot and can be truncated only where a block ends")
                    }
                    // The file keeps its length until the block has been cut.
                    var cut = block
                    (cut.state, cut.cutTo) = (.truncating, rest)
                    kept.append(cut)
                }
                break
            }
        }
        removed += file.blocks[kept.count...].map(\.id)
        let cut = kept.last?.state == .truncating ? kept.last : nil
        changeFile(inode.id, &rows) {
            $0.blocks = kept
            if cut != nil { $0.writer = FileCommand.recoverer }
        }
        namespace.update(inode.id, &rows) { $0.modified = time }
        guard var cut else { return .flag(true) }
        noteOpen(inode.id)
        cut.generation = namespace.takeGeneration(&rows)
        return .recovering(cut)
    }

    private mutating func concat(
        _ target: String, _ sources: [String], _ caller: Caller, _ time: Int64, _ rows: inout RowChanges, _ removed: inout [BlockID]
    ) throws(DFSRefusal) -> DFSOutcome.Answer {
        let inode = try existing(target, caller)
        guard let file = inode.file else { throw .isDirectory(target) }
        try namespace.check(caller, .write, inode)
        guard !sources.isEmpty else { throw .invalidArgument("concat: no source files were given") }
        var blocks = file.blocks
        var parts: [Inode] = []
        for path in sources {
            let part = try existing(path, caller)
            guard let content = part.file, part.id != inode.id, !parts.contains(where: { $0.id == part.id }) else {
                throw .invalidArgument("concat: \(path) is no other file, or is named twice")
            }
            guard part.parent == inode.parent else {
                throw .invalidArgument("Source file \(path) is not in the same directory with the target \(target)")
            }
            guard content.writer == nil, file.writer == nil else { throw .invalidArgument("concat: \(path) or \(target) is being written") }
            guard !content.blocks.isEmpty else {
                throw .invalidArgument("concat: source file \(path) is invalid or empty or underConstruction")
            }
            guard content.replication == file.replication else {
                throw .invalidArgument("concat: \(path) has another replication than \(target)")
            }
            guard !namespace.isInSnapshot(part.id) else { throw .snapshot("Concat: the source file \(path) is in snapshot") }
            try namespace.check(caller, .read, part)
            try namespace.check(caller, .write, parent(of: part))
            parts.append(part)
            blocks += content.blocks
        }
        guard blocks.count <= FileContent.blocksMax else { throw .notPossible("concat: more than \(FileContent.blocksMax) blocks") }
        for part in parts { changeFile(part.id, &rows) { $0.blocks = [] } }
        changeFile(inode.id, &rows) { $0.blocks = blocks }
        for part in parts { removed += remove(part.id, time, &rows) }
        namespace.update(inode.id, &rows) { $0.modified = time }
        return .done
    }
}
