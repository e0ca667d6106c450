// Binds one expression: names to columns through the caller's lookup, functions through `FunctionBinder`, casts and conditions to their
// types. Aggregate calls stay in the tree as `.aggregate`; the caller decides whether they are allowed there.

struct ExpressionBinder {
    /// Looks up a name; `inAggregate`: the name stands inside an aggregate function's arguments.
    var lookup: (_ parts: [String], _ planID: Int64?, _ inAggregate: Bool) throws(QueryError) -> BoundExpression
    typealias Subquery = (SubqueryTest, SubqueryPlan, _ values: [BoundExpression]) throws(QueryError) -> BoundExpression
    /// Resolves a query inside of an expression.
    private let subquery: Subquery
    /// A function of the library by its lower-case name.
    private let function: (String) -> FunctionSignature?
    /// A Python function of the session by its lower-case name.
    private let python: (String) -> PythonFunction?
    /// The id of a new column.
    let newID: () -> ColumnID
    /// A time zone by name; the session's without one.
    private let zone: (String?) -> ZoneRules?
    /// The current database.
    private let database: () -> String
    /// What a name without a function may have meant, as a sentence; empty if nothing is near.
    private let hint: (String) -> String
    /// Parameters of the lambdas around, innermost last.
    var parameters: [BoundColumn] = []
    private var inAggregate = false
    /// The arguments of an aggregate over a window may be aggregates.
    private var isOverWindow = false

    init(
        lookup: @escaping (_ parts: [String], _ planID: Int64?, _ inAggregate: Bool) throws(QueryError) -> BoundExpression,
        subquery: @escaping Subquery, function: @escaping (String) -> FunctionSignature?,
        python: @escaping (String) -> PythonFunction?, newID: @escaping () -> ColumnID,
        zone: @escaping (String?) -> ZoneRules?, database: @escaping () -> String, hint: @escaping (String) -> String
    ) {
        self.lookup = lookup
        self.subquery = subquery
        self.function = function
        self.python = python
        self.newID = newID
        self.zone = zone
        self.database = database
        self.hint = hint
    }

    func bind(_ expression: Expression) throws(QueryError) -> BoundExpression {
        switch expression {
        case .literal(let literal): return .literal(literal)
        case .attribute(let parts, let planID):
            if planID == nil, let parameter = parameters.last(where: { Identifier.same($0.name, parts[0]) }) {
                var value = BoundExpression.parameter(parameter)
                for index in parts.indices.dropFirst() {
                    value = try Self.field(parts[index], of: value, parts[..<index].joined(separator: "."))
                }
                return value
            }
            return try lookup(parts, planID, inAggregate)
        case .star: throw QueryError(.unresolvedColumnNoSuggestion, ["objectName": "`*`"])
        case .alias(let inner, _): return try bind(inner)
        case .aliases(let inner, let names):
            throw QueryError(
                .multiAliasWithoutGenerator, ["expr": "\"\(inner.prettyName)\"", "names": names.joined(separator: ", ")])
        case .lambda:
            throw QueryError.unsupported("a lambda outside of a higher-order function: \(expression.prettyName)")
        case .call(let name, let arguments, let distinct): return try call(name.lowercased(), arguments, distinct, expression)
        case .cast(let inner, let type, let isTry): return try cast(inner, type, isTry, expression)
        case .caseWhen(let branches, let otherwise): return try caseWhen(branches, otherwise, expression)
        case .inList(let value, let items): return try inList(value, items, expression)
        case .extract(let base, let key): return try extract(bind(base), bind(key), base)
        case .filtered(let inner, let condition):
            return try filtered(inner, condition)
        case .window(let call, let spec): return try window(call, spec, expression)
        case .python(let call, let arguments): return try python(call, arguments)
        case .ignoringNulls(let inner):
            guard case .aggregate(var call) = try bind(inner) else {
                throw QueryError.unsupported("IGNORE NULLS without OVER: \(expression.prettyName)")
            }
            call.ignoreNulls = true
            return .aggregate(call)
        case .interval: throw QueryError.unsupported("an interval outside of an addition to a date or a timestamp")
        case .subquery(let test, let plan):
            guard case .contains(let values) = test else { return try subquery(test, plan, []) }
            return try subquery(test, plan, try bindAll(values))
        }
    }

