// Types the functions that take lambdas: what each offers to its lambda's parameters, what the body must be, and the type of the result.
// Source: Spark SQL reference, "Lambda Functions"; refusals seen from Spark.

extension ExpressionBinder {
    func higherOrder(_ function: HigherOrderFunction, _ name: String, _ arguments: [Expression], _ source: Expression) throws(QueryError)
        -> BoundExpression
    {
        let call = LambdaCall(binder: self, types: FunctionBinder(name: name, source: source), arguments: arguments)
        switch function {
        case .transform, .filter, .exists, .forall: return try call.overArray(function)
        case .arraySort: return try call.sorted()
        case .aggregate: return try call.aggregate()
        case .zipWith: return try call.zipped()
        case .mapFilter, .transformKeys, .transformValues: return try call.overMap(function)
        case .mapZipWith: return try call.zippedMaps()
        }
    }

    /// A lambda with the types of its parameters' values. An expression without parameters is a body that reads none of them.
    fileprivate func lambda(_ argument: Expression, offered: [(type: DataType, nullable: Bool)], counts: ClosedRange<Int>)
        throws(QueryError) -> BoundLambda
    {
        guard case .lambda(let names, let body) = argument else { return BoundLambda(parameters: [], body: try bind(argument)) }
        guard counts.contains(names.count) else {
            throw QueryError(.lambdaArgumentCount, ["expectedNumArgs": "\(names.count)", "actualNumArgs": "\(counts.lowerBound)"])
        }
        for (index, name) in names.enumerated() where names[..<index].contains(where: { Identifier.same($0, name) }) {
            throw QueryError(
                .lambdaDuplicateNames,
                ["args": names.map(Identifier.quoted).joined(separator: ", "), "caseSensitiveConfig": "\"spark.sql.caseSensitive\""])
        }
        var nested = self
        var parameters: [BoundColumn] = []
        for (name, value) in zip(names, offered) {
            parameters.append(BoundColumn(id: newID(), name: name, type: value.type, nullable: value.nullable))
        }
        nested.parameters += parameters
        let bound = try nested.bind(body)
        if bound.containsSubquery { throw QueryError(.subqueryInHigherOrder) }
        if bound.containsAggregate || bound.containsWindow {
            throw QueryError.unsupported("an aggregate or window function inside of a lambda: \(body.prettyName)")
        }
        return BoundLambda(parameters: parameters, body: bound)
    }
}

/// One call under binding.
private struct LambdaCall {
    let binder: ExpressionBinder
    let types: FunctionBinder
    let arguments: [Expression]

    private func array(_ index: Int) throws(QueryError) -> (bound: BoundExpression, element: DataType, containsNull: Bool) {
        let bound = try binder.bind(arguments[index])
        guard case .array(let element, let containsNull) = bound.type else {
            throw types.unexpected(bound, index, arguments[index], "\"ARRAY\"")
        }
        return (bound, element, containsNull)
    }

    private func map(_ index: Int) throws(QueryError) -> (bound: BoundExpression, key: DataType, value: DataType, containsNull: Bool) {
        let bound = try binder.bind(arguments[index])
        guard case .map(let key, let value, let containsNull) = bound.type else {
            throw types.unexpected(bound, index, arguments[index], "\"MAP\"")
        }
        return (bound, key, value, containsNull)
    }

    /// The body as a condition.
    private func condition(_ lambda: BoundLambda, _ index: Int) throws(QueryError) -> BoundLambda {
        guard lambda.body.type == .boolean || lambda.body.type == .null else {
            throw types.unexpected(lambda.body, index, arguments[index], "\"BOOLEAN\"")
        }
        return BoundLambda(parameters: lambda.parameters, body: TypeCoercion.cast(lambda.body, to: .boolean))
    }

    func overArray(_ function: HigherOrderFunction) throws(QueryError) -> BoundExpression {
        try types.checkCount(2...2, arguments.count)
        let (bound, element, containsNull) = try array(0)
        let takesIndex = function == .transform || function == .filter
        let lambda = try binder.lambda(
            arguments[1], offered: [(element, containsNull), (.int, false)], counts: takesIndex ? 1...2 : 1...1)
        switch function {
        case .transform:
            let type = DataType.array(element: lambda.body.type, containsNull: lambda.body.nullable)
            return .higherOrder(function, [bound], [lambda], type: type)
        case .filter: return .higherOrder(function, [bound], [try condition(lambda, 1)], type: bound.type)
        default: return .higherOrder(function, [bound], [try condition(lambda, 1)], type: .boolean)
        }
    }

