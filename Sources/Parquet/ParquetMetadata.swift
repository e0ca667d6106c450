// The footer of a Parquet file as values: schema, row groups, column chunks with their places and statistics. Numbers are those of the
// format; nothing is interpreted here. Source: apache/parquet-format, parquet.thrift.

package enum PhysicalType: Int, Sendable { case boolean, int32, int64, int96, float, double, byteArray, fixedBytes }

package enum Repetition: Int, Sendable { case required, optional, repeated }

package enum PageCodec: Int, Sendable { case none, snappy, gzip, lzo, brotli, lz4Hadoop, zstd, lz4 }

enum PageEncoding: Int, Sendable {
    case plain = 0
    case plainDictionary = 2
    case runLength = 3
    case bitPacked = 4
    case deltaBinaryPacked = 5
    case deltaLengthBytes = 6
    case deltaBytes = 7
    case dictionary = 8
    case byteStreamSplit = 9
}

package enum TimeUnit: Int, Sendable { case milliseconds = 1, microseconds, nanoseconds }

/// What the values of a column mean; of the older converted types, the ones that say the same.
package enum LogicalType: Hashable, Sendable {
    case string, list, map
    case decimal(precision: Int, scale: Int)
    case date
    case time(TimeUnit)
    case timestamp(TimeUnit, isUTC: Bool)
    case integer(bits: Int, isSigned: Bool)
    case null
    case bson, uuid, float16, interval
    /// One that this reader does not know.
    case other(String)
}

package struct SchemaElement: Sendable {
    package var name = ""
    /// Nil for groups.
    package var type: PhysicalType?
    /// Of fixed-length values, in bytes.
    package var length = 0
    package var repetition = Repetition.required
    package var childCount = 0
    package var logical: LogicalType?
    /// The first element, which stands for the whole row.
    var isRoot = false

    /// A column.
    package init(_ name: String, _ type: PhysicalType, length: Int = 0, _ repetition: Repetition, _ logical: LogicalType? = nil) {
        (self.name, self.type, self.length, self.repetition, self.logical) = (name, type, length, repetition, logical)
    }

    /// A group of the elements behind it.
    package init(_ name: String, children: Int, _ repetition: Repetition, _ logical: LogicalType? = nil) {
        (self.name, childCount, self.repetition, self.logical) = (name, children, repetition, logical)
    }

    package static func root(_ name: String, children: Int) -> SchemaElement {
        var root = SchemaElement(name, children: children, .required)
        root.isRoot = true
        return root
    }
}

/// Bounds of the values of a chunk, PLAIN encoded without a length.
package struct ChunkStatistics: Sendable {
    package var least: [UInt8]?
    package var greatest: [UInt8]?
    package var nullCount: Int?
}

package struct ColumnChunk: Sendable {
    package var type = PhysicalType.boolean
    package var codec = PageCodec.none
    package var path: [String] = []
    /// Nulls included; of repeated columns the elements.
    package var valueCount = 0
    package var compressedBytes = 0
    package var plainBytes = 0
    package var dataPageOffset = 0
    package var dictionaryPageOffset: Int?
    package var statistics = ChunkStatistics()
    var encodings: [PageEncoding] = []

    /// The chunk's first byte in the file.
    var offset: Int {
        // Some writers leave 0 where there is no dictionary.
        guard let dictionaryPageOffset, dictionaryPageOffset > 0 else { return dataPageOffset }
        return min(dictionaryPageOffset, dataPageOffset)
    }
}

package struct RowGroup: Sendable {
    package var columns: [ColumnChunk] = []
    package var rowCount = 0
    package var plainBytes = 0
}

package struct FileMetadata: Sendable {
    package var schema: [SchemaElement] = []
    package var rowCount = 0
    package var rowGroups: [RowGroup] = []
    package var keyValues: [(key: String, value: String)] = []
    package var createdBy = ""
}

