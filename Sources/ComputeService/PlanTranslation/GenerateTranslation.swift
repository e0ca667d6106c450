// Table functions and the joins that feed them: `spark.tvf.explode(...)`, `df.lateralJoin(...)`.
import QueryCore
import SparkWire

extension RelationTranslation {
    func tableFunction(_ function: Spark_Connect_UnresolvedTableValuedFunction) throws -> Plan {
        let arguments = try function.arguments.map { try ExpressionTranslation.expression($0) }
        if function.functionName.lowercased() == "range" { return try Parser.range(arguments) }
        return .generate(Generate(function: function.functionName, arguments: arguments))
    }

    /// Only of table functions: their arguments read the left side.
    func lateralJoin(_ join: Spark_Connect_LateralJoin) throws -> Plan {
        var right = join.right
        var qualifier: String?
        if case .subqueryAlias(let alias) = right.relType {
            qualifier = alias.alias
            right = alias.input
        }
        guard case .unresolvedTableValuedFunction(let function) = right.relType,
            [.inner, .cross, .leftOuter, .unspecified].contains(join.joinType)
        else { throw SparkError.unsupported("a lateral join with anything but a table function") }
        let arguments = try function.arguments.map { try ExpressionTranslation.expression($0) }
        let generate = Plan.generate(
            Generate(
                function: function.functionName, arguments: arguments, isOuter: join.joinType == .leftOuter, qualifier: qualifier,
                input: try plan(join.left)))
        guard join.hasJoinCondition else { return generate }
        guard join.joinType != .leftOuter else { throw SparkError.unsupported("a left lateral join with a condition") }
        return .filter(try ExpressionTranslation.expression(join.joinCondition), generate)
    }
}
