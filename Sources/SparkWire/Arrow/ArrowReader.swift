// Reads a complete Arrow IPC stream that came from a client and checks it whole: every buffer lies in its body, is long enough for its
// rows, and offsets rise inside the bytes they point to, so that later code may index without checks. Compression and dictionaries are
// refused. It never allocates by a count that it has not compared with the bytes. Source: Arrow columnar format; Message.fbs.

package struct ArrowReader {
    package let schema: ArrowSchema
    package let batches: [ArrowBatch]

    package init(stream bytes: [UInt8]) throws(ArrowError) {
        var cursor = MessageCursor(bytes: bytes)
        guard let first = try cursor.next() else { throw .malformed("the stream is empty") }
        guard first.number == ArrowWriter.schemaHeader else { throw .malformed("the stream does not start with a schema") }
        let schema = try ArrowSchema(table: first.header)
        var batches: [ArrowBatch] = []
        while let message = try cursor.next() {
            guard message.number == ArrowWriter.recordBatchHeader else {
                throw .unsupported("message kind \(message.number) (dictionary batch or tensor)")
            }
            batches.append(try BatchReader.batch(message.header, body: message.body, schema: schema))
        }
        self.schema = schema
        self.batches = batches
    }
}

/// Walks the encapsulated messages of a stream.
private struct MessageCursor {
    struct Message {
        let number: UInt8
        let header: FlatTable
        let body: ArraySlice<UInt8>
    }

    let bytes: [UInt8]
    var position = 0

    mutating func next() throws(ArrowError) -> Message? {
        guard position < bytes.count else { return nil }
        var length = try word()
        if length == UInt32.max { length = try word() }
        guard length > 0 else { return nil }
        guard Int(length) <= bytes.count - position else { throw .malformed("metadata is longer than the stream") }
        let message = try FlatTable(root: Array(bytes[position..<(position + Int(length))]))
        position += Int(length)
        let bodyBytes = try message.integer(3, default: Int64(0))
        guard bodyBytes >= 0, bodyBytes <= Int64(bytes.count - position) else { throw .malformed("a body is longer than the stream") }
        let body = bytes[position..<(position + Int(bodyBytes))]
        position += Int(bodyBytes)
        guard let header = try message.table(2) else { throw .malformed("a message has no header") }
        return Message(number: try message.integer(1, default: UInt8(0)), header: header, body: body)
    }

    private mutating func word() throws(ArrowError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw .malformed("the stream ends inside a message prefix") }
        defer { position += 4 }
        return ArrowBytes.load(bytes, at: position)
    }
}

private struct BatchReader {
    let nodes: [Int64]
    let spans: [Int64]
    let body: ArraySlice<UInt8>
    var node = 0
    var span = 0

    static func batch(_ header: FlatTable, body: ArraySlice<UInt8>, schema: ArrowSchema) throws(ArrowError) -> ArrowBatch {
        guard try header.table(3) == nil else { throw .unsupported("compressed record batch") }
        let rowCount = try header.integer(0, default: Int64(0))
        guard rowCount >= 0, rowCount <= Int64(Int32.max) else { throw .malformed("row count \(rowCount)") }
        var reader = BatchReader(nodes: try header.structs(1, fields: 2), spans: try header.structs(2, fields: 2), body: body)
        var columns: [ArrowArray] = []
        for field in schema.fields {
            let column = try reader.array(field)
            guard column.length == Int(rowCount) else { throw .malformed("column \(field.name) has \(column.length) of \(rowCount) rows") }
            columns.append(column)
        }
        return ArrowBatch(rowCount: Int(rowCount), columns: columns)
    }

    mutating func array(_ field: ArrowField) throws(ArrowError) -> ArrowArray {
        guard node + 2 <= nodes.count else { throw .malformed("a column has no node") }
        let (length, nulls) = (nodes[node], nodes[node + 1])
        node += 2
        guard (0...Int64(Int32.max)).contains(length), (0...length).contains(nulls) else {
            throw .malformed("node of column \(field.name)")
        }
        let rows = Int(length)
        if field.type == .null { return ArrowArray(length: rows, nullCount: rows, buffers: []) }
        let validity = try buffer(atLeast: nulls == 0 ? 0 : (rows + 7) / 8, field)
        var buffers: [[UInt8]] = []
        var offsetsEnd = 0
        if field.type == .bool {
            buffers.append(try buffer(atLeast: (rows + 7) / 8, field))
        } else if let width = field.type.fixedWidth {
            buffers.append(try buffer(atLeast: rows * width, field))
        } else if let width = field.type.offsetWidth {
            var offsets = try buffer(atLeast: rows == 0 ? 0 : (rows + 1) * width, field)
            if offsets.isEmpty { offsets = [UInt8](repeating: 0, count: width) }
            offsetsEnd = try Self.lastOffset(offsets, rows: rows, width: width, field)
            buffers.append(offsets)
            switch field.type {
            case .list, .largeList, .map: break
            default: buffers.append(try buffer(atLeast: offsetsEnd, field))
            }
        }
        var children: [ArrowArray] = []
        for childField in field.children {
            let child = try array(childField)
            let needed = field.type == .structure ? rows : offsetsEnd
            guard child.length >= needed else { throw .malformed("child \(childField.name) is too short") }
            children.append(child)
        }
        return ArrowArray(length: rows, nullCount: Int(nulls), validity: validity, buffers: buffers, children: children)
    }

    private mutating func buffer(atLeast needed: Int, _ field: ArrowField) throws(ArrowError) -> [UInt8] {
        guard span + 2 <= spans.count else { throw .malformed("column \(field.name) lacks a buffer") }
        let (offset, length) = (spans[span], spans[span + 1])
        span += 2
        guard offset >= 0, length >= 0, offset <= Int64(body.count), length <= Int64(body.count) - offset else {
            throw .malformed("a buffer of column \(field.name) leaves the body")
        }
        guard length >= Int64(needed) else { throw .malformed("a buffer of column \(field.name) is too short") }
        let start = body.startIndex + Int(offset)
        return Array(body[start..<(start + Int(length))])
    }

    private static func lastOffset(_ offsets: [UInt8], rows: Int, width: Int, _ field: ArrowField) throws(ArrowError) -> Int {
        var last = 0
        for row in 0...rows {
            let offset = width == 8 ? ArrowBytes.load(offsets, at: row * 8) as Int64 : Int64(ArrowBytes.load(offsets, at: row * 4) as Int32)
            guard offset >= Int64(last), offset <= Int64(Int32.max) else { throw .malformed("offsets of column \(field.name) fall") }
            last = Int(offset)
        }
        return last
    }
}
