// The catalog requests of Spark Connect (`spark.catalog`): questions are answered here, changes become statements. Answers are tables with
// the columns that Spark's clients read by position.
import CatalogCore
import ComputeCore
import QueryCore
import SparkWire

extension PlanExecution {
    func catalog(_ catalog: Spark_Connect_Catalog) throws -> QueryRun {
        if let answer = try databases(catalog.catType) ?? tables(catalog.catType) ?? changes(catalog.catType) { return answer }
        guard let kind = catalog.catType else {
            throw SparkError.invalidPlan("a catalog relation is empty or of a kind that this server does not know")
        }
        let label = Mirror(reflecting: kind).children.first?.label ?? "catalog"
        throw SparkError.unsupported("the catalog operation '\(label)' of Spark Connect")
    }

    private static func single(_ value: Value, _ type: DataType) -> QueryRun {
        QueryRun(schema: Schema([StructField("value", type, nullable: false)]), rows: [[value]])
    }

    private static var nothing: QueryRun { QueryRun(schema: Schema([]), rows: []) }

    // MARK: Catalogs and databases

    private func databases(_ kind: Spark_Connect_Catalog.OneOf_CatType?) throws -> QueryRun? {
        switch kind {
        case .currentCatalog: return Self.single(.string(CatalogNames.catalog), .string)
        case .setCurrentCatalog(let set):
            guard set.catalogName.lowercased() == CatalogNames.catalog else {
                throw QueryError(
                    .catalogNotFound,
                    ["catalogName": Identifier.quoted(set.catalogName), "config": "\"spark.sql.catalog.\(set.catalogName)\""])
            }
            return Self.nothing
        case .listCatalogs(let list):
            let names = [CatalogNames.catalog].filter { CatalogNames.matches($0, list.hasPattern ? list.pattern : nil) }
            return StatementRunner.texts(["name", "description"], names.map { [$0, nil] }, nullable: true)
        case .currentDatabase: return Self.single(.string(session.engine.database), .string)
        case .setCurrentDatabase(let set): return try statements.run(.useDatabase(try Self.names(set.dbName)))
        case .databaseExists(let exists):
            let name = try CatalogNames.database(try Self.names(exists.dbName))
            return Self.single(.boolean(service.catalog.state.database(name) != nil), .boolean)
        case .getDatabase(let get): return Self.rows([try statements.database(try Self.names(get.dbName))])
        case .listDatabases(let list):
            let state = service.catalog.state
            return Self.rows(statements.databaseNames(list.hasPattern ? list.pattern : nil).compactMap { state.database($0) })
        case .createDatabase(let create):
            var statement = DatabaseStatement(name: try Self.names(create.dbName))
            for (name, value) in create.properties.sorted(by: { $0.key < $1.key }) {
                switch name {
                case "comment": statement.comment = value
                case "location": statement.location = value
                default: statement.properties.append(ReadOption(name, value))
                }
            }
            return try statements.run(.createDatabase(statement, unlessExists: create.ifNotExists))
        case .dropDatabase(let drop):
            return try statements.run(
                .dropDatabase(name: try Self.names(drop.dbName), ifExists: drop.ifExists, cascade: drop.cascade))
        default: return nil
        }
    }

    private static func names(_ text: String) throws -> [String] { try ExpressionTranslation.nameParts(text) }

    private static func rows(_ databases: [CatalogDatabase]) -> QueryRun {
        StatementRunner.texts(
            ["name", "catalog", "description", "locationUri"],
            databases.map { [$0.name, CatalogNames.catalog, $0.comment, StatementRunner.shown(location: $0.location)] }, nullable: true)
    }

    // MARK: Tables

    private func tables(_ kind: Spark_Connect_Catalog.OneOf_CatType?) throws -> QueryRun? {
        switch kind {
        case .tableExists(let table):
            let parts = try Self.names(table.tableName, in: table.hasDbName ? table.dbName : nil)
            return Self.single(.boolean(try session.engine.hasView(parts) || statements.relation(parts) != nil), .boolean)
        case .getTable(let get):
            let parts = try Self.names(get.tableName, in: get.hasDbName ? get.dbName : nil)
            if session.engine.hasView(parts) { return Self.rows([], temporary: parts) }
            guard let table = try statements.relation(parts) else { throw statements.notFound(parts) }
            return Self.rows([table], temporary: [])
        case .listTables(let list):
            return try listed(list.hasDbName ? list.dbName : nil, list.hasPattern ? list.pattern : nil) { _ in true }
        case .listViews(let list):
            return try listed(list.hasDbName ? list.dbName : nil, list.hasPattern ? list.pattern : nil) { $0.isView }
        case .listColumns(let list): return try columns(try Self.names(list.tableName, in: list.hasDbName ? list.dbName : nil))
        case .listPartitions(let list):
            return try statements.run(.show(.partitions(table: try Self.names(list.tableName), [])))
        case .getTableProperties(let get): return try statements.run(.show(.properties(table: try Self.names(get.tableName), key: nil)))
        case .getCreateTableString(let get): return try statements.run(.show(.createTable(try Self.names(get.tableName))))
        case .isCached(let cached):
            // Nothing is ever cached; an unknown name is refused.
            _ = try session.engine.schema(.table(try Self.names(cached.tableName)))
            return Self.single(.boolean(false), .boolean)
        default: return nil
        }
    }

