// CSV, JSON lines and plain text as files, in the forms that Spark writes: null is nothing in CSV and a missing field in JSON, timestamps
// have milliseconds and a zone. Options that are not honoured are refused by name. Source: Spark's CSV, JSON and text options.
import Codecs
import QueryCore

/// The compression of text files.
enum TextCompression {
    case none, gzip

    init(_ shape: OutputShape) throws(QueryError) {
        let name = shape.option("compression") ?? shape.option("codec") ?? "none"
        switch name.lowercased() {
        case "none", "uncompressed": self = .none
        case "gzip": self = .gzip
        default: throw QueryError(.codecNotAvailable, ["codecName": name, "availableCodecs": "none, uncompressed, gzip"])
        }
    }

    var fileExtension: String { self == .gzip ? ".gz" : "" }
}

/// Text of rows, without its compression.
protocol TextFileRows {
    mutating func append(_ batch: Batch, into text: inout [UInt8]) throws(QueryError)
    /// What a file without rows has.
    var beginning: [UInt8] { get }
}

/// Gathers text and compresses it in members of about a megabyte.
struct CompressedText<Rows: TextFileRows>: FormatWriter {
    private static var memberBytes: Int { 1 << 20 }

    private var rows: Rows
    private let compression: TextCompression
    private var text: [UInt8]

    init(_ rows: Rows, _ compression: TextCompression) {
        self.rows = rows
        self.compression = compression
        text = rows.beginning
    }

    var keptBytes: Int { text.count }

    mutating func append(_ batch: Batch) throws(QueryError) -> [UInt8] {
        try rows.append(batch, into: &text)
        return text.count >= Self.memberBytes ? taken() : []
    }

    mutating func finish() throws(QueryError) -> [UInt8] { taken() }

    private mutating func taken() -> [UInt8] {
        defer { text = [] }
        if compression == .none || text.isEmpty { return text }
        var packed: [UInt8] = []
        for start in stride(from: 0, to: text.count, by: Codec.plainBytesMax) {
            packed += Codec.gzip.compress(Array(text[start..<min(text.count, start + Codec.plainBytesMax)]))
        }
        return packed
    }
}

enum OutputColumns {
    static func unsupported(_ field: StructField, _ format: String) -> QueryError {
        QueryError(
            .unsupportedDataTypeForDataSource,
            ["format": format, "columnName": Identifier.quoted(field.name), "columnType": "\"\(field.type.sqlName)\""])
    }

    /// Refuses options that change the output in ways that are not here.
    static func refuse(_ names: [String], _ shape: OutputShape, _ format: String) throws(QueryError) {
        for name in names where shape.option(name) != nil { throw QueryError.unsupported("the option \(name) in writing \(format)") }
        if let encoding = shape.option("encoding") ?? shape.option("charset"),
            !["utf-8", "utf8", "us-ascii"].contains(encoding.lowercased())
        {
            throw QueryError.unsupported("the encoding \(encoding) in writing \(format)")
        }
    }

    /// `yyyy-MM-dd'T'HH:mm:ss.SSSXXX` in UTC.
    static func timestamp(_ micros: Int64) -> String {
        let day = CivilTime.formatDate(CivilTime.floorDay(micros))
        let milliseconds = Int(CivilTime.microsOfDay(micros) / 1000)
        func padded(_ number: Int, _ width: Int) -> String { CivilTime.padded(number, width) }
        let seconds = milliseconds / 1000
        let time = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded($0, 2) }.joined(separator: ":")
        return "\(day)T\(time).\(padded(milliseconds % 1000, 3))Z"
    }
}

struct LinesOutput: TextFileRows {
    let beginning: [UInt8] = []
    private let end: [UInt8]

    init(_ shape: OutputShape, _ schema: Schema) throws(QueryError) {
        guard schema.count == 1 else {
            throw QueryError.unsupported("writing \(schema.count) columns as text; the text data source has a single column")
        }
        guard schema.fields[0].type == .string else { throw OutputColumns.unsupported(schema.fields[0], "Text") }
        try OutputColumns.refuse([], shape, "text")
        end = Array((shape.option("lineSep") ?? "\n").utf8)
    }

