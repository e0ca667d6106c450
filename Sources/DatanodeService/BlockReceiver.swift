// The datanode's part of a write: packets come in, go on to the next datanode and to the disk, and are acknowledged in order once both have
// them. The socket is read while the disk works. A packet that asks for it, and always the last one, is synced before its acknowledgement.
import Base
import HadoopNet
import HadoopWire
import Logging
import NetKit
import Storage
import Synchronization

/// Receives one block.
struct BlockReceiver: Sendable {
    let datanode: Datanode
    let request: WriteBlockRequest
    let stream: ByteStream

    private var block: ExtendedBlock { request.header.base.block }
    private var id: Int64 { Int64(bitPattern: block.blockID) }

    func run() async throws {
        datanode.noteTransfer(1)
        defer { datanode.noteTransfer(-1) }
        // A client may send no checksums (Spark's checkpoints); the replica gets its own all the same.
        guard request.checksum.kind == .none || request.checksum.chunkBytes > 0 else {
            return try await refuse("checksums of \(request.checksum.chunkBytes) bytes each are not taken")
        }
        let writing: ReplicaStore.Writing
        do { writing = try await open() } catch { return try await refuse("\(error)") }
        do { try await serve(writing) } catch {
            writing.end()
            // A broken WebHDFS upload is undone as a whole, so its replica is of no use; a full disk needs the room.
            if request.header.clientName.utf8.starts(with: Self.uploadPrefix.utf8) { try await datanode.store.remove(id) }
            throw error
        }
        writing.end()
    }

    private static let uploadPrefix = "webhdfs:"

    private func serve(_ writing: ReplicaStore.Writing) async throws {
        if request.stage == .closeRecovery { return try await closeAgain(writing) }
        guard let next = request.targets.first else {
            try await stream.write(TransferAnswer(.success).withLink("").delimited)
            return try await receive(writing, mirror: nil)
        }
        try await withMirror(next) { mirror in
            try await stream.write(TransferAnswer(.success).withLink("").delimited)
            try await receive(writing, mirror: mirror)
        }
    }

    private func refuse(_ why: String) async throws {
        datanode.log.info("a block is not received", metadata: ["block": "\(id)", "stage": "\(request.stage)", "why": "\(why)"])
        try await stream.write(TransferAnswer(.error, message: why).withLink("").delimited)
        throw TransferFailure(why)
    }

    /// The replica as the stage of the pipeline wants it.
    private func open() async throws -> ReplicaStore.Writing {
        let generation = Int64(bitPattern: request.generation)
        // In Java's clients the block's length is that of the whole block; the received bytes give the present length.
        let named = Int64(bitPattern: block.generation)
        let (least, most) = (Int64(bitPattern: request.bytesMin), Int64(bitPattern: request.bytesMax))
        let id = id
        switch request.stage {
        case .setupCreate, .transferBeingWritten, .transferFinalized:
            // A broken copy from a datanode restarts; a damaged replica is overwritten.
            let isCopy = request.header.clientName.isEmpty || request.stage != .setupCreate
            if let there = try await datanode.store.readableSummary(id) {
                guard there.generation < named || isCopy && !there.isFinal else {
                    throw TransferFailure("blk_\(id) is here already, in generation \(there.generation)")
                }
            }
            return try await datanode.store.create(id, generation: named)
        case .setupAppend:
            return try await datanode.store.reopen(id, generation: generation) { found in
                guard found.generation == named, found.lengthBytes == least, generation >= named else {
                    throw TransferFailure(
                        "blk_\(id) has generation \(found.generation) and \(found.lengthBytes) bytes here, and not \(named) and \(least)")
                }
            }
        case .setupAppendRecovery, .setupStreamingRecovery, .closeRecovery:
            let isStreaming = request.stage == .setupStreamingRecovery
            return try await datanode.store.reopen(id, generation: generation) { found in
                guard found.generation >= named, found.generation <= generation, found.lengthBytes >= least,
                    isStreaming || found.lengthBytes == least
                else {
                    throw TransferFailure(
                        "blk_\(id) has generation \(found.generation) and \(found.lengthBytes) bytes here; \(least) to \(most) of generation \(named) are wanted"
                    )
                }
            }
        case .streaming, .close: throw TransferFailure("\(request.stage) is no stage to begin with")
        }
    }

