// Parquet's types as those of the engine, and its vectors as columns. What Spark reads is read the same way; beyond it, timestamps of
// nanoseconds lose what microseconds cannot hold, a UUID is its text and a half-precision number a float. Source: Spark SQL guide, "Parquet
// Files"; apache/parquet-format, LogicalTypes.md.
import Parquet
import QueryCore

enum ParquetTypes {
    /// The columns of a file, all of them nullable, as for every file source.
    static func schema(_ schema: ParquetSchema, path: String) throws(QueryError) -> Schema {
        var fields: [StructField] = []
        for field in schema.fields { fields.append(StructField(field.name, try type(field, path: path))) }
        return Schema(fields)
    }

    static func type(_ field: ParquetField, path: String) throws(QueryError) -> DataType {
        switch field.shape {
        case .leaf(let leaf):
            if let type = type(leaf) { return type }
            let name = "\(leaf.type)" + (leaf.logical.map { " (\($0))" } ?? "")
            throw QueryError.unsupported("Parquet column \(leaf.path.joined(separator: ".")) of type \(name) in \(path)")
        case .list(let element): return .array(element: try type(element, path: path), containsNull: true)
        case .map(let key, let value):
            return .map(key: try type(key, path: path), value: try type(value, path: path), valueContainsNull: true)
        case .group(let inner):
            var fields: [StructField] = []
            for field in inner { fields.append(StructField(field.name, try type(field, path: path))) }
            return .structure(fields)
        }
    }

    private static func type(_ leaf: ParquetLeaf) -> DataType? {
        if case .decimal(let precision, let scale)? = leaf.logical {
            guard (1...DataType.decimalPrecisionMax).contains(precision), (0...precision).contains(scale) else { return nil }
            switch leaf.type {
            case .int32, .int64, .byteArray: return .decimal(precision: precision, scale: scale)
            case .fixedBytes: return leaf.length <= 16 ? .decimal(precision: precision, scale: scale) : nil
            default: return nil
            }
        }
        switch (leaf.type, leaf.logical) {
        case (_, .null): return .null
        case (.boolean, nil): return .boolean
        case (.int32, .integer(8, true)): return .byte
        case (.int32, .integer(16, true)), (.int32, .integer(8, false)): return .short
        case (.int32, nil), (.int32, .integer(32, true)), (.int32, .integer(16, false)): return .int
        case (.int32, .integer(32, false)), (.int64, nil), (.int64, .integer(64, true)): return .long
        case (.int32, .date): return .date
        case (.int64, .integer(64, false)): return .decimal(precision: 20, scale: 0)
        case (.int64, .timestamp), (.int96, nil): return .timestamp
        case (.float, nil): return .float
        case (.double, nil): return .double
        case (.byteArray, .string): return .string
        case (.byteArray, nil), (.byteArray, .bson), (.fixedBytes, nil): return .binary
        case (.fixedBytes, .uuid): return leaf.length == 16 ? .string : nil
        case (.fixedBytes, .float16): return leaf.length == 2 ? .float : nil
        default: return nil
        }
    }

    /// The column of a vector; `type` is that of `type(field)`.
    static func column(_ vector: ParquetVector, _ field: ParquetField, _ type: DataType) throws(QueryError) -> Column {
        let validity = vector.validity.map { Bitmap(words: $0, count: vector.count) }
        func made(_ storage: Column.Storage) -> Column { Column(type: type, count: vector.count, validity: validity, storage: storage) }
        switch (vector.storage, field.shape, type) {
        case (.leaf, _, .null): return Column(type: .null, count: vector.count, validity: nil, storage: .nothing)
        case (.leaf(let values), .leaf(let leaf), _): return made(try storage(values, leaf, type))
        case (.list(let offsets, let child), .list(let element), .array(let elementType, _)):
            return made(.list(offsets: offsets, child: try column(child, element, elementType)))
        case (.map(let offsets, let keys, let values), .map(let key, let value), .map(let keyType, let valueType, let nullable)):
            let fields = [StructField("key", keyType, nullable: false), StructField("value", valueType, nullable: nullable)]
            let children = [try column(keys, key, keyType), try column(values, value, valueType)]
            let entries = Column(type: .structure(fields), count: keys.count, validity: nil, storage: .structure(children))
            return made(.list(offsets: offsets, child: entries))
        case (.group(let children), .group(let fields), .structure(let types)):
            var columns: [Column] = []
            for (index, child) in children.enumerated() { columns.append(try column(child, fields[index], types[index].type)) }
            return made(.structure(columns))
        default: preconditionFailure("a vector has the shape of its field")
        }
    }