    mutating func append(_ batch: Batch, into text: inout [UInt8]) throws(QueryError) {
        guard case .bytes(let offsets, let bytes) = batch.columns[0].storage else { preconditionFailure("a string column has bytes") }
        for row in 0..<batch.rowCount {
            if !batch.columns[0].isNull(row) { text += bytes[Int(offsets[row])..<Int(offsets[row + 1])] }
            text += end
        }
    }
}

struct CSVOutput: TextFileRows {
    private let options: CSVOptions
    private let quotesAll: Bool
    private let trims: (leading: Bool, trailing: Bool)
    private let emptyValue: [UInt8]
    private let end: [UInt8]
    private let now: Int64
    private(set) var beginning: [UInt8] = []

    init(_ shape: OutputShape, _ schema: Schema, now: Int64) throws(QueryError) {
        options = try CSVOptions(FileSource(format: .csv, paths: [], options: shape.options))
        for field in schema.fields where !field.type.isAtomic || field.type == .binary || field.type == .null {
            throw OutputColumns.unsupported(field, "CSV")
        }
        try OutputColumns.refuse(
            ["dateFormat", "timestampFormat", "timestampNTZFormat", "escapeQuotes", "charToEscapeQuoteEscaping"], shape, "CSV")
        func flag(_ name: String, _ standard: Bool) -> Bool { shape.option(name).map { Identifier.same($0, "true") } ?? standard }
        quotesAll = flag("quoteAll", false)
        trims = (flag("ignoreLeadingWhiteSpace", true), flag("ignoreTrailingWhiteSpace", true))
        emptyValue = Array((shape.option("emptyValue") ?? "\"\"").utf8)
        end = Array((shape.option("lineSep") ?? "\n").utf8)
        self.now = now
        guard options.header else { return }
        for (index, field) in schema.fields.enumerated() {
            if index > 0 { beginning.append(options.separator) }
            write(Array(field.name.utf8)[...], into: &beginning)
        }
        beginning += end
    }

    mutating func append(_ batch: Batch, into text: inout [UInt8]) throws(QueryError) {
        var columns: [Column] = []
        for column in batch.columns { columns.append(try texts(column)) }
        for row in 0..<batch.rowCount {
            for (index, column) in columns.enumerated() {
                if index > 0 { text.append(options.separator) }
                guard case .bytes(let offsets, let bytes) = column.storage else { preconditionFailure("a string column has bytes") }
                if column.isNull(row) {
                    text += options.nullValue
                } else {
                    write(bytes[Int(offsets[row])..<Int(offsets[row + 1])], into: &text)
                }
            }
            text += end
        }
    }

    private func texts(_ column: Column) throws(QueryError) -> Column {
        if column.type == .string { return column }
        if case .int64(let values) = column.storage, column.type == .timestamp {
            var builder = ColumnBuilder(type: .string, capacity: column.count)
            for row in 0..<column.count {
                if column.isNull(row) { builder.appendNull() } else { builder.append(bytes: OutputColumns.timestamp(values[row]).utf8) }
            }
            return builder.finish()
        }
        let from = BoundColumn(id: ColumnID(0), name: "", type: column.type, nullable: true)
        let batch = Batch(schema: Schema([from.field]), columns: [column], rowCount: column.count)
        return try Evaluator(columns: [from], now: now).evaluate(.cast(.column(from), to: .string, isTry: false), batch)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 }

    private func write(_ whole: ArraySlice<UInt8>, into text: inout [UInt8]) {
        var value = whole
        if trims.leading { value = value.drop(while: Self.isBlank) }
        if trims.trailing { while let last = value.last, Self.isBlank(last) { value.removeLast() } }
        if value.isEmpty {
            text += emptyValue
            return
        }
        let needsQuotes = quotesAll || value.contains { $0 == options.separator || $0 == options.quote || $0 == 0x0A || $0 == 0x0D }
        guard needsQuotes, options.quote != 0 else {
            text += value
            return
        }
        text.append(options.quote)
        for byte in value {
            if byte == options.quote || (byte == options.escape && options.escape != options.quote) { text.append(options.escape) }
            text.append(byte)
        }
        text.append(options.quote)
    }
}

struct JSONOutput: TextFileRows {
    let beginning: [UInt8] = []
    private let schema: Schema
    private let skipsNulls: Bool
    private let end: [UInt8]

