// Files of a dfs for engines, the same over Hadoop's RPC and over WebHDFS. The RPC client reads ahead in files that are read in order, on
// kept connections; it forgets an open file as soon as the status shows another one.
import Base
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// Access to a dfs. Refusals are thrown as HDFSFailure.
package protocol HDFSClient: Sendable {
    /// Nil if the path does not exist.
    func statusIfExists(_ path: String) async throws -> HDFSStatus?
    /// The entries of a directory, or the file itself with an empty suffix.
    func list(_ path: String) async throws -> [HDFSStatus]
    func makeDirectories(_ path: String) async throws
    /// False where HDFS refuses a rename without an error.
    func rename(_ path: String, to target: String) async throws -> Bool
    /// False if the path did not exist.
    func delete(_ path: String, recursive: Bool) async throws -> Bool
    /// At most `count` bytes from `offset`, fewer at the end only.
    func read(_ path: String, offset: Int64, count: Int) async throws -> [UInt8]
    /// Creates a file; fails if it exists.
    func begin(_ path: String) async throws -> any HDFSOutput
}

/// An open file; one task writes it.
package protocol HDFSOutput: Sendable {
    func write(_ bytes: Bytes) async throws
    /// The file is whole and durable on return.
    func finish() async throws
    /// Removes the file.
    func abandon() async
}

// MARK: over WebHDFS

extension WebHDFSClient: HDFSClient {
    package func read(_ path: String, offset: Int64, count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        try await open(path, offset: offset, length: Int64(count)) { bytes += $0.readableBytesView }
        return bytes
    }

    package func begin(_ path: String) async throws -> any HDFSOutput {
        try await create(path, overwrite: false, body: .empty)
        return WebOutput(client: self, path: path)
    }
}

/// Gathers bytes and appends them to a file created empty.
private final class WebOutput: HDFSOutput, @unchecked Sendable {
    // Safe to share: one task writes.
    private let client: WebHDFSClient
    private let path: String
    private var gathered = Bytes()
    /// Gathered bytes per send; each send is durable on its own.
    private static let sendBytes = 16 << 20

    init(client: WebHDFSClient, path: String) { (self.client, self.path) = (client, path) }

    func write(_ bytes: Bytes) async throws {
        gathered.writeImmutableBuffer(bytes)
        if gathered.readableBytes >= Self.sendBytes { try await finish() }
    }

    func finish() async throws {
        guard gathered.readableBytes > 0 else { return }
        let bytes = gathered
        gathered = Bytes()
        try await client.append(path, body: .bytes(bytes))
    }

    // A file whose removal fails now lies under _temporary and goes with it.
    func abandon() async { _ = try? await client.delete(path, recursive: false) }
}

// MARK: over the RPC

