// The writers of a run: clients that create, append, truncate and delete files, build pipelines, rebuild them under new generations, and
// sometimes vanish.
import Base
import DFSCore

/// A client with at most one open file.
struct DFSWriter {
    let name: String
    private var opened = 0
    /// The holder of its lease, another for each file.
    var holder: String { "\(name)-\(opened)" }
    var file: InodeID?
    var replication = 1
    /// The block that it writes, with the acknowledged length, and the datanodes of the pipeline.
    var block: Block?
    var pipeline: [Int] = []
    /// The last finished block.
    var previous: Block?

    init(_ name: String) { self.name = name }

    mutating func open(_ id: InodeID, replication: Int) {
        (file, self.replication, block, pipeline, previous) = (id, replication, nil, [], nil)
    }
    mutating func nextHolder() { opened += 1 }
    /// Forgets its file without closing it.
    mutating func vanish() { (file, block, pipeline, previous) = (nil, nil, [], nil) }
}

extension DFSRun {
    /// One step of a writer.
    mutating func act(_ index: Int) throws {
        guard let file = writers[index].file else { return begin(index) }
        renew(writers[index].holder)
        guard writers[index].block != nil else {
            return random.chance(1, in: 4) ? try complete(index, file) : addBlock(index, file)
        }
        switch random.below(20) {
        case 0: writers[index].vanish()
        case 1..<6: try finish(index)
        default: try send(index)
        }
    }

    private mutating func begin(_ index: Int) {
        let path = Self.paths[random.below(Self.paths.count)]
        writers[index].nextHolder()
        let holder = writers[index].holder
        renew(holder)
        switch random.below(10) {
        case 0: execute(.delete(path: path, recursive: true, Self.caller))
        case 1..<4:
            guard
                case .success(.appending(let id, let last, _)) = execute(
                    .file(.append(path: path, ownBlock: false, holder: holder, Self.caller)))
            else { return }
            writers[index].open(id, replication: Int(machine.namespace.inode(id)?.file?.replication ?? 1))
            if let last { reopen(index, last) }
        case 4: truncate(path)
        default:
            var options = CreateOptions()
            (options.overwrite, options.replication, options.blockSizeBytes) = (true, Int16(1 + random.below(3)), 1 << 20)
            guard
                case .success(.created(let id)) = execute(
                    .file(.create(path: path, options, createParents: true, holder: holder, Self.caller)))
            else { return }
            writers[index].open(id, replication: Int(options.replication))
        }
    }

    private mutating func truncate(_ path: String) {
        guard let file = FilePath.components(path).flatMap({ machine.namespace.lookup($0) })?.file, file.writer == nil,
            file.lengthBytes > 1,
            // A block none of whose replicas can be cut stays open for ever.
            file.blocks.allSatisfy({ board.liveCount($0) > 0 })
        else { return }
        let bytes = Int64(1 + random.below(Int(file.lengthBytes) - 1))
        guard case .success(.recovering(let cut)) = execute(.file(.truncate(path: path, lengthBytes: bytes, Self.caller))) else { return }
        truth.acknowledged[cut.id] = Int(cut.cutTo)
        _ = board.recover(cut, oldest: wanted(cut.id)?.block.generation ?? cut.generation, known: cut.leastBytes)
    }

    /// Continues a block that is not full, under a new generation, on the datanodes that have it.
    private mutating func reopen(_ index: Int, _ last: Block) {
        let holder = writers[index].holder
        guard case .success(.generation(let generation)) = execute(.file(.takeGeneration(holder: holder, last.id))) else {
            return writers[index].vanish()
        }
        let places = board.locations(last).nodes.map(\.uuid)
        var after = last
        after.generation = generation
        let ready = nodes.indices.filter { node in places.contains(nodes[node].record.uuid) }.filter {
            nodes[$0].reopen(last.id, generation, known: Int(last.lengthBytes))
        }
        guard !ready.isEmpty, update(index, last, after, ready) else { return writers[index].vanish() }
    }

    /// Tells the namenode of a rebuilt pipeline. False if it refuses.
    private mutating func update(_ index: Int, _ before: Block, _ after: Block, _ ready: [Int]) -> Bool {
        // A writer may end between its steps.
        guard !random.chance(1, in: 15),
            case .success = execute(.file(.updatePipeline(holder: writers[index].holder, before: before, after: after)))
        else { return false }
        board.rebuilt(after, on: ready.map { nodes[$0].record.uuid })
        (writers[index].block, writers[index].pipeline) = (after, ready)
        summary.pipelines.rebuilt += 1
        return true
    }

