// Opens a file: magic, length of the footer, footer, schema. Source: apache/parquet-format, README.md ("File format").

package struct ParquetFile: Sendable {
    package let metadata: FileMetadata
    package let schema: ParquetSchema

    /// Limit of the footer. Its values take at most `memoryPerFooterByte` times as much.
    package static let footerBytesMax = 64 << 20
    private static let memoryPerFooterByte = 32
    private static let magic = Array("PAR1".utf8)
    private static let encryptedMagic = Array("PARE".utf8)
    /// One read gets the whole footer of most files.
    private static let tailBytes = 64 << 10

    package init(_ file: any ParquetBytes) throws(ParquetError) {
        let size = file.byteCount
        guard size >= 12 else { throw .damaged("\(size) bytes are too few") }
        var tail = try Self.read(file, at: max(0, size - Self.tailBytes), count: min(size, Self.tailBytes))
        let magic = Array(tail.suffix(4))
        guard magic != Self.encryptedMagic else { throw .unsupported("encryption") }
        guard magic == Self.magic else { throw .damaged("it does not end in PAR1") }
        let length = tail.dropLast(4).suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.footerBytesMax else { throw .unsupported("a footer of \(length) bytes, more than \(Self.footerBytesMax)") }
        guard length > 0, length <= size - 12 else { throw .damaged("its length \(length) is more than the file has") }
        do { try file.reserve(length * Self.memoryPerFooterByte) } catch { throw .failedRead(error) }
        if length > tail.count - 8 { tail = try Self.read(file, at: size - 8 - length, count: length + 8) }
        metadata = try FileMetadata(footer: Array(tail.dropLast(8).suffix(length)))
        schema = try ParquetSchema(metadata.schema)
        for group in metadata.rowGroups where group.columns.count != schema.leafCount {
            throw .damaged("a row group has \(group.columns.count) columns, the schema \(schema.leafCount)")
        }
    }

    private static func read(_ file: any ParquetBytes, at offset: Int, count: Int) throws(ParquetError) -> [UInt8] {
        let bytes: [UInt8]
        do { bytes = try file.read(at: offset, count: count) } catch { throw .failedRead(error) }
        guard bytes.count == count else { throw .damaged("the file ends early") }
        return bytes
    }
}
