// Resolves generators: in LATERAL VIEW and as table functions they are relations of their own; in a select list each becomes a step below
// the projection, over an aggregation if the block has one. Source: Spark SQL reference, "Generator Functions"; wording seen from Spark.

/// A generator of a select list, with the names that its alias gives.
struct GeneratorCall {
    var function: String
    var arguments: [Expression]
    /// Nil without an alias.
    var names: [String]?

    enum Family { case explode, posexplode, inline, stack }

    static let families: [String: (family: Family, isOuter: Bool)] = [
        "explode": (.explode, false), "explode_outer": (.explode, true), "posexplode": (.posexplode, false),
        "posexplode_outer": (.posexplode, true), "inline": (.inline, false), "inline_outer": (.inline, true), "stack": (.stack, false),
        "json_tuple": (.inline, false),
    ]

    /// The generator that an item of a select list is; nil for any other item.
    init?(_ item: Expression) {
        switch item {
        case .alias(let inner, let name): self.init(inner, names: [name])
        case .aliases(let inner, let names): self.init(inner, names: names)
        default: self.init(item, names: nil)
        }
    }

    private init?(_ call: Expression, names: [String]?) {
        guard case .call(let name, let arguments, _) = call, Self.families[name.lowercased()] != nil else { return nil }
        self.init(function: name.lowercased(), arguments: arguments, names: names)
    }

    init(function: String, arguments: [Expression], names: [String]?) {
        // The fields of the text as the one structure of an array.
        let isTuple = function == "json_tuple"
        let tuple = Expression.call("array", .call(name: "json tuple", arguments: arguments, distinct: false))
        self.function = isTuple ? "inline" : function
        self.arguments = isTuple ? [tuple] : arguments
        self.names = names
    }

    var source: Expression { .call(name: function, arguments: arguments, distinct: false) }
}

extension Expression {
    /// Whether a generator stands anywhere in it.
    var containsGenerator: Bool {
        if case .call(let name, _, _) = self, GeneratorCall.families[name.lowercased()] != nil { return true }
        var found = false
        _ = mapChildren { child in
            found = found || child.containsGenerator
            return child
        }
        return found
    }
}

extension Analyser {
    /// LATERAL VIEW, LATERAL and table functions.
    mutating func resolveGenerate(_ generate: Generate) throws(QueryError) -> Resolved {
        let name = generate.function.lowercased()
        guard GeneratorCall.families[name] != nil else { throw QueryError(.unresolvableTableFunction, ["name": Identifier.quoted(name)]) }
        let input =
            try generate.input.map { (plan) throws(QueryError) in try resolve(plan) } ?? Resolved(plan: .rows([[]], []), scope: Scope())
        let names = generate.columns.isEmpty ? nil : generate.columns
        let call = GeneratorCall(function: name, arguments: generate.arguments, names: names)
        let bound = try bindGenerator(call, binder(input.scope), carried: input.plan.output, isOuter: generate.isOuter)
        let made = bound.columns.map { ScopeEntry(column: $0, qualifier: generate.qualifier.map { [$0] } ?? []) }
        return Resolved(
            plan: .generate(bound, input.plan), scope: Scope(input.scope.visible + made, hidden: input.scope.hidden))
    }

    mutating func bindGenerator(
        _ call: GeneratorCall, _ binder: ExpressionBinder, carried: [BoundColumn], isOuter: Bool = false
    ) throws(QueryError) -> BoundGenerate {
        var arguments: [BoundExpression] = []
        for argument in call.arguments { arguments.append(try binder.bind(argument)) }
        if arguments.contains(where: { $0.containsAggregate || $0.containsWindow }) {
            throw QueryError(.generatorNested, ["expression": "\"\(call.source.prettyName)\""])
        }
        return try generator(call, arguments, carried: carried, isOuter: isOuter)
    }

    /// Types the generator over bound arguments.
    mutating func generator(
        _ call: GeneratorCall, _ arguments: [BoundExpression], carried: [BoundColumn], isOuter: Bool
    ) throws(QueryError) -> BoundGenerate {
        guard let (family, isOuterCall) = GeneratorCall.families[call.function] else { preconditionFailure("the call is of a generator") }
        let types = FunctionBinder(name: call.function, source: call.source)
        try types.checkCount(family == .stack ? 2...Routine.many : 1...1, arguments.count)
        let optional = isOuter || isOuterCall
        var fields: [StructField]
        var kind = GeneratorKind.explode
        var values = arguments
        switch (family, arguments[0].type) {
        case (.explode, let type), (.posexplode, let type):
            guard let made = Self.elements(type) else {
                throw types.unexpected(arguments[0], 0, call.arguments[0], "(\"ARRAY\" or \"MAP\")")
            }
            fields = made
            if family == .posexplode {
                kind = .posexplode
                fields.insert(StructField("pos", .int, nullable: false), at: 0)
            }
        case (.inline, .array(.structure(let inner), let containsNull)):
            kind = .inline
            fields = inner.map { StructField($0.name, $0.type, nullable: $0.nullable || containsNull) }
        case (.inline, _): throw types.unexpected(arguments[0], 0, call.arguments[0], "\"ARRAY<STRUCT>\"")
        case (.stack, _): (kind, values, fields) = try stack(call, arguments, types)
        }
        if let names = call.names {
            guard names.count == fields.count else {
                throw QueryError(
                    .generatorAliasMismatch,
                    ["aliasesSize": "\(fields.count)", "aliasesNames": names.joined(separator: ",")])
            }
            for index in fields.indices { fields[index].name = names[index] }
        }
        var columns: [BoundColumn] = []
        for field in fields { columns.append(newColumn(field.name, field.type, nullable: field.nullable || optional)) }
        return BoundGenerate(kind: kind, arguments: values, isOuter: optional, columns: columns, carried: carried)
    }

