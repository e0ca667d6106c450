// Types one function call: checks the number of arguments, applies the implicit casts and decides the result type. The rules for arithmetic
// and comparison are Spark's ANSI rules. Source: Spark SQL reference, "ANSI Compliance"; types seen from pyspark 4.2.

struct FunctionBinder {
    /// As called, in lower case.
    let name: String
    let source: Expression

    private var shown: String { "\"\(source.prettyName)\"" }

    private static let ordinals = ["first", "second", "third", "fourth", "fifth"]

    private func wrongCount(_ expected: String, _ actual: Int) -> QueryError {
        QueryError(
            .wrongNumArgs,
            [
                "functionName": Identifier.quoted(name), "expectedNum": expected, "actualNum": "\(actual)",
                "docroot": "https://spark.apache.org/docs/latest",
            ])
    }

    func unexpected(_ argument: BoundExpression, _ index: Int, _ source: Expression?, _ required: String) -> QueryError {
        QueryError(
            .dataTypeMismatchUnexpectedInput,
            [
                "sqlExpr": shown, "paramIndex": Self.ordinals[min(index, 4)], "inputSql": "\"\(source?.prettyName ?? "")\"",
                "inputType": "\"\(argument.type.sqlName)\"", "requiredType": required,
            ])
    }

    private func differing(_ left: BoundExpression, _ right: BoundExpression) -> QueryError {
        QueryError(
            .dataTypeMismatchBinaryOpDiffTypes,
            ["sqlExpr": shown, "left": "\"\(left.type.sqlName)\"", "right": "\"\(right.type.sqlName)\""])
    }

    private func wrongOperand(_ type: DataType, _ required: String) -> QueryError {
        QueryError(.dataTypeMismatchBinaryOpWrongType, ["sqlExpr": shown, "inputType": required, "actualDataType": "\"\(type.sqlName)\""])
    }

    func checkCount(_ range: ClosedRange<Int>, _ actual: Int) throws(QueryError) {
        if range.contains(actual) { return }
        let expected =
            range.upperBound == Routine.many
            ? "> \(range.lowerBound - 1)"
            : range.lowerBound == range.upperBound ? "\(range.lowerBound)" : "[\(range.map(String.init).joined(separator: ", "))]"
        throw wrongCount(expected, actual)
    }

    // MARK: Scalar functions

    func scalar(_ routine: Routine, _ arguments: [BoundExpression], _ sources: [Expression]) throws(QueryError) -> BoundExpression {
        switch routine {
        case .special(let function, let range):
            try checkCount(range, arguments.count)
            return try special(function, arguments, sources)
        case .scalar(let function, let parameters, let required, let result):
            try checkCount(required...parameters.count, arguments.count)
            if case .common = result, arguments.count == 2, arguments[0].type != arguments[1].type,
                TypeCoercion.common(arguments[0].type, arguments[1].type).map({ !$0.isIntegral }) ?? true
            {
                throw differing(arguments[0], arguments[1])
            }
            var casted: [BoundExpression] = []
            if case .rule(let rule) = result { return try ruled(function, rule, arguments, sources) }
            for (index, argument) in arguments.enumerated() {
                casted.append(try fit(argument, parameters[index], index, sources[index]))
            }
            if function == .toDate || function == .toTimestamp {
                let target: DataType = function == .toDate ? .date : .timestamp
                guard TypeCoercion.canCast(casted[0].type, target) else { throw TypeCoercion.noCast(shown, casted[0].type, target) }
            }
            if case .common = result {
                for argument in casted.dropFirst() {
                    guard let type = TypeCoercion.tightest(casted[0].type, argument.type) else { throw differing(casted[0], argument) }
                    casted = casted.map { TypeCoercion.cast($0, to: type) }
                }
            }
            let type: DataType =
                switch result {
                case .type(let type): type
                case .ofFirst, .common, .rule: casted[0].type
                }
            return .call(function, casted, type: type)
        case .aggregate: preconditionFailure("an aggregate is not bound as a scalar function")
        }
    }

