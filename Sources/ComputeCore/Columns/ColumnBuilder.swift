// Builds a column row by row. Typed appends are for readers and kernels, `append(_: Value)` for everything else. The builder keeps the
// column's invariants: a value in a null's slot, offsets from zero, no validity bitmap while nothing is null.

import QueryCore

package struct ColumnBuilder {
    package let type: DataType
    package private(set) var count = 0
    private var validity: Bitmap?
    private var storage: Column.Storage
    private var children: [ColumnBuilder] = []

    package init(type: DataType, capacity: Int = 0) {
        self.type = type
        switch type {
        case .null: storage = .nothing
        case .boolean: storage = .boolean(Bitmap())
        case .byte: storage = .int8(Self.reserved(capacity))
        case .short: storage = .int16(Self.reserved(capacity))
        case .int, .date: storage = .int32(Self.reserved(capacity))
        case .long, .timestamp: storage = .int64(Self.reserved(capacity))
        case .float: storage = .float(Self.reserved(capacity))
        case .double: storage = .double(Self.reserved(capacity))
        case .decimal: storage = .decimal(Self.reserved(capacity))
        case .string, .binary: storage = .bytes(offsets: [0], bytes: [])
        case .array(let element, _):
            storage = .nothing
            children = [ColumnBuilder(type: element)]
            offsets = [0]
        case .map(let key, let value, _):
            storage = .nothing
            children = [ColumnBuilder(type: key), ColumnBuilder(type: value)]
            offsets = [0]
        case .structure(let fields):
            storage = .nothing
            children = fields.map { ColumnBuilder(type: $0.type, capacity: capacity) }
        }
    }

    /// Offsets of lists and maps; of strings they are in the storage.
    private var offsets: [Int32] = []

    /// Bytes of all texts so far.
    package var textBytes: Int { if case .bytes(_, let bytes) = storage { bytes.count } else { 0 } }

    private static func reserved<T>(_ capacity: Int) -> [T] {
        var values: [T] = []
        values.reserveCapacity(capacity)
        return values
    }

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
        switch type {
        case .array, .map: offsets.append(offsets[offsets.count - 1])
        case .structure: for index in children.indices { children[index].appendNull() }
        default: appendZero()
        }
        mark(valid: false)
    }

    private mutating func appendZero() {
        let current = storage
        storage = .nothing
        switch consume current {
        case .nothing: storage = .nothing
        case .boolean(var bits):
            bits.append(false)
            storage = .boolean(bits)
        case .int8(var values):
            values.append(0)
            storage = .int8(values)
        case .int16(var values):
            values.append(0)
            storage = .int16(values)
        case .int32(var values):
            values.append(0)
            storage = .int32(values)
        case .int64(var values):
            values.append(0)
            storage = .int64(values)
        case .float(var values):
            values.append(0)
            storage = .float(values)
        case .double(var values):
            values.append(0)
            storage = .double(values)
        case .decimal(var values):
            values.append(0)
            storage = .decimal(values)
        case .bytes(var offsets, let bytes):
            offsets.append(Int32(bytes.count))
            storage = .bytes(offsets: offsets, bytes: bytes)
        case .list, .structure: preconditionFailure("nested columns are built by their children")
        }
    }

    package mutating func append(_ value: Bool) {
        guard case .boolean(var bits) = storage else { preconditionFailure("boolean appended to \(type.simpleString)") }
        storage = .nothing
        bits.append(value)
        storage = .boolean(bits)
        mark(valid: true)
    }

    /// For all integer types, date and timestamp; the value must fit.
    package mutating func append(_ value: Int64) {
        let current = storage
        storage = .nothing
        switch consume current {
        case .int8(var values):
            values.append(Int8(value))
            storage = .int8(values)
        case .int16(var values):
            values.append(Int16(value))
            storage = .int16(values)
        case .int32(var values):
            values.append(Int32(value))
            storage = .int32(values)
        case .int64(var values):
            values.append(value)
            storage = .int64(values)
        default: preconditionFailure("integer appended to \(type.simpleString)")
        }
        mark(valid: true)
    }

    package mutating func append(_ value: Double) {
        let current = storage
        storage = .nothing
        switch consume current {
        case .float(var values):
            values.append(Float(value))
            storage = .float(values)
        case .double(var values):
            values.append(value)
            storage = .double(values)
        default: preconditionFailure("double appended to \(type.simpleString)")
        }
        mark(valid: true)
    }

    package mutating func append(_ value: Int128) {
        guard case .decimal(var values) = storage else { preconditionFailure("decimal appended to \(type.simpleString)") }
        storage = .nothing
        values.append(value)
        storage = .decimal(values)
        mark(valid: true)
    }

    /// For string (UTF-8) and binary. One column holds at most 2 GiB, which 32-bit offsets can address.
    package mutating func append(bytes more: some Collection<UInt8>) {
        guard case .bytes(var offsets, var bytes) = storage else { preconditionFailure("bytes appended to \(type.simpleString)") }
        storage = .nothing
        bytes.append(contentsOf: more)
        offsets.append(Int32(bytes.count))
        storage = .bytes(offsets: offsets, bytes: bytes)
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
        case .array(let values):
            for value in values { children[0].append(value) }
            offsets.append(Int32(children[0].count))
            mark(valid: true)
        case .map(let keys, let values):
            for key in keys { children[0].append(key) }
            for value in values { children[1].append(value) }
            offsets.append(Int32(children[0].count))
            mark(valid: true)
        case .structure(let values):
            for index in children.indices { children[index].append(values[index]) }
            mark(valid: true)
        }
    }

    package consuming func finish() -> Column {
        switch type {
        case .array:
            let child = children[0].finish()
            return Column(type: type, count: count, validity: validity, storage: .list(offsets: offsets, child: child))
        case .map(let key, let value, let nullable):
            let fields = [StructField("key", key, nullable: false), StructField("value", value, nullable: nullable)]
            let entries = children.map { $0.finish() }
            let child = Column(type: .structure(fields), count: entries[0].count, validity: nil, storage: .structure(entries))
            return Column(type: type, count: count, validity: validity, storage: .list(offsets: offsets, child: child))
        case .structure: return Column(type: type, count: count, validity: validity, storage: .structure(children.map { $0.finish() }))
        default: return Column(type: type, count: count, validity: validity, storage: storage)
        }
    }
}
