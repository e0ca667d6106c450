// JSON-lines and plain text files as batches. The JSON schema is inferred from a sample: fields by name in alphabetical order, whole
// numbers bigint, other numbers double, conflicts string; a line that is no JSON object goes to `_corrupt_record` (PERMISSIVE), is dropped
// or raises. Source: Spark's JSON options.

import QueryCore

enum JSONSchema {
    static let sampleBytesMax = 64 << 20

    static func infer(_ files: [TableFile], _ source: FileSource, _ port: any TableFiles) throws(QueryError) -> Schema {
        if source.option("multiLine").map({ Identifier.same($0, "true") }) ?? false {
            throw QueryError.unsupported("JSON option multiLine")
        }
        var type = DataType.null
        var hasCorrupt = false
        var bytes = 0
        for file in files {
            var lines = LineFeed(ByteFeed(try port.open(file), path: file.path))
            while bytes < sampleBytesMax, let line = try lines.next() {
                if line.allSatisfy({ $0 <= 0x20 }) { continue }
                bytes += line.count
                guard let value = JSONText.parse(line), case .object = value else {
                    hasCorrupt = true
                    continue
                }
                type = merge(type, infer(value))
            }
        }
        var fields: [StructField] = []
        if case .structure(let found) = finished(type) { fields = found }
        if hasCorrupt { fields.append(StructField(source.option("columnNameOfCorruptRecord") ?? "_corrupt_record", .string)) }
        if fields.isEmpty { throw QueryError(.unableToInferSchema, ["format": "JSON"]) }
        return Schema(fields.sorted { $0.name < $1.name })
    }

    /// The type of one value, with a string where it has none.
    static func type(of value: JSONValue) -> DataType { finished(infer(value)) ?? .structure([]) }

    private static func infer(_ value: JSONValue) -> DataType {
        switch value {
        case .null: .null
        case .boolean: .boolean
        case .string: .string
        case .number(let text):
            Int64(text) != nil
                ? .long
                : text.utf8.allSatisfy { $0 != UInt8(ascii: ".") && $0 | 0x20 != UInt8(ascii: "e") }
                    ? DecimalText.parse(text).map { .decimal(precision: $0.precision, scale: 0) } ?? .double : .double
        case .array(let items): .array(element: items.reduce(DataType.null) { merge($0, infer($1)) }, containsNull: true)
        case .object(let fields): .structure(fields.map { StructField($0.key, infer($0.value)) })
        }
    }

    private static func merge(_ left: DataType, _ right: DataType) -> DataType {
        if left == right || right == .null { return left }
        if left == .null { return right }
        switch (left, right) {
        case (.array(let one, _), .array(let other, _)): return .array(element: merge(one, other), containsNull: true)
        case (.structure(let fields), .structure(let others)):
            var merged = fields
            for other in others {
                if let index = merged.firstIndex(where: { $0.name == other.name }) {
                    merged[index].type = merge(merged[index].type, other.type)
                } else {
                    merged.append(other)
                }
            }
            return .structure(merged)
        default: return left.isNumeric && right.isNumeric ? TypeCoercion.tightest(left, right) ?? .double : .string
        }
    }

    /// A field without any value becomes a string; empty structs fall away; fields are in alphabetical order.
    private static func finished(_ type: DataType) -> DataType? {
        switch type {
        case .null: return .string
        case .array(let element, _): return finished(element).map { .array(element: $0, containsNull: true) }
        case .structure(let fields):
            let kept = fields.compactMap { field in finished(field.type).map { StructField(field.name, $0) } }
            return kept.isEmpty ? nil : .structure(kept.sorted { $0.name < $1.name })
        default: return type
        }
    }
}

/// One chain of a scan: parses its morsels.
final class JSONReader: FileReader {
    let columns: [BoundColumn]
    private(set) var file: TableFile?
    private let files: FileMorsels
    private var lines: LineFeed?
    private var place = BatchPlace.first
    private var path = ""
    private let mode: CSVOptions.Mode
    private let corruptColumn: String

    init(_ scan: BoundFiles, _ files: FileMorsels) {
        columns = scan.columns
        self.files = files
        corruptColumn = scan.source.option("columnNameOfCorruptRecord") ?? "_corrupt_record"
        switch (scan.source.option("mode") ?? "PERMISSIVE").uppercased() {
        case "DROPMALFORMED": mode = .dropMalformed
        case "FAILFAST": mode = .failFast
        default: mode = .permissive
        }
    }

    /// A batch has rows of one morsel.
    func next() throws(QueryError) -> Batch? {
        var builders = columns.map { ColumnBuilder(type: $0.type, capacity: Batch.rowsDefault) }
        var rows = 0
        var bytes = 0
        while rows < Batch.rowsDefault, bytes < Batch.inputBytesMax {
            if lines == nil {
                if rows > 0 { break }
                guard let morsel = try files.next() else { return nil }
                path = morsel.feed.path
                place = BatchPlace(morsel: morsel.number)
                file = morsel.file
                lines = LineFeed(morsel.feed)
            }
            guard let line = try lines?.next() else {
                lines = nil
                continue
            }
            bytes += line.count
            if line.allSatisfy({ $0 <= 0x20 }) { continue }
            if try append(line, &builders) { rows += 1 }
        }
        defer { place.batch += 1 }
        return Batch(schema: schema, columns: builders.map { $0.finish() }, rowCount: rows, place: place)
    }

