// Binds a window function: what its frame may be, which constants it takes and its type. Source: Spark SQL reference, "Window Functions".

extension ExpressionBinder {
    func window(_ written: Expression, _ spec: WindowSpec, _ source: Expression) throws(QueryError) -> BoundExpression {
        var (inner, ignoreNulls) = (written, false)
        var filter: Expression?
        while true {
            if case .ignoringNulls(let call) = inner {
                (inner, ignoreNulls) = (call, true)
            } else if case .filtered(let call, let condition) = inner {
                (inner, filter) = (call, condition)
            } else {
                break
            }
        }
        guard case .call(let name, let arguments, let distinct) = inner else {
            if case .python = inner { throw QueryError.unsupported("the Python function \(inner.prettyName) over a window") }
            throw QueryError(.unsupportedWindowExpression, ["sqlExpr": "\"\(written.prettyName)\""])
        }
        if distinct { throw QueryError(.distinctWindow, ["windowExpr": "\"\(source.prettyName)\""]) }
        var partition: [BoundExpression] = []
        for expression in spec.partition { partition.append(try bind(expression)) }
        var orders: [BoundOrder] = []
        for order in spec.orders { orders.append(try Analyser.order(order, try bind(order.expression), inWindow: true)) }
        let frame = try self.frame(spec, orders, source)
        var call = WindowCall(
            function: .rowNumber, arguments: [], ignoreNulls: ignoreNulls, filter: nil, partition: partition, orders: orders, frame: frame,
            type: .int, nullable: false)
        if let filter { call.filter = try Self.condition(try bind(filter), filter) }
        if let known = WindowFunction.named[name.lowercased()] {
            if known.function.needsOrder, orders.isEmpty { throw QueryError(.windowWithoutOrder, ["wf": "\"\(inner.prettyName)\""]) }
            call.function = known.function
            try complete(&call, arguments, known.arity, inner)
        } else {
            let bound = try overWindow().bind(inner)
            guard bound.containsAggregate else {
                throw QueryError(.unsupportedWindowExpression, ["sqlExpr": "\"\(inner.prettyName)\""])
            }
            // An aggregate in disguise is a function of the aggregates below it, each of which is over the window.
            return try Self.over(call, bound, inner)
        }
        if call.expressions.contains(where: \.containsWindow) {
            throw QueryError.unsupported("a window function inside of another window function")
        }
        return .window(call)
    }

    /// Aggregates inside of these are of the groups below the window.
    private static func over(_ window: WindowCall, _ bound: BoundExpression, _ source: Expression) throws(QueryError) -> BoundExpression {
        guard case .aggregate(let aggregate) = bound else {
            return try bound.mapChildren { (child) throws(QueryError) in try over(window, child, source) }
        }
        return .window(try over(window, aggregate, source))
    }

    private static func over(_ window: WindowCall, _ aggregate: AggregateCall, _ source: Expression) throws(QueryError) -> WindowCall {
        var call = window
        if aggregate.function == .python { throw QueryError.unsupported("the Python function \(source.prettyName) over a window") }
        guard aggregate.function != .grouping, aggregate.function != .groupingID, !aggregate.distinct else {
            throw QueryError(.unsupportedWindowExpression, ["sqlExpr": "\"\(source.prettyName)\""])
        }
        call.function = .aggregate(aggregate.function)
        call.arguments = aggregate.arguments
        call.ignoreNulls = window.ignoreNulls || aggregate.ignoreNulls
        if let own = aggregate.filter { call.filter = call.filter.map { .call(.and, [$0, own], type: .boolean) } ?? own }
        (call.type, call.nullable) = (aggregate.type, aggregate.nullable)
        if call.expressions.contains(where: \.containsWindow) {
            throw QueryError.unsupported("a window function inside of another window function")
        }
        return call
    }

    /// The third argument of `nth_value` says whether nulls are skipped.
    private static func takeNullRule(_ call: inout WindowCall, _ arguments: [Expression], _ source: Expression) throws(QueryError) {
        guard case .literal(let literal) = arguments[2], case .boolean(let ignores) = literal.value else {
            throw FunctionBinder(name: "nth_value", source: source).unexpected(call.arguments[2], 2, arguments[2], "\"BOOLEAN\"")
        }
        call.ignoreNulls = call.ignoreNulls || ignores
        call.arguments.removeLast()
    }

