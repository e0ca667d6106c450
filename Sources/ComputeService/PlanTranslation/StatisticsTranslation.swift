// `DataFrame.describe`, `summary`, `stat`, samples and `unpivot`, as aggregations and generators over the input's columns.
import QueryCore
import SparkWire

extension RelationTranslation {
    private static func column(_ name: String) -> Expression { .attribute([name], planID: nil) }

    func describe(_ describe: Spark_Connect_StatDescribe) throws -> Plan {
        try statistics(describe.input, columns: describe.cols, ["count", "mean", "stddev", "min", "max"])
    }

    func summary(_ summary: Spark_Connect_StatSummary) throws -> Plan {
        let names = summary.statistics.isEmpty ? ["count", "mean", "stddev", "min", "25%", "50%", "75%", "max"] : summary.statistics
        return try statistics(summary.input, columns: [], names)
    }

    /// One row for each statistic, with a column of text for each column of numbers or text.
    private func statistics(_ input: Spark_Connect_Relation, columns: [String], _ names: [String]) throws -> Plan {
        let measures = try names.map { name in
            guard let measure = Self.measure(name) else { throw SparkError.unsupported("the statistic '\(name)' of summary") }
            return measure
        }
        return .reshape(
            Reshape(try plan(input)) { (schema, input) throws(QueryError) in
                try ColumnKind.check(columns, schema)
                let fields = schema.fields.filter { field in
                    let wanted = columns.isEmpty || columns.contains { Identifier.same($0, field.name) }
                    return wanted && (field.type.isNumeric || field.type == .string)
                }
                var outputs: [Expression] = []
                var cells: [Expression] = [.literal(.int(Int32(names.count)))]
                for (row, name) in names.enumerated() {
                    cells.append(.literal(.string(name)))
                    for (place, field) in fields.enumerated() {
                        let cell = "cell \(row) \(place)"
                        let value = measures[row](Self.column(field.name), field.type)
                        outputs.append(.alias(.cast(value, to: .string, isTry: false), name: cell))
                        cells.append(Self.column(cell))
                    }
                }
                let made = Generate(
                    function: "stack", arguments: cells, qualifier: "summary", columns: ["summary"] + fields.map(\.name),
                    input: .aggregate(groups: [], outputs: outputs.isEmpty ? [.call("count", .literal(.int(1)))] : outputs, input))
                return .project([.star(qualifier: ["summary"])], .generate(made))
            })
    }

    private typealias Measure = @Sendable (Expression, DataType) -> Expression

    private static func measure(_ name: String) -> Measure? {
        let lower = name.lowercased()
        @Sendable func number(_ column: Expression, _ type: DataType) -> Expression {
            type == .string ? .cast(column, to: .double, isTry: true) : column
        }
        switch lower {
        case "count": return { column, _ in .call("count", column) }
        case "count_distinct": return { column, _ in .call(name: "count", arguments: [column], distinct: true) }
        case "approx_count_distinct": return { column, _ in .call("approx_count_distinct", column) }
        case "mean", "stddev": return { column, type in .call(lower, number(column, type)) }
        case "min", "max": return { column, _ in .call(lower, column) }
        default:
            guard lower.hasSuffix("%"), let percent = Double(lower.dropLast()), (0...100).contains(percent) else { return nil }
            return { column, type in .call("percentile_approx", number(column, type), .literal(.double(percent / 100))) }
        }
    }

    // MARK: stat

    func pair(_ function: String, _ name: String, _ input: Spark_Connect_Relation, _ one: String, _ other: String) throws -> Plan {
        let call = Expression.call(
            function, .cast(Self.column(one), to: .double, isTry: false), .cast(Self.column(other), to: .double, isTry: false))
        return .aggregate(groups: [], outputs: [.alias(call, name: name)], try plan(input))
    }

    func quantiles(_ quantile: Spark_Connect_StatApproxQuantile) throws -> Plan {
        for probability in quantile.probabilities where !(0...1).contains(probability) {
            throw SparkError.invalidPlan("the probability \(probability) is not between 0 and 1")
        }
        let columns = quantile.cols.map { name in
            let value = Expression.cast(Self.column(name), to: .double, isTry: false)
            return Expression.call(
                name: "array", arguments: quantile.probabilities.map { .call("percentile_approx", value, .literal(.double($0))) },
                distinct: false)
        }
        let all = Expression.call(name: "array", arguments: columns, distinct: false)
        return .aggregate(groups: [], outputs: [.alias(all, name: "approx_quantile")], try plan(quantile.input))
    }