    private mutating func addBlock(_ index: Int, _ file: InodeID) {
        let holder = writers[index].holder
        guard case .success(.allocated(let block, _)) = execute(.file(.addBlock(file, holder: holder, previous: writers[index].previous)))
        else {
            return writers[index].vanish()
        }
        if let previous = writers[index].previous { board.reconsider([previous.id]) }
        truth.sent[block.id] = []
        let targets = board.targets(writers[index].replication, excluding: [], near: "", bytes: 8).map(\.uuid)
        board.expect(block, on: targets)
        let chosen = nodes.indices.filter { node in targets.contains(nodes[node].record.uuid) }
        let made = chosen.filter { nodes[$0].create(block.id, block.generation) }
        guard !made.isEmpty, made.count == chosen.count else {
            // As HDFS's clients do, the writer gives the block up and asks for another.
            if made.count < chosen.count { summary.pipelines.full += 1 }
            execute(.file(.abandonBlock(file, holder: holder, block.id)))
            return
        }
        (writers[index].block, writers[index].pipeline) = (block, made)
    }

    /// Sends some bytes down the pipeline; they are acknowledged once every datanode has them.
    private mutating func send(_ index: Int) throws {
        guard var block = writers[index].block else { return }
        let bytes = (0...random.below(4)).map { _ in UInt32(random.below(1 << 30)) }
        let start = Int(block.lengthBytes)
        // Bytes that were sent and not acknowledged are sent again. A writer that has lost its block may not know it yet.
        let isOwn = wanted(block.id).map { $0.block.isOpen && $0.block.generation == block.generation } ?? false
        if isOwn { truth.sent[block.id] = Array((truth.sent[block.id] ?? []).prefix(start)) + bytes }
        if flaw == .answersEarly, isOwn, random.chance(1, in: 8), let first = writers[index].pipeline.first,
            nodes[first].append(block.id, block.generation, bytes[...])
        {
            truth.acknowledged[block.id] = start + bytes.count
            return writers[index].vanish()
        }
        let failed = writers[index].pipeline.filter { !nodes[$0].append(block.id, block.generation, bytes[...]) }
        if !failed.isEmpty {
            guard rebuild(index, without: failed) else { return writers[index].vanish() }
            block = writers[index].block ?? block
        }
        block.lengthBytes = Int64(start + bytes.count)
        writers[index].block = block
        if isOwn { truth.acknowledged[block.id] = start + bytes.count }
    }

    /// Goes on with the datanodes that are left, under a new generation.
    private mutating func rebuild(_ index: Int, without failed: [Int]) -> Bool {
        guard let block = writers[index].block else { return false }
        let left = writers[index].pipeline.filter { !failed.contains($0) && nodes[$0].isAlive }
        guard !left.isEmpty,
            case .success(.generation(let generation)) = execute(.file(.takeGeneration(holder: writers[index].holder, block.id)))
        else { return false }
        var after = block
        after.generation = generation
        let ready = left.filter { nodes[$0].reopen(block.id, generation, known: Int(block.lengthBytes)) }
        return !ready.isEmpty && update(index, block, after, ready)
    }

    /// Ends a block: every datanode of the pipeline finishes it and reports it.
    private mutating func finish(_ index: Int) throws {
        guard let block = writers[index].block, block.lengthBytes > 0 else { return }
        let gone = writers[index].pipeline.filter { !nodes[$0].isAlive || nodes[$0].replicas[block.id]?.generation != block.generation }
        if !gone.isEmpty {
            if !rebuild(index, without: gone) { writers[index].vanish() }
            return
        }
        for node in writers[index].pipeline {
            nodes[node].replicas[block.id]?.isFinal = true
            report(node, block.id)
        }
        (writers[index].previous, writers[index].block, writers[index].pipeline) = (block, nil, [])
    }

    /// Closes the file once a datanode has reported its last block.
    private mutating func complete(_ index: Int, _ file: InodeID) throws {
        let last = writers[index].previous
        if let last, !board.isReported(last.id, last.generation) { return }
        guard case .success(.flag(true)) = execute(.file(.complete(file, holder: writers[index].holder, last: last))) else {
            return writers[index].vanish()
        }
        writers[index].vanish()
        try closed(file)
    }
}
