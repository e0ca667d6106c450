// Thrift's compact protocol, writing only. Fields are written in ascending order. Source: Apache Thrift, "Thrift Compact protocol
// encoding".

struct ThriftWriter {
    private(set) var bytes: [UInt8] = []
    /// The last field's number of each structure that is open.
    private var last: [Int] = []

    mutating func begin() { last.append(0) }

    mutating func end() {
        last.removeLast()
        bytes.append(0)
    }

    private mutating func head(_ id: Int, _ kind: ThriftReader.Kind) {
        let delta = id - last[last.count - 1]
        precondition(delta > 0 && delta < 16, "fields ascend in steps of at most 15")
        bytes.append(UInt8(delta) << 4 | kind.rawValue)
        last[last.count - 1] = id
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func zigzag(_ value: Int) { varint(UInt64(bitPattern: Int64(value &<< 1 ^ value >> 63))) }

    mutating func field(_ id: Int, int32 value: Int) {
        head(id, .int32)
        zigzag(value)
    }

    mutating func field(_ id: Int, int64 value: Int) {
        head(id, .int64)
        zigzag(value)
    }

    mutating func field(_ id: Int, byte value: Int) {
        head(id, .byte)
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    mutating func field(_ id: Int, boolean value: Bool) { head(id, value ? .yes : .no) }

    mutating func field(_ id: Int, binary value: some Collection<UInt8>) {
        head(id, .binary)
        element(value)
    }

    mutating func field(_ id: Int, structure body: (inout ThriftWriter) -> Void) {
        head(id, .structure)
        element(structure: body)
    }

    /// The head of a list; its elements follow.
    mutating func field(_ id: Int, list count: Int, of kind: ThriftReader.Kind) {
        head(id, .list)
        if count < 15 {
            bytes.append(UInt8(count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xf0 | kind.rawValue)
            varint(UInt64(count))
        }
    }

    mutating func element(_ value: Int) { zigzag(value) }

    mutating func element(_ value: some Collection<UInt8>) {
        varint(UInt64(value.count))
        bytes += value
    }

    mutating func element(structure body: (inout ThriftWriter) -> Void) {
        begin()
        body(&self)
        end()
    }
}
