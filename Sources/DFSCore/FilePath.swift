// Which texts name a file. Source: Hadoop's file system specification, "Paths and Path Elements".
import Base

/// Rules of paths in the distributed file system.
package enum FilePath {
    /// A component's size in bytes, as HDFS limits it.
    package static let componentBytesMax = 255
    /// Components of a path, as HDFS limits them.
    package static let depthMax = 1000

    /// The components of an absolute path without `.` and `..`; nil if it is not one. Doubled slashes and a trailing one are forgiven.
    package static func components(_ path: String) -> [String]? {
        guard path.utf8.first == UInt8(ascii: "/"), !path.utf8.contains(0) else { return nil }
        let parts = path.split(separator: "/").map(String.init)
        guard parts.count <= depthMax, parts.allSatisfy({ $0 != "." && $0 != ".." && !$0.contains(":") && $0.utf8.count <= componentBytesMax }) else { return nil }
        return parts
    }

    package static func joined(_ components: some Sequence<String>) -> String { "/" + components.joined(separator: "/") }
}
