// Replaces expressions without columns by their value and drops filters that are always true. An expression that raises stays as it is.

enum ConstantFolding {
    static func apply(_ plan: BoundPlan, _ evaluate: Optimiser.Evaluate) -> BoundPlan {
        let below = plan.withInputs(plan.inputs.map { apply($0, evaluate) })
        let folded = below.mapExpressions { fold($0, evaluate) }
        if case .filter(.literal(Literal(.boolean(true), .boolean)), let input) = folded { return input }
        return folded
    }

    private static func fold(_ expression: BoundExpression, _ evaluate: Optimiser.Evaluate) -> BoundExpression {
        if case .literal = expression { return expression }
        if expression.isConstant, let value = evaluate(expression) { return .literal(Literal(value, expression.type)) }
        return expression.mapChildren { fold($0, evaluate) }
    }
}