    private func filtered(_ inner: Expression, _ condition: Expression) throws(QueryError) -> BoundExpression {
        let bound = try bind(inner)
        guard bound.containsAggregate else { throw QueryError.unsupported("FILTER on a function that is not an aggregate") }
        var nested = self
        nested.inAggregate = true
        let filter = try Self.condition(try nested.bind(condition), condition)
        return bound.rewritten { node in
            guard case .aggregate(var call) = node else { return node }
            call.filter = call.filter.map { .call(.and, [$0, filter], type: .boolean) } ?? filter
            return .aggregate(call)
        }
    }

    func overWindow() -> ExpressionBinder {
        var binder = self
        binder.isOverWindow = true
        return binder
    }

    /// Arguments of an aggregate function.
    func bindAggregated(_ arguments: [Expression]) throws(QueryError) -> [BoundExpression] {
        if inAggregate { throw QueryError(.nestedAggregate) }
        var nested = self
        nested.inAggregate = !isOverWindow
        nested.isOverWindow = false
        return try nested.bindAll(arguments)
    }

    func bindAll(_ expressions: [Expression]) throws(QueryError) -> [BoundExpression] {
        var bound: [BoundExpression] = []
        for expression in expressions { bound.append(try bind(expression)) }
        return bound
    }

    /// A boolean, or Spark's refusal of a filter that is none.
    static func condition(_ bound: BoundExpression, _ source: Expression) throws(QueryError) -> BoundExpression {
        if bound.type == .boolean { return bound }
        if bound.type == .null { return .cast(bound, to: .boolean, isTry: false) }
        let name = "\"\(source.prettyName)\""
        throw QueryError(.dataTypeMismatchFilterNotBoolean, ["sqlExpr": name, "filter": name, "type": "\"\(bound.type.sqlName)\""])
    }