    private func complete(_ call: inout WindowCall, _ arguments: [Expression], _ arity: ClosedRange<Int>, _ source: Expression)
        throws(QueryError)
    {
        guard case .call(let name, _, _) = source else { return }
        try FunctionBinder(name: name.lowercased(), source: source).checkCount(arity, arguments.count)
        for argument in arguments { call.arguments.append(try bind(argument)) }
        func constant(_ index: Int) throws(QueryError) -> Int64 {
            var bound = call.arguments[index]
            while case .cast(let inner, _, _) = bound { bound = inner }
            switch bound {
            case .literal(let literal):
                if case .integer(let value) = literal.value, literal.type.isIntegral { return value }
            case .call(.negative, let inner, _):
                if case .literal(let literal) = inner[0], case .integer(let value) = literal.value { return 0 &- value }
            default: break
            }
            throw QueryError(
                .dataTypeMismatchNonFoldable,
                [
                    "sqlExpr": "\"\(source.prettyName)\"", "inputName": "`offset`", "inputType": "\"INT\"",
                    "inputExpr": "\"\(arguments[index].prettyName)\"",
                ])
        }
        if call.function == .nthValue, arguments.count == 3 { try Self.takeNullRule(&call, arguments, source) }
        switch call.function {
        case .percentRank, .cumeDist: call.type = .double
        case .ntile:
            let buckets = arguments.isEmpty ? 1 : try constant(0)
            guard buckets > 0 else {
                throw QueryError(
                    .dataTypeMismatchValueRange,
                    [
                        "sqlExpr": "\"\(source.prettyName)\"", "exprName": "buckets", "valueRange": "(0, 2147483647]",
                        "currentValue": "\(buckets)",
                    ])
            }
            call.arguments = [.literal(.long(buckets))]
        case .lag, .lead:
            let (value, offset) = (call.arguments[0], try arguments.count > 1 ? constant(1) : 1)
            (call.type, call.nullable) = (value.type, true)
            var kept = [value, .literal(.long(offset))]
            if arguments.count > 2 {
                guard let type = TypeCoercion.common(value.type, call.arguments[2].type) else {
                    throw QueryError(
                        .dataTypeMismatchUnexpectedInput,
                        [
                            "sqlExpr": "\"\(source.prettyName)\"", "paramIndex": "third", "requiredType": "\"\(value.type.sqlName)\"",
                            "inputSql": "\"\(arguments[2].prettyName)\"", "inputType": "\"\(call.arguments[2].type.sqlName)\"",
                        ])
                }
                kept[0] = TypeCoercion.cast(value, to: type)
                kept.append(TypeCoercion.cast(call.arguments[2], to: type))
                call.type = type
            }
            call.arguments = kept
        case .nthValue:
            let position = try constant(1)
            guard position > 0 else {
                throw QueryError(
                    .dataTypeMismatchValueRange,
                    [
                        "sqlExpr": "\"\(source.prettyName)\"", "exprName": "offset", "valueRange": "(0, 9223372036854775807]",
                        "currentValue": "\(position)L",
                    ])
            }
            (call.type, call.nullable) = (call.arguments[0].type, true)
            call.arguments[1] = .literal(.long(position))
        default: break
        }
    }

    // MARK: Frames

    private func frame(_ spec: WindowSpec, _ orders: [BoundOrder], _ source: Expression) throws(QueryError) -> BoundFrame {
        let frame = spec.frame ?? .standard(isOrdered: !orders.isEmpty)
        let isRows = frame.unit == .rows
        let start = try bound(frame.start, isRows, orders, source)
        let end = try bound(frame.end, isRows, orders, source)
        if !isRows, orders.isEmpty, frame.start != .unboundedPreceding || frame.end != .unboundedFollowing {
            throw QueryError(.rangeFrameWithoutOrder, ["sqlExpr": "\"\(spec.prettyName(of: source))\""])
        }
        var isOrdered = start != .unboundedFollowing && end != .unboundedPreceding
        if case .offset = start, case .offset = end { isOrdered = isOrdered && Self.rank(start) <= Self.rank(end) }
        guard isOrdered else {
            throw QueryError(
                .frameBoundsOrder,
                [
                    "sqlExpr": "\"\(frame.prettyName)\"", "upper": "\"\(WindowFrame.text(frame.end))\"",
                    "lower": "\"\(WindowFrame.text(frame.start))\"",
                ])
        }
        return BoundFrame(isRows: isRows, start: start, end: end)
    }

