// Encodes protobuf: fields in the order of the layout, without the absent ones.
import Base

/// Writes a message.
package struct ProtoWriter: ProtoCoder, ~Copyable {
    package private(set) var buffer = Bytes()
    package init() {}

    private mutating func tag(_ field: Int, _ wire: UInt64) { buffer.writeVarint(UInt64(field) << 3 | wire) }

    package mutating func varint(_ field: Int, _ value: inout UInt64?) {
        guard let value else { return }
        tag(field, 0)
        buffer.writeVarint(value)
    }

    package mutating func varints(_ field: Int, _ values: inout [UInt64], packed: Bool) {
        guard packed else {
            for value in values {
                tag(field, 0)
                buffer.writeVarint(value)
            }
            return
        }
        guard !values.isEmpty else { return }
        var run = Bytes()
        for value in values { run.writeVarint(value) }
        delimited(field, run)
    }

    package mutating func fixed64(_ field: Int, _ value: inout UInt64?) {
        guard let value else { return }
        tag(field, 1)
        buffer.writeInteger(value, endianness: .little)
    }

    package mutating func fixed32(_ field: Int, _ value: inout UInt32?) {
        guard let value else { return }
        tag(field, 5)
        buffer.writeInteger(value, endianness: .little)
    }

    private mutating func delimited(_ field: Int, _ content: Bytes) {
        tag(field, 2)
        buffer.writeVarint(UInt64(content.readableBytes))
        buffer.writeImmutableBuffer(content)
    }

    package mutating func bytes(_ field: Int, _ value: inout Bytes?) { if let value { delimited(field, value) } }
    package mutating func byteStrings(_ field: Int, _ values: inout [Bytes]) { for value in values { delimited(field, value) } }

    private mutating func text(_ field: Int, _ value: String) {
        tag(field, 2)
        buffer.writeVarint(UInt64(value.utf8.count))
        buffer.writeString(value)
    }
    package mutating func string(_ field: Int, _ value: inout String?) { if let value { text(field, value) } }
    package mutating func strings(_ field: Int, _ values: inout [String]) { for value in values { text(field, value) } }

    package mutating func message<M: ProtoLayout>(_ field: Int, _ value: inout M?) throws(WireError) {
        if var nested = value { try write(field, &nested) }
    }
    package mutating func messages<M: ProtoLayout>(_ field: Int, _ values: inout [M]) throws(WireError) {
        for place in values.indices { try write(field, &values[place]) }
    }
    private mutating func write<M: ProtoLayout>(_ field: Int, _ nested: inout M) throws(WireError) {
        var writer = ProtoWriter()
        try nested.layout(&writer)
        delimited(field, writer.buffer)
    }
}

extension ProtoLayout {
    /// The message's bytes.
    package var encoded: Bytes {
        var writer = ProtoWriter()
        var copy = self
        do { try copy.layout(&writer) } catch { preconditionFailure("a writer has no wire to be wrong: \(error)") }
        return writer.buffer
    }

    /// The message's bytes behind their length.
    package var delimited: Bytes {
        let content = encoded
        var all = Bytes()
        all.reserveCapacity(content.readableBytes + 5)
        all.writeVarint(UInt64(content.readableBytes))
        all.writeImmutableBuffer(content)
        return all
    }
}

extension Bytes {
    /// Unsigned LEB128.
    package mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(rest))
    }
}
