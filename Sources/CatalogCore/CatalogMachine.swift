// The catalog of compute as a deterministic state machine: databases, tables and views by name. It looks at no file and parses nothing.
// The service makes names of lower-case letters, digits and `_`; here a name is its bytes.
import Base

package struct CatalogMachine: StateMachine, Sendable {
    /// Limits: a person's catalog is far smaller, and a client that goes on for ever stops here.
    package static let databasesMax = 10_000
    package static let tablesMax = 100_000
    /// Bytes of one record, and of all.
    package static let recordBytesMax = 1 << 20
    package static let bytesMax = 256 << 20

    /// A record and its bytes in its row.
    private struct Stored<Record: Sendable>: Sendable {
        var record: Record
        var bytes: Int
    }
    private struct TableKey: Sendable {
        var database: String
        var name: String
    }

    private var databases = SortedTable<String, Stored<CatalogDatabase>>()
    /// By database; loaded rows may come before that of their database.
    private var tables = SortedTable<String, SortedTable<String, Stored<CatalogTable>>>()
    private var keys = LookupTable<Int64, TableKey>()
    /// Bytes of all records.
    package private(set) var bytes = 0

    package init() {}

    // MARK: Reading

    package func database(_ name: String) -> CatalogDatabase? { databases[name]?.record }

    /// By name, ascending.
    package var databaseNames: [String] { databases.keys }

    package func table(_ database: String, _ name: String) -> CatalogTable? { tables[database]?[name]?.record }

    package func table(_ id: Int64) -> CatalogTable? { keys[id].flatMap { table($0.database, $0.name) } }

    /// Whether files of a table lie in this folder.
    package func isUsed(_ location: String) -> Bool {
        tables.entries.contains { $0.value.entries.contains { $0.value.record.location.hasSameBytes(as: location) } }
    }

    /// The tables and views of a database, by name, ascending.
    package func tables(of database: String) -> [CatalogTable] { tables[database]?.entries.map(\.value.record) ?? [] }

    // MARK: Changes

    package mutating func apply(_ command: CatalogCommand, at position: ApplyPosition, rows: inout RowChanges) -> CatalogOutcome {
        do throws(CatalogRefusal) { return .success(try changed(command, position, &rows)) } catch { return .failure(error) }
    }

    private mutating func changed(_ command: CatalogCommand, _ position: ApplyPosition, _ rows: inout RowChanges) throws(CatalogRefusal)
        -> CatalogTable?
    {
        try checkRoom(command)
        switch command {
        case .createDatabase(let database, let unlessExists): try create(database, unlessExists, &rows)
        case .changeDatabase(let database):
            guard databases[database.name] != nil else { throw .noDatabase(database.name) }
            put(database, &rows)
        case .dropDatabase(let name, let cascade): try drop(name, cascade, &rows)
        case .createTable(let table, let replacing): return try create(table, replacing, position, &rows)
        case .changeTable(let table):
            guard let former = self.table(table.id) else { throw .tableIsGone }
            guard former.stamp.version == table.stamp.version, former.database.hasSameBytes(as: table.database),
                former.name.hasSameBytes(as: table.name)
            else {
                throw .tableChanged
            }
            return put(table, &rows)
        case .renameTable(let id, let database, let name): return try rename(id, database, name, &rows)
        case .dropTable(let id):
            guard let table = self.table(id) else { throw .tableIsGone }
            remove(table, &rows)
            return table
        }
        return nil
    }

    private func checkRoom(_ command: CatalogCommand) throws(CatalogRefusal) {
        let added: Int
        switch command {
        case .createDatabase(let database, _), .changeDatabase(let database): added = CatalogRows.record(database).readableBytes
        case .createTable(let table, _), .changeTable(let table): added = CatalogRows.record(table).readableBytes
        case .dropDatabase, .dropTable, .renameTable: return
        }
        guard added <= Self.recordBytesMax else { throw .limit("a definition of more than \(Self.recordBytesMax) bytes") }
        guard bytes + added <= Self.bytesMax else { throw .limit("a catalog of more than \(Self.bytesMax) bytes") }
    }

    private mutating func create(_ database: CatalogDatabase, _ unlessExists: Bool, _ rows: inout RowChanges) throws(CatalogRefusal) {
        if databases[database.name] != nil {
            if unlessExists { return }
            throw .databaseExists(database.name)
        }
        guard databases.count < Self.databasesMax else { throw .limit("more than \(Self.databasesMax) databases") }
        put(database, &rows)
    }

    private mutating func drop(_ name: String, _ cascade: Bool, _ rows: inout RowChanges) throws(CatalogRefusal) {
        guard databases[name] != nil else { throw .noDatabase(name) }
        let inside = tables(of: name)
        guard inside.isEmpty || cascade else { throw .databaseNotEmpty(name) }
        for table in inside { remove(table, &rows) }
        set(nil, name)
        rows.delete(CatalogRows.databases, key: [.text(name)])
    }

    private mutating func create(
        _ table: CatalogTable, _ replacing: Int64, _ position: ApplyPosition, _ rows: inout RowChanges
    ) throws(CatalogRefusal) -> CatalogTable {
        guard databases[table.database] != nil else { throw .noDatabase(table.database) }
        let former = self.table(table.database, table.name)
        guard former?.id ?? 0 == replacing else {
            throw replacing == 0 ? .tableExists(database: table.database, name: table.name) : .tableChanged
        }
        guard keys.count < Self.tablesMax || former != nil else { throw .limit("more than \(Self.tablesMax) tables") }
        if let former { remove(former, &rows) }
        var created = table
        created.stamp.id = position.slot.rawValue
        created.stamp.version = 0
        created.stamp.created = position.time
        return put(created, &rows)
    }

    private mutating func rename(
        _ id: Int64, _ database: String, _ name: String, _ rows: inout RowChanges
    ) throws(CatalogRefusal) -> CatalogTable {
        guard var table = self.table(id) else { throw .tableIsGone }
        guard databases[database] != nil else { throw .noDatabase(database) }
        guard self.table(database, name) == nil else { throw .tableExists(database: database, name: name) }
        remove(table, &rows)
        (table.database, table.name) = (database, name)
        return put(table, &rows)
    }

    private mutating func put(_ database: CatalogDatabase, _ rows: inout RowChanges) {
        let row = CatalogRows.row(database)
        set(Stored(record: database, bytes: Self.bytes(row)), database.name)
        rows.upsert(CatalogRows.databases, row)
    }

    @discardableResult
    private mutating func put(_ table: CatalogTable, _ rows: inout RowChanges) -> CatalogTable {
        var table = table
        table.stamp.version &+= 1
        let row = CatalogRows.row(table)
        set(Stored(record: table, bytes: Self.bytes(row)), table.database, table.name)
        rows.upsert(CatalogRows.tables, row)
        return table
    }

    private mutating func remove(_ table: CatalogTable, _ rows: inout RowChanges) {
        set(nil, table.database, table.name)
        rows.delete(CatalogRows.tables, key: [.text(table.database), .text(table.name)])
    }

    private static func bytes(_ row: Row) -> Int { row.last?.blob?.readableBytes ?? 0 }

    private mutating func set(_ stored: Stored<CatalogDatabase>?, _ name: String) {
        bytes += (stored?.bytes ?? 0) - (databases[name]?.bytes ?? 0)
        databases[name] = stored
    }

    private mutating func set(_ stored: Stored<CatalogTable>?, _ database: String, _ name: String) {
        let former = tables[database]?[name]
        bytes += (stored?.bytes ?? 0) - (former?.bytes ?? 0)
        if let former { keys.remove(former.record.id) }
        if let stored {
            keys[stored.record.id] = TableKey(database: database, name: name)
            if tables[database] == nil { tables[database] = SortedTable() }
        }
        let isEmpty = tables.update(database) { inside in
            inside[name] = stored
            return inside.isEmpty
        }
        if isEmpty == true { tables[database] = nil }
    }

    // MARK: Loading

    package static var tables: [TableSchema] { [CatalogRows.databases, CatalogRows.tables] }

    package mutating func load(_ row: Row, of table: TableSchema) throws(StateCorruption) {
        if table.name == CatalogRows.databases.name {
            let database = try CatalogRows.database(row)
            set(Stored(record: database, bytes: Self.bytes(row)), database.name)
        } else {
            let loaded = try CatalogRows.table(row)
            set(Stored(record: loaded, bytes: Self.bytes(row)), loaded.database, loaded.name)
        }
    }

    package mutating func finishLoading(applied: Slot) throws(StateCorruption) {
        for (database, inside) in tables.entries where databases[database] == nil {
            throw StateCorruption("the tables \(inside.keys.prefix(3)) are in the database \(database), which does not exist")
        }
    }
}
