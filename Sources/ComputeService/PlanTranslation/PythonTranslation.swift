// Python functions of a client, in expressions, as relations and as named functions of the session.
import QueryCore
import SparkWire

enum PythonTranslation {
    /// Limit of one function's bytes, with all that it carries along.
    static let commandBytesMax = 64 << 20

    static func function(_ proto: Spark_Connect_CommonInlineUserDefinedFunction) throws -> PythonFunction {
        switch proto.function {
        case .pythonUdf(let udf):
            return try function(
                proto.functionName, udf.outputType, evalType: udf.evalType, Array(udf.command), udf.pythonVer,
                isDeterministic: proto.deterministic)
        case .scalarScalaUdf, .javaUdf: throw SparkError.unsupported("functions of Java and Scala")
        case nil: throw SparkError.invalidPlan("a user-defined function has no function")
        }
    }

    private static func function(
        _ name: String, _ type: Spark_Connect_DataType, evalType: Int32, _ command: [UInt8], _ version: String, isDeterministic: Bool
    ) throws -> PythonFunction {
        guard let kind = PythonKind(rawValue: Int(evalType)) else {
            throw SparkError.unsupported("Python functions of the kind \(evalType)")
        }
        guard command.count <= commandBytesMax else {
            throw SparkError.unsupported("a Python function of more than \(commandBytesMax) bytes; give its data as a DataFrame")
        }
        return PythonFunction(
            name: name, kind: kind, type: try TypeTranslation.type(type), command: command, version: version,
            isDeterministic: isDeterministic)
    }

    static func expression(
        _ proto: Spark_Connect_CommonInlineUserDefinedFunction, _ child: (Spark_Connect_Expression) throws -> Expression
    ) throws -> Expression {
        let (call, arguments) = try call(proto, child)
        return .python(call, arguments)
    }

    static func call(
        _ proto: Spark_Connect_CommonInlineUserDefinedFunction, _ child: (Spark_Connect_Expression) throws -> Expression
    ) throws -> (PythonCall, [Expression]) {
        if proto.isDistinct { throw SparkError.unsupported("DISTINCT in a Python function") }
        var names: [String] = []
        var arguments: [Expression] = []
        for argument in proto.arguments {
            if case .namedArgumentExpression(let named) = argument.exprType {
                names.append(named.key)
                arguments.append(try child(named.value))
            } else {
                names.append("")
                arguments.append(try child(argument))
            }
        }
        return (PythonCall(try function(proto), names: names), arguments)
    }
}

extension RelationTranslation {
    func mapPartitions(_ map: Spark_Connect_MapPartitions) throws -> Plan {
        let (call, arguments) = try PythonTranslation.call(map.func) { try ExpressionTranslation.expression($0) }
        return .python(PythonRelation(call: call, arguments: arguments, inputs: [try plan(map.input)], keys: []))
    }

    func groupMap(_ map: Spark_Connect_GroupMap) throws -> Plan {
        guard !map.hasInitialInput, !map.hasIsMapGroupsWithState, map.sortingExpressions.isEmpty else {
            throw SparkError.unsupported("functions of groups with state or an order")
        }
        let (call, arguments) = try PythonTranslation.call(map.func) { try ExpressionTranslation.expression($0) }
        let keys = try map.groupingExpressions.map { try ExpressionTranslation.expression($0) }
        return .python(PythonRelation(call: call, arguments: arguments, inputs: [try plan(map.input)], keys: [keys]))
    }

    func coGroupMap(_ map: Spark_Connect_CoGroupMap) throws -> Plan {
        guard map.inputSortingExpressions.isEmpty, map.otherSortingExpressions.isEmpty else {
            throw SparkError.unsupported("functions of pairs of groups with an order")
        }
        let (call, _) = try PythonTranslation.call(map.func) { try ExpressionTranslation.expression($0) }
        let keys = try [map.inputGroupingExpressions, map.otherGroupingExpressions].map { side in
            try side.map { try ExpressionTranslation.expression($0) }
        }
        return .python(PythonRelation(call: call, arguments: [], inputs: [try plan(map.input), try plan(map.other)], keys: keys))
    }
}
