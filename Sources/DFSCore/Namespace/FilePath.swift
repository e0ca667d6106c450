// Rules of paths and names. Source: Hadoop's file system specification, "Paths and Path Elements".
import Base

/// A component of a path. Names are equal if their bytes are: text that only looks the same names another file.
package struct FileName: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let text: String
    package init(_ text: String) { self.text = text }

    package static func == (left: FileName, right: FileName) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }
    package static func < (left: FileName, right: FileName) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }
    package func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
    package var description: String { text }
}

extension FileName: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}

/// Rules of paths in the distributed file system.
package enum FilePath {
    /// The size limit of a component in HDFS, in bytes.
    package static let componentBytesMax = 255
    /// The depth limit of a path in HDFS.
    package static let depthMax = 1000

    private static let slash = UInt8(ascii: "/")

    /// The components of an absolute path without `.` and `..`; nil for any other text. Accepts doubled slashes and a trailing one.
    package static func components(_ path: String) -> [FileName]? {
        guard path.utf8.first == slash, !path.utf8.contains(0), !path.utf8.contains(UInt8(ascii: ":")) else { return nil }
        // A slash is one byte of its own in UTF-8, so the pieces are whole characters; a combining mark behind one belongs to the name.
        let parts = path.utf8.split(separator: slash).map { FileName(String(decoding: $0, as: UTF8.self)) }
        guard parts.count <= depthMax, parts.allSatisfy({ $0 != "." && $0 != ".." && $0.text.utf8.count <= componentBytesMax }) else {
            return nil
        }
        return parts
    }

    package static func joined(_ components: some Sequence<FileName>) -> String { "/" + components.map(\.text).joined(separator: "/") }
}
