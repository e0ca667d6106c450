// The supported commands of Spark Connect: SQL text, temporary views, writes, and our own jobs in the extension field. All others are
// refused by name.
import ComputeCore
import Foundation
import QueryCore
import SparkWire

extension PlanExecution {
    func command(_ command: Spark_Connect_Command) throws {
        switch command.commandType {
        case .sqlCommand(let sql): try self.sql(sql)
        case .createDataframeView(let view):
            guard !view.isGlobal else { throw SparkError.unsupported("global temporary views") }
            try session.engine.createView(view.name, try translated(view.input), replace: view.replace)
        case .extension(let any): try job(any)
        case .writeOperation(let operation): try write(operation)
        case .writeOperationV2(let operation): try write(operation)
        case .registerFunction(let function):
            try session.engine.register(try PythonTranslation.function(function), as: function.functionName)
        case .registerTableFunction, .registerDataSource:
            throw SparkError.unsupported("table functions and data sources in Python")
        case let kind?:
            let label = Mirror(reflecting: kind).children.first?.label ?? "command"
            throw SparkError.unsupported("the command '\(label)' of Spark Connect")
        case nil: throw SparkError.invalidPlan("a command is empty or of a kind that this server does not know")
        }
    }

    /// Runs a command; its rows are in the result.
    func execute(_ plan: Plan) throws -> QueryRun {
        guard let statement = QuerySession.statement(plan) else { return try session.engine.execute(plan) }
        return try statements.run(statement)
    }

    var statements: StatementRunner {
        StatementRunner(session: session, catalog: service.catalog, storage: service.storage, operation: operation)
    }

    /// Analyses a query and returns it as a relation, for the client to run or build on. Runs a command at once and returns its rows.
    private func sql(_ command: Spark_Connect_SqlCommand) throws {
        guard command.args.isEmpty, command.posArgs.isEmpty, command.namedArguments.isEmpty, command.posArguments.isEmpty else {
            throw SparkError.unsupported("parameters of a SQL statement")
        }
        var relation = command.input
        if !command.hasInput { relation.sql.query = command.sql }
        let plan = try translated(relation)
        guard QuerySession.isCommand(plan) else {
            _ = try session.engine.schema(plan)
            try append { $0.sqlCommandResult.relation = relation }
            return
        }
        let run = try execute(plan)
        var batches: [ArrowBatch] = []
        while let batch = try run.next() { batches.append(ArrowExport.batch(batch)) }
        var result = Spark_Connect_Relation()
        result.localRelation.data = Data(ArrowWriter(schema: TypeTranslation.arrow(run.schema)).stream(batches))
        result.localRelation.schema = run.schema.ddl
        try append { $0.sqlCommandResult.relation = result }
    }
}
