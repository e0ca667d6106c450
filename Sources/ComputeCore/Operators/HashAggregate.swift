// GROUP BY and DISTINCT by hashing. Each chain of an aggregation groups its rows; then the groups of all chains are merged, by parts of
// their keys side by side if they are many. They come in order of first appearance for any number of chains. Without grouping expressions
// there is exactly one group, also over no rows. A chain whose share of the memory is used up takes no new groups: rows of other keys go to
// disk by parts of their keys' hash, and each part is grouped by itself in the end (`SpilledGroups`), in no order.

import QueryCore

/// The groups of one thread.
final class GroupTable {
    private let groups: [BoundOutput]
    private let calls: [BoundAggregate]
    private let evaluator: Evaluator
    private var table: KeyTable
    /// The key columns of the groups, in pieces, in order of their numbers.
    private var keys: [[Column]]
    /// The place of each group's first row, packed.
    private(set) var firstSeen: [Int64] = []
    private var accumulators: [any Accumulator]
    private var distincts: [KeyTable?]
    private let bytesPerGroup: Int

    init(_ groups: [BoundOutput], _ calls: [BoundAggregate], _ evaluator: Evaluator) {
        self.groups = groups
        self.calls = calls
        self.evaluator = evaluator
        table = KeyTable(types: groups.map(\.column.type))
        keys = groups.map { _ in [] }
        accumulators = calls.map { Accumulators.make($0.call) }
        distincts = calls.map { call in
            call.call.distinct ? KeyTable(types: (groups.isEmpty ? [] : [.long]) + call.call.arguments.map(\.type)) : nil
        }
        bytesPerGroup = accumulators.reduce(groups.count * 32 + 8) { $0 + $1.bytesPerGroup }
        if groups.isEmpty { for accumulator in accumulators { accumulator.grow(1) } }
    }

    var count: Int { groups.isEmpty ? 1 : firstSeen.count }

    var byteCount: Int { table.byteCount + count * bytesPerGroup + distincts.reduce(0) { $0 + ($1?.byteCount ?? 0) } }

    func consume(_ batch: Batch) throws(QueryError) {
        var numbers = GroupNumbers.one(count: batch.rowCount)
        if !groups.isEmpty {
            let start = batch.place.packed
            numbers = .each(number(try keys(of: batch), batch.rowCount) { start + Int64($0) })
        }
        try update(batch, numbers)
    }

    /// Takes the rows of known groups, and returns the others.
    func consumeKnown(_ batch: Batch) throws(QueryError) -> Batch {
        let numbers = table.find(try keys(of: batch), batch.rowCount)
        var (known, others): ([Int32], [Int32]) = ([], [])
        for (row, number) in numbers.enumerated() { if number >= 0 { known.append(Int32(row)) } else { others.append(Int32(row)) } }
        if others.isEmpty {
            try update(batch, .each(numbers))
        } else if !known.isEmpty {
            try update(batch.take(known), .each(known.map { numbers[Int($0)] }))
        }
        return batch.take(others)
    }

    /// The values of the grouping expressions.
    func keys(of batch: Batch) throws(QueryError) -> [Column] {
        var columns: [Column] = []
        for group in groups { columns.append(try evaluator.evaluate(group.expression, batch)) }
        return columns
    }

    private func update(_ batch: Batch, _ numbers: GroupNumbers) throws(QueryError) {
        for index in calls.indices { try update(calls[index].call, accumulators[index], &distincts[index], batch, numbers) }
    }

    /// The group of each row; the first row of each new group gives the group's key.
    private func number(_ columns: [Column], _ count: Int, _ place: (Int) -> Int64) -> [Int32] {
        let numbers = table.assign(columns, count)
        var fresh: [Int32] = []
        var next = Int32(firstSeen.count)
        for (row, number) in numbers.enumerated() where number == next {
            fresh.append(Int32(row))
            firstSeen.append(place(row))
            next += 1
        }
        if !fresh.isEmpty {
            for index in keys.indices { keys[index].append(Self.canonical(columns[index].take(fresh))) }
            for accumulator in accumulators { accumulator.grow(firstSeen.count) }
        }
        return numbers
    }

    /// Makes one group of -0.0 and 0.0, shown as 0.0.
    private static func canonical(_ column: Column) -> Column {
        switch column.storage {
        case .double(let values):
            Column(type: column.type, count: column.count, validity: column.validity, storage: .double(values.map { $0 == 0 ? 0 : $0 }))
        case .float(let values):
            Column(type: column.type, count: column.count, validity: column.validity, storage: .float(values.map { $0 == 0 ? 0 : $0 }))
        default: column
        }
    }

    private func update(
        _ call: AggregateCall, _ accumulator: any Accumulator, _ distinct: inout KeyTable?, _ batch: Batch, _ numbers: GroupNumbers
    ) throws(QueryError) {
        var batch = batch
        var numbers = numbers
        if let filter = call.filter {
            let chosen = try evaluator.selection(filter, batch).trueIndices
            batch = batch.take(chosen)
            numbers = numbers.take(chosen)
        }
        var arguments: [Column] = []
        for argument in call.arguments { arguments.append(try evaluator.evaluate(argument, batch)) }
        if distinct != nil {
            // Over one group the argument alone is the key.
            let group =
                groups.isEmpty
                ? [] : [Column(type: .long, count: numbers.count, validity: nil, storage: .int64(numbers.expanded.map(Int64.init)))]
            var fresh: [Int32] = []
            var known = Int32(distinct?.count ?? 0)
            for (row, number) in (distinct?.assign(group + arguments, numbers.count) ?? []).enumerated() where number == known {
                fresh.append(Int32(row))
                known += 1
            }
            arguments = arguments.map { $0.take(fresh) }
            numbers = numbers.take(fresh)
        }
        try accumulator.update(arguments, numbers)
    }

