// Runs one ExecutePlan on a query thread: translates the plan, computes, and appends responses to the operation. The order is schema,
// batches, and for a client that can attach again a final response that marks the end. It writes to no connection.
import ComputeCore
import Foundation
import QueryCore
import SparkWire

struct PlanExecution: Sendable {
    let service: SparkService
    let session: SparkSession
    let operation: PlanOperation
    let sessionID: String

    /// The result of `show`: one row with the finished text.
    static let showSchema = Schema([StructField("show_string", .string, nullable: false)])

    func run(_ plan: Spark_Connect_Plan) {
        let began = ContinuousClock.now
        service.figures.queries.add()
        defer { service.figures.queryTime.observe(ContinuousClock.now - began) }
        do {
            switch plan.opType {
            case .root(let relation): try query(relation)
            case .command(let command): try self.command(command)
            case .compressedOperation:
                throw SparkError(
                    "CONNECT_INVALID_PLAN.CANNOT_PARSE", sqlState: "56K00", kind: .illegalArgument,
                    "The Spark Connect plan is invalid. Cannot decompress or parse the input plan: this server takes no compressed plans.")
            case nil: throw SparkError.invalidPlan("a plan has neither a relation nor a command that this server knows")
            }
            if operation.isReattachable { try append { $0.resultComplete = .init() } }
            operation.finish(.success(()))
        } catch {
            service.figures.failedQueries.add()
            operation.finish(.failure(SparkError(any: error)))
        }
    }

    /// Fills in the fields of every response.
    func append(bytes: Int = 0, _ fill: (inout Spark_Connect_ExecutePlanResponse) -> Void) throws {
        var response = Spark_Connect_ExecutePlanResponse()
        response.sessionID = sessionID
        response.serverSideSessionID = session.serverSideID
        response.operationID = operation.id
        response.responseID = UUID().uuidString.lowercased()
        fill(&response)
        try operation.append(response, bytes: bytes)
    }

    func translated(_ relation: Spark_Connect_Relation) throws -> Plan {
        try RelationTranslation(artifacts: session.artifacts).plan(relation)
    }

    static func schema(_ relation: Spark_Connect_Relation, _ session: SparkSession) throws -> Schema {
        if case .showString = relation.relType { return showSchema }
        if case .tail(let tail) = relation.relType { return try schema(tail.input, session) }
        return try session.engine.schema(RelationTranslation(artifacts: session.artifacts).plan(relation))
    }

    private func query(_ relation: Spark_Connect_Relation) throws {
        switch relation.relType {
        case .showString(let show):
            let run = try session.engine.run(try translated(show.input), operation)
            let text = try ShowString.render(
                run, rowsMax: Int(show.numRows), truncate: Int(show.truncate), vertical: show.vertical)
            let column = Column(type: .string, values: [.string(text)])
            try send(schema: Self.showSchema, [Batch(schema: Self.showSchema, columns: [column], rowCount: 1)])
        case .tail(let tail): try self.tail(tail)
        case .catalog(let catalog):
            try send(try self.catalog(catalog))
        default:
            let plan = try translated(relation)
            try send(QuerySession.isCommand(plan) ? try execute(plan) : try session.engine.run(plan, operation))
        }
    }

    private func send(_ run: QueryRun) throws {
        let writer = ArrowWriter(schema: TypeTranslation.arrow(run.schema, zone: run.zone))
        try append { $0.schema = TypeTranslation.proto(run.schema) }
        var offset: Int64 = 0
        while let batch = try run.next() { try send(batch, writer, &offset) }
        if offset == 0 { try sendEmpty(run.schema, writer) }
    }

    private func send(schema: Schema, _ batches: [Batch]) throws {
        let writer = ArrowWriter(schema: TypeTranslation.arrow(schema))
        try append { $0.schema = TypeTranslation.proto(schema) }
        var offset: Int64 = 0
        for batch in batches { try send(batch, writer, &offset) }
        if offset == 0 { try sendEmpty(schema, writer) }
    }

    private func send(_ batch: Batch, _ writer: ArrowWriter, _ offset: inout Int64) throws {
        let bytes = writer.stream([ArrowExport.batch(batch)])
        let start = offset
        try append(bytes: bytes.count) { response in
            response.arrowBatch.rowCount = Int64(batch.rowCount)
            response.arrowBatch.data = Data(bytes)
            response.arrowBatch.startOffset = start
        }
        offset += Int64(batch.rowCount)
        service.figures.batches.add()
        service.figures.rows.add(Int64(batch.rowCount))
    }

    /// A result without rows is one batch without rows, so that clients that read only batches know its columns.
    private func sendEmpty(_ schema: Schema, _ writer: ArrowWriter) throws {
        var offset: Int64 = 0
        let columns = schema.fields.map { Column(type: $0.type, values: []) }
        try send(Batch(schema: schema, columns: columns, rowCount: 0), writer, &offset)
    }

    /// The last rows: keeps only the batches at the end.
    private func tail(_ tail: Spark_Connect_Tail) throws {
        let run = try session.engine.run(try translated(tail.input), operation)
        let limit = max(0, Int(tail.limit))
        var kept: [Batch] = []
        var count = 0
        while let batch = try run.next() {
            kept.append(batch)
            count += batch.rowCount
            while let first = kept.first, count - first.rowCount >= limit {
                count -= first.rowCount
                kept.removeFirst()
            }
        }
        if let first = kept.first, count > limit {
            let wanted = Array(Int32(count - limit)..<Int32(first.rowCount))
            kept[0] = first.take(wanted)
        }
        try send(schema: run.schema, limit == 0 ? [] : kept)
    }
}
