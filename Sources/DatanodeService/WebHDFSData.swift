// The datanode's HTTP door: file data in and out over WebHDFS. Towards the namenode and other datanodes it is a client like any other: it
// opens the file, asks for blocks, writes them down their pipelines, closes. A client's write is acknowledged only after the namenode has
// closed the file.
import Base
import Foundation
import HadoopNet
import HadoopWire
import Logging
import NetKit

/// Serves CREATE, APPEND, OPEN and GETFILECHECKSUM.
final class WebHDFSData: Sendable {
    private let datanode: Datanode
    private let counters: (written: Counter, read: Counter)

    init(datanode: Datanode, metrics: MetricsRegistry) {
        self.datanode = datanode
        counters = (
            metrics.counter("dfs_written_bytes", help: "Bytes of file data received."),
            metrics.counter("dfs_read_bytes", help: "Bytes of file data sent.")
        )
    }

    func answer(_ http: HTTPCall) async -> HTTPReply {
        if http.path.hasSameBytes(as: JMXPage.path), http.method == "GET" { return JMXPage.answer(http, datanode.beans) }
        do {
            let call = try WebHDFSCall(http)
            switch (http.method, call.operation) {
            case ("PUT", "CREATE"): return try await create(call)
            case ("POST", "APPEND"): return try await append(call)
            case ("GET", "OPEN"): return try await open(call)
            case ("GET", "GETFILECHECKSUM"): return try await checksum(call)
            default:
                throw JavaException(JavaException.unsupported, "\(http.method) \(call.operation) is not for a datanode; ask the namenode")
            }
        } catch let exception as JavaException { return exception.reply } catch { return JavaException(JavaException.io, "\(error)").reply }
    }

    private func namenode<Q: ProtoLayout, A: ProtoLayout>(_ method: String, _ user: String, _ request: Q) async throws -> A {
        try await datanode.namenode.call(RPCProtocol.client, method, user: user, request)
    }

    // MARK: writing

    /// The open file of an upload.
    private struct Upload: Sendable {
        var path: String
        var user: String
        var holder: String
        var fileID: UInt64
        var blockSizeBytes: Int64
    }

    /// Refuses an upload to a full disk before the namenode knows of it: an upload once begun might be impossible to undo.
    private func checkRoom() throws {
        guard datanode.store.isFull else { return }
        throw JavaException(JavaException.io, "No space left on device: the datanode has no room for another block; free some space")
    }

    private func create(_ call: WebHDFSCall) async throws -> HTTPReply {
        try checkRoom()
        var request = CreateRequest()
        request.path = call.path
        request.masked = Permission(UInt32(try call.permission(0o644)))
        request.clientName = "webhdfs:" + UUID().uuidString
        request.flags =
            try call.flag("overwrite") ?? false ? CreateRequest.Flag.create | CreateRequest.Flag.overwrite : CreateRequest.Flag.create
        request.createParent = try call.flag("createParent") ?? true
        request.replication = UInt32(try call.integer("replication", in: 1...512) ?? datanode.settings.replication)
        request.blockSizeBytes = UInt64(try call.integer("blocksize", in: 1 << 20...1 << 40) ?? datanode.settings.blockSizeBytes)
        let made: OptionalAnswer<FileStatus> = try await namenode("create", call.user, request)
        let upload = Upload(
            path: call.path, user: call.user, holder: request.clientName, fileID: made.content?.fileID ?? 0,
            blockSizeBytes: Int64(request.blockSizeBytes))
        try await fill(upload, after: nil, from: call.http)
        return HTTPReply(201, headers: [("Location", "webhdfs://\(call.http.host ?? "")\(call.path.percentEncoded(keeping: "/"))")])
    }

    private func append(_ call: WebHDFSCall) async throws -> HTTPReply {
        try checkRoom()
        var request = AppendRequest()
        (request.path, request.clientName, request.flags) = (
            call.path, "webhdfs:" + UUID().uuidString, CreateRequest.Flag.append | CreateRequest.Flag.newBlock
        )
        let answer: AppendAnswer = try await namenode("append", call.user, request)
        let status = answer.status ?? FileStatus()
        let upload = Upload(
            path: call.path, user: call.user, holder: request.clientName, fileID: status.fileID,
            blockSizeBytes: Int64(clamping: status.blockSizeBytes))
        try await fill(upload, after: nil, from: call.http)
        return HTTPReply(200)
    }

