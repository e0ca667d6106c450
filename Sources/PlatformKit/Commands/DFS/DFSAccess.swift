// The two ways of the verbs to a file system: Hadoop's RPC, which can do everything, and WebHDFS, which may be the only one that a firewall
// lets through. Requests that the WebHDFS client here lacks are refused by name.
import Base
import Clients
import Foundation
import HadoopNet
import HadoopWire
import NetKit

/// The choices for a written file.
struct WriteChoices: Sendable {
    var overwrite = false
    var permission: UInt32 = 0o644
    var replication: Int?
    var blockSizeBytes: Int64?
}

/// A file system for the verbs. Refusals are thrown as JavaException.
protocol DFSAccess: Sendable {
    /// `hdfs://host:port`.
    var address: String { get }
    var user: String { get }
    /// Nil if the path does not exist.
    func status(_ path: String) async throws -> FileStatus?
    /// The entries of a directory by name.
    func list(_ path: String) async throws -> [FileStatus]
    func read(_ path: String, offset: Int64, lengthBytes: Int64, _ take: (Bytes) async throws -> Void) async throws
    /// The file is whole and durable on return.
    func write(
        _ path: String, _ choices: WriteChoices, _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void
    ) async throws
    func append(_ path: String, _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void) async throws
    func makeDirectories(_ path: String) async throws
    func rename(_ path: String, to target: String) async throws -> Bool
    /// Takes the place of a file that exists.
    func rename(_ path: String, over target: String) async throws
    func delete(_ path: String, recursive: Bool) async throws -> Bool
    func summary(_ path: String) async throws -> ContentSummaryMessage
    /// Over WebHDFS always an MD5 of MD5s, of a local file always a composite CRC.
    func checksum(_ path: String, _ combination: FileChecksum.Combination) async throws -> FileChecksum
    func setPermission(_ path: String, _ bits: UInt32) async throws
    func setOwner(_ path: String, owner: String?, group: String?) async throws
    /// Milliseconds since 1970; nil leaves a time as it is.
    func setTimes(_ path: String, modified: Int64?, accessed: Int64?) async throws
    func setReplication(_ path: String, _ copies: Int) async throws
    /// The whole file system over RPC; throws if only WebHDFS is available.
    func rpc(_ verb: String) throws -> HDFSFileSystem
    func close() async
}

/// A file system over RPC.
struct RPCAccess: DFSAccess {
    let address: String
    let files: HDFSFileSystem
    var user: String { files.namenode.user }

    init(_ addresses: [HostPort], user: String) {
        address = "hdfs://" + addresses.map(\.description).joined(separator: ",")
        files = HDFSFileSystem(addresses, user: user)
    }

    func status(_ path: String) async throws -> FileStatus? { try await files.namenode.status(path) }

    func list(_ path: String) async throws -> [FileStatus] {
        var all: [FileStatus] = []
        guard try await files.list(path, { all += $0 }) else {
            throw JavaException(JavaException.fileNotFound, "File \(path) does not exist.")
        }
        return all
    }

    func read(_ path: String, offset: Int64, lengthBytes: Int64, _ take: (Bytes) async throws -> Void) async throws {
        try await files.open(path).read(offset: offset, lengthBytes: lengthBytes, take)
    }

    func write(
        _ path: String, _ choices: WriteChoices, _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void
    ) async throws {
        var create = HDFSFileSystem.CreateChoices()
        (create.overwrite, create.permission, create.replication, create.blockSizeBytes) = (
            choices.overwrite, choices.permission, choices.replication, choices.blockSizeBytes
        )
        try await fill(try await files.create(path, create), produce)
    }

    func append(_ path: String, _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void) async throws {
        try await fill(try await files.append(path), produce)
    }

    private func fill(_ writer: HDFSWriter, _ produce: (_ write: (Bytes) async throws -> Void) async throws -> Void) async throws {
        do {
            try await produce { try await writer.write($0) }
            try await writer.close()
        } catch {
            await writer.abandon()
            throw error
        }
    }

    func makeDirectories(_ path: String) async throws { _ = try await files.namenode.makeDirectories(path) }
    func rename(_ path: String, to target: String) async throws -> Bool { try await files.namenode.rename(path, to: target) }
    func rename(_ path: String, over target: String) async throws { try await files.namenode.rename(path, over: target) }
    func delete(_ path: String, recursive: Bool) async throws -> Bool { try await files.namenode.delete(path, recursive: recursive) }
    func setPermission(_ path: String, _ bits: UInt32) async throws { try await files.namenode.setPermission(path, bits) }
    func setOwner(_ path: String, owner: String?, group: String?) async throws {
        try await files.namenode.setOwner(path, owner: owner, group: group)
    }
    func setTimes(_ path: String, modified: Int64?, accessed: Int64?) async throws {
        try await files.namenode.setTimes(path, modified: modified, accessed: accessed)
    }
    func setReplication(_ path: String, _ copies: Int) async throws { _ = try await files.namenode.setReplication(path, copies) }
    func summary(_ path: String) async throws -> ContentSummaryMessage { try await files.namenode.contentSummary(path) }
    func checksum(_ path: String, _ combination: FileChecksum.Combination) async throws -> FileChecksum {
        try await files.checksum(path, combination)
    }
    func rpc(_ verb: String) throws -> HDFSFileSystem { files }
    func close() async { await (files.namenode.channel as? RemoteChannel)?.close() }
}

