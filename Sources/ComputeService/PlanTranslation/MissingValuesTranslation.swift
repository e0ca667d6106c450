// `DataFrame.na`: filling, dropping and replacing values. A value is only put into columns of its own kind; the others stay as they are.
import QueryCore
import SparkWire

extension RelationTranslation {
    func fill(_ fill: Spark_Connect_NAFill) throws -> Plan {
        let values = try fill.values.map { try LiteralTranslation.literal($0) }
        let names = fill.cols
        guard !values.isEmpty, values.count == 1 || values.count == names.count else {
            throw SparkError.invalidPlan("na.fill has \(names.count) columns and \(values.count) values")
        }
        return .reshape(
            Reshape(try plan(fill.input)) { (schema, input) throws(QueryError) in
                try ColumnKind.check(names, schema)
                let outputs = schema.fields.map { field -> Expression in
                    let column = Expression.attribute([field.name], planID: nil)
                    let place = names.firstIndex { Identifier.same($0, field.name) }
                    guard names.isEmpty || place != nil else { return column }
                    let value = values[values.count == 1 ? 0 : place ?? 0]
                    guard ColumnKind(field.type) == ColumnKind(value.type), ColumnKind(field.type) != nil else { return column }
                    let filled = Expression.call(
                        "coalesce", ColumnKind.present(column, field.type), .cast(.literal(value), to: field.type, isTry: false))
                    return .alias(filled, name: field.name)
                }
                return .project(outputs, input)
            })
    }

    func dropMissing(_ drop: Spark_Connect_NADrop) throws -> Plan {
        let names = drop.cols
        let least = drop.hasMinNonNulls ? Int(drop.minNonNulls) : nil
        return .reshape(
            Reshape(try plan(drop.input)) { (schema, input) throws(QueryError) in
                try ColumnKind.check(names, schema)
                let fields =
                    names.isEmpty ? schema.fields : schema.fields.filter { field in names.contains { Identifier.same($0, field.name) } }
                let counts = fields.map { field in
                    let present = ColumnKind.present(.attribute([field.name], planID: nil), field.type)
                    let branch = CaseBranch(condition: .call("isnotnull", present), result: .literal(.int(1)))
                    return Expression.caseWhen(branches: [branch], otherwise: .literal(.int(0)))
                }
                guard let first = counts.first else { return input }
                let total = counts.dropFirst().reduce(first) { .call("+", $0, $1) }
                return .filter(.call(">=", total, .literal(.long(Int64(least ?? counts.count)))), input)
            })
    }

    func replace(_ replace: Spark_Connect_NAReplace) throws -> Plan {
        let names = replace.cols
        let pairs = try replace.replacements.map {
            (old: try LiteralTranslation.literal($0.oldValue), new: try LiteralTranslation.literal($0.newValue))
        }
        return .reshape(
            Reshape(try plan(replace.input)) { (schema, input) throws(QueryError) in
                try ColumnKind.check(names, schema)
                let outputs = schema.fields.map { field -> Expression in
                    let column = Expression.attribute([field.name], planID: nil)
                    let wanted = names.isEmpty || names.contains { Identifier.same($0, field.name) }
                    guard wanted, let kind = ColumnKind(field.type) else { return column }
                    let branches = pairs.filter { ColumnKind($0.old.type) == kind }.map { pair in
                        CaseBranch(
                            condition: .call("=", column, .literal(pair.old)),
                            result: .cast(.literal(pair.new), to: field.type, isTry: false))
                    }
                    return branches.isEmpty ? column : .alias(.caseWhen(branches: branches, otherwise: column), name: field.name)
                }
                return .project(outputs, input)
            })
    }
}

/// The kinds of columns that `na` tells apart.
enum ColumnKind {
    case number, text, flag

    init?(_ type: DataType) {
        switch type {
        case .string: self = .text
        case .boolean: self = .flag
        default:
            guard type.isNumeric else { return nil }
            self = .number
        }
    }

    /// Null also for a NaN.
    static func present(_ column: Expression, _ type: DataType) -> Expression {
        guard type.isFractional else { return column }
        let branch = CaseBranch(condition: .call("isnan", column), result: .cast(.literal(.null), to: type, isTry: false))
        return .caseWhen(branches: [branch], otherwise: column)
    }

    /// Refuses names that are no columns.
    static func check(_ names: [String], _ schema: Schema) throws(QueryError) {
        for name in names where !schema.fields.contains(where: { Identifier.same($0.name, name) }) {
            throw QueryError(
                .unresolvedColumn,
                [
                    "objectName": Identifier.quoted(name),
                    "proposal": schema.fields.prefix(5).map { Identifier.quoted($0.name) }.joined(separator: ", "),
                ])
        }
    }
}
