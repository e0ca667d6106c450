// Spark Connect's expressions to the engine's unresolved expressions. Names stay names: the analyser decides whether a function or a column
// exists. Kinds that the engine lacks are refused with Spark's class for an unsupported feature.
import QueryCore
import SparkWire

enum ExpressionTranslation {
    /// Limit of the levels of one expression; deeper ones are refused before the stack ends.
    static let depthMax = 500

    static func expression(_ proto: Spark_Connect_Expression, depth: Int = 0) throws -> Expression {
        guard depth < depthMax else { throw SparkError.invalidPlan("an expression nests deeper than \(depthMax)") }
        func child(_ proto: Spark_Connect_Expression) throws -> Expression { try expression(proto, depth: depth + 1) }
        switch proto.exprType {
        case .literal(let literal): return .literal(try LiteralTranslation.literal(literal))
        case .unresolvedAttribute(let attribute):
            return .attribute(try nameParts(attribute.unparsedIdentifier), planID: attribute.hasPlanID ? attribute.planID : nil)
        case .unresolvedStar(let star):
            guard star.hasUnparsedTarget else { return .star(qualifier: []) }
            // The target is written with its star: `t.*`.
            let target = star.unparsedTarget.hasSuffix(".*") ? String(star.unparsedTarget.dropLast(2)) : star.unparsedTarget
            return .star(qualifier: try nameParts(target))
        case .unresolvedFunction(let function):
            return try call(function.functionName, function.arguments, distinct: function.isDistinct, child)
        case .callFunction(let function): return try call(function.functionName, function.arguments, distinct: false, child)
        case .expressionString(let text): return try Parser.parseExpression(text.expression)
        case .alias(let alias):
            guard alias.name.count == 1 else { return .aliases(try child(alias.expr), names: alias.name) }
            return .alias(try child(alias.expr), name: alias.name[0])
        case .cast(let cast):
            let type: DataType
            switch cast.castToType {
            case .type(let proto): type = try TypeTranslation.type(proto)
            case .typeStr(let text): type = try Parser.parseType(text)
            case nil: throw SparkError.invalidPlan("a cast has no type")
            }
            guard cast.evalMode != .legacy else { throw SparkError.unsupported("a cast in legacy mode") }
            return .cast(try child(cast.expr), to: type, isTry: cast.evalMode == .try)
        case .unresolvedExtractValue(let extract): return .extract(try child(extract.child), key: try child(extract.extraction))
        case .sortOrder: throw SparkError.unsupported("a sort order outside of a sort")
        case .window(let window): return try WindowTranslation.window(window, child)
        case .unresolvedRegex: throw SparkError.unsupported("columns selected by a regular expression")
        case .lambdaFunction(let lambda):
            return .lambda(lambda.arguments.map { $0.nameParts.joined(separator: ".") }, try child(lambda.function))
        case .unresolvedNamedLambdaVariable(let variable): return .attribute(variable.nameParts, planID: nil)
        case .updateFields(let update):
            let value = update.hasValueExpression ? try child(update.valueExpression) : nil
            return StructUpdate.written(try child(update.structExpression), try nameParts(update.fieldName), value)
        case .commonInlineUserDefinedFunction(let function): return try PythonTranslation.expression(function, child)
        case .namedArgumentExpression: throw SparkError.unsupported("named arguments of a function")
        case .mergeAction: throw SparkError.unsupported("MERGE INTO")
        case .typedAggregateExpression: throw SparkError.unsupported("typed aggregates")
        case .subqueryExpression: throw SparkError.unsupported("subqueries in a DataFrame expression")
        case .directShufflePartitionID: throw SparkError.unsupported("direct shuffle partition ids")
        case .extension: throw SparkError.unsupported("expression extensions")
        case nil: throw SparkError.invalidPlan("an expression is empty or of a kind that this server does not know")
        }
    }

    static func sortOrder(_ proto: Spark_Connect_Expression.SortOrder) throws -> SortOrder {
        let nulls: NullOrder? =
            switch proto.nullOrdering {
            case .sortNullsFirst: .first
            case .sortNullsLast: .last
            default: nil
            }
        return SortOrder(try expression(proto.child), ascending: proto.direction != .descending, nulls: nulls)
    }

    /// `a.b` and `` `a.b`.c `` as their parts.
    static func nameParts(_ identifier: String) throws -> [String] {
        var parts: [String] = []
        var part = ""
        var isQuoted = false
        var previousClosed = false
        for character in identifier {
            if character == "`" {
                // Two backticks inside quotes are one.
                if !isQuoted && previousClosed { part.append("`") }
                isQuoted.toggle()
                previousClosed = !isQuoted
            } else if character == "." && !isQuoted {
                parts.append(part)
                part = ""
                previousClosed = false
            } else {
                part.append(character)
                previousClosed = false
            }
        }
        guard !isQuoted else { throw SparkError.invalidAttributeName(identifier) }
        return parts + [part]
    }

    private static func call(
        _ name: String, _ arguments: [Spark_Connect_Expression], distinct: Bool, _ child: (Spark_Connect_Expression) throws -> Expression
    ) throws -> Expression {
        let arguments = try arguments.map(child)
        if name.lowercased() == "when" {
            let branches = stride(from: 0, to: arguments.count - 1, by: 2).map {
                CaseBranch(condition: arguments[$0], result: arguments[$0 + 1])
            }
            return .caseWhen(branches: branches, otherwise: arguments.count % 2 == 1 ? arguments.last : nil)
        }
        if name.lowercased() == "in", let first = arguments.first { return .inList(first, Array(arguments.dropFirst())) }
        let operators = ["==": "=", "!": "not"]
        return .call(name: operators[name] ?? name, arguments: arguments, distinct: distinct)
    }
}
