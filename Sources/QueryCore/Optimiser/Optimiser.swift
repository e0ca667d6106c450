// Runs the optimiser's rules in order: fold constants, push filters towards the data, read only needed columns. Every rule keeps the result
// and the plan's output. Folding uses ComputeCore's evaluator, so that constants follow the same code as columns.

package struct Optimiser {
    /// The value of an expression without columns; nil if its evaluation raises, so that the error comes at run time and only for a row
    /// that gets there.
    package typealias Evaluate = (BoundExpression) -> Value?

    package static func optimise(_ plan: BoundPlan, evaluate: Evaluate) -> BoundPlan {
        let folded = ConstantFolding.apply(plan, evaluate)
        let pushed = PredicatePushdown.apply(folded)
        return ColumnPruning.apply(pushed)
    }
}

extension BoundPlan {
    /// The same plan with every expression of this node changed; inputs are left alone.
    func mapExpressions(_ change: (BoundExpression) -> BoundExpression) -> BoundPlan {
        switch self {
        case .rows(let rows, let columns): .rows(rows.map { $0.map(change) }, columns)
        case .project(let outputs, let input):
            .project(outputs.map { BoundOutput(expression: change($0.expression), column: $0.column) }, input)
        case .filter(let condition, let input): .filter(change(condition), input)
        case .aggregate(let groups, let calls, let input):
            .aggregate(
                groups: groups.map { BoundOutput(expression: change($0.expression), column: $0.column) },
                calls: calls.map { item in
                    var call = item.call
                    call.arguments = call.arguments.map(change)
                    call.filter = call.filter.map(change)
                    return BoundAggregate(call: call, column: item.column)
                }, input)
        case .join(let kind, let left, let right, let condition): .join(kind, left, right, condition: condition.map(change))
        case .sort(let orders, let input):
            .sort(orders.map { BoundOrder(expression: change($0.expression), ascending: $0.ascending, nullsFirst: $0.nullsFirst) }, input)
        default: self
        }
    }
}
