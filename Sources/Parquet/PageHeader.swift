// The header before each page: its kind, sizes, checksum and encodings. Source: apache/parquet-format, parquet.thrift ("PageHeader").

struct PageHeader {
    enum Kind: Int { case data, index, dictionary, dataV2 }

    var kind = 0
    var plainBytes = 0
    var packedBytes = 0
    var checksum: UInt32?
    /// Nulls included.
    var valueCount = 0
    var encoding = 0
    var definitionEncoding = PageEncoding.runLength.rawValue
    var repetitionEncoding = PageEncoding.runLength.rawValue
    var version2 = Version2()

    /// The fields of pages of version 2 only: nulls and rows, which are only written, the levels' bytes, and whether the values behind them
    /// are compressed.
    struct Version2 {
        var nullCount = 0
        var rowCount = 0
        var definitionBytes = 0
        var repetitionBytes = 0
        var isCompressed = true
    }

    init() {}

    init(_ reader: inout ThriftReader) throws(ParquetError) {
        try reader.begin()
        while let field = try reader.field() {
            switch field.id {
            case 1: kind = try reader.integer(field)
            case 2: plainBytes = try reader.integer(field)
            case 3: packedBytes = try reader.integer(field)
            case 4: checksum = UInt32(truncatingIfNeeded: try reader.integer(field))
            case 5, 7, 8:
                guard field.kind == .structure else { throw .damaged("a page's header is no structure") }
                try readKind(field.id, &reader)
            default: try reader.skip(field)
            }
        }
    }

    private mutating func readKind(_ kind: Int, _ reader: inout ThriftReader) throws(ParquetError) {
        try reader.begin()
        while let field = try reader.field() {
            switch (kind, field.id) {
            case (_, 1): valueCount = try reader.integer(field)
            case (5, 2), (7, 2), (8, 4): encoding = try reader.integer(field)
            case (5, 3): definitionEncoding = try reader.integer(field)
            case (5, 4): repetitionEncoding = try reader.integer(field)
            case (8, 5): version2.definitionBytes = try reader.integer(field)
            case (8, 6): version2.repetitionBytes = try reader.integer(field)
            case (8, 7): version2.isCompressed = try reader.boolean(field)
            default: try reader.skip(field)
            }
        }
    }
}
