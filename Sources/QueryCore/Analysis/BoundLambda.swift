// Resolved lambdas: bodies over parameters, which are no columns of any operator. Source: Spark SQL reference, "Lambda Functions".

/// The functions that take lambdas.
package enum HigherOrderFunction: String, Hashable, Sendable {
    case transform, filter, exists, forall, aggregate, zipWith, mapFilter, transformKeys, transformValues, mapZipWith, arraySort

    /// By their names in SQL.
    static let named: [String: HigherOrderFunction] = [
        "transform": .transform, "filter": .filter, "exists": .exists, "forall": .forall, "aggregate": .aggregate, "reduce": .aggregate,
        "zip_with": .zipWith, "map_filter": .mapFilter, "transform_keys": .transformKeys, "transform_values": .transformValues,
        "map_zip_with": .mapZipWith, "array_sort": .arraySort,
    ]

    func nullable(_ arguments: [BoundExpression], _ lambdas: [BoundLambda]) -> Bool {
        switch self {
        case .exists, .forall: arguments[0].nullable || lambdas[0].body.nullable
        case .aggregate: arguments[0].nullable || lambdas.last?.body.nullable ?? true
        default: arguments.contains { $0.nullable }
        }
    }
}

package struct BoundLambda: Hashable, Sendable {
    /// In the order in which the function gives them; a lambda may take fewer than it is offered.
    package var parameters: [BoundColumn]
    package var body: BoundExpression

    package init(parameters: [BoundColumn], body: BoundExpression) {
        self.parameters = parameters
        self.body = body
    }

    /// Whether the body reads nothing but its parameters.
    var isClosed: Bool { body.reads(nothingBut: Set(parameters.map(\.id))) }
}

extension BoundExpression {
    /// Ids of the columns and parameters that it reads, also those of lambdas inside of it; ascending and once each.
    package var inputIDs: [ColumnID] {
        var found: Set<ColumnID> = []
        collectInputs(into: &found)
        return found.sorted()
    }

    private func collectInputs(into found: inout Set<ColumnID>) {
        switch self {
        case .column(let column), .parameter(let column): found.insert(column.id)
        default: for child in children { child.collectInputs(into: &found) }
        }
    }

    fileprivate func reads(nothingBut parameters: Set<ColumnID>) -> Bool {
        switch self {
        case .column, .aggregate, .subquery, .window, .call(.seeded, _, _): false
        case .parameter(let column): parameters.contains(column.id)
        case .higherOrder(_, let arguments, let lambdas, _):
            arguments.allSatisfy { $0.reads(nothingBut: parameters) }
                && lambdas.allSatisfy { $0.body.reads(nothingBut: parameters.union($0.parameters.map(\.id))) }
        default: children.allSatisfy { $0.reads(nothingBut: parameters) }
        }
    }
}
