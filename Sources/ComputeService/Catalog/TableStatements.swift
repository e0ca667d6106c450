// CREATE, DROP and ALTER of tables and views. The files of a new table are whole before the catalog knows it; those of a dropped one go
// after the catalog has forgotten it.
import CatalogCore
import ComputeCore
import ComputeRuntime
import QueryCore

extension StatementRunner {
    // MARK: Creation

    func createTable(_ statement: TableStatement) throws {
        let name = try name(statement.name)
        try CatalogNames.check(name.name)
        let home = try database([name.database])
        let former = catalog.state.table(name.database, name.name)
        if let former {
            switch statement.mode {
            case .unlessExists: return
            case .new: throw QueryError(.tableOrViewAlreadyExists, ["relationName": name.quoted])
            case .replacing, .newOrReplacing:
                if former.isView { throw QueryError(.expectTableNotView, ["operation": "REPLACE TABLE", "viewName": name.quoted]) }
            }
        } else if statement.mode == .replacing {
            throw name.notFound
        }
        var table = try description(statement, name)
        if let location = statement.location ?? statement.options.last(where: { Identifier.same($0.name, "path") })?.value {
            (table.kind, table.location) = (.external, try Self.absolute(location, in: home.location))
            if statement.query != nil, former?.location != table.location, try storage.isOccupied(table.location) {
                throw QueryError(.pathAlreadyExists, ["outputPath": Self.shown(location: table.location)])
            }
        } else {
            (table.kind, table.location) = (.managed, try freeLocation(name, home, isReplaced: former != nil))
        }
        if let query = statement.query {
            try create(&table, from: query, replacing: former)
        } else {
            try create(&table, replacing: former)
        }
        if let former, former.kind == .managed, former.location != table.location { try removeFiles(of: former) }
    }

    /// The table without its place.
    private func description(_ statement: TableStatement, _ name: TableName) throws -> CatalogTable {
        var table = CatalogTable()
        if let like = statement.like {
            guard let model = try relation(like) else { throw notFound(like) }
            (table.columns, table.partitionColumns) = (model.columns, model.partitionColumns)
            (table.format, table.options) = (model.isView ? defaultFormat : model.format, model.options)
        } else {
            table.format = defaultFormat
            table.columns = statement.columns.map { TableColumns.column($0.field, comment: $0.comment) }
            table.partitionColumns = statement.partitionColumns
            table.options = TableColumns.named(statement.options.filter { !Identifier.same($0.name, "path") })
        }
        if let format = statement.format?.lowercased() { table.format = format }
        if ["orc", "avro", "xml", "jdbc", "delta", "iceberg", "kafka", "hive"].contains(table.format) {
            throw QueryError.unsupported("tables of the format \(table.format)")
        }
        _ = try TableColumns.format(table)
        (table.database, table.name, table.comment) = (name.database, name.name, statement.comment)
        table.properties = TableColumns.named(statement.properties)
        return table
    }

    private var defaultFormat: String { session.withConfig { $0["spark.sql.sources.default"]?.lowercased() } ?? "parquet" }

    /// The folder of a new managed table. One that a renamed table still has, or a replaced one until the end, is passed by.
    private func freeLocation(_ name: TableName, _ home: CatalogDatabase, isReplaced: Bool) throws -> String {
        let plain = JobPath.join(home.location, name.name)
        guard try storage.isOccupied(plain) else { return plain }
        guard isReplaced || catalog.state.isUsed(plain) else {
            throw QueryError(
                .locationAlreadyExists, ["identifier": name.quoted, "location": "'\(Self.shown(location: plain))'"])
        }
        return plain + "-" + TableStorage.uniqueID.prefix(8)
    }

    /// As Spark shows it: local paths have a scheme, too.
    static func shown(location: String) -> String { JobPath.scheme(location) == nil ? "file:" + location : location }

    /// A table without rows of its own; an external one may find files.
    private func create(_ table: inout CatalogTable, replacing former: CatalogTable?) throws {
        if table.columns.isEmpty {
            guard table.kind == .external, try storage.exists(table.location) else {
                throw QueryError(.unableToInferSchema, ["format": table.format.uppercased()])
            }
            let source = FileSource(
                format: try TableColumns.format(table), paths: [table.location], options: TableColumns.options(table))
            table.columns = try engine.schema(.files(source)).fields.map { TableColumns.column($0) }
            if table.partitionColumns.isEmpty {
                let (files, path) = try storage.files.resolve(table.location)
                let first = try TableOutputFolder.partitions(files: files, path: path).first ?? []
                table.partitionColumns = first.map(\.name)
            }
        }
        try arrange(&table)
        try storage.make(table.location)
        try catalog.changed(.createTable(table, replacing: former?.id ?? 0))
    }

