// Window functions: keeps all rows, sorts them by partition and order, and computes each function over the sorted whole. The rows come
// out in that order. Rows beyond the memory go to disk by parts of their partitions' keys, and each part is done by itself. Functions of
// positions (ranks, lag, first) are computed from the sorted rows; aggregates have their loops in `WindowAggregate`.

import QueryCore

final class WindowOperator: Preparation {
    let columns: [BoundColumn]
    let kept: KeptRows
    private let windows: [BoundWindow]
    private let chains: Chains
    private let context: QueryContext
    private let evaluator: Evaluator
    /// The partition's columns, then the order's.
    private let orders: [BoundOrder]
    private let partitionCount: Int

    /// All of `windows` have the same partition and order.
    init(_ windows: [BoundWindow], _ chains: Chains, _ context: QueryContext) {
        self.windows = windows
        self.chains = chains
        self.context = context
        columns = chains.columns + windows.map(\.column)
        kept = KeptRows(context.grant)
        evaluator = Evaluator(columns: chains.columns, context)
        let first = windows[0].call
        partitionCount = first.partition.count
        orders = first.partition.map { BoundOrder(expression: $0, ascending: true, nullsFirst: true) } + first.orders
    }

    func prepare() throws(QueryError) {
        try chains.prepare()
        // The row's bytes twice (as kept and as sorted), its entry twice, its bounds and its results.
        let perRow = 2 * MemoryLayout<SortEntry>.stride + 24 + 24 * windows.count
        let bytes: (Batch) -> Int = { 2 * $0.byteCount + $0.rowCount * perRow }
        let keys = orders.prefix(partitionCount).map(\.expression)
        switch try GatheredRows.of(chains, keys: keys, keys.isEmpty ? nil : context.spill, context, bytes: bytes) {
        case .inMemory(let batches, let reserved): kept.set(try whole(batches), order: nil, reserved: reserved)
        case .onDisk(let spilled):
            let parts = PartRows(spilled, chains.columns, bytes, context.grant)
            kept.set { () throws(QueryError) in
                guard let (batches, reserved) = try parts.next() else { return nil }
                return KeptRows.Whole(rows: try self.whole(batches), reserved: reserved)
            }
        }
    }

    /// The rows in order, with the functions' results.
    private func whole(_ batches: [Batch]) throws(QueryError) -> Batch {
        let grant = context.grant
        let all = try context.concat(batches, Schema(chains.columns.map(\.field)))
        var keys: [Column] = []
        for order in orders { keys.append(try evaluator.evaluate(order.expression, all)) }
        let order = try RowOrder(keys, orders, rowCount: all.rowCount).sorted(context.workers) { () throws(QueryError) in try grant.check()
        }
        let sorted = all.take(order)
        keys = keys.map { $0.take(order) }
        let partitions = WindowPartitions(keys, partitionCount, all.rowCount)
        let results = windows.map { _ in Result() }
        let (windows, evaluator, context) = (windows, evaluator, context)
        let orderKey = keys.count == partitionCount + 1 ? keys[partitionCount] : nil
        try context.workers.each(windows.count) { (index) throws(QueryError) in
            let call = windows[index].call
            let function = WindowEvaluation(call, sorted, partitions, orderKey, evaluator, context)
            results[index].column = try function.column()
        }
        return Batch(
            schema: Schema(columns.map(\.field)), columns: sorted.columns + results.compactMap(\.column), rowCount: sorted.rowCount)
    }

    private final class Result {
        var column: Column?
    }
}

/// Where the partitions and the runs of equal order (peers) of sorted rows begin.
struct WindowPartitions {
    /// First rows, and the number of rows at the end.
    let starts: [Int32]
    let peerStarts: [Int32]
    let rowCount: Int

    init(_ keys: [Column], _ partitionCount: Int, _ rowCount: Int) {
        self.rowCount = rowCount
        starts = Self.changes(Array(keys.prefix(partitionCount)), rowCount)
        peerStarts = keys.count == partitionCount ? starts : Self.changes(keys, rowCount)
    }

