// Runs the statements about the catalog, tables and settings, on the thread of their operation. Each looks names up in the session's
// database, does its work on files, and is acknowledged when the catalog's log has it. This file is the table of statements; families have
// files of their own.
import Base
import CatalogCore
import ComputeCore
import ComputeRuntime
import QueryCore

struct StatementRunner {
    let session: SparkSession
    let catalog: any CatalogStore
    let storage: TableStorage
    let operation: PlanOperation

    var engine: QueryEngine { session.engine }

    func run(_ statement: Statement) throws -> QueryRun {
        switch statement {
        case .createDatabase(let database, let unlessExists): try createDatabase(database, unlessExists: unlessExists)
        case .setDatabaseProperties(let name, let properties): try changeDatabase(name, properties: properties)
        case .setDatabaseLocation(let name, let location): try changeDatabase(name, location: location)
        case .dropDatabase(let name, let ifExists, let cascade): try dropDatabase(name, ifExists: ifExists, cascade: cascade)
        case .useDatabase(let name): engine.database = try database(name).name
        case .createTable(let table): try createTable(table)
        case .createView(let view): try createView(view)
        case .drop(let kind, let name, let ifExists): try drop(kind, name, ifExists: ifExists)
        case .insert(let insertion): try insert(insertion)
        case .truncate(let name, let partition): try truncate(name, partition)
        case .alter(let kind, let name, let alteration): try alter(kind, name, alteration)
        case .refresh(let name): _ = try engine.schema(.table(name))
        case .show(let listing): return try show(listing)
        case .describeTable(let name, let column, let extended): return try describe(name, column: column, extended: extended)
        case .describeDatabase(let name, let extended): return try describeDatabase(name, extended: extended)
        case .set(let setting): return try set(setting)
        case .reset(let name): session.withConfig { $0.reset(name) }
        }
        return QueryRun(schema: Schema([]), rows: [])
    }

    // MARK: Names

    func database(_ parts: [String]) throws -> CatalogDatabase {
        let name = try CatalogNames.database(parts)
        guard let database = catalog.state.database(name) else {
            throw QueryError(.schemaNotFound, ["schemaName": CatalogNames.shown(name)])
        }
        return database
    }

    func name(_ parts: [String]) throws -> TableName { try CatalogNames.table(parts, current: engine.database) }

    /// A table or a view; nil if there is none. Its database need not exist.
    func relation(_ parts: [String]) throws -> CatalogTable? {
        let name = try name(parts)
        return catalog.state.table(name.database, name.name)
    }

    /// A table with files; `operation` is the statement in the refusal of a view.
    func table(_ parts: [String], for operation: String) throws -> CatalogTable {
        if parts.count == 1, engine.hasView(parts) {
            throw QueryError(.expectTableNotView, ["operation": operation, "viewName": Identifier.quoted(parts)])
        }
        guard let table = try relation(parts) else { throw notFound(parts) }
        if table.isView { throw QueryError(.expectTableNotView, ["operation": operation, "viewName": TableName(table).quoted]) }
        return table
    }

    func notFound(_ parts: [String]) -> QueryError {
        QueryError(.tableOrViewNotFound, ["relationName": Identifier.quoted(parts), "searchPath": QueryError.searchPath])
    }

    var isCancelled: () -> Bool {
        let token = operation.token
        return { token.isCancelled }
    }

    // MARK: Databases

    private func createDatabase(_ statement: DatabaseStatement, unlessExists: Bool) throws {
        let name = try CatalogNames.database(statement.name)
        try CatalogNames.check(name)
        guard catalog.state.database(name) == nil else {
            if unlessExists { return }
            throw QueryError(CatalogRefusal.databaseExists(name))
        }
        let database = CatalogDatabase(
            name: name, comment: statement.comment ?? "", location: try location(of: statement, name),
            properties: TableColumns.named(statement.properties))
        try storage.make(database.location)
        try catalog.changed(.createDatabase(database, unlessExists: unlessExists))
    }

    private func location(of statement: DatabaseStatement, _ name: String) throws -> String {
        guard let given = statement.location else { return JobPath.join(catalog.warehouse, "\(name).db") }
        return try Self.absolute(given, in: catalog.warehouse)
    }

    /// A location of a statement: a path without a root lies in `folder`.
    static func absolute(_ location: String, in folder: String) throws -> String {
        guard !location.isEmpty else { throw SparkError.invalidPlan("a location is empty") }
        var plain = JobPath.local(location) ?? location
        while plain.utf8.count > 1, plain.endsWithBytes(of: "/"), !plain.endsWithBytes(of: "://") {
            plain = String(plain.droppingBytes(last: 1))
        }
        return JobPath.scheme(plain) != nil || plain.beginsWithBytes(of: "/") ? plain : JobPath.join(folder, plain)
    }

    private func changeDatabase(_ name: [String], properties: [ReadOption] = [], location: String? = nil) throws {
        var changed = try database(name)
        var all = changed.properties.map { ReadOption($0.name, $0.value) }
        for property in properties { if property.name == "comment" { changed.comment = property.value } else { all.append(property) } }
        changed.properties = TableColumns.named(all)
        if let location { changed.location = try Self.absolute(location, in: catalog.warehouse) }
        try catalog.changed(.changeDatabase(changed))
    }

    private func dropDatabase(_ parts: [String], ifExists: Bool, cascade: Bool) throws {
        let name = try CatalogNames.database(parts)
        guard name != CatalogNames.defaultDatabase else { throw QueryError(.dropDefaultDatabase, ["database": CatalogNames.shown(name)]) }
        guard let database = catalog.state.database(name) else {
            if ifExists { return }
            throw QueryError(.schemaNotFound, ["schemaName": CatalogNames.shown(name)])
        }
        let tables = catalog.state.tables(of: name)
        try catalog.changed(.dropDatabase(name, cascade: cascade))
        for table in tables where table.kind == .managed { try removeFiles(of: table) }
        // The folder goes if the tables were all that it held, and it is in the warehouse.
        if database.location == JobPath.join(catalog.warehouse, "\(name).db"), try !storage.isOccupied(database.location) {
            try storage.remove(database.location)
        }
    }

    func removeFiles(of table: CatalogTable) throws {
        try storage.locks.exclusive(table.location, isCancelled: isCancelled) { try storage.remove(table.location) }
    }
}
