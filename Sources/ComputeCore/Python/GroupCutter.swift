// Cuts rows that are sorted by their keys into whole groups. It holds the rows of the group under way, counted in the query's grant.

import QueryCore

final class GroupCutter {
    struct Groups {
        /// Of each group, in rows.
        var lengths: [Int]
        var rows: Batch
    }

    private let input: any BatchSource
    private let arguments: PythonArguments
    private let keyCount: Int
    private let context: QueryContext
    private var held: [Batch] = []
    private var heldBytes = 0
    private var isDone = false
    private var given = 0

    /// The first `keyCount` columns of the arguments are the keys.
    init(_ input: any BatchSource, _ arguments: PythonArguments, keyCount: Int, _ context: QueryContext) {
        self.input = input
        self.arguments = arguments
        self.keyCount = keyCount
        self.context = context
    }

    deinit { context.grant.release(heldBytes) }

    /// Some whole groups; nil after the last. Without keys all rows are one group, also if there are none.
    func next() throws(QueryError) -> Groups? {
        while !isDone {
            try context.grant.check()
            guard let batch = try input.next() else {
                isDone = true
                return try last()
            }
            if batch.rowCount == 0 { continue }
            let rows = try arguments.batch(batch)
            let starts = starts(rows)
            guard let cut = starts.last, cut > 0 || !held.isEmpty else {
                try hold(rows)
                continue
            }
            let whole = cut > 0 ? held + [rows.slice(0..<cut)] : held
            let heldRows = held.reduce(0) { $0 + $1.rowCount }
            try hold(nil)
            try hold(rows.slice(cut..<rows.rowCount))
            let ends = starts.map { $0 + heldRows }.filter { $0 > 0 }
            return Groups(lengths: Self.lengths(ends), rows: try context.concat(whole, arguments.schema))
        }
        return nil
    }

    private func last() throws(QueryError) -> Groups? {
        let rows = held
        try hold(nil)
        let count = rows.reduce(0) { $0 + $1.rowCount }
        if count == 0, keyCount > 0 || given > 0 { return nil }
        return Groups(lengths: [count], rows: try context.concat(rows, arguments.schema))
    }

    private static func lengths(_ ends: [Int]) -> [Int] { zip([0] + ends, ends).map { $1 - $0 } }

    /// Keeps more rows; nil forgets all.
    private func hold(_ rows: Batch?) throws(QueryError) {
        guard let rows else {
            context.grant.release(heldBytes)
            (held, heldBytes) = ([], 0)
            return
        }
        try context.grant.reserve(rows.byteCount)
        held.append(rows)
        heldBytes += rows.byteCount
    }

    /// The rows of the batch whose key differs from that of the row before, ascending; the first row counts if rows are held.
    private func starts(_ rows: Batch) -> [Int] {
        guard keyCount > 0 else { return [] }
        // With the last held row in front, so that a boundary between batches is found like any other.
        let before = held.last.map { $0.slice(($0.rowCount - 1)..<$0.rowCount) }
        let count = rows.rowCount + (before == nil ? 0 : 1)
        if count < 2 { return [] }
        let (firsts, seconds) = (Array(0..<Int32(count - 1)), Array(1..<Int32(count)))
        var same = Bitmap(repeating: true, count: count - 1)
        for index in 0..<keyCount {
            let own = rows.columns[index]
            let column = before.map { Column.concat([$0.columns[index], own], type: own.type) } ?? own
            let equal = Comparison.compare(
                .nullSafeEqual, Vector(column: column.take(firsts), isConstant: false),
                Vector(column: column.take(seconds), isConstant: false), count - 1)
            same = same & Evaluator.truth(equal)
        }
        let offset = before == nil ? 1 : 0
        return (~same).trueIndices.map { Int($0) + offset }
    }
}