    private func create(_ table: inout CatalogTable, from query: Plan, replacing former: CatalogTable?) throws {
        let fields = try engine.schema(query).fields
        table.columns = fields.map { TableColumns.column($0) }
        try arrange(&table)
        let shape = try TableColumns.shape(of: table)
        let plan = Plan.project(table.columns.map { .attribute([$0.name], planID: nil) }, query)
        try engine.checkWrite(plan, as: shape)
        let folder = try storage.output(table.location, .replacing)
        do {
            try engine.write(plan, as: shape, to: folder, operation)
            try storage.locks.exclusive(table.location, isCancelled: isCancelled) {
                // Another statement may have made the table meanwhile.
                guard catalog.state.table(table.database, table.name)?.id == former?.id else {
                    throw QueryError(.tableOrViewAlreadyExists, ["relationName": TableName(table).quoted])
                }
                guard !operation.token.isCancelled else { throw QueryError(.operationCancelled) }
                try folder.commit()
                try catalog.changed(.createTable(table, replacing: former?.id ?? 0))
            }
        } catch {
            folder.abandon()
            throw error
        }
    }

    /// Limits of one table.
    private static let columnsMax = 10_000
    private static let partitionColumnsMax = 64

    private static func checkUnique(_ columns: [CatalogColumn]) throws {
        var names: Set<String> = []
        for column in columns where !names.insert(column.name.lowercased()).inserted {
            throw QueryError(.columnAlreadyExists, ["columnName": Identifier.quoted(column.name.lowercased())])
        }
    }

    /// Checks the columns and puts those of partitions last, in the order of the partitions.
    private func arrange(_ table: inout CatalogTable) throws {
        guard table.columns.count <= Self.columnsMax, table.partitionColumns.count <= Self.partitionColumnsMax else {
            throw QueryError.unsupported("more than \(Self.columnsMax) columns, or \(Self.partitionColumnsMax) of partitions, in one table")
        }
        try Self.checkUnique(table.columns)
        var partitions: [CatalogColumn] = []
        for name in table.partitionColumns {
            guard let column = table.columns.first(where: { Identifier.same($0.name, name) }) else {
                throw QueryError(
                    .columnNotDefinedInTable,
                    [
                        "colType": "partition", "colName": Identifier.quoted(name), "tableName": TableName(table).quoted,
                        "tableCols": table.columns.map { Identifier.quoted($0.name) }.joined(separator: ", "),
                    ])
            }
            if partitions.contains(where: { Identifier.same($0.name, name) }) {
                throw QueryError(.columnAlreadyExists, ["columnName": Identifier.quoted(name.lowercased())])
            }
            partitions.append(column)
        }
        for column in partitions {
            let type = try Parser.parseType(column.type)
            guard type.isAtomic, type != .binary, type != .null else {
                throw QueryError.unsupported("the partition column \(Identifier.quoted(column.name)) of the type \(type.sqlName)")
            }
        }
        let data = table.columns.filter { column in !partitions.contains { $0.name == column.name } }
        if data.isEmpty { throw QueryError(.allPartitionColumns) }
        table.columns = data + partitions
        table.partitionColumns = partitions.map(\.name)
    }

    // MARK: Views

    func createView(_ statement: ViewStatement) throws {
        let name = try name(statement.name)
        try CatalogNames.check(name.name)
        _ = try database([name.database])
        let former = catalog.state.table(name.database, name.name)
        if let former {
            switch statement.mode {
            case .unlessExists: return
            case .new: throw QueryError(.tableOrViewAlreadyExists, ["relationName": name.quoted])
            case .replacing, .newOrReplacing:
                guard former.isView else { throw wrongObject("CREATE OR REPLACE VIEW", needs: "VIEW", former) }
            }
        }
        var view = CatalogTable()
        (view.database, view.name, view.kind, view.comment) = (name.database, name.name, .view, statement.comment)
        view.properties = TableColumns.named(statement.properties)
        try setQuery(&view, statement.query, text: statement.text, columns: statement.columns)
        try catalog.changed(.createTable(view, replacing: former?.id ?? 0))
    }

    private func setQuery(_ view: inout CatalogTable, _ query: Plan, text: String, columns: [(name: String, comment: String?)]) throws {
        let name = TableName(view)
        let (schema, temporary, relations) = try engine.viewFacts(query)
        // Temporary views end before it does.
        if let temporary = temporary.first {
            throw QueryError(
                .invalidTemporaryReference,
                ["objName": name.quoted, "obj": "VIEW", "tempObjName": Identifier.quoted(temporary), "tempObj": "VIEW"])
        }
        if relations.contains(name.parts) { throw QueryError(.recursiveView, ["viewIdent": name.quoted]) }
        if !columns.isEmpty, columns.count != schema.count {
            throw QueryError(.assignmentArityMismatch, ["numTarget": "\(columns.count)", "numExpr": "\(schema.count)"])
        }
        view.query.columns = schema.fields.map(\.name)
        view.columns = schema.fields.enumerated().map { place, field in
            let given = columns.isEmpty ? (name: field.name, comment: nil) : columns[place]
            return CatalogColumn(given.name, type: TableColumns.text(field.type), nullable: field.nullable, comment: given.comment)
        }
        try Self.checkUnique(view.columns)
        (view.query.text, view.query.database) = (text, engine.database)
    }

