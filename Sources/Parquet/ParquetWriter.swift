// Writes a file as bytes to append: magic, row groups as they fill, the footer at the end. It keeps the encoded pages of one row group.
// Source: apache/parquet-format, README.md ("File format").

package struct ParquetWriter {
    package let schema: ParquetSchema
    private let settings: WriterSettings
    private var metadata = FileMetadata()
    private var chunks: [ChunkWriter]
    private var groupRows = 0
    /// Bytes given to the caller so far.
    private var offset = 0

    private static let magic = Array("PAR1".utf8)
    private static let groupRowsMax = 1 << 20

    /// `elements`: the schema from its root on. `createdBy` names the writer as "program version N".
    package init(_ elements: [SchemaElement], _ settings: WriterSettings, keyValues: [(key: String, value: String)], createdBy: String)
        throws(ParquetError)
    {
        self.settings = settings
        let schema = try ParquetSchema(elements)
        self.schema = schema
        metadata.schema = elements
        metadata.keyValues = keyValues
        metadata.createdBy = createdBy
        chunks = schema.fields.flatMap(\.leaves).map { ChunkWriter($0, settings) }
    }

    /// Memory that is kept until the row group ends, in bytes.
    package var keptBytes: Int { chunks.reduce(0) { $0 + $1.keptBytes } }

    /// Adds rows, a vector for each field of the schema, and returns the file's next bytes, often none.
    package mutating func append(_ vectors: [ParquetVector], rowCount: Int) throws(ParquetError) -> [UInt8] {
        var bytes: [UInt8] = []
        begin(&bytes)
        var leaf = 0
        for (index, field) in schema.fields.enumerated() {
            for rows in try VectorShredding.leaves(field, vectors[index]) {
                try chunks[leaf].append(rows)
                leaf += 1
            }
        }
        groupRows += rowCount
        if keptBytes >= settings.rowGroupBytes || groupRows >= Self.groupRowsMax { try endGroup(&bytes) }
        return bytes
    }

    /// The last bytes of the file.
    package mutating func finish() throws(ParquetError) -> [UInt8] {
        var bytes: [UInt8] = []
        begin(&bytes)
        if groupRows > 0 { try endGroup(&bytes) }
        metadata.rowCount = metadata.rowGroups.reduce(0) { $0 + $1.rowCount }
        let footer = metadata.encoded
        bytes += footer
        for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: footer.count >> shift)) }
        bytes += Self.magic
        offset += bytes.count
        return bytes
    }

    private mutating func begin(_ bytes: inout [UInt8]) {
        guard offset == 0 else { return }
        bytes += Self.magic
        offset = Self.magic.count
    }

    private mutating func endGroup(_ bytes: inout [UInt8]) throws(ParquetError) {
        var group = RowGroup()
        group.rowCount = groupRows
        for index in chunks.indices {
            let (part, chunk) = try chunks[index].finish(at: offset)
            group.columns.append(chunk)
            group.plainBytes += chunk.plainBytes
            bytes += part
            offset += part.count
        }
        metadata.rowGroups.append(group)
        chunks = schema.fields.flatMap(\.leaves).map { ChunkWriter($0, settings) }
        groupRows = 0
    }
}
