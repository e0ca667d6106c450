// Python functions over groups: any rows for each group or each pair of groups of one key, or one row of values for each group. The inputs
// are sorted by their keys; groups go out many at a time, since a message costs more than a small group.

import QueryCore

/// The rows that a function gives for each group.
final class PythonGroupsOperator: BatchSource {
    let columns: [BoundColumn]
    private let python: BoundPython
    private let arguments: PythonArguments
    private let groups: GroupCutter
    private let context: QueryContext
    private var exchange: (any PythonExchange)?
    private var waiting: GroupCutter.Groups?
    private var isDone = false
    private var given = 0

    init(_ python: BoundPython, _ input: any BatchSource, _ context: QueryContext) {
        self.python = python
        self.context = context
        columns = python.columns
        arguments = PythonArguments(python.keys[0], python.calls.map(\.arguments), input.columns, context)
        groups = GroupCutter(input, arguments, keyCount: python.keys[0].count, context)
    }

    func next() throws(QueryError) -> Batch? {
        if isDone { return nil }
        if exchange == nil {
            waiting = try groups.next()
            guard let first = waiting, first.rows.rowCount > 0 else {
                isDone = true
                return nil
            }
            exchange = try context.start(python, arguments: arguments.positions, keys: [python.keys[0].count])
        }
        let rows = try exchange?.next { () throws(QueryError) in
            var next = waiting
            if next == nil { next = try groups.next() }
            waiting = nil
            return next.map { .groups(lengths: [$0.lengths], [$0.rows]) }
        }
        guard let rows else {
            (isDone, exchange) = (true, nil)
            return nil
        }
        defer { given += 1 }
        return Batch(schema: schema, columns: rows.columns, rowCount: rows.rowCount, place: BatchPlace(morsel: given))
    }
}

/// The keys of each group, then one value for each call.
final class PythonAggregateOperator: BatchSource {
    let columns: [BoundColumn]
    private let python: BoundPython
    private let keyCount: Int
    private let arguments: PythonArguments
    private let groups: GroupCutter
    private let context: QueryContext
    private var exchange: (any PythonExchange)?
    private var given = 0

    init(_ python: BoundPython, _ input: any BatchSource, _ context: QueryContext) {
        self.python = python
        self.context = context
        let keys = python.keys[0]
        keyCount = keys.count
        columns = keys.map(\.column) + python.columns
        arguments = PythonArguments(keys, python.calls.map(\.arguments), input.columns, context)
        groups = GroupCutter(input, arguments, keyCount: keyCount, context)
    }

    func next() throws(QueryError) -> Batch? {
        guard let part = try groups.next() else { return nil }
        if exchange == nil { exchange = try context.start(python, arguments: arguments.positions, keys: [keyCount]) }
        var isGiven = false
        var pieces: [Batch] = []
        while pieces.reduce(0, { $0 + $1.rowCount }) < part.lengths.count {
            let piece = try exchange?.next { () throws(QueryError) in
                if isGiven { return nil }
                isGiven = true
                return .groups(lengths: [part.lengths], [part.rows])
            }
            guard let piece else { throw QueryError(.pythonException, ["traceback": "The function gave too few results."]) }
            pieces.append(piece)
        }
        let made = try context.concat(pieces, Schema(python.madeFields))
        guard made.rowCount == part.lengths.count else {
            throw QueryError(.pythonException, ["traceback": "The function gave too many results."])
        }
        var firsts: [Int32] = []
        var at = 0
        for length in part.lengths {
            firsts.append(Int32(at))
            at += length
        }
        let keys = part.rows.columns.prefix(keyCount).map { $0.take(firsts) }
        defer { given += 1 }
        return Batch(schema: schema, columns: keys + made.columns, rowCount: made.rowCount, place: BatchPlace(morsel: given))
    }
}

