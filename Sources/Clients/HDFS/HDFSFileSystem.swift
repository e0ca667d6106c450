// A file system behind Hadoop's RPC, ours or a real HDFS: the namenode has names and attributes, the datanodes have the data.
import Base
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// One file system as one user.
package struct HDFSFileSystem: Sendable {
    package let namenode: NamenodeProxy
    let connections: DatanodeConnections
    /// The client name of leases; each file adds a number.
    let clientName: String
    private let kept = KeptDefaults()

    package static let defaultPort = 8020

    /// `addresses`: the namenode, or several of which one leads. `patience`: how long to wait for one that was never reached.
    package init(_ addresses: [HostPort], user: String, patience: Duration = .zero) {
        self.init(NamenodeProxy(addresses, user: user, patience: patience))
    }

    package init(_ namenode: NamenodeProxy) {
        self.namenode = namenode
        connections = DatanodeConnections()
        var random = SystemRandomNumberGenerator()
        clientName = "DFSClient_platform_" + String(random.next() as UInt64, radix: 16)
    }

    /// Every entry of a directory in the byte order of names, a thousand at a time; a file is its own only entry, with an empty name. False
    /// if the path does not exist.
    package func list(_ path: String, withLocations: Bool = false, _ take: ([FileStatus]) async throws -> Void) async throws -> Bool {
        var after = Bytes()
        while true {
            guard let part = try await namenode.listing(path, after: after, withLocations: withLocations) else { return false }
            try await take(part.entries)
            guard part.remaining > 0, let last = part.entries.last?.path else { return true }
            after = last
        }
    }

    // MARK: reading

    /// Opens a file at its present length. Throws JavaException if it is missing or no file.
    package func open(_ path: String) async throws -> HDFSReader {
        var places = try await namenode.locations(path)
        if let last = places.lastBlock, !places.isLastBlockComplete, !last.locations.isEmpty {
            var open = last
            open.block.lengthBytes = UInt64(try await visibleLength(last, path))
            if open.block.lengthBytes > 0 {
                places.blocks.append(open)
                places.fileLengthBytes = open.offset + open.block.lengthBytes
            }
        }
        return HDFSReader(fileSystem: self, path: path, places: places)
    }

    /// The length of a block under construction that its datanode shows to readers.
    private func visibleLength(_ located: LocatedBlock, _ path: String) async throws -> Int64 {
        var last: (any Error)?
        for node in connections.ordered(located.locations) {
            let channel = RemoteChannel([HostPort(node.id.address, Int(node.id.ipcPort))])
            do {
                let answer: NumberAnswer = try await channel.call(
                    RPCProtocol.clientDatanode, "getReplicaVisibleLength", user: namenode.user, OptionalAnswer<ExtendedBlock>(located.block)
                )
                await channel.close()
                return Int64(clamping: answer.value)
            } catch { last = error }
            await channel.close()
        }
        throw BlockMissing(block: located.block, path: path, reason: last.map { "\($0)" } ?? "no datanode has it")
    }

    // MARK: writing

    /// Choices for a new file.
    package struct CreateChoices: Sendable {
        package var overwrite = false
        package var createParents = true
        package var permission: UInt32 = 0o644
        /// Nil: the namenode's default.
        package var replication: Int?
        package var blockSizeBytes: Int64?
        package init() {}
    }

    /// Creates a file; it is visible at once, and closed by `close` only.
    package func create(_ path: String, _ choices: CreateChoices = CreateChoices()) async throws -> HDFSWriter {
        var request = CreateRequest()
        request.path = path
        request.masked = Permission(choices.permission)
        request.unmasked = Permission(choices.permission)
        request.flags = choices.overwrite ? CreateRequest.Flag.create | CreateRequest.Flag.overwrite : CreateRequest.Flag.create
        request.createParent = choices.createParents
        request.clientName = holder()
        if let copies = choices.replication, let bytes = choices.blockSizeBytes {
            (request.replication, request.blockSizeBytes) = (UInt32(clamping: copies), UInt64(clamping: bytes))
        } else {
            let defaults = try await kept.defaults(of: namenode)
            request.replication = choices.replication.map { UInt32(clamping: $0) } ?? defaults.replication
            request.blockSizeBytes = choices.blockSizeBytes.map { UInt64(clamping: $0) } ?? defaults.blockSizeBytes
        }
        let status = try await namenode.create(request)
        return HDFSWriter(openFile(path, status.fileID, request.clientName, Int64(clamping: request.blockSizeBytes)), last: nil)
    }

    /// Opens a file for writing at its end.
    package func append(_ path: String) async throws -> HDFSWriter {
        let name = holder()
        let answer = try await namenode.append(path, clientName: name)
        let status = answer.status ?? FileStatus()
        let file = openFile(path, status.fileID, name, Int64(clamping: status.blockSizeBytes))
        let writer = HDFSWriter(file, last: nil)
        guard let located = answer.block else { return writer }
        do { try await writer.goOn(with: located) } catch {
            await writer.abandon()
            throw error
        }
        return writer
    }

    private func holder() -> String {
        var random = SystemRandomNumberGenerator()
        return clientName + "_" + String(random.next() as UInt32, radix: 16)
    }

    private func openFile(_ path: String, _ id: UInt64, _ name: String, _ blockSizeBytes: Int64) -> OpenFile {
        OpenFile(
            namenode: namenode, connections: connections, path: path, fileID: id, clientName: name, blockSizeBytes: max(1, blockSizeBytes),
            previous: nil)
    }

    /// Cuts a file. False if its last block must be cut first: the file is open until then.
    package func truncate(_ path: String, to bytes: Int64) async throws -> Bool {
        try await namenode.truncate(path, to: bytes, clientName: holder())
    }

    /// Waits until the file is closed, then returns true.
    package func closed(_ path: String) async throws -> Bool {
        while try await !namenode.isClosed(path) { try await Task.sleep(for: .milliseconds(100)) }
        return true
    }
}

