// A join whose right side does not fit: both sides go to disk by the part of their keys' hash, and each part is a join of its own, done by
// the chain that takes it. Rows of equal keys lie in the same part, which suits every kind of join.

import QueryCore

/// Runs before the chains of the left side: if the table has spilled, it puts the left rows on disk, too.
final class SpilledJoin: Preparation {
    private let shape: JoinShape
    private let below: Chains
    private let table: JoinTable
    private let context: QueryContext
    private let queue: MorselQueue
    private var left: [SpilledParts] = []
    private let leftColumns: [BoundColumn]

    init(_ shape: JoinShape, _ below: Chains, _ table: JoinTable, _ context: QueryContext) {
        self.shape = shape
        self.below = below
        self.table = table
        self.context = context
        queue = MorselQueue(context.workers)
        leftColumns = below.columns
    }

    var isActive: Bool { !table.spilled.isEmpty }

    func prepare() throws(QueryError) {
        guard isActive, let files = context.spill else { return }
        let blockBytes = context.grant.spillBlockBytes
        var sinks: [PartSink] = []
        for _ in below.sources {
            let parts = try SpilledParts(Schema(leftColumns.map(\.field)), level: 0, blockBytes: blockBytes, files)
            sinks.append(PartSink(parts, shape.keys.map(\.left), Evaluator(columns: leftColumns, context), context.grant))
        }
        try context.workers.drain(below.sources, into: sinks)
        for sink in sinks {
            try sink.parts.finish()
            left.append(sink.parts)
        }
        below.queue?.goOn(with: queue)
    }

    private final class PartSink: ChainSink {
        let parts: SpilledParts
        private let keys: [BoundExpression]
        private let evaluator: Evaluator
        private let grant: QueryGrant

        init(_ parts: SpilledParts, _ keys: [BoundExpression], _ evaluator: Evaluator, _ grant: QueryGrant) {
            self.parts = parts
            self.keys = keys
            self.evaluator = evaluator
            self.grant = grant
        }

        func consume(_ batch: Batch) throws(QueryError) {
            try grant.check()
            var columns: [Column] = []
            for key in keys { columns.append(try evaluator.evaluate(key, batch)) }
            try parts.append(batch, keys: columns)
        }
    }

    /// The join of the next part; nil after the last.
    fileprivate func nextPart() throws(QueryError) -> (number: Int, join: HashJoin, table: JoinTable)? {
        let claimed = try queue.claim { (number) in number < SpilledParts.partCount ? number : nil }
        guard let part = claimed?.piece else { return nil }
        let right = ChainedSource(table.spilled.map { $0.source(part, table.columns) }, table.columns)
        let made = JoinTable(Chains(right), keys: shape.keys, context.withoutSpill)
        try made.prepare()
        let source = ChainedSource(left.map { $0.source(part, leftColumns) }, leftColumns)
        return (part, HashJoin(shape, source, made, context), made)
    }
}

/// One chain of a join: past the table, or from part to part of the rows on disk.
final class SpillableJoin: BatchSource {
    let columns: [BoundColumn]
    private let join: HashJoin
    private let spilled: SpilledJoin
    private var part: (number: Int, join: HashJoin, table: JoinTable)?
    private var given = 0

    init(_ join: HashJoin, _ spilled: SpilledJoin) {
        self.join = join
        self.spilled = spilled
        columns = join.columns
    }

    func next() throws(QueryError) -> Batch? {
        guard spilled.isActive else { return try join.next() }
        while true {
            if let part {
                if let batch = try part.join.next() {
                    defer { given += 1 }
                    return Batch(
                        schema: batch.schema, columns: batch.columns, rowCount: batch.rowCount,
                        place: BatchPlace(morsel: part.number, batch: given))
                }
                part.table.release()
            }
            part = try spilled.nextPart()
            given = 0
            if part == nil { return nil }
        }
    }
}