extension FileMetadata {
    /// Parses a footer without its length and magic.
    package init(footer: [UInt8]) throws(ParquetError) {
        var reader = ThriftReader(footer, at: 0, end: footer.count)
        try reader.begin()
        while let field = try reader.field() {
            switch field.id {
            case 2:
                for _ in 0..<(try reader.list(field, of: .structure)) {
                    let element = try SchemaElement(&reader)
                    // An element without a name would be a byte in the footer and much more in memory.
                    guard schema.isEmpty || !element.name.isEmpty else { throw .damaged("a column has no name") }
                    schema.append(element)
                }
            case 3: rowCount = try reader.integer(field)
            case 4:
                for _ in 0..<(try reader.list(field, of: .structure)) {
                    let group = try RowGroup(&reader)
                    // As above; groups of a table without columns say nothing.
                    if !group.columns.isEmpty { rowGroups.append(group) }
                }
            case 5:
                for _ in 0..<(try reader.list(field, of: .structure)) {
                    if let pair = try Self.keyValue(&reader) { keyValues.append(pair) }
                }
            case 6: createdBy = try reader.text(field)
            case 8: throw .unsupported("encryption")
            default: try reader.skip(field)
            }
        }
        if !schema.isEmpty { schema[0].isRoot = true }
    }

    private static func keyValue(_ reader: inout ThriftReader) throws(ParquetError) -> (key: String, value: String)? {
        var (key, value) = ("", String?.none)
        try reader.begin()
        while let field = try reader.field() {
            switch field.id {
            case 1: key = try reader.text(field)
            case 2: value = try reader.text(field)
            default: try reader.skip(field)
            }
        }
        return value.map { (key, $0) }
    }
}

extension SchemaElement {
    init(_ reader: inout ThriftReader) throws(ParquetError) {
        var (converted, precision, scale) = (Int?.none, 0, 0)
        try reader.begin()
        while let field = try reader.field() {
            switch field.id {
            case 1:
                let number = try reader.integer(field)
                guard let known = PhysicalType(rawValue: number) else { throw .unsupported("the physical type \(number)") }
                type = known
            case 2: length = try reader.integer(field)
            case 3:
                guard let known = Repetition(rawValue: try reader.integer(field)) else { throw .damaged("a repetition is unknown") }
                repetition = known
            case 4: name = try reader.text(field)
            case 5: childCount = try reader.integer(field)
            case 6: converted = try reader.integer(field)
            case 7: scale = try reader.integer(field)
            case 8: precision = try reader.integer(field)
            case 10: logical = try LogicalType.read(&reader)
            default: try reader.skip(field)
            }
        }
        if logical == nil, let converted { logical = LogicalType.converted(converted, precision: precision, scale: scale) }
    }
}

extension LogicalType {
    /// Of the union's members: those without fields.
    private static let plain: [Int: LogicalType] = [
        1: .string, 2: .map, 3: .list, 4: .string, 6: .date, 11: .null, 12: .string, 13: .bson, 14: .uuid, 15: .float16,
        16: .other("VARIANT"), 17: .other("GEOMETRY"), 18: .other("GEOGRAPHY"),
    ]

    private static let convertedTypes: [Int: LogicalType] = [
        0: .string, 1: .map, 2: .map, 3: .list, 4: .string, 6: .date, 7: .time(.milliseconds), 8: .time(.microseconds),
        9: .timestamp(.milliseconds, isUTC: true), 10: .timestamp(.microseconds, isUTC: true), 11: .integer(bits: 8, isSigned: false),
        12: .integer(bits: 16, isSigned: false), 13: .integer(bits: 32, isSigned: false), 14: .integer(bits: 64, isSigned: false),
        15: .integer(bits: 8, isSigned: true), 16: .integer(bits: 16, isSigned: true), 17: .integer(bits: 32, isSigned: true),
        18: .integer(bits: 64, isSigned: true), 19: .string, 20: .bson, 21: .interval,
    ]

    static func converted(_ number: Int, precision: Int, scale: Int) -> LogicalType {
        number == 5 ? .decimal(precision: precision, scale: scale) : convertedTypes[number] ?? .other("the converted type \(number)")
    }

    /// The member of the union that is set.
    static func read(_ reader: inout ThriftReader) throws(ParquetError) -> LogicalType? {
        var found: LogicalType?
        try reader.begin()
        while let field = try reader.field() {
            guard field.kind == .structure else { throw .damaged("a logical type is no structure") }
            switch field.id {
            case 5, 7, 8, 10: found = try parameters(field.id, &reader)
            default:
                found = plain[field.id] ?? .other("the logical type \(field.id)")
                try reader.skip(field)
            }
        }
        return found
    }

