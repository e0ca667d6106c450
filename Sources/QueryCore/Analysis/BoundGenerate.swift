// Resolved generators: the columns that they make and the input's columns that stand beside these.

/// What a generator makes of its arguments.
package enum GeneratorKind: Hashable, Sendable {
    /// One row for each element of an array, or entry of a map.
    case explode
    /// The same, with the element's place first.
    case posexplode
    /// One row for each struct of an array, with its fields as columns.
    case inline
    /// The arguments in that many rows.
    case stack(rows: Int)
}

package struct BoundGenerate: Hashable, Sendable {
    package var kind: GeneratorKind
    package var arguments: [BoundExpression]
    package var isOuter: Bool
    /// The made columns.
    package var columns: [BoundColumn]
    /// Columns of the input that each made row repeats, before the made ones.
    package var carried: [BoundColumn]

    package var output: [BoundColumn] { carried + columns }

    package init(kind: GeneratorKind, arguments: [BoundExpression], isOuter: Bool, columns: [BoundColumn], carried: [BoundColumn]) {
        self.kind = kind
        self.arguments = arguments
        self.isOuter = isOuter
        self.columns = columns
        self.carried = carried
    }
}