/// A file system over WebHDFS.
struct WebAccess: DFSAccess {
    let address: String
    let client: WebHDFSClient
    var user: String { client.user }

    init(_ server: HostPort, user: String, trust: TLSTrust?) {
        address = (trust == nil ? "webhdfs://" : "swebhdfs://") + server.description
        client = WebHDFSClient(server: server, user: user, trust: trust)
    }

    /// Throws refusals under the names of their Java classes.
    private func asking<T>(_ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch let failure as HDFSFailure { throw JavaException(failure.exception, failure.message) }
    }

    private static func status(_ found: HDFSStatus) -> FileStatus {
        var status = FileStatus()
        status.kind = found.isDirectory ? .directory : .file
        status.path = Bytes(string: found.pathSuffix)
        status.lengthBytes = UInt64(clamping: found.length)
        status.permission = Permission(UInt32(found.permission, radix: 8) ?? 0)
        (status.owner, status.group) = (found.owner, found.group)
        (status.modified, status.accessed) = (UInt64(clamping: found.modificationTime), UInt64(clamping: found.accessTime))
        (status.replication, status.blockSizeBytes) = (UInt32(clamping: found.replication), UInt64(clamping: found.blockSize))
        return status
    }

    func status(_ path: String) async throws -> FileStatus? { try await asking { try await client.statusIfExists(path) }.map(Self.status) }
    func list(_ path: String) async throws -> [FileStatus] { try await asking { try await client.list(path) }.map(Self.status) }

    func read(_ path: String, offset: Int64, lengthBytes: Int64, _ take: (Bytes) async throws -> Void) async throws {
        try await asking { try await client.open(path, offset: offset, length: lengthBytes == .max ? nil : lengthBytes, take) }
    }

    func write(
        _ path: String, _ choices: WriteChoices, _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void
    ) async throws {
        var more = [("permission", String(choices.permission, radix: 8))]
        if let copies = choices.replication { more.append(("replication", "\(copies)")) }
        if let bytes = choices.blockSizeBytes { more.append(("blocksize", "\(bytes)")) }
        let parameters = more
        try await asking {
            try await client.create(path, overwrite: choices.overwrite, parameters, body: .stream { try await produce($0) })
        }
    }

    func append(_ path: String, _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void) async throws {
        try await asking { try await client.append(path, body: .stream { try await produce($0) }) }
    }

    func makeDirectories(_ path: String) async throws { try await asking { try await client.makeDirectories(path) } }
    func rename(_ path: String, to target: String) async throws -> Bool { try await asking { try await client.rename(path, to: target) } }
    /// WebHDFS cannot replace a file by a rename: for a moment there is none.
    func rename(_ path: String, over target: String) async throws {
        _ = try await delete(target, recursive: false)
        guard try await rename(path, to: target) else { throw JavaException(JavaException.io, "\(target) cannot be given its name") }
    }
    func setPermission(_ path: String, _ bits: UInt32) async throws {
        try await asking { try await client.change("SETPERMISSION", path, [("permission", String(bits, radix: 8))]) }
    }
    func setOwner(_ path: String, owner: String?, group: String?) async throws {
        let parameters = [("owner", owner), ("group", group)].compactMap { name, value in value.map { (name, $0) } }
        try await asking { try await client.change("SETOWNER", path, parameters) }
    }
    func setTimes(_ path: String, modified: Int64?, accessed: Int64?) async throws {
        let parameters = [("modificationtime", "\(modified ?? -1)"), ("accesstime", "\(accessed ?? -1)")]
        try await asking { try await client.change("SETTIMES", path, parameters) }
    }
    func setReplication(_ path: String, _ copies: Int) async throws {
        try await asking { try await client.change("SETREPLICATION", path, [("replication", "\(copies)")]) }
    }

    func delete(_ path: String, recursive: Bool) async throws -> Bool {
        try await asking { try await client.delete(path, recursive: recursive) }
    }

    func summary(_ path: String) async throws -> ContentSummaryMessage {
        let found = try await asking { try await client.contentSummary(path) }
        var summary = ContentSummaryMessage()
        (summary.lengthBytes, summary.spaceBytes) = (UInt64(clamping: found.length), UInt64(clamping: found.spaceConsumed))
        (summary.fileCount, summary.directoryCount) = (UInt64(clamping: found.fileCount), UInt64(clamping: found.directoryCount))
        return summary
    }

    func checksum(_ path: String, _ combination: FileChecksum.Combination) async throws -> FileChecksum {
        try await asking { try await client.checksum(path) }
    }

    private func refusal(_ what: String) -> CommandFailure {
        CommandFailure(
            .usage, "\(what) is not spoken over WebHDFS here", why: "\(address) leads to the file system over WebHDFS only",
            next: "name it by its RPC address: --fs hdfs://host:8020")
    }

    func rpc(_ verb: String) throws -> HDFSFileSystem { throw refusal(verb) }
    func close() async {}
}
