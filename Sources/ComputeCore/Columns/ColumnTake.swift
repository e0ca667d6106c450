// Whole-column moves: picking rows by position (also none, for outer joins), slices and concatenation. One dispatch for each column, then a
// plain loop. Positions come from operators of this target and lie within the column.

import QueryCore

extension Column {
    /// Rows at the given positions; -1 gives a null.
    package func take(_ rows: [Int32]) -> Column {
        let hasHoles = rows.contains { $0 < 0 }
        if count == 0 || (hasHoles && rows.allSatisfy { $0 < 0 }) { return Column.nulls(type, count: rows.count) }
        var validity: Bitmap?
        if hasHoles || self.validity != nil {
            var bits = Bitmap(repeating: false, count: rows.count)
            for (index, row) in rows.enumerated() where row >= 0 && !isNull(Int(row)) { bits[index] = true }
            validity = bits
        }
        let picked = hasHoles ? rows.map { max($0, 0) } : rows
        let storage: Storage =
            switch storage {
            case .nothing: .nothing
            case .boolean(let bits): .boolean(Self.pick(bits, picked))
            case .int8(let values): .int8(Self.pick(values, picked))
            case .int16(let values): .int16(Self.pick(values, picked))
            case .int32(let values): .int32(Self.pick(values, picked))
            case .int64(let values): .int64(Self.pick(values, picked))
            case .float(let values): .float(Self.pick(values, picked))
            case .double(let values): .double(Self.pick(values, picked))
            case .decimal(let values): .decimal(Self.pick(values, picked))
            case .bytes(let offsets, let bytes): Self.pickBytes(offsets, bytes, picked)
            case .list(let offsets, let child): Self.pickList(offsets, child, picked)
            case .structure(let children): .structure(children.map { $0.take(picked) })
            }
        return Column(type: type, count: rows.count, validity: validity, storage: storage)
    }

    package static func nulls(_ type: DataType, count: Int) -> Column {
        var builder = ColumnBuilder(type: type, capacity: count)
        for _ in 0..<count { builder.appendNull() }
        return builder.finish()
    }

    /// The value, `count` times.
    package static func constant(_ value: Value, _ type: DataType, count: Int) -> Column {
        if value.isNull { return nulls(type, count: count) }
        return Column(type: type, values: [value]).take([Int32](repeating: 0, count: count))
    }

    package func slice(_ range: Range<Int>) -> Column {
        range == 0..<count ? self : take(range.map { Int32($0) })
    }

    // hot: `platform-bench compute`, SQL filter and group-by
    private static func pick<T>(_ values: [T], _ rows: [Int32]) -> [T] {
        [T](unsafeUninitializedCapacity: rows.count) { out, filled in
            // Positions lie within the column, and all of `out` is initialised before its first use.
            values.withUnsafeBufferPointer { source in
                for index in 0..<rows.count { out.initializeElement(at: index, to: source[Int(rows[index])]) }
            }
            filled = rows.count
        }
    }

    private static func pick(_ bits: Bitmap, _ rows: [Int32]) -> Bitmap {
        var words = [UInt64](repeating: 0, count: (rows.count + 63) / 64)
        for (index, row) in rows.enumerated() where bits[Int(row)] { words[index >> 6] |= 1 << UInt64(index & 63) }
        return Bitmap(words: words, count: rows.count)
    }

    private static func pickBytes(_ offsets: [Int32], _ bytes: [UInt8], _ rows: [Int32]) -> Storage {
        var newOffsets = [Int32](repeating: 0, count: rows.count + 1)
        var total: Int32 = 0
        for (index, row) in rows.enumerated() {
            total += offsets[Int(row) + 1] - offsets[Int(row)]
            newOffsets[index + 1] = total
        }
        let out = [UInt8](unsafeUninitializedCapacity: Int(total)) { target, filled in
            // The target has exactly the sum of the lengths, and each copy advances by one length.
            bytes.withUnsafeBufferPointer { source in
                var at = 0
                for row in rows {
                    let start = Int(offsets[Int(row)])
                    let length = Int(offsets[Int(row) + 1]) - start
                    if length > 0 {
                        (target.baseAddress! + at).initialize(from: source.baseAddress! + start, count: length)
                        at += length
                    }
                }
            }
            filled = Int(total)
        }
        return .bytes(offsets: newOffsets, bytes: out)
    }

