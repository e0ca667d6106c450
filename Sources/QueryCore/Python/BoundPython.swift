// Resolved calls of Python functions: a step of the plan of its own, since a process outside evaluates them. Calls inside of expressions
// become columns of such a step.

package struct BoundPythonCall: Hashable, Sendable {
    package var call: PythonCall
    package var arguments: [BoundExpression]
    /// The result's; of functions that give rows without meaning.
    package var column: BoundColumn
}

package struct BoundPython: Hashable, Sendable {
    package enum Shape: Hashable, Sendable {
        /// The input's columns, then one for each call.
        case columns
        case rows, groups, cogroups
        /// The keys, then one column for each call.
        case aggregates
    }

    package var shape: Shape
    /// More than one only for columns and aggregates; all of one kind.
    package var calls: [BoundPythonCall]
    /// Of each input.
    package var keys: [[BoundOutput]] = []
    /// What the call reads of the second input.
    package var others: [BoundExpression] = []
    /// The made columns, without keys.
    package var columns: [BoundColumn]

    package var kind: PythonKind { calls[0].call.function.kind }

    /// The type of each made column.
    package var madeFields: [StructField] { columns.map(\.field) }

    func output(_ inputs: [BoundPlan]) -> [BoundColumn] {
        switch shape {
        case .columns: inputs[0].output + columns
        case .aggregates: keys[0].map(\.column) + columns
        case .rows, .groups, .cogroups: columns
        }
    }

    /// Over the first input.
    var firstExpressions: [BoundExpression] { (keys.first ?? []).map(\.expression) + calls.flatMap(\.arguments) }

    /// Over the second input.
    var secondExpressions: [BoundExpression] { keys.dropFirst().flatMap { $0.map(\.expression) } + others }

    /// The conditions above it that may stand below, and the rest.
    func passing(_ parts: [BoundExpression]) -> (through: [BoundExpression], above: [BoundExpression]) {
        let made = Set(columns.map(\.id))
        let above = shape == .columns ? parts.filter { $0.reads(made) } : parts
        return (shape == .columns ? parts.filter { !$0.reads(made) } : [], above)
    }

    /// Over the input of that number.
    package func expressions(ofInput index: Int) -> [BoundExpression] { index == 0 ? firstExpressions : secondExpressions }

    func mapExpressions<E: Error>(_ change: (BoundExpression) throws(E) -> BoundExpression) throws(E) -> BoundPython {
        try mapExpressions { (_, expression) throws(E) in try change(expression) }
    }

    /// `change` gets the number of the input below the expression.
    func mapExpressions<E: Error>(_ change: (Int, BoundExpression) throws(E) -> BoundExpression) throws(E) -> BoundPython {
        var changed = self
        for side in keys.indices {
            for index in keys[side].indices { changed.keys[side][index].expression = try change(side, keys[side][index].expression) }
        }
        for index in calls.indices {
            changed.calls[index].arguments = try calls[index].arguments.map { (argument) throws(E) in try change(0, argument) }
        }
        changed.others = try others.map { (argument) throws(E) in try change(1, argument) }
        return changed
    }

    /// Only the calls whose columns are read above; nil if none is.
    package func pruned(_ needed: Set<ColumnID>) -> BoundPython? {
        guard shape == .columns else { return self }
        var kept = self
        kept.calls = calls.filter { needed.contains($0.column.id) }
        kept.columns = kept.calls.map(\.column)
        return kept.calls.isEmpty ? nil : kept
    }
}

extension BoundExpression {
    var containsPython: Bool {
        if case .call(.python, _, _) = self { true } else { children.contains { $0.containsPython } }
    }
}