    func frequentItems(_ items: Spark_Connect_StatFreqItems) throws -> Plan {
        let support = items.hasSupport ? items.support : 0.01
        guard support >= 1e-4, support <= 1 else { throw SparkError.invalidPlan("the support \(support) is not between 1e-4 and 1") }
        let outputs = items.cols.map { name in
            Expression.alias(
                .call("frequent items", .call("collect_list", Self.column(name)), .literal(.double(support))), name: "\(name)_freqItems")
        }
        return .aggregate(groups: [], outputs: outputs, try plan(items.input))
    }

    // MARK: Samples

    func sample(_ sample: Spark_Connect_Sample) throws -> Plan {
        guard !sample.withReplacement else { throw SparkError.unsupported("a sample with replacement") }
        let random = Expression.call(name: "rand", arguments: sample.hasSeed ? [.literal(.long(sample.seed))] : [], distinct: false)
        // Both sides see the same number of a row.
        let above = Expression.call(">=", random, .literal(.double(sample.lowerBound)))
        let below = Expression.call("<", random, .literal(.double(sample.upperBound)))
        return .filter(.call("and", above, below), try plan(sample.input))
    }

    func sampleBy(_ sample: Spark_Connect_StatSampleBy) throws -> Plan {
        let column = try ExpressionTranslation.expression(sample.col)
        let branches = try sample.fractions.map { item in
            CaseBranch(
                condition: .call("=", column, .literal(try LiteralTranslation.literal(item.stratum))),
                result: .literal(.double(item.fraction)))
        }
        let random = Expression.call(name: "rand", arguments: sample.hasSeed ? [.literal(.long(sample.seed))] : [], distinct: false)
        return .filter(.call("<", random, .caseWhen(branches: branches, otherwise: .literal(.double(0)))), try plan(sample.input))
    }

    // MARK: Columns

    func unpivot(_ unpivot: Spark_Connect_Unpivot) throws -> Plan {
        let ids = try unpivot.ids.map { try ExpressionTranslation.expression($0) }
        let given = unpivot.hasValues ? try unpivot.values.values.map { try ExpressionTranslation.expression($0) } : nil
        let names = [unpivot.variableColumnName, unpivot.valueColumnName]
        return .reshape(
            Reshape(try plan(unpivot.input)) { (schema, input) throws(QueryError) in
                let kept = ids.map(\.outputName)
                let values =
                    given
                    ?? schema.fields.filter { field in !kept.contains { Identifier.same($0, field.name) } }.map { Self.column($0.name) }
                if values.isEmpty { throw QueryError(.unpivotWithoutValues) }
                var type: DataType?
                for value in values {
                    guard let field = schema.fields.first(where: { Identifier.same($0.name, value.outputName) }) else { continue }
                    guard let wider = type.map({ TypeCoercion.tightest($0, field.type) }) ?? field.type else {
                        throw QueryError(.unpivotTypes, ["types": values.map { Identifier.quoted($0.outputName) }.joined(separator: ", ")])
                    }
                    type = wider
                }
                var cells: [Expression] = [.literal(.int(Int32(values.count)))]
                for value in values {
                    cells.append(.literal(.string(value.outputName)))
                    cells.append(type.map { .cast(value, to: $0, isTry: false) } ?? value)
                }
                let made = Generate(function: "stack", arguments: cells, qualifier: "unpivoted", columns: names, input: input)
                return .project(ids + [.star(qualifier: ["unpivoted"])], .generate(made))
            })
    }

    /// `DataFrame.to`: the columns of a schema, by name and cast.
    func conform(_ conform: Spark_Connect_ToSchema) throws -> Plan {
        let wanted = try TypeTranslation.schema(conform.schema)
        return .reshape(
            Reshape(try plan(conform.input)) { (schema, input) throws(QueryError) in
                var outputs: [Expression] = []
                for field in wanted.fields {
                    let found = schema.fields.contains { Identifier.same($0.name, field.name) }
                    if !found, !field.nullable { try ColumnKind.check([field.name], schema) }
                    let value = found ? Self.column(field.name) : .literal(.null)
                    outputs.append(.alias(.cast(value, to: field.type, isTry: false), name: field.name))
                }
                return .project(outputs, input)
            })
    }
}
