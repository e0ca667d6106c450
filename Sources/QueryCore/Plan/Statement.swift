// Statements about the catalog, tables' contents and settings, as written: names are unresolved, nothing is looked up. A service with a
// catalog runs them. Source: Spark SQL reference, "DDL Statements", "DML Statements", "Auxiliary Statements".

package indirect enum Statement: Sendable {
    case createDatabase(DatabaseStatement, unlessExists: Bool)
    case setDatabaseProperties(name: [String], [ReadOption])
    case setDatabaseLocation(name: [String], String)
    case dropDatabase(name: [String], ifExists: Bool, cascade: Bool)
    case useDatabase([String])
    case createTable(TableStatement)
    case createView(ViewStatement)
    case drop(RelationKind, name: [String], ifExists: Bool)
    case insert(Insertion)
    case truncate(name: [String], partition: [PartitionValue])
    case alter(RelationKind, name: [String], Alteration)
    case show(Listing)
    /// With a column, only that one.
    case describeTable(name: [String], column: [String], extended: Bool)
    case describeDatabase(name: [String], extended: Bool)
    case set(SettingStatement)
    /// Nil for all settings.
    case reset(String?)
    /// Nothing is remembered of files between statements, so it only checks the name.
    case refresh(name: [String])
}

package enum RelationKind: String, Hashable, Sendable { case table = "TABLE", view = "VIEW" }

package struct DatabaseStatement: Sendable {
    package var name: [String]
    package var comment: String?
    package var location: String?
    package var properties: [ReadOption] = []

    package init(name: [String]) { self.name = name }
}

/// A column of CREATE TABLE or ADD COLUMNS.
package struct DefinedColumn: Hashable, Sendable {
    package var field: StructField
    package var comment: String?

    package init(_ field: StructField, comment: String? = nil) {
        self.field = field
        self.comment = comment
    }
}

package struct TableStatement: Sendable {
    package enum Mode: Hashable, Sendable { case new, unlessExists, replacing, newOrReplacing }

    package var name: [String]
    package var mode: Mode
    package var columns: [DefinedColumn] = []
    /// Nil for the session's default.
    package var format: String?
    package var partitionColumns: [String] = []
    package var location: String?
    package var comment: String?
    package var properties: [ReadOption] = []
    package var options: [ReadOption] = []
    /// The table whose columns and form it takes.
    package var like: [String]?
    package var query: Plan?

    package init(name: [String], mode: Mode) {
        self.name = name
        self.mode = mode
    }
}

/// A view that lasts.
package struct ViewStatement: Sendable {
    package var name: [String]
    package var mode: TableStatement.Mode
    /// With comments; empty for the query's own names.
    package var columns: [(name: String, comment: String?)] = []
    package var comment: String?
    package var properties: [ReadOption] = []
    package var query: Plan
    package var text: String

    package init(name: [String], mode: TableStatement.Mode, query: Plan, text: String) {
        self.name = name
        self.mode = mode
        self.query = query
        self.text = text
    }
}

/// A partition column, with a value if it is fixed.
package struct PartitionValue: Hashable, Sendable {
    package var name: String
    package var value: Expression?

    package init(_ name: String, _ value: Expression? = nil) {
        self.name = name
        self.value = value
    }
}

/// Rows of a query into a table.
package struct Insertion: Sendable {
    package enum Matching: Hashable, Sendable {
        case byPosition
        case byName
        /// The query's columns, in order, go into these.
        case columns([String])
    }
    package enum Replacement: Hashable, Sendable {
        case nothing
        /// All rows, or those of the fixed partitions; with the session's dynamic mode only partitions that get rows.
        case bySession
        /// Partitions that get rows.
        case dynamic
    }

    package var table: [String]
    package var query: Plan
    package var matching = Matching.byPosition
    package var replacement = Replacement.nothing
    package var partition: [PartitionValue] = []
    /// Nothing is done if the partition exists.
    package var unlessPartitionExists = false

    package init(table: [String], query: Plan) {
        self.table = table
        self.query = query
    }
}

package enum Alteration: Sendable {
    case rename(to: [String])
    case addColumns([DefinedColumn])
    case setColumnComment(column: String, String?)
    case setProperties([ReadOption])
    case unsetProperties([String])
    case setComment(String?)
    case setLocation(String)
    case addPartitions([[PartitionValue]], unlessExists: Bool)
    case dropPartitions([[PartitionValue]], ifExists: Bool)
    /// Partitions are found by their folders, so there is nothing to recover.
    case recoverPartitions
    case viewQuery(Plan, text: String)
}

package enum Listing: Sendable {
    case catalogs
    case databases(pattern: String?)
    case tables(database: [String]?, pattern: String?)
    case views(database: [String]?, pattern: String?)
    case columns(table: [String])
    case createTable([String])
    case partitions(table: [String], [PartitionValue])
    /// With a key, only its value.
    case properties(table: [String], key: String?)
    case currentNamespace
}

package enum SettingStatement: Hashable, Sendable {
    /// Also those that were never changed.
    case all
    case show(String)
    case change(String, String)
}
