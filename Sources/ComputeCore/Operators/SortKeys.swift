// ORDER BY's keys as numbers: the first 128 bits of a row's keys, laid out so that unsigned comparison is the wanted order. Rows are
// compared by values only if their bits are equal, and only where the bits are incomplete. Source: Graefe, "Implementing Sorting in
// Database Systems", 2006 (normalised keys).

import QueryCore

/// A row in a sort, with the start of its keys.
struct SortEntry {
    var high: UInt64
    var low: UInt64
    var row: Int32

    @inline(__always)
    static func prefixIsLess(_ left: SortEntry, _ right: SortEntry) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }

    @inline(__always)
    static func prefixIsEqual(_ left: SortEntry, _ right: SortEntry) -> Bool { left.high == right.high && left.low == right.low }
}

/// The layout of keys in the 128 bits. The same for all rows of a comparison.
struct SortLayout {
    /// Whether a key has a bit that tells nulls from values.
    let marksNulls: [Bool]
    /// The number of leading keys that the bits hold exactly.
    let exactKeys: Int
    private let orders: [BoundOrder]

    init(_ orders: [BoundOrder], marksNulls: [Bool]) {
        self.orders = orders
        self.marksNulls = marksNulls
        var (room, exact) = (128, 0)
        for (order, marks) in zip(orders, marksNulls) {
            if marks { room -= 1 }
            guard let bits = Self.bits(order.expression.type), bits <= room else { break }
            room -= bits
            exact += 1
        }
        exactKeys = exact
    }

    var isExact: Bool { exactKeys == orders.count }

    /// Bits of a value; nil for a type without such a form.
    private static func bits(_ type: DataType) -> Int? {
        switch type {
        case .null: 0
        case .boolean: 1
        case .byte: 8
        case .short: 16
        case .int, .date, .float: 32
        case .long, .timestamp, .double: 64
        case .decimal(let precision, _): precision <= 18 ? 64 : 128
        default: nil
        }
    }

    /// Writes the entries of rows `range`; `out` has one for each of them.
    func fill(_ keys: [Column], _ range: Range<Int>, _ out: UnsafeMutableBufferPointer<SortEntry>) {
        var prefixes = [UInt128](repeating: 0, count: range.count)
        var room = 128
        for (index, key) in keys.enumerated() where room > 0 {
            let order = orders[index]
            if marksNulls[index] {
                room -= 1
                let isNullHigh = !order.nullsFirst
                for row in range where key.isNull(row) == isNullHigh { prefixes[row - range.lowerBound] |= 1 << UInt128(room) }
            }
            let bits = Self.bits(key.type) ?? (room & ~7)
            let used = min(bits, room)
            room -= used
            if used > 0 { Self.place(key, range, width: bits, used: used, at: room, ascending: order.ascending, &prefixes) }
            // Keys behind an inexact one must not be compared before it.
            if index >= exactKeys { break }
        }
        // `out` has room for all rows of the range.
        for (index, prefix) in prefixes.enumerated() {
            out.initializeElement(
                at: index,
                to: SortEntry(
                    high: UInt64(truncatingIfNeeded: prefix >> 64), low: UInt64(truncatingIfNeeded: prefix),
                    row: Int32(range.lowerBound + index)))
        }
    }

