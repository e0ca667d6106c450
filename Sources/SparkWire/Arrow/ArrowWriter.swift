// Writes Arrow IPC streams: a schema message, record batches, end of stream. Each result that goes over Spark Connect is one complete
// stream, so the schema message is encoded once and reused. It never compresses and never writes dictionaries.
// Source: Arrow columnar format, encapsulated messages; Message.fbs (field slots).

package struct ArrowWriter: Sendable {
    /// Buffers in a body start at multiples of this many bytes.
    static let alignment = 8
    /// Metadata version V5.
    static let version: Int16 = 4
    /// Numbers of the union `MessageHeader`.
    static let schemaHeader: UInt8 = 1
    static let recordBatchHeader: UInt8 = 3
    private static let continuation: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
    private static let endOfStream: [UInt8] = continuation + [0, 0, 0, 0]

    package let schema: ArrowSchema
    private let schemaMessage: [UInt8]

    package init(schema: ArrowSchema) {
        self.schema = schema
        var builder = FlatBufferBuilder()
        let header = schema.encode(into: &builder)
        schemaMessage = Self.encapsulate(Self.message(&builder, header: header, number: Self.schemaHeader, bodyBytes: 0))
    }

    /// A complete stream with these batches, possibly none.
    package func stream(_ batches: [ArrowBatch]) -> [UInt8] {
        var out = schemaMessage
        for batch in batches { append(batch, to: &out) }
        out.append(contentsOf: Self.endOfStream)
        return out
    }

    private func append(_ batch: ArrowBatch, to out: inout [UInt8]) {
        precondition(batch.columns.count == schema.fields.count, "a batch has the columns of its schema")
        var layout = BodyLayout()
        for (field, column) in zip(schema.fields, batch.columns) { layout.add(column, type: field.type, field: field) }
        var builder = FlatBufferBuilder()
        let buffers = builder.vector(ofStructs: layout.spans, fields: 2)
        let nodes = builder.vector(ofStructs: layout.nodes, fields: 2)
        builder.startTable(slots: 4)
        builder.add(Int64(batch.rowCount), slot: 0)
        builder.add(nodes, slot: 1)
        builder.add(buffers, slot: 2)
        let header = builder.endTable()
        out.append(
            contentsOf: Self.encapsulate(
                Self.message(&builder, header: header, number: Self.recordBatchHeader, bodyBytes: layout.bytes)))
        out.reserveCapacity(out.count + layout.bytes + Self.endOfStream.count)
        for buffer in layout.buffers {
            out.append(contentsOf: buffer)
            out.append(contentsOf: repeatElement(0, count: Self.padding(buffer.count)))
        }
    }

    private static func message(
        _ builder: inout FlatBufferBuilder, header: FlatBufferBuilder.Offset, number: UInt8, bodyBytes: Int
    ) -> [UInt8] {
        builder.startTable(slots: 4)
        builder.add(Int64(bodyBytes), slot: 3)
        builder.add(header, slot: 2)
        builder.add(version, slot: 0)
        builder.add(number, slot: 1)
        return builder.finish(root: builder.endTable())
    }

    /// Prefix, length and metadata, padded so that the body starts aligned.
    private static func encapsulate(_ metadata: [UInt8]) -> [UInt8] {
        let length = metadata.count + padding(metadata.count)
        return continuation + ArrowBytes.of([UInt32(length)]) + metadata + repeatElement(0, count: padding(metadata.count))
    }

    static func padding(_ count: Int) -> Int {
        (alignment - count % alignment) % alignment
    }
}

/// Nodes and buffer spans of one batch, depth first, as RecordBatch metadata lists them.
private struct BodyLayout {
    var nodes: [Int64] = []
    var spans: [Int64] = []
    var buffers: [[UInt8]] = []
    var bytes = 0

    mutating func add(_ array: ArrowArray, type: ArrowType, field: ArrowField) {
        precondition(array.children.count == field.children.count, "an array has the children of its field")
        nodes.append(Int64(array.length))
        nodes.append(Int64(array.nullCount))
        if type != .null {
            add(array.validity)
            for buffer in array.buffers { add(buffer) }
        }
        for (child, childField) in zip(array.children, field.children) { add(child, type: childField.type, field: childField) }
    }

    private mutating func add(_ buffer: [UInt8]) {
        spans.append(Int64(bytes))
        spans.append(Int64(buffer.count))
        buffers.append(buffer)
        bytes += buffer.count + ArrowWriter.padding(buffer.count)
    }
}
