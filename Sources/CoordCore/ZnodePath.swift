// Which texts name a znode. Source: ZooKeeper's programmer's guide, "The ZooKeeper Data Model".
import Base

/// Rules of znode paths.
package enum ZnodePath {
    /// Whether `path` may name a node.
    package static func isValid(_ path: String) -> Bool {
        let bytes = path.utf8
        if let plain = bytes.withContiguousStorageIfAvailable(isPlain), plain { return true }
        guard bytes.first == UInt8(ascii: "/") else { return false }
        if bytes.count == 1 { return true }
        guard bytes.last != UInt8(ascii: "/") else { return false }
        for part in bytes.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        where part.allSatisfy({ $0 == UInt8(ascii: ".") }) && part.count <= 2 { return false }
        return path.unicodeScalars.allSatisfy { allowed($0.value) }
    }

    /// Whether bytes are a valid path for certain: printable ASCII, parts that are not empty and do not begin with a dot. Most paths are.
    private static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count > 1, bytes[0] == UInt8(ascii: "/") else { return false }
        var before = UInt8(ascii: "a")
        for byte in bytes {
            if byte < 0x20 || byte >= 0x7f { return false }
            if before == UInt8(ascii: "/"), byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") { return false }
            before = byte
        }
        return before != UInt8(ascii: "/")
    }

    /// Control characters, private use, the specials at the end of the basic plane and whatever lies beyond it are not allowed.
    private static func allowed(_ scalar: UInt32) -> Bool {
        !(scalar < 0x20 || (0x7f...0x9f).contains(scalar) || (0xd800...0xf8ff).contains(scalar) || scalar >= 0xfff0)
    }

    /// The path of the parent if `path` has a slash and no NUL; what lies before or behind the slash need not be valid.
    package static func parentIfAny(of path: String) -> String? {
        guard path.utf8.contains(UInt8(ascii: "/")), !path.utf8.contains(0) else { return nil }
        return parent(of: path)
    }

    /// Nodes that exist on every server and cannot be deleted.
    package static func isReserved(_ path: String) -> Bool {
        reserved.contains { $0.hasSameBytes(as: path) }
    }

    private static let reserved = ["/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"]

    /// The proper ancestors that watches may be set on, from the parent up to the root.
    package static func ancestors(of path: String) -> [String] {
        var all: [String] = []
        var path = path
        while path != "/", let parent = parentIfAny(of: path) {
            all.append(parent)
            path = parent
        }
        return all
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
        if number >= 0 {
            return String(unsafeUninitializedCapacity: 10) { digits in
                var rest = number
                for place in stride(from: 9, through: 0, by: -1) {
                    digits[place] = UInt8(ascii: "0") + UInt8(rest % 10)  // ten digits hold every Int32
                    rest /= 10
                }
                return 10
            }
        }
        let digits = String(number.magnitude)
        return "-" + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
    }
}