    private func call(_ name: String, _ arguments: [Expression], _ distinct: Bool, _ source: Expression) throws(QueryError)
        -> BoundExpression
    {
        if let function = python(name) {
            return try python(PythonCall(function, names: arguments.map { _ in "" }), arguments, distinct: distinct)
        }
        if name == "+" || name == "-", let moved = try moved(arguments, back: name == "-") { return moved }
        if let special = try worded(name, arguments, source) { return special }
        switch name {
        case "between" where arguments.count == 3:
            let value = arguments[0]
            return try bind(.call("and", .call(">=", value, arguments[1]), .call("<=", value, arguments[2])))
        case "!=", "<>": return try bind(.call("not", .call(name: "=", arguments: arguments, distinct: false)))
        case "positive" where arguments.count == 1: return try bind(arguments[0])
        case "if" where arguments.count == 3:
            let branch = CaseBranch(condition: arguments[0], result: arguments[1])
            return try caseWhen([branch], arguments[2], source)
        case "when" where arguments.count >= 2: return try when(arguments, source)
        case _ where arguments.count == 1 && Expression.castFunctions[name] != nil:
            return try cast(arguments[0], Expression.castFunctions[name] ?? .null, false, source)
        case "timestamp literal" where arguments.count == 1: return .cast(try bind(arguments[0]), to: .timestamp, isTry: false)
        case "current_timezone" where arguments.isEmpty: return .literal(.string(zone(nil)?.name ?? "UTC"))
        case "in" where arguments.count >= 2: return try inList(arguments[0], Array(arguments.dropFirst()), source)
        default: break
        }
        if let function = HigherOrderFunction.named[name] {
            return try higherOrder(function, name, arguments, source)
        }
        if let known = AggregateForms.named[name] {
            try FunctionBinder(name: name, source: source).checkCount(known.counts, arguments.count)
            let form = known.form(arguments)
            guard distinct else { return try bind(form) }
            guard AggregateForms.takesDistinct.contains(name) else { throw QueryError.unsupported("DISTINCT in the aggregate \(name)") }
            return try bind(form.distinctLists)
        }
        if let known = ScalarForms.named[name] {
            try FunctionBinder(name: name, source: source).checkCount(known.counts, arguments.count)
            return try bind(known.form(arguments))
        }
        if let form = ScalarForms.form(name, arguments) { return try bind(form) }
        if let draw = Self.draws[name] { return try seeded(arguments, name, draw) }
        if GeneratorCall.families[name] != nil { throw QueryError(.generatorOutsideSelect, ["plan": source.prettyName]) }
        guard let routine = Routine.named(name) ?? function(name).map(Routine.library) else {
            if WindowFunction.named[name] != nil { throw QueryError(.windowFunctionWithoutOver, ["funcName": Identifier.quoted(name)]) }
            throw unknown(name)
        }
        if arguments.contains(where: { if case .lambda = $0 { true } else { false } }) {
            throw QueryError(.lambdaNotHigherOrder, ["class": name])
        }
        let binder = FunctionBinder(name: name, source: source)
        if case .aggregate(let function, let arity) = routine {
            let isStar = function == .count && arguments == [.star(qualifier: [])]
            let bound = try bindAggregated(isStar ? [.literal(.int(1))] : arguments)
            return try binder.aggregate(function, arity, bound, distinct: distinct || name == "sum_distinct")
        }
        if distinct { throw QueryError.unsupported("DISTINCT in the scalar function \(name)") }
        let bound = try bindAll(arguments)
        // Of arrays these two have rows of their own.
        if bound.first?.type.element != nil, name == "concat" || name == "reverse", let row = function("array \(name)") {
            return try binder.scalar(.library(row), bound, arguments)
        }
        return try binder.scalar(routine, bound, arguments)
    }

    private func unknown(_ name: String) -> QueryError {
        if AbsentFunctions.names.contains(name) {
            return QueryError.unsupported("the function \(Identifier.quoted(name)), which is not yet here")
        }
        return QueryError(
            .unresolvedRoutine,
            [
                "routineName": Identifier.quoted(name.split(separator: ".").map(String.init)), "searchPath": QueryError.searchPath,
                "hint": hint(name),
            ])
    }

    /// Calls whose meaning is in the words of their first argument, or in another function that is tried.
    private func worded(_ name: String, _ arguments: [Expression], _ source: Expression) throws(QueryError) -> BoundExpression? {
        switch name {
        case OrderedAggregate.name: return try bind(try OrderedAggregate.form(arguments))
        case "extract" where arguments.count == 2, "date_part" where arguments.count == 2, "datepart" where arguments.count == 2:
            return try bind(try ScalarForms.field(arguments))
        case "from_utc_timestamp" where arguments.count == 2: return try shifted(.toLocal, arguments, name)
        case "to_utc_timestamp" where arguments.count == 2: return try shifted(.toInstant, arguments, name)
        case "timestampadd" where arguments.count == 3: return try stepped(arguments)
        case StructUpdate.name: return try updated(arguments)
        case "current_database" where arguments.isEmpty, "current_schema" where arguments.isEmpty: return .literal(.string(database()))
        case "sequence" where arguments.count == 3:
            guard case .interval(let step) = arguments[2] else { return nil }
            let months = step.unit == .months ? step.amount : 0
            let micros = step.unit == .days ? step.amount.multipliedReportingOverflow(by: CivilTime.microsPerDay).partialValue : step.amount
            let rest = Expression.literal(.long(step.unit == .months ? 0 : micros))
            return try bind(.call("time sequence", arguments[0], arguments[1], .literal(.long(months)), rest))
        case "make_timestamp" where arguments.count == 7:
            let wall = try bind(.call(name: name, arguments: Array(arguments.dropLast()), distinct: false))
            return .call(.zoned(ZoneShift(step: .toInstant, rules: try zone(arguments[6], name))), [wall], type: .timestamp)
        default: break
        }
        guard let plain = ScalarForms.tried[name], ScalarForms.form(name, arguments) == nil else { return nil }
        switch try call(plain, arguments, false, source) {
        case .call(let function, let bound, let type): return .call(.tried(function), bound, type: type)
        case .cast(let inner, let type, _): return .cast(inner, to: type, isTry: true)
        case let other: return other
        }
    }

