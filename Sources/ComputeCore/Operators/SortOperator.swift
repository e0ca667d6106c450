// ORDER BY: reads everything, sorts row numbers by typed keys, gives batches in order. With a limit above it keeps only the best rows so
// far, so a top-n needs memory for n rows and not for the table. The order is stable: equal rows stay as they came.

import QueryCore

final class SortOperator: BatchSource {
    let columns: [BoundColumn]
    private let orders: [BoundOrder]
    private let input: any BatchSource
    private let evaluator: Evaluator
    private let grant: QueryGrant
    /// Rows that are wanted at most; nil for all.
    private let limit: Int?
    private var sorted: Batch?
    private var at = 0
    private var reserved = 0

    init(_ orders: [BoundOrder], limit: Int?, _ input: any BatchSource, now: Int64, grant: QueryGrant) {
        self.orders = orders
        self.limit = limit
        self.input = input
        self.grant = grant
        columns = input.columns
        evaluator = Evaluator(columns: input.columns, now: now)
    }

    func next() throws(QueryError) -> Batch? {
        if sorted == nil { sorted = try sort() }
        guard let sorted, at < sorted.rowCount else {
            grant.release(reserved)
            reserved = 0
            return nil
        }
        let end = min(at + Batch.rowsDefault, sorted.rowCount)
        defer { at = end }
        return sorted.slice(at..<end)
    }

    private func sort() throws(QueryError) -> Batch {
        var batches: [Batch] = []
        var rows = 0
        while let batch = try input.next() {
            try grant.reserve(batch.byteCount)
            reserved += batch.byteCount
            batches.append(batch)
            rows += batch.rowCount
            if let limit, rows > max(4 * limit, 4 * Batch.rowsDefault) {
                let best = try ordered(batches, limit)
                batches = [best]
                rows = best.rowCount
                grant.release(reserved - best.byteCount)
                reserved = best.byteCount
            }
        }
        if batches.isEmpty { return Batch(schema: schema, columns: columns.map { Column(type: $0.type, values: []) }, rowCount: 0) }
        return try ordered(batches, limit)
    }

    private func ordered(_ batches: [Batch], _ limit: Int?) throws(QueryError) -> Batch {
        let all = Batch.concat(batches, schema: schema)
        var keys: [SortKey] = []
        for order in orders { keys.append(SortKey(try evaluator.evaluate(order.expression, all), order)) }
        var rows = [Int32](0..<Int32(all.rowCount))
        rows.sort { left, right in
            for key in keys {
                let order = key.compare(Int(left), Int(right))
                if order != 0 { return order < 0 }
            }
            return left < right
        }
        return all.take(limit.map { Array(rows.prefix($0)) } ?? rows)
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
