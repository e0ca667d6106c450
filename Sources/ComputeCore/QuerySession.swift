// The entry of the SQL engine: one session's views and settings, SQL to plan, plan to result. The Spark Connect door and tests use only
// this. It is a value: queries need only a copy, commands change it. Nothing here waits or runs in the background.

import Collections
import QueryCore

package struct QuerySettings: Sendable {
    /// Memory limit of one query's operators.
    package var memoryBytesMax = 1 << 30
    /// Where operators put rows beyond their memory; nil refuses them.
    package var spill: (any SpillFiles)?
    /// Bytes of a text file for one thread at a time.
    package var morselBytes = 512 << 10
    /// The session's time zone; nil for UTC.
    package var zone: ZoneRules?
    /// Zones by name; without it offsets only.
    package var zones: (any TimeZones)?
    package init() {}
}

package struct QuerySession: Sendable, Catalog {
    /// Views of one session.
    package static let viewsMax = 10_000
    /// Python functions of one session.
    package static let functionsMax = 10_000

    package var settings: QuerySettings
    private let files: any TableFiles
    private let tables: (any TableLookup)?
    /// The database of names without one.
    package var database = "default"
    /// By lower-case name.
    private var views: OrderedDictionary<String, NamedView> = [:]

    /// Runs Python functions of queries; nil refuses them.
    package var pythonRunner: (any PythonRunner)?
    /// Python functions by lower-case name.
    private var pythonFunctions: [String: PythonFunction] = [:]

    private struct NamedView {
        var name: String
        var definition: ViewDefinition
    }

    package init(files: any TableFiles, tables: (any TableLookup)? = nil, settings: QuerySettings = QuerySettings()) {
        self.files = files
        self.tables = tables
        self.settings = settings
    }

    // MARK: Plans

    /// Parses one statement.
    package func plan(sql: String) throws(QueryError) -> Plan { try Parser.parse(sql) }

    /// The result's schema without running anything (files may be sampled). `now` is in microseconds since 1970.
    package func schema(of plan: Plan, now: Int64) throws(QueryError) -> Schema {
        guard case .command(let command) = Self.unwrapped(plan) else { return try analysed(plan).schema }
        return Self.schema(of: command)
    }

    /// Whether running the plan may change the session (create or drop a view).
    package static func isCommand(_ plan: Plan) -> Bool {
        if case .command = unwrapped(plan) { true } else { false }
    }

    /// The statement of a plan, if it is one for a service with a catalog.
    package static func statement(_ plan: Plan) -> Statement? {
        if case .command(.statement(let statement)) = unwrapped(plan) { statement } else { nil }
    }

    private static func unwrapped(_ plan: Plan) -> Plan {
        if case .identified(_, let inner) = plan { unwrapped(inner) } else { plan }
    }

    func analysed(_ plan: Plan) throws(QueryError) -> BoundPlan {
        var analyser = Analyser(catalog: self)
        return try analyser.analyse(plan)
    }

    /// Spark's text of EXPLAIN.
    package func explain(_ plan: Plan, now: Int64, extended: Bool = false) throws(QueryError) -> String {
        let bound = try analysed(plan)
        let optimised = Self.optimised(bound, now)
        let physical = "== Physical Plan ==\n" + PlanText.render(Planner.plan(optimised)) + "\n"
        return extended ? "== Analyzed Logical Plan ==\n" + PlanText.render(bound) + "\n" + physical : physical
    }

    static func optimised(_ plan: BoundPlan, _ now: Int64) -> BoundPlan {
        // An expression that raises is not folded, so that the error comes with the evaluation of a row; hence `try?`.
        Optimiser.optimise(plan) { try? Evaluator.constant($0, now: now) }
    }

    // MARK: Running

    /// Runs a query; it does not change the session, so a copy of the session serves. `now` is in microseconds since 1970. It runs on the
    /// calling thread and those of `workers`. Each source calls `isCancelled` before every batch, from any of these threads. `pool` holds
    /// the memory shared with other queries.
    package func run(
        _ plan: Plan, now: Int64, workers: any QueryWorkers = SerialWorkers(), pool: (any QueryMemoryPool)? = nil,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(QueryError) -> QueryRun {
        let bound = try analysed(plan)
        let context = context(now: now, workers: workers, pool: pool, isCancelled: isCancelled)
        return QueryRun(
            schema: bound.schema, zone: zone, source: try Pipelines(context: context).source(Planner.plan(Self.optimised(bound, now))))
    }

    func context(
        now: Int64, workers: any QueryWorkers, pool: (any QueryMemoryPool)?, isCancelled: @escaping @Sendable () -> Bool
    ) -> QueryContext {
        let grant = QueryGrant(bytesMax: settings.memoryBytesMax, workers: workers, pool: pool, isCancelled: isCancelled)
        return QueryContext(
            files: files, now: now, zone: zone, grant: grant, workers: workers, morselBytes: settings.morselBytes, isCancelled: isCancelled,
            python: pythonRunner, spill: settings.spill)
    }

    /// Runs a query or a command. A command is done on return; its rows, if any, are in the result.
    package mutating func execute(_ plan: Plan, now: Int64, workers: any QueryWorkers = SerialWorkers()) throws(QueryError) -> QueryRun {
        guard case .command(let command) = Self.unwrapped(plan) else { return try run(plan, now: now, workers: workers) }
        let schema = Self.schema(of: command)
        var rows: [[Value]] = []
        switch command {
        case .createView(let name, let columns, let query, let replace): try createView(name, columns: columns, query, replace: replace)
        case .describeQuery(let query): rows = Self.description(try analysed(query).schema)
        case .explain(let inner, let extended):
            let text = Self.isCommand(inner) ? "== Physical Plan ==\nCommand\n" : try explain(inner, now: now, extended: extended)
            rows = [[.string(text)]]
        case .statement: throw QueryError.unsupported("a statement about tables and settings where a query is expected")
        }
        return QueryRun(schema: schema, rows: rows)
    }

    private static func schema(of command: Command) -> Schema {
        switch command {
        case .createView, .statement: Schema([])
        case .describeQuery: descriptionSchema
        case .explain: Schema([StructField("plan", .string)])
        }
    }

    /// The columns of DESCRIBE.
    package static let descriptionSchema = Schema([
        StructField("col_name", .string, nullable: false), StructField("data_type", .string, nullable: false),
        StructField("comment", .string),
    ])

    /// The rows of DESCRIBE.
    package static func description(_ schema: Schema) -> [[Value]] {
        schema.fields.map { [.string($0.name), .string($0.type.simpleString), .null] }
    }

    // MARK: Views

    /// Names as created, in alphabetical order.
    package var viewNames: [String] { views.values.map(\.name).sorted() }

    /// Defines a temporary view; the plan is checked now, so an unknown column is refused here and not at first use.
    package mutating func createView(_ name: String, columns: [String] = [], _ plan: Plan, replace: Bool) throws(QueryError) {
        let key = name.lowercased()
        if views[key] != nil, !replace { throw QueryError(.tempViewAlreadyExists, ["relationName": Identifier.quoted(name)]) }
        if views.count >= Self.viewsMax, views[key] == nil {
            throw QueryError.unsupported("more than \(Self.viewsMax) views in one session")
        }
        var plan = plan
        if case .files(var source) = plan, source.schema == nil {
            // The schema is inferred once, as in Spark: later queries read the files only for their rows.
            source.schema = try schema(of: source)
            plan = .files(source)
        }
        var analyser = Analyser(catalog: self)
        _ = try analyser.analyse(.subqueryAlias(name: name, columns: columns, plan))
        let captured = analyser.usedViews.sorted { $0.name < $1.name }
        views[key] = NamedView(name: name, definition: ViewDefinition(plan: plan, columns: columns, captured: captured, database: database))
    }

    /// Returns whether the view existed.
    package mutating func dropView(_ name: String) -> Bool { views.removeValue(forKey: name.lowercased()) != nil }

    package func relation(_ parts: [String], database: String?) throws(QueryError) -> CatalogRelation? {
        try tables?.relation(parts, database: database ?? self.database)
    }

    /// What a query would be as a lasting view: its columns, the temporary views in it, the tables and lasting views that it reads.
    package func viewFacts(_ plan: Plan) throws(QueryError) -> (schema: Schema, temporary: [String], relations: [[String]]) {
        var analyser = Analyser(catalog: self)
        let schema = try analyser.analyse(plan).schema
        return (schema, analyser.usedViews.map(\.name), analyser.relations)
    }

    package var zone: ZoneRules? { settings.zone }

    package func zone(named name: String) -> ZoneRules? { settings.zones?.rules(name) ?? ZoneRules.fixed(name) }

    package var functionNames: [String] { FunctionTable.words }

    // MARK: Python functions

    package func python(_ name: String) -> PythonFunction? { pythonFunctions[name.lowercased()] }

    /// A later function of the same name replaces an earlier one.
    package mutating func register(_ function: PythonFunction, as name: String) throws(QueryError) {
        let key = name.lowercased()
        if pythonFunctions.count >= Self.functionsMax, pythonFunctions[key] == nil {
            throw QueryError.unsupported("more than \(Self.functionsMax) Python functions in one session")
        }
        pythonFunctions[key] = function
    }

    package func function(_ name: String) -> FunctionSignature? { FunctionTable.signature(name) }

    package func view(_ name: String) -> ViewDefinition? { views[name.lowercased()]?.definition }

    // MARK: Files

    /// The schema of files: given, or read from header and sample. A missing path is PATH_NOT_FOUND also when a schema is given.
    package func schema(of source: FileSource) throws(QueryError) -> Schema {
        let found = try files.dataFiles(source.paths)
        let partitions = try Partitions(found, wanted: source.schema)
        if let schema = source.schema { return partitions.schema(with: schema) }
        return partitions.schema(with: try dataSchema(of: source, found))
    }

    /// The files that a query reads, also through tables and views.
    package func sources(of plan: Plan) throws(QueryError) -> [FileSource] {
        var sources: [FileSource] = []
        func gather(_ plan: BoundPlan) {
            if case .files(let files) = plan { sources.append(files.source) }
            plan.inputs.forEach(gather)
        }
        gather(try analysed(plan))
        return sources
    }

    /// The columns in the files themselves.
    private func dataSchema(of source: FileSource, _ found: [TableFile]) throws(QueryError) -> Schema {
        switch source.format {
        case .csv: return try CSVSchema.infer(found, source, files)
        case .json: return try JSONSchema.infer(found, source, files)
        case .text: return TextReader.textSchema
        case .parquet: return try ParquetTableSchema.infer(found, source, files, QueryGrant(bytesMax: settings.memoryBytesMax))
        }
    }
}

/// A result, pulled batch by batch. It belongs to one thread at a time.
package final class QueryRun {
    package let schema: Schema
    /// The session's time zone, for prints of its timestamps; nil for UTC.
    package let zone: ZoneRules?
    private let source: (any BatchSource)?
    private var batch: Batch?

    init(schema: Schema, zone: ZoneRules? = nil, source: any BatchSource) {
        self.schema = schema
        self.zone = zone
        self.source = source
    }

    /// Rows that are there, in the order of the schema's columns.
    package init(schema: Schema, rows: [[Value]]) {
        self.schema = schema
        zone = nil
        source = nil
        let columns = schema.fields.indices.map { index in Column(type: schema.fields[index].type, values: rows.map { $0[index] }) }
        batch = Batch(schema: schema, columns: columns, rowCount: rows.count)
    }

    /// The next batch with rows; nil at the end.
    package func next() throws(QueryError) -> Batch? {
        guard let source else {
            defer { batch = nil }
            return batch.flatMap { $0.rowCount > 0 ? $0 : nil }
        }
        while let next = try source.next() {
            if next.rowCount > 0 { return Batch(schema: schema, columns: next.columns, rowCount: next.rowCount) }
        }
        return nil
    }

    /// At most `count` rows, as values.
    package func rows(upTo count: Int = Int.max) throws(QueryError) -> [[Value]] {
        var rows: [[Value]] = []
        while rows.count < count, let batch = try next() {
            for row in 0..<min(batch.rowCount, count - rows.count) { rows.append(batch.row(row)) }
        }
        return rows
    }
}
