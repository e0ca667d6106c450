// One client session: its settings, its views (in the query engine), its artifacts, its operations and the errors for its client.
// Everything here dies with the session. The table of sessions finds or makes them, and refuses handles as Spark does.
import ComputeCore
import ComputeRuntime
import Foundation
import SparkWire
import Synchronization

final class SparkSession: Sendable {
    /// Limit of the running or kept operations.
    static let operationsMax = 256
    /// Limit of the remembered storage levels.
    static let levelsMax = 256
    /// Limit of kept error details; the oldest go first.
    static let errorsMax = 64

    struct Key: Hashable, Sendable {
        let user: String
        let session: String
    }

    private struct State {
        var config = SessionConfig()
        var operations: [String: PlanOperation] = [:]
        var errors: [(id: String, error: SparkError)] = []
        /// By the hash of the relation's bytes.
        var storageLevels: [Int: Spark_Connect_StorageLevel] = [:]
        var lastUsed = ContinuousClock.now
    }

    let key: Key
    /// Distinguishes sessions of the same name: clients give up when it changes.
    let serverSideID = UUID().uuidString.lowercased()
    let engine: QueryEngine
    let artifacts: SessionArtifacts
    let python: SessionPython
    private let state = Mutex(State())

    init(key: Key, engine: QueryEngine, memory: ComputeMemory, python: SessionPython = SessionPython(nil)) {
        artifacts = SessionArtifacts(memory)
        self.key = key
        self.engine = engine
        self.python = python
    }

    /// The level that a client asked for; a relation never asked about has none: all flags false, one replica.
    func storageLevel(of relation: Spark_Connect_Relation) throws -> Spark_Connect_StorageLevel {
        var none = Spark_Connect_StorageLevel()
        none.replication = 1
        let key = try SparkMessages.encode(relation).hashValue
        return state.withLock { $0.storageLevels[key] } ?? none
    }

    /// Remembers the level; beyond the limit it is forgotten, which changes no result.
    func setStorageLevel(_ level: Spark_Connect_StorageLevel?, of relation: Spark_Connect_Relation) throws {
        let key = try SparkMessages.encode(relation).hashValue
        state.withLock { state in
            if level == nil || state.storageLevels.count < Self.levelsMax { state.storageLevels[key] = level }
        }
    }

    func touch() { state.withLock { $0.lastUsed = .now } }

    func idleFor(_ now: ContinuousClock.Instant) -> Duration {
        state.withLock { $0.operations.values.contains { !$0.isFinished } ? .zero : now - $0.lastUsed }
    }

    func withConfig<Result: Sendable>(_ body: (inout SessionConfig) throws -> Result) rethrows -> Result {
        try state.withLock { state in
            defer { python.convertsSafely = state.config[SessionConfig.convertSafely] == "true" }
            return try body(&state.config)
        }
    }

    func add(_ operation: PlanOperation) throws {
        try state.withLock { state in
            guard state.operations[operation.id] == nil else {
                throw SparkError.invalidHandle("OPERATION_ALREADY_EXISTS", operation.id, "Operation already exists.")
            }
            guard state.operations.count < Self.operationsMax else {
                throw SparkError.unsupported("more than \(Self.operationsMax) operations in a session")
            }
            state.operations[operation.id] = operation
        }
    }

    func operation(_ id: String) throws -> PlanOperation {
        guard let operation = state.withLock({ $0.operations[id] }) else {
            throw SparkError.invalidHandle("OPERATION_NOT_FOUND", id, "Operation not found.")
        }
        return operation
    }

    func remove(_ id: String) {
        state.withLock { $0.operations.removeValue(forKey: id) }?.cancel()
    }

    /// By id, ascending.
    var operations: [PlanOperation] {
        state.withLock { $0.operations.values.sorted { $0.id < $1.id } }
    }

