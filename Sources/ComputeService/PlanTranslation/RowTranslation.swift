// Relations with one input that choose, order, rename or drop rows and columns.
import QueryCore
import SparkWire

extension RelationTranslation {
    func project(_ project: Spark_Connect_Project) throws -> Plan {
        let input = project.hasInput ? try plan(project.input) : .oneRow
        return .project(try project.expressions.map { try ExpressionTranslation.expression($0) }, input)
    }

    func sort(_ sort: Spark_Connect_Sort) throws -> Plan {
        .sort(try sort.order.map(ExpressionTranslation.sortOrder), try plan(sort.input))
    }

    func withColumns(_ columns: Spark_Connect_WithColumns) throws -> Plan {
        let named = try columns.aliases.map { alias in
            guard alias.name.count == 1 else { throw SparkError.unsupported("a column with \(alias.name.count) names") }
            return NamedExpression(name: alias.name[0], expression: try ExpressionTranslation.expression(alias.expr))
        }
        return .withColumns(named, try plan(columns.input))
    }

    func renamed(_ renamed: Spark_Connect_WithColumnsRenamed) throws -> Plan {
        var renames = renamed.renames.map { ColumnRename(from: $0.colName, to: $0.newColName) }
        // Older clients send a map, whose order has no meaning.
        if renames.isEmpty {
            renames = renamed.renameColumnsMap.sorted { $0.key < $1.key }.map { ColumnRename(from: $0.key, to: $0.value) }
        }
        return .renamed(renames, try plan(renamed.input))
    }

    func drop(_ drop: Spark_Connect_Drop) throws -> Plan {
        let columns = try drop.columns.map { try ExpressionTranslation.expression($0) }
        return .drop(columns + drop.columnNames.map { .attribute([$0], planID: nil) }, try plan(drop.input))
    }

    func deduplicate(_ deduplicate: Spark_Connect_Deduplicate) throws -> Plan {
        guard !deduplicate.withinWatermark else { throw SparkError.unsupported("dropDuplicatesWithinWatermark") }
        let columns = deduplicate.allColumnsAsKeys || deduplicate.columnNames.isEmpty ? nil : deduplicate.columnNames
        return .deduplicate(columns: columns, try plan(deduplicate.input))
    }
}