    func sorted() throws(QueryError) -> BoundExpression {
        try types.checkCount(1...2, arguments.count)
        let (bound, element, containsNull) = try array(0)
        guard arguments.count == 2 else {
            guard element.isOrderable else {
                throw QueryError(
                    .dataTypeMismatchInvalidOrdering,
                    ["sqlExpr": "\"\(types.source.prettyName)\"", "functionName": "`array_sort`", "dataType": "\"\(bound.type.sqlName)\""])
            }
            return .higherOrder(.arraySort, [bound], [], type: bound.type)
        }
        let lambda = try binder.lambda(arguments[1], offered: [(element, containsNull), (element, containsNull)], counts: 2...2)
        guard lambda.body.type == .int else {
            throw QueryError(
                .dataTypeMismatchReturnType,
                [
                    "sqlExpr": "\"\(types.source.prettyName)\"", "functionName": "`lambdafunction`", "expectedType": "\"INT\"",
                    "actualType": "\"\(lambda.body.type.sqlName)\"",
                ])
        }
        return .higherOrder(.arraySort, [bound], [lambda], type: bound.type)
    }

    func aggregate() throws(QueryError) -> BoundExpression {
        try types.checkCount(3...4, arguments.count)
        let (bound, element, containsNull) = try array(0)
        let first = try binder.bind(arguments[1])
        let zero = TypeCoercion.cast(first, to: first.type.withNulls)
        let state = zero.type
        let merge = try binder.lambda(arguments[2], offered: [(state, true), (element, containsNull)], counts: 2...2)
        guard TypeCoercion.tightest(state, merge.body.type)?.withNulls == state else {
            throw types.unexpected(merge.body, 2, arguments[2], "\"\(state.sqlName)\"")
        }
        let merged = BoundLambda(parameters: merge.parameters, body: TypeCoercion.cast(merge.body, to: state))
        guard arguments.count == 4 else { return .higherOrder(.aggregate, [bound, zero], [merged], type: state) }
        let finish = try binder.lambda(arguments[3], offered: [(state, true)], counts: 1...1)
        return .higherOrder(.aggregate, [bound, zero], [merged, finish], type: finish.body.type)
    }

    func zipped() throws(QueryError) -> BoundExpression {
        try types.checkCount(3...3, arguments.count)
        let (left, right) = (try array(0), try array(1))
        let lambda = try binder.lambda(arguments[2], offered: [(left.element, true), (right.element, true)], counts: 2...2)
        let type = DataType.array(element: lambda.body.type, containsNull: lambda.body.nullable)
        return .higherOrder(.zipWith, [left.bound, right.bound], [lambda], type: type)
    }

    func overMap(_ function: HigherOrderFunction) throws(QueryError) -> BoundExpression {
        try types.checkCount(2...2, arguments.count)
        let (bound, key, value, containsNull) = try map(0)
        let lambda = try binder.lambda(arguments[1], offered: [(key, false), (value, containsNull)], counts: 2...2)
        switch function {
        case .mapFilter: return .higherOrder(function, [bound], [try condition(lambda, 1)], type: bound.type)
        case .transformKeys:
            if lambda.body.type.isMap { throw types.unexpected(lambda.body, 1, arguments[1], "a type that is no map") }
            let type = DataType.map(key: lambda.body.type, value: value, valueContainsNull: containsNull)
            return .higherOrder(function, [bound], [lambda], type: type)
        default:
            let type = DataType.map(key: key, value: lambda.body.type, valueContainsNull: lambda.body.nullable)
            return .higherOrder(function, [bound], [lambda], type: type)
        }
    }

    func zippedMaps() throws(QueryError) -> BoundExpression {
        try types.checkCount(3...3, arguments.count)
        let (left, right) = (try map(0), try map(1))
        guard let key = TypeCoercion.tightest(left.key, right.key) else {
            throw QueryError(
                .dataTypeMismatchMapZip,
                [
                    "sqlExpr": "\"\(types.source.prettyName)\"", "functionName": "`map_zip_with`",
                    "leftType": "\"\(left.key.sqlName)\"", "rightType": "\"\(right.key.sqlName)\"",
                ])
        }
        func cast(_ map: (bound: BoundExpression, key: DataType, value: DataType, containsNull: Bool)) -> BoundExpression {
            TypeCoercion.cast(map.bound, to: .map(key: key, value: map.value, valueContainsNull: map.containsNull))
        }
        let lambda = try binder.lambda(arguments[2], offered: [(key, false), (left.value, true), (right.value, true)], counts: 3...3)
        let type = DataType.map(key: key, value: lambda.body.type, valueContainsNull: lambda.body.nullable)
        return .higherOrder(.mapZipWith, [cast(left), cast(right)], [lambda], type: type)
    }
}
