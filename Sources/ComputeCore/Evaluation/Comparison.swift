// Comparison kernels. NaN equals NaN and is greater than every other number, as in Spark; strings compare by their UTF-8 bytes. The result
// is a packed boolean column, built 64 rows at a time. `Value.compare` is the same order for single values.

import QueryCore

enum Comparison {
    static func compare(_ function: ScalarFunction, _ left: Vector, _ right: Vector, _ count: Int) -> Column {
        if function == .nullSafeEqual { return nullSafe(left, right, count) }
        if left.isNullConstant || right.isNullConstant || left.column.type == .null { return Column.nulls(.boolean, count: count) }
        let validity = Arithmetic.combined(left, right, count)
        return Column(type: .boolean, count: count, validity: validity, storage: .boolean(bits(function, left, right, count)))
    }

    private static func nullSafe(_ left: Vector, _ right: Vector, _ count: Int) -> Column {
        let (a, b) = (left.expanded(count), right.expanded(count))
        let present = Bitmap(repeating: true, count: count)
        func validity(_ column: Column) -> Bitmap { column.type == .null ? ~present : column.validity ?? present }
        let (one, other) = (validity(a), validity(b))
        let equal =
            a.type == .null ? ~present : bits(.equal, Vector(column: a, isConstant: false), Vector(column: b, isConstant: false), count)
        return Column(type: .boolean, count: count, validity: nil, storage: .boolean((equal & one & other) | (~one & ~other)))
    }

    private static func bits(_ function: ScalarFunction, _ left: Vector, _ right: Vector, _ count: Int) -> Bitmap {
        let (am, bm) = (left.mask, right.mask)
        switch (left.column.storage, right.column.storage) {
        case (.int8(let a), .int8(let b)): return ordered(function, a, am, b, bm, count)
        case (.int16(let a), .int16(let b)): return ordered(function, a, am, b, bm, count)
        case (.int32(let a), .int32(let b)): return ordered(function, a, am, b, bm, count)
        case (.int64(let a), .int64(let b)): return ordered(function, a, am, b, bm, count)
        case (.decimal(let a), .decimal(let b)): return ordered(function, a, am, b, bm, count)
        case (.float(let a), .float(let b)): return floats(function, a, am, b, bm, count)
        case (.double(let a), .double(let b)): return floats(function, a, am, b, bm, count)
        case (.bytes(let ao, let ab), .bytes(let bo, let bb)): return strings(function, (ao, ab, am), (bo, bb, bm), count)
        default:
            let type = left.column.type
            return pack(count) { row in
                let order = Value.compare(left.column.value(row & am), right.column.value(row & bm), type)
                return holds(function, order)
            }
        }
    }

    @inline(__always)
    private static func holds(_ function: ScalarFunction, _ order: Int) -> Bool {
        switch function {
        case .less: order < 0
        case .lessOrEqual: order <= 0
        case .greater: order > 0
        case .greaterOrEqual: order >= 0
        default: order == 0
        }
    }

    // hot: `platform-bench compute`, SQL filter and group-by
    @inline(__always)
    private static func pack(_ count: Int, _ test: (Int) -> Bool) -> Bitmap {
        var words = [UInt64](repeating: 0, count: (count + 63) / 64)
        for word in words.indices {
            var bits: UInt64 = 0
            let base = word * 64
            for bit in 0..<min(64, count - base) { bits |= (test(base + bit) ? 1 : 0) << UInt64(bit) }
            words[word] = bits
        }
        return Bitmap(words: words, count: count)
    }

