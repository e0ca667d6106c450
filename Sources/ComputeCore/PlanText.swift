// A plan, resolved or physical, as the indented tree of EXPLAIN. For people: the shape is Spark's, the details are ours. It decides
// nothing.

import QueryCore

enum PlanText {
    static func render(_ plan: BoundPlan) -> String { lines(plan, "", "", title, \.inputs).joined(separator: "\n") + "\n" }

    static func render(_ plan: PhysicalPlan) -> String { lines(plan, "", "", title, \.inputs).joined(separator: "\n") + "\n" }

    private static func lines<Node>(_ plan: Node, _ first: String, _ rest: String, _ title: (Node) -> String, _ inputs: (Node) -> [Node])
        -> [String]
    {
        var out = [first + title(plan)]
        let below = inputs(plan)
        for (index, input) in below.enumerated() {
            let isLast = index == below.count - 1
            out += lines(input, rest + (isLast ? "+- " : ":- "), rest + (isLast ? "   " : ":  "), title, inputs)
        }
        return out
    }

    private static func title(_ plan: PhysicalPlan) -> String {
        switch plan {
        case .fileScan(let scan): return fileScan(scan)
        case .localScan(_, let columns, _): return "LocalTableScan [\(columns.map(name).joined(separator: ", "))]"
        case .rows(let rows, let columns): return self.rows(rows.count, columns)
        case .range(let range, _): return "Range (\(range.start), \(range.end), step=\(range.step))"
        case .project(let outputs, _): return "Project [\(outputs.map(output).joined(separator: ", "))]"
        case .filter(let condition, _): return "Filter \(text(condition))"
        case .hashAggregate(let groups, let calls, _): return aggregate(groups, calls)
        case .hashJoin(let shape, _, _):
            let kind = shape.keys.isEmpty ? "BroadcastNestedLoopJoin" : "BroadcastHashJoin"
            let keys =
                shape.keys.isEmpty
                ? ""
                : " [\(shape.keys.map { text($0.left) }.joined(separator: ", "))], [\(shape.keys.map { text($0.right) }.joined(separator: ", "))]"
            return "\(kind)\(keys) \(shape.kind)\(shape.residual.map { " " + text($0) } ?? "")"
        case .window(let windows, _): return window(windows)
        case .generate(let generate, _): return self.generate(generate)
        case .sort(let orders, let limit, _): return limit.map { "TakeOrdered \($0) [\(keys(orders))]" } ?? "Sort [\(keys(orders))]"
        case .limit(let skip, let count, _):
            return (count.map { "CollectLimit \($0)" } ?? "Offset") + (skip > 0 ? count == nil ? " \(skip)" : " Offset \(skip)" : "")
        case .union: return "Union"
        case .difference(let kind, let all, _, _): return difference(kind, all)
        case .distinct(let keys, _): return distinct(keys)
        case .python(let python, _): return self.python(python)
        }
    }

    private static func fileScan(_ scan: BoundFiles) -> String {
        let columns = scan.columns.map(name).joined(separator: ", ")
        return "FileScan \(scan.source.format.rawValue) [\(columns)] Location: [\(scan.source.paths.joined(separator: ", "))]"
    }

    private static func rows(_ count: Int, _ columns: [BoundColumn]) -> String {
        columns.isEmpty ? "Scan OneRowRelation[]" : "LocalTableScan [\(columns.map(name).joined(separator: ", "))] (\(count) rows)"
    }

    private static func aggregate(_ groups: [BoundOutput], _ calls: [BoundAggregate]) -> String {
        let functions = calls.map { "\($0.call.function.rawValue)(\($0.call.arguments.map(text).joined(separator: ", ")))" }
        return "HashAggregate(keys=[\(groups.map(output).joined(separator: ", "))], functions=[\(functions.joined(separator: ", "))])"
    }

    private static func window(_ windows: [BoundWindow]) -> String {
        let functions = windows.map { item in
            var name = "\(item.call.function)"
            if case .aggregate(let function) = item.call.function { name = function.rawValue }
            return "\(name)(\(item.call.arguments.map(text).joined(separator: ", "))) AS \(self.name(item.column))"
        }
        let call = windows[0].call
        return
            "Window [\(functions.joined(separator: ", "))], [\(call.partition.map(text).joined(separator: ", "))], [\(keys(call.orders))]"
    }

    private static func generate(_ generate: BoundGenerate) -> String {
        let made = "[\(generate.columns.map(name).joined(separator: ", "))]"
        return
            "Generate \(generate.kind)(\(generate.arguments.map(text).joined(separator: ", ")))\(generate.isOuter ? " outer" : "") \(made)"
    }

