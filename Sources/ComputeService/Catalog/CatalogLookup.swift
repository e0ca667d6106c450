// Tables and lasting views for the analyser: a table is its files with the catalog's columns, a view its parsed text. Types are texts in
// the catalog; the two forms of columns meet here.
import CatalogCore
import ComputeCore
import QueryCore

struct CatalogLookup: TableLookup {
    let catalog: any CatalogStore
    let storage: TableStorage

    func relation(_ parts: [String], database: String) throws(QueryError) -> CatalogRelation? {
        guard parts.count <= 3, parts.count < 3 || parts[0].lowercased() == CatalogNames.catalog else { return nil }
        let name = try CatalogNames.table(parts, current: database)
        guard let table = catalog.state.table(name.database, name.name) else { return nil }
        if table.isView {
            return CatalogRelation(name: name.parts, .query(try TableColumns.plan(ofView: table), database: table.query.database))
        }
        let source = try TableColumns.source(of: table)
        guard try storage.restore(table.location) else {
            // The folder is gone: the table is empty, as in Spark.
            return CatalogRelation(
                name: name.parts, .query(.local(BatchList(schema: source.schema ?? Schema([]), batches: [])), database: name.database))
        }
        return CatalogRelation(name: name.parts, .files(source))
    }
}

enum TableColumns {
    static func fields(_ table: CatalogTable) throws(QueryError) -> [StructField] {
        var fields: [StructField] = []
        for column in table.columns {
            fields.append(StructField(column.name, try Parser.parseType(column.type), nullable: column.nullable))
        }
        return fields
    }

    static func column(_ field: StructField, comment: String? = nil) -> CatalogColumn {
        CatalogColumn(field.name, type: text(field.type), nullable: field.nullable, comment: comment)
    }

    /// The type as the parser reads it back.
    static func text(_ type: DataType) -> String {
        switch type {
        case .array(let element, _): return "array<\(text(element))>"
        case .map(let key, let value, _): return "map<\(text(key)),\(text(value))>"
        case .structure(let fields):
            let inner = fields.map { "\(Identifier.quotedIfNeeded($0.name)): \(text($0.type))\($0.nullable ? "" : " NOT NULL")" }
            return "struct<" + inner.joined(separator: ",") + ">"
        default: return type.simpleString
        }
    }

    /// The table's files. Readers see all columns as nullable, as in Spark.
    static func source(of table: CatalogTable) throws(QueryError) -> FileSource {
        let fields = try fields(table).map { StructField($0.name, $0.type) }
        return FileSource(format: try format(table), paths: [table.location], schema: Schema(fields), options: options(table))
    }

    static func format(_ table: CatalogTable) throws(QueryError) -> FileFormat {
        guard let format = FileFormat(rawValue: table.format) else { throw QueryError(.dataSourceNotFound, ["provider": table.format]) }
        return format
    }

    static func options(_ table: CatalogTable) -> [ReadOption] { table.options.map { ReadOption($0.name, $0.value) } }

    /// How the table's files are written.
    static func shape(of table: CatalogTable) throws(QueryError) -> OutputShape {
        OutputShape(format: try format(table), options: options(table), partitionColumns: table.partitionColumns)
    }

    /// The view's query, with the columns that it had at its creation, under the view's names.
    static func plan(ofView view: CatalogTable) throws(QueryError) -> Plan {
        let query = try Parser.parse(view.query.text)
        let names = view.columns.map(\.name)
        // Names that are not unique are taken in their order.
        guard Set(view.query.columns.map { $0.lowercased() }).count == view.query.columns.count else { return .toDF(names, query) }
        return .toDF(names, .project(view.query.columns.map { .attribute([$0], planID: nil) }, query))
    }

    static func named(_ properties: [ReadOption]) -> [CatalogProperty] {
        var byName: [String: String] = [:]
        for property in properties { byName[property.name] = property.value }
        return byName.sorted { $0.key < $1.key }.map { CatalogProperty($0.key, $0.value) }
    }
}