    func keep(_ error: SparkError) -> String {
        let id = UUID().uuidString.lowercased()
        state.withLock { state in
            if state.errors.count >= Self.errorsMax { state.errors.removeFirst() }
            state.errors.append((id, error))
        }
        return id
    }

    func error(_ id: String) -> SparkError? {
        state.withLock { state in state.errors.first { $0.id == id }?.error }
    }

    func close() {
        for operation in operations { remove(operation.id) }
        python.close()
    }
}

final class SessionTable: Sendable {
    static let sessionsMax = 1_000
    /// Closed sessions, remembered so that their ids are refused and not reopened silently.
    static let closedMax = 10_000
    static let idleMax = Duration.seconds(3_600)
    /// Life of an operation whose client does not come back. Clients try again at most a minute apart.
    static let detachedMax = Duration.seconds(120)

    private struct State {
        var sessions: [SparkSession.Key: SparkSession] = [:]
        var closed: [SparkSession.Key] = []
    }

    private let state = Mutex(State())
    private let files: FileSchemes
    private let tables: CatalogLookup
    private let limits: QuerySettings
    private let threads: QueryThreads
    private let memory: ComputeMemory
    private let pool: PythonWorkerPool?

    init(
        files: FileSchemes, tables: CatalogLookup, limits: QuerySettings, threads: QueryThreads, memory: ComputeMemory,
        pool: PythonWorkerPool?
    ) {
        self.pool = pool
        self.threads = threads
        self.memory = memory
        self.files = files
        self.tables = tables
        self.limits = limits
    }

    var count: Int { state.withLock { $0.sessions.count } }

    /// Finds or makes the session.
    func session(user: String, id: String, observedServerSideID: String?) throws -> SparkSession {
        guard UUID(uuidString: id) != nil else {
            throw SparkError.invalidHandle(
                "FORMAT", id, "Handle must be an UUID string of the format '00112233-4455-6677-8899-aabbccddeeff'")
        }
        let key = SparkSession.Key(user: user, session: id)
        let session = try state.withLock { state in
            if let session = state.sessions[key] { return session }
            guard !state.closed.contains(key) else { throw SparkError.invalidHandle("SESSION_CLOSED", id, "Session was closed.") }
            guard state.sessions.count < Self.sessionsMax else { throw SparkError.unsupported("more than \(Self.sessionsMax) sessions") }
            let python = SessionPython(pool)
            let engine = QueryEngine(files: files, tables: tables, limits: limits, threads: threads, python: python)
            let session = SparkSession(key: key, engine: engine, memory: memory, python: python)
            state.sessions[key] = session
            return session
        }
        if let observedServerSideID, !observedServerSideID.isEmpty, observedServerSideID != session.serverSideID {
            throw SparkError.invalidHandle(
                "SESSION_CHANGED", id, "The existing Spark server driver instance has restarted. Please reconnect.")
        }
        session.touch()
        return session
    }

    func release(user: String, id: String, allowReconnect: Bool) -> SparkSession? {
        let key = SparkSession.Key(user: user, session: id)
        let session = state.withLock { state in
            if !allowReconnect {
                if state.closed.count >= Self.closedMax { state.closed.removeFirst() }
                state.closed.append(key)
            }
            return state.sessions.removeValue(forKey: key)
        }
        session?.close()
        return session
    }

    /// Drops expired operations and sessions.
    func reap(_ now: ContinuousClock.Instant) {
        let sessions = state.withLock { Array($0.sessions.values) }
        for session in sessions {
            for operation in session.operations where (operation.detachedFor(now) ?? .zero) > Self.detachedMax {
                session.remove(operation.id)
            }
            if session.idleFor(now) > Self.idleMax { _ = release(user: session.key.user, id: session.key.session, allowReconnect: true) }
        }
    }

    func closeAll() {
        let sessions = state.withLock { state in
            defer { state.sessions = [:] }
            return Array(state.sessions.values)
        }
        for session in sessions { session.close() }
    }
}
