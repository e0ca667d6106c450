// The local disk as a file system of the verbs: `file:///path`. Names are those of the system, sizes and times as HDFS counts them.
import Base
import Clients
import Foundation
import HadoopNet
import HadoopWire
import NetKit

/// The local file system.
struct LocalAccess: DFSAccess {
    let address = "file://"
    let user: String

    /// The system's reason for a failed call.
    private static func failure(_ path: String, _ code: Int32 = errno) -> JavaException {
        let reason = String(cString: strerror(code))
        let name = code == ENOENT ? JavaException.fileNotFound : code == EACCES ? JavaException.accessControl : JavaException.io
        return JavaException(name, "\(path): \(reason)")
    }

    private static func milliseconds(_ time: timespec) -> UInt64 {
        UInt64(clamping: Int64(time.tv_sec).multipliedClamped(by: 1000).addingClamped(Int64(time.tv_nsec) / 1_000_000))
    }

    /// The name of a user or group, or its number where it has none.
    private static func name(ofUser id: UInt32) -> String {
        var (entry, found) = (passwd(), UnsafeMutablePointer<passwd>?.none)
        var room = [CChar](repeating: 0, count: 4096)
        // The entry points into `room`, which outlives its use.
        guard getpwuid_r(id, &entry, &room, room.count, &found) == 0, found != nil, let name = entry.pw_name else { return "\(id)" }
        return String(cString: name)
    }
    private static func name(ofGroup id: UInt32) -> String {
        var (entry, found) = (group(), UnsafeMutablePointer<group>?.none)
        var room = [CChar](repeating: 0, count: 16_384)
        // The entry points into `room`, which outlives its use.
        guard getgrgid_r(id, &entry, &room, room.count, &found) == 0, found != nil, let name = entry.gr_name else { return "\(id)" }
        return String(cString: name)
    }

    func status(_ path: String) async throws -> FileStatus? { try Self.status(path, named: "") }

