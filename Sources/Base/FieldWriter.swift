// Encoding. Writing can fail only for values that the form cannot hold (a string of more than 32,767 bytes behind an int16).
// hot: measured by `platform-bench broker`.

/// Appends a layout to bytes.
public struct FieldWriter<Dialect: WireDialect>: FieldCoder, ~Copyable {
    public var buffer: Bytes
    public let version: Int16
    public let flexible: Bool
    /// The pieces before `buffer`, where payloads were not copied.
    public private(set) var pieces: [BytesOrFile] = []
    /// Payloads of at least this many bytes are not copied; those in files never are.
    @usableFromInline let cutBytes: Int

    @inlinable public init(_ buffer: Bytes = Bytes(), version: Int16 = 0, flexible: Bool = false, cutBytes: Int = .max) {
        self.buffer = buffer
        self.version = version
        self.flexible = flexible
        self.cutBytes = cutBytes
    }

    @inlinable public mutating func bool(_ value: inout Bool) { buffer.writeInteger(value ? 1 : 0, as: UInt8.self) }
    @inlinable public mutating func int8(_ value: inout Int8) { buffer.writeInteger(value) }
    @inlinable public mutating func int16(_ value: inout Int16) { buffer.writeInteger(value) }
    @inlinable public mutating func int32(_ value: inout Int32) { buffer.writeInteger(value) }
    @inlinable public mutating func int64(_ value: inout Int64) { buffer.writeInteger(value) }
    @inlinable public mutating func double(_ value: inout Double) { buffer.writeInteger(value.bitPattern) }

    @inlinable public mutating func varint(_ value: inout UInt64) { write(varint: value) }

    @inlinable mutating func write(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            buffer.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest &>>= 7
        }
        buffer.writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    @inlinable mutating func write(length count: Int?, of kind: LengthKind) throws(WireError) {
        switch Dialect.form(of: kind, flexible: flexible) {
        case .int16:
            guard let narrow = Int16(exactly: count ?? -1) else { throw .badLength(count ?? -1) }
            buffer.writeInteger(narrow)
        case .int32:
            guard let narrow = Int32(exactly: count ?? -1) else { throw .badLength(count ?? -1) }
            buffer.writeInteger(narrow)
        case .varintPlusOne: write(varint: UInt64((count ?? -1) + 1))
        }
    }

    @inlinable public mutating func string(_ value: inout String) throws(WireError) {
        try write(length: value.utf8.count, of: .string)
        buffer.writeString(value)
    }

    @inlinable public mutating func optionalString(_ value: inout String?) throws(WireError) {
        guard var text = value else { return try write(length: nil, of: .string) }
        try string(&text)
    }

    @inlinable public mutating func bytes(_ value: inout Bytes) throws(WireError) {
        try write(length: value.readableBytes, of: .bytes)
        buffer.writeImmutableBuffer(value)
    }

    @inlinable public mutating func optionalBytes(_ value: inout Bytes?) throws(WireError) {
        guard var payload = value else { return try write(length: nil, of: .bytes) }
        try bytes(&payload)
    }

    @inlinable public mutating func optionalBytesOrFile(_ value: inout BytesOrFile?) throws(WireError) {
        guard let payload = value else { return try write(length: nil, of: .bytes) }
        try write(length: payload.count, of: .bytes)
        switch payload {
        case .memory(let bytes) where bytes.readableBytes < cutBytes: buffer.writeImmutableBuffer(bytes)
        case .pieces(let pieces) where payload.count < cutBytes: for piece in pieces { buffer.writeImmutableBuffer(piece) }
        case .memory, .pieces, .file: cut(payload)
        }
    }

    @usableFromInline mutating func cut(_ payload: BytesOrFile) {
        pieces.append(.memory(buffer))
        if case .pieces(let parts) = payload { pieces += parts.map(BytesOrFile.memory) } else { pieces.append(payload) }
        buffer = Bytes()
    }

    @inlinable public mutating func uuid(_ value: inout UUIDBytes) {
        buffer.writeInteger(value.high)
        buffer.writeInteger(value.low)
    }

    @inlinable public mutating func array<E>(
        _ value: inout [E], empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        try write(length: value.count, of: .array)
        for index in value.indices { try each(&value[index], &self) }
    }

    @inlinable public mutating func optionalArray<E>(
        _ value: inout [E]?, empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        guard var elements = value else { return try write(length: nil, of: .array) }
        try array(&elements, empty: empty, each)
    }

    @inlinable public mutating func tags(_ unknown: inout [TaggedField]) {
        guard Dialect.hasTags, flexible else { return }
        write(varint: UInt64(unknown.count))
        for field in unknown {
            write(varint: UInt64(field.tag))
            write(varint: UInt64(field.payload.readableBytes))
            buffer.writeImmutableBuffer(field.payload)
        }
    }
}

extension WireLayout {
    /// Appends this message to `buffer`, and returns the pieces before it: payloads of at least `cutBytes` bytes, all payloads in files,
    /// and the bytes between them.
    @inlinable public func encodeInPieces<D: WireDialect>(
        into buffer: inout Bytes, as _: D.Type, version: Int16 = 0, flexible: Bool = false, cutBytes: Int
    ) throws(WireError) -> [BytesOrFile] {
        var writer = FieldWriter<D>(buffer, version: version, flexible: flexible, cutBytes: cutBytes)
        buffer = Bytes()
        var copy = self
        try copy.layout(&writer)
        buffer = writer.buffer
        return writer.pieces
    }

    /// Appends this message to `buffer`. None of its payloads may be in a file.
    @inlinable public func encode<D: WireDialect>(
        into buffer: inout Bytes, as _: D.Type, version: Int16 = 0, flexible: Bool = false
    ) throws(WireError) {
        var writer = FieldWriter<D>(buffer, version: version, flexible: flexible)
        buffer = Bytes()
        var copy = self
        try copy.layout(&writer)
        precondition(writer.pieces.isEmpty, "a message with a part of a file is written in pieces")
        buffer = writer.buffer
    }

    /// This message as bytes. A message that fits into `capacity` bytes allocates memory once.
    @inlinable public func encoded<D: WireDialect>(
        as dialect: D.Type, version: Int16 = 0, flexible: Bool = false, capacity: Int = 128
    ) throws(WireError) -> Bytes {
        var buffer = ByteBufferAllocator().buffer(capacity: capacity)
        try encode(into: &buffer, as: dialect, version: version, flexible: flexible)
        return buffer
    }
}
