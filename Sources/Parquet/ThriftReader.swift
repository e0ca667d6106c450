// Thrift's compact protocol, reading only. Every length and count is checked against the bytes that are left before anything is made of
// it, and nesting is limited. Source: Apache Thrift, "Thrift Compact protocol encoding".

struct ThriftReader {
    enum Kind: UInt8 { case yes = 1, no, byte, int16, int32, int64, double, binary, list, set, map, structure }

    struct Field {
        let id: Int
        let kind: Kind
    }

    private static let depthMax = 24

    private let bytes: [UInt8]
    private(set) var at: Int
    private let end: Int
    /// The last field's number of each structure that is open.
    private var last: [Int] = []
    /// Set when the bytes ended; a caller with more of them can try again.
    private(set) var isShort = false

    init(_ bytes: [UInt8], at: Int, end: Int) {
        self.bytes = bytes
        self.at = at
        self.end = end
    }

    private mutating func short() -> ParquetError {
        isShort = true
        return .damaged("a structure ends early")
    }

    mutating func begin() throws(ParquetError) {
        guard last.count < Self.depthMax else { throw .damaged("structures nest too deeply") }
        last.append(0)
    }

    /// The next field of the open structure; nil at its end, which closes it.
    mutating func field() throws(ParquetError) -> Field? {
        let head = try byte()
        if head == 0 {
            last.removeLast()
            return nil
        }
        guard let kind = Kind(rawValue: head & 15) else { throw .damaged("a field has the unknown type \(head & 15)") }
        let top = last.count - 1
        let id = head >> 4 == 0 ? Int(truncatingIfNeeded: try zigzag()) : last[top] &+ Int(head >> 4)
        guard id > 0, id <= Int(Int16.max) else { throw .damaged("a field has the number \(id)") }
        last[top] = id
        return Field(id: id, kind: kind)
    }

    private mutating func byte() throws(ParquetError) -> UInt8 {
        guard at < end else { throw short() }
        defer { at += 1 }
        return bytes[at]
    }

    private mutating func varint() throws(ParquetError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let next = try byte()
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { return value }
        }
        throw .damaged("a number is longer than ten bytes")
    }

    private mutating func zigzag() throws(ParquetError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    // MARK: values

    /// Any integer that fits 64 bits.
    mutating func integer(_ field: Field) throws(ParquetError) -> Int {
        switch field.kind {
        case .byte: return Int(Int8(bitPattern: try byte()))
        case .int16, .int32, .int64: return Int(try zigzag())
        default: throw .damaged("a field is not the integer that it should be")
        }
    }

    func boolean(_ field: Field) throws(ParquetError) -> Bool {
        guard field.kind == .yes || field.kind == .no else { throw .damaged("a field is not the truth value that it should be") }
        return field.kind == .yes
    }

    mutating func binary(_ field: Field) throws(ParquetError) -> [UInt8] {
        guard field.kind == .binary else { throw .damaged("a field is not the text that it should be") }
        return try binary()
    }

    mutating func binary() throws(ParquetError) -> [UInt8] {
        let count = try length()
        defer { at += count }
        return Array(bytes[at..<at + count])
    }

    mutating func text(_ field: Field) throws(ParquetError) -> String { String(decoding: try binary(field), as: UTF8.self) }

    private mutating func length() throws(ParquetError) -> Int {
        let count = try varint()
        guard count <= UInt64(end - at) else { throw short() }
        return Int(count)
    }

    /// The number of elements of a list of one kind; each takes at least one byte of those that are left.
    mutating func list(_ field: Field, of kind: Kind) throws(ParquetError) -> Int {
        guard field.kind == .list || field.kind == .set else { throw .damaged("a field is not the list that it should be") }
        let (found, count) = try listHead()
        guard found == kind || count == 0 else { throw .damaged("a list has elements of another type") }
        return count
    }

    private mutating func listHead() throws(ParquetError) -> (Kind?, Int) {
        let head = try byte()
        let count = head >> 4 == 15 ? try length() : Int(head >> 4)
        guard count <= end - at else { throw short() }
        return (Kind(rawValue: head & 15), count)
    }

    /// An integer inside a list.
    mutating func element() throws(ParquetError) -> Int { Int(try zigzag()) }

    mutating func skip(_ field: Field) throws(ParquetError) { try skip(field.kind, depth: last.count) }

    private mutating func skip(_ kind: Kind, depth: Int) throws(ParquetError) {
        guard depth < Self.depthMax else { throw .damaged("structures nest too deeply") }
        switch kind {
        case .yes, .no: return
        case .byte: _ = try byte()
        case .int16, .int32, .int64: _ = try varint()
        case .double:
            guard end - at >= 8 else { throw short() }
            at += 8
        case .binary: at += try length()
        case .list, .set:
            let (kind, count) = try listHead()
            for _ in 0..<count { try skipElement(kind, depth: depth + 1) }
        case .map:
            let count = try varint()
            if count == 0 { return }
            guard count <= UInt64(end - at) else { throw short() }
            let kinds = try byte()
            for _ in 0..<count {
                try skipElement(Kind(rawValue: kinds >> 4), depth: depth + 1)
                try skipElement(Kind(rawValue: kinds & 15), depth: depth + 1)
            }
        case .structure:
            try begin()
            while let field = try field() { try skip(field.kind, depth: depth + 1) }
        }
    }

    /// Truth values have a byte each inside lists and maps.
    private mutating func skipElement(_ kind: Kind?, depth: Int) throws(ParquetError) {
        guard let kind else { throw .damaged("a list has elements of an unknown type") }
        if kind == .yes || kind == .no { _ = try byte() } else { try skip(kind, depth: depth) }
    }
}
