// A service's data directory: one process at a time holds it, and its FORMAT file names its layout. A newer format is refused rather than
// guessed at.
import Base
import CSupport
import Glibc

/// A locked data directory. The lock ends with the process, also after kill -9.
package final class DataDirectory: Sendable {
    package let path: String
    private let lock: FileHandle
    /// This version's layout.
    package static let format = 1

    /// Creates the directory if needed, takes the lock and checks FORMAT. `service` is written into FORMAT, so that a broker never opens a
    /// namenode's directory.
    package init(_ path: String, service: String) throws(StorageError) {
        let files = RealFileSystem()
        try files.makeDirectory(path)
        lock = try files.open(path + "/LOCK", create: true)
        let code = csupport_lock(lock.number)
        guard code == 0 else {
            files.close(lock)
            throw code == EWOULDBLOCK ? StorageError(.locked, "lock", path) : RealFileSystem.failure("lock", path, code)
        }
        try RealFileSystem.keepDirectoryPrivate(path)
        self.path = path
        try Self.checkFormat(files, path, service)
    }

    private static func checkFormat(_ files: RealFileSystem, _ path: String, _ service: String) throws(StorageError) {
        let name = path + "/FORMAT"
        let file = try files.open(name, create: true)
        defer { files.close(file) }
        let text = try files.read(file, at: 0, count: 256).text
        if text.isEmpty {
            try files.write(file, at: 0, Bytes(string: "\(service) \(format)\n"))
            try files.sync(file)
            try files.syncDirectory(path)
            return
        }
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let found = Int(words[1]) else {
            throw StorageError(.corrupt("FORMAT reads '\(text.prefix(40))'"), "open", name)
        }
        guard words[0] == service else {
            throw StorageError(.corrupt("this directory belongs to '\(words[0])', not to '\(service)'"), "open", name)
        }
        guard found <= format else {
            throw StorageError(
                .corrupt("format \(found) is newer than this version's \(format); use the version that wrote it"), "open", name)
        }
    }

    /// Releases the directory; called when the service has stopped.
    package func release() { RealFileSystem().close(lock) }
}