    private static func parameters(_ kind: Int, _ reader: inout ThriftReader) throws(ParquetError) -> LogicalType {
        var (first, second, flag, unit) = (0, 0, true, TimeUnit.microseconds)
        try reader.begin()
        while let field = try reader.field() {
            switch (field.id, field.kind) {
            case (1, .yes), (1, .no), (2, .yes), (2, .no): flag = try reader.boolean(field)
            case (1, .byte), (1, .int32): first = try reader.integer(field)
            case (2, .int32): second = try reader.integer(field)
            case (2, .structure):
                try reader.begin()
                while let choice = try reader.field() {
                    guard let known = TimeUnit(rawValue: choice.id) else { throw .unsupported("the time unit \(choice.id)") }
                    unit = known
                    try reader.skip(choice)
                }
            default: try reader.skip(field)
            }
        }
        switch kind {
        case 5: return .decimal(precision: second, scale: first)
        case 7: return .time(unit)
        case 8: return .timestamp(unit, isUTC: flag)
        default: return .integer(bits: first, isSigned: flag)
        }
    }
}

extension RowGroup {
    init(_ reader: inout ThriftReader) throws(ParquetError) {
        try reader.begin()
        while let field = try reader.field() {
            switch field.id {
            case 1: for _ in 0..<(try reader.list(field, of: .structure)) { columns.append(try ColumnChunk(&reader)) }
            case 2: plainBytes = try reader.integer(field)
            case 3: rowCount = try reader.integer(field)
            default: try reader.skip(field)
            }
        }
        guard rowCount >= 0 else { throw .damaged("a row group has \(rowCount) rows") }
    }
}

extension ColumnChunk {
    init(_ reader: inout ThriftReader) throws(ParquetError) {
        var isComplete = false
        try reader.begin()
        while let field = try reader.field() {
            switch field.id {
            case 1: throw .unsupported("a column chunk in another file")
            case 3:
                try readMetadata(&reader)
                isComplete = true
            case 8: throw .unsupported("encryption")
            default: try reader.skip(field)
            }
        }
        // A chunk without its metadata would be a byte in the footer and much more in memory.
        guard isComplete, !path.isEmpty else { throw .damaged("a column chunk has no metadata") }
        guard valueCount >= 0, compressedBytes >= 0, dataPageOffset >= 0 else { throw .damaged("a column chunk has negative sizes") }
    }

    private mutating func readMetadata(_ reader: inout ThriftReader) throws(ParquetError) {
        try reader.begin()
        while let field = try reader.field() {
            switch field.id {
            case 1:
                let number = try reader.integer(field)
                guard let known = PhysicalType(rawValue: number) else { throw .unsupported("the physical type \(number)") }
                type = known
            case 3:
                for _ in 0..<(try reader.list(field, of: .binary)) { path.append(String(decoding: try reader.binary(), as: UTF8.self)) }
            case 4:
                let number = try reader.integer(field)
                guard let known = PageCodec(rawValue: number) else { throw .unsupported("the compression codec \(number)") }
                codec = known
            case 5: valueCount = try reader.integer(field)
            case 6: plainBytes = try reader.integer(field)
            case 7: compressedBytes = try reader.integer(field)
            case 9: dataPageOffset = try reader.integer(field)
            case 11: dictionaryPageOffset = try reader.integer(field)
            case 12: statistics = try ChunkStatistics(&reader)
            default: try reader.skip(field)
            }
        }
    }
}

extension ChunkStatistics {
    /// The older bounds (fields 1 and 2) have no defined order for texts and unsigned numbers, and are not used.
    init(_ reader: inout ThriftReader) throws(ParquetError) {
        try reader.begin()
        while let field = try reader.field() {
            switch field.id {
            case 3: nullCount = try reader.integer(field)
            case 5: greatest = try reader.binary(field)
            case 6: least = try reader.binary(field)
            default: try reader.skip(field)
            }
        }
    }
}
