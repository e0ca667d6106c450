// Expressions as written in SQL or through a DataFrame, without resolved names or types. The parser and the Spark Connect door build them,
// the analyser turns them into `BoundExpression`. Operators are calls by their Spark name (`+`, `and`, `=`), so a new function needs no new
// case here.

package indirect enum Expression: Hashable, Sendable {
    case literal(Literal)
    /// A column by name; more than one part means table.column or column.field. `planID` is Spark Connect's id of the column's relation.
    case attribute([String], planID: Int64?)
    /// `*` or `t.*`.
    case star(qualifier: [String])
    case alias(Expression, name: String)
    /// Names of a generator's columns: `explode(m) AS (k, v)`.
    case aliases(Expression, names: [String])
    /// A function or operator by name. `count(*)` is `call("count", [star])`.
    case call(name: String, arguments: [Expression], distinct: Bool)
    case cast(Expression, to: DataType, isTry: Bool)
    case caseWhen(branches: [CaseBranch], otherwise: Expression?)
    case inList(Expression, [Expression])
    /// `struct.field`, `array[index]`, `map[key]`.
    case extract(Expression, key: Expression)
    /// An aggregate over the rows with a true condition: `sum(x) FILTER (WHERE y)`.
    case filtered(Expression, condition: Expression)
    /// A constant span of time, added to or taken from a date or a timestamp.
    case interval(Interval)
    case subquery(SubqueryTest, SubqueryPlan)
    /// A function over the rows around each row.
    case window(Expression, WindowSpec)
    /// A function of elements, as an argument: `(x, i) -> x + i`.
    case lambda([String], Expression)
    case python(PythonCall, [Expression])
    /// `lag(x) IGNORE NULLS`.
    case ignoringNulls(Expression)

    /// How many calls of a function stand inside of each other.
    func levels(of name: String) -> Int {
        var most = 0
        _ = mapChildren { child in
            most = max(most, child.levels(of: name))
            return child
        }
        if case .call(let called, _, _) = self, called.lowercased() == name { return most + 1 }
        return most
    }

    /// The same with each value once in the lists of its aggregates.
    var distinctLists: Expression {
        if case .call("collect_list", _, _) = self { return .call("array_distinct", self) }
        return mapChildren { $0.distinctLists }
    }

    package static func column(_ parts: String...) -> Expression { .attribute(parts, planID: nil) }
    package static func call(_ name: String, _ arguments: Expression...) -> Expression {
        .call(name: name, arguments: arguments, distinct: false)
    }
}

/// What an expression asks of a query inside of it.
package enum SubqueryTest: Hashable, Sendable {
    /// The value of its one column in its one row; null without a row.
    case scalar
    case exists
    /// Whether these values are a row of it.
    case contains([Expression])
}

/// A query inside of an expression. Two are equal only if they are the same text at the same place.
package final class SubqueryPlan: Hashable, Sendable {
    package let plan: Plan

    package init(_ plan: Plan) { self.plan = plan }

    package static func == (left: SubqueryPlan, right: SubqueryPlan) -> Bool { left === right }
    package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// Months, or microseconds: Spark never mixes them in one interval of ANSI SQL.
package struct Interval: Hashable, Sendable {
    package enum Unit: Hashable, Sendable { case months, days, microseconds }

    package var unit: Unit
    /// Of months, days or microseconds.
    package var amount: Int64

    package init(_ amount: Int64, _ unit: Unit) {
        self.amount = amount
        self.unit = unit
    }
}

package struct CaseBranch: Hashable, Sendable {
    package var condition: Expression
    package var result: Expression

    package init(condition: Expression, result: Expression) {
        self.condition = condition
        self.result = result
    }
}

package enum NullOrder: Hashable, Sendable { case first, last }

package struct SortOrder: Hashable, Sendable {
    package var expression: Expression
    package var ascending: Bool
    /// Without it Spark puts nulls first when ascending, last when descending.
    package var nulls: NullOrder?

    package init(_ expression: Expression, ascending: Bool = true, nulls: NullOrder? = nil) {
        self.expression = expression
        self.ascending = ascending
        self.nulls = nulls
    }
}
