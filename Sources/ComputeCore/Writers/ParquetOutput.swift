// Columns as Parquet: Spark's types in the forms that Spark writes, with its own description of the schema in the footer, so that it reads
// them back as they were. Timestamps are microseconds of UTC. Source: Spark SQL guide, "Parquet Files"; Spark's configuration reference.
import Parquet
import QueryCore

struct ParquetOutput: FormatWriter {
    private let schema: Schema
    private var writer: ParquetWriter

    /// The key under which Spark keeps its schema.
    private static let rowMetadataKey = "org.apache.spark.sql.parquet.row.metadata"
    /// parquet-mr takes a version from this text.
    private static let createdBy = "platform version 1"
    static let extensions: [PageCodec: String] = [.snappy: ".snappy", .gzip: ".gz", .zstd: ".zstd", .lz4: ".lz4raw"]
    private static let codecs: [String: PageCodec] = [
        "none": .none, "uncompressed": .none, "snappy": .snappy, "gzip": .gzip, "zstd": .zstd, "lz4_raw": .lz4, "lz4raw": .lz4,
    ]

    static func settings(_ shape: OutputShape) throws(QueryError) -> WriterSettings {
        var settings = WriterSettings()
        let name = shape.option("compression") ?? shape.option("parquet.compression") ?? "snappy"
        guard let codec = codecs[name.lowercased()] else {
            throw QueryError(
                .codecNotAvailable, ["codecName": name, "availableCodecs": "none, uncompressed, snappy, gzip, zstd, lz4_raw"])
        }
        settings.codec = codec
        let level = codec == .zstd ? "parquet.compression.codec.zstd.level" : "zlib.compress.level"
        if codec == .zstd || codec == .gzip { settings.level = try FormatWriters.number(shape.option(level), level) }
        if let level = settings.level, !(codec == .zstd ? 1...22 : 0...9).contains(level) {
            throw QueryError.unsupported("the level \(level) of the codec \(name)")
        }
        if let bytes = try FormatWriters.number(shape.option("parquet.block.size"), "parquet.block.size") {
            settings.rowGroupBytes = max(1 << 10, bytes)
        }
        if let bytes = try FormatWriters.number(shape.option("parquet.page.size"), "parquet.page.size") {
            settings.pageBytes = min(max(64, bytes), 64 << 20)
        }
        if let rows = try FormatWriters.number(shape.option("parquet.page.row.count.limit"), "parquet.page.row.count.limit") {
            settings.pageRows = max(1, rows)
        }
        if let bytes = try FormatWriters.number(shape.option("parquet.dictionary.page.size"), "parquet.dictionary.page.size") {
            settings.dictionaryBytes = min(bytes, 64 << 20)
        }
        if shape.option("parquet.enable.dictionary").map({ Identifier.same($0, "false") }) ?? false { settings.dictionaryBytes = 0 }
        settings.writesVersion2 = ["v2", "parquet_2_0"].contains((shape.option("parquet.writer.version") ?? "v1").lowercased())
        return settings
    }

    init(_ shape: OutputShape, _ schema: Schema) throws(QueryError) {
        self.schema = schema
        var elements = [SchemaElement.root("spark_schema", children: schema.count)]
        for field in schema.fields { try Self.describe(field.name, field.type, field.nullable, column: field, &elements) }
        do {
            writer = try ParquetWriter(
                elements, try Self.settings(shape), keyValues: [(Self.rowMetadataKey, SparkTypeText.json(schema))],
                createdBy: Self.createdBy)
        } catch let error as ParquetError {
            throw ParquetSource.error(error, "")
        } catch let error as QueryError {
            throw error
        } catch { preconditionFailure("all errors of the two calls are named") }
    }

    var keptBytes: Int { writer.keptBytes }

    /// Batches with much text are cut, so that pages stay small.
    private static let batchBytesMax = 32 << 20

    mutating func append(_ batch: Batch) throws(QueryError) -> [UInt8] {
        if batch.byteCount > Self.batchBytesMax, batch.rowCount > 1 {
            let middle = batch.rowCount / 2
            return try append(batch.slice(0..<middle)) + append(batch.slice(middle..<batch.rowCount))
        }
        let vectors = batch.columns.map(Self.vector)
        do { return try writer.append(vectors, rowCount: batch.rowCount) } catch {
            throw QueryError(.taskWriteFailed, ["path": "a Parquet file", "reason": error.description])
        }
    }

    mutating func finish() throws(QueryError) -> [UInt8] {
        do { return try writer.finish() } catch {
            throw QueryError(.taskWriteFailed, ["path": "a Parquet file", "reason": error.description])
        }
    }

    // MARK: schema

