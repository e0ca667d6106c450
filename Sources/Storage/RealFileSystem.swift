// The production file system: POSIX calls; every error names its path and operation. Blocking, so used on disk threads only. Short
// reads and writes and EINTR are handled only here.
import Base
import CSupport
import Glibc

/// Files of the operating system.
package struct RealFileSystem: FileSystem {
    private let onSync: (@Sendable (Duration) -> Void)?

    /// `onSync` gets the duration of each sync of a file, on the thread that waited for it.
    package init(onSync: (@Sendable (Duration) -> Void)? = nil) { self.onSync = onSync }

    /// The size of the file system that holds `path`, and its space usable by us; nil if the system does not know.
    package static func space(_ path: String) -> (total: Int64, usable: Int64)? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return (Int64(status.f_blocks) * Int64(status.f_frsize), Int64(status.f_bavail) * Int64(status.f_frsize))
    }

    static func failure(_ operation: String, _ path: String, _ code: Int32 = errno) -> StorageError {
        let cause: StorageError.Cause =
            switch code {
            case ENOENT: .notFound
            case EEXIST: .exists
            case ENOSPC, EDQUOT: .noSpace
            case EACCES, EPERM, EROFS: .notPermitted
            default: .system(code, String(cString: strerror(code)))
            }
        return StorageError(cause, operation, path)
    }

    /// The path of an open file according to the kernel, for messages.
    private static func path(of file: FileHandle) -> String {
        var target = [UInt8](repeating: 0, count: 4096)
        let count = target.withUnsafeMutableBytes {
            readlink("/proc/self/fd/\(file.number)", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return count > 0 ? String(decoding: target[..<count], as: UTF8.self) : "file \(file.number)"
    }

    /// The services' files, with passwords of sessions and users among them, are readable by their owner only.
    private static let fileMode: mode_t = 0o600
    private static let directoryMode: mode_t = 0o700

    /// Makes a file private to its owner: one that SQLite writes, or one that an earlier version left readable for others.
    package static func keepPrivate(_ path: String) throws(StorageError) {
        let fd = Glibc.open(path, O_RDWR | O_CLOEXEC | O_CREAT, fileMode)
        guard fd >= 0 else { throw failure("open", path) }
        defer { _ = Glibc.close(fd) }
        guard fchmod(fd, fileMode) == 0 else { throw failure("protect", path) }
    }

    /// Makes a directory private to its owner.
    package static func keepDirectoryPrivate(_ path: String) throws(StorageError) {
        guard chmod(path, directoryMode) == 0 else { throw failure("protect", path) }
    }

    package func open(_ path: String, create: Bool) throws(StorageError) -> FileHandle {
        let fd = Glibc.open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), Self.fileMode)
        guard fd >= 0 else { throw Self.failure("open", path) }
        return FileHandle(fd)
    }

    package func close(_ file: FileHandle) {
        // A failing close loses nothing here: data that must last was synced before, and a sync failure was reported then.
        _ = Glibc.close(file.number)
    }

    package func read(_ file: FileHandle, at offset: Int64, count: Int) throws(StorageError) -> Bytes {
        var bytes = ByteBufferAllocator().buffer(capacity: count)
        var failed: Int32 = 0
        // The closure writes at most `count` bytes into memory that the buffer just reserved for them.
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { memory in
            var filled = 0
            while filled < count {
                let got = pread(file.number, memory.baseAddress! + filled, count - filled, off_t(offset) + off_t(filled))
                if got < 0 {
                    if errno == EINTR { continue }
                    failed = errno
                    break
                }
                if got == 0 { break }
                filled += got
            }
            return filled
        }
        if failed != 0 { throw Self.failure("read", Self.path(of: file), failed) }
        return bytes
    }

    /// A descriptor of an open file for a second reader beside its owner.
    package func share(_ file: FileHandle) throws(StorageError) -> SharedFile {
        let descriptor = fcntl(file.number, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { throw Self.failure("share", Self.path(of: file)) }
        return SharedFile(takingOver: descriptor)
    }

    /// Brings a part of a file into memory, so that its sender does not wait for the disk. Parts in the page cache cost no copy.
    package func load(_ file: FileHandle, at offset: Int64, count: Int) throws(StorageError) {
        // Advice only: the loop below reads whatever it does not bring in.
        _ = posix_fadvise(file.number, off_t(offset), off_t(count), POSIX_FADV_WILLNEED)
        var byte: UInt8 = 0
        var position = offset
        while position < offset + Int64(count) {
            let got = pread(file.number, &byte, 1, off_t(position))
            if got < 0 {
                if errno == EINTR { continue }
                throw Self.failure("read", Self.path(of: file))
            }
            position += Self.loadStrideBytes
        }
    }

    /// The system's least read-ahead for an announced range.
    private static let loadStrideBytes: Int64 = 128 << 10

    package func write(_ file: FileHandle, at offset: Int64, _ bytes: Bytes) throws(StorageError) {
        var failed: Int32 = 0
        // The buffer's own memory is only read, and only within this call.
        bytes.withUnsafeReadableBytes { memory in
            var done = 0
            while done < memory.count {
                let wrote = pwrite(file.number, memory.baseAddress! + done, memory.count - done, off_t(offset) + off_t(done))
                if wrote < 0 {
                    if errno == EINTR { continue }
                    failed = errno
                    return
                }
                done += wrote
            }
        }
        if failed != 0 { throw Self.failure("write", Self.path(of: file), failed) }
    }

    package func sync(_ file: FileHandle) throws(StorageError) {
        let began = onSync == nil ? 0 : Self.monotonicNanoseconds()
        let code = csupport_fdatasync(file.number)
        if let onSync { onSync(.nanoseconds(Self.monotonicNanoseconds() - began)) }
        guard code == 0 else { throw StorageError(.syncFailed(code), "sync", Self.path(of: file)) }
    }

    /// Makes content durable for a holder of the file beside its owner.
    package func sync(_ file: SharedFile) throws(StorageError) { try sync(FileHandle(file.descriptor)) }

    package func startWriting(_ file: FileHandle, at offset: Int64, count: Int64) { csupport_start_writing(file.number, offset, count) }

    private static func monotonicNanoseconds() -> Int64 {
        var value = timespec()
        clock_gettime(CLOCK_MONOTONIC, &value)
        return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
    }

    package func size(_ file: FileHandle) throws(StorageError) -> Int64 {
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw Self.failure("stat", Self.path(of: file)) }
        return Int64(status.st_size)
    }

    package func truncate(_ file: FileHandle, to size: Int64) throws(StorageError) {
        guard ftruncate(file.number, off_t(size)) == 0 else { throw Self.failure("truncate", Self.path(of: file)) }
    }

    package func list(_ directory: String) throws(StorageError) -> [String] {
        guard let stream = opendir(directory) else { throw Self.failure("list", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                // d_name is NUL-terminated within its 256 bytes, as readdir promises.
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    package func makeDirectory(_ path: String) throws(StorageError) {
        var status = stat()
        // Most are there; of the others the parent is.
        if mkdir(path, Self.directoryMode) == 0 || (stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR) { return }
        var built = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            built += (built.isEmpty || built == "/" ? "" : "/") + part
            if mkdir(built, Self.directoryMode) != 0 && errno != EEXIST { throw Self.failure("make directory", built) }
        }
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { throw Self.failure("make directory", path, ENOTDIR) }
    }

    package func remove(_ path: String) throws(StorageError) {
        if unlink(path) != 0 && errno != ENOENT {
            if errno == EISDIR, rmdir(path) == 0 { return }
            throw Self.failure("remove", path)
        }
    }

    package func rename(_ path: String, to target: String) throws(StorageError) {
        guard Glibc.rename(path, target) == 0 else { throw Self.failure("rename", path) }
    }

    package func syncDirectory(_ path: String) throws(StorageError) {
        let fd = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { throw Self.failure("open directory", path) }
        defer { _ = Glibc.close(fd) }
        guard fsync(fd) == 0 else { throw StorageError(.syncFailed(errno), "sync directory", path) }
    }
}
