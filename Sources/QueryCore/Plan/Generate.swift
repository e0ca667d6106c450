// Rows made of one row by `explode` and its kin, as written in LATERAL VIEW, as a table function, or behind LATERAL. Generators of a select
// list are calls until the analyser finds them. Source: Spark SQL reference, "Table-valued Functions", "LATERAL VIEW Clause".

package struct Generate: Sendable {
    /// As called, e.g. `explode_outer`.
    package var function: String
    package var arguments: [Expression]
    /// Rows without any made row are kept, with nulls.
    package var isOuter: Bool
    /// The name before the made columns' names.
    package var qualifier: String?
    /// New names for the made columns; empty keeps the generator's.
    package var columns: [String]
    /// The rows that the arguments read; nil for a table function that reads none.
    package var input: Plan?

    package init(
        function: String, arguments: [Expression], isOuter: Bool = false, qualifier: String? = nil, columns: [String] = [],
        input: Plan? = nil
    ) {
        self.function = function
        self.arguments = arguments
        self.isOuter = isOuter
        self.qualifier = qualifier
        self.columns = columns
        self.input = input
    }
}