    /// A number of units after a time.
    private func stepped(_ arguments: [Expression]) throws(QueryError) -> BoundExpression {
        guard case .literal(let literal) = arguments[0], case .string(let name) = literal.value,
            let unit = TimeUnits.steps[name.uppercased()]
        else {
            throw QueryError.unsupported("timestampadd with the unit \(arguments[0].prettyName)")
        }
        let source = Expression.call(name: "timestampadd", arguments: arguments, distinct: false)
        let types = FunctionBinder(name: "timestampadd", source: source)
        let (count, written) = (try bind(arguments[1]), try bind(arguments[2]))
        guard let number = TypeCoercion.implicit(count, to: .long) else { throw types.unexpected(count, 1, arguments[1], "\"BIGINT\"") }
        guard let time = TypeCoercion.implicit(written, to: .timestamp) else {
            throw types.unexpected(written, 2, arguments[2], "\"TIMESTAMP\"")
        }
        let step = unit.months > 0 ? Int64(unit.months) : unit.micros
        var amount = BoundExpression.call(.multiply, [number, .literal(.long(step))], type: .long)
        if case .literal(let constant) = count, case .integer(let value) = constant.value {
            let (product, overflow) = value.multipliedReportingOverflow(by: step)
            if !overflow { amount = .literal(.long(product)) }
        }
        return .call(unit.months > 0 ? .addMonths : .addMicroseconds, [time, amount], type: .timestamp)
    }

    private static let draws: [String: RandomDraw] = [
        "rand": .even, "random": .even, "randn": .normal, "uuid": .uuid, "monotonically_increasing_id": .place,
        "randstr": .text(count: 0),
    ]

    private func seeded(_ arguments: [Expression], _ name: String, _ draw: RandomDraw) throws(QueryError) -> BoundExpression {
        var numbers: [Int64?] = []
        for argument in arguments {
            guard case .literal(let literal) = argument else {
                throw QueryError.unsupported("an argument of \(name) that is not a constant")
            }
            guard case .integer(let number) = literal.value else {
                guard literal.value.isNull else { throw QueryError.unsupported("an argument of \(name) that is not a whole number") }
                numbers.append(nil)
                continue
            }
            numbers.append(number)
        }
        var counts = 0...1
        if draw == .place { counts = 0...0 } else if case .text = draw { counts = 1...2 }
        try FunctionBinder(name: name, source: .call(name: name, arguments: arguments, distinct: false)).checkCount(counts, numbers.count)
        switch draw {
        case .text:
            guard let count = numbers[0], (0...Self.randomTextMax).contains(count) else {
                throw QueryError.unsupported("randstr of a length that is not from 0 to \(Self.randomTextMax)")
            }
            return .call(.seeded(seed: numbers.count > 1 ? numbers[1] : nil, .text(count: Int(count))), [], type: .string)
        case .uuid: return .call(.seeded(seed: numbers.first ?? nil, draw), [], type: .string)
        case .place: return .call(.seeded(seed: 0, draw), [], type: .long)
        case .even, .normal: return .call(.seeded(seed: numbers.first ?? nil, draw), [], type: .double)
        }
    }

    /// Limit of the characters of a random text.
    private static let randomTextMax: Int64 = 4096

