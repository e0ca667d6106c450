// Runs the optimiser's rules in order: fold constants, push filters towards the data, read only needed columns. Every rule keeps the result
// and the plan's output. Folding uses ComputeCore's evaluator, so that constants follow the same code as columns.

package struct Optimiser {
    /// The value of an expression without columns; nil if its evaluation raises, so that the error comes at run time and only for a row
    /// that gets there.
    package typealias Evaluate = (BoundExpression) -> Value?

    package static func optimise(_ plan: BoundPlan, evaluate: Evaluate) -> BoundPlan {
        let folded = ConstantFolding.apply(plan, evaluate)
        let pushed = PredicatePushdown.apply(CommonConjuncts.apply(folded))
        return ColumnPruning.apply(pushed)
    }
}

extension BoundPlan {
    /// The same plan with every expression of this node changed; inputs are left alone.
    func mapExpressions<E: Error>(_ change: (BoundExpression) throws(E) -> BoundExpression) throws(E) -> BoundPlan {
        func all(_ outputs: [BoundOutput]) throws(E) -> [BoundOutput] {
            try outputs.map { (output) throws(E) in BoundOutput(expression: try change(output.expression), column: output.column) }
        }
        switch self {
        case .rows(let rows, let columns): return .rows(try rows.map { (row) throws(E) in try row.map(change) }, columns)
        case .project(let outputs, let input): return .project(try all(outputs), input)
        case .filter(let condition, let input): return .filter(try change(condition), input)
        case .aggregate(let groups, let calls, let input):
            let changed = try calls.map { (item) throws(E) in
                var call = item.call
                call.arguments = try call.arguments.map(change)
                if let filter = call.filter { call.filter = try change(filter) }
                return BoundAggregate(call: call, column: item.column)
            }
            return .aggregate(groups: try all(groups), calls: changed, input)
        case .join(let kind, let left, let right, let condition):
            guard let condition else { return self }
            return .join(kind, left, right, condition: try change(condition))
        case .sort(let orders, let input):
            let changed = try orders.map { (order) throws(E) in
                BoundOrder(expression: try change(order.expression), ascending: order.ascending, nullsFirst: order.nullsFirst)
            }
            return .sort(changed, input)
        case .window(let windows, let input):
            let changed = try windows.map { (item) throws(E) in
                BoundWindow(call: try item.call.mapExpressions(change), column: item.column)
            }
            return .window(changed, input)
        case .generate(var generate, let input):
            generate.arguments = try generate.arguments.map(change)
            return .generate(generate, input)
        case .python(let python, let inputs): return .python(try python.mapExpressions(change), inputs)
        default: return self
        }
    }
}
