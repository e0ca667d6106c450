// The footer and the headers of pages as bytes. Logical types are written in both forms, the newer and the older one, where both say the
// same. Source: apache/parquet-format, parquet.thrift.

extension FileMetadata {
    /// The footer without its length and magic.
    var encoded: [UInt8] {
        var writer = ThriftWriter()
        writer.begin()
        writer.field(1, int32: 2)
        writer.field(2, list: schema.count, of: .structure)
        for element in schema { writer.element { element.write(&$0) } }
        writer.field(3, int64: rowCount)
        writer.field(4, list: rowGroups.count, of: .structure)
        for (number, group) in rowGroups.enumerated() { writer.element { group.write(&$0, number: number) } }
        writer.field(5, list: keyValues.count, of: .structure)
        for (key, value) in keyValues {
            writer.element {
                $0.field(1, binary: key.utf8)
                $0.field(2, binary: value.utf8)
            }
        }
        writer.field(6, binary: createdBy.utf8)
        // Bounds are in the order of each type; without this list readers must not use them.
        let leafCount = schema.count { $0.type != nil }
        writer.field(7, list: leafCount, of: .structure)
        for _ in 0..<leafCount { writer.element { $0.field(1) { _ in } } }
        writer.end()
        return writer.bytes
    }
}

extension SchemaElement {
    fileprivate func write(_ writer: inout ThriftWriter) {
        if let type { writer.field(1, int32: type.rawValue) }
        if type == .fixedBytes { writer.field(2, int32: length) }
        if !isRoot { writer.field(3, int32: repetition.rawValue) }
        writer.field(4, binary: name.utf8)
        if type == nil { writer.field(5, int32: childCount) }
        guard let logical else { return }
        if let converted = logical.convertedNumber { writer.field(6, int32: converted) }
        if case .decimal(let precision, let scale) = logical {
            writer.field(7, int32: scale)
            writer.field(8, int32: precision)
        }
        if logical.unionNumber != nil { writer.field(10) { logical.write(&$0) } }
    }
}

extension LogicalType {
    /// The older form.
    fileprivate var convertedNumber: Int? {
        switch self {
        case .string: 0
        case .map: 1
        case .list: 3
        case .decimal: 5
        case .date: 6
        case .timestamp(.milliseconds, true): 9
        case .timestamp(.microseconds, true): 10
        case .integer(8, true): 15
        case .integer(16, true): 16
        default: nil
        }
    }

    private static let unionNumbers: [LogicalType: Int] = [
        .string: 1, .map: 2, .list: 3, .date: 6, .null: 11, .bson: 13, .uuid: 14, .float16: 15,
    ]

    fileprivate var unionNumber: Int? {
        switch self {
        case .decimal: 5
        case .timestamp: 8
        case .integer: 10
        default: Self.unionNumbers[self]
        }
    }

    fileprivate func write(_ writer: inout ThriftWriter) {
        guard let unionNumber else { return }
        writer.field(unionNumber) { inner in
            switch self {
            case .decimal(let precision, let scale):
                inner.field(1, int32: scale)
                inner.field(2, int32: precision)
            case .timestamp(let unit, let isUTC):
                inner.field(1, boolean: isUTC)
                inner.field(2) { $0.field(unit.rawValue) { _ in } }
            case .integer(let bits, let isSigned):
                inner.field(1, byte: bits)
                inner.field(2, boolean: isSigned)
            default: break
            }
        }
    }
}

extension RowGroup {
    fileprivate func write(_ writer: inout ThriftWriter, number: Int) {
        writer.field(1, list: columns.count, of: .structure)
        for column in columns {
            writer.element {
                $0.field(2, int64: column.offset)
                $0.field(3) { column.write(&$0) }
            }
        }
        writer.field(2, int64: plainBytes)
        writer.field(3, int64: rowCount)
        writer.field(5, int64: columns.first?.offset ?? 0)
        writer.field(6, int64: columns.reduce(0) { $0 + $1.compressedBytes })
    }
}

extension ColumnChunk {
    fileprivate func write(_ writer: inout ThriftWriter) {
        writer.field(1, int32: type.rawValue)
        writer.field(2, list: encodings.count, of: .int32)
        for encoding in encodings { writer.element(encoding.rawValue) }
        writer.field(3, list: path.count, of: .binary)
        for name in path { writer.element(name.utf8) }
        writer.field(4, int32: codec.rawValue)
        writer.field(5, int64: valueCount)
        writer.field(6, int64: plainBytes)
        writer.field(7, int64: compressedBytes)
        writer.field(9, int64: dataPageOffset)
        if let dictionaryPageOffset { writer.field(11, int64: dictionaryPageOffset) }
        writer.field(12) { inner in
            if let nullCount = statistics.nullCount { inner.field(3, int64: nullCount) }
            if let greatest = statistics.greatest { inner.field(5, binary: greatest) }
            if let least = statistics.least { inner.field(6, binary: least) }
        }
    }
}

extension PageHeader {
    var encoded: [UInt8] {
        var writer = ThriftWriter()
        writer.begin()
        writer.field(1, int32: kind)
        writer.field(2, int32: plainBytes)
        writer.field(3, int32: packedBytes)
        if let checksum { writer.field(4, int32: Int(Int32(bitPattern: checksum))) }
        switch Kind(rawValue: kind) {
        case .dictionary:
            writer.field(7) {
                $0.field(1, int32: valueCount)
                $0.field(2, int32: encoding)
            }
        case .dataV2:
            writer.field(8) {
                $0.field(1, int32: valueCount)
                $0.field(2, int32: version2.nullCount)
                $0.field(3, int32: version2.rowCount)
                $0.field(4, int32: encoding)
                $0.field(5, int32: version2.definitionBytes)
                $0.field(6, int32: version2.repetitionBytes)
                $0.field(7, boolean: version2.isCompressed)
            }
        default:
            writer.field(5) {
                $0.field(1, int32: valueCount)
                $0.field(2, int32: encoding)
                $0.field(3, int32: definitionEncoding)
                $0.field(4, int32: repetitionEncoding)
            }
        }
        writer.end()
        return writer.bytes
    }
}