    private func ruled(_ function: ScalarFunction, _ rule: TypeRule, _ arguments: [BoundExpression], _ sources: [Expression])
        throws(QueryError) -> BoundExpression
    {
        let seen = arguments.map { FunctionArgument(type: $0.type, nullable: $0.nullable, expression: $0) }
        guard let types = try rule.types(seen) else {
            throw unexpected(arguments[0], 0, sources[0], rule.required)
        }
        for (index, pair) in zip(arguments, types.arguments).enumerated() where !TypeCoercion.canCast(pair.0.type, pair.1) {
            throw unexpected(pair.0, index, index < sources.count ? sources[index] : nil, "\"\(pair.1.sqlName)\"")
        }
        return .call(function, zip(arguments, types.arguments).map { TypeCoercion.cast($0, to: $1) }, type: types.result)
    }

    private func fit(_ argument: BoundExpression, _ parameter: Routine.Parameter, _ index: Int, _ source: Expression) throws(QueryError)
        -> BoundExpression
    {
        let type: DataType
        switch parameter {
        case .any: return argument
        case .numeric:
            if argument.type.isNumeric { return argument }
            type = .double
        case .integral, .wideIntegral:
            if argument.type == .null { return argument }
            if argument.type.isIntegral {
                let isNarrow = argument.type == .byte || argument.type == .short
                return parameter == .wideIntegral && isNarrow ? TypeCoercion.cast(argument, to: .int) : argument
            }
            type = .long
            if argument.type != .string { throw wrongOperand(argument.type, "\"INTEGRAL\"") }
        case .text where argument.type == .binary: return argument
        case .string, .text: type = .string
        case .days:
            guard !argument.type.isNumeric || [.byte, .short, .int].contains(argument.type) else {
                throw unexpected(argument, index, source, "(\"INT\" or \"SMALLINT\" or \"TINYINT\")")
            }
            type = .int
        case .boolean: type = .boolean
        case .binary: type = .binary
        case .long: type = .long
        case .int: type = .int
        case .double: type = .double
        case .date: type = .date
        case .timestamp: type = .timestamp
        }
        if let casted = TypeCoercion.implicit(argument, to: type) { return casted }
        throw unexpected(argument, index, source, parameter == .numeric ? "\"NUMERIC\"" : "\"\(type.sqlName)\"")
    }

    private func special(_ function: ScalarFunction, _ arguments: [BoundExpression], _ sources: [Expression]) throws(QueryError)
        -> BoundExpression
    {
        switch function {
        case .add, .subtract, .multiply, .divide, .remainder, .positiveModulo, .integralDivide:
            return try arithmetic(function, arguments[0], arguments[1])
        case .equal, .nullSafeEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            return try comparison(function, arguments[0], arguments[1])
        case .and, .or: return try logic(function, arguments[0], arguments[1])
        case .not:
            guard [.boolean, .null].contains(arguments[0].type) else { throw unexpected(arguments[0], 0, sources[0], "\"BOOLEAN\"") }
            return .call(.not, [TypeCoercion.cast(arguments[0], to: .boolean)], type: .boolean)
        case .isNull, .isNotNull: return .call(function, arguments, type: .boolean)
        case .nullIf:
            let test = try comparison(.equal, arguments[0], arguments[1])
            let type = arguments[0].type
            return .caseWhen(
                [BoundBranch(condition: test, result: .cast(.literal(.null), to: type, isTry: false))], otherwise: arguments[0], type: type)
        case .negative, .abs:
            return .call(
                function, [try numericOrDouble(arguments[0], sources[0])], type: try numericOrDouble(arguments[0], sources[0]).type)
        case .floor, .ceil:
            guard arguments.count == 1 else { return try round(function, arguments, sources) }
            return try rounding(function, try numericOrDouble(arguments[0], sources[0]))
        case .round, .bankersRound: return try round(function, arguments, sources)
        case .logBase:
            let values = try sources.indices.map { (index) throws(QueryError) in try fit(arguments[index], .double, index, sources[index]) }
            return .call(values.count == 1 ? .ln : .logBase, values, type: .double)
        case .coalesce, .greatest, .least: return try merged(function, arguments)
        case .typeOf: return .literal(.string(arguments[0].type.simpleString))
        case .concat, .concatWs: return try concat(function, arguments, sources)
        case .array: return try array(arguments)
        case .structure: return try structure(arguments, sources)
        case .map: return try map(arguments)
        case .size:
            switch arguments[0].type {
            case .array, .map: return .call(.size, arguments, type: .int)
            default: throw unexpected(arguments[0], 0, sources[0], "(\"ARRAY\" or \"MAP\")")
            }
        default: preconditionFailure("a special function has its rule here")
        }
    }

    private func numericOrDouble(_ argument: BoundExpression, _ source: Expression) throws(QueryError) -> BoundExpression {
        try fit(argument, .numeric, 0, source)
    }

