// The catalog's form in SQLite. The texts beside a record are for people who open the file; only the record is read back.
import Base

/// The tables of the catalog.
package enum CatalogRows {
    package static let databases = TableSchema(
        "databases", key: [.init("name", .text)], values: [.init("location", .text), .init("record", .blob)])
    package static let tables = TableSchema(
        "tables", key: [.init("database", .text), .init("name", .text)],
        values: [.init("kind", .text), .init("format", .text), .init("location", .text), .init("record", .blob)])

    static func row(_ database: CatalogDatabase) -> Row { [.text(database.name), .text(database.location), .blob(record(database))] }

    static func row(_ table: CatalogTable) -> Row {
        [
            .text(table.database), .text(table.name), .text("\(table.kind)"), .text(table.format), .text(table.location),
            .blob(record(table)),
        ]
    }

    static func record(_ value: some WireLayout) -> Bytes {
        do { return try value.encoded(as: DurableDialect.self) } catch {
            preconditionFailure("a record of texts can always be written: \(error)")
        }
    }

    static func database(_ row: Row) throws(StateCorruption) -> CatalogDatabase { try read(row[2], "databases") }
    static func table(_ row: Row) throws(StateCorruption) -> CatalogTable { try read(row[5], "tables") }

    private static func read<Record: WireLayout>(_ value: ColumnValue, _ table: String) throws(StateCorruption) -> Record {
        guard let bytes = value.blob else { throw StateCorruption("a row of \(table) has no record") }
        do { return try Record(decoding: bytes, as: DurableDialect.self) } catch {
            throw StateCorruption("a record of \(table) cannot be read: \(error)")
        }
    }
}
