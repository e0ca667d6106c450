// One layout per protobuf message serves decoding, encoding, printing and sampling: a message names its fields once, with their numbers.
// The coders are ProtoReader, ProtoWriter, ProtoPrinter and ProtoSampler. Source: "Encoding", protobuf.dev; field numbers from Hadoop's
// .proto files.
import Base

/// A protobuf message (proto2).
package protocol ProtoLayout: Sendable {
    init()
    mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError)
}

/// Walks the fields of a message. A reader sets them, others leave them; nil stands for an absent field.
package protocol ProtoCoder: ~Copyable {
    mutating func varint(_ field: Int, _ value: inout UInt64?) throws(WireError)
    mutating func varints(_ field: Int, _ values: inout [UInt64], packed: Bool) throws(WireError)
    mutating func fixed64(_ field: Int, _ value: inout UInt64?) throws(WireError)
    mutating func fixed32(_ field: Int, _ value: inout UInt32?) throws(WireError)
    mutating func bytes(_ field: Int, _ value: inout Bytes?) throws(WireError)
    mutating func byteStrings(_ field: Int, _ values: inout [Bytes]) throws(WireError)
    /// UTF-8; other bytes are refused.
    mutating func string(_ field: Int, _ value: inout String?) throws(WireError)
    mutating func strings(_ field: Int, _ values: inout [String]) throws(WireError)
    mutating func message<M: ProtoLayout>(_ field: Int, _ value: inout M?) throws(WireError)
    mutating func messages<M: ProtoLayout>(_ field: Int, _ values: inout [M]) throws(WireError)
}

extension ProtoCoder where Self: ~Copyable {
    /// A required field: its absence is an error of the peer.
    private func present<T>(_ value: T?) throws(WireError) -> T {
        guard let value else { throw .unexpectedNull }
        return value
    }

    package mutating func uint64(_ field: Int, _ value: inout UInt64) throws(WireError) {
        var raw: UInt64? = value
        try varint(field, &raw)
        value = try present(raw)
    }

    /// An optional field with the default `absent`, which is not written.
    package mutating func uint64(_ field: Int, _ value: inout UInt64, absent: UInt64) throws(WireError) {
        var raw = value == absent ? nil : value
        try varint(field, &raw)
        value = raw ?? absent
    }

    /// An optional field that is always written, since clients take it for present; `absent` is its value where a peer left it out.
    package mutating func uint64(_ field: Int, _ value: inout UInt64, written absent: UInt64) throws(WireError) {
        var raw: UInt64? = value
        try varint(field, &raw)
        value = raw ?? absent
    }

    package mutating func uint32(_ field: Int, _ value: inout UInt32, written absent: UInt32) throws(WireError) {
        var raw: UInt64? = UInt64(value)
        try varint(field, &raw)
        value = raw.map { UInt32(truncatingIfNeeded: $0) } ?? absent
    }

    /// A varint narrowed to 32 bits; protobuf cuts the upper bits off.
    package mutating func uint32(_ field: Int, _ value: inout UInt32) throws(WireError) {
        var raw: UInt64? = UInt64(value)
        try varint(field, &raw)
        value = UInt32(truncatingIfNeeded: try present(raw))
    }

    package mutating func uint32(_ field: Int, _ value: inout UInt32, absent: UInt32) throws(WireError) {
        var raw = value == absent ? nil : UInt64(value)
        try varint(field, &raw)
        value = raw.map { UInt32(truncatingIfNeeded: $0) } ?? absent
    }

    /// A signed number in two's complement, ten bytes if it is negative.
    package mutating func int64(_ field: Int, _ value: inout Int64) throws(WireError) {
        var raw: UInt64? = UInt64(bitPattern: value)
        try varint(field, &raw)
        value = Int64(bitPattern: try present(raw))
    }

    package mutating func int64(_ field: Int, _ value: inout Int64, absent: Int64) throws(WireError) {
        var raw = value == absent ? nil : UInt64(bitPattern: value)
        try varint(field, &raw)
        value = raw.map { Int64(bitPattern: $0) } ?? absent
    }

