// Takes conditions that all sides of an OR share out of it: `(a AND b) OR (a AND c)` is `a AND (b OR c)`, also with nulls. The shared
// ones may then be keys of a join or move towards the data.

enum CommonConjuncts {
    static func apply(_ plan: BoundPlan) -> BoundPlan {
        plan.withInputs(plan.inputs.map(apply)).mapExpressions { $0.rewritten(factored) }
    }

    static func factored(_ expression: BoundExpression) -> BoundExpression {
        guard case .call(.or, _, _) = expression else { return expression }
        let sides = disjuncts(expression).map(PredicatePushdown.conjuncts)
        let common = sides[0].filter { part in !part.mayRaise && sides.dropFirst().allSatisfy { $0.contains(part) } }
        if common.isEmpty { return expression }
        var rest: BoundExpression?
        for side in sides {
            // A side with nothing of its own makes the OR true wherever the common ones are.
            guard let own = PredicatePushdown.conjunction(side.filter { !common.contains($0) }) else {
                return PredicatePushdown.conjunction(common) ?? expression
            }
            rest = rest.map { .call(.or, [$0, own], type: .boolean) } ?? own
        }
        return PredicatePushdown.conjunction(common + (rest.map { [$0] } ?? [])) ?? expression
    }

    private static func disjuncts(_ expression: BoundExpression) -> [BoundExpression] {
        if case .call(.or, let sides, _) = expression { return sides.flatMap(disjuncts) }
        return [expression]
    }
}
