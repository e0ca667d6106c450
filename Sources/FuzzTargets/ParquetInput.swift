// Parquet files as inputs: each is opened and all of its columns are read, within a limit of memory that the reader must ask for.
import Base
import Parquet

final class ParquetInput: ParquetBytes {
    private struct OverLimit: Error {}

    /// Memory for one input, in bytes.
    private static let bytesMax = 64 << 20

    private let bytes: [UInt8]
    private var held = 0

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    var byteCount: Int { bytes.count }

    func read(at offset: Int, count: Int) throws -> [UInt8] {
        precondition(offset >= 0 && count >= 0 && count <= bytes.count - offset, "a reader stays within its file")
        return Array(bytes[offset..<offset + count])
    }

    func reserve(_ bytes: Int) throws {
        guard bytes <= Self.bytesMax - held else { throw OverLimit() }
        held += bytes
    }

    static func read(_ input: Bytes) throws {
        let source = ParquetInput(Array(input.readableBytesView))
        let file = try ParquetFile(source)
        for (number, group) in file.metadata.rowGroups.enumerated() {
            for field in file.schema.fields {
                let readers = try field.leaves.map {
                    try ChunkReader($0, group.columns[$0.index], rowGroup: number, file: source, windowBytes: 256)
                }
                var left = min(group.rowCount, 4096)
                while left > 0 {
                    let count = min(left, 7)
                    left -= count
                    var rows: [LeafRows] = []
                    for (reader, leaf) in zip(readers, field.leaves) {
                        var leafRows = LeafRows(leaf)
                        try reader.read(rowCount: count, into: &leafRows)
                        rows.append(leafRows)
                    }
                    let vector = try VectorAssembly.vector(field, rows)
                    precondition(vector.count == count, "a stretch has as many values as rows")
                }
            }
        }
    }

    // MARK: seeds

    /// Files of two columns, a number and a list of texts, in each codec and both versions of pages.
    static func seeds() -> [Bytes] {
        [PageCodec.none, .snappy, .gzip, .zstd, .lz4].flatMap { codec in
            [false, true].map { isVersion2 in
                var settings = WriterSettings()
                settings.codec = codec
                settings.writesVersion2 = isVersion2
                settings.pageRows = 8
                var seed = Bytes(bytes: [FuzzTarget.parquetFile.rawValue])
                do { seed.writeBytes(try file(settings)) } catch { preconditionFailure("a file of ours can be written: \(error)") }
                return seed
            }
        }
    }

    private static func file(_ settings: WriterSettings) throws -> [UInt8] {
        let elements = [
            SchemaElement.root("schema", children: 2), SchemaElement("id", .int64, .required),
            SchemaElement("names", children: 1, .optional, .list), SchemaElement("list", children: 1, .repeated),
            SchemaElement("element", .byteArray, .optional, .string),
        ]
        var writer = try ParquetWriter(elements, settings, keyValues: [("key", "value")], createdBy: "platform version 1")
        var ids = LeafValues(.int64)
        ids.int64s = (0..<8).map { Int64($0) }
        var texts = LeafValues(.bytes)
        for text in ["a", "b", "a", "long text", ""] {
            texts.bytes += text.utf8
            texts.offsets.append(Int32(texts.bytes.count))
        }
        let names = ParquetVector(count: 5, validity: [0b10111], storage: .leaf(texts))
        let lists = ParquetVector(count: 8, validity: [0b1111_1101], storage: .list(offsets: [0, 1, 1, 1, 3, 3, 4, 5, 5], names))
        var bytes: [UInt8] = []
        for _ in 0..<3 {
            bytes += try writer.append([ParquetVector(count: 8, validity: nil, storage: .leaf(ids)), lists], rowCount: 8)
        }
        return bytes + (try writer.finish())
    }
}
