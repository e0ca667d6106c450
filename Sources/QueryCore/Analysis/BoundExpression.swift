// Resolved expressions: every name is a column id, every function is known, every type is decided and every implicit cast is explicit. The
// optimiser rewrites them, ComputeCore evaluates them. Equality is structural, which GROUP BY matching relies on.

package struct ColumnID: Hashable, Sendable, Comparable {
    package let number: Int
    package init(_ number: Int) { self.number = number }
    package static func < (left: ColumnID, right: ColumnID) -> Bool { left.number < right.number }
}

/// An output column of some operator.
package struct BoundColumn: Hashable, Sendable {
    package var id: ColumnID
    package var name: String
    package var type: DataType
    package var nullable: Bool

    package init(id: ColumnID, name: String, type: DataType, nullable: Bool) {
        self.id = id
        self.name = name
        self.type = type
        self.nullable = nullable
    }

    package var field: StructField { StructField(name, type, nullable: nullable) }
}

package indirect enum BoundExpression: Hashable, Sendable {
    case literal(Literal)
    case column(BoundColumn)
    case call(ScalarFunction, [BoundExpression], type: DataType)
    case cast(BoundExpression, to: DataType, isTry: Bool)
    /// The first branch with a true condition; a branch is evaluated only for the rows that reach it.
    case caseWhen([BoundBranch], otherwise: BoundExpression, type: DataType)
    case inList(BoundExpression, [BoundExpression])
    case field(BoundExpression, index: Int, type: DataType)
    case element(BoundExpression, key: BoundExpression, type: DataType)
    /// Only inside the analyser: the aggregate binder replaces it by a column.
    case aggregate(AggregateCall)
    /// Only until decorrelation, which makes a join of it.
    case subquery(BoundSubquery)
    /// A function with lambdas: `transform(values, x -> x + 1)`.
    case higherOrder(HigherOrderFunction, [BoundExpression], [BoundLambda], type: DataType)
    /// A parameter of a lambda around.
    case parameter(BoundColumn)
    /// Only inside the analyser: the SELECT block replaces it by a column.
    case window(WindowCall)

    package var type: DataType {
        switch self {
        case .literal(let literal): literal.type
        case .column(let column), .parameter(let column): column.type
        case .call(_, _, let type), .caseWhen(_, _, let type), .field(_, _, let type), .element(_, _, let type),
            .higherOrder(_, _, _, let type):
            type
        case .cast(_, let type, _): type
        case .inList: .boolean
        case .aggregate(let call): call.type
        case .subquery(let query): query.type
        case .window(let call): call.type
        }
    }

    package var nullable: Bool {
        switch self {
        case .literal(let literal): literal.value.isNull
        case .column(let column), .parameter(let column): column.nullable
        case .higherOrder(let function, let arguments, let lambdas, _): function.nullable(arguments, lambdas)
        case .call(let function, let arguments, _): function.nullable(arguments)
        case .cast(let inner, let type, let isTry): isTry || inner.nullable || (inner.type == .string && type != .string)
        case .caseWhen(let branches, let otherwise, _): otherwise.nullable || branches.contains { $0.result.nullable }
        case .inList(let value, let items): value.nullable || items.contains { $0.nullable }
        case .field, .element: true
        case .aggregate(let call): call.nullable
        case .subquery(let query): query.kind != .exists
        case .window(let call): call.nullable
        }
    }

    package var children: [BoundExpression] {
        switch self {
        case .literal, .column, .parameter: []
        case .higherOrder(_, let arguments, let lambdas, _): arguments + lambdas.map(\.body)
        case .call(_, let arguments, _): arguments
        case .cast(let inner, _, _), .field(let inner, _, _): [inner]
        case .caseWhen(let branches, let otherwise, _): branches.flatMap { [$0.condition, $0.result] } + [otherwise]
        case .inList(let value, let items): [value] + items
        case .element(let base, let key, _): [base, key]
        case .aggregate(let call): call.arguments + (call.filter.map { [$0] } ?? [])
        case .subquery(let query): query.values + query.parameters.map(\.expression)
        case .window(let call): call.expressions
        }
    }

    /// Rebuilds the tree from the leaves up.
    package func rewritten<E: Error>(_ change: (BoundExpression) throws(E) -> BoundExpression) throws(E) -> BoundExpression {
        try change(try mapChildren { (child) throws(E) in try child.rewritten(change) })
    }

    package func mapChildren<E: Error>(_ change: (BoundExpression) throws(E) -> BoundExpression) throws(E) -> BoundExpression {
        func all(_ list: [BoundExpression]) throws(E) -> [BoundExpression] {
            var out: [BoundExpression] = []
            for item in list { out.append(try change(item)) }
            return out
        }
        switch self {
        case .literal, .column, .parameter: return self
        case .higherOrder(let function, let arguments, let lambdas, let type):
            var changed = lambdas
            for index in changed.indices { changed[index].body = try change(changed[index].body) }
            return .higherOrder(function, try all(arguments), changed, type: type)
        case .call(let function, let arguments, let type): return .call(function, try all(arguments), type: type)
        case .cast(let inner, let type, let isTry): return .cast(try change(inner), to: type, isTry: isTry)
        case .field(let inner, let index, let type): return .field(try change(inner), index: index, type: type)
        case .element(let base, let key, let type): return .element(try change(base), key: try change(key), type: type)
        case .inList(let value, let items): return .inList(try change(value), try all(items))
        case .caseWhen(let branches, let otherwise, let type):
            var out: [BoundBranch] = []
            for branch in branches { out.append(BoundBranch(condition: try change(branch.condition), result: try change(branch.result))) }
            return .caseWhen(out, otherwise: try change(otherwise), type: type)
        case .aggregate(var call):
            call.arguments = try all(call.arguments)
            if let filter = call.filter { call.filter = try change(filter) }
            return .aggregate(call)
        case .subquery(var query):
            query.values = try all(query.values)
            for index in query.parameters.indices { query.parameters[index].expression = try change(query.parameters[index].expression) }
            return .subquery(query)
        case .window(let call): return .window(try call.mapExpressions(change))
        }
    }

    /// Ids of the columns it reads, ascending and once each.
    package var columnIDs: [ColumnID] {
        var found: Set<ColumnID> = []
        collectColumns(into: &found)
        return found.sorted()
    }

    private func collectColumns(into found: inout Set<ColumnID>) {
        if case .column(let column) = self { found.insert(column.id) }
        for child in children { child.collectColumns(into: &found) }
    }

    package var containsAggregate: Bool {
        if case .aggregate = self { true } else { children.contains { $0.containsAggregate } }
    }

    package var containsWindow: Bool {
        if case .window = self { true } else { children.contains { $0.containsWindow } }
    }

    package var isConstant: Bool {
        switch self {
        case .column, .parameter, .aggregate, .subquery, .window, .call(.seeded, _, _), .call(.python, _, _): false
        case .higherOrder(_, let arguments, let lambdas, _):
            arguments.allSatisfy { $0.isConstant } && lambdas.allSatisfy { $0.isClosed }
        default: children.allSatisfy { $0.isConstant }
        }
    }
}

