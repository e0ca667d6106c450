// The neutral, unresolved plan: made by the SQL parser and the Spark Connect door, read by the analyser. It holds names, never column ids
// or types. Each case is one relation of Spark Connect or one clause of SQL; `BoundPlan` is its resolved twin.

package indirect enum Plan: Sendable {
    /// A view or a table by name; `csv.`path`` is two parts.
    case table([String])
    case files(FileSource)
    case local(any LocalRows)
    case values([[Expression]])
    case range(RowRange)
    /// SELECT without FROM: one row, no columns.
    case oneRow
    case project([Expression], Plan)
    case filter(Expression, Plan)
    /// Outputs are the whole select list; with SQL they repeat the grouping expressions that the query selects. An integer literal in
    /// `groups` is an ordinal.
    case aggregate(groups: [Expression], outputs: [Expression], Plan)
    /// A filter that may name aggregates of the aggregation directly below it.
    case having(Expression, Plan)
    case join(Join)
    case sort([SortOrder], Plan)
    case limit(Int, Plan)
    case offset(Int, Plan)
    case setOperation(SetOperation)
    /// DISTINCT; with columns: one row for each distinct key (dropDuplicates).
    case deduplicate(columns: [String]?, Plan)
    case withColumns([NamedExpression], Plan)
    case renamed([ColumnRename], Plan)
    case drop([Expression], Plan)
    /// New names for all columns.
    case toDF([String], Plan)
    case subqueryAlias(name: String, columns: [String], Plan)
    case with([CommonTable], Plan)
    /// Spark Connect's plan id of a relation, so that `Expression.attribute(planID:)` finds it.
    case identified(planID: Int64, Plan)
    /// `explode` and its kin.
    case generate(Generate)
    case reshape(Reshape)
    case python(PythonRelation)
    /// Only inside the analyser: the input of a `reshape`, by its number.
    case known(Int)
    case command(Command)
}

/// Rows inside a plan. ComputeCore's `BatchList` implements it; plans do not know the layout of columns.
package protocol LocalRows: Sendable {
    var schema: Schema { get }
    var rowCount: Int { get }
}

package struct RowRange: Hashable, Sendable {
    package var start: Int64
    package var end: Int64
    package var step: Int64

    package init(start: Int64, end: Int64, step: Int64) {
        self.start = start
        self.end = end
        self.step = step
    }
}

package struct NamedExpression: Hashable, Sendable {
    package var name: String
    package var expression: Expression

    package init(name: String, expression: Expression) {
        self.name = name
        self.expression = expression
    }
}

package struct ColumnRename: Hashable, Sendable {
    package var from: String
    package var to: String

    package init(from: String, to: String) {
        self.from = from
        self.to = to
    }
}

package struct CommonTable: Sendable {
    package var name: String
    package var columns: [String]
    package var plan: Plan

    package init(name: String, columns: [String], plan: Plan) {
        self.name = name
        self.columns = columns
        self.plan = plan
    }
}

package enum JoinKind: Hashable, Sendable { case inner, leftOuter, rightOuter, fullOuter, leftSemi, leftAnti, cross }

package struct Join: Sendable {
    package var left: Plan
    package var right: Plan
    package var kind: JoinKind
    package var condition: Expression?
    package var using: [String]
    /// Over the columns that both sides have.
    package var isNatural = false

    package init(left: Plan, right: Plan, kind: JoinKind, condition: Expression? = nil, using: [String] = []) {
        self.left = left
        self.right = right
        self.kind = kind
        self.condition = condition
        self.using = using
    }
}

package enum SetKind: Hashable, Sendable { case union, intersect, except }

package struct SetOperation: Sendable {
    package var kind: SetKind
    package var all: Bool
    package var byName: Bool
    package var allowMissingColumns: Bool
    package var left: Plan
    package var right: Plan

    package init(kind: SetKind, all: Bool, byName: Bool = false, allowMissingColumns: Bool = false, left: Plan, right: Plan) {
        self.kind = kind
        self.all = all
        self.byName = byName
        self.allowMissingColumns = allowMissingColumns
        self.left = left
        self.right = right
    }
}

package enum Command: Sendable {
    case createView(name: String, columns: [String], Plan, replace: Bool)
    case describeQuery(Plan)
    case explain(Plan, extended: Bool)
    /// For a service with a catalog.
    case statement(Statement)
}

package enum FileFormat: String, Hashable, Sendable { case csv, json, text, parquet }

/// Files of one table. Option names are compared without regard to case.
package struct FileSource: Hashable, Sendable {
    package var format: FileFormat
    package var paths: [String]
    package var schema: Schema?
    /// In the given order; the last of equal names wins.
    package var options: [ReadOption]

    package init(format: FileFormat, paths: [String], schema: Schema? = nil, options: [ReadOption] = []) {
        self.format = format
        self.paths = paths
        self.schema = schema
        self.options = options
    }

    package func option(_ name: String) -> String? { options.last { Identifier.same($0.name, name) }?.value }
}

package struct ReadOption: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}
