// AnalyzePlan: everything about a plan without execution. Questions without a true answer (caching, semantic comparison) are refused.
import ComputeCore
import QueryCore
import SparkWire

extension SparkService {
    func analyzePlan(_ request: Spark_Connect_AnalyzePlanRequest) async throws -> Spark_Connect_AnalyzePlanResponse {
        let session = try session(request.userContext, request.sessionID, observed: request.clientObservedServerSideSessionID)
        return try await answered(session) {
            var response = Spark_Connect_AnalyzePlanResponse()
            response.sessionID = request.sessionID
            response.serverSideSessionID = session.serverSideID
            response.result = try Self.analyze(request, session)
            return response
        }
    }

    private static func analyze(
        _ request: Spark_Connect_AnalyzePlanRequest, _ session: SparkSession
    ) throws -> Spark_Connect_AnalyzePlanResponse.OneOf_Result {
        switch request.analyze {
        case .schema(let schema):
            var answer = Spark_Connect_AnalyzePlanResponse.Schema()
            answer.schema = TypeTranslation.proto(try PlanExecution.schema(try relation(schema.plan), session))
            return .schema(answer)
        case .explain(let explain):
            var answer = Spark_Connect_AnalyzePlanResponse.Explain()
            let isExtended = explain.explainMode != .simple && explain.explainMode != .unspecified
            answer.explainString = try session.engine.explain(try plan(explain.plan, session), extended: isExtended)
            return .explain(answer)
        case .treeString(let tree):
            var answer = Spark_Connect_AnalyzePlanResponse.TreeString()
            let schema = try PlanExecution.schema(try relation(tree.plan), session)
            answer.treeString = TreeString.render(schema, level: tree.hasLevel ? Int(tree.level) : 0)
            return .treeString(answer)
        case .isLocal(let local):
            var answer = Spark_Connect_AnalyzePlanResponse.IsLocal()
            if case .localRelation = try relation(local.plan).relType { answer.isLocal = true }
            return .isLocal(answer)
        case .isStreaming(let streaming):
            // The plan is analysed, so that a wrong one is refused; no relation of this server is a stream.
            _ = try PlanExecution.schema(try relation(streaming.plan), session)
            return .isStreaming(.init())
        case .inputFiles(let input):
            var answer = Spark_Connect_AnalyzePlanResponse.InputFiles()
            answer.files = try session.engine.inputFiles(try plan(input.plan, session))
            return .inputFiles(answer)
        case .sparkVersion:
            var answer = Spark_Connect_AnalyzePlanResponse.SparkVersion()
            answer.version = sparkVersion
            return .sparkVersion(answer)
        case .ddlParse(let ddl):
            var answer = Spark_Connect_AnalyzePlanResponse.DDLParse()
            answer.parsed = TypeTranslation.proto(try parse(ddl.ddlString))
            return .ddlParse(answer)
        case .jsonToDdl(let json):
            var answer = Spark_Connect_AnalyzePlanResponse.JsonToDDL()
            answer.ddlString = try SchemaText.schema(json.jsonString).ddl
            return .jsonToDdl(answer)
        case .getStorageLevel(let level):
            var answer = Spark_Connect_AnalyzePlanResponse.GetStorageLevel()
            answer.storageLevel = try session.storageLevel(of: level.relation)
            return .getStorageLevel(answer)
        case .unpersist(let unpersist):
            try session.setStorageLevel(nil, of: unpersist.relation)
            return .unpersist(.init())
        case .persist(let persist):
            // The plan is analysed, so that a wrong one is refused; its rows are computed again at each use.
            _ = try PlanExecution.schema(persist.relation, session)
            var level = persist.storageLevel
            if !persist.hasStorageLevel { (level.useDisk, level.useMemory, level.deserialized, level.replication) = (true, true, true, 1) }
            try session.setStorageLevel(level, of: persist.relation)
            return .persist(.init())
        case .sameSemantics: throw SparkError.unsupported("comparing plans (sameSemantics)")
        case .semanticHash: throw SparkError.unsupported("hashing plans (semanticHash)")
        case nil: throw SparkError.invalidPlan("an analysis request names no analysis that this server knows")
        }
    }

    /// A type, or else the columns of a table.
    private static func parse(_ ddl: String) throws -> DataType {
        do {
            return try Parser.parseType(ddl)
        } catch let typeError {
            do {
                return .structure(try Parser.parseSchema(ddl).fields)
            } catch {
                throw typeError
            }
        }
    }

    private static func relation(_ plan: Spark_Connect_Plan) throws -> Spark_Connect_Relation {
        guard case .root(let relation) = plan.opType else { throw SparkError.invalidPlan("an analysis needs a relation") }
        return relation
    }

    private static func plan(_ plan: Spark_Connect_Plan, _ session: SparkSession) throws -> Plan {
        try RelationTranslation(artifacts: session.artifacts).plan(try relation(plan))
    }
}
