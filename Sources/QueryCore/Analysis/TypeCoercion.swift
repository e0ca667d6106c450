// Spark's ANSI rules for types: the common type of two operands, the implicit casts, and precision and scale of decimal arithmetic. Pure
// functions over types. Source: Spark SQL reference, "ANSI Compliance", type promotion and decimal operations.

package enum TypeCoercion {
    /// The decimal that holds every value of an integral type.
    package static func decimal(for type: DataType) -> DataType? {
        switch type {
        case .byte: .decimal(precision: 3, scale: 0)
        case .short: .decimal(precision: 5, scale: 0)
        case .int: .decimal(precision: 10, scale: 0)
        case .long: .decimal(precision: 20, scale: 0)
        case .decimal: type
        default: nil
        }
    }

    private static func rank(_ type: DataType) -> Int {
        switch type {
        case .byte: 0
        case .short: 1
        case .int: 2
        case .long: 3
        case .float: 4
        default: 5
        }
    }

    /// The type for the comparison or merge of two values without strings changing type; nil if there is none.
    package static func tightest(_ left: DataType, _ right: DataType) -> DataType? {
        if left == right { return left }
        if left == .null { return right }
        if right == .null { return left }
        if left.isNumeric, right.isNumeric { return numeric(left, right) }
        switch (left, right) {
        case (.date, .timestamp), (.timestamp, .date): return .timestamp
        case (.array(let one, let oneNull), .array(let other, let otherNull)):
            return tightest(one, other).map { .array(element: $0, containsNull: oneNull || otherNull) }
        case (.map(let key, let value, let null), .map(let otherKey, let otherValue, let otherNull)):
            guard let key = tightest(key, otherKey), let value = tightest(value, otherValue) else { return nil }
            return .map(key: key, value: value, valueContainsNull: null || otherNull)
        case (.structure(let fields), .structure(let others)):
            guard fields.count == others.count else { return nil }
            var merged: [StructField] = []
            for (field, other) in zip(fields, others) {
                guard Identifier.same(field.name, other.name), let type = tightest(field.type, other.type) else { return nil }
                merged.append(StructField(field.name, type, nullable: field.nullable || other.nullable))
            }
            return .structure(merged)
        default: return nil
        }
    }

    private static func numeric(_ left: DataType, _ right: DataType) -> DataType {
        if left.isDecimal || right.isDecimal {
            guard case .decimal(let p1, let s1) = decimal(for: left), case .decimal(let p2, let s2) = decimal(for: right) else {
                return .double
            }
            let scale = max(s1, s2)
            return bounded(precision: max(p1 - s1, p2 - s2) + scale, scale: scale)
        }
        let wider = rank(left) >= rank(right) ? left : right
        // Float with an integral type would lose digits, so both become double.
        return wider == .float ? .double : wider
    }

    /// Like `tightest`, but a string becomes the other type (integral: bigint; fractional: double).
    package static func common(_ left: DataType, _ right: DataType) -> DataType? {
        if let type = tightest(left, right) { return type }
        if left == .string { return promoted(right) }
        if right == .string { return promoted(left) }
        return nil
    }

    private static func promoted(_ type: DataType) -> DataType? {
        if type.isIntegral { return .long }
        if type.isNumeric { return .double }
        return type.isAtomic ? type : nil
    }

    /// Keeps at least six digits of fraction when 38 digits are not enough.
    static func bounded(precision: Int, scale: Int) -> DataType {
        let limit = DataType.decimalPrecisionMax
        if precision <= limit { return .decimal(precision: precision, scale: scale) }
        let whole = precision - scale
        return .decimal(precision: limit, scale: max(limit - whole, min(scale, 6)))
    }

    static func decimalResult(_ function: ScalarFunction, _ p1: Int, _ s1: Int, _ p2: Int, _ s2: Int) -> DataType {
        switch function {
        case .multiply: return bounded(precision: p1 + p2 + 1, scale: s1 + s2)
        case .divide:
            let scale = max(6, s1 + p2 + 1)
            return bounded(precision: p1 - s1 + s2 + scale, scale: scale)
        case .remainder, .positiveModulo: return bounded(precision: min(p1 - s1, p2 - s2) + max(s1, s2), scale: max(s1, s2))
        default: return bounded(precision: max(p1 - s1, p2 - s2) + max(s1, s2) + 1, scale: max(s1, s2))
        }
    }

    /// Whether an explicit cast is allowed.
    package static func canCast(_ from: DataType, _ to: DataType) -> Bool {
        if from == to || from == .null { return true }
        switch (from, to) {
        case (_, .string): return true
        case (.string, .binary): return true
        case (.string, _): return to.isAtomic && to != .null
        case (.boolean, _): return to.isNumeric
        case (_, .boolean): return from.isNumeric
        case (.date, .timestamp), (.timestamp, .date): return true
        case (.timestamp, _): return to.isNumeric
        case (_, .timestamp): return from.isNumeric
        case (.array(let one, _), .array(let other, _)): return canCast(one, other)
        case (.map(let key, let value, _), .map(let otherKey, let otherValue, _)):
            return canCast(key, otherKey) && canCast(value, otherValue)
        case (.structure(let fields), .structure(let others)):
            return fields.count == others.count && zip(fields, others).allSatisfy { canCast($0.type, $1.type) }
        default: return from.isNumeric && to.isNumeric
        }
    }

    /// The refusal of a cast; `shown` is the expression in Spark's quotes.
    package static func noCast(_ shown: String, _ from: DataType, _ to: DataType) -> QueryError {
        QueryError(.dataTypeMismatchCast, ["sqlExpr": shown, "srcType": "\"\(from.sqlName)\"", "targetType": "\"\(to.sqlName)\""])
    }

    /// The implicit cast of an argument in a function call; nil if the argument does not fit.
    static func implicit(_ expression: BoundExpression, to type: DataType) -> BoundExpression? {
        let from = expression.type
        if from == type { return expression }
        let fits =
            switch (from, type) {
            case (.null, _), (.string, _): type.isAtomic
            case (_, .string): from.isAtomic
            // As of an assignment: a number that does not fit is refused where it is met.
            case (_, .int), (_, .long), (_, .double): from.isNumeric
            case (.binary, .binary): true
            case (.date, .timestamp), (.timestamp, .date): true
            default: false
            }
        return fits ? cast(expression, to: type) : nil
    }

    static func cast(_ expression: BoundExpression, to type: DataType) -> BoundExpression {
        expression.type == type ? expression : .cast(expression, to: type, isTry: false)
    }
}