    private static func keys(_ orders: [BoundOrder]) -> String {
        orders.map { "\(text($0.expression)) \($0.ascending ? "ASC" : "DESC") NULLS \($0.nullsFirst ? "FIRST" : "LAST")" }.joined(
            separator: ", ")
    }

    private static func difference(_ kind: SetKind, _ all: Bool) -> String {
        "\(kind == .except ? "Except" : "Intersect")\(all ? " All" : "")"
    }

    private static func distinct(_ keys: [ColumnID]) -> String { "Distinct [\(keys.map { "#\($0.number)" }.joined(separator: ", "))]" }

    private static func title(_ plan: BoundPlan) -> String {
        switch plan {
        case .files(let scan): return fileScan(scan)
        case .local(_, let columns, _): return "LocalTableScan [\(columns.map(name).joined(separator: ", "))]"
        case .rows(let rows, let columns): return self.rows(rows.count, columns)
        case .range(let range, _): return "Range (\(range.start), \(range.end), step=\(range.step))"
        case .project(let outputs, _): return "Project [\(outputs.map(output).joined(separator: ", "))]"
        case .filter(let condition, _): return "Filter \(text(condition))"
        case .aggregate(let groups, let calls, _): return aggregate(groups, calls)
        case .join(let kind, _, _, let condition): return "Join \(kind)\(condition.map { " " + text($0) } ?? "")"
        case .window(let windows, _): return window(windows)
        case .generate(let generate, _): return self.generate(generate)
        case .sort(let orders, _): return "Sort [\(keys(orders))]"
        case .limit(let count, _): return "Limit \(count)"
        case .offset(let count, _): return "Offset \(count)"
        case .union: return "Union"
        case .difference(let kind, let all, _, _): return difference(kind, all)
        case .distinct(let keys, _): return distinct(keys)
        case .python(let python, _): return self.python(python)
        }
    }

    private static func python(_ python: BoundPython) -> String {
        let operation =
            switch python.shape {
            case .columns: python.kind == .row ? "BatchEvalPython" : "ArrowEvalPython"
            case .rows: python.kind == .mapPandas ? "MapInPandas" : "MapInArrow"
            case .groups: "FlatMapGroupsInPandas"
            case .cogroups: "FlatMapCoGroupsInPandas"
            case .aggregates: "AggregateInPandas"
            }
        let calls = python.calls.map { "\($0.call.function.name)(\($0.arguments.map(text).joined(separator: ", ")))" }
        let keys = python.keys.map { "[\($0.map(output).joined(separator: ", "))], " }.joined()
        return "\(operation) \(keys)[\(calls.joined(separator: ", "))], [\(python.columns.map(name).joined(separator: ", "))]"
    }

    private static func name(_ function: ScalarFunction) -> String {
        switch function {
        case .library(let signature): signature.name
        case .python(let call): call.function.name
        case .seeded(let seed, let draw):
            (draw == .even ? "rand" : draw == .normal ? "randn" : "\(draw)") + (seed.map { " \($0)" } ?? "")
        case .zoned(let shift): "\(shift.step) \(shift.rules.name)"
        default: "\(function)"
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
        case .column(let column), .parameter(let column): return name(column)
        case .higherOrder(let function, let arguments, let lambdas, _):
            let bodies = lambdas.map { "(\($0.parameters.map(name).joined(separator: ", "))) -> \(text($0.body))" }
            return "\(function.rawValue)(\((arguments.map(text) + bodies).joined(separator: ", ")))"
        case .call(let function, let arguments, _): return "\(name(function))(\(arguments.map(text).joined(separator: ", ")))"
        case .cast(let inner, let type, _): return "cast(\(text(inner)) as \(type.simpleString))"
        case .caseWhen(let branches, let otherwise, _):
            return "CASE" + branches.map { " WHEN \(text($0.condition)) THEN \(text($0.result))" }.joined() + " ELSE \(text(otherwise)) END"
        case .inList(let value, let items): return "\(text(value)) IN (\(items.map(text).joined(separator: ", ")))"
        case .field(let base, let index, _): return "\(text(base)).\(index)"
        case .element(let base, let key, _): return "\(text(base))[\(text(key))]"
        case .aggregate(let call): return "\(call.function.rawValue)(\(call.arguments.map(text).joined(separator: ", ")))"
        case .subquery: return "subquery()"
        case .window(let call): return "\(call.function) over (...)"
        }
    }
}
