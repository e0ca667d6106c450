// Decodes protobuf with bounds: one pass finds the fields of a message and checks every length against the available bytes; then fields are
// taken by number. Unknown fields are skipped, as in proto2; groups are refused, since no message of Hadoop has any.
import Base

/// Limits of a message.
package enum ProtoLimits {
    /// Limit of the fields of one message, each repetition counted. A field of two bytes takes some 32 bytes of memory here.
    package static let fieldsMax = 65_536
}

/// Reads a message that fills the bytes.
package struct ProtoReader: ProtoCoder, ~Copyable {
    private struct Field {
        var number: Int
        var wire: UInt8
        /// The number of a varint or fixed field, the length of a delimited one.
        var value: UInt64
        /// Where the content of a delimited field begins.
        var start: Int
    }

    private let buffer: Bytes
    private var fields: [Field] = []

    package init(_ buffer: Bytes) throws(WireError) {
        self.buffer = buffer
        var rest = buffer
        while rest.readableBytes > 0 {
            let tag = try rest.takeVarint()
            let (number, wire) = (tag >> 3, UInt8(tag & 7))
            guard number >= 1, number < 1 << 29 else { throw .unknownTag("field", Int(truncatingIfNeeded: number)) }
            guard fields.count < ProtoLimits.fieldsMax else { throw .overLimit("fields of a message", fields.count + 1) }
            var field = Field(number: Int(number), wire: wire, value: 0, start: 0)
            switch wire {
            case 0: field.value = try rest.takeVarint()
            case 1: field.value = try rest.takeInteger(UInt64.self)
            case 5: field.value = UInt64(try rest.takeInteger(UInt32.self))
            case 2:
                field.value = UInt64(try rest.takeLength())
                field.start = rest.readerIndex
                rest.moveReaderIndex(forwardBy: Int(field.value))
            default: throw .unknownTag("wire type", Int(wire))
            }
            fields.append(field)
        }
    }

    /// The last field of a number counts, as in protobuf.
    private func last(_ number: Int, _ wire: UInt8) throws(WireError) -> Field? {
        guard let field = fields.last(where: { $0.number == number }) else { return nil }
        guard field.wire == wire else { throw .unknownTag("wire type", Int(field.wire)) }
        return field
    }

    private func content(_ field: Field) throws(WireError) -> Bytes {
        guard field.wire == 2, let slice = buffer.getSlice(at: field.start, length: Int(field.value)) else {
            throw .unknownTag("wire type", Int(field.wire))
        }
        return slice
    }

    package mutating func varint(_ field: Int, _ value: inout UInt64?) throws(WireError) { value = try last(field, 0)?.value }

    /// Packed or not, whatever the layout says: a parser of protobuf takes both.
    package mutating func varints(_ field: Int, _ values: inout [UInt64], packed: Bool) throws(WireError) {
        values = []
        for found in fields where found.number == field {
            if found.wire == 0 {
                values.append(found.value)
                continue
            }
            var run = try content(found)
            while run.readableBytes > 0 { values.append(try run.takeVarint()) }
        }
    }

    package mutating func fixed64(_ field: Int, _ value: inout UInt64?) throws(WireError) { value = try last(field, 1)?.value }
    package mutating func fixed32(_ field: Int, _ value: inout UInt32?) throws(WireError) {
        value = try last(field, 5).map { UInt32(truncatingIfNeeded: $0.value) }
    }

    package mutating func bytes(_ field: Int, _ value: inout Bytes?) throws(WireError) {
        if let found = try last(field, 2) { value = try content(found) } else { value = nil }
    }

    package mutating func byteStrings(_ field: Int, _ values: inout [Bytes]) throws(WireError) {
        values = []
        for found in fields where found.number == field { values.append(try content(found)) }
    }

    private func text(_ field: Field) throws(WireError) -> String {
        guard let text = String(validating: try content(field).readableBytesView, as: UTF8.self) else { throw .notUTF8 }
        return text
    }

    package mutating func string(_ field: Int, _ value: inout String?) throws(WireError) {
        if let found = try last(field, 2) { value = try text(found) } else { value = nil }
    }

    package mutating func strings(_ field: Int, _ values: inout [String]) throws(WireError) {
        values = []
        for found in fields where found.number == field { values.append(try text(found)) }
    }

    package mutating func message<M: ProtoLayout>(_ field: Int, _ value: inout M?) throws(WireError) {
        if let found = try last(field, 2) { value = try M(decoding: try content(found)) } else { value = nil }
    }

    package mutating func messages<M: ProtoLayout>(_ field: Int, _ values: inout [M]) throws(WireError) {
        values = []
        for found in fields where found.number == field { values.append(try M(decoding: try content(found))) }
    }
}

extension ProtoLayout {
    /// Reads a message that fills `bytes`.
    package init(decoding bytes: Bytes) throws(WireError) {
        self.init()
        var reader = try ProtoReader(bytes)
        try layout(&reader)
    }

    /// Takes a length-prefixed message from `bytes`.
    package init(delimitedIn bytes: inout Bytes) throws(WireError) {
        guard let content = bytes.readSlice(length: try bytes.takeLength()) else { throw .unexpectedNull }
        try self.init(decoding: content)
    }
}

extension Bytes {
    /// Unsigned LEB128 of at most ten bytes.
    package mutating func takeVarint() throws(WireError) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try takeInteger(UInt8.self)
            if shift == 63, byte > 1 { throw .varintTooLong }
            result |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return result }
            shift += 7
            if shift > 63 { throw .varintTooLong }
        }
    }

    /// Little-endian, as protobuf's fixed numbers are.
    fileprivate mutating func takeInteger<T: FixedWidthInteger>(_: T.Type) throws(WireError) -> T {
        guard let value = readInteger(endianness: .little, as: T.self) else {
            throw .truncated(needed: MemoryLayout<T>.size, remaining: readableBytes)
        }
        return value
    }

    /// A length that the remaining bytes can hold.
    package mutating func takeLength() throws(WireError) -> Int {
        let length = try takeVarint()
        guard length <= UInt64(readableBytes) else { throw .truncated(needed: Int(clamping: length), remaining: readableBytes) }
        return Int(length)
    }
}