    private static func changes(_ keys: [Column], _ rowCount: Int) -> [Int32] {
        if rowCount == 0 { return [0] }
        if keys.isEmpty { return [0, Int32(rowCount)] }
        var table = KeyTable(types: keys.map(\.type))
        let numbers = table.assign(keys, rowCount)
        var starts: [Int32] = [0]
        for row in 1..<rowCount where numbers[row] != numbers[row - 1] { starts.append(Int32(row)) }
        return starts + [Int32(rowCount)]
    }

    /// Calls `body` with each stretch and the position of it.
    static func forEach(_ starts: [Int32], _ body: (Range<Int>, Int) -> Void) {
        for index in 0..<(starts.count - 1) where starts[index] < starts[index + 1] {
            body(Int(starts[index])..<Int(starts[index + 1]), index)
        }
    }

    /// For each row, the first row of its stretch, and the row after its last.
    static func bounds(_ starts: [Int32], _ rowCount: Int) -> (lower: [Int32], upper: [Int32]) {
        var lower = [Int32](repeating: 0, count: rowCount)
        var upper = lower
        forEach(starts) { range, _ in
            for row in range {
                lower[row] = Int32(range.lowerBound)
                upper[row] = Int32(range.upperBound)
            }
        }
        return (lower, upper)
    }
}

/// One function over the sorted rows.
struct WindowEvaluation {
    let call: WindowCall
    let rows: Batch
    let partitions: WindowPartitions
    /// The values of a single order.
    let orderKey: Column?
    let evaluator: Evaluator
    let context: QueryContext

    init(
        _ call: WindowCall, _ rows: Batch, _ partitions: WindowPartitions, _ orderKey: Column?, _ evaluator: Evaluator,
        _ context: QueryContext
    ) {
        self.call = call
        self.rows = rows
        self.partitions = partitions
        self.orderKey = orderKey
        self.evaluator = evaluator
        self.context = context
    }

    private var count: Int { rows.rowCount }

    func column() throws(QueryError) -> Column {
        switch call.function {
        case .rowNumber, .rank, .denseRank, .ntile: return ints(ranks())
        case .percentRank, .cumeDist: return distribution()
        case .lag, .lead: return try shifted()
        case .nthValue: return try positioned(Int(constant(1)))
        case .aggregate(.first): return try positioned(1)
        case .aggregate(.last): return try positioned(-1)
        case .aggregate(let function): return try WindowAggregate(function, self).column()
        }
    }

    func argument(_ index: Int) throws(QueryError) -> Column { try evaluator.evaluate(call.arguments[index], rows) }

    private func constant(_ index: Int) -> Int64 {
        if case .literal(let literal) = call.arguments[index], case .integer(let value) = literal.value { value } else { 1 }
    }

    private func ints(_ values: [Int32]) -> Column { Column(type: .int, count: count, validity: nil, storage: .int32(values)) }

    private func ranks() -> [Int32] {
        var out = [Int32](repeating: 0, count: count)
        let (lower, _) = WindowPartitions.bounds(partitions.starts, count)
        switch call.function {
        case .rowNumber: for row in 0..<count { out[row] = Int32(row) - lower[row] + 1 }
        case .rank:
            WindowPartitions.forEach(partitions.peerStarts) { peers, _ in
                for row in peers { out[row] = Int32(peers.lowerBound) - lower[row] + 1 }
            }
        case .denseRank:
            var (rank, start): (Int32, Int32) = (0, -1)
            WindowPartitions.forEach(partitions.peerStarts) { peers, _ in
                rank = lower[peers.lowerBound] == start ? rank + 1 : 1
                start = lower[peers.lowerBound]
                for row in peers { out[row] = rank }
            }
        default:
            let buckets = Int(min(constant(0), Int64(Int32.max)))
            WindowPartitions.forEach(partitions.starts) { range, _ in
                // The first buckets have one row more.
                let (size, more) = range.count.quotientAndRemainder(dividingBy: buckets)
                for row in range {
                    let at = row - range.lowerBound
                    let large = more * (size + 1)
                    out[row] = Int32(at < large ? at / (size + 1) : more + (at - large) / max(size, 1)) + 1
                }
            }
        }
        return out
    }