    /// The rules of a zone that a constant names.
    private func zone(_ argument: Expression, _ function: String) throws(QueryError) -> ZoneRules {
        guard case .literal(let literal) = argument, case .string(let name) = literal.value else {
            throw QueryError.unsupported("\(function) with a time zone that is not a constant")
        }
        guard let rules = zone(ZoneNames.short[name] ?? name) else { throw QueryError(.invalidTimeZone, ["timeZone": name]) }
        return rules
    }

    /// The wall clock of a zone, read as if it were UTC's, and back.
    private func shifted(_ step: ZoneShift.Step, _ arguments: [Expression], _ name: String) throws(QueryError) -> BoundExpression {
        guard let time = TypeCoercion.implicit(try bind(arguments[0]), to: .timestamp) else {
            throw QueryError.unsupported("\(name) of a value that is no timestamp")
        }
        return .call(.zoned(ZoneShift(step: step, rules: try zone(arguments[1], name))), [time], type: .timestamp)
    }

    /// A date or a timestamp and an interval; nil if neither argument is an interval.
    private func moved(_ arguments: [Expression], back: Bool) throws(QueryError) -> BoundExpression? {
        guard arguments.count == 2 else { return nil }
        let time: BoundExpression
        var interval: Interval
        switch (arguments[0], arguments[1]) {
        case (_, .interval(let right)): (time, interval) = (try bind(arguments[0]), right)
        case (.interval(let left), _) where !back: (time, interval) = (try bind(arguments[1]), left)
        default: return nil
        }
        if back {
            guard interval.amount > .min else {
                throw QueryError(.arithmeticOverflow, ["message": "long overflow", "alternative": "", "config": QueryError.ansiSetting])
            }
            interval.amount = -interval.amount
        }
        let amount = BoundExpression.literal(.long(interval.amount))
        switch (time.type, interval.unit) {
        case (.date, .months), (.timestamp, .months): return .call(.addMonths, [time, amount], type: time.type)
        case (.date, .days): return .call(.dateAdd, [time, amount], type: .date)
        case (.timestamp, .days):
            return .call(.addMicroseconds, [time, .literal(.long(interval.amount &* CivilTime.microsPerDay))], type: .timestamp)
        case (.date, .microseconds), (.timestamp, .microseconds):
            return .call(.addMicroseconds, [TypeCoercion.cast(time, to: .timestamp), amount], type: .timestamp)
        default: throw QueryError.unsupported("an interval added to \(time.type.sqlName)")
        }
    }

    /// The DataFrame form of CASE: condition, result, condition, result, ..., otherwise.
    private func when(_ arguments: [Expression], _ source: Expression) throws(QueryError) -> BoundExpression {
        var branches: [CaseBranch] = []
        var index = 0
        while index + 1 < arguments.count {
            branches.append(CaseBranch(condition: arguments[index], result: arguments[index + 1]))
            index += 2
        }
        return try caseWhen(branches, index < arguments.count ? arguments[index] : nil, source)
    }

    private func caseWhen(_ branches: [CaseBranch], _ otherwise: Expression?, _ source: Expression) throws(QueryError) -> BoundExpression {
        var bound: [BoundBranch] = []
        var type = DataType.null
        let last = try otherwise.map { (expression) throws(QueryError) in try bind(expression) } ?? .literal(.null)
        for branch in branches {
            let condition = try bind(branch.condition)
            guard condition.type == .boolean || condition.type == .null else {
                throw QueryError(
                    .dataTypeMismatchUnexpectedInput,
                    [
                        "sqlExpr": "\"\(source.prettyName)\"", "paramIndex": "first", "requiredType": "\"BOOLEAN\"",
                        "inputSql": "\"\(branch.condition.prettyName)\"", "inputType": "\"\(condition.type.sqlName)\"",
                    ])
            }
            bound.append(BoundBranch(condition: TypeCoercion.cast(condition, to: .boolean), result: try bind(branch.result)))
        }
        for result in bound.map(\.result) + [last] {
            guard let wider = TypeCoercion.common(type, result.type) else {
                let types = (bound.map(\.result) + [last]).map { "\"\($0.type.sqlName)\"" }.joined(separator: ", ")
                throw QueryError(
                    .dataTypeMismatchDataDiffTypes,
                    ["sqlExpr": "\"\(source.prettyName)\"", "functionName": "`casewhen`", "dataType": "[\(types)]"])
            }
            type = wider
        }
        let casted = bound.map { BoundBranch(condition: $0.condition, result: TypeCoercion.cast($0.result, to: type)) }
        return .caseWhen(casted, otherwise: TypeCoercion.cast(last, to: type), type: type)
    }

