// Writes one block down a pipeline of datanodes: cuts bytes into packets and keeps the unacknowledged ones. When a datanode fails, it
// rebuilds the pipeline under a new generation, with another datanode where there is one, and repeats the unacknowledged packets. Source:
// DataStreamer of Hadoop 3, and "Append/Hflush/Read Design", HDFS-265.
import Base
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// An open file, for the writers of its blocks.
struct OpenFile: Sendable {
    var namenode: NamenodeProxy
    var connections: DatanodeConnections
    var path: String
    var fileID: UInt64
    var clientName: String
    var blockSizeBytes: Int64
    var previous: ExtendedBlock?
}

/// No pipeline could be built, or all its datanodes are gone.
package struct PipelineFailure: Error, Sendable, CustomStringConvertible {
    package var path: String
    package var reason: String
    package var description: String { "\(path) cannot be written on: \(reason)" }
}

/// One block under construction. Used by one task at a time, except `beat`.
final class BlockWriter: @unchecked Sendable {
    // Safe to share: only the writer of the file uses it; the pipeline for heartbeats is behind a lock.
    private let file: OpenFile
    private var block: ExtendedBlock
    private var nodes: [DatanodeInfo]
    private var storageIDs: [String]
    private let copiesWanted: Int
    private var failed: [DatanodeInfo] = []
    private let current = Mutex<WritePipeline?>(nil)
    private var waiting: [Packet] = []
    private var gathered = Bytes()
    private var header = PacketHeader()
    /// Data bytes of the next packet; less than a packet after an append within a chunk.
    private var nextPacketBytes: Int
    private var acknowledgedBytes: Int64
    private var isClosing = false

    private static let chunkBytes = 512
    /// Limit of unacknowledged packets: some 5 MiB.
    private static let waitingMax = 80
    private static let allocationsMax = 5

    private init(_ file: OpenFile, _ located: LocatedBlock, isAppend: Bool) {
        self.file = file
        block = located.block
        nodes = located.locations
        storageIDs = located.storageIDs
        copiesWanted = located.locations.count
        acknowledgedBytes = isAppend ? Int64(clamping: located.block.lengthBytes) : 0
        header.offset = acknowledgedBytes
        let part = Int(acknowledgedBytes % Int64(Self.chunkBytes))
        nextPacketBytes = part == 0 ? TransferClient.packetBytes : Self.chunkBytes - part
    }

    /// Free bytes of the block.
    var roomBytes: Int64 { file.blockSizeBytes - header.offset - Int64(gathered.readableBytes) }
    /// The block at the length that every datanode has.
    var acknowledged: ExtendedBlock {
        var known = block
        known.lengthBytes = UInt64(acknowledgedBytes)
        return known
    }

    // MARK: beginning

    /// Adds a block to the file, without the datanodes that do not answer.
    static func add(_ file: OpenFile) async throws -> BlockWriter {
        var excluded: [DatanodeInfo] = []
        var last = ""
        for _ in 0..<allocationsMax {
            var request = AddBlockRequest()
            (request.path, request.clientName, request.previous, request.fileID, request.excluded) = (
                file.path, file.clientName, file.previous, file.fileID, excluded
            )
            let located = try await file.namenode.addBlock(request)
            guard !located.locations.isEmpty else {
                throw PipelineFailure(path: file.path, reason: "the namenode named no datanode for its next block")
            }
            let writer = BlockWriter(file, located, isAppend: false)
            do {
                let pipeline = try await WritePipeline.open(
                    writer.request(.setupCreate, generation: located.block.generation), located.locations)
                writer.current.withLock { $0 = pipeline }
                return writer
            } catch let failure as WritePipeline.Failure {
                let bad = located.locations[min(failure.badNode, located.locations.count - 1)]
                file.connections.noteFailure(bad)
                excluded.append(bad)
                last = failure.reason
                var abandoned = AbandonBlockRequest()
                (abandoned.block, abandoned.path, abandoned.holder, abandoned.fileID) = (
                    located.block, file.path, file.clientName, file.fileID
                )
                try await file.namenode.abandonBlock(abandoned)
            }
        }
        throw PipelineFailure(path: file.path, reason: "\(excluded.count) datanodes failed one after another; the last one: \(last)")
    }