/// A dfs over Hadoop's RPC, for engines.
package final class RPCFileClient: HDFSClient {
    private let files: HDFSFileSystem
    private let open = Mutex<[String: OpenInput]>([:])

    /// An open file for reading, with its bytes read ahead.
    fileprivate struct OpenInput {
        var reader: HDFSReader
        var used: Instant
        var ahead: (offset: Int64, bytes: Task<[UInt8], any Error>)?
    }

    /// Limit of remembered files; the one unused for longest goes.
    private static let openMax = 64
    /// Bytes per read-ahead; at most 64 MiB with every remembered file in use.
    private static let aheadBytesMax = 1 << 20

    package init(_ files: HDFSFileSystem) { self.files = files }

    private func asking<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch let exception as JavaException {
            throw HDFSFailure(
                status: exception.httpStatus, exception: exception.shortName, message: String(exception.message.piece(before: "\n")))
        }
    }

    private static func status(_ found: FileStatus) -> HDFSStatus {
        HDFSStatus(
            accessTime: Int64(clamping: found.accessed), blockSize: Int64(clamping: found.blockSizeBytes), group: found.group,
            length: Int64(clamping: found.lengthBytes),
            modificationTime: Int64(clamping: found.modified), owner: found.owner, pathSuffix: found.path.text,
            permission: String(found.permission.bits, radix: 8),
            replication: Int(found.replication), type: found.kind == .directory ? "DIRECTORY" : "FILE")
    }

    package func statusIfExists(_ path: String) async throws -> HDFSStatus? {
        let found = try await asking { try await files.namenode.status(path) }
        // The caller is about to read the present file.
        open.withLock {
            if let known = $0[path],
                known.reader.lengthBytes != Int64(clamping: found?.lengthBytes ?? 0) || known.isOld(now: SystemTime().now())
            {
                $0[path] = nil
            }
        }
        return found.map(Self.status)
    }

    package func list(_ path: String) async throws -> [HDFSStatus] {
        var all: [HDFSStatus] = []
        guard try await asking({ try await files.list(path) { all += $0.map(Self.status) } }) else {
            throw HDFSFailure(status: 404, exception: "FileNotFoundException", message: "File \(path) does not exist.")
        }
        return all
    }

    package func makeDirectories(_ path: String) async throws { _ = try await asking { try await files.namenode.makeDirectories(path) } }

    package func rename(_ path: String, to target: String) async throws -> Bool {
        forgetAll()
        return try await asking { try await files.namenode.rename(path, to: target) }
    }

    package func delete(_ path: String, recursive: Bool) async throws -> Bool {
        forgetAll()
        return try await asking { try await files.namenode.delete(path, recursive: recursive) }
    }

    private func forgetAll() { open.withLock { $0 = [:] } }

    // MARK: reading

    package func read(_ path: String, offset: Int64, count: Int) async throws -> [UInt8] {
        try await asking {
            let (input, isKnown) = try await input(path)
            do { return try await read(path, input, offset, count) } catch  where isKnown && !(error is CancellationError) {
                // The path may hold another file by now.
                open.withLock { $0[path] = nil }
                return try await read(path, try await self.input(path).0, offset, count)
            }
        }
    }

    private func input(_ path: String) async throws -> (OpenInput, isKnown: Bool) {
        let now = SystemTime().now()
        let known = open.withLock { all -> OpenInput? in
            guard let found = all[path], !found.isOld(now: now) else { return nil }
            all[path]?.used = now
            return found
        }
        if let known { return (known, true) }
        let fresh = OpenInput(reader: try await files.open(path), used: now)
        open.withLock { all in
            if all.count >= Self.openMax, let oldest = all.min(by: { $0.value.used < $1.value.used })?.key { all[oldest] = nil }
            all[path] = fresh
        }
        return (fresh, false)
    }

    private func read(_ path: String, _ input: OpenInput, _ offset: Int64, _ count: Int) async throws -> [UInt8] {
        let end = min(input.reader.lengthBytes, offset.addingClamped(Int64(count)))
        guard offset < end else { return [] }
        var bytes: [UInt8] = []
        if let ahead = input.ahead, ahead.offset == offset {
            bytes = try await ahead.bytes.value
            if bytes.count > end - offset { bytes.removeLast(bytes.count - Int(end - offset)) }
        }
        let rest = offset + Int64(bytes.count)
        if rest < end { bytes += try await Self.bytes(input.reader, rest, Int(end - rest)) }
        readAhead(path, input.reader, end, count)
        return bytes
    }

    private static func bytes(_ reader: HDFSReader, _ offset: Int64, _ count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        try await reader.read(offset: offset, lengthBytes: Int64(count)) { bytes += $0.readableBytesView }
        return bytes
    }

    /// Starts to read the next bytes, since files are mostly read in order.
    private func readAhead(_ path: String, _ reader: HDFSReader, _ offset: Int64, _ count: Int) {
        guard offset < reader.lengthBytes else { return }
        let wanted = Int(min(Int64(min(count, Self.aheadBytesMax)), reader.lengthBytes - offset))
        open.withLock { all in
            guard all[path] != nil, all[path]?.ahead?.offset != offset else { return }
            all[path]?.ahead = (offset, Task { try await Self.bytes(reader, offset, wanted) })
        }
    }

    // MARK: writing

    package func begin(_ path: String) async throws -> any HDFSOutput {
        open.withLock { $0[path] = nil }
        return RPCOutput(files: files, path: path, writer: try await asking { try await files.create(path) })
    }
}

extension RPCFileClient.OpenInput {
    /// A file unused for a while needs a new look.
    fileprivate func isOld(now: Instant) -> Bool { now - used > .seconds(5) }
}

private struct RPCOutput: HDFSOutput {
    let files: HDFSFileSystem
    let path: String
    let writer: HDFSWriter

    func write(_ bytes: Bytes) async throws { try await writer.write(bytes) }
    func finish() async throws { try await writer.close() }

    func abandon() async {
        await writer.abandon()
        // A file whose removal fails now lies under _temporary and goes with it.
        _ = try? await files.namenode.delete(path, recursive: false)
    }
}
