// The client's side of the data transfer protocol: writes a block down a pipeline, reads a block with its checksums. Datanodes use it among
// themselves and for WebHDFS.
import Base
import HadoopWire
import NetKit

/// A datanode's refusal or breach of protocol.
package struct TransferFailure: Error, Sendable, CustomStringConvertible {
    package var description: String
    /// The datanode that failed, if the answer names one.
    package var firstBadLink: String?
    package init(_ description: String, firstBadLink: String? = nil) { (self.description, self.firstBadLink) = (description, firstBadLink) }
}

extension ByteStream {
    /// A message with its length in front.
    package func message<M: ProtoLayout>(_: M.Type, limit: Int = TransferOperation.requestBytesMax) async throws -> M {
        try M(decoding: try await read(try await readLength(limit: limit)))
    }

    /// A whole packet, counted in `memory` until the caller returns its bytes.
    package func packet() async throws -> (packet: Packet, heldBytes: Int) {
        let (headerBytes, restBytes) = try Packet.lengths(try await read(Packet.prefixBytes))
        guard memory.take(restBytes, sparing: true) else { throw WireError.overLimit("bytes held for a connection", memory.usedBytes) }
        return (try Packet(try await read(restBytes), headerBytes: headerBytes), restBytes)
    }

    package func write(_ packet: Packet) async throws {
        if packet.data.readableBytes > 0 { try await write([packet.head, packet.data]) } else { try await write(packet.head) }
    }

    package func begin<M: ProtoLayout>(_ operation: TransferOperation, _ request: M) async throws {
        var bytes = Bytes()
        bytes.writeInteger(TransferOperation.version)
        bytes.writeInteger(operation.rawValue)
        bytes.writeImmutableBuffer(request.delimited)
        try await write(bytes)
    }
}

/// Reads and writes blocks of other datanodes.
package enum TransferClient {
    /// Data of one packet, the size of HDFS's clients.
    package static let packetBytes = 126 * 512

    private static func address(_ node: DatanodeInfo) -> HostPort { HostPort(node.id.address, Int(node.id.transferPort)) }

    /// Runs `session` on a connection to a datanode.
    package static func connect<T: Sendable>(_ node: DatanodeInfo, _ session: @escaping @Sendable (ByteStream) async throws -> T)
        async throws -> T
    {
        try await StreamClient.connect(address(node), session: session)
    }

    /// Writes a block down the pipeline of its locations; `produce` hands pieces to its argument. Returns the block with its length once
    /// every datanode has finished it.
    package static func write(
        _ located: LocatedBlock, clientName: String, stage: WriteBlockRequest.Stage = .setupCreate,
        produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void
    ) async throws -> ExtendedBlock {
        guard let first = located.locations.first else { throw TransferFailure("no datanode to write blk_\(located.block.blockID) to") }
        var request = WriteBlockRequest()
        request.header.clientName = clientName
        request.header.base.block = located.block
        request.targets = Array(located.locations.dropFirst())
        request.targetStorageTypes = request.targets.map { _ in .disk }
        request.targetStorageIDs = Array(located.storageIDs.dropFirst())
        request.stage = stage
        request.pipelineSize = UInt32(located.locations.count)
        request.generation = located.block.generation
        request.storageID = located.storageIDs.first
        let sent = request
        return try await connect(first) { stream in
            try await stream.begin(.writeBlock, sent)
            let answer = try await stream.message(TransferAnswer.self)
            guard answer.status == .success else {
                throw TransferFailure(
                    "a datanode refused blk_\(sent.header.base.block.blockID): \(answer.message ?? "\(answer.status)")",
                    firstBadLink: answer.firstBadLink)
            }
            let lengthBytes = try await sendAll(stream, produce)
            var block = sent.header.base.block
            block.lengthBytes = UInt64(lengthBytes)
            return block
        }
    }

    /// Sends packets, and takes their acknowledgements meanwhile.
    private static func sendAll(
        _ stream: ByteStream, _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void
    ) async throws -> Int64 {
        try await withThrowingTaskGroup(of: Int64?.self) { group in
            group.addTask {
                while true {
                    let ack = try await stream.message(PipelineAck.self)
                    guard ack.replies.allSatisfy({ $0 == .success }) else {
                        throw TransferFailure("a datanode could not keep a packet: \(ack.replies)")
                    }
                    if ack.sequence == .max { return nil }
                }
            }
            group.addTask {
                var sender = PacketSender(stream: stream)
                try await produce { try await sender.send($0) }
                return try await sender.finish()
            }
            var length: Int64 = 0
            do {
                for try await ended in group { length = ended ?? length }
            } catch {
                stream.close()
                throw error
            }
            return length
        }
    }

    /// Cuts data into packets.
    private struct PacketSender {
        let stream: ByteStream
        var gathered = Bytes()
        var header = PacketHeader()
        var sums = Bytes()

        init(stream: ByteStream) { self.stream = stream }

        mutating func send(_ piece: Bytes) async throws {
            var rest = piece
            while rest.readableBytes > 0 {
                guard var part = rest.readSlice(length: min(rest.readableBytes, TransferClient.packetBytes - gathered.readableBytes)) else {
                    return
                }
                gathered.writeBuffer(&part)
                if gathered.readableBytes == TransferClient.packetBytes { try await flush() }
            }
        }

        private mutating func flush() async throws {
            header.dataBytes = Int32(gathered.readableBytes)
            try await stream.write(Packet(header: header, checksums: ChunkSums.crc32c(of: gathered), data: gathered))
            header.offset += Int64(gathered.readableBytes)
            header.sequence += 1
            gathered = Bytes()
        }

        /// The last packet's number is the largest, so that its acknowledgement is known without counting.
        mutating func finish() async throws -> Int64 {
            if gathered.readableBytes > 0 { try await flush() }
            header.dataBytes = 0
            header.isLast = true
            header.sequence = .max
            try await stream.write(Packet(header: header, checksums: Bytes(), data: Bytes()))
            return header.offset
        }
    }

    /// Reads a range of a block from a datanode and checks every chunk; hands on exactly the range.
    package static func read(
        _ block: ExtendedBlock, from node: DatanodeInfo, offset: Int64, lengthBytes: Int64, clientName: String,
        take: @escaping @Sendable (Bytes) async throws -> Void
    ) async throws {
        var request = ReadBlockRequest()
        request.header.clientName = clientName
        request.header.base.block = block
        request.offset = UInt64(offset)
        request.lengthBytes = UInt64(lengthBytes)
        let sent = request
        try await connect(node) { stream in
            try await stream.begin(.readBlock, sent)
            let answer = try await stream.message(TransferAnswer.self)
            guard answer.status == .success, let form = answer.readChecksum?.form else {
                throw TransferFailure("a datanode refused to read: \(answer.message ?? "\(answer.status)")")
            }
            while true {
                let (packet, held) = try await stream.packet()
                defer { stream.memory.giveBack(held) }
                guard packet.data.readableBytes > 0 else { break }
                guard ChunkSums.match(packet.data, packet.checksums, form) else {
                    throw TransferFailure("blk_\(block.blockID): checksum error in what a datanode sent")
                }
                let skip = max(0, offset - packet.header.offset)
                let end = min(Int64(packet.data.readableBytes), offset + lengthBytes - packet.header.offset)
                if skip < end, let wanted = packet.data.getSlice(at: packet.data.readerIndex + Int(skip), length: Int(end - skip)) {
                    try await take(wanted)
                }
            }
            try await stream.write(ReadStatus().delimited)
        }
    }
}

