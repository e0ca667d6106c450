// The file system of each address: bare paths and `file://` are local disk, `webhdfs://`, `swebhdfs://` and `hdfs://` a dfs. Also the
// expansion of job inputs (files, directories, `*` patterns) into files. It caches nothing.
import ComputeCore
import NetKit

package struct FileSchemes: Sendable {
    private var schemes: [String: any JobFiles] = [:]
    private let local = LocalFiles()

    /// `dfs`: the WebHDFS of the default dfs, for `webhdfs:///path`, `swebhdfs:///path` and `hdfs:///path`; `namenodes`: its
    /// RPC; `trust`: set if it uses https.
    package init(dfs: HostPort? = nil, namenodes: [HostPort] = [], trust: TLSTrust? = nil) {
        let files = HDFSFiles(defaultServer: dfs, defaultNamenodes: namenodes, trust: trust)
        for scheme in ["webhdfs", "swebhdfs", "hdfs"] { register(scheme, files) }
    }

    /// Sends whole addresses of this scheme to `files`.
    package mutating func register(_ scheme: String, _ files: any JobFiles) {
        schemes[scheme.lowercased()] = files
    }

    /// The file system of an address, and its path there.
    package func resolve(_ address: String) throws(JobFileError) -> (files: any JobFiles, path: String) {
        if let path = JobPath.local(address) { return (local, path) }
        guard let scheme = JobPath.scheme(address), let files = schemes[scheme] else {
            throw .unknownScheme(address, known: (["file"] + schemes.keys).sorted())
        }
        return (files, address)
    }

    /// The plain files of an input, by path. A directory stands for its visible children, not for their children.
    package func expand(_ address: String) throws(JobFileError) -> [JobFileStatus] {
        let (files, path) = try resolve(address)
        if path.contains("*") || path.contains("?") { return try glob(files, path) }
        guard let status = try files.status(path) else { throw .notFound(path) }
        return status.isDirectory ? try visibleFiles(files, path) : [status]
    }

    private func visibleFiles(_ files: any JobFiles, _ directory: String) throws(JobFileError) -> [JobFileStatus] {
        try files.list(directory).filter { !$0.isDirectory && !JobPath.isHidden($0.name) }
    }

    /// Patterns are allowed in the last part of a path.
    private func glob(_ files: any JobFiles, _ path: String) throws(JobFileError) -> [JobFileStatus] {
        guard let slash = path.lastIndex(of: "/") else { return try globChildren(files, directory: ".", pattern: path) }
        let directory = slash == path.startIndex ? "/" : String(path[..<slash])
        guard !directory.contains("*"), !directory.contains("?") else {
            throw .failed(path: path, operation: "expand", reason: "a pattern may stand in the last part of a path only")
        }
        return try globChildren(files, directory: directory, pattern: String(path[path.index(after: slash)...]))
    }

    private func globChildren(_ files: any JobFiles, directory: String, pattern: String) throws(JobFileError) -> [JobFileStatus] {
        let matches = try files.list(directory).filter {
            Wildcards.matches(Array($0.name.utf8)[...], Array(pattern.utf8)[...], anyByte: UInt8(ascii: "?"))
        }
        guard !matches.isEmpty else { throw .notFound(JobPath.join(directory, pattern)) }
        var found: [JobFileStatus] = []
        for match in matches where !JobPath.isHidden(match.name) {
            if match.isDirectory { found += try visibleFiles(files, match.path) } else { found.append(match) }
        }
        return found
    }
}
