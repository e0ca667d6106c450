// The port of a query to the processes that run its Python functions. The engine decides which rows a function sees and when; the
// implementer owns processes, their wire and their limits.

import QueryCore

/// What a process must know before the first rows of a call.
package struct PythonTask: Sendable {
    package struct Function: Sendable {
        package var call: PythonCall
        /// Positions of the arguments among the columns of the input.
        package var arguments: [Int]
    }

    package var kind: PythonKind
    package var functions: [Function]
    /// The columns of the result: one for each function, or those of the rows that the one function gives.
    package var result: Schema
    /// How many of the first columns of each input are the keys of groups.
    package var keys: [Int]
    /// Of the session, for wall-clock times; nil for UTC.
    package var zone: ZoneRules?
}

package enum PythonInput {
    case rows(Batch)
    /// Whole groups, one after another: for each side the number of rows of each group, and the rows.
    case groups(lengths: [[Int]], [Batch])
}

/// Safe from any thread.
package protocol PythonRunner: AnyObject, Sendable {
    /// Opens a call in a process of its own. Waits no longer than until the grant's cancellation. Throws `pythonException`.
    func start(_ task: PythonTask, _ grant: QueryGrant) throws(QueryError) -> any PythonExchange
}

/// A call under way; it belongs to one thread at a time. Its release ends it.
package protocol PythonExchange: AnyObject {
    /// The next rows of the result; nil at their end. `input` is called whenever the function asks for more, and gives nil at the end.
    func next(_ input: () throws(QueryError) -> PythonInput?) throws(QueryError) -> Batch?
}

extension QueryContext {
    func start(_ python: BoundPython, arguments: [[Int]], keys: [Int] = [0]) throws(QueryError) -> any PythonExchange {
        guard let runner = self.python else { throw QueryError.unsupported("Python functions") }
        let functions = zip(python.calls, arguments).map { PythonTask.Function(call: $0.call, arguments: $1) }
        return try runner.start(
            PythonTask(kind: python.kind, functions: functions, result: Schema(python.madeFields), keys: keys, zone: zone), grant)
    }
}

/// The distinct arguments of some calls, evaluated once for each batch.
struct PythonArguments {
    private let expressions: [BoundExpression]
    private let evaluator: Evaluator
    private let fields: [StructField]
    /// For each call the positions of its arguments.
    let positions: [[Int]]

    /// `first`: expressions that stand before the arguments.
    init(_ first: [BoundOutput] = [], _ calls: [[BoundExpression]], _ columns: [BoundColumn], _ context: QueryContext) {
        var expressions = first.map(\.expression)
        var fields = first.map(\.column.field)
        positions = calls.map { arguments in
            arguments.map { argument in
                if first.isEmpty, let known = expressions.firstIndex(of: argument) { return known }
                var name = "_\(expressions.count)"
                if case .column(let column) = argument { name = column.name }
                expressions.append(argument)
                fields.append(StructField(name, argument.type, nullable: true))
                return expressions.count - 1
            }
        }
        self.expressions = expressions
        self.fields = fields
        evaluator = Evaluator(columns: columns, context)
    }

    var schema: Schema { Schema(fields) }

    func batch(_ rows: Batch) throws(QueryError) -> Batch {
        var columns: [Column] = []
        for expression in expressions { columns.append(try evaluator.evaluate(expression, rows)) }
        return Batch(schema: schema, columns: columns, rowCount: rows.rowCount, place: rows.place)
    }
}
