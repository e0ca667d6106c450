// Reads ranges of blocks. Every chunk is checked against its checksum before it is handed on. A failed, damaged or missing replica gives
// way to the next one, which continues at the byte where the failed one stopped, so that no byte is handed on twice.
import Base
import HadoopNet
import HadoopWire
import NetKit

/// No datanode could deliver a block.
package struct BlockMissing: Error, Sendable, CustomStringConvertible {
    package var block: ExtendedBlock
    package var path: String
    package var reason: String
    package var description: String {
        "Could not obtain block: \(block.poolID):blk_\(block.blockID)_\(block.generation) file=\(path): \(reason)"
    }
}

/// Reads blocks for one client.
struct BlockReader: Sendable {
    let namenode: NamenodeProxy
    let connections: DatanodeConnections
    let clientName: String

    /// Data did not match its checksums.
    private struct Damage: Error, CustomStringConvertible { let description = "the data does not match its checksums" }

    /// The progress of a read.
    private struct Progress {
        var offset: Int64
        let end: Int64
    }

    /// Hands on `lengthBytes` bytes of a block from `offset`. Throws BlockMissing once every replica has failed, and the errors of `take`.
    func read(
        _ located: LocatedBlock, of path: String, offset: Int64, lengthBytes: Int64, _ take: (Bytes) async throws -> Void
    ) async throws {
        var progress = Progress(offset: offset, end: offset.addingClamped(lengthBytes))
        var reasons: [String] = []
        for node in connections.ordered(located.locations) {
            do { return try await read(located.block, from: node, &progress, take) } catch let failure as ReplicaFailure {
                reasons.append("\(node.id.address):\(node.id.transferPort): \(failure.cause)")
                connections.noteFailure(node)
                if failure.cause is Damage { await report(located, node) }
            }
        }
        throw BlockMissing(
            block: located.block, path: path, reason: reasons.isEmpty ? "no datanode has it" : reasons.joined(separator: "; "))
    }

    /// A replica's failure, as opposed to a failure of `take`.
    private struct ReplicaFailure: Error { var cause: any Error }

    private func report(_ located: LocatedBlock, _ node: DatanodeInfo) async {
        var bad = located
        bad.locations = [node]
        bad.storageTypes = [.disk]
        bad.storageIDs = zip(located.locations, located.storageIDs).first { $0.0.id.uuid == node.id.uuid }.map { [$0.1] } ?? []
        bad.cached = [0]
        // The read goes on with another replica; if this call fails, the namenode learns of the damage from the datanode.
        try? await namenode.reportBadBlocks([bad])
    }

    private func read(_ block: ExtendedBlock, from node: DatanodeInfo, _ progress: inout Progress, _ take: (Bytes) async throws -> Void)
        async throws
    {
        while true {
            let (open, isUsed) = try await replica { try await connections.take(node) }
            do {
                try await read(block, on: open, &progress, take)
                return connections.giveBack(open, node)
            } catch {
                open.close()
                // A kept connection may have ended meanwhile; a new one gives a better answer.
                guard isUsed, let failure = error as? ReplicaFailure,
                    failure.cause is StreamEnded || !(failure.cause is Damage || failure.cause is TransferFailure)
                else { throw error }
            }
        }
    }

    private func replica<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch is CancellationError { throw CancellationError() } catch { throw ReplicaFailure(cause: error) }
    }

    private func read(_ block: ExtendedBlock, on open: OpenStream, _ progress: inout Progress, _ take: (Bytes) async throws -> Void)
        async throws
    {
        let stream = open.stream
        var request = ReadBlockRequest()
        request.header.clientName = clientName
        request.header.base.block = block
        request.header.base.token = BlockToken()
        (request.offset, request.lengthBytes) = (UInt64(clamping: progress.offset), UInt64(clamping: progress.end - progress.offset))
        let sent = request
        let form = try await replica {
            try await stream.begin(.readBlock, sent)
            let answer = try await stream.message(TransferAnswer.self)
            guard answer.status == .success, let form = answer.readChecksum?.form else {
                throw TransferFailure(answer.message ?? "\(answer.status)")
            }
            return form
        }
        while true {
            let (packet, held) = try await replica { try await stream.packet() }
            defer { stream.memory.giveBack(held) }
            guard packet.data.readableBytes > 0 else { break }
            guard ChunkSums.match(packet.data, packet.checksums, form) else {
                var status = ReadStatus()
                status.status = .errorChecksum
                // The datanode checks its replica if the message arrives.
                try? await stream.write(status.delimited)
                throw ReplicaFailure(cause: Damage())
            }
            let start = packet.header.offset
            let skip = progress.offset.subtractingClamped(start)
            let end = min(Int64(packet.data.readableBytes), progress.end.subtractingClamped(start))
            guard skip >= 0 else {
                throw ReplicaFailure(cause: TransferFailure("a packet for offset \(start) came when \(progress.offset) was wanted"))
            }
            guard skip < end, let wanted = packet.data.getSlice(at: packet.data.readerIndex + Int(skip), length: Int(end - skip)) else {
                continue
            }
            try await take(wanted)
            progress.offset += Int64(wanted.readableBytes)
        }
        guard progress.offset == progress.end else {
            throw ReplicaFailure(cause: TransferFailure("the replica ends at \(progress.offset), \(progress.end) was wanted"))
        }
        try await replica { try await stream.write(ReadStatus().delimited) }
    }
}