    private func inList(_ value: Expression, _ items: [Expression], _ source: Expression) throws(QueryError) -> BoundExpression {
        let left = try bind(value)
        let list = try bindAll(items)
        var type = left.type
        for item in list {
            guard let wider = TypeCoercion.common(type, item.type) else {
                let types = ([left] + list).map { "\"\($0.type.sqlName)\"" }.joined(separator: ", ")
                throw QueryError(
                    .dataTypeMismatchDataDiffTypes,
                    ["sqlExpr": "\"\(source.prettyName)\"", "functionName": "`in`", "dataType": "[\(types)]"])
            }
            type = wider
        }
        return .inList(TypeCoercion.cast(left, to: type), list.map { TypeCoercion.cast($0, to: type) })
    }

    private func cast(_ inner: Expression, _ type: DataType, _ isTry: Bool, _ source: Expression) throws(QueryError) -> BoundExpression {
        let bound = try bind(inner)
        guard TypeCoercion.canCast(bound.type, type) else {
            throw TypeCoercion.noCast("\"\(source.prettyName)\"", bound.type, type)
        }
        return bound.type == type ? bound : .cast(bound, to: type, isTry: isTry)
    }

    private func extract(_ base: BoundExpression, _ key: BoundExpression, _ source: Expression) throws(QueryError) -> BoundExpression {
        if case .literal(let literal) = key, case .string(let field) = literal.value, !base.type.isMap {
            return try Self.field(field, of: base, source.prettyName)
        }
        switch base.type {
        case .array(let element, _):
            guard key.type.isIntegral else { throw QueryError.unsupported("an array index of type \(key.type.sqlName)") }
            return .element(base, key: TypeCoercion.cast(key, to: .long), type: element)
        case .map(let keyType, let value, _): return .element(base, key: TypeCoercion.cast(key, to: keyType), type: value)
        default: throw QueryError(.invalidExtractBase, ["base": "\"\(source.prettyName)\"", "other": "\"\(base.type.sqlName)\""])
        }
    }

    /// `base.name`: a struct's field, a map's value, or the field of each struct in an array.
    static func field(_ name: String, of base: BoundExpression, _ shown: String) throws(QueryError) -> BoundExpression {
        switch base.type {
        case .structure(let fields):
            guard let index = fields.firstIndex(where: { Identifier.same($0.name, name) }) else {
                let names = fields.map { Identifier.quoted($0.name) }.joined(separator: ", ")
                throw QueryError(.fieldNotFound, ["fieldName": Identifier.quoted(name), "fields": names])
            }
            return .field(base, index: index, type: fields[index].type)
        case .map(let key, let value, _) where key == .string: return .element(base, key: .literal(.string(name)), type: value)
        case .array(.structure(let fields), let containsNull):
            guard let index = fields.firstIndex(where: { Identifier.same($0.name, name) }) else {
                let names = fields.map { Identifier.quoted($0.name) }.joined(separator: ", ")
                throw QueryError(.fieldNotFound, ["fieldName": Identifier.quoted(name), "fields": names])
            }
            let type = DataType.array(element: fields[index].type, containsNull: containsNull || fields[index].nullable)
            return .field(base, index: index, type: type)
        default: throw QueryError(.invalidExtractBase, ["base": "\"\(shown)\"", "other": "\"\(base.type.sqlName)\""])
        }
    }
}

extension DataType {
    package var isMap: Bool {
        if case .map = self { true } else { false }
    }
}