    private func wrongObject(_ operation: String, needs required: String, _ found: CatalogTable) -> QueryError {
        let alternative = found.isView ? "DROP VIEW" : "DROP TABLE"
        return QueryError(
            .wrongCommandForObject,
            [
                "operation": operation, "requiredType": required, "objectName": TableName(found).plain,
                "foundType": "\(found.kind)".uppercased(), "alternative": alternative,
            ])
    }

    // MARK: DROP

    func drop(_ kind: RelationKind, _ parts: [String], ifExists: Bool) throws {
        // A temporary view hides what lasts.
        if parts.count == 1, engine.hasView(parts) {
            guard kind == .view else {
                throw QueryError(.expectTableNotView, ["operation": "DROP TABLE", "viewName": Identifier.quoted(parts)])
            }
            _ = engine.dropView(parts[0])
            return
        }
        guard let table = try relation(parts) else {
            if ifExists { return }
            throw notFound(parts)
        }
        switch kind {
        case .view where !table.isView: throw wrongObject("DROP VIEW", needs: "VIEW", table)
        case .table where table.isView: throw wrongObject("DROP TABLE", needs: "EXTERNAL or MANAGED", table)
        case .view: try catalog.changed(.dropTable(table.id))
        case .table:
            try storage.locks.exclusive(table.location, isCancelled: isCancelled) {
                try catalog.changed(.dropTable(table.id))
                if table.kind == .managed { try storage.remove(table.location) }
            }
        }
    }

    // MARK: ALTER

    func alter(_ kind: RelationKind, _ parts: [String], _ alteration: Alteration) throws {
        guard var table = try relation(parts) else { throw notFound(parts) }
        if kind == .table, table.isView {
            throw QueryError(.expectTableNotView, ["operation": "ALTER TABLE", "viewName": TableName(table).quoted])
        }
        if kind == .view, !table.isView { throw wrongObject("ALTER VIEW", needs: "VIEW", table) }
        switch alteration {
        case .rename(let target): return try rename(table, to: target)
        case .addPartitions(let lists, let unlessExists): return try addPartitions(table, lists, unlessExists: unlessExists)
        case .dropPartitions(let lists, let ifExists): return try dropPartitions(table, lists, ifExists: ifExists)
        case .recoverPartitions: return
        case .addColumns(let columns): try add(columns, to: &table)
        case .setColumnComment(let name, let comment):
            guard let place = table.columns.firstIndex(where: { Identifier.same($0.name, name) }) else {
                throw unknownColumn(name, table)
            }
            table.columns[place].comment = comment
        case .setProperties(let properties):
            if let comment = properties.last(where: { $0.name == "comment" }) { table.comment = comment.value }
            let others = properties.filter { $0.name != "comment" }
            table.properties = TableColumns.named(table.properties.map { ReadOption($0.name, $0.value) } + others)
        case .unsetProperties(let names):
            let gone = Set(names)
            if gone.contains("comment") { table.comment = nil }
            table.properties.removeAll { gone.contains($0.name) }
        case .setComment(let comment): table.comment = comment
        case .setLocation(let location):
            table.location = try Self.absolute(location, in: try database([table.database]).location)
            table.kind = .external
            try storage.make(table.location)
        case .viewQuery(let query, let text): try setQuery(&table, query, text: text, columns: [])
        }
        try catalog.changed(.changeTable(table))
    }

    private func rename(_ table: CatalogTable, to target: [String]) throws {
        // A name alone stays in the table's database.
        let name = target.count == 1 ? TableName(database: table.database, name: target[0].lowercased()) : try name(target)
        try CatalogNames.check(name.name)
        try catalog.changed(.renameTable(table.id, database: name.database, name: name.name))
    }

    private func add(_ columns: [DefinedColumn], to table: inout CatalogTable) throws {
        let count = table.columns.count - table.partitionColumns.count
        table.columns.insert(contentsOf: columns.map { TableColumns.column($0.field, comment: $0.comment) }, at: count)
        try arrange(&table)
    }

    func unknownColumn(_ name: String, _ table: CatalogTable) -> QueryError {
        QueryError(
            .unresolvedColumn,
            [
                "objectName": Identifier.quoted(name),
                "proposal": table.columns.map { Identifier.quoted($0.name) }.joined(separator: ", "),
            ])
    }
}
