// The contract of operators and the simple ones: each pulls batches from below and gives batches until it returns nil. Operators hold their
// own state and nothing global, so that several can run over partitions side by side. They run on the thread that calls `next`.

import QueryCore

package protocol BatchSource: AnyObject {
    /// The columns of each batch, in order.
    var columns: [BoundColumn] { get }
    /// The next batch, possibly without rows; nil at the end, and then for ever.
    func next() throws(QueryError) -> Batch?
}

extension BatchSource {
    var schema: Schema { Schema(columns.map(\.field)) }
}

/// Ends a cancelled query: stands before every operator, so that no operator runs on for longer than one batch.
final class CancellableSource: BatchSource {
    let columns: [BoundColumn]
    private let source: any BatchSource
    private let isCancelled: @Sendable () -> Bool

    init(_ source: any BatchSource, _ isCancelled: @escaping @Sendable () -> Bool) {
        columns = source.columns
        self.source = source
        self.isCancelled = isCancelled
    }

    func next() throws(QueryError) -> Batch? {
        if isCancelled() { throw QueryError(.operationCancelled) }
        return try source.next()
    }
}

/// Batches in memory: local relations.
final class BatchScan: BatchSource {
    let columns: [BoundColumn]
    private let batches: [Batch]
    private let kept: [Int]
    private let queue: MorselQueue

    init(_ list: BatchList, _ columns: [BoundColumn], kept: [Int], _ queue: MorselQueue) {
        self.columns = columns
        self.queue = queue
        batches = list.batches
        self.kept = kept
    }

    func next() throws(QueryError) -> Batch? {
        guard let (number, batch) = try queue.claim({ $0 < batches.count ? batches[$0] : nil }) else { return nil }
        return Batch(schema: schema, columns: kept.map { batch.columns[$0] }, rowCount: batch.rowCount, place: BatchPlace(morsel: number))
    }
}

/// VALUES, and the one row without columns of a SELECT without FROM.
final class RowsSource: BatchSource {
    let columns: [BoundColumn]
    private let rows: [[BoundExpression]]
    private let evaluator: Evaluator
    private var at = 0

    init(_ rows: [[BoundExpression]], _ columns: [BoundColumn], _ context: QueryContext) {
        self.rows = rows
        self.columns = columns
        evaluator = Evaluator(columns: [], context)
    }

    func next() throws(QueryError) -> Batch? {
        guard at < rows.count else { return nil }
        let chunk = rows[at..<min(at + Batch.rowsDefault, rows.count)]
        at += chunk.count
        let one = Batch(schema: Schema([]), columns: [], rowCount: 1)
        var builders = columns.map { ColumnBuilder(type: $0.type, capacity: chunk.count) }
        for row in chunk {
            for (index, expression) in row.enumerated() { builders[index].append(try evaluator.evaluate(expression, one).value(0)) }
        }
        return Batch(schema: schema, columns: builders.map { $0.finish() }, rowCount: chunk.count)
    }
}

final class RangeSource: BatchSource {
    let columns: [BoundColumn]
    private let range: RowRange
    private let rowCount: Int
    private let queue: MorselQueue

    init(_ range: RowRange, _ column: BoundColumn, _ queue: MorselQueue) {
        columns = [column]
        self.range = range
        self.queue = queue
        rowCount = Self.rowCount(range)
    }

    static func rowCount(_ range: RowRange) -> Int {
        let distance = Int128(range.end) - Int128(range.start)
        let count = range.step == 0 ? 0 : (distance + Int128(range.step) - (range.step > 0 ? 1 : -1)) / Int128(range.step)
        return Int(max(0, min(count, Int128(Int.max))))
    }

    func next() throws(QueryError) -> Batch? {
        let (rowCount, rowsMax) = (rowCount, Batch.rowsDefault)
        let claimed = try queue.claim { number in number <= (rowCount - 1) / rowsMax && rowCount > 0 ? number * rowsMax : nil }
        guard let (number, start) = claimed else { return nil }
        let count = min(rowCount - start, rowsMax)
        let first = range.start &+ Int64(start) &* range.step
        let step = range.step
        let values = (0..<Int64(count)).map { first &+ $0 &* step }
        let column = Column(type: .long, count: count, validity: nil, storage: .int64(values))
        return Batch(schema: schema, columns: [column], rowCount: count, place: BatchPlace(morsel: number))
    }
}

final class ProjectOperator: BatchSource {
    let columns: [BoundColumn]
    private let outputs: [BoundOutput]
    private let input: any BatchSource
    private let evaluator: Evaluator

    init(_ outputs: [BoundOutput], _ input: any BatchSource, _ context: QueryContext) {
        self.outputs = outputs
        self.input = input
        columns = outputs.map(\.column)
        evaluator = Evaluator(columns: input.columns, context)
    }

    func next() throws(QueryError) -> Batch? {
        guard let batch = try input.next() else { return nil }
        var results: [Column] = []
        for output in outputs { results.append(try evaluator.evaluate(output.expression, batch)) }
        return Batch(schema: schema, columns: results, rowCount: batch.rowCount, place: batch.place)
    }
}

final class FilterOperator: BatchSource {
    let columns: [BoundColumn]
    private let condition: BoundExpression
    private let input: any BatchSource
    private let evaluator: Evaluator

    init(_ condition: BoundExpression, _ input: any BatchSource, _ context: QueryContext) {
        self.condition = condition
        self.input = input
        columns = input.columns
        evaluator = Evaluator(columns: input.columns, context)
    }

    func next() throws(QueryError) -> Batch? {
        while let batch = try input.next() {
            let chosen = try evaluator.selection(condition, batch).trueIndices
            if chosen.count == batch.rowCount { return batch }
            if !chosen.isEmpty { return batch.take(chosen) }
        }
        return nil
    }
}

final class LimitOperator: BatchSource {
    let columns: [BoundColumn]
    private let input: any BatchSource
    private var skip: Int
    private var remaining: Int

    /// `limit` nil means no limit.
    init(skip: Int, limit: Int?, _ input: any BatchSource) {
        self.input = input
        self.skip = skip
        columns = input.columns
        remaining = limit ?? Int.max
    }

    func next() throws(QueryError) -> Batch? {
        while remaining > 0, let batch = try input.next() {
            if skip >= batch.rowCount {
                skip -= batch.rowCount
                continue
            }
            let end = min(batch.rowCount, remaining > batch.rowCount ? batch.rowCount : skip + remaining)
            let rows = batch.slice(skip..<end)
            skip = 0
            remaining -= rows.rowCount
            return rows
        }
        return nil
    }
}

final class UnionOperator: BatchSource {
    let columns: [BoundColumn]
    private var inputs: ArraySlice<any BatchSource>
    private var given = 0

    init(_ inputs: [any BatchSource], _ columns: [BoundColumn]) {
        self.inputs = inputs[...]
        self.columns = columns
    }

    func next() throws(QueryError) -> Batch? {
        while let input = inputs.first {
            if let batch = try input.next() {
                defer { given += 1 }
                return Batch(schema: schema, columns: batch.columns, rowCount: batch.rowCount, place: BatchPlace(morsel: given))
            }
            inputs = inputs.dropFirst()
        }
        return nil
    }
}