    package mutating func int32(_ field: Int, _ value: inout Int32, absent: Int32) throws(WireError) {
        var wide = Int64(value)
        try int64(field, &wide, absent: Int64(absent))
        value = Int32(truncatingIfNeeded: wide)
    }

    /// A zigzag number (sint32, sint64).
    package mutating func zigzag(_ field: Int, _ value: inout Int64) throws(WireError) {
        var raw: UInt64? = Self.folded(value)
        try varint(field, &raw)
        value = Self.unfolded(try present(raw))
    }

    package mutating func zigzag(_ field: Int, _ value: inout Int64, absent: Int64) throws(WireError) {
        var raw = value == absent ? nil : Self.folded(value)
        try varint(field, &raw)
        value = raw.map { Self.unfolded($0) } ?? absent
    }

    private static func folded(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }
    private static func unfolded(_ raw: UInt64) -> Int64 { Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1) }

    package mutating func bool(_ field: Int, _ value: inout Bool) throws(WireError) {
        var raw: UInt64? = value ? 1 : 0
        try varint(field, &raw)
        value = try present(raw) != 0
    }

    package mutating func bool(_ field: Int, _ value: inout Bool, absent: Bool) throws(WireError) {
        var raw: UInt64? = value == absent ? nil : value ? 1 : 0
        try varint(field, &raw)
        value = raw.map { $0 != 0 } ?? absent
    }

    package mutating func bool(_ field: Int, _ value: inout Bool, written absent: Bool) throws(WireError) {
        var raw: UInt64? = value ? 1 : 0
        try varint(field, &raw)
        value = raw.map { $0 != 0 } ?? absent
    }

    /// A number of an enumeration; an unknown one is refused.
    package mutating func choice<E: RawRepresentable<UInt32>>(_ field: Int, _ value: inout E) throws(WireError) {
        var raw: UInt64? = UInt64(value.rawValue)
        try varint(field, &raw)
        value = try Self.known(try present(raw))
    }

    package mutating func choice<E: RawRepresentable<UInt32> & Equatable>(_ field: Int, _ value: inout E, absent: E) throws(WireError) {
        var raw = value == absent ? nil : UInt64(value.rawValue)
        try varint(field, &raw)
        if let raw { value = try Self.known(raw) } else { value = absent }
    }

    package mutating func choices<E: RawRepresentable<UInt32>>(_ field: Int, _ values: inout [E], packed: Bool = false) throws(WireError) {
        var raw = values.map { UInt64($0.rawValue) }
        try varints(field, &raw, packed: packed)
        var known: [E] = []
        for number in raw { known.append(try Self.known(number)) }
        values = known
    }

    private static func known<E: RawRepresentable<UInt32>>(_ raw: UInt64) throws(WireError) -> E {
        guard let number = UInt32(exactly: raw), let value = E(rawValue: number) else {
            throw .unknownTag("\(E.self)", Int(truncatingIfNeeded: raw))
        }
        return value
    }

    package mutating func string(_ field: Int, _ value: inout String) throws(WireError) {
        var text: String? = value
        try string(field, &text)
        value = try present(text)
    }

    package mutating func string(_ field: Int, _ value: inout String, absent: String) throws(WireError) {
        var text: String? = value == absent ? nil : value
        try string(field, &text)
        value = text ?? absent
    }

    package mutating func bytes(_ field: Int, _ value: inout Bytes) throws(WireError) {
        var raw: Bytes? = value
        try bytes(field, &raw)
        value = try present(raw)
    }

    package mutating func message<M: ProtoLayout>(_ field: Int, _ value: inout M) throws(WireError) {
        var nested: M? = value
        try message(field, &nested)
        value = try present(nested)
    }
}

/// A message without fields.
package struct EmptyMessage: ProtoLayout, Equatable {
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {}
}
