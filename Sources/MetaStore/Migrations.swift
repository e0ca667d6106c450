// The versions of a service's tables, oldest first. A released migration is never edited; a later version adds one. The number in
// `PRAGMA user_version` shows a person a file's version; a file from a newer version is refused.
import Base
import GRDB

enum Migrations {
    /// The last version common to all services.
    private static let sharedVersion = 5

    /// Tables of one service added since, each with its version. The files of the other services stay as they are.
    private static let later: [String: Int] = ["extras": 6, "retries": 6, "session_identities": 6]

    /// This program's value of `PRAGMA user_version` for a file with these tables.
    static func version(of tables: [TableSchema]) -> Int { tables.compactMap { later[$0.name] }.reduce(sharedVersion, max) }

    /// `hadChecksums`: whether the file's header reserved room for them before it was opened; nil for a new file.
    static func run(on queue: DatabaseQueue, tables: [TableSchema], hadChecksums: Bool?) throws {
        let found = try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        let version = version(of: tables)
        guard found <= version else {
            throw StorageError(
                .fromLaterVersion("its tables have version \(found), this program knows up to \(version); use the version that wrote it"),
                "open", queue.path)
        }
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 first tables") { database in
            try database.execute(sql: "CREATE TABLE applied (slot INTEGER NOT NULL) STRICT")
            try database.execute(sql: "INSERT INTO applied VALUES (0)")
            for table in tables { try database.execute(sql: createStatement(table)) }
        }
        // The origins of proposals, and the machines' new tables: transactions, users, rules, owners of sessions.
        migrator.registerMigration("2 who proposed what") { database in
            for table in tables { try database.execute(sql: createStatement(table)) }
        }
        // The members of the group; the broker's limits, brokers and replicas.
        migrator.registerMigration("3 who belongs") { database in
            for table in tables { try database.execute(sql: createStatement(table)) }
        }
        if found >= PageChecksums.sinceVersion, hadChecksums == false {
            throw StorageError(.corrupt("its header denies the checksums that its pages have"), "open", queue.path)
        }
        // The members of consumer groups; the transaction of each decision.
        migrator.registerMigration("4 who reads together") { database in
            for table in tables {
                try database.execute(sql: createStatement(table))
                try addColumns(of: table, database)
            }
        }
        // The progress of share groups, and settings of groups.
        migrator.registerMigration("5 who shares") { database in
            for table in tables { try database.execute(sql: createStatement(table)) }
        }
        // Dfs: access lists, attributes and quotas; answers for repeated requests. Coord: the identities of sessions.
        if version >= 6 {
            migrator.registerMigration("6 one service's tables") { database in
                for table in tables { try database.execute(sql: createStatement(table)) }
            }
        }
        try migrator.migrate(queue)
        // Version 4: a checksum for each page. An older file is rewritten, once.
        if hadChecksums == false { try PageChecksums.rebuild(queue) }
        if found < version { try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA user_version = \(version)") } }
    }

    /// Adds columns at the end of a table made before them; existing rows have null there.
    private static func addColumns(of table: TableSchema, _ database: Database) throws {
        let present = Set(try database.columns(in: table.name).map(\.name))
        for column in table.columns where !present.contains(column.name) {
            try database.execute(sql: "ALTER TABLE \(table.name) ADD COLUMN \(column.name) \(column.type.rawValue)")
        }
    }

    private static func createStatement(_ table: TableSchema) -> String {
        let columns = table.columns.map { "\($0.name) \($0.type.rawValue)" }.joined(separator: ", ")
        let key = table.columns.prefix(table.keyCount).map(\.name).joined(separator: ", ")
        return "CREATE TABLE IF NOT EXISTS \(table.name) (\(columns), PRIMARY KEY (\(key))) STRICT, WITHOUT ROWID"
    }
}
