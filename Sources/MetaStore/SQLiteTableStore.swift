// The tables of one service in one SQLite file: rows and the applied slot move in one transaction. WAL mode with synchronous=NORMAL, since
// the hot path fsyncs the replicated log; a power cut takes back whole transactions, never half of one. Each page carries a checksum
// (TablePages): a page damaged by the disk is an error and never a row. One connection, one caller at a time, on the table thread.
import Base
import Foundation
import GRDB
import GRDBSQLite
import Storage
import TablePages

/// A service's tables on the system's SQLite.
package final class SQLiteTableStore: TableStore {
    private let queue: DatabaseQueue
    package let path: String
    private let schemas: [String: PreparedTable]

    /// The statements of a table, prepared once.
    private struct PreparedTable {
        var upsert: String
        var delete: String
        var keyCount: Int
    }

    /// Opens or creates the file with the machine's tables. Throws `corrupt` for a file that is damaged or not ours, `fromLaterVersion` for
    /// a newer one.
    package init(path: String, tables: [TableSchema]) throws(StorageError) {
        self.path = path
        schemas = Dictionary(uniqueKeysWithValues: tables.map { ($0.name, Self.prepare($0)) })
        queue = try sqlite(path, "open") {
            var configuration = try PageChecksums.configuration()
            configuration.journalMode = .wal
            let hadChecksums = try PageChecksums.areIn(path)
            // SQLite gives the files beside it the same mode.
            try RealFileSystem.keepPrivate(path)
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { try Self.setPragmas($0) }
            try Migrations.run(on: queue, tables: tables, hadChecksums: hadChecksums)
            return queue
        }
    }

    /// Sets the pragmas that durability depends on and reads them back: a library that changes its mind must not go unnoticed.
    private static func setPragmas(_ database: Database) throws {
        try database.execute(sql: "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -2048;")
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode")
        let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
        precondition(mode == "wal" && synchronous == 1, "SQLite runs with journal_mode=\(mode ?? "?") synchronous=\(synchronous ?? -1)")
    }

    private static func prepare(_ table: TableSchema) -> PreparedTable {
        let names = table.columns.map(\.name).joined(separator: ", ")
        let marks = table.columns.map { _ in "?" }.joined(separator: ", ")
        let key = table.columns.prefix(table.keyCount).map { "\($0.name) = ?" }.joined(separator: " AND ")
        return PreparedTable(
            upsert: "INSERT OR REPLACE INTO \(table.name) (\(names)) VALUES (\(marks))",
            delete: "DELETE FROM \(table.name) WHERE \(key)", keyCount: table.keyCount)
    }

    /// The applied slot of a closed file, which stays as it is.
    package static func appliedSlot(at path: String) throws(StorageError) -> Slot {
        try sqlite(path, "read applied slot") {
            var configuration = try PageChecksums.configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            return try queue.read { Slot(try Int64.fetchOne($0, sql: "SELECT slot FROM applied") ?? 0) }
        }
    }

    package func appliedSlot() throws(StorageError) -> Slot {
        try sqlite(path, "read applied slot") {
            try queue.read { Slot(try Int64.fetchOne($0, sql: "SELECT slot FROM applied") ?? 0) }
        }
    }

    /// The number of rows, about, from the size of the file; at most a few times too many.
    package func rowsEstimate() throws(StorageError) -> Int {
        let (pages, bytes) = try sqlite(path, "read its size") {
            try queue.read { (try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0, try Int.fetchOne($0, sql: "PRAGMA page_size") ?? 0) }
        }
        return pages * bytes / Self.rowBytesTypical
    }
    /// Size of a node of coord with a hundred bytes of data, in bytes.
    private static let rowBytesTypical = 192

    package func commit(_ changes: [RowChanges.Change], applied: Slot) throws(StorageError) {
        try sqlite(path, "commit") {
            try queue.write { database in
                for change in lastOfEachRow(changes) {
                    switch change {
                    case .upsert(let table, let row): try Self.run(try statement(table, \.upsert, database), row, database)
                    case .delete(let table, let key): try Self.run(try statement(table, \.delete, database), key, database)
                    }
                }
                try database.cachedStatement(sql: "UPDATE applied SET slot = ?").execute(arguments: [applied.rawValue])
            }
        }
    }

    /// The last change of each row: earlier ones are overwritten within the same transaction, unseen. Rows that many commands touch, a
    /// parent or a counter, are written once.
    private func lastOfEachRow(_ changes: [RowChanges.Change]) -> [RowChanges.Change] {
        var seen = Set<RowKey>(minimumCapacity: changes.count)
        let last = changes.reversed().filter { change in
            switch change {
            case .upsert(let table, let row):
                seen.insert(RowKey(table: table, row: row, keyCount: schemas[table]?.keyCount ?? row.count)).inserted
            case .delete(let table, let key): seen.insert(RowKey(table: table, row: key, keyCount: key.count)).inserted
            }
        }
        return last.reversed()
    }

    /// A row's table and key; texts that Swift takes for equal may be different keys to SQLite, so their bytes count.
    private struct RowKey: Hashable {
        let table: String
        let row: Base.Row
        let keyCount: Int

        static func == (left: RowKey, right: RowKey) -> Bool {
            guard left.table == right.table, left.keyCount == right.keyCount else { return false }
            return (0..<left.keyCount).allSatisfy { place in
                if case .text(let one) = left.row[place], case .text(let other) = right.row[place] {
                    return one.utf8.elementsEqual(other.utf8)
                }
                return left.row[place] == right.row[place]
            }
        }

        func hash(into hasher: inout Hasher) {
            for value in row.prefix(keyCount) {
                guard case .text(var text) = value else {
                    hasher.combine(value)
                    continue
                }
                text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }  // read within the call
            }
        }
    }

    private func statement(_ table: String, _ kind: KeyPath<PreparedTable, String>, _ database: Database) throws -> Statement {
        guard let prepared = schemas[table] else { preconditionFailure("rows are written to declared tables only, not to '\(table)'") }
        return try database.cachedStatement(sql: prepared[keyPath: kind])
    }

    package func forEachRow(of table: TableSchema, _ visit: (Base.Row) throws(StateCorruption) -> Void) throws {
        let names = table.columns.map(\.name).joined(separator: ", ")
        let order = table.columns.prefix(table.keyCount).map(\.name).joined(separator: ", ")
        do {
            try queue.read { database in
                let statement = try database.makeStatement(sql: "SELECT \(names) FROM \(table.name) ORDER BY \(order)")
                var row = Base.Row(repeating: .null, count: table.columns.count)
                while try Self.step(statement.sqliteStatement, database) {
                    for place in row.indices { row[place] = ColumnValue(statement.sqliteStatement, Int32(place)) }
                    try visit(row)
                }
            }
        } catch let error as DatabaseError { throw StorageError(error, "read \(table.name)", path) }
    }

    /// Executes a statement without result rows, by SQLite's own functions, as below.
    private static func run(_ statement: Statement, _ values: Base.Row, _ database: Database) throws {
        let raw = statement.sqliteStatement
        for (place, value) in values.enumerated() { value.bind(raw, Int32(place + 1)) }
        // A failed statement reports its error again when it is reset.
        defer { sqlite3_reset(raw) }
        _ = try step(raw, database)
    }

    /// Whether there is another row. Millions of rows go through here, and SQLite's own functions take a third of GRDB's time for a row.
    private static func step(_ statement: SQLiteStatement, _ database: Database) throws -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let code = ResultCode(rawValue: sqlite3_extended_errcode(database.sqliteConnection))
            throw DatabaseError(resultCode: code, message: String(cString: sqlite3_errmsg(database.sqliteConnection)))
        }
    }

    package func checkpoint() throws(StorageError) -> Slot {
        let slot = try appliedSlot()
        try sqlite(path, "checkpoint") {
            try queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        }
        return slot
    }

    /// Throws `corrupt` unless SQLite finds every page and index sound.
    package func verify() throws(StorageError) {
        let answer = try sqlite(path, "check") { try queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check") } }
        guard answer == "ok" else { throw StorageError(.corrupt(answer ?? "no answer"), "check", path) }
    }

    /// Copies a consistent state to `target` while the store is in use.
    package func backup(to target: String) throws(StorageError) {
        try sqlite(path, "backup") {
            try RealFileSystem.keepPrivate(target)
            let copy = try DatabaseQueue(path: target, configuration: try PageChecksums.configuration())
            try queue.backup(to: copy)
            try copy.close()
        }
    }

    package func close() throws(StorageError) {
        try sqlite(path, "close") { try queue.close() }
    }
}