    /// Like `Arithmetic.each`, with one bit for each row.
    @inline(__always)
    private static func each<T>(_ a: [T], _ am: Int, _ b: [T], _ bm: Int, _ count: Int, _ test: (T, T) -> Bool) -> Bitmap {
        if count == 0 { return Bitmap() }
        // Rows are below the count of a column that is no constant; the pointers live for this call.
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                if bm == 0 {
                    let right = b[0]
                    return pack(count) { test(a[$0 & am], right) }
                }
                if am == 0 {
                    let left = a[0]
                    return pack(count) { test(left, b[$0]) }
                }
                return pack(count) { test(a[$0], b[$0]) }
            }
        }
    }

    private static func ordered<T: Comparable>(_ function: ScalarFunction, _ a: [T], _ am: Int, _ b: [T], _ bm: Int, _ count: Int) -> Bitmap
    {
        switch function {
        case .less: each(a, am, b, bm, count) { $0 < $1 }
        case .lessOrEqual: each(a, am, b, bm, count) { $0 <= $1 }
        case .greater: each(a, am, b, bm, count) { $0 > $1 }
        case .greaterOrEqual: each(a, am, b, bm, count) { $0 >= $1 }
        default: each(a, am, b, bm, count) { $0 == $1 }
        }
    }

    private static func floats<T: BinaryFloatingPoint>(_ function: ScalarFunction, _ a: [T], _ am: Int, _ b: [T], _ bm: Int, _ count: Int)
        -> Bitmap
    {
        @inline(__always) func less(_ x: T, _ y: T) -> Bool { x < y || (y.isNaN && !x.isNaN) }
        @inline(__always) func same(_ x: T, _ y: T) -> Bool { x == y || (x.isNaN && y.isNaN) }
        return switch function {
        case .less: each(a, am, b, bm, count) { less($0, $1) }
        case .lessOrEqual: each(a, am, b, bm, count) { !less($1, $0) }
        case .greater: each(a, am, b, bm, count) { less($1, $0) }
        case .greaterOrEqual: each(a, am, b, bm, count) { !less($0, $1) }
        default: each(a, am, b, bm, count) { same($0, $1) }
        }
    }

    typealias Bytes = (offsets: [Int32], bytes: [UInt8], mask: Int)

    private static func strings(_ function: ScalarFunction, _ left: Bytes, _ right: Bytes, _ count: Int) -> Bitmap {
        // Offsets of a column lie inside of its bytes; the pointers live for this call.
        left.bytes.withUnsafeBytes { a in
            right.bytes.withUnsafeBytes { b in
                left.offsets.withUnsafeBufferPointer { leftOffsets in
                    right.offsets.withUnsafeBufferPointer { rightOffsets in
                        pack(count) { row in
                            let (i, j) = (row & left.mask, row & right.mask)
                            let (x, y) = (Int(leftOffsets[i]), Int(rightOffsets[j]))
                            let (xCount, yCount) = (Int(leftOffsets[i + 1]) - x, Int(rightOffsets[j + 1]) - y)
                            if function == .equal, xCount != yCount { return false }
                            return holds(
                                function,
                                order(
                                    UnsafeRawBufferPointer(rebasing: a[x..<x + xCount]), UnsafeRawBufferPointer(rebasing: b[y..<y + yCount])
                                ))
                        }
                    }
                }
            }
        }
    }

    /// Both buffers are slices of a live column's bytes; words of eight bytes are read while both have as many.
    @inline(__always)
    static func order(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        let shared = min(left.count, right.count)
        var at = 0
        while at + 8 <= shared {
            let one = left.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            let other = right.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            if one != other { return one.byteSwapped < other.byteSwapped ? -1 : 1 }
            at += 8
        }
        while at < shared {
            if left[at] != right[at] { return left[at] < right[at] ? -1 : 1 }
            at += 1
        }
        return left.count - right.count
    }
}

extension Value {
    /// Negative, zero or positive; nulls come first, NaN last.
    package static func compare(_ left: Value, _ right: Value, _ type: DataType) -> Int {
        switch (left, right) {
        case (.null, .null): return 0
        case (.null, _): return -1
        case (_, .null): return 1
        case (.boolean(let a), .boolean(let b)): return a == b ? 0 : a ? 1 : -1
        case (.integer(let a), .integer(let b)): return a < b ? -1 : a == b ? 0 : 1
        case (.double(let a), .double(let b)):
            if a.isNaN || b.isNaN { return a.isNaN && b.isNaN ? 0 : a.isNaN ? 1 : -1 }
            return a < b ? -1 : a == b ? 0 : 1
        case (.decimal(let a), .decimal(let b)): return a < b ? -1 : a == b ? 0 : 1
        case (.string(let a), .string(let b)): return compareBytes(Array(a.utf8), Array(b.utf8))
        case (.binary(let a), .binary(let b)): return compareBytes(a, b)
        case (.array(let a), .array(let b)):
            guard case .array(let element, _) = type else { return 0 }
            for (x, y) in zip(a, b) {
                let order = compare(x, y, element)
                if order != 0 { return order }
            }
            return a.count - b.count
        case (.structure(let a), .structure(let b)):
            guard case .structure(let fields) = type else { return 0 }
            for (index, field) in fields.enumerated() {
                let order = compare(a[index], b[index], field.type)
                if order != 0 { return order }
            }
            return 0
        default: preconditionFailure("values of one column have one type")
        }
    }

    private static func compareBytes(_ left: [UInt8], _ right: [UInt8]) -> Int {
        // Whole arrays, used within the call only.
        left.withUnsafeBytes { a in right.withUnsafeBytes { b in Comparison.order(a, b) } }
    }
}