    private func append(_ line: ArraySlice<UInt8>, _ builders: inout [ColumnBuilder]) throws(QueryError) -> Bool {
        var values = [Value](repeating: .null, count: columns.count)
        var isMalformed = true
        if case .object(let fields)? = JSONText.parse(line) {
            isMalformed = false
            for (index, column) in columns.enumerated() {
                guard let field = fields[column.name], field != .null else { continue }
                if let value = Self.convert(field, column.type, files.zone) { values[index] = value } else { isMalformed = true }
            }
        }
        if isMalformed {
            let text = String(decoding: line, as: UTF8.self)
            switch mode {
            case .permissive:
                for (index, column) in columns.enumerated() where Identifier.same(column.name, corruptColumn) {
                    values[index] = .string(text)
                }
            case .dropMalformed: return false
            case .failFast: throw QueryError(.malformedRecord, ["badRecord": "\(text) (in \(path))", "failFastMode": "FAILFAST"])
            }
        }
        for index in builders.indices { builders[index].append(values[index]) }
        return true
    }

    /// Nil when the value does not have the type.
    private static func convert(_ json: JSONValue, _ type: DataType, _ zone: ZoneRules?) -> Value? {
        switch (json, type) {
        case (.null, _): return .null
        case (.string(let text), .string): return .string(text)
        case (_, .string): return .string(text(json))
        case (.boolean(let flag), .boolean): return .boolean(flag)
        // A failed cast is a malformed record, which the mode handles; hence `try?`.
        case (.number(let text), _) where type.isNumeric: return try? Cast.value(.string(text), .string, type)
        case (.string(let text), .timestamp): return FieldParser.timestamp(text, zone).map { .integer($0) }
        // The same holds for dates.
        case (.string(let text), .date): return try? Cast.value(.string(text), .string, type)
        case (.array(let items), .array(let element, _)):
            var values: [Value] = []
            for item in items {
                guard let value = convert(item, element, zone) else { return nil }
                values.append(value)
            }
            return .array(values)
        case (.object(let fields), .structure(let wanted)):
            var values: [Value] = []
            for field in wanted {
                guard let value = convert(fields[field.name] ?? .null, field.type, zone) else { return nil }
                values.append(value)
            }
            return .structure(values)
        case (.object(let fields), .map(.string, let element, _)):
            var values: [Value] = []
            for entry in fields.values {
                guard let value = convert(entry, element, zone) else { return nil }
                values.append(value)
            }
            return .map(keys: fields.keys.map { .string($0) }, values: values)
        default: return nil
        }
    }

    /// JSON text of a value in a string column.
    private static func text(_ json: JSONValue) -> String {
        func quoted(_ text: String) -> String {
            var out = "\""
            for scalar in text.unicodeScalars {
                switch scalar {
                case "\"": out += "\\\""
                case "\\": out += "\\\\"
                case "\n": out += "\\n"
                default: out.unicodeScalars.append(scalar)
                }
            }
            return out + "\""
        }
        return switch json {
        case .null: "null"
        case .boolean(let flag): flag ? "true" : "false"
        case .number(let text): text
        case .string(let text): quoted(text)
        case .array(let items): "[" + items.map(text).joined(separator: ",") + "]"
        case .object(let fields): "{" + fields.map { "\(quoted($0.key)):\(text($0.value))" }.joined(separator: ",") + "}"
        }
    }
}

/// Each line is a row of one string column, `value`.
final class TextReader: FileReader {
    let columns: [BoundColumn]
    private(set) var file: TableFile?
    private let files: FileMorsels
    private var lines: LineFeed?
    private var place = BatchPlace.first

    static let textSchema = Schema([StructField("value", .string)])

    init(_ scan: BoundFiles, _ files: FileMorsels) {
        columns = scan.columns
        self.files = files
    }

    /// A batch has lines of one morsel.
    func next() throws(QueryError) -> Batch? {
        var builder = ColumnBuilder(type: .string, capacity: Batch.rowsDefault)
        var bytes = 0
        while builder.count < Batch.rowsDefault, bytes < Batch.inputBytesMax {
            if lines == nil {
                if builder.count > 0 { break }
                guard let morsel = try files.next() else { return nil }
                place = BatchPlace(morsel: morsel.number)
                file = morsel.file
                lines = LineFeed(morsel.feed)
            }
            if let line = try lines?.next() {
                bytes += line.count
                builder.append(bytes: line)
            } else {
                lines = nil
            }
        }
        let rows = builder.count
        let column = builder.finish()
        defer { place.batch += 1 }
        return Batch(schema: schema, columns: columns.isEmpty ? [] : [column], rowCount: rows, place: place)
    }
}
