// Takes the calls of Python functions out of expressions: each becomes a column of a step below the node that reads it, calls of one kind
// together, a call in the argument of another in a step below that one. A branch of CASE or AND does not guard a call, as in Spark.

struct PythonExtraction {
    private let record: AnalysisRecord

    init(_ record: AnalysisRecord) { self.record = record }

    func apply(_ plan: BoundPlan) throws(QueryError) -> BoundPlan {
        var inputs: [BoundPlan] = []
        for input in plan.inputs { inputs.append(try apply(input)) }
        let below = plan.withInputs(inputs)
        if case .aggregate(let groups, let calls, let input) = below, calls.contains(where: { $0.call.function == .python }) {
            return try apply(node: Self.aggregates(groups, calls, input))
        }
        return try apply(node: below)
    }

    private func apply(node: BoundPlan) throws(QueryError) -> BoundPlan {
        guard node.expressions.contains(where: \.containsPython) else { return node }
        switch node {
        case .rows: throw QueryError.unsupported("a Python function in VALUES")
        case .filter(let condition, let input):
            // The calls see only the rows that the other conditions let through.
            let parts = PredicatePushdown.conjuncts(condition)
            var steps = Steps(PredicatePushdown.filtered(input, parts.filter { !$0.containsPython }), record)
            let rest = parts.filter(\.containsPython).map { steps.extracted($0) }
            return Self.restored(PredicatePushdown.filtered(steps.plan, rest), input.output)
        case .join(let kind, let left, let right, let condition?): return try join(kind, left, right, condition)
        case .python(let python, let inputs):
            var sides = inputs.map { Steps($0, record) }
            let changed = python.mapExpressions { sides[$0].extracted($1) }
            return Self.restored(.python(changed, sides.map(\.plan)), node.output)
        default:
            var steps = Steps(node.inputs[0], record)
            let changed = node.mapExpressions { steps.extracted($0) }
            return Self.restored(changed.withInputs([steps.plan]), node.output)
        }
    }

    private static func aggregates(_ groups: [BoundOutput], _ calls: [BoundAggregate], _ input: BoundPlan) throws(QueryError) -> BoundPlan {
        var made: [BoundPythonCall] = []
        for item in calls {
            guard let python = item.call.python, item.call.filter == nil, python.function.kind == calls[0].call.python?.function.kind else {
                let names = calls.map { $0.call.python?.function.name ?? $0.call.function.rawValue }.joined(separator: ", ")
                throw QueryError(.invalidPandasUDFPlacement, ["functionList": names])
            }
            made.append(BoundPythonCall(call: python, arguments: item.call.arguments, column: item.column))
        }
        return .python(BoundPython(shape: .aggregates, calls: made, keys: [groups], columns: made.map(\.column)), [input])
    }

    private func join(_ kind: JoinKind, _ left: BoundPlan, _ right: BoundPlan, _ condition: BoundExpression) throws(QueryError)
        -> BoundPlan
    {
        var sides = [Steps(left, record), Steps(right, record)]
        let ids = [left, right].map { Set($0.output.map(\.id)) }
        var joining: [BoundExpression] = []
        var above: [BoundExpression] = []
        for part in PredicatePushdown.conjuncts(condition) {
            // Calls that read one side only are columns of that side.
            let changed = part.rewritten { node in
                guard case .call(.python, _, _) = node else { return node }
                let read = Set(node.columnIDs)
                guard let side = ids.indices.first(where: { read.isSubset(of: ids[$0].union(sides[$0].made)) }) else { return node }
                return sides[side].extracted(node)
            }
            if changed.containsPython { above.append(changed) } else { joining.append(changed) }
        }
        guard above.isEmpty || kind == .inner || kind == .cross else {
            throw QueryError.unsupported("a Python function of both sides in the condition of an outer, semi or anti join")
        }
        let rest = PredicatePushdown.conjunction(joining)
        let joined = BoundPlan.join(rest == nil && kind == .inner ? .cross : kind, sides[0].plan, sides[1].plan, condition: rest)
        let columns = BoundPlan.join(kind, left, right, condition: nil).output
        if above.isEmpty { return Self.restored(joined, columns) }
        var steps = Steps(joined, record)
        let conditions = above.map { steps.extracted($0) }
        return Self.restored(PredicatePushdown.filtered(steps.plan, conditions), columns)
    }

    private static func restored(_ plan: BoundPlan, _ columns: [BoundColumn]) -> BoundPlan {
        if plan.output.map(\.id) == columns.map(\.id) { return plan }
        return .project(columns.map { BoundOutput(expression: .column($0), column: $0) }, plan)
    }

    /// The steps over one input, the first nearest to it.
    private struct Steps {
        private let input: BoundPlan
        private let record: AnalysisRecord
        private var layers: [[BoundPythonCall]] = []
        /// Ids of the calls' columns.
        private(set) var made: Set<ColumnID> = []
        private var depths: [ColumnID: Int] = [:]

        init(_ input: BoundPlan, _ record: AnalysisRecord) {
            self.input = input
            self.record = record
        }

        /// The expression with its calls as columns.
        mutating func extracted(_ expression: BoundExpression) -> BoundExpression {
            guard case .call(.python(let call), let written, let type) = expression else {
                return expression.mapChildren { extracted($0) }
            }
            let arguments = written.map { extracted($0) }
            let depth = arguments.flatMap(\.columnIDs).map { depths[$0] ?? 0 }.max() ?? 0
            while layers.count <= depth { layers.append([]) }
            if call.function.isDeterministic,
                let known = layers[depth].first(where: { $0.call == call && $0.arguments == arguments })
            {
                return .column(known.column)
            }
            let column = BoundColumn(id: record.nextID(), name: call.function.name, type: type, nullable: true)
            layers[depth].append(BoundPythonCall(call: call, arguments: arguments, column: column))
            made.insert(column.id)
            depths[column.id] = depth + 1
            return .column(column)
        }

        var plan: BoundPlan {
            var plan = input
            for layer in layers {
                var rest = layer[...]
                while let first = rest.first {
                    let kind = first.call.function.kind
                    // A function of an iterator has a call of its own.
                    let together = kind.takesIterator ? [first] : rest.filter { $0.call.function.kind == kind }
                    plan = .python(BoundPython(shape: .columns, calls: together, columns: together.map(\.column)), [plan])
                    rest = kind.takesIterator ? rest.dropFirst() : rest.filter { $0.call.function.kind != kind }[...]
                }
            }
            return plan
        }
    }
}
