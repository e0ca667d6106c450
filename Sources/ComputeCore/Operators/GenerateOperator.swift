// Generators: rows made of each row's array, map or arguments. A batch's elements are given in stretches, so that a row of many elements
// never stands multiplied in memory as a whole. The carried columns are repeated by position.

import QueryCore

final class GenerateOperator: BatchSource {
    /// Limit of the bytes of one stretch, by the widest row.
    private static let stretchBytesMax = 64 << 20

    let columns: [BoundColumn]
    private let generate: BoundGenerate
    private let input: any BatchSource
    private let evaluator: Evaluator
    private let grant: QueryGrant
    /// The positions of the carried columns in the input.
    private let carried: [Int]
    private var current: Elements?
    private var morsel = -1
    private var given = 0

    init(_ generate: BoundGenerate, _ input: any BatchSource, _ context: QueryContext) {
        self.generate = generate
        self.input = input
        columns = generate.output
        evaluator = Evaluator(columns: input.columns, context)
        grant = context.grant
        carried = generate.carried.map { column in
            guard let index = input.columns.firstIndex(where: { $0.id == column.id }) else {
                preconditionFailure("column \(column.name) is not among the generator's inputs")
            }
            return index
        }
    }

    func next() throws(QueryError) -> Batch? {
        while true {
            try grant.check()
            if current != nil {
                if let stretch = takeStretch() { return stretch }
                current = nil
            }
            guard let batch = try input.next() else { return nil }
            if morsel != batch.place.morsel { (morsel, given) = (batch.place.morsel, 0) }
            var values: [Column] = []
            for argument in generate.arguments { values.append(try evaluator.evaluate(argument, batch)) }
            current = Elements(generate, batch, values)
        }
    }

    private func takeStretch() -> Batch? {
        guard var elements = current else { return nil }
        let width = carried.reduce(elements.widestBytes) { $0 + elements.batch.columns[$1].widestValueBytes }
        let rows = elements.take(upTo: max(1, min(Batch.rowsDefault, Self.stretchBytesMax / max(1, width))))
        current = elements
        guard let rows else { return nil }
        let made =
            carried.map { elements.batch.columns[$0].take(rows.parents) } + elements.made(rows, columns.suffix(generate.columns.count))
        defer { given += 1 }
        return Batch(schema: schema, columns: made, rowCount: rows.parents.count, place: BatchPlace(morsel: morsel, batch: given))
    }
}

/// The elements of one batch's rows, and how far they have been given.
private struct Elements {
    struct Rows {
        /// The row of the input that each made row comes from.
        var parents: [Int32] = []
        /// The element's place in the collections' child, or in the row's list of arguments; -1 for the row that OUTER keeps.
        var positions: [Int32] = []
        /// The element's place in its own collection; -1 likewise.
        var places: [Int32] = []
    }

    let batch: Batch
    let widestBytes: Int
    private let kind: GeneratorKind
    private let isOuter: Bool
    private let offsets: [Int32]
    private let collection: Column?
    /// Of `stack`: each made column's arguments, one below the other.
    private let stacked: [Column]
    private var row = 0
    private var element = 0

    init(_ generate: BoundGenerate, _ batch: Batch, _ values: [Column]) {
        self.batch = batch
        kind = generate.kind
        isOuter = generate.isOuter
        guard case .stack(let rows) = kind else {
            collection = values[0]
            stacked = []
            widestBytes = 16
            if case .list(let offsets, _) = values[0].storage { self.offsets = offsets } else { offsets = [] }
            return
        }
        let width = (values.count + rows - 1) / rows
        stacked = (0..<width).map { column in
            Column.concat(stride(from: column, to: values.count, by: width).map { values[$0] }, type: generate.columns[column].type)
        }
        collection = nil
        offsets = []
        widestBytes = stacked.reduce(16) { $0 + $1.widestValueBytes }
    }

    private func count(_ row: Int) -> Int {
        if case .stack(let rows) = kind { return rows }
        guard let collection, !offsets.isEmpty, !collection.isNull(row) else { return 0 }
        return Int(offsets[row + 1] - offsets[row])
    }

    /// The next made rows; nil after the last.
    mutating func take(upTo limit: Int) -> Rows? {
        var rows = Rows()
        while row < batch.rowCount, rows.parents.count < limit {
            let count = count(row)
            if count == 0, isOuter {
                rows.parents.append(Int32(row))
                rows.positions.append(-1)
                rows.places.append(-1)
            }
            let end = min(count, element + limit - rows.parents.count)
            let first = offsets.isEmpty ? 0 : offsets[row]
            while element < end {
                rows.parents.append(Int32(row))
                rows.positions.append(first + Int32(element))
                rows.places.append(Int32(element))
                element += 1
            }
            if element < count { break }
            row += 1
            element = 0
        }
        return rows.parents.isEmpty ? nil : rows
    }

    func made(_ rows: Rows, _ columns: ArraySlice<BoundColumn>) -> [Column] {
        if case .stack = kind {
            // The argument of line i of row r stands at i times the batch's rows plus r; lines without one are null.
            return stacked.map { column in
                column.take(
                    zip(rows.parents, rows.places).map { parent, line in
                        let at = Int(line) * batch.rowCount + Int(parent)
                        return at < column.count ? Int32(at) : -1
                    })
            }
        }
        guard let collection, case .list(_, let child) = collection.storage else {
            return columns.map { Column.nulls($0.type, count: rows.parents.count) }
        }
        var made: [Column]
        switch (kind, child.storage) {
        case (.inline, .structure(let fields)):
            let present = rows.positions.map { $0 >= 0 && child.isNull(Int($0)) ? -1 : $0 }
            made = fields.map { $0.take(present) }
        case (_, .structure(let entries)) where collection.type.isMap: made = entries.map { $0.take(rows.positions) }
        default: made = [child.take(rows.positions)]
        }
        if kind == .posexplode {
            let places = Column(type: .int, count: rows.places.count, validity: nil, storage: .int32(rows.places))
            made.insert(
                rows.places.contains(-1) ? places.take(rows.places.indices.map { rows.places[$0] < 0 ? -1 : Int32($0) }) : places, at: 0)
        }
        return made
    }
}