    // hot: `platform-bench compute`, SQL sort
    private static func place(
        _ key: Column, _ range: Range<Int>, width: Int, used: Int, at position: Int, ascending: Bool, _ prefixes: inout [UInt128]
    ) {
        let mask: UInt128 = used == 128 ? ~0 : (1 << UInt128(used)) - 1
        let (validity, dropped, shift) = (key.validity, UInt128(width - used), UInt128(position))
        /// A null's bits are zero: its mark says where it stands.
        @inline(__always) func put(_ bits: (Int) -> UInt128) {
            for row in range where validity?[row] ?? true {
                let word = bits(row) >> dropped
                prefixes[row - range.lowerBound] |= ((ascending ? word : ~word) & mask) << shift
            }
        }
        switch key.storage {
        case .nothing, .list, .structure: break
        case .boolean(let flags): put { flags[$0] ? 1 : 0 }
        case .int8(let values): put { UInt128(UInt8(bitPattern: values[$0]) ^ 0x80) }
        case .int16(let values): put { UInt128(UInt16(bitPattern: values[$0]) ^ 0x8000) }
        case .int32(let values): put { UInt128(UInt32(bitPattern: values[$0]) ^ 0x8000_0000) }
        case .int64(let values): put { UInt128(UInt64(bitPattern: values[$0]) ^ 1 << 63) }
        case .float(let values): put { UInt128(ordered(Double(values[$0])) >> 32) }
        case .double(let values): put { UInt128(ordered(values[$0])) }
        case .decimal(let values):
            if width == 64 {
                put { UInt128(UInt64(bitPattern: Int64(truncatingIfNeeded: values[$0])) ^ 1 << 63) }
            } else {
                put { UInt128(bitPattern: values[$0]) ^ 1 << 127 }
            }
        case .bytes(let offsets, let bytes):
            let most = width / 8
            put { row in
                var word: UInt128 = 0
                let (start, end) = (Int(offsets[row]), Int(offsets[row + 1]))
                for at in start..<min(start + most, end) { word |= UInt128(bytes[at]) << UInt128(width - 8 - 8 * (at - start)) }
                return word
            }
        }
    }

    /// The bits of a double in an order of unsigned numbers: -0.0 as 0.0, NaN above all.
    private static func ordered(_ value: Double) -> UInt64 {
        if value.isNaN { return .max }
        let bits = (value == 0 ? 0 : value).bitPattern
        return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
    }
}

/// Compares two rows by the values of one key.
struct SortKey {
    private enum Values {
        case integers([Int64])
        case doubles([Double])
        case bytes(offsets: [Int32], bytes: [UInt8])
        case values([Value], DataType)
    }

    private let values: Values
    private let column: Column
    private let sign: Int
    private let nullSign: Int

    init(_ column: Column, _ order: BoundOrder) {
        self.column = column
        sign = order.ascending ? 1 : -1
        nullSign = order.nullsFirst ? -1 : 1
        values =
            switch column.storage {
            case .int8(let values): .integers(values.map(Int64.init))
            case .int16(let values): .integers(values.map(Int64.init))
            case .int32(let values): .integers(values.map(Int64.init))
            case .int64(let values): .integers(values)
            case .float(let values): .doubles(values.map(Double.init))
            case .double(let values): .doubles(values)
            case .bytes(let offsets, let bytes): .bytes(offsets: offsets, bytes: bytes)
            default: .values((0..<column.count).map { column.value($0) }, column.type)
            }
    }

    func compare(_ left: Int, _ right: Int) -> Int {
        if column.validity != nil || column.type == .null {
            let (one, other) = (column.isNull(left), column.isNull(right))
            if one || other { return one == other ? 0 : one ? nullSign : -nullSign }
        }
        switch values {
        case .integers(let numbers): return numbers[left] == numbers[right] ? 0 : numbers[left] < numbers[right] ? -sign : sign
        case .doubles(let numbers):
            let (x, y) = (numbers[left], numbers[right])
            if x < y { return -sign }
            if x > y { return sign }
            return x.isNaN == y.isNaN ? 0 : x.isNaN ? sign : -sign
        case .bytes(let offsets, let bytes):
            let order = bytes.withUnsafeBytes { bytes in
                // Both ranges lie inside of the column's bytes.
                Comparison.order(
                    UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[left])..<Int(offsets[left + 1])]),
                    UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[right])..<Int(offsets[right + 1])]))
            }
            return order * sign
        case .values(let values, let type): return Value.compare(values[left], values[right], type) * sign
        }
    }
}