    private static func elements(_ type: DataType) -> [StructField]? {
        switch type {
        case .array(let element, let containsNull): [StructField("col", element, nullable: containsNull)]
        case .map(let key, let value, let containsNull):
            [StructField("key", key, nullable: false), StructField("value", value, nullable: containsNull)]
        default: nil
        }
    }

    private func stack(_ call: GeneratorCall, _ arguments: [BoundExpression], _ types: FunctionBinder) throws(QueryError)
        -> (GeneratorKind, [BoundExpression], [StructField])
    {
        guard arguments[0].type == .int else { throw types.unexpected(arguments[0], 0, call.arguments[0], "\"INT\"") }
        guard case .literal(let literal) = arguments[0], case .integer(let rows) = literal.value else {
            throw QueryError(
                .dataTypeMismatchNonFoldable,
                [
                    "sqlExpr": "\"\(call.source.prettyName)\"", "inputName": "`n`", "inputType": "\"INT\"",
                    "inputExpr": "\"\(call.arguments[0].prettyName)\"",
                ])
        }
        guard rows > 0 else {
            throw QueryError(
                .dataTypeMismatchValueRange,
                [
                    "sqlExpr": "\"\(call.source.prettyName)\"", "exprName": "`n`", "valueRange": "(0, 2147483647]",
                    "currentValue": "\(rows)",
                ])
        }
        var values = Array(arguments.dropFirst())
        let width = Int((Int64(values.count) + rows - 1) / rows)
        var fields: [StructField] = []
        for column in 0..<width {
            let places = stride(from: column, to: values.count, by: width)
            let type = places.lazy.map { values[$0].type }.first { $0 != .null } ?? .null
            for place in places where values[place].type != type && values[place].type != .null {
                throw QueryError(
                    .dataTypeMismatchStackTypes,
                    [
                        "sqlExpr": "\"\(call.source.prettyName)\"", "columnIndex": "\(column)", "leftParamIndex": "\(column + 1)",
                        "leftType": "\"\(type.sqlName)\"", "rightParamIndex": "\(place + 1)",
                        "rightType": "\"\(values[place].type.sqlName)\"",
                    ])
            }
            for place in places { values[place] = TypeCoercion.cast(values[place], to: type) }
            fields.append(StructField("col\(column)", type, nullable: true))
        }
        return (.stack(rows: Int(rows)), values, fields)
    }
}

extension SelectBlock {
    /// An item of a select list: an expression to bind, or a column that is known.
    typealias Item = (expression: Expression?, column: ScopeEntry?)
}

extension Analyser {
    /// The select list with the columns of its generators in their places, and the input with the steps that make them.
    mutating func generated(_ items: [Expression], _ input: Resolved) throws(QueryError) -> (items: [SelectBlock.Item], input: Resolved) {
        var out: [SelectBlock.Item] = []
        var below = input
        for item in items {
            if let call = GeneratorCall(item) {
                let bound = try bindGenerator(call, binder(input.scope), carried: below.plan.output)
                below.plan = .generate(bound, below.plan)
                out += bound.columns.map { (nil, ScopeEntry(column: $0, qualifier: [])) }
            } else {
                if item.containsGenerator { throw QueryError(.generatorNested, ["expression": "\"\(item.prettyName)\""]) }
                out += try expanded([item], input.scope)
            }
        }
        return (out, below)
    }

    /// Whether the block of these items aggregates or has windows.
    func aggregates(_ items: [Expression], _ scope: Scope) throws(QueryError) -> Bool {
        let binder = binder(scope)
        for item in items {
            if case .star = item { continue }
            for expression in GeneratorCall(item)?.arguments ?? [item] {
                let bound = try binder.bind(expression)
                if bound.containsAggregate || bound.containsWindow { return true }
            }
        }
        return false
    }

    /// A block with generators over an aggregation: that gives the other items and the generators' arguments.
    mutating func selectOverGroups(_ items: [Expression], _ groups: [Expression]?, _ input: Resolved) throws(QueryError) -> SelectBlock {
        var list: [Expression] = []
        var calls: [(place: Int, call: GeneratorCall)] = []
        for (place, item) in items.enumerated() {
            guard let call = GeneratorCall(item) else {
                list.append(item)
                continue
            }
            calls.append((place, call))
            // A literal stays one, as the number of rows of `stack` must.
            list += call.arguments.filter { !$0.isLiteral }.map { .alias($0, name: "generated") }
        }
        let inner = try select(list, groups, input)
        let below = Resolved(plan: inner.plan(), scope: Scope(inner.entries))
        var entries = inner.entries[...]
        var block = SelectBlock(input: below)
        var plan = below.plan
        for (place, item) in items.enumerated() {
            var taken: [ScopeEntry]
            if let call = calls.first(where: { $0.place == place })?.call {
                var arguments: [BoundExpression] = []
                for argument in call.arguments {
                    if case .literal(let literal) = argument {
                        arguments.append(.literal(literal))
                    } else if let entry = entries.popFirst() {
                        arguments.append(.column(entry.column))
                    }
                }
                let bound = try generator(call, arguments, carried: plan.output, isOuter: false)
                plan = .generate(bound, plan)
                taken = bound.columns.map { ScopeEntry(column: $0, qualifier: []) }
            } else {
                let count = try expanded([item], input.scope).count
                taken = Array(entries.prefix(count))
                entries = entries.dropFirst(count)
            }
            for entry in taken {
                block.outputs.append(BoundOutput(expression: .column(entry.column), column: entry.column))
                block.entries.append(entry)
            }
        }
        block.input.plan = plan
        return block
    }
}

extension Expression {
    var isLiteral: Bool { if case .literal = self { true } else { false } }
}
