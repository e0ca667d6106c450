// One column of values in Arrow layout, and one batch of columns. It owns bytes and their counts; it gives no meaning to them (that is the
// field's type) and is checked against the type where it enters. Source: Arrow columnar format, physical memory layout.

package struct ArrowArray: Sendable, Equatable {
    /// Values, nulls included.
    package var length: Int
    package var nullCount: Int
    /// One bit per value, least significant first, 1 = present; empty when nothing is null.
    package var validity: [UInt8]
    /// The buffers after validity in the order of the layout: values; or offsets, then bytes; or offsets alone for lists; none for structs.
    package var buffers: [[UInt8]]
    package var children: [ArrowArray]

    package init(length: Int, nullCount: Int = 0, validity: [UInt8] = [], buffers: [[UInt8]], children: [ArrowArray] = []) {
        self.length = length
        self.nullCount = nullCount
        self.validity = nullCount == 0 ? [] : validity
        self.buffers = buffers
        self.children = children
    }

    package func isValid(_ row: Int) -> Bool {
        validity.isEmpty || validity[row >> 3] & (1 << UInt8(row & 7)) != 0
    }

    /// The value at `row` of a fixed-width integer buffer.
    package func integer<Value: FixedWidthInteger>(_ row: Int, as type: Value.Type, buffer: Int = 0) -> Value {
        ArrowBytes.load(buffers[buffer], at: row * (Value.bitWidth / 8))
    }

    package func bit(_ row: Int) -> Bool {
        buffers[0][row >> 3] & (1 << UInt8(row & 7)) != 0
    }

    /// The range of `row` in the byte buffer or the child, from offsets of `width` bytes.
    package func range(_ row: Int, offsetWidth width: Int) -> Range<Int> {
        if width == 8 { return Int(integer(row, as: Int64.self))..<Int(integer(row + 1, as: Int64.self)) }
        return Int(integer(row, as: Int32.self))..<Int(integer(row + 1, as: Int32.self))
    }
}

package struct ArrowBatch: Sendable, Equatable {
    package var rowCount: Int
    package var columns: [ArrowArray]

    package init(rowCount: Int, columns: [ArrowArray]) {
        self.rowCount = rowCount
        self.columns = columns
    }
}

/// Plain values to little-endian bytes and back. Every machine we run on is little endian, so both are copies.
package enum ArrowBytes {
    package static func of<Value: BitwiseCopyable>(_ values: [Value]) -> [UInt8] {
        // The closure only copies the array's own bytes while the array is alive.
        values.withUnsafeBytes { Array($0) }
    }

    package static func of<Value: BitwiseCopyable>(_ values: ArraySlice<Value>) -> [UInt8] {
        // The closure only copies the slice's own bytes while the slice is alive.
        values.withUnsafeBytes { Array($0) }
    }

    /// Bits, least significant first; the last byte is padded with zeros.
    package static func bits(_ flags: some Collection<Bool>) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (flags.count + 7) / 8)
        for (index, flag) in flags.enumerated() where flag { bytes[index >> 3] |= 1 << UInt8(index & 7) }
        return bytes
    }

    package static func load<Value: FixedWidthInteger>(_ bytes: [UInt8], at start: Int) -> Value {
        precondition(start >= 0 && start + Value.bitWidth / 8 <= bytes.count, "a value is read inside its buffer")
        // The load is inside the buffer by the precondition above.
        return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: Value.self)) }
    }
}
