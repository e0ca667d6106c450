// The datanode's part of reads, checksum requests, and copies to others. Every byte sent was checked against the checksum sent with it.
import Base
import HadoopNet
import HadoopWire
import Logging
import NetKit
import Storage

/// Answers operations on a replica's content.
struct BlockSender: Sendable {
    let datanode: Datanode
    let stream: ByteStream

    /// Data of one packet, a whole number of chunks.
    private static let packetBytes = 128 * 512

    private func refuse(_ status: TransferStatus, _ why: String) async throws {
        try await stream.write(TransferAnswer(status, message: why).delimited)
    }

    private func open(_ block: ExtendedBlock) async throws -> ReplicaStore.Reading {
        let id = Int64(bitPattern: block.blockID)
        let reading = try await datanode.store.open(id)
        guard reading.summary.generation >= Int64(bitPattern: block.generation) else {
            reading.close()
            throw TransferFailure("blk_\(id) has generation \(reading.summary.generation) here, which is older than \(block.generation)")
        }
        return reading
    }

    /// Sends the chunks that hold the range. Whether the connection may go on.
    func read(_ request: ReadBlockRequest) async throws -> Bool {
        let block = request.header.base.block
        let reading: ReplicaStore.Reading
        do { reading = try await open(block) } catch {
            // The namenode must replace a replica that is missing or unreadable.
            if let error = error as? StorageError, error.isDamage || error.cause == .notFound {
                await datanode.reportDamage(Int64(bitPattern: block.blockID))
            }
            try await refuse(.error, "\(error)")
            return true
        }
        defer { reading.close() }
        let (offset, length) = (Int64(clamping: request.offset), Int64(clamping: request.lengthBytes))
        guard offset <= reading.summary.lengthBytes, length <= reading.summary.lengthBytes - offset else {
            try await refuse(
                .error,
                "offset \(request.offset) and length \(request.lengthBytes) do not lie in blk_\(block.blockID) of \(reading.summary.lengthBytes) bytes"
            )
            return true
        }
        datanode.noteTransfer(1)
        defer { datanode.noteTransfer(-1) }
        var chunks: (start: Int64, data: Bytes, sums: Bytes)
        // The first bytes are read before the answer leaves, so that damage becomes an error answer.
        do { chunks = try await reading.readChunks(at: offset, count: Int(min(length, Int64(DatanodeSettings.readBytes)))) } catch {
            await datanode.reportDamage(reading.summary.id)
            try await refuse(.error, "\(error)")
            return true
        }
        var answer = TransferAnswer(.success)
        var checksum = ReadChecksum()
        checksum.chunkOffset = UInt64(offset / 512 * 512)
        if !request.sendChecksums { checksum.form.kind = .none }
        answer.readChecksum = checksum
        try await stream.write(answer.delimited)
        let end = offset + length
        var header = PacketHeader()
        header.offset = offset / 512 * 512
        while header.offset < end {
            if chunks.data.readableBytes == 0 {
                do {
                    chunks = try await reading.readChunks(
                        at: header.offset, count: Int(min(end - header.offset, Int64(DatanodeSettings.readBytes))))
                } catch {
                    // The protocol has no refusal in the middle of data; the reader turns to another datanode when the connection ends.
                    await datanode.reportDamage(reading.summary.id)
                    throw error
                }
                guard chunks.data.readableBytes > 0 else { throw StreamEnded() }
            }
            try await sendPackets(&chunks, &header, sums: request.sendChecksums)
        }
        header.dataBytes = 0
        header.isLast = true
        try await stream.write(Packet(header: header, checksums: Bytes(), data: Bytes()))
        return try await readerIsContent(reading.summary.id)
    }

    private func sendPackets(_ chunks: inout (start: Int64, data: Bytes, sums: Bytes), _ header: inout PacketHeader, sums: Bool)
        async throws
    {
        while let data = chunks.data.readSlice(length: min(chunks.data.readableBytes, Self.packetBytes)), data.readableBytes > 0 {
            let count = (data.readableBytes + 511) / 512 * 4
            let checksums = chunks.sums.readSlice(length: count) ?? Bytes()
            header.dataBytes = Int32(data.readableBytes)
            try await stream.write(Packet(header: header, checksums: sums ? checksums : Bytes(), data: data))
            header.offset += Int64(data.readableBytes)
            header.sequence += 1
        }
    }

    /// Reads the reader's verdict on the data; false if there is none.
    private func readerIsContent(_ id: Int64) async throws -> Bool {
        guard try await stream.hasMore() else { return false }
        let status = try await stream.message(ReadStatus.self, limit: 64)
        if status.status == .errorChecksum { await datanode.reportDamage(id) }
        return true
    }

    /// The checksum of a block in HDFS's two forms.
    func checksum(_ request: BlockChecksumRequest) async throws {
        let block = request.header.block
        let kind = request.options?.kind ?? .md5
        do {
            let reading = try await open(block)
            defer { reading.close() }
            let length = min(Int64(clamping: block.lengthBytes), reading.summary.lengthBytes)
            let sums = try await reading.chunkSums(upTo: length)
            var checksum = BlockChecksumAnswer()
            checksum.chunkCount = UInt64(sums.readableBytes / 4)
            checksum.options = request.options
            if kind == .md5 {
                checksum.checksum = MD5Sum.of(sums)
            } else {
                var composition = CRCComposition(.crc32c)
                composition.add(sums, chunkBytes: 512, lengthBytes: length)
                checksum.checksum = Bytes(integer: composition.value)
            }
            var answer = TransferAnswer(.success)
            answer.checksum = checksum
            try await stream.write(answer.delimited)
        } catch let error as StorageError {
            if case .corrupt = error.cause { await datanode.reportDamage(Int64(bitPattern: block.blockID)) }
            try await refuse(.error, "\(error)")
        } catch let error as TransferFailure { try await refuse(.error, "\(error)") }
    }

    /// Copies a replica to other datanodes for a client that rebuilds its pipeline.
    func transfer(_ request: TransferBlockRequest) async throws {
        var located = LocatedBlock()
        located.block = request.header.base.block
        located.locations = request.targets
        do {
            let reading = try await open(located.block)
            reading.close()
            try await datanode.send(located, stage: reading.summary.isFinal ? .transferFinalized : .transferBeingWritten)
            try await stream.write(TransferAnswer(.success).delimited)
        } catch { try await refuse(.error, "\(error)") }
    }
}