/// A query inside of an expression. It reads columns of the query around it through `parameters` only: inside, each stands as a column that
/// no operator gives.
package struct BoundSubquery: Hashable, Sendable {
    package enum Kind: Hashable, Sendable { case scalar, exists, contains }

    package var kind: Kind
    /// What `contains` looks for, one for each column of the query.
    package var values: [BoundExpression]
    package var parameters: [BoundOutput]
    package let query: BoundQuery
    package var type: DataType

    package init(kind: Kind, values: [BoundExpression], parameters: [BoundOutput], query: BoundPlan, type: DataType) {
        self.kind = kind
        self.values = values
        self.parameters = parameters
        self.query = BoundQuery(query)
        self.type = type
    }
}

/// A plan inside of an expression, equal only to itself.
package final class BoundQuery: Hashable, Sendable {
    package let plan: BoundPlan

    init(_ plan: BoundPlan) { self.plan = plan }

    package static func == (left: BoundQuery, right: BoundQuery) -> Bool { left === right }
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

package struct BoundBranch: Hashable, Sendable {
    package var condition: BoundExpression
    package var result: BoundExpression

    package init(condition: BoundExpression, result: BoundExpression) {
        self.condition = condition
        self.result = result
    }
}

package enum AggregateFunction: String, Hashable, Sendable {
    case count, sum, avg, min, max, first, last, stddevSample, stddevPopulation, varianceSample, variancePopulation, countIf, collectList
    /// The value of at most one row; more than one raise. Of scalar subqueries.
    case single
    /// Whether a key is left out of a row's grouping set, and all keys as bits; only inside the analyser.
    case grouping, groupingID
    /// A Python function; until the extraction of these.
    case python
}

package struct AggregateCall: Hashable, Sendable {
    package var function: AggregateFunction
    package var arguments: [BoundExpression]
    package var distinct: Bool
    /// first and last.
    package var ignoreNulls: Bool
    package var filter: BoundExpression?
    package var type: DataType
    package var python: PythonCall?

    package init(
        function: AggregateFunction, arguments: [BoundExpression], distinct: Bool, ignoreNulls: Bool, filter: BoundExpression?,
        type: DataType
    ) {
        self.function = function
        self.arguments = arguments
        self.distinct = distinct
        self.ignoreNulls = ignoreNulls
        self.filter = filter
        self.type = type
    }

    package var nullable: Bool { function != .count && function != .countIf && function != .collectList }
}

package struct BoundOrder: Hashable, Sendable {
    package var expression: BoundExpression
    package var ascending: Bool
    package var nullsFirst: Bool

    package init(expression: BoundExpression, ascending: Bool, nullsFirst: Bool) {
        self.expression = expression
        self.ascending = ascending
        self.nullsFirst = nullsFirst
    }
}

package struct BoundOutput: Hashable, Sendable {
    package var expression: BoundExpression
    package var column: BoundColumn

    package init(expression: BoundExpression, column: BoundColumn) {
        self.expression = expression
        self.column = column
    }
}
