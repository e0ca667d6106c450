// The SQL engine of one session, shared by its threads: queries run on a copy of the session's state, commands change it one at a time. The
// clock is read here, since the engine has none.
import ComputeCore
import ComputeRuntime
import Foundation
import QueryCore
import Synchronization

final class QueryEngine: Sendable {
    private let session: Mutex<QuerySession>
    private let files: JobTableFiles
    private let threads: QueryThreads

    init(files: FileSchemes, tables: any TableLookup, limits: QuerySettings, threads: QueryThreads, python: SessionPython? = nil) {
        self.threads = threads
        self.files = JobTableFiles(schemes: files)
        var settings = limits
        settings.zones = Self.zones
        var session = QuerySession(files: self.files, tables: tables, settings: settings)
        session.pythonRunner = python
        self.session = Mutex(session)
    }

    /// Shared by all sessions.
    static let zones = SystemTimeZones()

    /// Sets the session's time zone; its name was checked.
    func setZone(_ name: String) {
        session.withLock { $0.settings.zone = Self.zones.rules(name).flatMap { $0.isUTC ? nil : $0 } }
    }

    func schema(_ plan: Plan) throws -> Schema {
        try copy.schema(of: plan, now: Self.now)
    }

    func explain(_ plan: Plan, extended: Bool) throws -> String {
        try copy.explain(plan, now: Self.now, extended: extended)
    }

    /// Rows of a query, batch by batch, until the operation is cancelled.
    func run(_ plan: Plan, _ operation: PlanOperation) throws -> QueryRun {
        let token = operation.token
        return try copy.run(plan, now: Self.now, workers: threads, pool: operation.memory, isCancelled: { token.isCancelled })
    }

    /// Writes the rows of a query; the caller commits the output.
    func write(_ plan: Plan, as shape: OutputShape, to output: any TableOutput, _ operation: PlanOperation) throws {
        let token = operation.token
        try copy.write(
            plan, as: shape, to: output, now: Self.now, workers: threads, pool: operation.memory, isCancelled: { token.isCancelled })
    }

    func checkWrite(_ plan: Plan, as shape: OutputShape) throws { try copy.checkWrite(plan, as: shape, now: Self.now) }

    /// Runs a command, which may change the session's views; its rows are in the result.
    func execute(_ plan: Plan) throws -> QueryRun {
        try session.withLock { session in
            // The copy keeps a failed command from a half-made change.
            var changed = session
            // The result holds rows only and is given to this caller alone.
            nonisolated(unsafe) let run = try changed.execute(plan, now: Self.now)
            session = changed
            return run
        }
    }

    func createView(_ name: String, _ plan: Plan, replace: Bool) throws {
        try session.withLock { try $0.createView(name, plan, replace: replace) }
    }

    func register(_ function: PythonFunction, as name: String) throws {
        try session.withLock { try $0.register(function, as: name) }
    }

    /// Of the temporary views.
    var viewNames: [String] { copy.viewNames }

    /// Whether it is a temporary view.
    func hasView(_ nameParts: [String]) -> Bool {
        guard let name = nameParts.last, nameParts.count == 1 else { return false }
        return copy.view(name) != nil
    }

    /// Returns whether the view existed.
    func dropView(_ name: String) -> Bool { session.withLock { $0.dropView(name) } }

    func viewFacts(_ plan: Plan) throws -> (schema: Schema, temporary: [String], relations: [[String]]) { try copy.viewFacts(plan) }

    /// The database of names without one. Its setter does not look whether it exists.
    var database: String {
        get { copy.database }
        set { session.withLock { $0.database = newValue } }
    }

    /// The files of a plan, by path.
    func inputFiles(_ plan: Plan) throws -> [String] {
        var paths: Set<String> = []
        for source in try copy.sources(of: plan) {
            for path in source.paths { for file in try files.list(path) ?? [] { paths.insert(file.path) } }
        }
        return paths.sorted().map { JobPath.scheme($0) == nil ? "file://\($0)" : $0 }
    }

    private var copy: QuerySession { session.withLock { $0 } }

    /// Microseconds since 1970.
    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }
}
