// All joins: the right side is read into memory and chained by key, the left side streams past it, in several chains where the kind of join
// allows. Conditions beyond equality are tested on the pairs; without any equality all right rows form one chain, which makes a nested
// loop. Null keys match nothing, except with `<=>`. A right side beyond the memory goes to disk with the left one (`SpilledJoin`).

import QueryCore

/// The kind, keys and conditions of a join.
struct JoinShape {
    let kind: JoinKind
    let keys: [JoinKeys]
    /// The condition of pairs beside the equal keys.
    let residual: BoundExpression?
    /// The columns of both sides that the steps above read, the left side's first.
    let output: [BoundColumn]
}

/// Rows chained by key: the first row of each key, and the next row after each row; -1 ends.
struct Matches {
    fileprivate(set) var heads: [Int32] = [-1]
    fileprivate(set) var following: [Int32] = []
}

/// The right side of a join. Filled before the chains run, then read by all chains of the left side.
final class JoinTable: Preparation {
    let columns: [BoundColumn]
    private let chains: Chains
    private let keys: [BoundExpression]
    /// Whether a null key matches a null.
    private let matchesNulls: [Bool]
    private let context: QueryContext
    private let evaluator: Evaluator
    private var table: KeyTable
    private(set) var rows: Batch
    private var reserved = 0
    /// The rows by parts of their keys, one for each chain, if they do not fit.
    private(set) var spilled: [SpilledParts] = []
    private(set) var matches = Matches()
    private(set) var widestRowBytes = 0

    init(_ chains: Chains, keys: [JoinKeys], _ context: QueryContext) {
        self.chains = chains
        self.keys = keys.map(\.right)
        matchesNulls = keys.map(\.matchesNulls)
        self.context = context
        columns = chains.columns
        evaluator = Evaluator(columns: chains.columns, context)
        table = KeyTable(types: keys.map(\.right.type))
        rows = Batch(schema: Schema([]), columns: [], rowCount: 0)
    }

    func prepare() throws(QueryError) {
        try chains.prepare()
        let rows = try GatheredRows.of(chains, keys: keys, keys.isEmpty ? nil : context.spill, context) { $0.byteCount + $0.rowCount * 12 }
        switch rows {
        case .inMemory(let batches, let reserved):
            self.reserved = reserved
            try fill(batches)
        case .onDisk(let parts): spilled = parts
        }
    }

    /// Gives the memory of the rows back.
    func release() {
        context.grant.release(reserved)
        reserved = 0
    }

    private func fill(_ batches: [Batch]) throws(QueryError) {
        var groups: [Int32] = []
        var hasNull = Bitmap(repeating: false, count: batches.reduce(0) { $0 + $1.rowCount })
        var start = 0
        for batch in batches {
            let columns = try keyColumns(batch, evaluator, keys)
            groups += keys.isEmpty ? [Int32](repeating: 0, count: batch.rowCount) : table.assign(columns, batch.rowCount)
            for (column, matchesNulls) in zip(columns, matchesNulls) where !matchesNulls && column.nullCount > 0 {
                for row in 0..<batch.rowCount where column.isNull(row) { hasNull[start + row] = true }
            }
            start += batch.rowCount
        }
        rows = try context.concat(batches, Schema(columns.map(\.field)))
        matches.heads = [Int32](repeating: -1, count: keys.isEmpty ? 1 : max(table.count, 1))
        matches.following = [Int32](repeating: -1, count: rows.rowCount)
        // Backwards, so that chains have the order of the rows.
        for row in stride(from: rows.rowCount - 1, through: 0, by: -1) where !hasNull[row] {
            matches.following[row] = matches.heads[Int(groups[row])]
            matches.heads[Int(groups[row])] = Int32(row)
        }
        widestRowBytes = rows.widestRowBytes
    }

    private func keyColumns(_ batch: Batch, _ evaluator: Evaluator, _ keys: [BoundExpression]) throws(QueryError) -> [Column] {
        var out: [Column] = []
        for key in keys { out.append(try evaluator.evaluate(key, batch)) }
        return out
    }

