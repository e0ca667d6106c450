// The analyser: an unresolved plan in, a resolved plan out. It looks up tables and columns, gives every column an id, decides types and
// output names, and refuses what Spark refuses. One analyser serves one statement. SELECT blocks, joins, set operations
// and the relations of DataFrames have their own files.

/// The analyser's questions to the session: views, tables and functions by name, and the schema of files.
package protocol Catalog {
    /// A temporary view.
    func view(_ name: String) -> ViewDefinition?
    /// A table or a view that lasts. `database` is that of names without one; nil for the session's.
    func relation(_ parts: [String], database: String?) throws(QueryError) -> CatalogRelation?
    func schema(of source: FileSource) throws(QueryError) -> Schema
    /// The names of the library's functions.
    var functionNames: [String] { get }
    /// A function of the library by its lower-case name.
    func function(_ name: String) -> FunctionSignature?
    /// A Python function of the session, in any letters' case.
    func python(_ name: String) -> PythonFunction?
    /// The session's current database.
    var database: String { get }
    /// The session's zone; nil for UTC.
    var zone: ZoneRules? { get }
    func zone(named name: String) -> ZoneRules?
}

/// A view with the views that it read at its definition: a later replacement of one of those does not change this one.
package struct ViewDefinition: Sendable {
    package var plan: Plan
    package var columns: [String]
    /// By lower-case name, sorted.
    package var captured: [CapturedView]
    /// The current database at its definition.
    package var database: String?

    package init(plan: Plan, columns: [String], captured: [CapturedView], database: String? = nil) {
        self.plan = plan
        self.columns = columns
        self.captured = captured
        self.database = database
    }
}

/// What the catalog knows under a name.
package struct CatalogRelation: Sendable {
    package enum Content: Sendable {
        case files(FileSource)
        /// A view; the names in it are looked up in `database`.
        case query(Plan, database: String)
    }

    /// Catalog, database and name.
    package var name: [String]
    package var content: Content

    package init(name: [String], _ content: Content) {
        self.name = name
        self.content = content
    }
}

package struct CapturedView: Sendable {
    package var name: String
    package var definition: ViewDefinition

    package init(name: String, definition: ViewDefinition) {
        self.name = name
        self.definition = definition
    }
}

/// What the analysers of one statement share.
final class AnalysisRecord {
    var lastID = 0
    var usedViews: [CapturedView] = []
    var relations: [[String]] = []

    func nextID() -> ColumnID {
        lastID += 1
        return ColumnID(lastID)
    }
}

/// The columns around a query inside of an expression, and those that it read.
private final class OuterScope {
    private let lookup: ([String]) throws(QueryError) -> BoundExpression
    private(set) var parameters: [BoundOutput] = []

    init(_ lookup: @escaping ([String]) throws(QueryError) -> BoundExpression) { self.lookup = lookup }

    func parameter(_ parts: [String], _ record: AnalysisRecord) throws(QueryError) -> BoundExpression {
        let found = try lookup(parts)
        return found.rewritten { node in
            guard case .column(let column) = node else { return node }
            if let known = parameters.first(where: { $0.expression == node }) { return .column(known.column) }
            record.lastID += 1
            let parameter = BoundColumn(id: ColumnID(record.lastID), name: column.name, type: column.type, nullable: column.nullable)
            parameters.append(BoundOutput(expression: node, column: parameter))
            return .column(parameter)
        }
    }
}

struct Resolved {
    var plan: BoundPlan
    var scope: Scope
}

