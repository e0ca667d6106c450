// One layout per message, four coders: decode, encode, print, sample. A message lists its fields once, in wire order, and every coder walks
// that list. The dialect of a protocol decides the form of lengths; the coder carries versions and flexible encodings, so that nested
// layouts see them.

/// A message or record with one field order for reading, writing, printing and sampling.
public protocol WireLayout: Sendable {
    init()
    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError)
}

/// The field of a length prefix; a dialect may write each kind in another form.
public enum LengthKind: Sendable { case string, bytes, array }

/// The form of a length prefix. Null is -1 in the fixed forms and 0 in the varint form.
public enum LengthForm: Sendable { case int16, int32, varintPlusOne }

/// A protocol's forms. Integers are big-endian in all of them.
public protocol WireDialect: Sendable {
    static func form(of kind: LengthKind, flexible: Bool) -> LengthForm
    /// Whether flexible versions end each structure with tagged fields.
    static var hasTags: Bool { get }
}

extension WireDialect {
    @inlinable public static var hasTags: Bool { false }
}

/// Our own durable records and peer messages: every length a varint.
public enum DurableDialect: WireDialect {
    @inlinable public static func form(of kind: LengthKind, flexible: Bool) -> LengthForm { .varintPlusOne }
}

/// A tagged field unknown to this version; kept verbatim so that it can be passed on.
public struct TaggedField: Hashable, Sendable {
    public var tag: UInt32
    public var payload: Bytes
    @inlinable public init(tag: UInt32, payload: Bytes) {
        self.tag = tag
        self.payload = payload
    }
}

/// Walks the fields of a layout in wire order. Reading sets them, the other coders leave them as they are.
public protocol FieldCoder: ~Copyable {
    /// The message's version in its protocol; 0 where the protocol has none.
    var version: Int16 { get }
    /// Whether this version uses the protocol's flexible (compact) encoding.
    var flexible: Bool { get }

    mutating func bool(_ value: inout Bool) throws(WireError)
    mutating func int8(_ value: inout Int8) throws(WireError)
    mutating func int16(_ value: inout Int16) throws(WireError)
    mutating func int32(_ value: inout Int32) throws(WireError)
    mutating func int64(_ value: inout Int64) throws(WireError)
    mutating func double(_ value: inout Double) throws(WireError)
    /// Unsigned LEB128, at most 10 bytes.
    mutating func varint(_ value: inout UInt64) throws(WireError)
    mutating func string(_ value: inout String) throws(WireError)
    mutating func optionalString(_ value: inout String?) throws(WireError)
    mutating func bytes(_ value: inout Bytes) throws(WireError)
    mutating func optionalBytes(_ value: inout Bytes?) throws(WireError)
    /// Bytes that may be in a file when they are written; read into memory.
    mutating func optionalBytesOrFile(_ value: inout BytesOrFile?) throws(WireError)
    /// 16 bytes without a length.
    mutating func uuid(_ value: inout UUIDBytes) throws(WireError)
    /// A counted sequence. `empty` is an element for a decoder to fill; an element takes at least one byte on the wire.
    mutating func array<E>(_ value: inout [E], empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void) throws(WireError)
    mutating func optionalArray<E>(_ value: inout [E]?, empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void) throws(WireError)
    /// The tagged fields that end a structure of a flexible version; nothing in other versions or dialects.
    mutating func tags(_ unknown: inout [TaggedField]) throws(WireError)
}

/// A 16-byte identifier in its wire form.
public struct UUIDBytes: Hashable, Sendable {
    public var high: UInt64
    public var low: UInt64
    @inlinable public init(high: UInt64 = 0, low: UInt64 = 0) {
        self.high = high
        self.low = low
    }
    @inlinable public var isZero: Bool { high == 0 && low == 0 }
}

extension FieldCoder where Self: ~Copyable {
    @inlinable public mutating func optionalBytesOrFile(_ value: inout BytesOrFile?) throws(WireError) {
        var bytes = value?.bytes
        try optionalBytes(&bytes)
        value = bytes.map { .memory($0) }
    }

    /// A nested structure.
    @inlinable public mutating func nested<L: WireLayout>(_ value: inout L) throws(WireError) { try value.layout(&self) }

    /// A counted sequence of structures.
    @inlinable public mutating func list<L: WireLayout>(_ value: inout [L]) throws(WireError) {
        try array(&value, empty: L()) { (element: inout L, io: inout Self) throws(WireError) in try element.layout(&io) }
    }

    @inlinable public mutating func optionalList<L: WireLayout>(_ value: inout [L]?) throws(WireError) {
        try optionalArray(&value, empty: L()) { (element: inout L, io: inout Self) throws(WireError) in try element.layout(&io) }
    }

    @inlinable public mutating func strings(_ value: inout [String]) throws(WireError) {
        try array(&value, empty: "") { (element: inout String, io: inout Self) throws(WireError) in try io.string(&element) }
    }

    @inlinable public mutating func int32s(_ value: inout [Int32]) throws(WireError) {
        try array(&value, empty: 0) { (element: inout Int32, io: inout Self) throws(WireError) in try io.int32(&element) }
    }

    /// Tagged fields, all of them unknown to this message.
    @inlinable public mutating func tags() throws(WireError) {
        var unknown: [TaggedField] = []
        try tags(&unknown)
    }

    /// An id wrapped around an Int64.
    @inlinable public mutating func id<I: TypedID>(_ value: inout I) throws(WireError) where I.RawValue == Int64 {
        var raw = value.rawValue
        try int64(&raw)
        value = I(raw)
    }

    /// An id wrapped around a String.
    @inlinable public mutating func id<I: TypedID>(_ value: inout I) throws(WireError) where I.RawValue == String {
        var raw = value.rawValue
        try string(&raw)
        value = I(raw)
    }

    /// A non-negative Int as a varint.
    @inlinable public mutating func count(_ value: inout Int) throws(WireError) {
        var raw = UInt64(value)
        try varint(&raw)
        guard let narrowed = Int(exactly: raw) else { throw .badLength(Int.max) }
        value = narrowed
    }

    /// An Int64 as a zigzag varint.
    @inlinable public mutating func zigzag(_ value: inout Int64) throws(WireError) {
        var raw = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        try varint(&raw)
        value = Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    @inlinable public mutating func wallTime(_ value: inout WallTime) throws(WireError) {
        try int64(&value.milliseconds)
    }
}
