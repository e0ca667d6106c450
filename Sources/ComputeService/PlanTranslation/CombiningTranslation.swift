// Relations that combine rows: aggregation, joins, set operations.
import QueryCore
import SparkWire

extension RelationTranslation {
    func aggregate(_ aggregate: Spark_Connect_Aggregate) throws -> Plan {
        let keys = try aggregate.groupingExpressions.map { try ExpressionTranslation.expression($0) }
        func form(_ name: String, _ items: [Expression]) -> [Expression] { [.call(name: name, arguments: items, distinct: false)] }
        let groups: [Expression]
        switch aggregate.groupType {
        case .groupby, .unspecified: groups = keys
        case .rollup: groups = form("rollup", keys)
        case .cube: groups = form("cube", keys)
        case .pivot: throw SparkError.unsupported("PIVOT")
        case .groupingSets:
            groups = form(
                "grouping sets",
                try aggregate.groupingSets.map { set in
                    form("struct", try set.groupingSet.map { try ExpressionTranslation.expression($0) })[0]
                })
        case .UNRECOGNIZED(let number): throw SparkError.unsupported("the grouping kind \(number)")
        }
        let aggregates = try aggregate.aggregateExpressions.map { try ExpressionTranslation.expression($0) }
        return .aggregate(groups: groups, outputs: keys + aggregates, try plan(aggregate.input))
    }

    func join(_ join: Spark_Connect_Join) throws -> Plan {
        let kind: JoinKind
        switch join.joinType {
        case .inner, .unspecified: kind = .inner
        case .leftOuter: kind = .leftOuter
        case .rightOuter: kind = .rightOuter
        case .fullOuter: kind = .fullOuter
        case .leftSemi: kind = .leftSemi
        case .leftAnti: kind = .leftAnti
        case .cross: kind = .cross
        case .UNRECOGNIZED(let number): throw SparkError.unsupported("the join kind \(number)")
        }
        return .join(
            Join(
                left: try plan(join.left), right: try plan(join.right), kind: kind,
                condition: join.hasJoinCondition ? try ExpressionTranslation.expression(join.joinCondition) : nil, using: join.usingColumns)
        )
    }

    func setOperation(_ operation: Spark_Connect_SetOperation) throws -> Plan {
        let kind: SetKind
        switch operation.setOpType {
        case .union: kind = .union
        case .intersect: kind = .intersect
        case .except: kind = .except
        case .unspecified, .UNRECOGNIZED: throw SparkError.invalidPlan("a set operation has no kind")
        }
        return .setOperation(
            SetOperation(
                kind: kind, all: operation.isAll, byName: operation.byName, allowMissingColumns: operation.allowMissingColumns,
                left: try plan(operation.leftInput), right: try plan(operation.rightInput)))
    }

    /// A statement with named DataFrames: each reference is an alias over its plan.
    func withRelations(_ relations: Spark_Connect_WithRelations) throws -> Plan {
        let tables = try relations.references.map { reference in
            guard case .subqueryAlias(let alias) = reference.relType else {
                throw SparkError.unsupported("references without a name (subqueries)")
            }
            return CommonTable(name: alias.alias, columns: [], plan: try plan(alias.input))
        }
        return .with(tables, try plan(relations.root))
    }
}
