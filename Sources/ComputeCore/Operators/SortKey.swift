// ORDER BY's keys. Rows are ordered by the first key's place, 64 bits that are compared without touching the column, and by the columns only
// where places are equal. The order is stable: equal rows stay as they came.

import QueryCore

/// The start of a key as a number, nulls before or after all others.
struct SortPlace: Comparable {
    /// 0 for nulls that come first, 1 for values, 2 for nulls that come last.
    let rank: UInt8
    let prefix: UInt64

    static func < (left: SortPlace, right: SortPlace) -> Bool { left.rank == right.rank ? left.prefix < right.prefix : left.rank < right.rank }
}

/// Row numbers in the order of their keys.
struct RowOrder {
    private struct Entry {
        let place: SortPlace
        let row: Int32
    }
    /// Comparisons between two looks at the query's cancellation.
    private static let comparisonsAtOnce = 1 << 18

    private let keys: [SortKey]
    private var entries: [Entry]

    init(_ keys: [SortKey], rowCount: Int) {
        self.keys = keys
        entries = (0..<rowCount).map { row in Entry(place: keys.first?.place(row) ?? SortPlace(rank: 1, prefix: 0), row: Int32(row)) }
    }

    // hot: SQL sort
    consuming func sorted(_ check: () throws(QueryError) -> Void) throws(QueryError) -> [Int32] {
        let keys = keys
        // Where the places decide alone only the other keys are left to compare.
        let rest = keys.first?.placesAreExact == true ? keys.dropFirst() : keys[...]
        var comparisons = 0
        do {
            try entries.sort { left, right in
                comparisons &+= 1
                if comparisons & (Self.comparisonsAtOnce - 1) == 0 { try check() }
                if left.place.prefix != right.place.prefix || left.place.rank != right.place.rank { return left.place < right.place }
                for key in rest {
                    let order = key.compare(Int(left.row), Int(right.row))
                    if order != 0 { return order < 0 }
                }
                return left.row < right.row
            }
        } catch let error as QueryError { throw error } catch { preconditionFailure("only the check throws: \(error)") }
        return entries.map(\.row)
    }
}

/// One ORDER BY expression, evaluated, in a form that compares two rows quickly.
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

    /// Whether equal places mean equal keys.
    var placesAreExact: Bool {
        switch values {
        case .integers, .doubles: true
        case .bytes, .values: false
        }
    }

    /// Where a row's key lies. A row whose place comes earlier comes earlier.
    func place(_ row: Int) -> SortPlace {
        if column.isNull(row) { return SortPlace(rank: nullSign < 0 ? 0 : 2, prefix: 0) }
        let prefix: UInt64
        switch values {
        case .integers(let numbers): prefix = UInt64(bitPattern: numbers[row]) ^ 1 << 63
        case .doubles(let numbers): prefix = Self.ordered(numbers[row])
        case .bytes(let offsets, let bytes):
            var word: UInt64 = 0
            let (start, end) = (Int(offsets[row]), Int(offsets[row + 1]))
            for position in start..<min(start + 8, end) { word |= UInt64(bytes[position]) << UInt64(56 - 8 * (position - start)) }
            prefix = word
        case .values: prefix = 0
        }
        return SortPlace(rank: 1, prefix: sign > 0 ? prefix : ~prefix)
    }

    /// The bits of a double in an order of unsigned numbers: -0.0 as 0.0, NaN above all.
    private static func ordered(_ value: Double) -> UInt64 {
        if value.isNaN { return .max }
        let bits = (value == 0 ? 0 : value).bitPattern
        return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
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
            let order = bytes.withUnsafeBufferPointer { bytes in
                // Both ranges lie inside of the column's bytes.
                Comparison.order(
                    UnsafeBufferPointer(rebasing: bytes[Int(offsets[left])..<Int(offsets[left + 1])]),
                    UnsafeBufferPointer(rebasing: bytes[Int(offsets[right])..<Int(offsets[right + 1])]))
            }
            return order * sign
        case .values(let values, let type): return Value.compare(values[left], values[right], type) * sign
        }
    }
}
