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

    init(files: FileSchemes, queryBytesMax: Int, threads: QueryThreads) {
        self.threads = threads
        self.files = JobTableFiles(schemes: files)
        var settings = QuerySettings()
        settings.memoryBytesMax = queryBytesMax
        settings.zones = Self.zones
        session = Mutex(QuerySession(files: self.files, settings: settings))
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

    var viewNames: [String] { copy.viewNames }

    func hasView(_ nameParts: [String]) throws -> Bool {
        guard let name = nameParts.last, nameParts.count == 1 else { return false }
        return copy.view(name) != nil
    }

    /// Returns whether the view existed.
    func dropView(_ name: String) throws -> Bool {
        try session.withLock { session in
            guard session.view(name) != nil else { return false }
            try session.dropView(name, ifExists: true)
            return true
        }
    }

    /// The files of a plan, by path.
    func inputFiles(_ plan: Plan) throws -> [String] {
        _ = try schema(plan)
        var paths: Set<String> = []
        for source in Self.sources(plan) {
            for path in source.paths { for file in try files.list(path) ?? [] { paths.insert(file.path) } }
        }
        return paths.sorted().map { JobPath.scheme($0) == nil ? "file://\($0)" : $0 }
    }

    private var copy: QuerySession { session.withLock { $0 } }

    /// Microseconds since 1970.
    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }

    private static func sources(_ plan: Plan) -> [FileSource] {
        switch plan {
        case .files(let source): [source]
        case .table, .local, .values, .range, .oneRow, .known, .command: []
        case .reshape(let reshape): sources(reshape.input)
        case .project(_, let input), .filter(_, let input), .aggregate(_, _, let input), .having(_, let input), .sort(_, let input),
            .limit(_, let input), .offset(_, let input), .deduplicate(_, let input), .withColumns(_, let input), .renamed(_, let input),
            .drop(_, let input), .toDF(_, let input), .subqueryAlias(_, _, let input), .identified(_, let input):
            sources(input)
        case .generate(let generate): generate.input.map(sources) ?? []
        case .join(let join): sources(join.left) + sources(join.right)
        case .setOperation(let operation): sources(operation.left) + sources(operation.right)
        case .with(let tables, let input): tables.flatMap { sources($0.plan) } + sources(input)
        }
    }
}