/// The rows that a function gives for the groups of one key on two sides, one of which may be empty.
final class PythonCogroupsOperator: BatchSource {
    /// The groups of one side, one by one.
    private final class Side {
        private let cutter: GroupCutter
        private let keyCount: Int
        let schema: Schema
        private var part: GroupCutter.Groups?
        private var group = 0
        private var row = 0
        private(set) var key: [Value]?

        init(_ cutter: GroupCutter, _ arguments: PythonArguments, keyCount: Int) {
            self.cutter = cutter
            self.keyCount = keyCount
            schema = arguments.schema
        }

        /// Goes to the next group; `key` is nil after the last.
        func advance() throws(QueryError) {
            if let part, group < part.lengths.count {
                row += part.lengths[group]
                group += 1
            }
            if part == nil || group == part?.lengths.count {
                (part, group, row) = (try cutter.next(), 0, 0)
            }
            key = part.flatMap { part in
                part.rows.rowCount == 0 ? nil : part.rows.columns.prefix(keyCount).map { $0.value(row) }
            }
        }

        var rows: Batch? { part.map { $0.rows.slice(row..<(row + $0.lengths[group])) } }
    }

    let columns: [BoundColumn]
    private let python: BoundPython
    private let positions: [[Int]]
    private let keyTypes: [DataType]
    private let sides: [Side]
    private let context: QueryContext
    private var exchange: (any PythonExchange)?
    private var isDone = false
    private var given = 0

    init(_ python: BoundPython, _ inputs: [any BatchSource], _ context: QueryContext) {
        self.python = python
        self.context = context
        columns = python.columns
        keyTypes = python.keys[0].map(\.expression.type)
        var sides: [Side] = []
        var positions: [[Int]] = []
        for (index, input) in inputs.enumerated() {
            let read = index == 0 ? python.calls[0].arguments : python.others
            let arguments = PythonArguments(python.keys[index], [read], input.columns, context)
            let count = python.keys[index].count
            sides.append(Side(GroupCutter(input, arguments, keyCount: count, context), arguments, keyCount: count))
            positions += arguments.positions
        }
        self.sides = sides
        self.positions = positions
    }

    func next() throws(QueryError) -> Batch? {
        if isDone { return nil }
        if exchange == nil {
            for side in sides { try side.advance() }
            if sides.allSatisfy({ $0.key == nil }) {
                isDone = true
                return nil
            }
            exchange = try context.start(python, arguments: positions, keys: python.keys.map(\.count))
        }
        guard let rows = try exchange?.next({ () throws(QueryError) in try pairs() }) else {
            (isDone, exchange) = (true, nil)
            return nil
        }
        defer { given += 1 }
        return Batch(schema: schema, columns: rows.columns, rowCount: rows.rowCount, place: BatchPlace(morsel: given))
    }

    /// Some pairs of groups, about a batch of rows.
    private func pairs() throws(QueryError) -> PythonInput? {
        var lengths: [[Int]] = [[], []]
        var parts: [[Batch]] = [[], []]
        var rows = 0
        while rows < Batch.rowsDefault, sides.contains(where: { $0.key != nil }) {
            let order = order()
            for index in 0...1 {
                let takes = index == 0 ? order <= 0 : order >= 0
                guard takes, let group = sides[index].rows else {
                    lengths[index].append(0)
                    continue
                }
                lengths[index].append(group.rowCount)
                parts[index].append(group)
                rows += group.rowCount
                try sides[index].advance()
            }
        }
        if lengths[0].isEmpty { return nil }
        var batches: [Batch] = []
        for index in 0...1 { batches.append(try context.concat(parts[index], sides[index].schema)) }
        return .groups(lengths: lengths, batches)
    }

    /// Which side has the lower key, or the only one.
    private func order() -> Int {
        guard let left = sides[0].key else { return 1 }
        guard let right = sides[1].key else { return -1 }
        for index in keyTypes.indices {
            let order = Value.compare(left[index], right[index], keyTypes[index])
            if order != 0 { return order }
        }
        return 0
    }
}