/// Runs `body`, turning the library's errors into ours with the file and the operation.
func sqlite<T>(_ path: String, _ operation: String, _ body: () throws -> T) throws(StorageError) -> T {
    do { return try body() } catch let error as StorageError { throw error } catch let error as DatabaseError {
        throw StorageError(error, operation, path)
    } catch { throw StorageError(.system(0, "\(error)"), operation, path) }
}

extension StorageError {
    /// SQLite's error in our words.
    fileprivate init(_ error: DatabaseError, _ operation: String, _ path: String) {
        let text = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        let cause: StorageError.Cause =
            switch error.resultCode {
            case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_DATA: .corrupt("the checksum of a page does not hold")
            case .SQLITE_FULL: .noSpace
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .corrupt(text)
            case .SQLITE_BUSY, .SQLITE_LOCKED: .locked
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN: .notPermitted
            default: .system(error.resultCode.rawValue, text)
            }
        self.init(cause, operation, path)
    }
}

extension ColumnValue {
    /// Binds the value to a statement. Only a lack of memory or a wrong place is refused, and both end in an error of the statement.
    func bind(_ statement: SQLiteStatement, _ place: Int32) {
        // SQLite's constant for memory that it is to copy within the call; a macro that Swift does not see.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch self {
        case .null: sqlite3_bind_null(statement, place)
        case .integer(let value): sqlite3_bind_int64(statement, place, value)
        case .text(let value): sqlite3_bind_text(statement, place, value, Int32(value.utf8.count), copied)
        case .blob(let bytes):
            // Read within the call. A blob without an address would be null, which is another value.
            _ = bytes.withUnsafeReadableBytes { blob in
                blob.isEmpty
                    ? sqlite3_bind_zeroblob(statement, place, 0)
                    : sqlite3_bind_blob(statement, place, blob.baseAddress, Int32(blob.count), copied)
            }
        }
    }

    /// A column of the statement's present row. Its memory is SQLite's until the next step, so it is copied here.
    init(_ statement: SQLiteStatement, _ place: Int32) {
        switch sqlite3_column_type(statement, place) {
        case SQLITE_INTEGER, SQLITE_FLOAT: self = .integer(sqlite3_column_int64(statement, place))
        case SQLITE_TEXT:
            let text = UnsafeBufferPointer(start: sqlite3_column_text(statement, place), count: Int(sqlite3_column_bytes(statement, place)))
            self = .text(String(decoding: text, as: UTF8.self))
        case SQLITE_BLOB:
            let blob = UnsafeRawBufferPointer(
                start: sqlite3_column_blob(statement, place), count: Int(sqlite3_column_bytes(statement, place)))
            var bytes = ByteBufferAllocator().buffer(capacity: blob.count)
            bytes.writeBytes(blob)
            self = .blob(bytes)
        default: self = .null
        }
    }
}
