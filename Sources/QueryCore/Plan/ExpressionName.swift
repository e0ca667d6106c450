// Spark's name of a column without an alias, e.g. `count(1)`, `(a + 1)`, `CASE WHEN (a > 1) THEN x END`. Names are part of the result:
// PySpark users select by them. Every spelling here was seen from pyspark 4.2.

extension Expression {
    /// The name of an output column: the alias, or the last part of a column's name, or the printed expression.
    package var outputName: String {
        switch self {
        case .alias(_, let name): return name
        case .aliases(_, let names): return names[0]
        case .attribute(let parts, _): return parts[parts.count - 1]
        case .cast(let inner, _, _):
            // A cast of a bare column keeps the column's name.
            switch inner {
            case .attribute, .alias: return inner.outputName
            default: return prettyName
            }
        case .extract(let base, .literal(let key)):
            if case .string(let field) = key.value, base.isPath { return field }
            return prettyName
        default: return prettyName
        }
    }

    private var isPath: Bool {
        switch self {
        case .attribute: true
        case .extract(let base, .literal(let key)): key.type == .string && base.isPath
        default: false
        }
    }

    /// Whether it is a call that makes a structure, or an array of structures.
    private var makesStructures: Bool {
        guard case .call(let name, let arguments, _) = self else { return false }
        switch name.lowercased() {
        case "struct", "named_struct": return true
        case "array": return arguments.first?.makesStructures ?? false
        default: return false
        }
    }

    private var withoutNullRule: Expression { if case .ignoringNulls(let call) = self { call } else { self } }

    package var prettyName: String {
        switch self {
        case .literal(let literal): return literal.prettyName
        case .attribute(let parts, _): return parts.joined(separator: ".")
        case .star(let qualifier): return (qualifier + ["*"]).joined(separator: ".")
        case .alias(let inner, let name): return "\(inner.prettyName) AS \(name)"
        case .aliases(let inner, let names): return "\(inner.prettyName) AS (\(names.joined(separator: ", ")))"
        case .lambda(let parameters, let body): return Self.lambdaName(parameters, body)
        case .call(let name, let arguments, let distinct): return Self.callName(name, arguments, distinct)
        case .cast(let inner, let type, let isTry): return "\(isTry ? "TRY_CAST" : "CAST")(\(inner.prettyName) AS \(type.sqlName))"
        case .caseWhen(let branches, let otherwise):
            let whens = branches.map { " WHEN \($0.condition.prettyName) THEN \($0.result.prettyName)" }.joined()
            return "CASE\(whens)\(otherwise.map { " ELSE \($0.prettyName)" } ?? "") END"
        case .inList(let value, let items): return "(\(value.prettyName) IN (\(items.map(\.prettyName).joined(separator: ", "))))"
        case .extract(let base, let key):
            if case .literal(let literal) = key, case .string(let field) = literal.value, base.isPath || base.makesStructures {
                return "\(base.prettyName).\(field)"
            }
            return "\(base.prettyName)[\(key.prettyName)]"
        case .filtered(let call, let condition): return "\(call.prettyName) FILTER (WHERE \(condition.prettyName))"
        case .interval(let interval): return interval.prettyName
        case .window(let call, let spec): return "\(call.prettyName) OVER \(spec.prettyName(of: call.withoutNullRule))"
        case .python(let call, let arguments):
            return "\(call.function.name)(\(arguments.map(\.prettyName).joined(separator: ", ")))"
        case .ignoringNulls(let call): return call.prettyName + (FunctionNames.showsNulls(call) ? " ignore nulls" : "")
        case .subquery(.scalar, _): return "scalarsubquery()"
        case .subquery(.exists, _): return "exists()"
        case .subquery(.contains(let values), _):
            let names = values.map(\.prettyName).joined(separator: ", ")
            return "(\(values.count == 1 ? names : "named_struct(\(names))") IN (listquery()))"
        }
    }

    /// Names printed in capitals by Spark.
    private static let capitals: [String: String] = [
        "ceil": "CEIL", "floor": "FLOOR", "sqrt": "SQRT", "exp": "EXP", "log10": "LOG10", "power": "POWER", "rlike": "RLIKE", "sin": "SIN",
        "cos": "COS", "tan": "TAN", "asin": "ASIN", "acos": "ACOS",
        "atan": "ATAN", "atan2": "ATAN2", "sinh": "SINH", "cosh": "COSH", "tanh": "TANH", "cbrt": "CBRT", "expm1": "EXPM1", "cot": "COT",
        "sec": "SEC", "csc": "CSC", "degrees": "DEGREES", "radians": "RADIANS", "hypot": "HYPOT", "log2": "LOG2", "log1p": "LOG1P",
        "pi": "PI", "e": "E",
        "regexp_like": "REGEXP_LIKE", "regexp": "REGEXP", "signum": "SIGNUM", "acosh": "ACOSH", "asinh": "ASINH", "atanh": "ATANH",
        "spark_partition_id": "SPARK_PARTITION_ID", "rank": "RANK", "dense_rank": "DENSE_RANK", "percent_rank": "PERCENT_RANK",
    ]

