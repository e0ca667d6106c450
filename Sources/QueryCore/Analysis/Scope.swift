// The columns that an expression may name at some point of a query, with their qualifiers, and the lookup of names. It refuses unknown and
// ambiguous names as Spark does, with the nearest names as proposals.

struct ScopeEntry: Hashable, Sendable {
    var column: BoundColumn
    var qualifier: [String]
}

struct Scope: Sendable {
    /// The columns of `*`, in order.
    var visible: [ScopeEntry]
    /// Reachable by a qualified name only: the right side's key after JOIN USING.
    var hidden: [ScopeEntry] = []

    init(_ visible: [ScopeEntry] = [], hidden: [ScopeEntry] = []) {
        self.visible = visible
        self.hidden = hidden
    }

    init(columns: [BoundColumn], qualifier: [String] = []) {
        visible = columns.map { ScopeEntry(column: $0, qualifier: qualifier) }
    }

    var columns: [BoundColumn] { visible.map(\.column) }

    /// Proposals in an error message.
    static let proposalsMax = 5

    /// The column and the number of name parts used; the rest are struct fields. Nil if there is no such column.
    func find(_ parts: [String]) throws(QueryError) -> (column: BoundColumn, used: Int)? {
        // The longest qualifier wins: `catalog.database.table.column` before `table.column.field`.
        for count in (1...3).reversed() where parts.count > count {
            let qualified = (visible + hidden).filter { entry in
                entry.qualifier.count >= count && Identifier.same(entry.column.name, parts[count])
                    && zip(entry.qualifier.suffix(count), parts).allSatisfy { Identifier.same($0, $1) }
            }
            if let found = try single(qualified, parts) { return (found, count + 1) }
        }
        let plain = visible.filter { Identifier.same($0.column.name, parts[0]) }
        return try single(plain, parts).map { ($0, 1) }
    }

    private func single(_ entries: [ScopeEntry], _ parts: [String]) throws(QueryError) -> BoundColumn? {
        guard let first = entries.first else { return nil }
        if entries.allSatisfy({ $0.column.id == first.column.id }) { return first.column }
        let names = entries.map { Identifier.quoted($0.qualifier + [$0.column.name]) }
        throw QueryError(.ambiguousReference, ["name": Identifier.quoted(parts), "referenceNames": "[\(names.joined(separator: ", "))]"])
    }

    func unresolved(_ parts: [String]) -> QueryError {
        let name = Identifier.quoted(parts)
        if visible.isEmpty { return QueryError(.unresolvedColumnNoSuggestion, ["objectName": name]) }
        // The qualifier is omitted if the name had none and it would distinguish nothing.
        let qualifiers = Set(visible.map(\.qualifier))
        let bare = parts.count == 1 && qualifiers.count == 1
        let wanted = parts.joined(separator: ".")
        let candidates = visible.map { bare ? [$0.column.name] : $0.qualifier + [$0.column.name] }
        let ranked = candidates.map { (distance: Self.distance($0.joined(separator: "."), wanted), shown: Identifier.quoted($0)) }
            .sorted { ($0.distance, $0.shown) < ($1.distance, $1.shown) }
        let proposal = ranked.prefix(Self.proposalsMax).map(\.shown).joined(separator: ", ")
        return QueryError(.unresolvedColumn, ["objectName": name, "proposal": proposal])
    }

    /// Levenshtein's edit distance.
    static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.utf8.prefix(200))
        let b = Array(right.utf8.prefix(200))
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
                diagonal = above
            }
        }
        return row[b.count]
    }
}