    /// Writes the body into blocks and closes the file. A broken write is abandoned: its remains are no whole file.
    private func fill(_ upload: Upload, after last: ExtendedBlock?, from http: HTTPCall) async throws {
        datanode.begin(upload: upload.holder, user: upload.user)
        defer { datanode.end(upload: upload.holder) }
        do {
            var last = last
            let body = UploadBody(http, counters.written)
            while try await body.hasMore() {
                let block = try await addBlock(upload, last)
                last = try await TransferClient.write(block, clientName: upload.holder) { write in
                    var room = upload.blockSizeBytes
                    while room > 0, let piece = try await body.next(atMost: Int(min(room, 1 << 20))) {
                        room -= Int64(piece.readableBytes)
                        try await write(piece)
                    }
                }
            }
            try await complete(upload, last)
        } catch {
            // The reason comes from here, since an acknowledgement has no room for one.
            let isFull = datanode.store.isFull
            if isFull { await datanode.store.releaseReserve() }
            await abandon(upload)
            throw isFull ? JavaException(JavaException.io, "No space left on device: \(error)") : error
        }
    }

    private func addBlock(_ upload: Upload, _ last: ExtendedBlock?) async throws -> LocatedBlock {
        var request = AddBlockRequest()
        (request.path, request.clientName, request.previous, request.fileID) = (upload.path, upload.holder, last, upload.fileID)
        let answer: OptionalAnswer<LocatedBlock> = try await namenode("addBlock", upload.user, request)
        guard let block = answer.content else { throw WireError.unexpectedNull }
        return block
    }

    /// Attempts, 100 ms apart, to close a file whose last block the namenode does not know yet.
    private static let closeTriesMax = 100

