// GROUP BY and DISTINCT by hashing. The aggregation reads all input, then gives its groups in order of first appearance. Without grouping
// expressions there is exactly one group, also over no rows. DISTINCT streams: a row passes when its key is new.

import QueryCore

final class HashAggregate: BatchSource {
    let columns: [BoundColumn]
    private let groups: [BoundOutput]
    private let calls: [BoundAggregate]
    private let input: any BatchSource
    private let evaluator: Evaluator
    private let grant: QueryGrant
    private var reserved = 0
    private var results: Batch?
    private var at = 0

    init(_ groups: [BoundOutput], _ calls: [BoundAggregate], _ input: any BatchSource, now: Int64, grant: QueryGrant) {
        self.groups = groups
        self.calls = calls
        self.input = input
        self.grant = grant
        columns = groups.map(\.column) + calls.map(\.column)
        evaluator = Evaluator(columns: input.columns, now: now)
    }

    func next() throws(QueryError) -> Batch? {
        if results == nil { results = try aggregate() }
        guard let results, at < results.rowCount else {
            grant.release(reserved)
            reserved = 0
            return nil
        }
        let end = min(at + Batch.rowsDefault, results.rowCount)
        defer { at = end }
        return results.slice(at..<end)
    }

    private func aggregate() throws(QueryError) -> Batch {
        var table = KeyTable(types: groups.map(\.column.type))
        var keys = groups.map { ColumnBuilder(type: $0.column.type) }
        let accumulators = calls.map { Accumulators.make($0.call) }
        var distincts = calls.map { call in
            call.call.distinct ? KeyTable(types: (groups.isEmpty ? [] : [.long]) + call.call.arguments.map(\.type)) : nil
        }
        let bytesPerGroup = accumulators.reduce(groups.count * 32) { $0 + $1.bytesPerGroup }
        if groups.isEmpty { for accumulator in accumulators { accumulator.grow(1) } }
        while let batch = try input.next() {
            let numbers: [Int32]
            if groups.isEmpty {
                numbers = [Int32](repeating: 0, count: batch.rowCount)
            } else {
                var keyColumns: [Column] = []
                for group in groups { keyColumns.append(try evaluator.evaluate(group.expression, batch)) }
                let known = table.count
                numbers = table.assign(keyColumns, batch.rowCount)
                if table.count > known { Self.appendNewKeys(keyColumns, numbers, known, table.count, &keys) }
                for accumulator in accumulators { accumulator.grow(table.count) }
            }
            for index in calls.indices { try update(calls[index].call, accumulators[index], &distincts[index], batch, numbers) }
            let bytes = table.byteCount + table.count * bytesPerGroup + distincts.reduce(0) { $0 + ($1?.byteCount ?? 0) }
            if bytes > reserved {
                try grant.reserve(bytes - reserved)
                reserved = bytes
            }
        }
        var results = keys.map { $0.finish() }
        for accumulator in accumulators { results.append(try accumulator.finish()) }
        return Batch(schema: schema, columns: results, rowCount: groups.isEmpty ? 1 : table.count)
    }

    /// The first row of each new group gives the group's key.
    private static func appendNewKeys(_ columns: [Column], _ numbers: [Int32], _ known: Int, _ count: Int, _ keys: inout [ColumnBuilder]) {
        var next = Int32(known)
        for (row, number) in numbers.enumerated() where number == next {
            for index in keys.indices {
                let value = columns[index].value(row)
                // -0.0 and 0.0 are one group, and it is shown as 0.0.
                keys[index].append(value == .double(0) ? .double(0) : value)
            }
            next += 1
            if next == count { return }
        }
    }

