// Moves each conjunct of a filter as near to the data as it may go: through projections (by substitution), below the grouping of an
// aggregation, into the sides of joins, through sorts, unions and distincts. A conjunct never passes a limit, nor the optional side of an
// outer join.

package enum PredicatePushdown {
    static func apply(_ plan: BoundPlan) -> BoundPlan { push([], into: plan) }

    /// The parts of a condition that all must be true.
    package static func conjuncts(_ expression: BoundExpression) -> [BoundExpression] {
        if case .call(.and, let sides, _) = expression { return sides.flatMap(conjuncts) }
        return [expression]
    }

    static func conjunction(_ parts: [BoundExpression]) -> BoundExpression? {
        guard let first = parts.first else { return nil }
        return parts.dropFirst().reduce(first) { .call(.and, [$0, $1], type: .boolean) }
    }

    static func filtered(_ plan: BoundPlan, _ parts: [BoundExpression]) -> BoundPlan {
        conjunction(parts).map { .filter($0, plan) } ?? plan
    }

    private static func push(_ parts: [BoundExpression], into plan: BoundPlan) -> BoundPlan {
        switch plan {
        case .filter(let condition, let input): return pushFilter(condition, parts, input)
        case .project(let outputs, let input):
            // A projection that may raise must see the same rows as before.
            let held = Set(outputs.filter { $0.expression.mayRaise || $0.expression.isRandom }.map(\.column.id))
            let (through, above) = split(parts) { !$0.reads(held) }
            let moved = through.map { part in
                part.rewritten { node in
                    guard case .column(let column) = node, let output = outputs.first(where: { $0.column.id == column.id }) else {
                        return node
                    }
                    return output.expression
                }
            }
            return filtered(.project(outputs, push(moved, into: input)), above)
        case .aggregate(let groups, let calls, let input):
            let (through, above) = split(parts) { part in
                !groups.isEmpty && !part.columnIDs.isEmpty && part.columnIDs.allSatisfy { id in groups.contains { $0.column.id == id } }
            }
            let moved = through.map { part in
                part.rewritten { node in
                    guard case .column(let column) = node, let group = groups.first(where: { $0.column.id == column.id }) else {
                        return node
                    }
                    return group.expression
                }
            }
            return filtered(.aggregate(groups: groups, calls: calls, push(moved, into: input)), above)
        case .sort(let orders, let input): return .sort(orders, push(parts, into: input))
        case .window(let windows, let input):
            // A condition over columns of every partition keeps or drops whole partitions.
            let (through, above) = split(parts) { part in
                !part.columnIDs.isEmpty && !part.mayRaise
                    && windows.allSatisfy { item in
                        part.columnIDs.allSatisfy { id in
                            item.call.partition.contains { if case .column(let column) = $0 { column.id == id } else { false } }
                        }
                    }
            }
            return filtered(.window(windows, push(through, into: input)), above)
        case .generate(let generate, let input):
            // A generator without rows hides its row from a condition that may raise.
            let (through, above) = split(parts) { part in
                !part.columnIDs.isEmpty && !part.mayRaise && !part.reads(Set(generate.columns.map(\.id)))
            }
            return filtered(.generate(generate, push(through, into: input)), above)
        case .python(let python, let inputs): return pushPython(parts, python, inputs)
        case .distinct(let keys, let input):
            let (through, above) = split(parts) { part in part.columnIDs.allSatisfy { keys.contains($0) } }
            return filtered(.distinct(keys: keys, push(through, into: input)), above)
        case .union(let inputs, let columns):
            let pushed = inputs.map { input in
                let output = input.output
                let moved = parts.map { part in
                    part.rewritten { node in
                        guard case .column(let column) = node, let index = columns.firstIndex(where: { $0.id == column.id }) else {
                            return node
                        }
                        return .column(output[index])
                    }
                }
                return push(moved, into: input)
            }
            return .union(pushed, columns)
        case .join(let kind, let left, let right, let condition): return pushJoin(parts, kind, left, right, condition)
        case .files, .local, .rows, .range, .limit, .offset, .difference:
            return filtered(plan.withInputs(plan.inputs.map { push([], into: $0) }), parts)
        }
    }

    private static func pushPython(_ parts: [BoundExpression], _ python: BoundPython, _ inputs: [BoundPlan]) -> BoundPlan {
        let (through, above) = python.passing(parts)
        return filtered(.python(python, inputs.map { push(through, into: $0) }), above)
    }

    private static func pushFilter(_ condition: BoundExpression, _ parts: [BoundExpression], _ input: BoundPlan) -> BoundPlan {
        // The draw of a sample sees all rows.
        if condition.isRandom { return filtered(.filter(condition, push([], into: input)), parts) }
        return push(conjuncts(condition) + parts, into: input)
    }

    private static func pushJoin(
        _ parts: [BoundExpression], _ kind: JoinKind, _ left: BoundPlan, _ right: BoundPlan, _ condition: BoundExpression?
    ) -> BoundPlan {
        let leftIDs = left.output.map(\.id)
        let rightIDs = right.output.map(\.id)
        func only(_ part: BoundExpression, _ ids: [ColumnID]) -> Bool {
            !part.columnIDs.isEmpty && part.columnIDs.allSatisfy { ids.contains($0) }
        }
        var toLeft: [BoundExpression] = []
        var toRight: [BoundExpression] = []
        var above: [BoundExpression] = []
        var joining: [BoundExpression] = []
        let inner = kind == .inner || kind == .cross
        for part in parts {
            if only(part, leftIDs), kind != .rightOuter, kind != .fullOuter {
                toLeft.append(part)
            } else if only(part, rightIDs), inner || kind == .rightOuter {
                toRight.append(part)
            } else if inner {
                joining.append(part)
            } else {
                above.append(part)
            }
        }
        for part in condition.map(conjuncts) ?? [] {
            if only(part, leftIDs), inner || kind == .leftSemi || kind == .rightOuter {
                toLeft.append(part)
            } else if only(part, rightIDs), inner || kind == .leftSemi || kind == .leftAnti || kind == .leftOuter {
                toRight.append(part)
            } else {
                joining.append(part)
            }
        }
        let newKind: JoinKind = kind == .cross && !joining.isEmpty ? .inner : kind
        let join = BoundPlan.join(newKind, push(toLeft, into: left), push(toRight, into: right), condition: conjunction(joining))
        return filtered(join, above)
    }

    private static func split(_ parts: [BoundExpression], _ test: (BoundExpression) -> Bool) -> ([BoundExpression], [BoundExpression]) {
        (parts.filter(test), parts.filter { !test($0) })
    }
}

extension BoundExpression {
    /// Whether it gives another value for each row by its place.
    var isRandom: Bool { if case .call(.seeded, _, _) = self { true } else { children.contains { $0.isRandom } } }

    /// Whether its evaluation may refuse a row.
    package var mayRaise: Bool {
        switch self {
        case .literal, .column, .parameter: false
        case .call(let function, let arguments, let type):
            (function.canRaise && !(type.isFractional && [.add, .subtract, .multiply, .negative, .abs, .round].contains(function)))
                || arguments.contains { $0.mayRaise }
        case .cast(let inner, let type, let isTry): (!isTry && Self.castMayRaise(inner.type, type)) || inner.mayRaise
        case .element: true
        // The aggregate of many elements may overflow, and so may any body.
        case .higherOrder: true
        default: children.contains { $0.mayRaise }
        }
    }

    private static func castMayRaise(_ from: DataType, _ to: DataType) -> Bool {
        if to == .string || from == .null || from == .boolean { return false }
        if to == .double, from.isNumeric { return false }
        if to == .long, from.isIntegral { return false }
        if to == .int, from == .byte || from == .short { return false }
        return true
    }
}
