// FlatBuffers, as far as Arrow's metadata needs them: one builder that writes a buffer from its end to its start, one bounds-checked
// table view that reads it. It knows nothing of Arrow; it never trusts an offset or a count that it has not compared with the bytes.
// Source: the FlatBuffers binary format (tables, vtables, vectors, strings; little endian).

/// Builds one buffer back to front: children first, the root table last. Offsets count from the end of the buffer.
struct FlatBufferBuilder {
    /// A finished object, named by its distance from the end of the buffer in bytes.
    struct Offset {
        let fromEnd: Int
    }

    private var reversed: [UInt8] = []
    private var largestAlignment = 1
    private var slots: [Int] = []
    private var tableStart = 0

    mutating func string(_ text: String) -> Offset {
        let utf8 = Array(text.utf8)
        pad(to: 4, before: utf8.count + 1)
        reversed.append(0)
        reversed.append(contentsOf: utf8.reversed())
        push(UInt32(utf8.count))
        return Offset(fromEnd: reversed.count)
    }

    mutating func vector(of offsets: [Offset]) -> Offset {
        pad(to: 4, before: offsets.count * 4)
        for offset in offsets.reversed() { pushReference(to: offset) }
        push(UInt32(offsets.count))
        return Offset(fromEnd: reversed.count)
    }

    /// A vector of structs whose fields are all 64-bit integers, `fields` per element.
    mutating func vector(ofStructs words: [Int64], fields: Int) -> Offset {
        pad(to: 4, before: words.count * 8)
        pad(to: 8, before: words.count * 8)
        for word in words.reversed() { push(word) }
        push(UInt32(words.count / fields))
        return Offset(fromEnd: reversed.count)
    }

    /// Fields are added between `startTable` and `endTable`; everything they refer to was built before.
    mutating func startTable(slots count: Int) {
        slots = [Int](repeating: 0, count: count)
        tableStart = reversed.count
    }

    mutating func add<Value: FixedWidthInteger>(_ value: Value, slot: Int) {
        let size = Value.bitWidth / 8
        pad(to: size, before: size)
        push(value)
        slots[slot] = reversed.count
    }

    mutating func add(_ flag: Bool, slot: Int) {
        add(UInt8(flag ? 1 : 0), slot: slot)
    }

    mutating func add(_ offset: Offset, slot: Int) {
        pad(to: 4, before: 4)
        pushReference(to: offset)
        slots[slot] = reversed.count
    }

    mutating func endTable() -> Offset {
        pad(to: 4, before: 4)
        push(UInt32(0))
        let table = reversed.count
        let used = (slots.lastIndex { $0 != 0 } ?? -1) + 1
        for slot in slots.prefix(used).reversed() { push(UInt16(slot == 0 ? 0 : table - slot)) }
        push(UInt16(table - tableStart))
        push(UInt16((used + 2) * 2))
        let toVtable = UInt32(reversed.count - table)
        for byte in 0..<4 { reversed[table - 1 - byte] = UInt8(truncatingIfNeeded: toVtable >> (8 * UInt32(byte))) }
        return Offset(fromEnd: table)
    }

    mutating func finish(root: Offset) -> [UInt8] {
        pad(to: max(4, largestAlignment), before: 4)
        pushReference(to: root)
        return reversed.reversed()
    }

    private mutating func pad(to alignment: Int, before bytes: Int) {
        largestAlignment = max(largestAlignment, alignment)
        while (reversed.count + bytes) % alignment != 0 { reversed.append(0) }
    }

    private mutating func push<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) { reversed.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    private mutating func pushReference(to offset: Offset) {
        push(UInt32(reversed.count + 4 - offset.fromEnd))
    }
}

/// A table inside a buffer that came from the wire. Absent fields read as their default.
struct FlatTable {
    private let bytes: [UInt8]
    private let position: Int
    private let vtable: Int
    private let vtableSize: Int

    init(root bytes: [UInt8]) throws(ArrowError) {
        try self.init(bytes: bytes, position: Int(Self.load(UInt32.self, bytes, 0)))
    }

    private init(bytes: [UInt8], position: Int) throws(ArrowError) {
        self.bytes = bytes
        self.position = position
        vtable = position - Int(try Self.load(Int32.self, bytes, position))
        vtableSize = Int(try Self.load(UInt16.self, bytes, vtable))
        guard vtableSize >= 4, vtable + vtableSize <= bytes.count else { throw .malformed("flatbuffer vtable leaves the buffer") }
    }

    func integer<Value: FixedWidthInteger>(_ slot: Int, default fallback: Value) throws(ArrowError) -> Value {
        guard let field = try field(slot) else { return fallback }
        return try Self.load(Value.self, bytes, field)
    }

    func flag(_ slot: Int) throws(ArrowError) -> Bool {
        try integer(slot, default: UInt8(0)) != 0
    }

    func string(_ slot: Int) throws(ArrowError) -> String? {
        guard let start = try target(slot) else { return nil }
        let count = Int(try Self.load(UInt32.self, bytes, start))
        guard count <= bytes.count - start - 4 else { throw .malformed("flatbuffer string leaves the buffer") }
        return String(decoding: bytes[(start + 4)..<(start + 4 + count)], as: UTF8.self)
    }

    func table(_ slot: Int) throws(ArrowError) -> FlatTable? {
        guard let start = try target(slot) else { return nil }
        return try FlatTable(bytes: bytes, position: start)
    }

    func tables(_ slot: Int) throws(ArrowError) -> [FlatTable] {
        guard let start = try target(slot) else { return [] }
        let count = try elementCount(start, size: 4)
        var tables: [FlatTable] = []
        tables.reserveCapacity(count)
        for index in 0..<count {
            let field = start + 4 + index * 4
            tables.append(try FlatTable(bytes: bytes, position: field + Int(try Self.load(UInt32.self, bytes, field))))
        }
        return tables
    }

    /// A vector of structs of `fields` 64-bit integers, flattened.
    func structs(_ slot: Int, fields: Int) throws(ArrowError) -> [Int64] {
        guard let start = try target(slot) else { return [] }
        let count = try elementCount(start, size: fields * 8)
        var words: [Int64] = []
        words.reserveCapacity(count * fields)
        for index in 0..<(count * fields) { words.append(try Self.load(Int64.self, bytes, start + 4 + index * 8)) }
        return words
    }

    private func elementCount(_ start: Int, size: Int) throws(ArrowError) -> Int {
        let count = Int(try Self.load(UInt32.self, bytes, start))
        guard count <= (bytes.count - start - 4) / size else { throw .malformed("flatbuffer vector leaves the buffer") }
        return count
    }

    private func field(_ slot: Int) throws(ArrowError) -> Int? {
        let entry = 4 + slot * 2
        guard entry + 2 <= vtableSize else { return nil }
        let offset = Int(try Self.load(UInt16.self, bytes, vtable + entry))
        return offset == 0 ? nil : position + offset
    }

    private func target(_ slot: Int) throws(ArrowError) -> Int? {
        guard let field = try field(slot) else { return nil }
        return field + Int(try Self.load(UInt32.self, bytes, field))
    }

    private static func load<Value: FixedWidthInteger>(_ type: Value.Type, _ bytes: [UInt8], _ at: Int) throws(ArrowError) -> Value {
        let size = Value.bitWidth / 8
        guard at >= 0, at <= bytes.count - size else { throw .malformed("flatbuffer offset leaves the buffer") }
        var value: Value = 0
        for index in 0..<size { value |= Value(truncatingIfNeeded: bytes[at + index]) << (8 * index) }
        return value
    }
}