package struct Analyser {
    let catalog: any Catalog
    /// Shared with the analysers of queries inside of expressions.
    let record = AnalysisRecord()
    /// The query around this one.
    private var outer: OuterScope?
    private var depth = 0
    /// Inputs of the relations around that ask for their schema.
    private var knownInputs: [Resolved] = []
    /// Visible common tables, innermost last.
    private var commonTables: [(name: String, columns: [String], plan: Plan, visible: Int)] = []
    /// Views captured by the view under resolution; nil at the top.
    private var captured: [CapturedView]?
    /// The database of names without one; nil for the session's.
    private var database: String?
    /// The lasting views under resolution, outermost first.
    private var openViews: [[String]] = []
    /// The scopes of Spark Connect's plan ids in this statement.
    var planScopes: [Int64: Scope] = [:]
    /// Views named by the statement itself, for the creation of a view.
    package var usedViews: [CapturedView] { record.usedViews }
    /// Tables and lasting views of the statement and of the views in it.
    package var relations: [[String]] { record.relations }

    /// Limit of the levels of relations; views and common tables count with their own.
    static let depthMax = 400
    /// Limit of the tables and lasting views in one statement, with those in its views.
    static let relationsMax = 10_000

    package init(catalog: any Catalog) { self.catalog = catalog }

    package mutating func analyse(_ plan: Plan) throws(QueryError) -> BoundPlan {
        let resolved = try resolve(plan)
        var plan = try Decorrelation(record).apply(Self.withVisibleOutput(resolved).plan)
        if let zone = catalog.zone { plan = try SessionZone.apply(plan, zone) }
        plan = try PythonExtraction(record).apply(plan)
        try Self.refuseMisplaced(plan)
        return plan
    }

    /// Aggregates and window functions are columns by now; one that is left stands where none may.
    private static func refuseMisplaced(_ plan: BoundPlan) throws(QueryError) {
        if plan.expressions.contains(where: { $0.containsAggregate || $0.containsWindow }) {
            throw QueryError.unsupported("an aggregate or window function outside of a select list, HAVING or ORDER BY")
        }
        for input in plan.inputs { try refuseMisplaced(input) }
    }

    /// Makes the plan give exactly the columns of `*`, in that order.
    static func withVisibleOutput(_ resolved: Resolved) -> Resolved {
        if resolved.plan.output.map(\.id) == resolved.scope.columns.map(\.id) { return resolved }
        let outputs = resolved.scope.columns.map { BoundOutput(expression: .column($0), column: $0) }
        return Resolved(plan: .project(outputs, resolved.plan), scope: Scope(resolved.scope.visible))
    }

    mutating func newColumn(_ name: String, _ type: DataType, nullable: Bool) -> BoundColumn {
        record.lastID += 1
        return BoundColumn(id: ColumnID(record.lastID), name: name, type: type, nullable: nullable)
    }

    mutating func output(_ expression: BoundExpression, named name: String) -> BoundOutput {
        if case .column(var column) = expression, column.name == name || Identifier.same(column.name, name) {
            column.name = name
            return BoundOutput(expression: expression, column: column)
        }
        return BoundOutput(expression: expression, column: newColumn(name, expression.type, nullable: expression.nullable))
    }

    mutating func resolve(_ plan: Plan) throws(QueryError) -> Resolved {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.depthMax { throw QueryError(.failedToParseTooComplex) }
        switch plan {
        case .table(let parts): return try table(parts)
        case .files(let source): return try files(source, qualifier: [])
        case .local(let rows):
            let columns = rows.schema.fields.map { newColumn($0.name, $0.type, nullable: $0.nullable) }
            return Resolved(plan: .local(rows, columns, kept: Array(columns.indices)), scope: Scope(columns: columns))
        case .values(let rows): return try values(rows)
        case .range(let range):
            let column = newColumn("id", .long, nullable: false)
            return Resolved(plan: .range(range, column), scope: Scope(columns: [column]))
        case .oneRow: return Resolved(plan: .rows([[]], []), scope: Scope())
        case .project, .aggregate, .having: return try resolveBlock(plan)
        case .sort(let orders, let input): return try sort(orders, input)
        case .filter(let condition, let input): return try filter(condition, try resolve(input))
        case .join(let join): return try resolveJoin(join)
        case .limit(let count, let input): return try wrap(input) { .limit(count, $0) }
        case .offset(let count, let input): return try wrap(input) { .offset(count, $0) }
        case .setOperation(let operation): return try resolveSetOperation(operation)
        case .deduplicate(let columns, let input): return try deduplicate(columns, input)
        case .withColumns(let named, let input): return try withColumns(named, input)
        case .renamed(let renames, let input): return try renamed(renames, input)
        case .drop(let expressions, let input): return try drop(expressions, input)
        case .toDF(let names, let input): return try toDF(names, input)
        case .subqueryAlias(let name, let columns, let input): return try alias(name, columns, input)
        case .with(let tables, let input): return try with(tables, input)
        case .identified(let planID, let input):
            let resolved = try resolve(input)
            planScopes[planID] = resolved.scope
            return resolved
        case .generate(let generate): return try resolveGenerate(generate)
        case .python(let relation): return try resolvePython(relation)
        case .reshape(let reshape):
            let input = Self.withVisibleOutput(try resolve(reshape.input))
            knownInputs.append(input)
            defer { knownInputs.removeLast() }
            return try resolve(try reshape.steps(Schema(input.scope.columns.map(\.field)), .known(knownInputs.count - 1)))
        case .known(let number): return knownInputs[number]
        case .command: throw QueryError.unsupported("a command inside of a query")
        }
    }

    private mutating func wrap(_ input: Plan, _ make: (BoundPlan) -> BoundPlan) throws(QueryError) -> Resolved {
        let resolved = try resolve(input)
        return Resolved(plan: make(resolved.plan), scope: resolved.scope)
    }

    // MARK: Names

    func binder(_ scope: Scope) -> ExpressionBinder {
        let analyser = self
        return ExpressionBinder { (parts, planID, _) throws(QueryError) in
            try analyser.lookup(parts, planID, scope)
        } subquery: { (test, query, bound) throws(QueryError) in
            try analyser.subquery(test, query, bound) { (parts) throws(QueryError) in try analyser.lookup(parts, nil, scope) }
        } function: {
            analyser.catalog.function($0)
        } python: {
            analyser.catalog.python($0)
        } newID: {
            analyser.record.nextID()
        } zone: {
            analyser.zone($0)
        } database: {
            analyser.catalog.database
        } hint: {
            NearNames.hint($0, among: RoutineNames.all + analyser.catalog.functionNames)
        }
    }

    /// A zone by name, or the session's.
    func zone(_ name: String?) -> ZoneRules? {
        guard let name else { return catalog.zone ?? ZoneRules.fixed("UTC") }
        return catalog.zone(named: name)
    }

    /// A column of the scope, or of the query around it.
    func lookup(_ parts: [String], _ planID: Int64?, _ scope: Scope) throws(QueryError) -> BoundExpression {
        do throws(QueryError) {
            return try inner(parts, planID, scope)
        } catch {
            guard let outer, error.errorClass == .unresolvedColumn || error.errorClass == .unresolvedColumnNoSuggestion else { throw error }
            do throws(QueryError) {
                return try outer.parameter(parts, record)
            } catch let unknown {
                // The author looks for the name in the inner query first.
                throw unknown.errorClass == .unresolvedColumn || unknown.errorClass == .unresolvedColumnNoSuggestion ? error : unknown
            }
        }
    }

    /// Resolves a query inside of an expression; `lookup` finds the columns around it.
    func subquery(
        _ test: SubqueryTest, _ query: SubqueryPlan, _ values: [BoundExpression],
        _ lookup: @escaping ([String]) throws(QueryError) -> BoundExpression
    ) throws(QueryError) -> BoundExpression {
        var analyser = self
        let scope = OuterScope(lookup)
        analyser.outer = scope
        analyser.planScopes = [:]
        let plan = Self.withVisibleOutput(try analyser.resolve(query.plan)).plan
        let columns = plan.output
        switch test {
        case .exists:
            return .subquery(BoundSubquery(kind: .exists, values: [], parameters: scope.parameters, query: plan, type: .boolean))
        case .scalar:
            guard columns.count == 1 else { throw QueryError(.scalarSubqueryColumns, ["number": "\(columns.count)"]) }
            return .subquery(
                BoundSubquery(kind: .scalar, values: [], parameters: scope.parameters, query: plan, type: columns[0].type))
        case .contains:
            guard columns.count == values.count else {
                throw QueryError(.inSubqueryLength, ["leftLength": "\(values.count)", "rightLength": "\(columns.count)"])
            }
            var outputs: [BoundOutput] = []
            var casted: [BoundExpression] = []
            for (value, column) in zip(values, columns) {
                guard let type = TypeCoercion.common(value.type, column.type) else {
                    throw QueryError(
                        .inSubqueryTypes, ["leftType": "\"\(value.type.sqlName)\"", "rightType": "\"\(column.type.sqlName)\""])
                }
                casted.append(TypeCoercion.cast(value, to: type))
                outputs.append(analyser.output(TypeCoercion.cast(.column(column), to: type), named: column.name))
            }
            let changes = outputs.contains { if case .cast = $0.expression { true } else { false } }
            return .subquery(
                BoundSubquery(
                    kind: .contains, values: casted, parameters: scope.parameters, query: changes ? .project(outputs, plan) : plan,
                    type: .boolean))
        }
    }

    private func inner(_ parts: [String], _ planID: Int64?, _ scope: Scope) throws(QueryError) -> BoundExpression {
        if let planID, let origin = planScopes[planID] {
            if let (column, used) = try origin.find(parts),
                let here = (scope.visible + scope.hidden).first(where: { $0.column.id == column.id })
            {
                return try Self.fields(parts, used, .column(here.column))
            }
            throw QueryError(.cannotResolveDataFrameColumn, ["name": Identifier.quoted(parts)])
        }
        guard let (column, used) = try scope.find(parts) else { throw scope.unresolved(parts) }
        return try Self.fields(parts, used, .column(column))
    }

    private static func fields(_ parts: [String], _ used: Int, _ column: BoundExpression) throws(QueryError) -> BoundExpression {
        var expression = column
        for index in used..<parts.count {
            expression = try ExpressionBinder.field(parts[index], of: expression, parts[..<index].joined(separator: "."))
        }
        return expression
    }

    private mutating func table(_ parts: [String]) throws(QueryError) -> Resolved {
        if parts.count == 1 {
            let limit = commonTables.count
            for index in (0..<limit).reversed() where Identifier.same(commonTables[index].name, parts[0]) {
                let table = commonTables[index]
                // A common table sees only those before it.
                let saved = (commonTables, outer)
                commonTables = Array(commonTables.prefix(table.visible))
                outer = nil
                defer { (commonTables, outer) = saved }
                return try alias(table.name, table.columns, table.plan)
            }
            if let definition = view(parts[0]) { return try viewRelation(parts[0], definition) }
        }
        if let found = try catalog.relation(parts, database: database) { return try relation(found) }
        if parts.count == 2, let format = FileFormat(rawValue: parts[0].lowercased()) {
            return try files(FileSource(format: format, paths: [parts[1]]), qualifier: [])
        }
        if parts.count == 2, ["orc", "avro"].contains(parts[0].lowercased()) {
            throw QueryError.unsupported("data source \(parts[0])")
        }
        throw QueryError(.tableOrViewNotFound, ["relationName": Identifier.quoted(parts), "searchPath": QueryError.searchPath])
    }

    private mutating func view(_ name: String) -> ViewDefinition? {
        if let captured { return captured.first { Identifier.same($0.name, name) }?.definition }
        guard let definition = catalog.view(name) else { return nil }
        if !usedViews.contains(where: { Identifier.same($0.name, name) }) {
            record.usedViews.append(CapturedView(name: name, definition: definition))
        }
        return definition
    }

    private mutating func viewRelation(_ name: String, _ definition: ViewDefinition) throws(QueryError) -> Resolved {
        let saved = (captured, commonTables, outer, database)
        captured = definition.captured
        commonTables = []
        outer = nil
        database = definition.database
        defer { (captured, commonTables, outer, database) = saved }
        return try alias(name, definition.columns, definition.plan)
    }

    private mutating func relation(_ found: CatalogRelation) throws(QueryError) -> Resolved {
        // Views that name each other twice would grow by powers of two.
        if record.relations.count >= Self.relationsMax { throw QueryError(.failedToParseTooComplex) }
        record.relations.append(found.name)
        switch found.content {
        case .files(let source): return try files(source, qualifier: found.name)
        case .query(let plan, let home):
            if openViews.contains(found.name) { throw QueryError(.recursiveView, ["viewIdent": Identifier.quoted(found.name)]) }
            let saved = (captured, commonTables, outer, database)
            // A lasting view sees no temporary one.
            (captured, commonTables, outer, database) = ([], [], nil, home)
            openViews.append(found.name)
            defer {
                openViews.removeLast()
                (captured, commonTables, outer, database) = saved
            }
            let resolved = Self.withVisibleOutput(try resolve(plan))
            return Resolved(plan: resolved.plan, scope: Scope(columns: resolved.scope.columns, qualifier: found.name))
        }
    }

    private mutating func with(_ tables: [CommonTable], _ input: Plan) throws(QueryError) -> Resolved {
        let saved = commonTables
        defer { commonTables = saved }
        for table in tables { commonTables.append((table.name, table.columns, table.plan, commonTables.count)) }
        return try resolve(input)
    }

    mutating func alias(_ name: String, _ columns: [String], _ input: Plan) throws(QueryError) -> Resolved {
        var resolved = Self.withVisibleOutput(try resolve(input))
        if !columns.isEmpty { resolved = try named(columns, resolved) }
        return Resolved(plan: resolved.plan, scope: Scope(columns: resolved.scope.columns, qualifier: [name]))
    }

    mutating func named(_ names: [String], _ resolved: Resolved) throws(QueryError) -> Resolved {
        let columns = resolved.scope.columns
        guard names.count == columns.count else {
            throw QueryError(.assignmentArityMismatch, ["numTarget": "\(names.count)", "numExpr": "\(columns.count)"])
        }
        var outputs: [BoundOutput] = []
        for (name, column) in zip(names, columns) {
            outputs.append(BoundOutput(expression: .column(column), column: newColumn(name, column.type, nullable: column.nullable)))
        }
        return Resolved(plan: .project(outputs, resolved.plan), scope: Scope(columns: outputs.map(\.column)))
    }

    // MARK: Leaves

    private mutating func files(_ source: FileSource, qualifier: [String]) throws(QueryError) -> Resolved {
        let schema = try catalog.schema(of: source)
        let columns = schema.fields.map { newColumn($0.name, $0.type, nullable: true) }
        let files = BoundFiles(source: source, schema: schema, columns: columns, kept: Array(columns.indices))
        return Resolved(plan: .files(files), scope: Scope(columns: columns, qualifier: qualifier))
    }

    private mutating func values(_ rows: [[Expression]]) throws(QueryError) -> Resolved {
        let binder = binder(Scope())
        var bound: [[BoundExpression]] = []
        let width = rows.first?.count ?? 0
        for (index, row) in rows.enumerated() {
            guard row.count == width else {
                throw QueryError(
                    .inlineTableColumns, ["expectedNumCols": "\(width)", "actualNumCols": "\(row.count)", "rowIndex": "\(index)"])
            }
            var values: [BoundExpression] = []
            for expression in row {
                let value = try binder.bind(expression)
                if value.containsAggregate { throw QueryError(.inlineTableExpression, ["expr": "\"\(expression.prettyName)\""]) }
                values.append(value)
            }
            bound.append(values)
        }
        var columns: [BoundColumn] = []
        for index in 0..<width {
            var type = DataType.null
            for row in bound {
                guard let wider = TypeCoercion.common(type, row[index].type) else {
                    throw QueryError(.inlineTableTypes, ["colName": "`col\(index + 1)`"])
                }
                type = wider
            }
            columns.append(newColumn("col\(index + 1)", type, nullable: bound.contains { $0[index].nullable }))
        }
        let casted = bound.map { row in zip(row, columns).map { TypeCoercion.cast($0, to: $1.type) } }
        return Resolved(plan: .rows(casted, columns), scope: Scope(columns: columns))
    }
}