    private static func rank(_ bound: FrameBound) -> Double {
        switch bound {
        case .unboundedPreceding, .unboundedFollowing, .current: 0
        case .offset(let literal):
            switch literal.value {
            case .integer(let value): Double(value)
            case .double(let value): value
            case .decimal(let value): Double(value)
            default: 0
            }
        }
    }

    private func bound(_ bound: WindowFrame.Bound, _ isRows: Bool, _ orders: [BoundOrder], _ source: Expression) throws(QueryError)
        -> FrameBound
    {
        let (offset, sign): (Expression, Int64)
        switch bound {
        case .unboundedPreceding: return .unboundedPreceding
        case .unboundedFollowing: return .unboundedFollowing
        case .currentRow: return .current
        case .preceding(let written): (offset, sign) = (written, -1)
        case .following(let written): (offset, sign) = (written, 1)
        }
        let type = isRows ? DataType.long : orders.first?.expression.type ?? .long
        if !isRows {
            guard orders.count == 1 else {
                if orders.isEmpty { throw QueryError(.rangeFrameWithoutOrder, ["sqlExpr": "\"\(source.prettyName)\""]) }
                throw QueryError(.rangeFrameMultiOrder, ["sqlExpr": "\"\(source.prettyName)\"", "orderSpec": ""])
            }
            if case .interval(let interval) = offset, let distance = Self.distance(interval, type) {
                return .offset(Literal(.integer(sign &* distance), type))
            }
            guard type.isNumeric || type == .date else {
                throw QueryError(
                    .rangeFrameInvalidType,
                    [
                        "sqlExpr": "\"\(source.prettyName)\"", "orderSpecType": "\"\(type.sqlName)\"",
                        "valueBoundaryType": "\"\(try bind(offset).type.sqlName)\"",
                    ])
            }
        }
        guard let literal = Self.constant(try bind(offset), type, sign) else {
            throw QueryError.unsupported("a window frame whose bound is not a constant number: \(offset.prettyName)")
        }
        return literal == Literal(.integer(0), type) ? .current : .offset(literal)
    }

    private static func distance(_ interval: Interval, _ type: DataType) -> Int64? {
        switch (interval.unit, type) {
        case (.days, .date): interval.amount
        case (.days, .timestamp): interval.amount.multipliedReportingOverflow(by: CivilTime.microsPerDay).partialValue
        case (.microseconds, .timestamp): interval.amount
        default: nil
        }
    }

    /// A number as an offset in the order's type.
    private static func constant(_ expression: BoundExpression, _ type: DataType, _ sign: Int64) -> Literal? {
        switch expression {
        case .call(.negative, let inner, _): return constant(inner[0], type, 0 &- sign)
        case .literal(let literal):
            switch (literal.value, type) {
            case (.integer(let value), .double), (.integer(let value), .float): return Literal(.double(Double(sign &* value)), type)
            case (.integer(let value), .decimal(_, let scale)):
                return DecimalText.rescale(Int128(value) * Int128(sign), from: 0, to: scale).map { Literal(.decimal($0), type) }
            case (.integer(let value), _) where literal.type.isIntegral: return Literal(.integer(sign &* value), type)
            case (.double(let value), .double), (.double(let value), .float): return Literal(.double(Double(sign) * value), type)
            case (.decimal(let value), .decimal(_, let scale)):
                guard case .decimal(_, let from) = literal.type else { return nil }
                return DecimalText.rescale(value, from: from, to: scale).map { Literal(.decimal(Int128(sign) * $0), type) }
            case (.decimal(let value), .double), (.decimal(let value), .float):
                guard case .decimal(_, let from) = literal.type, let number = Double(DecimalText.format(value, scale: from)) else {
                    return nil
                }
                return Literal(.double(Double(sign) * number), type)
            default: return nil
            }
        default: return nil
        }
    }
}
