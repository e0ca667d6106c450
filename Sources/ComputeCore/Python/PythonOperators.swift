// Python functions over rows: those that give a column, beside the input's columns, and those that give any rows for an iterator of rows.

import QueryCore

/// The input's columns, then one for each call. A process is started for the first rows.
final class PythonColumnsOperator: BatchSource {
    let columns: [BoundColumn]
    private let python: BoundPython
    private let input: any BatchSource
    private let arguments: PythonArguments
    private let context: QueryContext
    private var exchange: (any PythonExchange)?
    /// Rows that the function has read and whose results are not complete.
    private var pending: ArraySlice<Batch> = []
    private var results: [Batch] = []
    private var resultRows = 0

    init(_ python: BoundPython, _ input: any BatchSource, _ context: QueryContext) {
        self.python = python
        self.input = input
        self.context = context
        columns = input.columns + python.columns
        arguments = PythonArguments([], python.calls.map(\.arguments), input.columns, context)
    }

    func next() throws(QueryError) -> Batch? {
        if python.kind.takesIterator { return try nextOfIterator() }
        // A chain's input may end and go on later, so that each batch is asked for here and not by the function.
        guard let batch = try input.next() else { return nil }
        if batch.rowCount == 0 { return joined(batch, python.columns.map { Column(type: $0.type, values: []) }) }
        pending = [batch]
        var isGiven = false
        while resultRows < batch.rowCount {
            let piece = try started().next { () throws(QueryError) in
                if isGiven { return nil }
                isGiven = true
                return .rows(try arguments.batch(batch))
            }
            guard let piece else { throw wrongCount() }
            keep(piece)
        }
        return try taken()
    }

    private func nextOfIterator() throws(QueryError) -> Batch? {
        while true {
            if let first = pending.first, resultRows >= first.rowCount { return try taken() }
            let piece = try started().next { () throws(QueryError) in
                while let batch = try input.next() {
                    if batch.rowCount == 0 { continue }
                    pending.append(batch)
                    return .rows(try arguments.batch(batch))
                }
                return nil
            }
            guard let piece else {
                if pending.isEmpty, resultRows == 0 { return nil }
                throw wrongCount()
            }
            keep(piece)
        }
    }

    private func started() throws(QueryError) -> any PythonExchange {
        if let exchange { return exchange }
        let made = try context.start(python, arguments: arguments.positions)
        exchange = made
        return made
    }

    private func keep(_ piece: Batch) {
        results.append(piece)
        resultRows += piece.rowCount
    }

    private func wrongCount() -> QueryError {
        QueryError(.pythonException, ["traceback": "The function \(python.calls[0].call.function.name) gave too few or too many results."])
    }

    /// The first pending rows with their results.
    private func taken() throws(QueryError) -> Batch {
        guard let batch = pending.popFirst() else { preconditionFailure("results are taken for rows that the function has read") }
        let all = try context.concat(results, Schema(python.madeFields))
        guard python.kind.takesIterator || all.rowCount == batch.rowCount else { throw wrongCount() }
        let made = all.slice(0..<batch.rowCount)
        results = all.rowCount > batch.rowCount ? [all.slice(batch.rowCount..<all.rowCount)] : []
        resultRows = all.rowCount - batch.rowCount
        return joined(batch, made.columns)
    }

    private func joined(_ batch: Batch, _ made: [Column]) -> Batch {
        Batch(schema: schema, columns: batch.columns + made, rowCount: batch.rowCount, place: batch.place)
    }
}

/// The rows that a function gives for all rows of its input.
final class PythonRowsOperator: BatchSource {
    let columns: [BoundColumn]
    private let python: BoundPython
    private let input: any BatchSource
    private let arguments: PythonArguments
    private let context: QueryContext
    private var exchange: (any PythonExchange)?
    private var isDone = false
    private var given = 0

    init(_ python: BoundPython, _ input: any BatchSource, _ context: QueryContext) {
        self.python = python
        self.input = input
        self.context = context
        columns = python.columns
        arguments = PythonArguments([], python.calls.map(\.arguments), input.columns, context)
    }

    func next() throws(QueryError) -> Batch? {
        if isDone { return nil }
        // A function without rows runs as well: it may give rows of its own.
        if exchange == nil { exchange = try context.start(python, arguments: arguments.positions) }
        let rows = try exchange?.next { () throws(QueryError) in
            while let batch = try input.next() { if batch.rowCount > 0 { return .rows(try arguments.batch(batch)) } }
            return nil
        }
        guard let rows else {
            (isDone, exchange) = (true, nil)
            return nil
        }
        defer { given += 1 }
        return Batch(schema: schema, columns: rows.columns, rowCount: rows.rowCount, place: BatchPlace(morsel: given))
    }
}
