// All joins: the right side is read into memory and chained by key, the left side streams past it. Conditions beyond equality are tested on
// the pairs; without any equality all right rows form one chain, which makes a nested loop. Null keys match nothing.

import QueryCore

final class HashJoin: BatchSource {
    /// Pairs in one output batch at most, however many rows match.
    private static let pairsMax = 4 * Batch.rowsDefault
    /// Bytes that the pairs of one output batch may have, unless one pair has more: a few long texts meet many rows.
    private static let pairBytesMax = 64 << 20

    let columns: [BoundColumn]
    private let kind: JoinKind
    private let left: any BatchSource
    private let right: any BatchSource
    private let leftKeys: [BoundExpression]
    private let rightKeys: [BoundExpression]
    private let residual: BoundExpression?
    private let leftEvaluator: Evaluator
    private let rightEvaluator: Evaluator
    private let pairEvaluator: Evaluator
    private let pairSchema: Schema
    private let grant: QueryGrant

    private var table: KeyTable
    private var build: Batch?
    /// First right row of each key, and the next row after each row; -1 ends.
    private var heads: [Int32] = []
    private var following: [Int32] = []
    private var rightMatched = Bitmap()

    private var probe: Batch?
    private var probeGroups: [Int32] = []
    private var probeRow = 0
    private var chain: Int32 = -1
    private var leftMatched = Bitmap()
    /// Pairs that the present probe batch may give at once.
    private var pairsAtOnce = pairsMax
    private var buildRowBytes = 0
    private var unmatchedAt: Int?

    init(
        _ kind: JoinKind, _ left: any BatchSource, _ right: any BatchSource, keys: [(left: BoundExpression, right: BoundExpression)],
        residual: BoundExpression?, output: [BoundColumn], now: Int64, grant: QueryGrant
    ) {
        self.kind = kind
        self.left = left
        self.right = right
        self.residual = residual
        self.grant = grant
        columns = output
        leftKeys = keys.map(\.left)
        rightKeys = keys.map(\.right)
        leftEvaluator = Evaluator(columns: left.columns, now: now)
        rightEvaluator = Evaluator(columns: right.columns, now: now)
        pairEvaluator = Evaluator(columns: left.columns + right.columns, now: now)
        pairSchema = Schema((left.columns + right.columns).map(\.field))
        table = KeyTable(types: rightKeys.map(\.type))
    }

    private func keyColumns(_ keys: [BoundExpression], _ evaluator: Evaluator, _ batch: Batch) throws(QueryError) -> [Column] {
        var out: [Column] = []
        for key in keys { out.append(try evaluator.evaluate(key, batch)) }
        return out
    }

    private func buildTable() throws(QueryError) -> Batch {
        var batches: [Batch] = []
        while let batch = try right.next() {
            try grant.reserve(batch.byteCount + batch.rowCount * 12)
            batches.append(batch)
        }
        let all =
            batches.isEmpty
            ? Batch(schema: right.schema, columns: right.columns.map { Column(type: $0.type, values: []) }, rowCount: 0)
            : Batch.concat(batches, schema: right.schema)
        let keys = try keyColumns(rightKeys, rightEvaluator, all)
        let groups = rightKeys.isEmpty ? [Int32](repeating: 0, count: all.rowCount) : table.assign(keys, all.rowCount)
        heads = [Int32](repeating: -1, count: max(table.count, 1))
        following = [Int32](repeating: -1, count: all.rowCount)
        // Backwards, so that chains run in the order of the rows.
        for row in stride(from: all.rowCount - 1, through: 0, by: -1) where !keys.contains(where: { $0.isNull(row) }) {
            following[row] = heads[Int(groups[row])]
            heads[Int(groups[row])] = Int32(row)
        }
        rightMatched = Bitmap(repeating: false, count: all.rowCount)
        buildRowBytes = all.widestRowBytes
        return all
    }