    init(_ shape: OutputShape, _ schema: Schema) throws(QueryError) {
        self.schema = schema
        try OutputColumns.refuse(["dateFormat", "timestampFormat", "timestampNTZFormat", "pretty"], shape, "JSON")
        skipsNulls = !(shape.option("ignoreNullFields").map { Identifier.same($0, "false") } ?? false)
        end = Array((shape.option("lineSep") ?? "\n").utf8)
    }

    mutating func append(_ batch: Batch, into text: inout [UInt8]) throws(QueryError) {
        for row in 0..<batch.rowCount {
            write(batch.row(row), schema.fields, into: &text)
            text += end
        }
    }

    private func write(_ values: [Value], _ fields: [StructField], into text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        var isFirst = true
        for (index, value) in values.enumerated() where !(skipsNulls && value.isNull) {
            if !isFirst { text.append(UInt8(ascii: ",")) }
            isFirst = false
            Self.write(Array(fields[index].name.utf8)[...], into: &text)
            text.append(UInt8(ascii: ":"))
            write(value, fields[index].type, into: &text)
        }
        text.append(UInt8(ascii: "}"))
    }

    private func write(_ value: Value, _ type: DataType, into text: inout [UInt8]) {
        switch (value, type) {
        case (.null, _): text += "null".utf8
        case (.boolean(let flag), _): text += (flag ? "true" : "false").utf8
        case (.integer(let day), .date): Self.write(Array(CivilTime.formatDate(Int(day)).utf8)[...], into: &text)
        case (.integer(let micros), .timestamp): Self.write(Array(OutputColumns.timestamp(micros).utf8)[...], into: &text)
        case (.integer(let number), _): text += "\(number)".utf8
        case (.double(let number), _):
            let digits = type == .float ? FloatText.format(Float(number)) : FloatText.format(number)
            if number.isFinite { text += digits.utf8 } else { Self.write(Array(digits.utf8)[...], into: &text) }
        case (.decimal(let unscaled), .decimal(_, let scale)): text += DecimalText.format(unscaled, scale: scale).utf8
        case (.decimal(let unscaled), _): text += "\(unscaled)".utf8
        case (.string(let string), _): Self.write(Array(string.utf8)[...], into: &text)
        case (.binary(let bytes), _): Self.write(Base64Text.encoded(bytes)[...], into: &text)
        case (.array(let items), .array(let element, _)):
            text.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                write(item, element, into: &text)
            }
            text.append(UInt8(ascii: "]"))
        case (.map(let keys, let items), .map(let keyType, let itemType, _)): write(keys, items, keyType, itemType, into: &text)
        case (.structure(let items), .structure(let fields)): write(items, fields, into: &text)
        default: preconditionFailure("a value has the shape of its type")
        }
    }

    /// Keys are the texts of their values.
    private func write(_ keys: [Value], _ items: [Value], _ keyType: DataType, _ itemType: DataType, into text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        for (index, item) in items.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            var key: [UInt8] = []
            write(keys[index], keyType, into: &key)
            if key.first == UInt8(ascii: "\"") { text += key } else { Self.write(key[...], into: &text) }
            text.append(UInt8(ascii: ":"))
            write(item, itemType, into: &text)
        }
        text.append(UInt8(ascii: "}"))
    }

    private static let digits = Array("0123456789abcdef".utf8)
    private static let short: [UInt8: UInt8] = [
        0x08: UInt8(ascii: "b"), 0x09: UInt8(ascii: "t"), 0x0A: UInt8(ascii: "n"), 0x0C: UInt8(ascii: "f"), 0x0D: UInt8(ascii: "r"),
        UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
    ]

    /// A JSON text between quotes.
    static func write(_ value: ArraySlice<UInt8>, into text: inout [UInt8]) {
        text.append(UInt8(ascii: "\""))
        for byte in value {
            if let mark = short[byte] {
                text += [UInt8(ascii: "\\"), mark]
            } else if byte < 0x20 {
                text += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                text.append(byte)
            }
        }
        text.append(UInt8(ascii: "\""))
    }
}

/// Base64 with padding, as Spark writes binary values in JSON. Source: RFC 4648.
enum Base64Text {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(bytes.count, start + 3)]
            let word = part.enumerated().reduce(0) { $0 | Int($1.element) << (16 - 8 * $1.offset) }
            for place in 0..<4 { text.append(place <= part.count ? letters[word >> (18 - 6 * place) & 63] : UInt8(ascii: "=")) }
        }
        return text
    }
}
