// Reads one value out of a column. For results, keys of nested types and functions off the hot path; loops over columns read the storage.

import QueryCore

extension Column {
    package func value(_ row: Int) -> Value {
        if isNull(row) { return .null }
        switch storage {
        case .nothing: return .null
        case .boolean(let bits): return .boolean(bits[row])
        case .int8(let values): return .integer(Int64(values[row]))
        case .int16(let values): return .integer(Int64(values[row]))
        case .int32(let values): return .integer(Int64(values[row]))
        case .int64(let values): return .integer(values[row])
        case .float(let values): return .double(Double(values[row]))
        case .double(let values): return .double(values[row])
        case .decimal(let values): return .decimal(values[row])
        case .bytes(let offsets, let bytes):
            let slice = bytes[Int(offsets[row])..<Int(offsets[row + 1])]
            return type == .binary ? .binary(Array(slice)) : .string(String(decoding: slice, as: UTF8.self))
        case .list(let offsets, let child):
            let range = Int(offsets[row])..<Int(offsets[row + 1])
            guard case .map = type, case .structure(let entries) = child.storage else { return .array(range.map { child.value($0) }) }
            return .map(keys: range.map { entries[0].value($0) }, values: range.map { entries[1].value($0) })
        case .structure(let children): return .structure(children.map { $0.value(row) })
        }
    }

    /// The column of the given values, which must fit the type.
    package init(type: DataType, values: [Value]) {
        var builder = ColumnBuilder(type: type, capacity: values.count)
        for value in values { builder.append(value) }
        self = builder.finish()
    }
}