    private func rounding(_ function: ScalarFunction, _ argument: BoundExpression) throws(QueryError) -> BoundExpression {
        switch argument.type {
        case .decimal(let precision, let scale):
            let type = TypeCoercion.bounded(precision: precision - scale + 1, scale: 0)
            return .call(function, [argument], type: scale == 0 ? argument.type : type)
        case .float: return .call(function, [.cast(argument, to: .double, isTry: false)], type: .long)
        case .double: return .call(function, [argument], type: .long)
        default: return .cast(argument, to: .long, isTry: false)
        }
    }

    /// To a number of digits; of floor and ceil the result is a decimal.
    private func round(_ function: ScalarFunction, _ arguments: [BoundExpression], _ sources: [Expression]) throws(QueryError)
        -> BoundExpression
    {
        var value = try numericOrDouble(arguments[0], sources[0])
        var digits = 0
        if arguments.count == 2 {
            var scale = arguments[1]
            if case .call(.negative, let inner, _) = scale, case .literal(let digit) = inner[0], case .integer(let number) = digit.value {
                scale = .literal(.long(-number))
            }
            guard case .literal(let literal) = scale, case .integer(let number) = literal.value else {
                throw QueryError(
                    .dataTypeMismatchNonFoldable,
                    ["sqlExpr": shown, "inputName": "`scale`", "inputType": "\"INT\"", "inputExpr": "\"\(sources[1].prettyName)\""])
            }
            digits = Int(max(-50, min(50, number)))
        }
        let isWhole = function == .floor || function == .ceil
        if isWhole { value = TypeCoercion.cast(value, to: Self.asDecimal(value.type)) }
        var type = value.type
        if case .decimal(let precision, let scale) = type {
            let kept = max(0, min(scale, digits))
            let whole = precision - scale
            let least = isWhole && digits < 0 ? 1 - digits : 1
            type = TypeCoercion.bounded(precision: max(whole + kept + (isWhole || kept < scale ? 1 : 0), least), scale: kept)
        }
        return .call(function, [value, .literal(.int(Int32(digits)))], type: type)
    }

    private func arithmetic(_ function: ScalarFunction, _ first: BoundExpression, _ second: BoundExpression) throws(QueryError)
        -> BoundExpression
    {
        var left = first
        var right = second
        if left.type == .date, right.type.isIntegral, function == .add || function == .subtract {
            return .call(function == .add ? .dateAdd : .dateSub, [left, TypeCoercion.cast(right, to: .int)], type: .date)
        }
        if left.type == .string, right.type != .string, let type = TypeCoercion.common(.string, right.type) {
            left = TypeCoercion.cast(left, to: type)
        }
        if right.type == .string, first.type != .string, let type = TypeCoercion.common(.string, first.type) {
            right = TypeCoercion.cast(right, to: type)
        }
        if left.type == .string, right.type == .string || right.type == .null { left = TypeCoercion.cast(left, to: .double) }
        if right.type == .string { right = TypeCoercion.cast(right, to: .double) }
        if left.type == .null { left = TypeCoercion.cast(left, to: right.type == .null ? .double : right.type) }
        if right.type == .null { right = TypeCoercion.cast(right, to: left.type) }
        guard left.type.isNumeric, right.type.isNumeric else {
            if left.type == right.type { throw wrongOperand(left.type, "\"NUMERIC\"") }
            throw differing(first, second)
        }
        if function == .integralDivide {
            return .call(function, [TypeCoercion.cast(left, to: .long), TypeCoercion.cast(right, to: .long)], type: .long)
        }
        if left.type.isDecimal || right.type.isDecimal, !left.type.isFractional, !right.type.isFractional {
            return decimalArithmetic(function, left, right)
        }
        var type = TypeCoercion.tightest(left.type, right.type) ?? .double
        if function == .divide { type = .double }
        return .call(function, [TypeCoercion.cast(left, to: type), TypeCoercion.cast(right, to: type)], type: type)
    }

    private static func asDecimal(_ type: DataType) -> DataType {
        switch type {
        case .float: .decimal(precision: 14, scale: 7)
        case .double: .decimal(precision: 30, scale: 15)
        default: TypeCoercion.decimal(for: type) ?? .defaultDecimal
        }
    }