/// The namenode's defaults for new files, asked for once a while instead of once a file. Source: DFSClient, which keeps them for an hour.
private final class KeptDefaults: Sendable {
    private let last = Mutex<(defaults: ServerDefaults, at: Instant)?>(nil)
    private static let keptFor = Duration.seconds(60)

    func defaults(of namenode: NamenodeProxy) async throws -> ServerDefaults {
        let now = SystemTime().now()
        if let last = last.withLock({ $0 }), now - last.at < Self.keptFor { return last.defaults }
        let found = try await namenode.serverDefaults()
        last.withLock { $0 = (found, now) }
        return found
    }
}

/// An open file for reading, at the length of that time.
package struct HDFSReader: Sendable {
    let fileSystem: HDFSFileSystem
    package let path: String
    /// The places of its blocks.
    package let places: LocatedBlocks
    package var lengthBytes: Int64 { Int64(clamping: places.fileLengthBytes) }

    /// New questions to the namenode for the places of a block that no datanode could deliver.
    private static let lookAgainMax = 3

    /// Hands on the bytes from `offset`, at most `lengthBytes` of them, in order and each once.
    package func read(offset: Int64 = 0, lengthBytes wanted: Int64 = .max, _ take: (Bytes) async throws -> Void) async throws {
        guard offset >= 0, wanted >= 0 else { return }
        let end = min(lengthBytes, offset.addingClamped(wanted))
        var next = offset
        for located in places.blocks {
            let start = Int64(clamping: located.offset)
            let stop = min(end, start.addingClamped(Int64(clamping: located.block.lengthBytes)))
            guard next >= start, next < stop else { continue }
            try await read(located, from: next - start, to: stop - start, take)
            next = stop
        }
        guard next >= end else {
            throw BlockMissing(
                block: places.blocks.last?.block ?? ExtendedBlock(), path: path, reason: "the namenode names no block for offset \(next)")
        }
    }

    private func read(_ located: LocatedBlock, from: Int64, to: Int64, _ take: (Bytes) async throws -> Void) async throws {
        let reader = BlockReader(namenode: fileSystem.namenode, connections: fileSystem.connections, clientName: fileSystem.clientName)
        var located = located
        var next = from
        for attempt in 0...Self.lookAgainMax {
            do {
                return try await reader.read(located, of: path, offset: next, lengthBytes: to - next) { bytes in
                    try await take(bytes)
                    next += Int64(bytes.readableBytes)
                }
            } catch let missing as BlockMissing {
                guard attempt < Self.lookAgainMax else { throw missing }
                // Datanodes come back, and blocks are copied to others.
                try await Task.sleep(for: .milliseconds(200 << attempt))
                let fresh = try await fileSystem.namenode.locations(path, offset: Int64(clamping: located.offset), lengthBytes: 1)
                guard let found = fresh.blocks.first(where: { $0.block.blockID == located.block.blockID }) ?? fresh.lastBlock,
                    found.block.blockID == located.block.blockID
                else { throw missing }
                var again = found
                again.block.lengthBytes = located.block.lengthBytes
                located = again
            }
        }
    }
}