    /// `database` is the separate argument of older clients.
    private static func names(_ text: String, in database: String?) throws -> [String] {
        try (database.map { try names($0) } ?? []) + names(text)
    }

    private func listed(_ database: String?, _ pattern: String?, _ isWanted: (CatalogTable) -> Bool) throws -> QueryRun {
        let home = try statements.database(try database.map { try Self.names($0) } ?? [session.engine.database])
        let tables = service.catalog.state.tables(of: home.name).filter { isWanted($0) && CatalogNames.matches($0.name, pattern) }
        return Self.rows(tables, temporary: session.engine.viewNames.filter { CatalogNames.matches($0, pattern) })
    }

    private static func rows(_ tables: [CatalogTable], temporary: [String]) -> QueryRun {
        let schema = Schema([
            StructField("name", .string, nullable: false), StructField("catalog", .string),
            StructField("namespace", .array(element: .string, containsNull: true)), StructField("description", .string),
            StructField("tableType", .string, nullable: false), StructField("isTemporary", .boolean, nullable: false),
        ])
        let lasting: [[Value]] = tables.map {
            [
                .string($0.name), .string(CatalogNames.catalog), .array([.string($0.database)]), $0.comment.map { .string($0) } ?? .null,
                .string("\($0.kind)".uppercased()), .boolean(false),
            ]
        }
        let views: [[Value]] = temporary.map { [.string($0), .null, .array([]), .null, .string("TEMPORARY"), .boolean(true)] }
        return QueryRun(schema: schema, rows: lasting + views)
    }

    private func columns(_ parts: [String]) throws -> QueryRun {
        let partitions = session.engine.hasView(parts) ? [] : try statements.relation(parts)?.partitionColumns ?? []
        let schema = Schema([
            StructField("name", .string, nullable: false), StructField("description", .string),
            StructField("dataType", .string, nullable: false), StructField("nullable", .boolean, nullable: false),
            StructField("isPartition", .boolean, nullable: false), StructField("isBucket", .boolean, nullable: false),
            StructField("isCluster", .boolean, nullable: false),
        ])
        let rows: [[Value]] = try statements.columns(of: parts).map { column in
            [
                .string(column.name), column.comment.map { .string($0) } ?? .null,
                .string(try Parser.parseType(column.type).simpleString), .boolean(column.nullable),
                .boolean(partitions.contains { Identifier.same($0, column.name) }), .boolean(false), .boolean(false),
            ]
        }
        return QueryRun(schema: schema, rows: rows)
    }

    // MARK: Changes

    private func changes(_ kind: Spark_Connect_Catalog.OneOf_CatType?) throws -> QueryRun? {
        switch kind {
        case .dropTempView(let view): return Self.single(.boolean(session.engine.dropView(view.viewName)), .boolean)
        case .dropGlobalTempView: return Self.single(.boolean(false), .boolean)
        case .dropTable(let drop):
            return try statements.run(.drop(.table, name: try Self.names(drop.tableName), ifExists: drop.ifExists))
        case .dropView(let drop): return try statements.run(.drop(.view, name: try Self.names(drop.viewName), ifExists: drop.ifExists))
        case .truncateTable(let truncate): return try statements.run(.truncate(name: try Self.names(truncate.tableName), partition: []))
        case .refreshTable(let refresh): return try statements.run(.refresh(name: try Self.names(refresh.tableName)))
        case .recoverPartitions(let recover):
            return try statements.run(.alter(.table, name: try Self.names(recover.tableName), .recoverPartitions))
        // Nothing is remembered of files between queries, and nothing is cached.
        case .refreshByPath, .clearCache_p: return Self.nothing
        case .uncacheTable(let uncache):
            _ = try session.engine.schema(.table(try Self.names(uncache.tableName)))
            return Self.nothing
        case .createTable(let create):
            return try self.create(
                create.tableName, create.hasSource ? create.source : nil, create.hasPath ? create.path : nil,
                create.hasSchema ? create.schema : nil, create.options, create.hasDescription_p ? create.description_p : nil)
        case .createExternalTable(let create):
            return try self.create(
                create.tableName, create.hasSource ? create.source : nil, create.hasPath ? create.path : nil,
                create.hasSchema ? create.schema : nil, create.options, nil)
        default: return nil
        }
    }

    private func create(
        _ name: String, _ source: String?, _ path: String?, _ schema: Spark_Connect_DataType?, _ options: [String: String],
        _ description: String?
    ) throws -> QueryRun {
        var statement = TableStatement(name: try Self.names(name), mode: .new)
        (statement.format, statement.location, statement.comment) = (source, path, description)
        statement.options = options.sorted { $0.key < $1.key }.map { ReadOption($0.key, $0.value) }
        if let schema, case .structure(let fields) = try TypeTranslation.type(schema) {
            statement.columns = fields.map { DefinedColumn($0) }
        }
        _ = try statements.run(.createTable(statement))
        return try session.engine.run(.table(statement.name), operation)
    }
}
