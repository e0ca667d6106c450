// The quoting and comparison of table and column names. Names are compared without regard to ASCII case, as by default in Spark. Source:
// Spark SQL reference, "Identifiers".

package enum Identifier {
    /// The name between backquotes, with backquotes inside doubled.
    package static func quoted(_ name: String) -> String {
        "`" + name.split(separator: "`", omittingEmptySubsequences: false).joined(separator: "``") + "`"
    }

    package static func quoted(_ parts: [String]) -> String { parts.map(quoted).joined(separator: ".") }

    /// Bare if the parser would read it back as one name, quoted otherwise.
    package static func quotedIfNeeded(_ name: String) -> String {
        let bare = !name.isEmpty && name.utf8.allSatisfy { isWordByte($0) } && !name.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
        return bare ? name : quoted(name)
    }

    package static func isWordByte(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5A) || (byte >= 0x61 && byte <= 0x7A) || byte == 0x5F
    }

    package static func same(_ left: String, _ right: String) -> Bool {
        left == right || left.lowercased() == right.lowercased()
    }
}