    private func complete(_ upload: Upload, _ last: ExtendedBlock?) async throws {
        var request = CompleteRequest()
        (request.path, request.clientName, request.last, request.fileID) = (upload.path, upload.holder, last, upload.fileID)
        for _ in 0..<Self.closeTriesMax {
            let answer: FlagAnswer = try await namenode("complete", upload.user, request)
            if answer.result { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw JavaException(JavaException.io, "\(upload.path) could not be closed: its last block is not reported")
    }

    private func abandon(_ upload: Upload) async {
        var request = AbandonBlockRequest()
        (request.path, request.holder, request.fileID) = (upload.path, upload.holder, upload.fileID)
        request.block.poolID = datanode.poolID
        await datanode.abandon(request, user: upload.user)
    }

    // MARK: reading

    private func blocks(_ call: WebHDFSCall) async throws -> LocatedBlocks {
        var request = LocationsRequest()
        (request.path, request.offset, request.lengthBytes) = (call.path, 0, UInt64(Int64.max))
        let answer: OptionalAnswer<LocatedBlocks> = try await namenode("getBlockLocations", call.user, request)
        return answer.content ?? LocatedBlocks()
    }

    /// The MD5 of MD5s, which is the only form of WebHDFS.
    private func checksum(_ call: WebHDFSCall) async throws -> HTTPReply {
        let sum = try await FileChecksum.of(try await blocks(call).blocks) { request, located in
            do { return try await TransferClient.checksum(request, fromAnyOf: located.locations) } catch let failure as TransferFailure {
                throw JavaException(
                    JavaException.io, "Fail to get block checksum for blk_\(located.block.blockID) of \(call.path): \(failure)")
            }
        }
        let fields = "\"algorithm\":\(JSONText.quoted(sum.algorithm)),\"bytes\":\"\(sum.hex)\",\"length\":\(sum.bytes.readableBytes)"
        return .json(200, "{\"FileChecksum\":{\(fields)}}")
    }

    private func open(_ call: WebHDFSCall) async throws -> HTTPReply {
        let offset = try call.integer("offset", in: 0...Int64.max) ?? 0
        let file = try await blocks(call)
        let size = Int64(clamping: file.fileLengthBytes)
        guard offset <= size else {
            throw JavaException(JavaException.io, "Offset=\(offset) out of the range [0, \(size)]; OPEN, path=\(call.path)")
        }
        let length = min(try call.integer("length", in: 0...Int64.max) ?? Int64.max, size - offset)
        let pieces = Self.pieces(
            of: file.blocks
                + [file.lastBlock].compactMap { $0 }.filter { last in !file.blocks.contains { $0.block.blockID == last.block.blockID } },
            offset: offset, length: length)
        // The first bytes are fetched before the status leaves, so that a damaged or missing block is an error and not a short file.
        var reading: ReplicaStore.Reading?
        if let first = pieces.first, isHere(first.block) {
            let opened = try await datanode.store.open(Int64(bitPattern: first.block.block.blockID))
            reading = opened
            do { _ = try await opened.read(at: first.offset, count: 1) } catch {
                await datanode.reportDamage(opened.summary.id)
                opened.close()
                throw error
            }
        } else if let first = pieces.first, first.block.locations.isEmpty {
            throw JavaException(
                "org.apache.hadoop.hdfs.BlockMissingException", "Could not obtain block: blk_\(first.block.block.blockID) of \(call.path)")
        }
        let opened = reading
        return HTTPReply(
            200, headers: [("Content-Type", "application/octet-stream")],
            body: .stream(length: Int(length)) { write in try await self.send(pieces, opened, write) })
    }

    struct Piece: Sendable {
        var block: LocatedBlock
        var offset: Int64
        var length: Int64
    }

    /// The parts of blocks that a range of the file covers.
    static func pieces(of blocks: [LocatedBlock], offset: Int64, length: Int64) -> [Piece] {
        var pieces: [Piece] = []
        for block in blocks {
            let start = Int64(clamping: block.offset)
            let from = max(offset, start)
            let to = min(offset + length, start + Int64(clamping: block.block.lengthBytes))
            if from < to { pieces.append(Piece(block: block, offset: from - start, length: to - from)) }
        }
        return pieces
    }

    private func isHere(_ block: LocatedBlock) -> Bool { block.locations.contains { $0.id.uuid == datanode.registration.id.uuid } }

    private func send(_ pieces: [Piece], _ first: ReplicaStore.Reading?, _ write: (Bytes) async throws -> Void) async throws {
        var first = first
        for piece in pieces {
            if isHere(piece.block) {
                let reading: ReplicaStore.Reading
                if let first {
                    reading = first
                } else {
                    reading = try await datanode.store.open(Int64(bitPattern: piece.block.block.blockID))
                }
                first = nil
                defer { reading.close() }
                try await sendLocal(piece, reading, write)
            } else {
                try await sendRemote(piece, write)
            }
        }
    }

    private func sendLocal(_ piece: Piece, _ reading: ReplicaStore.Reading, _ write: (Bytes) async throws -> Void) async throws {
        var done: Int64 = 0
        while done < piece.length {
            let bytes = try await reading.read(
                at: piece.offset + done, count: Int(min(piece.length - done, Int64(DatanodeSettings.readBytes))))
            guard bytes.readableBytes > 0 else { throw TransferFailure("blk_\(reading.summary.id) is shorter than the namenode knows") }
            counters.read.add(Int64(bytes.readableBytes))
            done += Int64(bytes.readableBytes)
            try await write(bytes)
        }
    }

    /// Sends a block of another datanode, one part at a time.
    private func sendRemote(_ piece: Piece, _ write: (Bytes) async throws -> Void) async throws {
        guard let node = piece.block.locations.first else { throw TransferFailure("blk_\(piece.block.block.blockID) is on no datanode") }
        var done: Int64 = 0
        while done < piece.length {
            let count = min(piece.length - done, Int64(DatanodeSettings.readBytes))
            let gathered = GatheredBytes()
            try await TransferClient.read(
                piece.block.block, from: node, offset: piece.offset + done, lengthBytes: count, clientName: "webhdfs"
            ) { gathered.add($0) }
            let bytes = gathered.bytes
            guard Int64(bytes.readableBytes) == count else {
                throw TransferFailure("a datanode sent \(bytes.readableBytes) bytes and not \(count)")
            }
            counters.read.add(count)
            done += count
            try await write(bytes)
        }
    }
}

/// Collects bytes from pieces.
private final class GatheredBytes: @unchecked Sendable {
    // Safe to share: added to by one task, read after that has ended.
    private(set) var bytes = Bytes()
    func add(_ piece: Bytes) { bytes.writeImmutableBuffer(piece) }
}

/// The body of an upload, cut to blocks. One task reads it at a time.
private final class UploadBody: @unchecked Sendable {
    // Safe to share: the block that is written at the moment is the only one that reads.
    private var chunks: HTTPCall.BodyIterator
    private var rest = Bytes()
    private let counter: Counter

    init(_ http: HTTPCall, _ counter: Counter) {
        chunks = http.bodyChunks()
        self.counter = counter
    }

    func hasMore() async throws -> Bool {
        while rest.readableBytes == 0 {
            guard let more = try await chunks.next() else { return false }
            counter.add(Int64(more.readableBytes))
            rest = more
        }
        return true
    }

    func next(atMost count: Int) async throws -> Bytes? {
        guard try await hasMore() else { return nil }
        return rest.readSlice(length: min(count, rest.readableBytes))
    }
}
