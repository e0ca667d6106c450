// Local files of the command line: read in chunks, written beside the target and moved into place when whole.
import Base
import Foundation
import NetKit
import Storage

/// Paths as typed by people.
enum Paths {
    static func name(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
    static func parent(_ path: String) -> Substring { path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex) }
    static func join(_ directory: String, _ name: String) -> String { directory.hasSuffix("/") ? directory + name : directory + "/" + name }

    /// The directory of a local file.
    static func localDirectory(of path: String) -> String {
        let parent = parent(path)
        return parent.isEmpty ? path.hasPrefix("/") ? "/" : "." : String(parent)
    }
}

/// Times for people, in UTC.
enum Timestamps {
    static func text(milliseconds: Int64) -> String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02d %02d:%02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
            parts.tm_sec)
    }
}

/// A local file, or stdin.
struct LocalFile: Sendable {
    private let handle: Base.FileHandle
    private let files = RealFileSystem()
    private let partial: String
    private let target: String
    private static var chunkBytes: Int { 1 << 20 }

    private init(handle: Base.FileHandle, partial: String = "", target: String = "") {
        self.handle = handle
        self.partial = partial
        self.target = target
    }

    /// Opens for reading; `-` is stdin.
    static func open(_ path: String) throws -> LocalFile {
        if path == "-" { return LocalFile(handle: Base.FileHandle(STDIN_FILENO)) }
        let descriptor = Foundation.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CommandFailure(.failed, "cannot read \(path)", why: String(cString: strerror(errno)), next: "check the path")
        }
        return LocalFile(handle: Base.FileHandle(descriptor))
    }

    /// Begins a file that appears under its name only when it is whole; until then its name has the suffix.
    static func create(_ path: String, overwrite: Bool, suffix: String = ".partial") throws -> LocalFile {
        guard overwrite || !FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure(
                .failed, "cannot write \(path)", why: "it exists already", next: "choose another name, or replace it with --force")
        }
        let partial = path + suffix
        let descriptor = Foundation.open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw CommandFailure(.failed, "cannot write \(path)", why: String(cString: strerror(errno)), next: "check the directory")
        }
        return LocalFile(handle: Base.FileHandle(descriptor), partial: partial, target: path)
    }

    /// Reads to the end, in chunks. Blocks the calling thread, as a command line may.
    func forEachChunk(_ body: (Bytes) async throws -> Void) async throws {
        defer { files.close(handle) }
        var chunk = [UInt8](repeating: 0, count: Self.chunkBytes)
        while true {
            let count = Foundation.read(handle.number, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw CommandFailure(
                    .failed, "cannot read the local file", why: String(cString: strerror(errno)), next: "check the path and the disk")
            }
            if count == 0 { return }
            try await body(Bytes(bytes: chunk[..<count]))
        }
    }

    /// Reads to the end, line by line, without the line ends. The last line need not have one.
    func forEachLine(_ body: (Bytes) async throws -> Void) async throws {
        var rest: [UInt8] = []
        try await forEachChunk { chunk in
            var view = chunk.readableBytesView[...]
            while let end = view.firstIndex(of: UInt8(ascii: "\n")) {
                try await body(Bytes(bytes: rest + view[..<end]))
                rest = []
                view = view[(end + 1)...]
            }
            rest += view
        }
        if !rest.isEmpty { try await body(Bytes(bytes: rest)) }
    }

    func write(_ bytes: Bytes) throws {
        var rest = bytes
        while rest.readableBytes > 0 {
            let wrote = rest.withUnsafeReadableBytes { Foundation.write(handle.number, $0.baseAddress, $0.count) }  // read within the call only
            if wrote < 0 && errno == EINTR { continue }
            guard wrote > 0 else {
                throw CommandFailure(.failed, "cannot write \(target)", why: String(cString: strerror(errno)), next: "check the disk")
            }
            rest.moveReaderIndex(forwardBy: wrote)
        }
    }

    func commit() throws {
        files.close(handle)
        try files.rename(partial, to: target)
    }

    func discard() {
        files.close(handle)
        // A leftover partial file is overwritten by the next attempt.
        try? files.remove(partial)
    }
}
