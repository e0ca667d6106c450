// Aggregates over frames. A frame that is the whole partition needs one state for each partition; one that begins with the partition
// needs the states of all its prefixes; a few rows around each row are added up one by one; wide moving frames are put together from the
// states of a tree of stretches. Source: Leis et al., "Efficient Processing of Window Functions in Analytical SQL Queries", 2015.

import QueryCore

struct WindowAggregate {
    /// Rows in all frames, as a multiple of the rows, up to which each frame is added up by itself.
    private static let rowsEach = 16
    /// Pairs of a row and its frame at a time.
    private static let pairsAtOnce = 1 << 16

    private let call: AggregateCall
    private let evaluation: WindowEvaluation
    private let count: Int

    init(_ function: AggregateFunction, _ evaluation: WindowEvaluation) {
        self.evaluation = evaluation
        let window = evaluation.call
        call = AggregateCall(
            function: function, arguments: window.arguments, distinct: false, ignoreNulls: window.ignoreNulls, filter: nil,
            type: window.type)
        count = evaluation.rows.rowCount
    }

    func column() throws(QueryError) -> Column {
        var arguments: [Column] = []
        for index in call.arguments.indices { arguments.append(try evaluation.argument(index)) }
        var chosen: [Int32]?
        if let filter = evaluation.call.filter { chosen = try evaluation.evaluator.selection(filter, evaluation.rows).trueIndices }
        let frame = evaluation.call.frame
        if frame.start == .unboundedPreceding, frame.end == .unboundedFollowing { return try partitions(arguments, chosen) }
        let (lower, upper) = try evaluation.frames()
        let pairs = zip(lower, upper).reduce(0) { $0 + max(0, Int($1.1) - Int($1.0)) }
        let isSmall = pairs <= Self.rowsEach * count
        guard Accumulators.canMerge(call) else { return try each(arguments, chosen, lower, upper) }
        if frame.start == .unboundedPreceding { return try prefixes(arguments, chosen, upper) }
        return isSmall ? try each(arguments, chosen, lower, upper) : try tree(arguments, chosen, lower, upper)
    }

    private func partitions(_ arguments: [Column], _ chosen: [Int32]?) throws(QueryError) -> Column {
        var numbers = [Int32](repeating: 0, count: count)
        let starts = evaluation.partitions.starts
        WindowPartitions.forEach(starts) { range, index in for row in range { numbers[row] = Int32(index) } }
        let accumulator = Accumulators.make(call)
        accumulator.grow(starts.count)
        try update(accumulator, arguments, chosen, numbers)
        return try accumulator.finish().take(numbers)
    }

    /// Gives each row to its group, without those that the filter drops.
    private func update(_ accumulator: any Accumulator, _ arguments: [Column], _ chosen: [Int32]?, _ groups: [Int32]) throws(QueryError) {
        guard let chosen else { return try accumulator.update(arguments, .each(groups)) }
        try accumulator.update(arguments.map { $0.take(chosen) }, .each(chosen.map { groups[Int($0)] }))
    }

    /// A state for each row alone, and one of no row.
    private func single(_ arguments: [Column], _ chosen: [Int32]?) throws(QueryError) -> any Accumulator {
        let accumulator = Accumulators.make(call)
        accumulator.grow(count + 1)
        try update(accumulator, arguments, chosen, (0..<Int32(count)).map { $0 })
        return accumulator
    }

    /// Frames that begin with their partition: the state up to each row is that up to the row before and its own.
    private func prefixes(_ arguments: [Column], _ chosen: [Int32]?, _ upper: [Int32]) throws(QueryError) -> Column {
        let rows = try single(arguments, chosen)
        let sums = Accumulators.make(call)
        sums.grow(count + 1)
        var start = 0
        for end in evaluation.partitions.starts.dropFirst() {
            for row in start..<Int(end) {
                if row & 0xFFF == 0 { try evaluation.context.grant.check() }
                if row > start { try sums.merge(sums, [Int32(row - 1)], into: [Int32(row)]) }
                try sums.merge(rows, [Int32(row)], into: [Int32(row)])
            }
            start = Int(end)
        }
        let (lower, _) = WindowPartitions.bounds(evaluation.partitions.starts, count)
        return try sums.finish().take((0..<count).map { upper[$0] > lower[$0] ? upper[$0] - 1 : Int32(count) })
    }

    private func each(_ arguments: [Column], _ chosen: [Int32]?, _ lower: [Int32], _ upper: [Int32]) throws(QueryError) -> Column {
        var isChosen: Bitmap?
        if let chosen {
            var bits = Bitmap(repeating: false, count: count)
            for row in chosen { bits[Int(row)] = true }
            isChosen = bits
        }
        let accumulator = Accumulators.make(call)
        accumulator.grow(count)
        var (rows, groups): ([Int32], [Int32]) = ([], [])
        func flush() throws(QueryError) {
            try evaluation.context.grant.check()
            try accumulator.update(arguments.map { $0.take(rows) }, .each(groups))
            rows.removeAll(keepingCapacity: true)
            groups.removeAll(keepingCapacity: true)
        }
        for row in 0..<count {
            var at = lower[row]
            while at < upper[row] {
                if isChosen?[Int(at)] ?? true {
                    rows.append(at)
                    groups.append(Int32(row))
                    if rows.count == Self.pairsAtOnce { try flush() }
                }
                at += 1
            }
        }
        try flush()
        return try accumulator.finish()
    }

    /// Level by level: the states of stretches of 1, 2, 4, ... rows, and of each frame the at most two stretches of a level that it takes.
    private func tree(_ arguments: [Column], _ chosen: [Int32]?, _ lower: [Int32], _ upper: [Int32]) throws(QueryError) -> Column {
        var level = try single(arguments, chosen)
        var width = count
        var (low, high) = (lower, upper)
        let result = Accumulators.make(call)
        result.grow(count)
        while true {
            try evaluation.context.grant.check()
            var (nodes, rows): ([Int32], [Int32]) = ([], [])
            var isDone = true
            for row in 0..<count where low[row] < high[row] {
                if low[row] & 1 == 1 {
                    nodes.append(low[row])
                    rows.append(Int32(row))
                    low[row] += 1
                }
                if high[row] & 1 == 1, low[row] < high[row] {
                    high[row] -= 1
                    nodes.append(high[row])
                    rows.append(Int32(row))
                }
                if low[row] < high[row] { isDone = false }
                (low[row], high[row]) = (low[row] / 2, high[row] / 2)
            }
            try result.merge(level, nodes, into: rows)
            if isDone { return try result.finish() }
            let above = Accumulators.make(call)
            let parents = (width + 1) / 2
            above.grow(parents)
            let evens = (0..<Int32(parents)).map { $0 }
            try above.merge(level, evens.map { $0 * 2 }, into: evens)
            let odds = (0..<Int32(width / 2)).map { $0 }
            try above.merge(level, odds.map { $0 * 2 + 1 }, into: odds)
            (level, width) = (above, parents)
        }
    }
}
