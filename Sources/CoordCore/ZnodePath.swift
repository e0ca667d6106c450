// Which texts name a znode. Source: ZooKeeper's programmer's guide, "The ZooKeeper Data Model".
import Base

/// Rules of znode paths.
package enum ZnodePath {
    /// Whether `path` may name a node; `sequential` allows a trailing slash, since digits will follow.
    package static func isValid(_ path: String, sequential: Bool = false) -> Bool {
        let bytes = Array(path.utf8)
        guard bytes.first == UInt8(ascii: "/") else { return false }
        if bytes.count == 1 { return true }
        if bytes.last == UInt8(ascii: "/") && !sequential { return false }
        guard !bytes.contains(0) else { return false }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        for (place, part) in parts.enumerated() {
            if part.isEmpty && !(sequential && place == parts.count - 1) { return false }
            if part == "." || part == ".." { return false }
        }
        return path.unicodeScalars.allSatisfy { allowed($0.value) }
    }

    /// Control characters, private use and the specials at the end of the basic plane are not allowed.
    private static func allowed(_ scalar: UInt32) -> Bool {
        !(scalar < 0x20 || (0x7f...0x9f).contains(scalar) || (0xd800...0xf8ff).contains(scalar) || (0xfff0...0xffff).contains(scalar))
    }

    /// The parent of any node but the root.
    package static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { preconditionFailure("a valid path has a slash") }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last part.
    package static func name(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// The ten digits that a sequential node gets.
    package static func sequenceSuffix(_ number: Int32) -> String {
        let digits = String(number.magnitude)
        let width = number < 0 ? 9 : 10
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
