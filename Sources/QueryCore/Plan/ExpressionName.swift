// Spark's name of a column without an alias, e.g. `count(1)`, `(a + 1)`, `CASE WHEN (a > 1) THEN x END`. Names are part of the result:
// PySpark users select by them. Every spelling here was seen from pyspark 4.2.

extension Expression {
    /// The name of an output column: the alias, or the last part of a column's name, or the printed expression.
    package var outputName: String {
        switch self {
        case .alias(_, let name): return name
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

    package var prettyName: String {
        switch self {
        case .literal(let literal): return literal.prettyName
        case .attribute(let parts, _): return parts.joined(separator: ".")
        case .star(let qualifier): return (qualifier + ["*"]).joined(separator: ".")
        case .alias(let inner, let name): return "\(inner.prettyName) AS \(name)"
        case .call(let name, let arguments, let distinct): return Self.callName(name, arguments, distinct)
        case .cast(let inner, let type, let isTry): return "\(isTry ? "TRY_CAST" : "CAST")(\(inner.prettyName) AS \(type.sqlName))"
        case .caseWhen(let branches, let otherwise):
            let whens = branches.map { " WHEN \($0.condition.prettyName) THEN \($0.result.prettyName)" }.joined()
            return "CASE\(whens)\(otherwise.map { " ELSE \($0.prettyName)" } ?? "") END"
        case .inList(let value, let items): return "(\(value.prettyName) IN (\(items.map(\.prettyName).joined(separator: ", "))))"
        case .extract(let base, let key):
            if case .literal(let literal) = key, case .string(let field) = literal.value, base.isPath {
                return "\(base.prettyName).\(field)"
            }
            return "\(base.prettyName)[\(key.prettyName)]"
        case .filtered(let call, let condition): return "\(call.prettyName) FILTER (WHERE \(condition.prettyName))"
        }
    }

    /// Names printed in capitals by Spark.
    private static let capitals: [String: String] = [
        "ceil": "CEIL", "floor": "FLOOR", "sqrt": "SQRT", "exp": "EXP", "log10": "LOG10", "power": "POWER", "rlike": "RLIKE",
        "regexp_like": "REGEXP_LIKE",
    ]

    /// Types callable like functions: `double('1.5')`.
    package static let castFunctions: [String: DataType] = [
        "boolean": .boolean, "tinyint": .byte, "smallint": .short, "int": .int, "bigint": .long, "float": .float, "double": .double,
        "decimal": .defaultDecimal, "string": .string, "binary": .binary, "date": .date, "timestamp": .timestamp,
    ]

    /// The same expression with every name changed.
    package func mapAttributes(_ change: ([String], Int64?) -> [String]) -> Expression {
        func map(_ expression: Expression) -> Expression { expression.mapAttributes(change) }
        switch self {
        case .literal, .star: return self
        case .attribute(let parts, let planID): return .attribute(change(parts, planID), planID: planID)
        case .alias(let inner, let name): return .alias(map(inner), name: name)
        case .call(let name, let arguments, let distinct): return .call(name: name, arguments: arguments.map(map), distinct: distinct)
        case .cast(let inner, let type, let isTry): return .cast(map(inner), to: type, isTry: isTry)
        case .caseWhen(let branches, let otherwise):
            let mapped = branches.map { CaseBranch(condition: map($0.condition), result: map($0.result)) }
            return .caseWhen(branches: mapped, otherwise: otherwise.map(map))
        case .inList(let value, let items): return .inList(map(value), items.map(map))
        case .extract(let base, let key): return .extract(map(base), key: map(key))
        case .filtered(let call, let condition): return .filtered(map(call), condition: map(condition))
        }
    }

    private static func callName(_ name: String, _ arguments: [Expression], _ distinct: Bool) -> String {
        let names = arguments.map(\.prettyName)
        let key = name.lowercased()
        if names.count == 1, castFunctions[key] != nil { return names[0] }
        switch (key, names.count) {
        case ("+", 2), ("-", 2), ("*", 2), ("/", 2), ("%", 2), ("div", 2), ("=", 2), ("<=>", 2), ("<", 2), ("<=", 2), (">", 2), (">=", 2):
            return "(\(names[0]) \(key) \(names[1]))"
        case ("==", 2): return "(\(names[0]) = \(names[1]))"
        case ("!=", 2), ("<>", 2): return "(NOT (\(names[0]) = \(names[1])))"
        case ("and", 2), ("or", 2): return "(\(names[0]) \(key.uppercased()) \(names[1]))"
        case ("not", 1), ("!", 1): return "(NOT \(names[0]))"
        case ("negative", 1): return "(- \(names[0]))"
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
        case ("count", _) where arguments == [.star(qualifier: [])]: return "count(1)"
        case ("round", 1): return "round(\(names[0]), 0)"
        case ("log", 1): return "LOG(E(), \(names[0]))"
        case ("log", 2): return "LOG(\(names[0]), \(names[1]))"
        case ("replace", 2): return "replace(\(names[0]), \(names[1]), )"
        case ("split", 2): return "split(\(names[0]), \(names[1]), -1)"
        case ("lpad", 2), ("rpad", 2): return "\(key)(\(names[0]), \(names[1]),  )"
        case ("substring", 2), ("substr", 2): return "\(key)(\(names[0]), \(names[1]), 2147483647)"
        case ("first", 2), ("last", 2), ("first_value", 2), ("last_value", 2), ("any_value", 2): return "\(key)(\(names[0]))"
        default: return "\(capitals[key] ?? key)(\(distinct ? "DISTINCT " : "")\(names.joined(separator: ", ")))"
        }
    }
}

extension Literal {
    package var prettyName: String {
        switch (value, type) {
        case (.null, _): "NULL"
        case (.integer(let days), .date): "DATE '\(CivilTime.formatDate(Int(days)))'"
        case (.integer(let micros), .timestamp): "TIMESTAMP '\(CivilTime.formatTimestamp(micros))'"
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