    /// Reopens the last block of the file for writing.
    static func append(_ file: OpenFile, _ located: LocatedBlock) async throws -> BlockWriter {
        let writer = BlockWriter(file, located, isAppend: true)
        guard !located.locations.isEmpty else { throw BlockMissing(block: located.block, path: file.path, reason: "no datanode has it") }
        guard writer.roomBytes > 0 else { throw PipelineFailure(path: file.path, reason: "the namenode gave a full block to write on") }
        try await writer.build(.setupAppend)
        return writer
    }

    private func request(_ stage: WriteBlockRequest.Stage, generation: UInt64) -> WriteBlockRequest {
        var request = WriteBlockRequest()
        request.header.clientName = file.clientName
        request.header.base.block = block
        request.header.base.token = BlockToken()
        request.stage = stage
        request.bytesMin = UInt64(acknowledgedBytes)
        request.bytesMax = UInt64(header.offset)
        request.generation = generation
        request.storageID = storageIDs.first
        request.targetStorageIDs = Array(storageIDs.dropFirst())
        return request
    }

    // MARK: writing

    /// Takes bytes that fit into the block.
    func write(_ bytes: Bytes) async throws {
        var rest = bytes
        while rest.readableBytes > 0 {
            guard var part = rest.readSlice(length: min(rest.readableBytes, nextPacketBytes - gathered.readableBytes)) else { return }
            gathered.writeBuffer(&part)
            if gathered.readableBytes == nextPacketBytes { try await cut(sync: false) }
        }
    }

    private func cut(sync: Bool) async throws {
        header.dataBytes = Int32(gathered.readableBytes)
        header.sync = sync
        let packet = Packet(header: header, checksums: ChunkSums.crc32c(of: gathered), data: gathered)
        header.offset += Int64(gathered.readableBytes)
        header.sequence += 1
        gathered = Bytes()
        let part = Int(header.offset % Int64(Self.chunkBytes))
        nextPacketBytes = part == 0 ? TransferClient.packetBytes : Self.chunkBytes - part
        try await send(packet)
    }

    /// Returns when every datanode has the written bytes; `sync`: on its disk.
    func flush(sync: Bool) async throws {
        if gathered.readableBytes > 0 || sync { try await cut(sync: sync) }
        try await until { $0.waiting.isEmpty }
    }

    /// Ends the block. Every datanode has finished it on return.
    func finish() async throws -> ExtendedBlock {
        if gathered.readableBytes > 0 { try await cut(sync: false) }
        try await until { $0.waiting.isEmpty }
        isClosing = true
        header.dataBytes = 0
        (header.isLast, header.sync) = (true, true)
        try await send(Packet(header: header, checksums: Bytes(), data: Bytes()))
        try await until { $0.waiting.isEmpty }
        current.withLock { $0 }?.close()
        return acknowledged
    }

    /// Tells the datanodes that the writer is alive; callable from any task.
    func beat() async { await current.withLock { $0 }?.beat() }

    /// Gives up the block as it is.
    func drop() { current.withLock { $0 }?.close() }

    private func send(_ packet: Packet) async throws {
        try await until { $0.waiting.count < Self.waitingMax }
        waiting.append(packet)
        guard let pipeline = current.withLock({ $0 }) else { return }
        do { try await pipeline.send(packet) } catch let failure as WritePipeline.Failure { try await recover(failure) }
    }

    /// Waits for acknowledgements; rebuilds the pipeline if it breaks meanwhile.
    private func until(_ isDone: (BlockWriter) -> Bool) async throws {
        while let pipeline = current.withLock({ $0 }) {
            let progress = pipeline.progress
            settle(progress)
            if isDone(self) { return }
            if let failure = progress.failure {
                try await recover(failure)
                continue
            }
            await pipeline.changed()
            try Task.checkCancellation()
        }
    }

