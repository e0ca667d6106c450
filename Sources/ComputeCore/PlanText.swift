// A resolved plan as the indented tree of EXPLAIN. For people: the shape is Spark's, the details are ours. It decides nothing.

import QueryCore

enum PlanText {
    static func render(_ plan: BoundPlan) -> String { lines(plan, "", "").joined(separator: "\n") + "\n" }

    private static func lines(_ plan: BoundPlan, _ first: String, _ rest: String) -> [String] {
        var out = [first + title(plan)]
        let inputs = plan.inputs
        for (index, input) in inputs.enumerated() {
            let isLast = index == inputs.count - 1
            out += lines(input, rest + (isLast ? "+- " : ":- "), rest + (isLast ? "   " : ":  "))
        }
        return out
    }

    private static func title(_ plan: BoundPlan) -> String {
        switch plan {
        case .files(let scan):
            let columns = scan.columns.map(name).joined(separator: ", ")
            return "FileScan \(scan.source.format.rawValue) [\(columns)] Location: [\(scan.source.paths.joined(separator: ", "))]"
        case .local(_, let columns, _): return "LocalTableScan [\(columns.map(name).joined(separator: ", "))]"
        case .rows(let rows, let columns):
            return columns.isEmpty
                ? "Scan OneRowRelation[]" : "LocalTableScan [\(columns.map(name).joined(separator: ", "))] (\(rows.count) rows)"
        case .range(let range, _): return "Range (\(range.start), \(range.end), step=\(range.step))"
        case .project(let outputs, _): return "Project [\(outputs.map(output).joined(separator: ", "))]"
        case .filter(let condition, _): return "Filter \(text(condition))"
        case .aggregate(let groups, let calls, _):
            let functions = calls.map { "\($0.call.function.rawValue)(\($0.call.arguments.map(text).joined(separator: ", ")))" }
            return "HashAggregate(keys=[\(groups.map(output).joined(separator: ", "))], functions=[\(functions.joined(separator: ", "))])"
        case .join(let kind, _, _, let condition): return "HashJoin \(kind)\(condition.map { " " + text($0) } ?? "")"
        case .sort(let orders, _):
            let keys = orders.map { "\(text($0.expression)) \($0.ascending ? "ASC" : "DESC") NULLS \($0.nullsFirst ? "FIRST" : "LAST")" }
            return "Sort [\(keys.joined(separator: ", "))]"
        case .limit(let count, _): return "CollectLimit \(count)"
        case .offset(let count, _): return "Offset \(count)"
        case .union: return "Union"
        case .difference(let kind, let all, _, _): return "\(kind == .except ? "Except" : "Intersect")\(all ? " All" : "")"
        case .distinct(let keys, _): return "Distinct [\(keys.map { "#\($0.number)" }.joined(separator: ", "))]"
        }
    }

    private static func name(_ column: BoundColumn) -> String { "\(column.name)#\(column.id.number)" }

    private static func output(_ output: BoundOutput) -> String {
        if case .column(let column) = output.expression, column.id == output.column.id { return name(column) }
        return "\(text(output.expression)) AS \(name(output.column))"
    }

    private static func text(_ expression: BoundExpression) -> String {
        switch expression {
        case .literal(let literal): return literal.prettyName
        case .column(let column): return name(column)
        case .call(let function, let arguments, _): return "\(function)(\(arguments.map(text).joined(separator: ", ")))"
        case .cast(let inner, let type, _): return "cast(\(text(inner)) as \(type.simpleString))"
        case .caseWhen(let branches, let otherwise, _):
            return "CASE" + branches.map { " WHEN \(text($0.condition)) THEN \(text($0.result))" }.joined() + " ELSE \(text(otherwise)) END"
        case .inList(let value, let items): return "\(text(value)) IN (\(items.map(text).joined(separator: ", ")))"
        case .field(let base, let index, _): return "\(text(base)).\(index)"
        case .element(let base, let key, _): return "\(text(base))[\(text(key))]"
        case .aggregate(let call): return "\(call.function.rawValue)(\(call.arguments.map(text).joined(separator: ", ")))"
        }
    }
}