    /// Types callable like functions: `double('1.5')`.
    package static let castFunctions: [String: DataType] = [
        "boolean": .boolean, "tinyint": .byte, "smallint": .short, "int": .int, "bigint": .long, "float": .float, "double": .double,
        "decimal": .defaultDecimal, "string": .string, "binary": .binary, "date": .date, "timestamp": .timestamp,
    ]

    /// The same expression with every name changed.
    package func mapAttributes(_ change: ([String], Int64?) -> [String]) -> Expression {
        if case .attribute(let parts, let planID) = self { return .attribute(change(parts, planID), planID: planID) }
        return mapChildren { $0.mapAttributes(change) }
    }

    /// The same expression with every window changed.
    func mapWindows<E: Error>(_ change: (WindowSpec) throws(E) -> WindowSpec) throws(E) -> Expression {
        let changed = try mapChildren { (child) throws(E) in try child.mapWindows(change) }
        if case .window(let call, let spec) = changed { return .window(call, try change(spec)) }
        return changed
    }

    /// The same expression with each expression directly below it changed; queries inside are left alone.
    func mapChildren<E: Error>(_ change: (Expression) throws(E) -> Expression) throws(E) -> Expression {
        switch self {
        case .literal, .star, .interval, .attribute: return self
        case .subquery(.contains(let values), let plan): return .subquery(.contains(try values.map(change)), plan)
        case .subquery: return self
        case .alias(let inner, let name): return .alias(try change(inner), name: name)
        case .aliases(let inner, let names): return .aliases(try change(inner), names: names)
        case .lambda(let parameters, let body): return .lambda(parameters, try change(body))
        case .call(let name, let arguments, let distinct):
            return .call(name: name, arguments: try arguments.map(change), distinct: distinct)
        case .cast(let inner, let type, let isTry): return .cast(try change(inner), to: type, isTry: isTry)
        case .caseWhen(let branches, let otherwise):
            let mapped = try branches.map { (branch) throws(E) in
                CaseBranch(condition: try change(branch.condition), result: try change(branch.result))
            }
            var last: Expression?
            if let otherwise { last = try change(otherwise) }
            return .caseWhen(branches: mapped, otherwise: last)
        case .inList(let value, let items): return .inList(try change(value), try items.map(change))
        case .extract(let base, let key): return .extract(try change(base), key: try change(key))
        case .filtered(let call, let condition): return .filtered(try change(call), condition: try change(condition))
        case .window(let call, let spec): return .window(try change(call), try spec.mapExpressions(change))
        case .python(let call, let arguments): return .python(call, try arguments.map(change))
        case .ignoringNulls(let call): return .ignoringNulls(try change(call))
        }
    }

    /// Spark prints each parameter as the call of a function.
    private static func lambdaName(_ parameters: [String], _ body: Expression) -> String {
        let variable = "namedlambdavariable()"
        let shown = body.mapAttributes { parts, _ in
            parameters.contains { Identifier.same($0, parts[0]) } ? [variable] + parts.dropFirst() : parts
        }
        return "lambdafunction(\(([shown.prettyName] + parameters.map { _ in variable }).joined(separator: ", ")))"
    }