    private static func describe(
        _ name: String, _ type: DataType, _ nullable: Bool, column: StructField, _ elements: inout [SchemaElement]
    ) throws(QueryError) {
        let repetition: Repetition = nullable ? .optional : .required
        func leaf(_ physical: PhysicalType, _ logical: LogicalType? = nil, length: Int = 0) {
            elements.append(SchemaElement(name, physical, length: length, repetition, logical))
        }
        switch type {
        case .boolean: leaf(.boolean)
        case .byte: leaf(.int32, .integer(bits: 8, isSigned: true))
        case .short: leaf(.int32, .integer(bits: 16, isSigned: true))
        case .int: leaf(.int32)
        case .long: leaf(.int64)
        case .float: leaf(.float)
        case .double: leaf(.double)
        case .string: leaf(.byteArray, .string)
        case .binary: leaf(.byteArray)
        case .date: leaf(.int32, .date)
        case .timestamp: leaf(.int64, .timestamp(.microseconds, isUTC: true))
        case .decimal(let precision, let scale):
            let logical = LogicalType.decimal(precision: precision, scale: scale)
            if precision <= 9 {
                leaf(.int32, logical)
            } else if precision <= 18 {
                leaf(.int64, logical)
            } else {
                leaf(.fixedBytes, logical, length: decimalBytes(precision))
            }
        case .array(let element, let containsNull):
            elements.append(SchemaElement(name, children: 1, repetition, .list))
            elements.append(SchemaElement("list", children: 1, .repeated))
            try describe("element", element, containsNull, column: column, &elements)
        case .map(let key, let value, let containsNull):
            elements.append(SchemaElement(name, children: 1, repetition, .map))
            elements.append(SchemaElement("key_value", children: 2, .repeated))
            try describe("key", key, false, column: column, &elements)
            try describe("value", value, containsNull, column: column, &elements)
        case .structure(let fields) where !fields.isEmpty:
            elements.append(SchemaElement(name, children: fields.count, repetition))
            for field in fields { try describe(field.name, field.type, field.nullable, column: column, &elements) }
        default: throw OutputColumns.unsupported(column, "Parquet")
        }
    }

    /// Bytes that hold every number of so many digits and its sign.
    static func decimalBytes(_ precision: Int) -> Int {
        let greatest = (0..<precision).reduce(Int128(1)) { power, _ in power * 10 } - 1
        return (1...16).first { $0 == 16 || (Int128(1) << (8 * $0 - 1)) - 1 >= greatest } ?? 16
    }

    // MARK: values

    private static func vector(_ column: Column) -> ParquetVector {
        ParquetVector(count: column.count, validity: column.validity?.words, storage: storage(column))
    }

    private static func storage(_ column: Column) -> ParquetVector.Storage {
        var values = LeafValues(.int32)
        switch column.storage {
        case .nothing: preconditionFailure("a schema with void was refused")
        case .boolean(let bits):
            values = LeafValues(.booleans)
            values.booleans = (0..<column.count).map { UInt8(bits.words[$0 >> 6] >> UInt64($0 & 63) & 1) }
        case .int8(let numbers): values.int32s = numbers.map { Int32($0) }
        case .int16(let numbers): values.int32s = numbers.map { Int32($0) }
        case .int32(let numbers): values.int32s = numbers
        case .int64(let numbers):
            values = LeafValues(.int64)
            values.int64s = numbers
        case .float(let numbers):
            values = LeafValues(.float)
            values.floats = numbers
        case .double(let numbers):
            values = LeafValues(.double)
            values.doubles = numbers
        case .decimal(let numbers): values = decimals(numbers, column.type)
        case .bytes(let offsets, let bytes):
            values = LeafValues(.bytes)
            (values.offsets, values.bytes) = (offsets, bytes)
        case .list(let offsets, let child):
            guard case .map = column.type, case .structure(let entries) = child.storage else {
                return .list(offsets: offsets, vector(child))
            }
            return .map(offsets: offsets, key: vector(entries[0]), value: vector(entries[1]))
        case .structure(let children): return .group(children.map(vector))
        }
        return .leaf(values)
    }

    private static func decimals(_ numbers: [Int128], _ type: DataType) -> LeafValues {
        guard case .decimal(let precision, _) = type else { preconditionFailure("decimals have a decimal type") }
        if precision <= 9 {
            var values = LeafValues(.int32)
            values.int32s = numbers.map { Int32(truncatingIfNeeded: $0) }
            return values
        }
        if precision <= 18 {
            var values = LeafValues(.int64)
            values.int64s = numbers.map { Int64(truncatingIfNeeded: $0) }
            return values
        }
        let length = decimalBytes(precision)
        var values = LeafValues(.fixed(length))
        values.bytes.reserveCapacity(numbers.count * length)
        for number in numbers {
            for byte in (0..<length).reversed() { values.bytes.append(UInt8(truncatingIfNeeded: number >> Int128(8 * byte))) }
        }
        return values
    }
}

/// Spark's JSON form of a schema, which it keeps in the footers of its Parquet files.
enum SparkTypeText {
    static func json(_ schema: Schema) -> String { json(.structure(schema.fields)) }

    private static func json(_ type: DataType) -> String {
        switch type {
        case .array(let element, let containsNull): "{\"type\":\"array\",\"elementType\":\(json(element)),\"containsNull\":\(containsNull)}"
        case .map(let key, let value, let containsNull):
            "{\"type\":\"map\",\"keyType\":\(json(key)),\"valueType\":\(json(value)),\"valueContainsNull\":\(containsNull)}"
        case .structure(let fields):
            "{\"type\":\"struct\",\"fields\":[" + fields.map(json).joined(separator: ",") + "]}"
        default: "\"\(type.treeName)\""
        }
    }

    private static func json(_ field: StructField) -> String {
        var name: [UInt8] = []
        JSONOutput.write(Array(field.name.utf8)[...], into: &name)
        let label = String(decoding: name, as: UTF8.self)
        return "{\"name\":\(label),\"type\":\(json(field.type)),\"nullable\":\(field.nullable),\"metadata\":{}}"
    }
}
