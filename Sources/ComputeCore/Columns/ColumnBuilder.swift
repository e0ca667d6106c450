// Builds a column row by row. Typed appends are for readers and kernels, `append(_: Value)` for everything else. The builder keeps the
// column's invariants: a value in a null's slot, offsets from zero, no validity bitmap without nulls.

import QueryCore

package struct ColumnBuilder {
    package let type: DataType
    package private(set) var count = 0
    private let kind: Kind
    private var validity: Bitmap?
    private var values = Values()
    private var children: [ColumnBuilder] = []

    /// The array of a type.
    private enum Kind { case nothing, boolean, int8, int16, int32, int64, float, double, decimal, bytes, list, structure }

    /// One array for each layout of values. Each is appended in place: an array taken out of an enum's payload is copied at each append.
    private struct Values {
        var booleans = Bitmap()
        var int8s: [Int8] = []
        var int16s: [Int16] = []
        var int32s: [Int32] = []
        var int64s: [Int64] = []
        var floats: [Float] = []
        var doubles: [Double] = []
        var decimals: [Int128] = []
        /// Of texts, lists and maps; one more than there are rows.
        var offsets: [Int32] = []
        var bytes: [UInt8] = []
    }

    package init(type: DataType, capacity: Int = 0) {
        self.type = type
        switch type {
        case .null: kind = .nothing
        case .boolean: kind = .boolean
        case .byte: kind = .int8
        case .short: kind = .int16
        case .int, .date: kind = .int32
        case .long, .timestamp: kind = .int64
        case .float: kind = .float
        case .double: kind = .double
        case .decimal: kind = .decimal
        case .string, .binary: kind = .bytes
        case .array(let element, _):
            kind = .list
            children = [ColumnBuilder(type: element)]
        case .map(let key, let value, _):
            kind = .list
            children = [ColumnBuilder(type: key), ColumnBuilder(type: value)]
        case .structure(let fields):
            kind = .structure
            children = fields.map { ColumnBuilder(type: $0.type, capacity: capacity) }
        }
        reserve(capacity)
    }

    private mutating func reserve(_ capacity: Int) {
        switch kind {
        case .nothing, .boolean, .structure: break
        case .int8: values.int8s.reserveCapacity(capacity)
        case .int16: values.int16s.reserveCapacity(capacity)
        case .int32: values.int32s.reserveCapacity(capacity)
        case .int64: values.int64s.reserveCapacity(capacity)
        case .float: values.floats.reserveCapacity(capacity)
        case .double: values.doubles.reserveCapacity(capacity)
        case .decimal: values.decimals.reserveCapacity(capacity)
        case .bytes, .list:
            values.offsets.reserveCapacity(capacity + 1)
            values.offsets.append(0)
        }
    }

    /// Bytes of all texts so far.
    package var textBytes: Int { values.bytes.count }

    private mutating func mark(valid: Bool) {
        if validity != nil {
            validity!.append(valid)
        } else if !valid {
            validity = Bitmap(repeating: true, count: count)
            validity!.append(false)
        }
        count += 1
    }

    package mutating func appendNull() {
        switch kind {
        case .nothing: break
        case .boolean: values.booleans.append(false)
        case .int8: values.int8s.append(0)
        case .int16: values.int16s.append(0)
        case .int32: values.int32s.append(0)
        case .int64: values.int64s.append(0)
        case .float: values.floats.append(0)
        case .double: values.doubles.append(0)
        case .decimal: values.decimals.append(0)
        case .bytes, .list: values.offsets.append(values.offsets[values.offsets.count - 1])
        case .structure: for index in children.indices { children[index].appendNull() }
        }
        mark(valid: false)
    }

    package mutating func append(_ value: Bool) {
        precondition(kind == .boolean, "boolean appended to \(type.simpleString)")
        values.booleans.append(value)
        mark(valid: true)
    }

    /// For all integer types, date and timestamp; the value must fit.
    package mutating func append(_ value: Int64) {
        switch kind {
        case .int8: values.int8s.append(Int8(value))
        case .int16: values.int16s.append(Int16(value))
        case .int32: values.int32s.append(Int32(value))
        case .int64: values.int64s.append(value)
        default: preconditionFailure("integer appended to \(type.simpleString)")
        }
        mark(valid: true)
    }

    package mutating func append(_ value: Double) {
        switch kind {
        case .float: values.floats.append(Float(value))
        case .double: values.doubles.append(value)
        default: preconditionFailure("double appended to \(type.simpleString)")
        }
        mark(valid: true)
    }

    package mutating func append(_ value: Int128) {
        precondition(kind == .decimal, "decimal appended to \(type.simpleString)")
        values.decimals.append(value)
        mark(valid: true)
    }

    /// For string (UTF-8) and binary. One column holds at most 2 GiB, which 32-bit offsets can address.
    package mutating func append(bytes more: some Collection<UInt8>) {
        precondition(kind == .bytes, "bytes appended to \(type.simpleString)")
        values.bytes.append(contentsOf: more)
        values.offsets.append(Int32(values.bytes.count))
        mark(valid: true)
    }

    package mutating func append(_ value: Value) {
        switch value {
        case .null: appendNull()
        case .boolean(let value): append(value)
        case .integer(let value): append(value)
        case .double(let value): append(value)
        case .decimal(let value): append(value)
        case .string(let value): append(bytes: value.utf8)
        case .binary(let value): append(bytes: value)
        case .array(let items):
            for item in items { children[0].append(item) }
            values.offsets.append(Int32(children[0].count))
            mark(valid: true)
        case .map(let keys, let items):
            for key in keys { children[0].append(key) }
            for item in items { children[1].append(item) }
            values.offsets.append(Int32(children[0].count))
            mark(valid: true)
        case .structure(let items):
            for index in children.indices { children[index].append(items[index]) }
            mark(valid: true)
        }
    }

    package consuming func finish() -> Column {
        let storage: Column.Storage =
            switch kind {
            case .nothing: .nothing
            case .boolean: .boolean(values.booleans)
            case .int8: .int8(values.int8s)
            case .int16: .int16(values.int16s)
            case .int32: .int32(values.int32s)
            case .int64: .int64(values.int64s)
            case .float: .float(values.floats)
            case .double: .double(values.doubles)
            case .decimal: .decimal(values.decimals)
            case .bytes: .bytes(offsets: values.offsets, bytes: values.bytes)
            case .list: .list(offsets: values.offsets, child: listChild())
            case .structure: .structure(children.map { $0.finish() })
            }
        return Column(type: type, count: count, validity: validity, storage: storage)
    }

    /// The elements of an array, or a map's entries.
    private func listChild() -> Column {
        guard case .map(let key, let value, let nullable) = type else { return children[0].finish() }
        let fields = [StructField("key", key, nullable: false), StructField("value", value, nullable: nullable)]
        let entries = children.map { $0.finish() }
        return Column(type: .structure(fields), count: entries[0].count, validity: nil, storage: .structure(entries))
    }
}