    func next() throws(QueryError) -> Batch? {
        if build == nil { build = try buildTable() }
        guard let build else { return nil }
        while true {
            // A condition that no pair meets keeps this loop busy without asking the inputs.
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
        let keys = try keyColumns(leftKeys, leftEvaluator, batch)
        var groups = leftKeys.isEmpty ? [Int32](repeating: 0, count: batch.rowCount) : table.find(keys, batch.rowCount)
        for key in keys where key.validity != nil { for row in groups.indices where key.isNull(row) { groups[row] = -1 } }
        probe = batch
        pairsAtOnce = min(Self.pairsMax, max(1, Self.pairBytesMax / max(1, batch.widestRowBytes + buildRowBytes)))
        probeGroups = groups
        probeRow = 0
        chain = batch.rowCount > 0 && groups[0] >= 0 ? heads[Int(groups[0])] : -1
        leftMatched = Bitmap(repeating: false, count: batch.rowCount)
    }

    /// The next pairs of the current probe batch that satisfy the condition; nil when this stretch has none to give.
    private func joinPairs(_ batch: Batch, _ build: Batch) throws(QueryError) -> Batch? {
        var leftRows: [Int32] = []
        var rightRows: [Int32] = []
        let firstOnly = residual == nil && (kind == .leftSemi || kind == .leftAnti)
        while probeRow < batch.rowCount, leftRows.count < pairsAtOnce {
            while chain >= 0, leftRows.count < pairsAtOnce {
                leftRows.append(Int32(probeRow))
                rightRows.append(chain)
                chain = firstOnly ? -1 : following[Int(chain)]
            }
            if chain >= 0 { break }
            probeRow += 1
            if probeRow < batch.rowCount { chain = probeGroups[probeRow] >= 0 ? heads[Int(probeGroups[probeRow])] : -1 }
        }
        if leftRows.isEmpty { return nil }
        if let residual {
            let columns = batch.columns.map { $0.take(leftRows) } + build.columns.map { $0.take(rightRows) }
            let pairs = Batch(schema: pairSchema, columns: columns, rowCount: leftRows.count)
            let chosen = try pairEvaluator.selection(residual, pairs).trueIndices
            leftRows = chosen.map { leftRows[Int($0)] }
            rightRows = chosen.map { rightRows[Int($0)] }
        }
        for row in leftRows { leftMatched[Int(row)] = true }
        if kind == .rightOuter || kind == .fullOuter { for row in rightRows { rightMatched[Int(row)] = true } }
        if leftRows.isEmpty || kind == .leftSemi || kind == .leftAnti { return nil }
        return output(batch, leftRows, build, rightRows)
    }

    private func output(_ batch: Batch, _ leftRows: [Int32], _ build: Batch, _ rightRows: [Int32]) -> Batch {
        let columns = batch.columns.map { $0.take(leftRows) } + build.columns.map { $0.take(rightRows) }
        return Batch(schema: schema, columns: columns, rowCount: leftRows.count)
    }

    /// After the last pair of a probe batch: what its unmatched (or matched) rows give.
    private func finishProbe(_ batch: Batch, _ build: Batch) -> Batch? {
        switch kind {
        case .leftOuter, .fullOuter:
            let rows = (~leftMatched).trueIndices
            return rows.isEmpty ? nil : output(batch, rows, build, [Int32](repeating: -1, count: rows.count))
        case .leftSemi, .leftAnti:
            let rows = kind == .leftSemi ? leftMatched.trueIndices : (~leftMatched).trueIndices
            return rows.isEmpty ? nil : Batch(schema: schema, columns: batch.columns.map { $0.take(rows) }, rowCount: rows.count)
        default: return nil
        }
    }

    private func unmatchedRight(_ build: Batch) -> Batch? {
        guard kind == .rightOuter || kind == .fullOuter, unmatchedAt == nil else { return nil }
        unmatchedAt = 0
        let rows = (~rightMatched).trueIndices
        if rows.isEmpty { return nil }
        let nulls = left.columns.map { Column.nulls($0.type, count: rows.count) }
        return Batch(schema: schema, columns: nulls + build.columns.map { $0.take(rows) }, rowCount: rows.count)
    }
}
