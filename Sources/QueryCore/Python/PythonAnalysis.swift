// Binds calls of Python functions, and resolves the relations that they make.

extension ExpressionBinder {
    func python(_ call: PythonCall, _ arguments: [Expression], distinct: Bool = false) throws(QueryError) -> BoundExpression {
        let function = call.function
        switch function.kind.use {
        case .scalar:
            if distinct { throw QueryError.unsupported("DISTINCT in the Python function \(function.name)") }
            return .call(.python(call), try bindAll(arguments), type: function.type)
        case .aggregate:
            if distinct { throw QueryError.unsupported("DISTINCT in the Python function \(function.name)") }
            var aggregate = AggregateCall(
                function: .python, arguments: try bindAggregated(arguments), distinct: false, ignoreNulls: false, filter: nil,
                type: function.type)
            aggregate.python = call
            return .aggregate(aggregate)
        case .rows, .groups, .cogroups:
            throw QueryError.unsupported("the Python function \(function.name) of rows in an expression")
        }
    }
}

extension Analyser {
    mutating func resolvePython(_ relation: PythonRelation) throws(QueryError) -> Resolved {
        let function = relation.call.function
        guard let shape = Self.shape(function.kind) else {
            throw QueryError.unsupported("the Python function \(function.name) of values as a relation")
        }
        guard case .structure(let fields) = function.type else {
            throw QueryError.unsupported("the Python function \(function.name) with a schema that is no struct")
        }
        var inputs: [Resolved] = []
        for input in relation.inputs { inputs.append(Self.withVisibleOutput(try resolve(input))) }
        guard inputs.count == (shape == .cogroups ? 2 : 1) else {
            throw QueryError.unsupported("the Python function \(function.name) over \(inputs.count) inputs")
        }
        var keys: [[BoundOutput]] = []
        for (input, written) in zip(inputs, relation.keys) {
            let binder = binder(input.scope)
            var bound: [BoundOutput] = []
            for key in written { bound.append(output(try binder.bind(key), named: key.outputName)) }
            keys.append(bound)
        }
        if shape == .cogroups { keys = try Self.sameTypes(keys) }
        var arguments: [BoundExpression] = []
        let binder = binder(inputs[0].scope)
        for argument in relation.arguments { arguments.append(try binder.bind(argument)) }
        if arguments.isEmpty { arguments = inputs[0].scope.columns.map { .column($0) } }
        let columns = fields.map { newColumn($0.name, $0.type, nullable: true) }
        let call = BoundPythonCall(
            call: relation.call, arguments: arguments, column: BoundColumn(id: ColumnID(0), name: "", type: .null, nullable: true))
        var python = BoundPython(shape: shape, calls: [call], keys: keys, columns: columns)
        if shape == .cogroups { python.others = inputs[1].scope.columns.map { .column($0) } }
        return Resolved(plan: .python(python, inputs.map(\.plan)), scope: Scope(columns: columns))
    }

    private static func shape(_ kind: PythonKind) -> BoundPython.Shape? {
        switch kind.use {
        case .rows: .rows
        case .groups: .groups
        case .cogroups: .cogroups
        case .scalar, .aggregate: nil
        }
    }

    /// The keys of two sides are compared, so that they must have one type.
    private static func sameTypes(_ keys: [[BoundOutput]]) throws(QueryError) -> [[BoundOutput]] {
        guard keys.count == 2, keys[0].count == keys[1].count else {
            throw QueryError.unsupported("a cogroup of different numbers of keys")
        }
        var changed = keys
        for index in keys[0].indices {
            let (left, right) = (keys[0][index], keys[1][index])
            guard let type = TypeCoercion.common(left.expression.type, right.expression.type) else {
                throw QueryError.unsupported("a cogroup of keys of types \(left.column.type.sqlName) and \(right.column.type.sqlName)")
            }
            for side in 0...1 {
                changed[side][index].expression = TypeCoercion.cast(keys[side][index].expression, to: type)
                changed[side][index].column.type = type
            }
        }
        return changed
    }
}
