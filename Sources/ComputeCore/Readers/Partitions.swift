// Directories that hold a column in their names (`year=2024/month=5/...`): the columns, their types, files that a filter on them excludes,
// and a scan's batches with them beside the columns of the files. Source: Spark SQL guide, "Partition Discovery".
import QueryCore

/// The name and the text of one directory on the way to a file.
package struct PartitionText: Hashable, Sendable {
    package var name: String
    /// Nil for the directory of nulls.
    package var text: String?

    /// Hive's name for null.
    package static let nullText = "__HIVE_DEFAULT_PARTITION__"

    package init(name: String, text: String?) {
        self.name = name
        self.text = text
    }

    /// From the name of a folder; nil if it holds no column.
    package init?(folder: String) {
        let bytes = Array(folder.utf8)
        guard let sign = bytes.firstIndex(of: UInt8(ascii: "=")), sign > 0, bytes[0] != UInt8(ascii: ".") else { return nil }
        let text = PathText.decoded(bytes[(sign + 1)...])
        self.init(name: PathText.decoded(bytes[..<sign]), text: text == Self.nullText ? nil : text)
    }

    /// The name of its folder.
    package var folder: String {
        PathText.encoded(name) + "=" + (text.map { $0.isEmpty ? Self.nullText : PathText.encoded($0) } ?? Self.nullText)
    }
}

/// A reader of files that says which one its last batch is from.
protocol FileReader: BatchSource {
    var file: TableFile? { get }
}

struct Partitions {
    let fields: [StructField]

    /// The partition columns of the files, of the types in `wanted` or else of the narrowest type that holds all texts.
    init(_ files: [TableFile], wanted: Schema?) throws(QueryError) {
        guard let first = files.first, files.contains(where: { !$0.partition.isEmpty }) else {
            fields = []
            return
        }
        let names = first.partition.map(\.name)
        for file in files where file.partition.map(\.name) != names {
            throw QueryError(
                .conflictingPartitionColumns, ["first": first.path, "second": file.path])
        }
        fields = names.enumerated().map { index, name in
            if let given = wanted?.fields.first(where: { Identifier.same($0.name, name) }) { return StructField(given.name, given.type) }
            return StructField(name, Self.type(files.map { $0.partition[index].text }))
        }
    }

    private static func type(_ texts: [String?]) -> DataType {
        var type = DataType.null
        for text in Set(texts) {
            guard let text else { continue }
            // The bytes are used within the call only.
            var found = Array(text.utf8).withUnsafeBufferPointer { FieldParser.infer($0) }
            if found == .boolean || found == .null { found = .string }
            type = type == .null ? found : FieldParser.merge(type, found)
        }
        return type == .null ? .string : type
    }

    func value(_ file: TableFile, _ field: StructField) throws(QueryError) -> Value {
        guard let part = file.partition.first(where: { Identifier.same($0.name, field.name) }), let text = part.text else { return .null }
        if field.type == .string { return .string(text) }
        let bytes = Array(text.utf8)
        // The bytes are used within the call only.
        guard let value = bytes.withUnsafeBufferPointer({ FieldParser.value($0, field.type) }) else {
            throw QueryError(
                .castInvalidInput,
                [
                    "expression": "'\(text)'", "sourceType": "\"STRING\"", "targetType": "\"\(field.type.sqlName)\"",
                    "ansiConfig": QueryError.ansiSetting,
                ])
        }
        return value
    }

    /// The columns of a source: those of its files, then those of its directories.
    func schema(with data: Schema) -> Schema {
        Schema(data.fields.filter { field in !fields.contains { Identifier.same($0.name, field.name) } } + fields)
    }

    func contains(_ name: String) -> Bool { fields.contains { Identifier.same($0.name, name) } }

    /// The scan without the columns of directories.
    func files(of scan: BoundFiles) -> BoundFiles {
        if fields.isEmpty { return scan }
        var files = scan
        let kept = scan.columns.indices.filter { !contains(scan.columns[$0].name) }
        files.columns = kept.map { scan.columns[$0] }
        files.kept = kept.map { scan.kept[$0] }
        // They stand behind the others, so that positions stay.
        files.schema = Schema(scan.schema.fields.filter { !contains($0.name) })
        return files
    }

    /// The files for which the conditions on partition columns alone may be true.
    func selected(_ files: [TableFile], _ scan: BoundFiles, _ conjuncts: [BoundExpression], now: Int64) throws(QueryError) -> [TableFile] {
        let columns = scan.columns.filter { contains($0.name) }
        let ids = Set(columns.map(\.id))
        let parts = conjuncts.filter { part in !part.columnIDs.isEmpty && part.columnIDs.allSatisfy { ids.contains($0) } && !part.mayRaise }
        if parts.isEmpty { return files }
        let evaluator = Evaluator(columns: columns, now: now)
        var kept: [TableFile] = []
        for file in files {
            var row: [Column] = []
            for column in columns { row.append(Column(type: column.type, values: [try value(file, column.field)])) }
            let batch = Batch(schema: Schema(columns.map(\.field)), columns: row, rowCount: 1)
            var passes = true
            for part in parts where passes { passes = try evaluator.selection(part, batch)[0] }
            if passes { kept.append(file) }
        }
        return kept
    }
}

/// Adds the columns of directories to the batches of their files.
final class PartitionedSource: BatchSource {
    let columns: [BoundColumn]
    private let partitions: Partitions
    private let reader: any FileReader

    init(_ partitions: Partitions, _ columns: [BoundColumn], _ reader: any FileReader) {
        self.partitions = partitions
        self.columns = columns
        self.reader = reader
    }

    func next() throws(QueryError) -> Batch? {
        guard let batch = try reader.next() else { return nil }
        guard let file = reader.file else { preconditionFailure("a batch is from a file") }
        var data = batch.columns[...]
        var all: [Column] = []
        for column in columns {
            if partitions.contains(column.name) {
                all.append(Column.constant(try partitions.value(file, column.field), column.type, count: batch.rowCount))
            } else if let next = data.popFirst() {
                all.append(next)
            }
        }
        return Batch(schema: schema, columns: all, rowCount: batch.rowCount, place: batch.place)
    }
}
