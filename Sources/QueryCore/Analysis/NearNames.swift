// Names that differ from a mistyped one by a letter or two. Source: Levenshtein's distance.

enum NearNames {
    /// Limit of the letters of a name that is compared.
    private static let lettersMax = 64

    /// " Did you mean `a` or `b`?", with at most three names; empty if none is near.
    static func hint(_ name: String, among names: [String]) -> String {
        let letters = Array(name.utf8)
        guard (2...lettersMax).contains(letters.count) else { return "" }
        let most = letters.count < 5 ? 1 : 2
        let near = Set(names).map { (name: $0, distance: distance(letters, Array($0.utf8))) }.filter { $0.distance <= most }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
        guard let best = near.first?.distance else { return "" }
        let shown = near.filter { $0.distance == best }.prefix(3).map { Identifier.quoted($0.name) }
        return " Did you mean \(shown.joined(separator: " or "))?"
    }

    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, x) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