    // MARK: Putting together

    var keyColumns: [Column] { zip(groups, keys).map { Column.concat($1, type: $0.column.type) } }

    /// Merges the groups `rows` of another table of the same aggregation; `columns` are their key columns.
    func absorb(_ other: GroupTable, _ columns: [Column], _ rows: [Int32]) throws(QueryError) {
        var numbers = [Int32](repeating: 0, count: rows.count)
        if !groups.isEmpty {
            numbers = number(columns.map { $0.take(rows) }, rows.count) { other.firstSeen[Int(rows[$0])] }
            for (row, group) in zip(rows, numbers) { firstSeen[Int(group)] = min(firstSeen[Int(group)], other.firstSeen[Int(row)]) }
        }
        for (mine, theirs) in zip(accumulators, other.accumulators) { try mine.merge(theirs, rows, into: numbers) }
    }

    func finish() throws(QueryError) -> [Column] {
        var results = keyColumns
        for accumulator in accumulators { results.append(try accumulator.finish()) }
        return results
    }
}

/// Runs the chains below an aggregation and keeps its groups.
final class HashAggregate: Preparation {
    /// The number of groups of all chains from which they are merged by parts.
    private static let groupsInPartsMin = 1 << 14

    let columns: [BoundColumn]
    let kept: KeptRows
    private let groups: [BoundOutput]
    private let calls: [BoundAggregate]
    private let chains: Chains
    private let evaluator: Evaluator
    private let context: QueryContext
    /// Nil where rows stay in memory: one group can't be cut.
    private let spill: (any SpillFiles)?

    init(_ groups: [BoundOutput], _ calls: [BoundAggregate], _ chains: Chains, _ context: QueryContext) {
        self.groups = groups
        self.calls = calls
        self.chains = chains
        self.context = context
        kept = KeptRows(context.grant)
        spill = groups.isEmpty ? nil : context.spill
        columns = groups.map(\.column) + calls.map(\.column)
        evaluator = Evaluator(columns: chains.columns, context)
    }

    func prepare() throws(QueryError) {
        try chains.prepare()
        let locals = chains.sources.map { _ in makeTable(level: 0) }
        try context.workers.drain(chains.sources, into: locals)
        if locals.contains(where: { $0.spilled != nil }) { return try finishInParts(locals) }
        let reserved = locals.reduce(0) { $0 + $1.reserved }
        let used = locals.map(\.table).filter { groups.isEmpty || $0.count > 0 }
        let tables = try together(used.isEmpty ? [locals[0].table] : used)
        try finish(tables, reserved: reserved)
    }

    private func makeTable(level: Int) -> SpillingGroups {
        SpillingGroups(GroupTable(groups, calls, evaluator), chains.columns, level: level, context.grant, spill)
    }

    private func finishInParts(_ locals: [SpillingGroups]) throws(QueryError) {
        let parts = try SpilledGroups(locals, chains.columns, context.grant) { self.makeTable(level: $0) }
        let schema = Schema(columns.map(\.field))
        kept.set { () throws(QueryError) in
            guard let (table, reserved) = try parts.next() else { return nil }
            return KeptRows.Whole(rows: Batch(schema: schema, columns: try table.finish(), rowCount: table.count), reserved: reserved)
        }
    }

    /// Merges the tables into ones that have no group in common.
    private func together(_ tables: [GroupTable]) throws(QueryError) -> [GroupTable] {
        guard tables.count > 1 else { return tables }
        if groups.isEmpty || tables.reduce(0, { $0 + $1.count }) < Self.groupsInPartsMin {
            for table in tables.dropFirst() { try tables[0].absorb(table, table.keyColumns, Array(0..<Int32(table.count))) }
            return [tables[0]]
        }
        let partCount = context.workers.width
        let split = tables.map { _ in Split() }
        try context.workers.each(tables.count) { (index) throws(QueryError) in split[index].fill(tables[index], partCount) }
        let parts = (0..<partCount).map { _ in GroupTable(groups, calls, evaluator) }
        let grant = context.grant
        try context.workers.each(partCount) { (part) throws(QueryError) in
            for (table, split) in zip(tables, split) {
                try grant.check()
                try parts[part].absorb(table, split.keys, split.rows[part])
            }
        }
        return parts
    }

    /// The groups of one table by their part of the keys.
    private final class Split {
        private(set) var keys: [Column] = []
        private(set) var rows: [[Int32]] = []

        func fill(_ table: GroupTable, _ partCount: Int) {
            keys = table.keyColumns
            rows = [[Int32]](repeating: [], count: partCount)
            for (row, hash) in KeyHash.rows(keys, table.count).enumerated() { rows[Int(hash >> 40) % partCount].append(Int32(row)) }
        }
    }

    private func finish(_ tables: [GroupTable], reserved: Int) throws(QueryError) {
        let finished = tables.map { _ in Finished() }
        try context.workers.each(tables.count) { (index) throws(QueryError) in finished[index].columns = try tables[index].finish() }
        let schema = Schema(columns.map(\.field))
        let batches = zip(tables, finished).map { Batch(schema: schema, columns: $1.columns, rowCount: $0.count) }
        let seen = tables.flatMap(\.firstSeen)
        // A single chain saw its groups in order.
        let order = chains.sources.count == 1 || groups.isEmpty ? nil : RowOrder.ascending(seen)
        kept.set(Batch.concat(batches, schema: schema), order: order, reserved: reserved)
    }

    private final class Finished {
        var columns: [Column] = []
    }
}
