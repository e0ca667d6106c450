// The datanode's HTTP door: file data in and out, block by block. What a client wrote is acknowledged only after every block is durable
// and the namenode's log says so; what it reads was checked against its checksums.
import Base
import DFSCore
import Foundation
import NetKit

/// Serves CREATE, APPEND and OPEN.
final class DatanodeDoor: Sendable {
    private let namenode: Namenode
    private let blocks: BlockStore
    let counters: (written: Counter, read: Counter)

    init(namenode: Namenode, blocks: BlockStore, metrics: MetricsRegistry) {
        self.namenode = namenode
        self.blocks = blocks
        counters = (
            metrics.counter("dfs_written_bytes", help: "Bytes of file data received."), metrics.counter("dfs_read_bytes", help: "Bytes of file data sent.")
        )
    }

    func answer(_ http: HTTPCall) async -> HTTPReply {
        do {
            let call = try WebHDFSCall(http)
            switch (http.method, call.operation) {
            case ("PUT", "CREATE"): return try await create(call)
            case ("POST", "APPEND"): return try await append(call)
            case ("GET", "OPEN"): return try await open(call)
            default: throw RemoteException.unsupported("\(http.method) \(call.operation) is not for a datanode; ask the namenode")
            }
        } catch { return RemoteException(error).reply }
    }

    static func createOptions(_ call: WebHDFSCall, _ settings: DFSSettings) throws(RemoteException) -> CreateOptions {
        var options = CreateOptions()
        options.overwrite = try call.flag("overwrite") ?? false
        options.permission = try call.permission(0o644)
        options.blockSizeBytes = try call.integer("blocksize", in: 1 << 20...1 << 40) ?? settings.blockSizeBytes
        options.replication = Int16(try call.integer("replication", in: 1...512) ?? 1)
        return options
    }

    // MARK: writing

    private func create(_ call: WebHDFSCall) async throws -> HTTPReply {
        let caller = namenode.caller(call.user)
        let writer = UUID().uuidString
        let options = try Self.createOptions(call, namenode.settings)
        let file = try await namenode.open(.create(path: call.path, options, writer: writer, caller), writer: writer)
        do { try await fill(file, from: call.http) } catch {
            // An upload that broke off must not look like a whole file. The one at its path may be somebody else's by now.
            try await namenode.abandon(file)
            throw error
        }
        return HTTPReply(201, headers: [("Location", "webhdfs://\(call.http.host ?? "")\(call.path.percentEncoded(keeping: "/"))")])
    }

    private func append(_ call: WebHDFSCall) async throws -> HTTPReply {
        let writer = UUID().uuidString
        let file = try await namenode.open(.openForAppend(path: call.path, writer: writer, namenode.caller(call.user)), writer: writer)
        do { try await fill(file, from: call.http) } catch {
            try await namenode.abandon(file)
            throw error
        }
        return HTTPReply(200)
    }

    /// Writes the body into blocks and closes the file.
    private func fill(_ opened: OpenFile, from http: HTTPCall) async throws {
        var file = opened
        var block = BlockUpload(try await blocks.create(file.nextBlock.rawValue))
        do {
            for try await chunk in http.body {
                counters.written.add(Int64(chunk.readableBytes))
                var rest = chunk
                while rest.readableBytes > 0 {
                    let room = file.blockSizeBytes - block.lengthBytes
                    if room == 0 {
                        try await block.finish()
                        guard let next = try await namenode.finishBlock(file, lengthBytes: block.lengthBytes, last: false) else {
                            preconditionFailure("a file that goes on has a next block")
                        }
                        file = next
                        block = BlockUpload(try await blocks.create(file.nextBlock.rawValue))
                        continue
                    }
                    if let piece = rest.readSlice(length: Int(min(Int64(rest.readableBytes), room))) { try await block.append(piece) }
                }
            }
            if block.lengthBytes > 0 { try await block.finish() } else { block.abandon() }
        } catch {
            block.abandon()
            throw error
        }
        _ = try await namenode.finishBlock(file, lengthBytes: block.lengthBytes, last: true)
    }

    // MARK: reading

    private func open(_ call: WebHDFSCall) async throws -> HTTPReply {
        let (path, caller) = (call.path, namenode.caller(call.user))
        let file = try await namenode.read { machine throws(DFSRefusal) in
            let inode = try Namenode.find(path, caller, in: machine)
            guard let file = inode.file else { throw .isDirectory(path) }
            try machine.namespace.check(caller, .read, inode)
            return file
        }
        let offset = try call.integer("offset", in: 0...Int64.max) ?? 0
        guard offset <= file.lengthBytes else { throw RemoteException.io("Offset=\(offset) out of the range [0, \(file.lengthBytes)]; OPEN, path=\(path)") }
        let length = min(try call.integer("length", in: 0...Int64.max) ?? Int64.max, file.lengthBytes - offset)
        let pieces = Self.pieces(of: file.blocks, offset: offset, length: length)
        // The first bytes are fetched before the status leaves, so that a damaged or missing block is an error and not a short file.
        if let first = pieces.first {
            let reader = try await blocks.open(first.block.rawValue)
            defer { reader.close() }
            _ = try await reader.read(at: first.offset, count: 1)
        }
        return HTTPReply(200, headers: [("Content-Type", "application/octet-stream")], body: .stream(length: Int(length)) { write in try await self.send(pieces, write) })
    }

    struct Piece: Sendable, Equatable {
        var block: BlockID
        var offset: Int64
        var length: Int64
    }

    /// The parts of blocks that a range of the file covers.
    static func pieces(of blocks: [Block], offset: Int64, length: Int64) -> [Piece] {
        var pieces: [Piece] = []
        var start: Int64 = 0
        for block in blocks {
            let from = max(offset, start)
            let to = min(offset + length, start + block.lengthBytes)
            if from < to { pieces.append(Piece(block: block.id, offset: from - start, length: to - from)) }
            start += block.lengthBytes
        }
        return pieces
    }

    private func send(_ pieces: [Piece], _ write: (Bytes) async throws -> Void) async throws {
        for piece in pieces {
            let reader = try await blocks.open(piece.block.rawValue)
            defer { reader.close() }
            var done: Int64 = 0
            while done < piece.length {
                let bytes = try await reader.read(at: piece.offset + done, count: Int(min(piece.length - done, Int64(DFSSettings.transferBytes))))
                guard bytes.readableBytes > 0 else { throw StorageError(.corrupt("block \(piece.block) is shorter than the namenode knows"), "read", "block \(piece.block)") }
                counters.read.add(Int64(bytes.readableBytes))
                done += Int64(bytes.readableBytes)
                try await write(bytes)
            }
        }
    }
}

/// A block upload that gathers small pieces into larger writes.
private struct BlockUpload {
    private let upload: BlockStore.Upload
    private var gathered = Bytes()
    private(set) var lengthBytes: Int64 = 0

    init(_ upload: BlockStore.Upload) { self.upload = upload }

    mutating func append(_ piece: Bytes) async throws {
        lengthBytes += Int64(piece.readableBytes)
        gathered.writeImmutableBuffer(piece)
        if gathered.readableBytes >= DFSSettings.transferBytes { try await flush() }
    }

    private mutating func flush() async throws {
        guard gathered.readableBytes > 0 else { return }
        try await upload.append(gathered)
        gathered = Bytes()
    }

    mutating func finish() async throws {
        try await flush()
        try await upload.finish()
    }

    func abandon() { upload.abandon() }
}
