// The commands of the catalog's log, and their outcomes. The service makes them from statements, with names in lower case. A released tag
// never changes its meaning.
import Base

/// A command of the catalog's log.
package enum CatalogCommand: WireLayout, Equatable {
    /// With `unlessExists`, one that exists stays as it is.
    case createDatabase(CatalogDatabase, unlessExists: Bool)
    /// Puts comment, location and properties in place of the former ones.
    case changeDatabase(CatalogDatabase)
    /// With `cascade`, also one with tables.
    case dropDatabase(String, cascade: Bool)
    /// The table gets its id, version and time of creation here. `replacing` is the id of the table that it takes the place of; 0 for none.
    case createTable(CatalogTable, replacing: Int64)
    /// Puts the table in place of the one with its id and version.
    case changeTable(CatalogTable)
    /// Its files stay where they are.
    case renameTable(Int64, database: String, name: String)
    case dropTable(Int64)

    package init() { self = .dropTable(0) }

    private var tag: Int8 {
        switch self {
        case .createDatabase: 1
        case .changeDatabase: 2
        case .dropDatabase: 3
        case .createTable: 4
        case .changeTable: 5
        case .renameTable: 6
        case .dropTable: 7
        }
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var tag = tag
        try io.int8(&tag)
        switch tag {
        case 1, 2, 3: try databaseFields(tag, &io)
        case 4, 5, 6, 7: try tableFields(tag, &io)
        default: throw .unknownTag("catalog command", Int(tag))
        }
    }

    private mutating func databaseFields<C: FieldCoder & ~Copyable>(_ tag: Int8, _ io: inout C) throws(WireError) {
        var database = CatalogDatabase()
        var flag = false
        switch self {
        case .createDatabase(let own, let unlessExists): (database, flag) = (own, unlessExists)
        case .changeDatabase(let own): database = own
        case .dropDatabase(let name, let cascade): (database.name, flag) = (name, cascade)
        default: break
        }
        if tag == 3 { try io.string(&database.name) } else { try io.nested(&database) }
        if tag != 2 { try io.bool(&flag) }
        switch tag {
        case 1: self = .createDatabase(database, unlessExists: flag)
        case 2: self = .changeDatabase(database)
        default: self = .dropDatabase(database.name, cascade: flag)
        }
    }

    private mutating func tableFields<C: FieldCoder & ~Copyable>(_ tag: Int8, _ io: inout C) throws(WireError) {
        var table = CatalogTable()
        var id: Int64 = 0
        switch self {
        case .createTable(let own, let replacing): (table, id) = (own, replacing)
        case .changeTable(let own): table = own
        case .renameTable(let own, let database, let name): (id, table.database, table.name) = (own, database, name)
        case .dropTable(let own): id = own
        default: break
        }
        switch tag {
        case 4:
            try io.nested(&table)
            try io.int64(&id)
            self = .createTable(table, replacing: id)
        case 5:
            try io.nested(&table)
            self = .changeTable(table)
        case 6:
            try io.int64(&id)
            try io.string(&table.database)
            try io.string(&table.name)
            self = .renameTable(id, database: table.database, name: table.name)
        default:
            try io.int64(&id)
            self = .dropTable(id)
        }
    }
}

/// Why the catalog did not do it. Nothing has changed.
package enum CatalogRefusal: Error, Hashable, Sendable {
    case noDatabase(String)
    case databaseExists(String)
    case databaseNotEmpty(String)
    /// It was there when the statement began.
    case tableIsGone
    case tableExists(database: String, name: String)
    /// Another statement changed it in the meantime.
    case tableChanged
    case limit(String)
}

package typealias CatalogOutcome = Result<CatalogTable?, CatalogRefusal>