    /// The pipeline broke after the last acknowledgement: this datanode and the rest of the pipeline only have to finish the replicas.
    private func closeAgain(_ writing: ReplicaStore.Writing) async throws {
        do {
            let summary = try await writing.run { try $0.finish() }
            try await datanode.report(summary, .received)
        } catch { return try await refuse("\(error)") }
        guard let next = request.targets.first else { return try await stream.write(TransferAnswer(.success).withLink("").delimited) }
        try await withMirror(next) { _ in try await stream.write(TransferAnswer(.success).withLink("").delimited) }
    }

    /// Sets up the rest of the pipeline.
    private func withMirror(_ next: DatanodeInfo, _ body: @escaping @Sendable (ByteStream) async throws -> Void) async throws {
        var onward = request
        onward.targets = Array(request.targets.dropFirst())
        onward.targetStorageTypes = Array(request.targetStorageTypes.dropFirst())
        onward.targetStorageIDs = Array(request.targetStorageIDs.dropFirst())
        onward.storageID = request.targetStorageIDs.first
        let sent = onward
        let name = "\(next.id.address):\(next.id.transferPort)"
        let begun = Flag()
        do {
            try await TransferClient.connect(next) { mirror in
                try await mirror.begin(.writeBlock, sent)
                let answer = try await Self.within(Self.patience(sent.targets.count), mirror) {
                    try await mirror.message(TransferAnswer.self)
                }
                guard answer.status == .success else {
                    throw TransferFailure(
                        answer.message ?? "\(answer.status)", firstBadLink: answer.firstBadLink.flatMap { $0.isEmpty ? nil : $0 } ?? name)
                }
                begun.set()
                try await body(mirror)
            }
        } catch  where !begun.isSet {
            let link = (error as? TransferFailure)?.firstBadLink ?? name
            try await stream.write(TransferAnswer(.error, message: "the next datanode \(name) failed: \(error)").withLink(link).delimited)
            throw error
        }
    }

    /// The time limit for an answer of the datanodes behind this one. The datanode before waits longer, so that the last live one names the
    /// one that hangs.
    private static func patience(_ count: Int) -> Duration { .seconds(30 + 10 * min(count, 100)) }

    /// Runs work that waits for the next datanode; cuts its connection at the time limit.
    private static func within<T>(_ limit: Duration, _ mirror: ByteStream, _ body: () async throws -> T) async throws -> T {
        let watch = Task {
            // The answer's arrival cancels it.
            do { try await Task.sleep(for: limit) } catch { return }
            mirror.close()
        }
        defer { watch.cancel() }
        return try await body()
    }

    // MARK: packets

    /// A packet on its way to the disk.
    private struct Stored: Sendable {
        var header: PacketHeader
        var result: Result<ReplicaSummary, any Error>
        /// Its bytes in the connection's memory.
        var bytes: Int
        /// Whether the next datanode got it.
        var isMirrored: Bool
    }