    private func distribution() -> Column {
        var out = [Double](repeating: 0, count: count)
        let (lower, upper) = WindowPartitions.bounds(partitions.starts, count)
        WindowPartitions.forEach(partitions.peerStarts) { peers, _ in
            let (start, end) = (Int(lower[peers.lowerBound]), Int(upper[peers.lowerBound]))
            let value =
                call.function == .cumeDist
                ? Double(peers.upperBound - start) / Double(end - start)
                : end - start > 1 ? Double(peers.lowerBound - start) / Double(end - start - 1) : 0
            for row in peers { out[row] = value }
        }
        return Column(type: .double, count: count, validity: nil, storage: .double(out))
    }

    // MARK: Values by position

    private func shifted() throws(QueryError) -> Column {
        let values = try argument(0)
        let offset = call.function == .lag ? 0 &- constant(1) : constant(1)
        var positions = [Int32](repeating: -1, count: count)
        WindowPartitions.forEach(partitions.starts) { range, _ in
            if call.ignoreNulls, offset != 0 {
                let present = range.filter { !values.isNull($0) }
                for row in range { positions[row] = Self.present(present, from: row, offset) }
                return
            }
            for row in range {
                let (target, overflow) = row.addingReportingOverflow(Int(offset))
                if !overflow, range.contains(target) { positions[row] = Int32(target) }
            }
        }
        if call.arguments.count < 3 { return values.take(positions) }
        let missing = try argument(2)
        let both = Column.concat([values, missing], type: call.type)
        return both.take(positions.enumerated().map { $1 >= 0 ? $1 : Int32(count + $0) })
    }

    /// The position of the value that is `offset` present values away from the row; -1 for none.
    private static func present(_ positions: [Int], from row: Int, _ offset: Int64) -> Int32 {
        var (low, high) = (0, positions.count)
        while low < high {
            let middle = (low + high) / 2
            if offset > 0 ? positions[middle] <= row : positions[middle] < row { low = middle + 1 } else { high = middle }
        }
        let (index, overflow) = low.addingReportingOverflow(Int(offset > 0 ? offset - 1 : offset))
        return !overflow && positions.indices.contains(index) ? Int32(positions[index]) : -1
    }

    /// The nth value of each frame from 1, or the last for -1.
    private func positioned(_ position: Int) throws(QueryError) -> Column {
        let values = try argument(0)
        let (lower, upper) = try frames()
        var positions = [Int32](repeating: -1, count: count)
        // For each row, the number of present values before it.
        var before: [Int32] = []
        var present: [Int32] = []
        if call.ignoreNulls {
            before.reserveCapacity(count + 1)
            for row in 0..<count {
                before.append(Int32(present.count))
                if !values.isNull(row) { present.append(Int32(row)) }
            }
            before.append(Int32(present.count))
        }
        for row in 0..<count where lower[row] < upper[row] {
            if call.ignoreNulls {
                let (start, end) = (Int(before[Int(lower[row])]), Int(before[Int(upper[row])]))
                let (index, overflow) = position < 0 ? (end - 1, false) : start.addingReportingOverflow(position - 1)
                if !overflow, index >= start, index < end { positions[row] = present[index] }
            } else {
                let (index, overflow) =
                    position < 0 ? (Int(upper[row]) - 1, false) : Int(lower[row]).addingReportingOverflow(position - 1)
                if !overflow, index < Int(upper[row]) { positions[row] = Int32(index) }
            }
        }
        return values.take(positions)
    }

    // MARK: Frames

    /// For each row, the first row of its frame and the row after its last; both within its partition, empty if not below.
    func frames() throws(QueryError) -> (lower: [Int32], upper: [Int32]) {
        let whole = WindowPartitions.bounds(partitions.starts, count)
        let peers = WindowPartitions.bounds(partitions.peerStarts, count)
        var (lower, upper) = whole
        switch call.frame.start {
        case .unboundedPreceding, .unboundedFollowing: break
        case .current: lower = call.frame.isRows ? (0..<Int32(count)).map { $0 } : peers.lower
        case .offset(let literal): lower = try moved(literal, isStart: true, whole, peers)
        }
        switch call.frame.end {
        case .unboundedPreceding, .unboundedFollowing: break
        case .current: upper = call.frame.isRows ? (0..<Int32(count)).map { $0 + 1 } : peers.upper
        case .offset(let literal): upper = try moved(literal, isStart: false, whole, peers)
        }
        return (lower, upper)
    }

