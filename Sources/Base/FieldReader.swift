// Decoding with bounds: every length and count is checked against the remaining bytes before memory is allocated for it.
// hot: measured by `platform-bench broker`.

/// Reads a layout from bytes. Strings and byte fields are slices or copies of the input; the input is never changed.
public struct FieldReader<Dialect: WireDialect>: FieldCoder, ~Copyable {
    public var buffer: Bytes
    public let version: Int16
    public let flexible: Bool

    @inlinable public init(_ buffer: Bytes, version: Int16 = 0, flexible: Bool = false) {
        self.buffer = buffer
        self.version = version
        self.flexible = flexible
    }

    @inlinable public var remaining: Int { buffer.readableBytes }

    @inlinable mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(WireError) -> T {
        guard let value = buffer.readInteger(as: T.self) else {
            throw .truncated(needed: MemoryLayout<T>.size, remaining: buffer.readableBytes)
        }
        return value
    }

    @inlinable public mutating func bool(_ value: inout Bool) throws(WireError) { value = try integer(UInt8.self) != 0 }
    @inlinable public mutating func int8(_ value: inout Int8) throws(WireError) { value = try integer(Int8.self) }
    @inlinable public mutating func int16(_ value: inout Int16) throws(WireError) { value = try integer(Int16.self) }
    @inlinable public mutating func int32(_ value: inout Int32) throws(WireError) { value = try integer(Int32.self) }
    @inlinable public mutating func int64(_ value: inout Int64) throws(WireError) { value = try integer(Int64.self) }
    @inlinable public mutating func double(_ value: inout Double) throws(WireError) {
        value = Double(bitPattern: try integer(UInt64.self))
    }

    @inlinable public mutating func varint(_ value: inout UInt64) throws(WireError) {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try integer(UInt8.self)
            if shift == 63 && byte > 1 { throw .varintTooLong }
            result |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { break }
            shift += 7
            if shift > 63 { throw .varintTooLong }
        }
        value = result
    }

    /// The length announced for a field, nil for null. `unit` is the least size of one element, in bytes.
    @inlinable mutating func length(of kind: LengthKind) throws(WireError) -> Int? {
        let count: Int
        switch Dialect.form(of: kind, flexible: flexible) {
        case .int16: count = Int(try integer(Int16.self))
        case .int32: count = Int(try integer(Int32.self))
        case .varintPlusOne:
            var raw: UInt64 = 0
            try varint(&raw)
            guard raw <= UInt64(Int32.max) else { throw .badLength(Int(clamping: raw)) }
            count = Int(raw) - 1
        }
        if count == -1 { return nil }
        guard count >= 0 else { throw .badLength(count) }
        guard count <= buffer.readableBytes else { throw .truncated(needed: count, remaining: buffer.readableBytes) }
        return count
    }

    @inlinable public mutating func optionalString(_ value: inout String?) throws(WireError) {
        guard let count = try length(of: .string) else {
            value = nil
            return
        }
        let view = buffer.readableBytesView.prefix(count)
        guard let text = String(validating: view, as: UTF8.self) else { throw .notUTF8 }
        buffer.moveReaderIndex(forwardBy: count)
        value = text
    }

    @inlinable public mutating func string(_ value: inout String) throws(WireError) {
        var text: String?
        try optionalString(&text)
        guard let text else { throw .unexpectedNull }
        value = text
    }

    @inlinable public mutating func optionalBytes(_ value: inout Bytes?) throws(WireError) {
        guard let count = try length(of: .bytes) else {
            value = nil
            return
        }
        value = buffer.readSlice(length: count)
    }

    @inlinable public mutating func bytes(_ value: inout Bytes) throws(WireError) {
        var slice: Bytes?
        try optionalBytes(&slice)
        guard let slice else { throw .unexpectedNull }
        value = slice
    }

    @inlinable public mutating func uuid(_ value: inout UUIDBytes) throws(WireError) {
        value = UUIDBytes(high: try integer(UInt64.self), low: try integer(UInt64.self))
    }

    @inlinable public mutating func optionalArray<E>(
        _ value: inout [E]?, empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        guard let count = try length(of: .array) else {
            value = nil
            return
        }
        var elements: [E] = []
        elements.reserveCapacity(min(count, 1024))
        for _ in 0..<count {
            var element = empty
            try each(&element, &self)
            elements.append(element)
        }
        value = elements
    }

    @inlinable public mutating func array<E>(
        _ value: inout [E], empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        var elements: [E]?
        try optionalArray(&elements, empty: empty, each)
        guard let elements else { throw .unexpectedNull }
        value = elements
    }

    @inlinable public mutating func tags(_ unknown: inout [TaggedField]) throws(WireError) {
        guard Dialect.hasTags, flexible else { return }
        var count: UInt64 = 0
        try varint(&count)
        guard count <= UInt64(buffer.readableBytes) else { throw .badLength(Int(clamping: count)) }
        for _ in 0..<count {
            var tag: UInt64 = 0
            var size: UInt64 = 0
            try varint(&tag)
            try varint(&size)
            guard tag <= UInt64(UInt32.max), size <= UInt64(buffer.readableBytes), let payload = buffer.readSlice(length: Int(size)) else {
                throw .truncated(needed: Int(clamping: size), remaining: buffer.readableBytes)
            }
            unknown.append(TaggedField(tag: UInt32(tag), payload: payload))
        }
    }

    /// The message must end here.
    @inlinable public func finish() throws(WireError) {
        guard buffer.readableBytes == 0 else { throw .trailingBytes(buffer.readableBytes) }
    }
}

extension WireLayout {
    /// Decodes one message that fills `bytes` exactly.
    @inlinable public init<D: WireDialect>(decoding bytes: Bytes, as _: D.Type, version: Int16 = 0, flexible: Bool = false)
        throws(WireError)
    {
        var reader = FieldReader<D>(bytes, version: version, flexible: flexible)
        self.init()
        try layout(&reader)
        try reader.finish()
    }
}