    /// A decimal type for an integer literal, with exactly its digits.
    private func asDecimal(_ expression: BoundExpression) -> BoundExpression {
        if case .literal(let literal) = expression, literal.type.isIntegral, case .integer(let value) = literal.value {
            return .literal(Literal(.decimal(Int128(value)), .decimal(precision: String(value.magnitude).count, scale: 0)))
        }
        return TypeCoercion.cast(expression, to: TypeCoercion.decimal(for: expression.type) ?? .defaultDecimal)
    }

    private func decimalArithmetic(_ function: ScalarFunction, _ first: BoundExpression, _ second: BoundExpression) -> BoundExpression {
        let left = asDecimal(first)
        let right = asDecimal(second)
        guard case .decimal(let p1, let s1) = left.type, case .decimal(let p2, let s2) = right.type else {
            preconditionFailure("both operands are decimals")
        }
        return .call(function, [left, right], type: TypeCoercion.decimalResult(function, p1, s1, p2, s2))
    }

    private func comparison(_ function: ScalarFunction, _ left: BoundExpression, _ right: BoundExpression) throws(QueryError)
        -> BoundExpression
    {
        guard let type = TypeCoercion.common(left.type, right.type) else { throw differing(left, right) }
        let ordering = function != .equal && function != .nullSafeEqual
        if type.isMap || (ordering && !type.isOrderable) {
            throw QueryError(
                .dataTypeMismatchInvalidOrdering,
                ["sqlExpr": shown, "functionName": Identifier.quoted(name), "dataType": "\"\(type.sqlName)\""])
        }
        return .call(function, [TypeCoercion.cast(left, to: type), TypeCoercion.cast(right, to: type)], type: .boolean)
    }

    private func logic(_ function: ScalarFunction, _ left: BoundExpression, _ right: BoundExpression) throws(QueryError) -> BoundExpression
    {
        let allowed: [DataType] = [.boolean, .null]
        if allowed.contains(left.type), allowed.contains(right.type) {
            return .call(function, [TypeCoercion.cast(left, to: .boolean), TypeCoercion.cast(right, to: .boolean)], type: .boolean)
        }
        if left.type == right.type { throw wrongOperand(left.type, "\"BOOLEAN\"") }
        throw differing(left, right)
    }

    private func merged(_ function: ScalarFunction, _ arguments: [BoundExpression]) throws(QueryError) -> BoundExpression {
        var type = DataType.null
        for argument in arguments {
            let wider = function == .coalesce ? TypeCoercion.common(type, argument.type) : TypeCoercion.tightest(type, argument.type)
            guard let wider, function == .coalesce || wider.isOrderable else {
                let types = arguments.map { "\"\($0.type.sqlName)\"" }.joined(separator: ", ")
                throw QueryError(
                    .dataTypeMismatchDataDiffTypes, ["sqlExpr": shown, "functionName": Identifier.quoted(name), "dataType": "[\(types)]"])
            }
            type = wider
        }
        return .call(function, arguments.map { TypeCoercion.cast($0, to: type) }, type: type)
    }

    private func concat(_ function: ScalarFunction, _ arguments: [BoundExpression], _ sources: [Expression]) throws(QueryError)
        -> BoundExpression
    {
        var casted: [BoundExpression] = []
        for (index, argument) in arguments.enumerated() {
            if function == .concatWs, case .array(.string, _) = argument.type {
                casted.append(argument)
            } else if function == .concat, !arguments.contains(where: { $0.type != .binary }) {
                casted.append(argument)
            } else {
                casted.append(try fit(argument, .string, index, sources[index]))
            }
        }
        return .call(function, casted, type: casted.first?.type ?? .string)
    }

    private func array(_ arguments: [BoundExpression]) throws(QueryError) -> BoundExpression {
        let values = arguments.isEmpty ? [] : try merged(.coalesce, arguments).children
        let type = DataType.array(element: values.first?.type ?? .null, containsNull: values.contains { $0.nullable })
        return .call(.array, values, type: type)
    }

