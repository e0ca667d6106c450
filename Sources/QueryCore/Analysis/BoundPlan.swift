// The resolved plan: the analyser makes it, the optimiser rewrites it and ComputeCore's planner turns it into operators. Columns are known
// by id; an operator's output is computed from its inputs, so no node can disagree with its children.

package indirect enum BoundPlan: Sendable {
    case files(BoundFiles)
    case local(any LocalRows, [BoundColumn], kept: [Int])
    case rows([[BoundExpression]], [BoundColumn])
    case range(RowRange, BoundColumn)
    case project([BoundOutput], BoundPlan)
    case filter(BoundExpression, BoundPlan)
    case aggregate(groups: [BoundOutput], calls: [BoundAggregate], BoundPlan)
    case join(JoinKind, BoundPlan, BoundPlan, condition: BoundExpression?)
    /// The input's columns, then one for each window.
    case window([BoundWindow], BoundPlan)
    case sort([BoundOrder], BoundPlan)
    case limit(Int, BoundPlan)
    case offset(Int, BoundPlan)
    /// Inputs have the same types in the same order; the output columns are its own.
    case union([BoundPlan], [BoundColumn])
    /// Any number of rows of each row of the input.
    case generate(BoundGenerate, BoundPlan)
    /// INTERSECT and EXCEPT.
    case difference(SetKind, all: Bool, BoundPlan, BoundPlan)
    /// The first row of each distinct key.
    case distinct(keys: [ColumnID], BoundPlan)
    /// Calls of Python functions over one input, or two for pairs of groups.
    case python(BoundPython, [BoundPlan])

    package var output: [BoundColumn] {
        switch self {
        case .files(let files): files.columns
        case .local(_, let columns, _), .rows(_, let columns), .union(_, let columns): columns
        case .range(_, let column): [column]
        case .generate(let generate, _): generate.output
        case .python(let python, let inputs): python.output(inputs)
        case .project(let outputs, _): outputs.map(\.column)
        case .filter(_, let input), .sort(_, let input), .limit(_, let input), .offset(_, let input), .distinct(_, let input): input.output
        case .aggregate(let groups, let calls, _): groups.map(\.column) + calls.map(\.column)
        case .window(let windows, let input): input.output + windows.map(\.column)
        case .join(let kind, let left, let right, _): Self.joinOutput(kind, left.output, right.output)
        case .difference(_, _, let left, _): left.output
        }
    }

    private static func joinOutput(_ kind: JoinKind, _ left: [BoundColumn], _ right: [BoundColumn]) -> [BoundColumn] {
        func optional(_ columns: [BoundColumn]) -> [BoundColumn] {
            columns.map { BoundColumn(id: $0.id, name: $0.name, type: $0.type, nullable: true) }
        }
        return switch kind {
        case .inner, .cross: left + right
        case .leftOuter: left + optional(right)
        case .rightOuter: optional(left) + right
        case .fullOuter: optional(left) + optional(right)
        case .leftSemi, .leftAnti: left
        }
    }

    package var schema: Schema { Schema(output.map(\.field)) }

    package var inputs: [BoundPlan] {
        switch self {
        case .files, .local, .rows, .range: []
        case .project(_, let input), .filter(_, let input), .aggregate(_, _, let input), .sort(_, let input), .limit(_, let input),
            .offset(_, let input), .distinct(_, let input), .window(_, let input), .generate(_, let input):
            [input]
        case .join(_, let left, let right, _), .difference(_, _, let left, let right): [left, right]
        case .union(let inputs, _), .python(_, let inputs): inputs
        }
    }

    package func withInputs(_ new: [BoundPlan]) -> BoundPlan {
        switch self {
        case .files, .local, .rows, .range: self
        case .project(let outputs, _): .project(outputs, new[0])
        case .filter(let condition, _): .filter(condition, new[0])
        case .aggregate(let groups, let calls, _): .aggregate(groups: groups, calls: calls, new[0])
        case .window(let windows, _): .window(windows, new[0])
        case .generate(let generate, _): .generate(generate, new[0])
        case .sort(let orders, _): .sort(orders, new[0])
        case .limit(let count, _): .limit(count, new[0])
        case .offset(let count, _): .offset(count, new[0])
        case .distinct(let keys, _): .distinct(keys: keys, new[0])
        case .join(let kind, _, _, let condition): .join(kind, new[0], new[1], condition: condition)
        case .difference(let kind, let all, _, _): .difference(kind, all: all, new[0], new[1])
        case .union(_, let columns): .union(new, columns)
        case .python(let python, _): .python(python, new)
        }
    }
}

package struct BoundAggregate: Hashable, Sendable {
    package var call: AggregateCall
    package var column: BoundColumn

    package init(call: AggregateCall, column: BoundColumn) {
        self.call = call
        self.column = column
    }
}

/// Files with a known schema. `columns` are the columns to read; `kept[i]` is the position of `columns[i]` in `schema`.
package struct BoundFiles: Hashable, Sendable {
    package var source: FileSource
    package var schema: Schema
    package var columns: [BoundColumn]
    package var kept: [Int]
}
