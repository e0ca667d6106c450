// The catalog requests for one catalog, one database and temporary views; others are refused by name. Answers are tables with the columns
// that Spark's clients read by position.
import ComputeCore
import QueryCore
import SparkWire

extension PlanExecution {
    static let catalogName = "spark_catalog"
    static let databaseName = "default"

    func catalog(_ catalog: Spark_Connect_Catalog) throws -> Batch {
        switch catalog.catType {
        case .currentCatalog: return Self.single("value", .string(Self.catalogName), .string)
        case .currentDatabase: return Self.single("value", .string(Self.databaseName), .string)
        case .tableExists(let table):
            let isThere = try session.engine.hasView(ExpressionTranslation.nameParts(table.tableName))
            return Self.single("value", .boolean(isThere), .boolean)
        case .databaseExists(let database):
            return Self.single("value", .boolean(database.dbName.lowercased() == Self.databaseName), .boolean)
        case .dropTempView(let view): return Self.single("value", .boolean(try session.engine.dropView(view.viewName)), .boolean)
        case .listTables(let tables):
            guard !tables.hasPattern else { throw SparkError.unsupported("patterns of listTables") }
            return Self.views(session.engine.viewNames)
        case let kind?:
            let label = Mirror(reflecting: kind).children.first?.label ?? "catalog"
            throw SparkError.unsupported("the catalog operation '\(label)' of Spark Connect")
        case nil: throw SparkError.invalidPlan("a catalog relation is empty or of a kind that this server does not know")
        }
    }

    private static func single(_ name: String, _ value: Value, _ type: DataType) -> Batch {
        Batch(schema: Schema([StructField(name, type, nullable: false)]), columns: [Column(type: type, values: [value])], rowCount: 1)
    }

    private static func views(_ names: [String]) -> Batch {
        let schema = Schema([
            StructField("name", .string, nullable: false), StructField("catalog", .string),
            StructField("namespace", .array(element: .string, containsNull: true)), StructField("description", .string),
            StructField("tableType", .string, nullable: false), StructField("isTemporary", .boolean, nullable: false),
        ])
        let nulls = [Value](repeating: .null, count: names.count)
        let cells: [[Value]] = [
            names.map { .string($0) }, nulls, names.map { _ in .array([]) }, nulls, names.map { _ in .string("TEMPORARY") },
            names.map { _ in .boolean(true) },
        ]
        let columns = zip(schema.fields, cells).map { Column(type: $0.type, values: $1) }
        return Batch(schema: schema, columns: columns, rowCount: names.count)
    }
}
