// The local disk behind the job files port. Every failure names the path and the operation. It follows symbolic links as the system does,
// writes a file under its final name only when told to, and never syncs: jobs promise a result, not durability of each part.
import ComputeCore
import Foundation
import Glibc

package struct LocalFiles: JobFiles {
    /// Local files have no blocks; splits of this many bytes keep all threads busy.
    package static let blockBytes: Int64 = 32 << 20

    package init() {}

    package func status(_ path: String) throws(JobFileError) -> JobFileStatus? {
        var info = stat()
        guard stat(path, &info) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Self.error(path, "stat")
        }
        let isDirectory = info.st_mode & S_IFMT == S_IFDIR
        return JobFileStatus(
            path: path, isDirectory: isDirectory, bytes: isDirectory ? 0 : Int64(info.st_size), blockBytes: Self.blockBytes)
    }

    package func list(_ directory: String) throws(JobFileError) -> [JobFileStatus] {
        guard let stream = opendir(directory) else {
            if errno == ENOENT { throw .notFound(directory) }
            if errno == ENOTDIR { throw .notADirectory(directory) }
            throw Self.error(directory, "list")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            // The name is a NUL-terminated C string that lives until the next readdir; it is copied here.
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        var children: [JobFileStatus] = []
        for name in names.sorted() {
            if let child = try status(JobPath.join(directory, name)) { children.append(child) }
        }
        return children
    }

    package func read(_ path: String, offset: Int64, count: Int) throws(JobFileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.error(path, "open") }
        defer { close(descriptor) }
        var failure: Int32 = 0
        // The buffer is filled by pread within its own capacity; `initialized` is the number of bytes read.
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count, let base = buffer.baseAddress {
                let got = pread(descriptor, base + initialized, count - initialized, off_t(offset) + off_t(initialized))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                initialized += got
            }
        }
        if failure != 0 { throw .failed(path: path, operation: "read", reason: String(cString: strerror(failure))) }
        return bytes
    }

    package func create(_ path: String) throws(JobFileError) -> any JobFileWriter {
        try makeDirectories(Self.parent(path))
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.error(path, "create") }
        return LocalFileWriter(path: path, descriptor: descriptor)
    }

    package func makeDirectories(_ path: String) throws(JobFileError) {
        if path.isEmpty || path == "/" || path == "." { return }
        if let known = try status(path) {
            guard known.isDirectory else { throw .notADirectory(path) }
            return
        }
        try makeDirectories(Self.parent(path))
        if mkdir(path, 0o755) != 0 && errno != EEXIST { throw Self.error(path, "create directory") }
    }

    package func rename(_ source: String, to target: String) throws(JobFileError) {
        if try status(target) != nil { throw .alreadyExists(target) }
        if Glibc.rename(source, target) != 0 { throw Self.error(source, "rename to \(target)") }
    }

    package func delete(_ path: String) throws(JobFileError) {
        var info = stat()
        guard lstat(path, &info) == 0 else {
            if errno == ENOENT { return }
            throw Self.error(path, "stat")
        }
        if info.st_mode & S_IFMT == S_IFDIR {
            for child in try list(path) { try delete(child.path) }
            if rmdir(path) != 0 { throw Self.error(path, "remove directory") }
        } else if unlink(path) != 0 {
            throw Self.error(path, "remove")
        }
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    fileprivate static func error(_ path: String, _ operation: String) -> JobFileError {
        switch errno {
        case ENOENT: .notFound(path)
        case EEXIST: .alreadyExists(path)
        case ENOTDIR: .notADirectory(path)
        default: .failed(path: path, operation: operation, reason: String(cString: strerror(errno)))
        }
    }
}

private final class LocalFileWriter: JobFileWriter {
    private static let bufferBytes = 256 << 10

    private let path: String
    private var descriptor: Int32
    private var buffer: [UInt8] = []

    init(path: String, descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
        buffer.reserveCapacity(Self.bufferBytes)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func write(_ bytes: ArraySlice<UInt8>) throws(JobFileError) {
        if buffer.count + bytes.count > Self.bufferBytes { try flush() }
        if bytes.count >= Self.bufferBytes {
            try writeAll(bytes)
        } else {
            buffer.append(contentsOf: bytes)
        }
    }

    func finish() throws(JobFileError) {
        try flush()
        let result = close(descriptor)
        descriptor = -1
        if result != 0 { throw LocalFiles.error(path, "close") }
    }

    func abandon() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
        unlink(path)
    }

    private func flush() throws(JobFileError) {
        try writeAll(buffer[...])
        buffer.removeAll(keepingCapacity: true)
    }

    private func writeAll(_ bytes: ArraySlice<UInt8>) throws(JobFileError) {
        var failure: Int32 = 0
        // The pointer is used only inside the closure and within the slice's own length.
        bytes.withUnsafeBytes { raw in
            var done = 0
            while done < raw.count, let base = raw.baseAddress {
                let written = Glibc.write(descriptor, base + done, raw.count - done)
                if written < 0 && errno == EINTR { continue }
                if written < 0 {
                    failure = errno
                    return
                }
                done += written
            }
        }
        if failure != 0 { throw .failed(path: path, operation: "write", reason: String(cString: strerror(failure))) }
    }
}