    private static func storage(_ values: LeafValues, _ leaf: ParquetLeaf, _ type: DataType) throws(QueryError) -> Column.Storage {
        switch type {
        case .boolean: return .boolean(bits(values.booleans))
        case .byte: return .int8(values.int32s.map { Int8(truncatingIfNeeded: $0) })
        case .short: return .int16(values.int32s.map { Int16(truncatingIfNeeded: $0) })
        case .int, .date: return .int32(values.int32s)
        case .long: return .int64(leaf.type == .int64 ? values.int64s : values.int32s.map { Int64(UInt32(bitPattern: $0)) })
        case .timestamp: return .int64(microseconds(values.int64s, leaf.logical))
        case .float: return .float(leaf.type == .float ? values.floats : halves(values.bytes))
        case .double: return .double(values.doubles)
        case .string where leaf.logical == .uuid: return uuids(values.bytes)
        case .binary where leaf.type == .fixedBytes:
            let count = values.bytes.count / leaf.length
            return .bytes(offsets: (0...count).map { Int32($0 * leaf.length) }, bytes: values.bytes)
        case .string, .binary: return .bytes(offsets: values.offsets, bytes: values.bytes)
        case .decimal(let precision, _): return .decimal(try decimals(values, leaf, precision))
        default: preconditionFailure("\(type.simpleString) is no type of a Parquet leaf")
        }
    }

    private static func bits(_ values: [UInt8]) -> Bitmap {
        var words = [UInt64](repeating: 0, count: (values.count + 63) / 64)
        for index in values.indices { words[index >> 6] |= UInt64(values[index] & 1) << UInt64(index & 63) }
        return Bitmap(words: words, count: values.count)
    }

    private static func microseconds(_ values: [Int64], _ logical: LogicalType?) -> [Int64] {
        guard case .timestamp(let unit, _)? = logical else { return values }
        switch unit {
        case .microseconds: return values
        case .milliseconds: return values.map { Int64(clamping: Int128($0) * 1000) }
        case .nanoseconds: return values.map { $0 / 1000 - ($0 % 1000 < 0 ? 1 : 0) }
        }
    }

    private static func halves(_ bytes: [UInt8]) -> [Float] {
        (0..<bytes.count / 2).map { Float(Float16(bitPattern: UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8)) }
    }

    private static func uuids(_ bytes: [UInt8]) -> Column.Storage {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count / 16 * 36)
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index % 16) { text.append(UInt8(ascii: "-")) }
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        return .bytes(offsets: (0...bytes.count / 16).map { Int32($0 * 36) }, bytes: text)
    }

    private static func decimals(_ values: LeafValues, _ leaf: ParquetLeaf, _ precision: Int) throws(QueryError) -> [Int128] {
        switch leaf.type {
        case .int32: return values.int32s.map { Int128($0) }
        case .int64:
            let isUnsigned = leaf.logical == .integer(bits: 64, isSigned: false)
            return isUnsigned ? values.int64s.map { Int128(UInt64(bitPattern: $0)) } : values.int64s.map { Int128($0) }
        default: break
        }
        let count = values.count
        let limit = (0..<precision).reduce(Int128(1)) { power, _ in power * 10 }
        var numbers: [Int128] = []
        numbers.reserveCapacity(count)
        for index in 0..<count {
            let range =
                leaf.type == .fixedBytes
                ? index * leaf.length..<(index + 1) * leaf.length : Int(values.offsets[index])..<Int(values.offsets[index + 1])
            // Big-endian; a null's place may be empty.
            var number: Int128 = range.isEmpty || values.bytes[range.lowerBound] < 0x80 ? 0 : -1
            for byte in values.bytes[range] { number = number &<< 8 | Int128(byte) }
            guard range.count <= 16, number < limit, number > -limit else {
                throw QueryError.unsupported(
                    "a number of more than \(precision) digits in Parquet column \(leaf.path.joined(separator: "."))")
            }
            numbers.append(number)
        }
        return numbers
    }
}