    private func receive(_ writing: ReplicaStore.Writing, mirror: ByteStream?) async throws {
        let stored = AsyncStream.makeStream(of: Stored.self)
        let credits = AsyncStream.makeStream(of: Void.self)
        for _ in 0..<DatanodeSettings.packetsInFlight { credits.continuation.yield() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { credits.continuation.finish() }
                for await packet in stored.stream {
                    let goesOn = try await acknowledge(packet, mirror)
                    stream.memory.giveBack(packet.bytes)
                    credits.continuation.yield()
                    guard goesOn else { break }
                }
            }
            group.addTask {
                do { try await takePackets(writing, mirror, stored.continuation, credits.stream) } catch {
                    stored.continuation.finish()
                    throw error
                }
            }
            do { try await group.waitForAll() } catch {
                datanode.log.debug("a write broke off", metadata: ["block": "\(id)", "reason": "\(error)"])
                // Upstream and mirror end together: a task that waits for one of them has nothing left to wait for.
                stored.continuation.finish()
                stream.close()
                mirror?.close()
                throw error
            }
        }
    }

    private func takePackets(
        _ writing: ReplicaStore.Writing, _ mirror: ByteStream?, _ stored: AsyncStream<Stored>.Continuation, _ credits: AsyncStream<Void>
    ) async throws {
        var credit = credits.makeAsyncIterator()
        var isMirrored = mirror != nil
        while await credit.next() != nil {
            let (packet, held) = try await stream.packet()
            if let mirror, isMirrored {
                // A lost mirror shows in the acknowledgement, so that the client knows which datanode it was.
                do { try await mirror.write(packet) } catch { isMirrored = false }
            }
            let (header, mirrored) = (packet.header, isMirrored)
            writing.submit({ stored.yield(Stored(header: header, result: $0, bytes: held, isMirrored: mirrored)) }) { replica in
                try keep(packet, replica)
            }
            if header.isLast { return }
        }
    }

    /// On the disk thread.
    private func keep(_ packet: Packet, _ replica: Replica) throws {
        let header = packet.header
        if packet.data.readableBytes > 0 {
            guard ChunkSums.match(packet.data, packet.checksums, request.checksum) else { throw DamagedPacket() }
            let end = header.offset.addingReportingOverflow(Int64(packet.data.readableBytes))
            guard header.offset >= 0, !end.overflow, header.offset <= replica.lengthBytes else {
                throw TransferFailure("a packet for offset \(header.offset) came when \(replica.lengthBytes) bytes were there")
            }
            // After a recovery a client repeats unacknowledged bytes; some are here already.
            let known = Int(min(replica.lengthBytes - header.offset, Int64(packet.data.readableBytes)))
            if let fresh = packet.data.getSlice(at: packet.data.readerIndex + known, length: packet.data.readableBytes - known) {
                try replica.append(fresh)
            }
        }
        if header.isLast { try replica.finish() } else if header.sync { try replica.sync() }
    }

    private struct DamagedPacket: Error, CustomStringConvertible {
        var description: String { "a packet's data does not match its checksums" }
    }

    /// Answers a packet for this datanode and those behind it; false after the last.
    private func acknowledge(_ packet: Stored, _ mirror: ByteStream?) async throws -> Bool {
        var replies: [TransferStatus] = [.success]
        var failure: (any Error)?
        switch packet.result {
        case .success(let summary): if packet.header.isLast { try await datanode.report(summary, .received) }
        case .failure(let error):
            datanode.log.warning("a packet was not kept", metadata: ["block": "\(id)", "error": "\(error)"])
            replies = [error is DamagedPacket ? .errorChecksum : .error]
            failure = error
        }
        if let mirror {
            if packet.isMirrored, failure == nil {
                do {
                    replies += try await Self.within(Self.patience(request.targets.count), mirror) {
                        try await mirror.message(PipelineAck.self)
                    }.replies
                } catch { replies += request.targets.map { _ in .error } }
            } else {
                replies += request.targets.map { _ in failure == nil ? .error : .success }
            }
        }
        try await stream.write(PipelineAck(packet.header.sequence, replies).delimited)
        if let failure { throw failure }
        return !packet.header.isLast
    }
}

/// Set once, read from other tasks.
private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}

extension TransferAnswer {
    func withLink(_ link: String) -> TransferAnswer {
        var answer = self
        answer.firstBadLink = link
        return answer
    }
}