    private func settle(_ progress: WritePipeline.Progress) {
        let count = waiting.prefix { $0.header.sequence <= progress.acknowledged }.count
        guard count > 0 else { return }
        acknowledgedBytes = waiting[count - 1].header.offset + Int64(waiting[count - 1].data.readableBytes)
        waiting.removeFirst(count)
    }

    // MARK: recovery

    private func recover(_ failure: WritePipeline.Failure) async throws {
        if let pipeline = current.withLock({ $0 }) {
            settle(pipeline.progress)
            pipeline.close()
        }
        if isClosing, waiting.isEmpty { return }
        try leaveOut(failure)
        try await build(isClosing ? .closeRecovery : .setupStreamingRecovery)
    }

    private func leaveOut(_ failure: WritePipeline.Failure) throws {
        let bad = min(failure.badNode, nodes.count - 1)
        file.connections.noteFailure(nodes[bad])
        failed.append(nodes.remove(at: bad))
        if bad < storageIDs.count { storageIDs.remove(at: bad) }
        guard !nodes.isEmpty else {
            throw PipelineFailure(path: file.path, reason: "all datanodes of its pipeline failed; the last one: \(failure.reason)")
        }
    }

    /// Builds the pipeline from the remaining datanodes, and sends the unacknowledged packets.
    private func build(_ stage: WriteBlockRequest.Stage) async throws {
        var stage = stage
        while true {
            let fresh = try await file.namenode.updateBlockForPipeline(block, clientName: file.clientName)
            if stage != .setupAppend { await addDatanode() }
            do {
                let pipeline = try await WritePipeline.open(request(stage, generation: fresh.block.generation), nodes)
                try await adopt(fresh.block.generation)
                current.withLock { $0 = pipeline }
                if stage == .closeRecovery {
                    // All bytes were already acknowledged; now every datanode has finished the block.
                    pipeline.close()
                    return waiting = []
                }
                for packet in waiting { try await pipeline.send(packet) }
                return
            } catch let failure as WritePipeline.Failure {
                current.withLock { $0 }?.close()
                try leaveOut(failure)
                if stage == .setupAppend { stage = .setupAppendRecovery }
            }
        }
    }

    /// Reports the block's new datanodes and generation to the namenode.
    private func adopt(_ generation: UInt64) async throws {
        var request = UpdatePipelineRequest()
        request.clientName = file.clientName
        request.before = block
        request.after = acknowledged
        request.after.generation = generation
        request.nodes = nodes.map(\.id)
        request.storageIDs = storageIDs
        try await file.namenode.updatePipeline(request)
        block.generation = generation
    }

    /// Replaces a failed datanode of the pipeline. Without a replacement the write goes on with the remaining ones.
    private func addDatanode() async {
        guard nodes.count < copiesWanted else { return }
        var request = AdditionalDatanodeRequest()
        (request.path, request.block, request.existing, request.excluded) = (file.path, block, nodes, failed)
        (request.count, request.clientName) = (1, file.clientName)
        do {
            let located = try await file.namenode.additionalDatanodes(request)
            guard let place = located.locations.firstIndex(where: { found in !nodes.contains { $0.id.uuid == found.id.uuid } }) else {
                return
            }
            let fresh = located.locations[place]
            do { try await transfer(to: fresh) } catch {
                failed.append(fresh)
                return
            }
            nodes.append(fresh)
            storageIDs.append(place < located.storageIDs.count ? located.storageIDs[place] : "")
        } catch { return }
    }

    /// Makes a datanode of the pipeline copy its bytes of the block to `node`.
    private func transfer(to node: DatanodeInfo) async throws {
        var request = TransferBlockRequest()
        request.header.clientName = file.clientName
        request.header.base.block = acknowledged
        request.header.base.token = BlockToken()
        request.targets = [node]
        let sent = request
        try await TransferClient.connect(nodes[nodes.count - 1]) { stream in
            try await stream.begin(.transferBlock, sent)
            let answer = try await stream.message(TransferAnswer.self)
            guard answer.status == .success else { throw TransferFailure(answer.message ?? "\(answer.status)") }
        }
    }
}
