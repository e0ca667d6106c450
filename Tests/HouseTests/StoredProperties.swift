// Counts the stored properties of types, by braces and by the form of declarations; approximate, and strict enough.

enum StoredProperties {
    /// The types of a file with more than `limit` stored properties, by name.
    static func over(_ limit: Int, in file: SourceFile) -> [(type: String, count: Int)] {
        var found: [(String, Int)] = []
        var open: [(type: String, depth: Int, count: Int)] = []
        var depth = 0
        for (_, text) in file.code {
            var (begins, ends) = (0, 0)
            for byte in text.utf8 {
                if byte == UInt8(ascii: "{") { begins += 1 } else if byte == UInt8(ascii: "}") { ends += 1 }
            }
            if begins > ends, let match = text.firstMatch(of: /\b(?:struct|class|actor|enum)\s+([A-Z]\w*)/) {
                open.append((String(match.1), depth, 0))
            } else if let last = open.last, depth == last.depth + 1, isStored(text) {
                open[open.count - 1].count += 1
            }
            depth += begins - ends
            while let last = open.last, depth <= last.depth {
                if last.count > limit { found.append((last.type, last.count)) }
                open.removeLast()
            }
        }
        return found
    }

    private static func isStored(_ line: String) -> Bool {
        let bytes = line.utf8
        guard bytes.firstRange(of: "let ".utf8) != nil || bytes.firstRange(of: "var ".utf8) != nil,
            bytes.firstRange(of: "static ".utf8) == nil,
            line.firstMatch(of: /^\s*(?:(?:@?\w+(?:\(\w+\))?)\s+)*(?:let|var)\s+\w/) != nil
        else { return false }
        return bytes.contains(UInt8(ascii: "=")) || !bytes.contains(UInt8(ascii: "{"))
    }
}