    /// The first row that matches each row of the left side; -1 for none.
    func firstMatches(_ batch: Batch, _ evaluator: Evaluator, _ keys: [BoundExpression]) throws(QueryError) -> [Int32] {
        if keys.isEmpty { return [Int32](repeating: matches.heads[0], count: batch.rowCount) }
        let columns = try keyColumns(batch, evaluator, keys)
        var first = table.find(columns, batch.rowCount)
        // Groups of the table are below the count of heads.
        for row in first.indices where first[row] >= 0 { first[row] = matches.heads[Int(first[row])] }
        for (column, matchesNulls) in zip(columns, matchesNulls) where !matchesNulls && column.nullCount > 0 {
            for row in first.indices where column.isNull(row) { first[row] = -1 }
        }
        return first
    }
}

/// The columns of a pair of rows, and those that the join gives.
private struct PairColumns {
    let schema: Schema
    /// Positions of the output's columns in the batches of both sides.
    let leftGiven: [Int]
    let rightGiven: [Int]

    init(_ shape: JoinShape, _ left: [BoundColumn], _ right: [BoundColumn]) {
        schema = Schema((left + right).map(\.field))
        let given = Set(shape.output.map(\.id))
        leftGiven = left.indices.filter { given.contains(left[$0].id) }
        let givesRight = shape.kind != .leftSemi && shape.kind != .leftAnti
        rightGiven = givesRight ? right.indices.filter { given.contains(right[$0].id) } : []
    }
}

/// One chain of the left side.
final class HashJoin: BatchSource {
    /// Limit of the pairs in one output batch.
    private static let pairsMax = 4 * Batch.rowsDefault
    /// Limit of the bytes of the pairs in one output batch, unless one pair has more: a few long texts may meet many rows.
    private static let pairBytesMax = 64 << 20

    let columns: [BoundColumn]
    private let kind: JoinKind
    private let left: any BatchSource
    private let table: JoinTable
    private let leftKeys: [BoundExpression]
    private let residual: BoundExpression?
    private let leftEvaluator: Evaluator
    private let pairEvaluator: Evaluator
    private let pairs: PairColumns
    private let grant: QueryGrant

    private var rightMatched: Bitmap?
    private var probe: Batch?
    private var firstMatches: [Int32] = []
    private var probeRow = 0
    private var chain: Int32 = -1
    private var leftMatched = Bitmap()
    /// Pairs of the present probe batch per output batch.
    private var pairsAtOnce = pairsMax
    private var unmatchedAt: Int?
    /// The morsel of the present probe batch, and the number of batches given from it.
    private var morsel = -1
    private var given = 0

    init(_ shape: JoinShape, _ left: any BatchSource, _ table: JoinTable, _ context: QueryContext) {
        kind = shape.kind
        self.left = left
        self.table = table
        residual = shape.residual
        grant = context.grant
        columns = shape.output
        leftKeys = shape.keys.map(\.left)
        leftEvaluator = Evaluator(columns: left.columns, context)
        pairEvaluator = Evaluator(columns: left.columns + table.columns, context)
        pairs = PairColumns(shape, left.columns, table.columns)
    }

    /// Whether chains may share the right side: no right rows are given after the last left row.
    static func mayRunInChains(_ kind: JoinKind) -> Bool { kind != .rightOuter && kind != .fullOuter }

    func next() throws(QueryError) -> Batch? {
        let build = table.rows
        while true {
            // A condition that no pair meets keeps this loop busy without a call to the inputs.
            try grant.check()
            if let batch = probe {
                if probeRow < batch.rowCount {
                    if let pairs = try joinPairs(batch, build) { return pairs }
                    continue
                }
                probe = nil
                if let rest = finishProbe(batch, build) { return rest }
                continue
            }
            guard let batch = try left.next() else { return unmatchedRight(build) }
            try startProbe(batch)
        }
    }