    private func structure(_ arguments: [BoundExpression], _ sources: [Expression]) throws(QueryError) -> BoundExpression {
        if name == "struct" {
            let fields = zip(arguments, sources).enumerated().map { index, pair in
                var name = "col\(index + 1)"
                switch pair.1 {
                case .alias, .attribute: name = pair.1.outputName
                default: break
                }
                return StructField(name, pair.0.type, nullable: pair.0.nullable)
            }
            return .call(.structure, arguments, type: .structure(fields))
        }
        if arguments.count % 2 != 0 { throw wrongCount("2n (n > 0)", arguments.count) }
        var fields: [StructField] = []
        var values: [BoundExpression] = []
        for index in stride(from: 0, to: arguments.count, by: 2) {
            guard case .literal(let literal) = arguments[index], case .string(let field) = literal.value else {
                throw unexpected(arguments[index], index, sources[index], "\"STRING\"")
            }
            fields.append(StructField(field, arguments[index + 1].type, nullable: arguments[index + 1].nullable))
            values.append(arguments[index + 1])
        }
        return .call(.structure, values, type: .structure(fields))
    }

    private func map(_ arguments: [BoundExpression]) throws(QueryError) -> BoundExpression {
        if arguments.count % 2 != 0 { throw wrongCount("2n (n > 0)", arguments.count) }
        let evens = stride(from: 0, to: arguments.count, by: 2).map { arguments[$0] }
        let odds = stride(from: 1, to: arguments.count, by: 2).map { arguments[$0] }
        if evens.isEmpty { return .call(.map, [], type: .map(key: .null, value: .null, valueContainsNull: false)) }
        let keys = try merged(.coalesce, evens)
        let values = try merged(.coalesce, odds)
        let type = DataType.map(key: keys.type, value: values.type, valueContainsNull: odds.contains { $0.nullable })
        return .call(.map, zip(keys.children, values.children).flatMap { [$0, $1] }, type: type)
    }

    // MARK: Aggregates

    func aggregate(_ function: AggregateFunction, _ arity: ClosedRange<Int>, _ arguments: [BoundExpression], distinct: Bool)
        throws(QueryError) -> BoundExpression
    {
        try checkCount(arity, arguments.count)
        var call = AggregateCall(function: function, arguments: arguments, distinct: distinct, ignoreNulls: false, filter: nil, type: .long)
        let sources: [Expression] = if case .call(_, let list, _) = source { list } else { [] }
        switch function {
        case .count: break
        case .countIf:
            guard [.boolean, .null].contains(arguments[0].type) else { throw unexpected(arguments[0], 0, sources.first, "\"BOOLEAN\"") }
            call.arguments = [TypeCoercion.cast(arguments[0], to: .boolean)]
        case .sum, .avg:
            guard let value = numericArgument(arguments[0]) else {
                throw unexpected(arguments[0], 0, sources.first, "\"NUMERIC\" or \"ANSI INTERVAL\"")
            }
            call.arguments = [value]
            call.type = Self.totalType(function, value.type)
        case .min, .max:
            guard arguments[0].type.isOrderable else {
                throw QueryError(
                    .dataTypeMismatchInvalidOrdering,
                    ["sqlExpr": shown, "functionName": Identifier.quoted(name), "dataType": "\"\(arguments[0].type.sqlName)\""])
            }
            call.type = arguments[0].type
        case .first, .last:
            if arguments.count == 2 {
                guard case .literal(let literal) = arguments[1], case .boolean(let ignore) = literal.value else {
                    throw unexpected(arguments[1], 1, sources.last, "\"BOOLEAN\"")
                }
                call.ignoreNulls = ignore
            }
            call.arguments = [arguments[0]]
            call.type = arguments[0].type
        case .stddevSample, .stddevPopulation, .varianceSample, .variancePopulation:
            guard let value = TypeCoercion.implicit(arguments[0], to: .double) else {
                throw unexpected(arguments[0], 0, sources.first, "\"DOUBLE\"")
            }
            call.arguments = [value]
            call.type = .double
        case .collectList: call.type = .array(element: arguments[0].type, containsNull: false)
        case .single: call.type = arguments[0].type
        case .grouping: call.type = .byte
        case .groupingID: break
        case .python: preconditionFailure("a Python function is bound with its own type")
        }
        return .aggregate(call)
    }

    private func numericArgument(_ argument: BoundExpression) -> BoundExpression? {
        if argument.type.isIntegral { return TypeCoercion.cast(argument, to: .long) }
        if argument.type.isDecimal { return argument }
        return TypeCoercion.implicit(argument, to: .double)
    }

    private static func totalType(_ function: AggregateFunction, _ type: DataType) -> DataType {
        guard case .decimal(let precision, let scale) = type else { return function == .avg ? .double : type }
        return function == .sum
            ? .decimal(precision: min(38, precision + 10), scale: scale) : TypeCoercion.bounded(precision: precision + 4, scale: scale + 4)
    }
}