extension TransferClient {
    /// The checksum of a block as the first of these datanodes tells it that can. Throws TransferFailure with the reasons of all.
    package static func checksum(_ request: BlockChecksumRequest, fromAnyOf nodes: [DatanodeInfo]) async throws -> BlockChecksumAnswer {
        var reasons: [String] = []
        for node in nodes {
            do {
                let answer = try await connect(node) { stream in
                    try await stream.begin(.blockChecksum, request)
                    return try await stream.message(TransferAnswer.self)
                }
                if answer.status == .success, let checksum = answer.checksum { return checksum }
                reasons.append("\(address(node)): \(answer.message ?? "\(answer.status)")")
            } catch is CancellationError { throw CancellationError() } catch { reasons.append("\(address(node)): \(error)") }
        }
        throw TransferFailure(reasons.isEmpty ? "no datanode has it" : reasons.joined(separator: "; "))
    }
}

/// Chunk checksums of the protocol.
package enum ChunkSums {
    /// CRC-32C of every 512 bytes.
    package static func crc32c(of data: Bytes) -> Bytes {
        var sums = Bytes()
        var rest = data
        while let piece = rest.readSlice(length: min(512, rest.readableBytes)), piece.readableBytes > 0 {
            sums.writeInteger(CRC32C.checksum(piece))
        }
        return sums
    }

    /// Whether data fits its checksums. The kind without checksums always fits.
    package static func match(_ data: Bytes, _ sums: Bytes, _ form: ChecksumForm) -> Bool {
        guard form.kind != .none else { return true }
        let chunk = Int(form.chunkBytes)
        guard chunk > 0, sums.readableBytes == (data.readableBytes + chunk - 1) / chunk * 4 else { return false }
        var (rest, expected) = (data, sums)
        while let piece = rest.readSlice(length: min(chunk, rest.readableBytes)), piece.readableBytes > 0 {
            let found = form.kind == .crc32c ? CRC32C.checksum(piece) : ZlibCRC32.checksum(piece)
            guard expected.readInteger(as: UInt32.self) == found else { return false }
        }
        return true
    }
}

/// The CRC-32 of zlib and gzip, used by clients from before Hadoop 2.
package enum ZlibCRC32 {
    private static let table: [UInt32] = (0..<256).map { value in
        (0..<8).reduce(UInt32(value)) { sum, _ in sum & 1 == 1 ? 0xEDB8_8320 ^ (sum >> 1) : sum >> 1 }
    }
    package static func checksum(_ bytes: Bytes) -> UInt32 {
        var sum = UInt32.max
        for byte in bytes.readableBytesView { sum = table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ (sum >> 8) }
        return ~sum
    }
}