    private typealias Bounds = (lower: [Int32], upper: [Int32])

    private func moved(_ literal: Literal, isStart: Bool, _ whole: Bounds, _ peers: Bounds) throws(QueryError) -> [Int32] {
        if call.frame.isRows {
            guard case .integer(let offset) = literal.value else { return whole.lower }
            let distance = Int(max(-Int64(Int32.max), min(Int64(Int32.max), offset))) + (isStart ? 0 : 1)
            return (0..<count).map { Int32(max(Int(whole.lower[$0]), min(Int(whole.upper[$0]), $0 + distance))) }
        }
        guard let key = orderKey else { return whole.lower }
        let search = FrameSearch(ascending: call.orders[0].ascending, isStart: isStart, partitions.starts, peers)
        switch (key.storage, literal.value) {
        case (.int8(let values), .integer(let offset)): return search.bounds(key, values.map { Int128($0) }, Int128(offset))
        case (.int16(let values), .integer(let offset)): return search.bounds(key, values.map { Int128($0) }, Int128(offset))
        case (.int32(let values), .integer(let offset)): return search.bounds(key, values.map { Int128($0) }, Int128(offset))
        case (.int64(let values), .integer(let offset)): return search.bounds(key, values.map { Int128($0) }, Int128(offset))
        case (.float(let values), .double(let offset)): return search.bounds(key, values.map { Double($0) }, offset)
        case (.double(let values), .double(let offset)): return search.bounds(key, values, offset)
        case (.decimal(let values), .decimal(let offset)): return search.bounds(key, values, offset)
        default: throw QueryError.unsupported("a RANGE frame over \(key.type.sqlName)")
        }
    }
}

/// Bounds of RANGE frames by value: the rows of a partition whose order lies within a distance of a row's.
struct FrameSearch {
    let ascending: Bool
    let isStart: Bool
    let starts: [Int32]
    let peers: (lower: [Int32], upper: [Int32])

    init(ascending: Bool, isStart: Bool, _ starts: [Int32], _ peers: (lower: [Int32], upper: [Int32])) {
        self.ascending = ascending
        self.isStart = isStart
        self.starts = starts
        self.peers = peers
    }

    func bounds(_ key: Column, _ values: [Int128], _ offset: Int128) -> [Int32] {
        // Beyond 128 bits the bound lies beyond all values.
        bounds(key, values) { value in
            let (sum, overflow) = ascending ? value.addingReportingOverflow(offset) : value.subtractingReportingOverflow(offset)
            return overflow ? (sum < 0 ? .max : .min) : sum
        }
    }

    func bounds(_ key: Column, _ values: [Double], _ offset: Double) -> [Int32] {
        bounds(key, values) { ascending ? $0 + offset : $0 - offset }
    }

    /// `values` has one for each row; those of nulls, whose frames are their peers, are not used.
    private func bounds<Number: Comparable>(_ key: Column, _ values: [Number], _ moved: (Number) -> Number) -> [Int32] {
        var out = isStart ? peers.lower : peers.upper
        WindowPartitions.forEach(starts) { range, _ in
            // Nulls stand at one end of the partition.
            var (first, last) = (range.lowerBound, range.upperBound)
            while first < last, key.isNull(first) { first += 1 }
            while last > first, key.isNull(last - 1) { last -= 1 }
            var at = first
            // Both the rows' values and the searched ones move one way.
            for row in first..<last {
                let target = moved(values[row])
                while at < last, isBefore(values[at], target) { at += 1 }
                out[row] = Int32(at)
            }
        }
        return out
    }

    private func isBefore<Number: Comparable>(_ value: Number, _ target: Number) -> Bool {
        if isStart { return ascending ? value < target : value > target }
        return ascending ? value <= target : value >= target
    }
}