    private static func callName(_ name: String, _ arguments: [Expression], _ distinct: Bool) -> String {
        let names = arguments.map(\.prettyName)
        let key = name.lowercased()
        if names.count == 1, castFunctions[key] != nil { return names[0] }
        switch (key, names.count) {
        case ("+", 2), ("-", 2), ("*", 2), ("/", 2), ("%", 2), ("div", 2), ("&", 2), ("|", 2), ("^", 2), ("<<", 2), (">>", 2), (">>>", 2),
            ("=", 2), ("<=>", 2), ("<", 2), ("<=", 2), (">", 2), (">=", 2):
            return "(\(names[0]) \(key) \(names[1]))"
        case ("==", 2): return "(\(names[0]) = \(names[1]))"
        case ("!=", 2), ("<>", 2): return "(NOT (\(names[0]) = \(names[1])))"
        case ("and", 2), ("or", 2): return "(\(names[0]) \(key.uppercased()) \(names[1]))"
        case ("not", 1), ("!", 1): return "(NOT \(names[0]))"
        case ("~", 1): return "~\(names[0])"
        case ("trim", 2): return "TRIM(BOTH \(names[0]) FROM \(names[1]))"
        case ("ltrim", 2): return "TRIM(LEADING \(names[0]) FROM \(names[1]))"
        case ("rtrim", 2): return "TRIM(TRAILING \(names[0]) FROM \(names[1]))"
        case ("-", 1): return "(- \(names[0]))"
        case ("positive", 1): return "(+ \(names[0]))"
        case ("isnull", 1): return "(\(names[0]) IS NULL)"
        case ("isnotnull", 1): return "(\(names[0]) IS NOT NULL)"
        case ("if", 3): return "(IF(\(names.joined(separator: ", "))))"
        case ("like", 2): return "\(names[0]) LIKE \(names[1])"
        case ("like", 3): return "\(names[0]) LIKE \(names[1]) ESCAPE '\(names[2])'"
        case ("in", 2...): return "(\(names[0]) IN (\(names.dropFirst().joined(separator: ", "))))"
        case ("when", 2...):
            var text = "CASE"
            var index = 0
            while index + 1 < names.count {
                text += " WHEN \(names[index]) THEN \(names[index + 1])"
                index += 2
            }
            return text + (index < names.count ? " ELSE \(names[index])" : "") + " END"
        case ("timestamp literal", 1): return "TIMESTAMP '\(names[0])'"
        case ("aggregate", 3), ("reduce", 3):
            return "\(key)(\(names.joined(separator: ", ")), lambdafunction(namedlambdavariable(), namedlambdavariable()))"
        case ("count", _) where arguments == [.star(qualifier: [])]: return "count(1)"
        case ("log", 1): return "LOG(E(), \(names[0]))"
        case ("log", 2): return "LOG(\(names[0]), \(names[1]))"
        case ("first", 2), ("last", 2), ("first_value", 2), ("last_value", 2), ("any_value", 2): return "\(key)(\(names[0]))"
        default:
            if let name = FunctionNames.special(key, arguments, names) { return name }
            let shown = FunctionNames.shown[key] ?? capitals[key] ?? key
            let all = names + FunctionNames.defaults(key, names.count)
            return "\(shown)(\(distinct ? "DISTINCT " : "")\(all.joined(separator: ", ")))"
        }
    }
}

extension Interval {
    /// As Spark prints the literal, e.g. `INTERVAL '3' MONTH`.
    var prettyName: String {
        switch unit {
        case .months where amount % 12 == 0: "INTERVAL '\(amount / 12)' YEAR"
        case .months: "INTERVAL '\(amount)' MONTH"
        case .days: "INTERVAL '\(amount)' DAY"
        case .microseconds where amount % 3_600_000_000 == 0: "INTERVAL '\(amount / 3_600_000_000)' HOUR"
        case .microseconds where amount % 60_000_000 == 0: "INTERVAL '\(amount / 60_000_000)' MINUTE"
        case .microseconds: "INTERVAL '\(DecimalText.format(Int128(amount), scale: 6))' SECOND"
        }
    }
}

extension Literal {
    package var prettyName: String {
        switch (value, type) {
        case (.null, _): "NULL"
        case (.integer(let days), .date): "DATE '\(CivilTime.formatDate(Int(days)))'"
        case (.integer(let micros), .timestamp): "TIMESTAMP '\(CivilTime.formatTimestamp(micros))'"
        case (.binary(let bytes), _): "X'\(FunctionNames.hexadecimal(bytes))'"
        default: value.text(type)
        }
    }
}

extension Value {
    /// The value cast to string; `show` prints nulls as `NULL` instead.
    package func text(_ type: DataType, null: String = "null") -> String {
        switch (self, type) {
        case (.null, _): null
        case (.boolean(let value), _): value ? "true" : "false"
        case (.integer(let days), .date): CivilTime.formatDate(Int(days))
        case (.integer(let micros), .timestamp): CivilTime.formatTimestamp(micros)
        case (.integer(let value), _): String(value)
        case (.double(let value), .float): FloatText.format(Float(value))
        case (.double(let value), _): FloatText.format(value)
        case (.decimal(let value), .decimal(_, let scale)): DecimalText.format(value, scale: scale)
        case (.decimal(let value), _): String(value)
        case (.string(let value), _): value
        case (.binary(let bytes), _): String(decoding: bytes, as: UTF8.self)
        case (.array(let values), .array(let element, _)): "[" + values.map { $0.text(element, null: null) }.joined(separator: ", ") + "]"
        case (.map(let keys, let values), .map(let key, let value, _)):
            "{" + zip(keys, values).map { "\($0.text(key, null: null)) -> \($1.text(value, null: null))" }.joined(separator: ", ") + "}"
        case (.structure(let values), .structure(let fields)):
            "{" + zip(values, fields).map { $0.text($1.type, null: null) }.joined(separator: ", ") + "}"
        default: preconditionFailure("a value does not have its type \(type.simpleString)")
        }
    }
}