    private static func status(_ path: String, named name: String) throws -> FileStatus? {
        var found = stat()
        guard stat(path, &found) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure(path)
        }
        var status = FileStatus()
        status.kind = found.st_mode & S_IFMT == S_IFDIR ? .directory : .file
        status.path = Bytes(string: name)
        status.lengthBytes = status.kind == .directory ? 0 : UInt64(clamping: found.st_size)
        status.permission = Permission(UInt32(found.st_mode) & 0o1777)
        (status.owner, status.group) = (Self.name(ofUser: found.st_uid), Self.name(ofGroup: found.st_gid))
        (status.modified, status.accessed) = (milliseconds(found.st_mtim), milliseconds(found.st_atim))
        (status.replication, status.blockSizeBytes) = (1, 32 << 20)
        return status
    }

    func list(_ path: String) async throws -> [FileStatus] {
        guard let status = try Self.status(path, named: "") else { throw Self.failure(path, ENOENT) }
        guard status.kind == .directory else { return [status] }
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
            throw JavaException(JavaException.io, "\(path): \(error.localizedDescription)")
        }
        // A link that leads nowhere is left out.
        return try names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap {
            try Self.status(Paths.join(path, $0), named: $0)
        }
    }

    func read(_ path: String, offset: Int64, lengthBytes: Int64, _ take: (Bytes) async throws -> Void) async throws {
        var (skip, left) = (offset, lengthBytes)
        do {
            try await LocalFile.open(path).forEachChunk { chunk in
                var chunk = chunk
                let passed = Int(min(skip, Int64(chunk.readableBytes)))
                chunk.moveReaderIndex(forwardBy: passed)
                skip -= Int64(passed)
                let part = chunk.readSlice(length: Int(min(left, Int64(chunk.readableBytes)))) ?? Bytes()
                if part.readableBytes > 0 { try await take(part) }
                left -= Int64(part.readableBytes)
                if left == 0 { throw EnoughRead() }
            }
        } catch is EnoughRead { return }
    }
    private struct EnoughRead: Error {}

    func write(
        _ path: String, _ choices: WriteChoices, _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void
    ) async throws {
        let file = try LocalFile.create(path, overwrite: choices.overwrite, suffix: "")
        do { try await produce { try file.write($0) } } catch {
            file.discard()
            throw error
        }
        try file.commit()
    }

    func append(_ path: String, _ produce: @escaping @Sendable (_ write: (Bytes) async throws -> Void) async throws -> Void) async throws {
        throw refusal("appendToFile")
    }

    func makeDirectories(_ path: String) async throws {
        do { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) } catch {
            throw JavaException(JavaException.io, "\(path): \(error.localizedDescription)")
        }
    }

    func rename(_ path: String, to target: String) async throws -> Bool {
        guard try Self.status(target, named: "") == nil else { return false }
        try await rename(path, over: target)
        return true
    }

    func rename(_ path: String, over target: String) async throws {
        guard Foundation.rename(path, target) == 0 else { throw Self.failure(path) }
    }

    func delete(_ path: String, recursive: Bool) async throws -> Bool {
        guard let status = try Self.status(path, named: "") else { return false }
        if status.kind == .directory, !recursive {
            guard rmdir(path) == 0 else { throw Self.failure(path) }
            return true
        }
        do { try FileManager.default.removeItem(atPath: path) } catch {
            throw JavaException(JavaException.io, "\(path): \(error.localizedDescription)")
        }
        return true
    }

    func summary(_ path: String) async throws -> ContentSummaryMessage {
        guard let status = try Self.status(path, named: "") else { throw Self.failure(path, ENOENT) }
        var summary = ContentSummaryMessage()
        guard status.kind == .directory else {
            (summary.fileCount, summary.lengthBytes, summary.spaceBytes) = (1, status.lengthBytes, status.lengthBytes)
            return summary
        }
        summary.directoryCount = 1
        for child in try await list(path) {
            let below = try await self.summary(Paths.join(path, child.path.text))
            summary.fileCount += below.fileCount
            summary.directoryCount += below.directoryCount
            summary.lengthBytes = summary.lengthBytes.addingClamped(below.lengthBytes)
            summary.spaceBytes = summary.lengthBytes
        }
        return summary
    }

    func setPermission(_ path: String, _ bits: UInt32) async throws {
        guard chmod(path, mode_t(bits & 0o1777)) == 0 else { throw Self.failure(path) }
    }

    /// Names that are not known here leave a file as it is.
    func setOwner(_ path: String, owner: String?, group: String?) async throws {
        let numbers = (owner.flatMap(Self.number(ofUser:)), group.flatMap(Self.number(ofGroup:)))
        guard numbers.0 != nil || numbers.1 != nil else { return }
        guard chown(path, numbers.0 ?? .max, numbers.1 ?? .max) == 0 else { throw Self.failure(path) }
    }

    private static func number(ofUser name: String) -> UInt32? {
        var (entry, found) = (passwd(), UnsafeMutablePointer<passwd>?.none)
        var room = [CChar](repeating: 0, count: 4096)
        return getpwnam_r(name, &entry, &room, room.count, &found) == 0 && found != nil ? entry.pw_uid : nil
    }
    private static func number(ofGroup name: String) -> UInt32? {
        var (entry, found) = (group(), UnsafeMutablePointer<group>?.none)
        var room = [CChar](repeating: 0, count: 16_384)
        return getgrnam_r(name, &entry, &room, room.count, &found) == 0 && found != nil ? entry.gr_gid : nil
    }

    /// The header's UTIME_OMIT, which Swift does not see.
    private static let unchanged = (1 << 30) - 2

    func setTimes(_ path: String, modified: Int64?, accessed: Int64?) async throws {
        func time(_ milliseconds: Int64?) -> timespec {
            guard let milliseconds else { return timespec(tv_sec: 0, tv_nsec: Self.unchanged) }
            return timespec(tv_sec: Int(milliseconds / 1000), tv_nsec: Int(milliseconds % 1000) * 1_000_000)
        }
        let times = [time(accessed), time(modified)]
        guard utimensat(AT_FDCWD, path, times, 0) == 0 else { throw Self.failure(path) }
    }

    func setReplication(_ path: String, _ copies: Int) async throws {}

    func checksum(_ path: String, _ combination: FileChecksum.Combination) async throws -> FileChecksum {
        try await checksum(path, like: FileChecksum.composite(0, kind: .crc32c), blockBytes: 0, lengthBytes: 0)
    }

    /// The checksum in the form of another one, as if the file lay in blocks of `blockBytes`.
    func checksum(_ path: String, like other: FileChecksum, blockBytes: Int64, lengthBytes: Int64) async throws -> FileChecksum {
        var sum = ContentSum(like: other, blockBytes: blockBytes, lengthBytes: lengthBytes)
        try await LocalFile.open(path).forEachChunk { sum.add($0) }
        return sum.end()
    }

    private func refusal(_ what: String) -> CommandFailure {
        CommandFailure(
            .usage, "\(what) is not there for local files", why: "file:// has names, bytes, permissions and times alone",
            next: "use the system's own commands")
    }

    func rpc(_ verb: String) throws -> HDFSFileSystem { throw refusal(verb) }
    func close() async {}
}
