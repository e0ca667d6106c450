// Structures with fields added, replaced or dropped: `Column.withField` and `Column.dropFields`. Source: Spark's Column API.

package enum StructUpdate {
    /// With a blank, so that no query can call it.
    static let name = "update fields"

    /// Without a value the field is dropped. A path leads through the structures inside.
    package static func written(_ base: Expression, _ path: [String], _ value: Expression?) -> Expression {
        let names = path.map { Expression.literal(.string($0)) }
        let list = Expression.call(name: "array", arguments: names, distinct: false)
        return .call(name: name, arguments: [base, list] + (value.map { [$0] } ?? []), distinct: false)
    }

    static func shown(_ arguments: [Expression], _ names: [String]) -> String {
        "update_fields(\(names[0]), \(arguments.count > 2 ? "WithField(\(names[2]))" : "dropfield()"))"
    }
}

extension ExpressionBinder {
    func updated(_ arguments: [Expression]) throws(QueryError) -> BoundExpression {
        guard case .call(_, let names, _) = arguments[1] else { preconditionFailure("the path of a field is a list of names") }
        let path = names.map { name in
            if case .literal(let literal) = name, case .string(let text) = literal.value { text } else { "" }
        }
        let value = arguments.count > 2 ? try bind(arguments[2]) : nil
        return try updated(try bind(arguments[0]), path[...], value, arguments[0])
    }

    private func updated(_ base: BoundExpression, _ path: ArraySlice<String>, _ value: BoundExpression?, _ source: Expression)
        throws(QueryError) -> BoundExpression
    {
        guard case .structure(let fields) = base.type, let name = path.first else {
            throw FunctionBinder(name: "update_fields", source: source).unexpected(base, 0, source, "\"STRUCT\"")
        }
        let isLast = path.count == 1
        var made: [(field: StructField, value: BoundExpression)] = []
        var isFound = false
        for (index, field) in fields.enumerated() {
            let own = BoundExpression.field(base, index: index, type: field.type)
            guard Identifier.same(field.name, name) else {
                made.append((field, own))
                continue
            }
            isFound = true
            if isLast, value == nil { continue }
            let new = isLast ? value ?? own : try updated(own, path.dropFirst(), value, source)
            made.append((StructField(isLast ? name : field.name, new.type, nullable: new.nullable), new))
        }
        if !isFound, let value {
            guard isLast else {
                let names = fields.map { Identifier.quoted($0.name) }.joined(separator: ", ")
                throw QueryError(.fieldNotFound, ["fieldName": Identifier.quoted(name), "fields": names])
            }
            made.append((StructField(name, value.type, nullable: value.nullable), value))
        }
        guard !made.isEmpty else { throw QueryError.unsupported("dropping all fields of a structure") }
        let type = DataType.structure(made.map(\.field))
        let structure = BoundExpression.call(.structure, made.map(\.value), type: type)
        guard base.nullable else { return structure }
        let branch = BoundBranch(
            condition: .call(.isNull, [base], type: .boolean), result: .cast(.literal(.null), to: type, isTry: false))
        return .caseWhen([branch], otherwise: structure, type: type)
    }
}
