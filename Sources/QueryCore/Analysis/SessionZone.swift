// The session's time zone in a resolved plan. Timestamps are instants; kernels compute in UTC. Where a function reads or makes a wall
// clock, its timestamps are moved to the zone's clock before, and back behind it. A session in UTC has its plans unchanged.

/// A step between instants and a zone's wall clock, both as microseconds since 1970.
package struct ZoneShift: Hashable, Sendable {
    package enum Step: Hashable, Sendable {
        /// An instant to the wall clock; also of timestamps inside of arrays, maps and structs.
        case toLocal
        /// A wall clock to the instant.
        case toInstant
        /// A text to its instant; a text without a zone of its own is of this one. `isTry`: null for a text that is no timestamp.
        case parse(isTry: Bool)
    }

    package var step: Step
    package var rules: ZoneRules
}

enum SessionZone {
    static func apply(_ plan: BoundPlan, _ rules: ZoneRules) throws(QueryError) -> BoundPlan {
        let below = plan.withInputs(try plan.inputs.map { (input) throws(QueryError) in try apply(input, rules) })
        return try below.mapExpressions { (expression) throws(QueryError) in
            try expression.rewritten { (node) throws(QueryError) in
                try check(node, rules)
                return moved(node, rules)
            }
        }
    }

    private static func check(_ node: BoundExpression, _ rules: ZoneRules) throws(QueryError) {
        guard case .call(.library(let signature), let arguments, let type) = node, signature.clock == .onlyUTC else { return }
        if type.containsTimestamp || arguments.contains(where: { $0.type.containsTimestamp }) {
            throw QueryError.unsupported("\(signature.name) of timestamps in the time zone \(rules.name); in UTC it works")
        }
    }

    private static func local(_ value: BoundExpression, _ rules: ZoneRules) -> BoundExpression {
        .call(.zoned(ZoneShift(step: .toLocal, rules: rules)), [value], type: value.type)
    }

    private static func instant(_ value: BoundExpression, _ rules: ZoneRules) -> BoundExpression {
        .call(.zoned(ZoneShift(step: .toInstant, rules: rules)), [value], type: .timestamp)
    }

    private static func moved(_ node: BoundExpression, _ rules: ZoneRules) -> BoundExpression {
        switch node {
        case .cast(let inner, let type, let isTry): return cast(inner, type, isTry, rules) ?? node
        case .call(let function, let arguments, let type): return call(function, arguments, type, rules) ?? node
        default: return node
        }
    }

    private static func cast(_ inner: BoundExpression, _ type: DataType, _ isTry: Bool, _ rules: ZoneRules) -> BoundExpression? {
        switch (inner.type, type) {
        case (.string, .timestamp):
            return .call(.zoned(ZoneShift(step: .parse(isTry: isTry), rules: rules)), [inner], type: .timestamp)
        case (.date, .timestamp): return instant(.cast(inner, to: type, isTry: isTry), rules)
        case (.timestamp, .date): return .cast(local(inner, rules), to: type, isTry: isTry)
        case (let from, .string) where from.containsTimestamp: return .cast(local(inner, rules), to: type, isTry: isTry)
        default: return nil
        }
    }

    private static func call(_ function: ScalarFunction, _ arguments: [BoundExpression], _ type: DataType, _ rules: ZoneRules)
        -> BoundExpression?
    {
        func inLocal(_ arguments: [BoundExpression]) -> [BoundExpression] {
            arguments.map { $0.type == .timestamp ? local($0, rules) : $0 }
        }
        switch function {
        case .hour, .minute, .second, .dateFormat: return .call(function, inLocal(arguments), type: type)
        case .toDate where arguments[0].type == .timestamp: return .call(function, inLocal(arguments), type: type)
        case .toTimestamp: return toTimestamp(arguments, rules)
        case .addMonths where type == .timestamp: return instant(.call(function, inLocal(arguments), type: type), rules)
        case .addMicroseconds: return addMicroseconds(arguments, rules)
        case .currentDate: return .cast(local(.call(.currentTimestamp, [], type: .timestamp), rules), to: .date, isTry: false)
        case .library(let signature): return library(signature, function, arguments, type, rules)
        case .tried(let inner):
            return call(inner, arguments, type, rules)?.rewritten { node in
                if case .call(inner, let moved, let type) = node { return .call(function, moved, type: type) }
                return node
            }
        default: return nil
        }
    }

    private static func toTimestamp(_ arguments: [BoundExpression], _ rules: ZoneRules) -> BoundExpression? {
        switch arguments[0].type {
        case .timestamp: return arguments[0]
        case .string where arguments.count == 1: return cast(arguments[0], .timestamp, false, rules)
        case .string, .date: return instant(.call(.toTimestamp, arguments, type: .timestamp), rules)
        default: return nil
        }
    }

    /// Whole days of an interval move the wall clock, the rest the instant.
    private static func addMicroseconds(_ arguments: [BoundExpression], _ rules: ZoneRules) -> BoundExpression? {
        guard case .literal(let literal) = arguments[1], case .integer(let micros) = literal.value else { return nil }
        let rest = micros % CivilTime.microsPerDay
        if rest == micros { return nil }
        let days = BoundExpression.literal(.long(micros - rest))
        let moved = instant(.call(.addMicroseconds, [local(arguments[0], rules), days], type: .timestamp), rules)
        return rest == 0 ? moved : .call(.addMicroseconds, [moved, .literal(.long(rest))], type: .timestamp)
    }

    /// Functions of the library that read wall clocks.
    private static func library(
        _ signature: FunctionSignature, _ function: ScalarFunction, _ arguments: [BoundExpression], _ type: DataType, _ rules: ZoneRules
    ) -> BoundExpression? {
        switch signature.clock {
        case .none, .onlyUTC: return nil
        case .reads: return .call(function, arguments.map { $0.type == .timestamp ? local($0, rules) : $0 }, type: type)
        case .makes:
            let moved = arguments.map { $0.type == .timestamp ? local($0, rules) : $0 }
            return instant(.call(function, moved, type: type), rules)
        case .printsSeconds:
            let pattern = arguments.count > 1 ? arguments[1] : .literal(.string("yyyy-MM-dd HH:mm:ss"))
            let time = local(.cast(arguments[0], to: .timestamp, isTry: false), rules)
            return .call(.dateFormat, [time, pattern], type: .string)
        }
    }
}

extension DataType {
    /// Whether values of it hold timestamps.
    package var containsTimestamp: Bool {
        switch self {
        case .timestamp: true
        case .array(let element, _): element.containsTimestamp
        case .map(let key, let value, _): key.containsTimestamp || value.containsTimestamp
        case .structure(let fields): fields.contains { $0.type.containsTimestamp }
        default: false
        }
    }
}

extension ZoneRules {
    /// A value with its timestamps as the zone's wall clock; those beyond 64 bits stay.
    package func local(_ value: Value, _ type: DataType) -> Value {
        switch (value, type) {
        case (.integer(let micros), .timestamp): return .integer(local(micros) ?? micros)
        case (.array(let items), .array(let element, _)): return .array(items.map { local($0, element) })
        case (.map(let keys, let values), .map(let key, let item, _)):
            return .map(keys: keys.map { local($0, key) }, values: values.map { local($0, item) })
        case (.structure(let items), .structure(let fields)): return .structure(zip(items, fields).map { local($0, $1.type) })
        default: return value
        }
    }
}