    private func update(
        _ call: AggregateCall, _ accumulator: any Accumulator, _ distinct: inout KeyTable?, _ batch: Batch, _ numbers: [Int32]
    ) throws(QueryError) {
        var batch = batch
        var numbers = numbers
        if let filter = call.filter {
            let chosen = try evaluator.selection(filter, batch).trueIndices
            batch = batch.take(chosen)
            numbers = chosen.map { numbers[Int($0)] }
        }
        var arguments: [Column] = []
        for argument in call.arguments { arguments.append(try evaluator.evaluate(argument, batch)) }
        if distinct != nil {
            // Over one group the argument alone is the key.
            let group = groups.isEmpty ? [] : [Column(type: .long, count: numbers.count, validity: nil, storage: .int64(numbers.map(Int64.init)))]
            var fresh: [Int32] = []
            var known = Int32(distinct?.count ?? 0)
            for (row, number) in (distinct?.assign(group + arguments, numbers.count) ?? []).enumerated() where number == known {
                fresh.append(Int32(row))
                known += 1
            }
            arguments = arguments.map { $0.take(fresh) }
            numbers = fresh.map { numbers[Int($0)] }
        }
        try accumulator.update(arguments, numbers)
    }
}

final class DistinctOperator: BatchSource {
    let columns: [BoundColumn]
    private let input: any BatchSource
    private let positions: [Int]
    private let grant: QueryGrant
    private var table: KeyTable
    private var reserved = 0

    init(_ keys: [ColumnID], _ input: any BatchSource, grant: QueryGrant) {
        self.input = input
        self.grant = grant
        columns = input.columns
        positions = keys.compactMap { key in input.columns.firstIndex { $0.id == key } }
        table = KeyTable(types: positions.map { input.columns[$0].type })
    }

    func next() throws(QueryError) -> Batch? {
        while let batch = try input.next() {
            var known = Int32(table.count)
            var fresh: [Int32] = []
            for (row, number) in table.assign(positions.map { batch.columns[$0] }, batch.rowCount).enumerated() where number == known {
                fresh.append(Int32(row))
                known += 1
            }
            if table.byteCount > reserved {
                try grant.reserve(table.byteCount - reserved)
                reserved = table.byteCount
            }
            if !fresh.isEmpty { return batch.take(fresh) }
        }
        grant.release(reserved)
        reserved = 0
        return nil
    }
}

/// INTERSECT and EXCEPT. With ALL, a row of the right side cancels or matches one row of the left.
final class DifferenceOperator: BatchSource {
    let columns: [BoundColumn]
    private let kind: SetKind
    private let all: Bool
    private let left: any BatchSource
    private let right: any BatchSource
    private var table: KeyTable
    private var counts: [Int] = []
    private var isBuilt = false
    private let grant: QueryGrant

    init(_ kind: SetKind, all: Bool, _ left: any BatchSource, _ right: any BatchSource, grant: QueryGrant) {
        self.kind = kind
        self.all = all
        self.left = left
        self.right = right
        self.grant = grant
        columns = left.columns
        table = KeyTable(types: left.columns.map(\.type))
    }

    private func build() throws(QueryError) {
        while let batch = try right.next() {
            let before = table.byteCount
            for number in table.assign(batch.columns, batch.rowCount) {
                if Int(number) == counts.count { counts.append(0) }
                counts[Int(number)] += 1
            }
            try grant.reserve(table.byteCount - before)
        }
        isBuilt = true
    }

    func next() throws(QueryError) -> Batch? {
        if !isBuilt { try build() }
        while let batch = try left.next() {
            var chosen: [Int32] = []
            for (row, number) in table.assign(batch.columns, batch.rowCount).enumerated() {
                let group = Int(number)
                if group == counts.count { counts.append(0) }
                if passes(group) { chosen.append(Int32(row)) }
            }
            if !chosen.isEmpty { return batch.take(chosen) }
        }
        return nil
    }

    /// Counts below zero mark keys that were given out already.
    private func passes(_ group: Int) -> Bool {
        let count = counts[group]
        if all {
            if count > 0 { counts[group] -= 1 }
            return (count > 0) == (kind == .intersect)
        }
        counts[group] = -1
        return count >= 0 && (count > 0) == (kind == .intersect)
    }
}
