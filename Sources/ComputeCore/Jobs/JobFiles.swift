// The port of jobs to files: local disk, dfs, or a simulated one. Paths are whole: the address with its scheme for remote file systems, a
// plain path for local disk. Calls block and belong on a compute thread. The only promise of durability is `finish`: a finished file is
// readable in full, an abandoned one is absent.

package struct JobFileStatus: Hashable, Sendable {
    package var path: String
    package var isDirectory: Bool
    package var bytes: Int64
    /// The unit at which a file may be cut into splits without reading across stores.
    package var blockBytes: Int64

    package init(path: String, isDirectory: Bool, bytes: Int64, blockBytes: Int64) {
        self.path = path
        self.isDirectory = isDirectory
        self.bytes = bytes
        self.blockBytes = blockBytes
    }

    /// The last part of the path.
    package var name: String {
        String(path.split(separator: "/").last ?? "")
    }
}

package enum JobFileError: Error, Hashable, Sendable, CustomStringConvertible {
    case notFound(String)
    case alreadyExists(String)
    case notADirectory(String)
    case unknownScheme(String, known: [String])
    case failed(path: String, operation: String, reason: String)

    package var description: String {
        switch self {
        case .notFound(let path): "\(path): no such file or directory"
        case .alreadyExists(let path): "\(path): already exists"
        case .notADirectory(let path): "\(path): not a directory"
        case .unknownScheme(let address, let known): "\(address): no file system for this scheme (known: \(known.joined(separator: ", ")))"
        case .failed(let path, let operation, let reason): "\(path): \(operation): \(reason)"
        }
    }
}

/// An open file. Owned by one thread; `finish` or `abandon` is called once.
package protocol JobFileWriter: AnyObject {
    func write(_ bytes: ArraySlice<UInt8>) throws(JobFileError)
    func finish() throws(JobFileError)
    func abandon()
}

package protocol JobFiles: Sendable {
    func status(_ path: String) throws(JobFileError) -> JobFileStatus?
    /// Children by name, ascending.
    func list(_ directory: String) throws(JobFileError) -> [JobFileStatus]
    /// Up to `count` bytes; fewer only at the end of the file.
    func read(_ path: String, offset: Int64, count: Int) throws(JobFileError) -> [UInt8]
    /// Refuses an existing file. Parents are created.
    func create(_ path: String) throws(JobFileError) -> any JobFileWriter
    func makeDirectories(_ path: String) throws(JobFileError)
    /// Refuses an existing target.
    func rename(_ source: String, to target: String) throws(JobFileError)
    /// With everything below it; an absent path is no error.
    func delete(_ path: String) throws(JobFileError)
}

/// Job paths are joined and split with `/` only; schemes and hosts stay untouched.
package enum JobPath {
    package static func join(_ directory: String, _ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : directory + "/" + name
    }

    /// `scheme://` of an address, lower-cased; nil for a plain path.
    package static func scheme(_ address: String) -> String? {
        guard let range = address.utf8.firstRange(of: "://".utf8) else { return nil }
        return address[..<range.lowerBound].lowercased()
    }

    /// The path of an address on the local disk: a plain path, `file:/path` or `file:///path`. Nil for another scheme.
    package static func local(_ address: String) -> String? {
        switch scheme(address) {
        case "file"?: String(Substring(address.utf8.dropFirst("file://".utf8.count)))
        case nil:
            address.utf8.starts(with: "file:/".utf8) ? String(Substring(address.utf8.dropFirst("file:".utf8.count))) : address
        default: nil
        }
    }

    /// Hidden from jobs, as Hadoop hides them: names that start with `_` or `.`.
    package static func isHidden(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: "_") || name.utf8.first == UInt8(ascii: ".")
    }
}