    private func startProbe(_ batch: Batch) throws(QueryError) {
        firstMatches = try table.firstMatches(batch, leftEvaluator, leftKeys)
        if morsel != batch.place.morsel { (morsel, given) = (batch.place.morsel, 0) }
        probe = batch
        pairsAtOnce = min(Self.pairsMax, max(1, Self.pairBytesMax / max(1, batch.widestRowBytes + table.widestRowBytes)))
        probeRow = 0
        chain = firstMatches.first ?? -1
        leftMatched = Bitmap(repeating: false, count: batch.rowCount)
    }

    /// The next pairs of the current probe batch that satisfy the condition; nil if this stretch has none.
    private func joinPairs(_ batch: Batch, _ build: Batch) throws(QueryError) -> Batch? {
        var leftRows: [Int32] = []
        var rightRows: [Int32] = []
        let firstOnly = residual == nil && (kind == .leftSemi || kind == .leftAnti)
        while probeRow < batch.rowCount, leftRows.count < pairsAtOnce {
            while chain >= 0, leftRows.count < pairsAtOnce {
                leftRows.append(Int32(probeRow))
                rightRows.append(chain)
                chain = firstOnly ? -1 : table.matches.following[Int(chain)]
            }
            if chain >= 0 { break }
            probeRow += 1
            if probeRow < batch.rowCount { chain = firstMatches[probeRow] }
        }
        if leftRows.isEmpty { return nil }
        if let residual {
            let columns = batch.columns.map { $0.take(leftRows) } + build.columns.map { $0.take(rightRows) }
            let pairs = Batch(schema: self.pairs.schema, columns: columns, rowCount: leftRows.count)
            let chosen = try pairEvaluator.selection(residual, pairs).trueIndices
            leftRows = chosen.map { leftRows[Int($0)] }
            rightRows = chosen.map { rightRows[Int($0)] }
        }
        for row in leftRows { leftMatched[Int(row)] = true }
        if !Self.mayRunInChains(kind) {
            if rightMatched == nil { rightMatched = Bitmap(repeating: false, count: build.rowCount) }
            for row in rightRows { rightMatched?[Int(row)] = true }
        }
        if leftRows.isEmpty || kind == .leftSemi || kind == .leftAnti { return nil }
        return output(batch, leftRows, build, rightRows)
    }

    private func output(_ batch: Batch, _ leftRows: [Int32], _ build: Batch, _ rightRows: [Int32]) -> Batch {
        let columns = pairs.leftGiven.map { batch.columns[$0].take(leftRows) } + pairs.rightGiven.map { build.columns[$0].take(rightRows) }
        return placed(columns, leftRows.count, batch)
    }

    /// Gives batches of one morsel the order of their making.
    private func placed(_ columns: [Column], _ rowCount: Int, _ probe: Batch) -> Batch {
        defer { given += 1 }
        return Batch(schema: schema, columns: columns, rowCount: rowCount, place: BatchPlace(morsel: probe.place.morsel, batch: given))
    }

    /// After the last pair of a probe batch: gives its unmatched (or matched) rows.
    private func finishProbe(_ batch: Batch, _ build: Batch) -> Batch? {
        switch kind {
        case .leftOuter, .fullOuter:
            let rows = (~leftMatched).trueIndices
            return rows.isEmpty ? nil : output(batch, rows, build, [Int32](repeating: -1, count: rows.count))
        case .leftSemi, .leftAnti:
            let rows = kind == .leftSemi ? leftMatched.trueIndices : (~leftMatched).trueIndices
            return rows.isEmpty ? nil : placed(pairs.leftGiven.map { batch.columns[$0].take(rows) }, rows.count, batch)
        default: return nil
        }
    }

    private func unmatchedRight(_ build: Batch) -> Batch? {
        guard !Self.mayRunInChains(kind), unmatchedAt == nil else { return nil }
        unmatchedAt = 0
        let rows = (~(rightMatched ?? Bitmap(repeating: false, count: build.rowCount))).trueIndices
        if rows.isEmpty { return nil }
        let nulls = pairs.leftGiven.map { Column.nulls(left.columns[$0].type, count: rows.count) }
        return Batch(schema: schema, columns: nulls + pairs.rightGiven.map { build.columns[$0].take(rows) }, rowCount: rows.count)
    }
}
