// Shared by the door's handlers: sessions, the threads of queries and jobs, and the session of a request. It holds no connection; the same
// service could stand behind another transport.
import ComputeCore
import ComputeRuntime
import SparkWire

final class SparkService: Sendable {
    /// The version for clients, which compare it with their own.
    static let sparkVersion = "4.2.0"

    let sessions: SessionTable
    let files: FileSchemes
    let catalog: any CatalogStore
    let storage: TableStorage
    /// Queries and the drivers of jobs; each holds its thread until its end.
    let queries: ComputePool
    /// Map and reduce tasks.
    let tasks: ComputePool
    let figures: ComputeFigures
    let memory: ComputeMemory
    /// Nil where no Python functions run.
    let python: PythonWorkerPool?
    private let onQuery: (@Sendable (QueryEvent) -> Void)?

    init(files: FileSchemes, catalog: any CatalogStore, settings: ComputeDoorSettings, figures: ComputeFigures) {
        onQuery = settings.onQuery
        memory = ComputeMemory(
            bytesMax: settings.memory.bytesMax, residentBytes: settings.memory.residentBytes, returnFreed: settings.memory.returnFreed)
        python = settings.python.map { PythonWorkerPool($0) }
        self.files = files
        self.catalog = catalog
        storage = TableStorage(files: files)
        self.figures = figures
        let threads = QueryThreads(threads: settings.morselThreads)
        var limits = QuerySettings()
        limits.memoryBytesMax = settings.memory.queryBytesMax
        limits.spill = settings.memory.spill
        sessions = SessionTable(
            files: files, tables: CatalogLookup(catalog: catalog, storage: storage), limits: limits, threads: threads, memory: memory,
            pool: python)
        queries = ComputePool(name: "query", threads: settings.queryThreads)
        tasks = ComputePool(name: "mapreduce", threads: settings.taskThreads)
    }

    func session(_ user: Spark_Connect_UserContext, _ id: String, observed: String) throws -> SparkSession {
        try sessions.session(user: user.userID, id: id, observedServerSideID: observed)
    }

    /// Runs `body` on a query thread. The session keeps its error, so that the client can fetch the details.
    func answered<Result: Sendable>(_ session: SparkSession, _ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        do {
            return try await queries.run(body)
        } catch {
            throw report(error, in: session)
        }
    }

    /// Runs `body`, and reports its start and end to the listener.
    func observed(_ operation: PlanOperation, _ plan: Spark_Connect_Plan, _ body: () -> Void) {
        onQuery?(.began(id: operation.id, text: QueryText.of(plan)))
        memory.observed(operation, body)
        onQuery?(.ended(id: operation.id))
    }

    func report(_ error: any Error, in session: SparkSession) -> any Error {
        let error = SparkError(any: error)
        return error.rpcError(errorID: session.keep(error))
    }
}
