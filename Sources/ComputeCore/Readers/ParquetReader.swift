// One chain of a Parquet scan: reads the wanted columns of its row groups, a batch at a time. Columns are found by name, without regard to
// case; one that a file lacks is null, one of a narrower type is widened.
import Parquet
import QueryCore

final class ParquetReader: FileReader {
    let columns: [BoundColumn]
    private(set) var file: TableFile?
    private let morsels: ParquetMorsels
    private let now: Int64
    private var open: OpenGroup?
    private var place = BatchPlace.first

    /// Bytes of a file that one column fetches at once; all columns of a chain together fetch about `windowsBytes`.
    private static let windowBytesMax = 8 << 20
    private static let windowBytesMin = 128 << 10
    private static let windowsBytes = 32 << 20
    /// Rows of a batch without columns.
    private static let emptyRowsMax = 1 << 18

    private struct OpenGroup {
        var morsel: ParquetMorsel
        var rowsLeft: Int
        /// One for each wanted column; nil where the file lacks it.
        var fields: [OpenField?]
    }

    private struct OpenField {
        var field: ParquetField
        var type: DataType
        var readers: [ChunkReader]
    }

    init(_ columns: [BoundColumn], _ morsels: ParquetMorsels, now: Int64) {
        self.columns = columns
        self.morsels = morsels
        self.now = now
    }

    /// A batch has rows of one row group.
    func next() throws(QueryError) -> Batch? {
        if open == nil {
            guard let morsel = try morsels.next() else { return nil }
            place = BatchPlace(morsel: morsel.number)
            file = morsel.source.file
            open = try opened(morsel)
        }
        guard var group = open else { return nil }
        let rows = min(group.rowsLeft, columns.isEmpty ? Self.emptyRowsMax : Batch.rowsDefault)
        var made: [Column] = []
        for (index, column) in columns.enumerated() {
            guard let field = group.fields[index] else {
                made.append(Column.nulls(column.type, count: rows))
                continue
            }
            made.append(try converted(try read(field, rows, group.morsel.source.file.path), to: column.type))
        }
        group.rowsLeft -= rows
        open = group.rowsLeft > 0 ? group : nil
        defer { place.batch += 1 }
        return Batch(schema: schema, columns: made, rowCount: rows, place: place)
    }

    private func opened(_ morsel: ParquetMorsel) throws(QueryError) -> OpenGroup {
        let path = morsel.source.file.path
        let window = min(Self.windowBytesMax, max(Self.windowBytesMin, Self.windowsBytes / max(1, columns.count)))
        let group = morsel.file.metadata.rowGroups[morsel.rowGroup]
        var fields: [OpenField?] = []
        for column in columns {
            guard let field = try Self.field(column.name, morsel.file.schema, path) else {
                fields.append(nil)
                continue
            }
            let type = try ParquetTypes.type(field, path: path)
            guard ParquetWidening.isAllowed(type, column.type) else {
                let reason = "Column \(field.name) is \(type.sqlName) in the file, which does not fit \(column.type.sqlName)."
                throw QueryError(.failedReadFile, ["path": path, "reason": reason])
            }
            var readers: [ChunkReader] = []
            for leaf in field.leaves {
                do {
                    readers.append(
                        try ChunkReader(
                            leaf, group.columns[leaf.index], rowGroup: morsel.rowGroup, file: morsel.source, windowBytes: window))
                } catch { throw ParquetSource.error(error, path) }
            }
            fields.append(OpenField(field: field, type: type, readers: readers))
        }
        return OpenGroup(morsel: morsel, rowsLeft: group.rowCount, fields: fields)
    }

    /// The exact name, or the only one that differs in case.
    static func field(_ name: String, _ schema: ParquetSchema, _ path: String) throws(QueryError) -> ParquetField? {
        if let exact = schema.fields.first(where: { $0.name == name }) { return exact }
        let similar = schema.fields.filter { Identifier.same($0.name, name) }
        guard similar.count <= 1 else {
            let reason = "Found duplicate field(s) \(name): [\(similar.map(\.name).joined(separator: ", "))]."
            throw QueryError(.failedReadFile, ["path": path, "reason": reason])
        }
        return similar.first
    }

    private func read(_ open: OpenField, _ rows: Int, _ path: String) throws(QueryError) -> Column {
        let vector: ParquetVector
        do {
            var leaves: [LeafRows] = []
            for (index, leaf) in open.field.leaves.enumerated() {
                var values = LeafRows(leaf)
                try open.readers[index].read(rowCount: rows, into: &values)
                leaves.append(values)
            }
            vector = try VectorAssembly.vector(open.field, leaves)
        } catch { throw ParquetSource.error(error, path) }
        return try ParquetTypes.column(vector, open.field, open.type)
    }

    private func converted(_ column: Column, to type: DataType) throws(QueryError) -> Column {
        if column.type == type { return column }
        let from = BoundColumn(id: ColumnID(0), name: "file", type: column.type, nullable: true)
        let batch = Batch(schema: Schema([from.field]), columns: [column], rowCount: column.count)
        return try Evaluator(columns: [from], now: now).evaluate(.cast(.column(from), to: type, isTry: false), batch)
    }
}