    private static func pickList(_ offsets: [Int32], _ child: Column, _ rows: [Int32]) -> Storage {
        var newOffsets: [Int32] = [0]
        var inner: [Int32] = []
        for row in rows {
            for position in offsets[Int(row)]..<offsets[Int(row) + 1] { inner.append(position) }
            newOffsets.append(Int32(inner.count))
        }
        return .list(offsets: newOffsets, child: child.take(inner))
    }

    /// All rows of all columns, in order; they must have one type.
    package static func concat(_ columns: [Column], type: DataType) -> Column {
        if columns.count == 1 { return columns[0] }
        let count = columns.reduce(0) { $0 + $1.count }
        var validity: Bitmap?
        if columns.contains(where: { $0.validity != nil }) {
            var bits = Bitmap(repeating: true, count: count)
            var at = 0
            for column in columns {
                if column.validity != nil { for row in 0..<column.count where column.isNull(row) { bits[at + row] = false } }
                at += column.count
            }
            validity = bits
        }
        guard let first = columns.first else { return Column(type: type, values: []) }
        return Column(type: type, count: count, validity: validity, storage: concatStorage(columns, like: first.storage))
    }

    private static func joined<T>(_ columns: [Column], _ values: (Storage) -> [T]?) -> [T] {
        var out: [T] = []
        out.reserveCapacity(columns.reduce(0) { $0 + $1.count })
        for column in columns { out += values(column.storage) ?? [] }
        return out
    }

    private static func concatStorage(_ columns: [Column], like first: Storage) -> Storage {
        switch first {
        case .nothing: return .nothing
        case .boolean:
            var bits = Bitmap()
            for case .boolean(let more) in columns.map(\.storage) { for row in 0..<more.count { bits.append(more[row]) } }
            return .boolean(bits)
        case .int8: return .int8(joined(columns) { if case .int8(let values) = $0 { values } else { nil } })
        case .int16: return .int16(joined(columns) { if case .int16(let values) = $0 { values } else { nil } })
        case .int32: return .int32(joined(columns) { if case .int32(let values) = $0 { values } else { nil } })
        case .int64: return .int64(joined(columns) { if case .int64(let values) = $0 { values } else { nil } })
        case .float: return .float(joined(columns) { if case .float(let values) = $0 { values } else { nil } })
        case .double: return .double(joined(columns) { if case .double(let values) = $0 { values } else { nil } })
        case .decimal: return .decimal(joined(columns) { if case .decimal(let values) = $0 { values } else { nil } })
        case .bytes:
            var offsets: [Int32] = [0]
            var bytes: [UInt8] = []
            for case .bytes(let more, let content) in columns.map(\.storage) {
                let base = Int32(bytes.count)
                offsets += more.dropFirst().map { $0 + base }
                bytes += content
            }
            return .bytes(offsets: offsets, bytes: bytes)
        case .list(_, let child):
            var offsets: [Int32] = [0]
            var children: [Column] = []
            for case .list(let more, let content) in columns.map(\.storage) {
                let base = offsets[offsets.count - 1]
                offsets += more.dropFirst().map { $0 + base }
                children.append(content)
            }
            return .list(offsets: offsets, child: concat(children, type: child.type))
        case .structure(let fields):
            return .structure(
                fields.indices.map { index in
                    concat(
                        columns.compactMap { if case .structure(let children) = $0.storage { children[index] } else { nil } },
                        type: fields[index].type)
                })
        }
    }
}

extension Batch {
    package func take(_ rows: [Int32]) -> Batch {
        Batch(schema: schema, columns: columns.map { $0.take(rows) }, rowCount: rows.count, place: place)
    }

    package func slice(_ range: Range<Int>) -> Batch {
        range == 0..<rowCount ? self : Batch(schema: schema, columns: columns.map { $0.slice(range) }, rowCount: range.count, place: place)
    }

    package static func concat(_ batches: [Batch], schema: Schema) -> Batch {
        if batches.count == 1 { return batches[0] }
        let columns = schema.fields.indices.map { index in
            Column.concat(batches.map { $0.columns[index] }, type: schema.fields[index].type)
        }
        return Batch(schema: schema, columns: columns, rowCount: batches.reduce(0) { $0 + $1.rowCount })
    }

    package func row(_ index: Int) -> [Value] { columns.map { $0.value(index) } }
}
