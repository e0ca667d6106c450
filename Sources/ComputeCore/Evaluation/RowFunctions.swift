// Functions evaluated value by value: numbers and nested values here, text and time in their own files. A null argument gives null unless
// the function says otherwise. Source: Spark SQL reference, "Built-in Functions".

import QueryCore

enum RowFunctions {
    static func apply(_ function: ScalarFunction, _ arguments: [Vector], _ type: DataType, _ count: Int) throws(QueryError) -> Column {
        if case .zoned(let shift) = function { return try ZonedTime.apply(shift, arguments[0].column, type) }
        if case .library(let signature) = function { return try FunctionTable.apply(signature, arguments, type, count) }
        if let column = try fast(function, arguments, type, count) { return column }
        let acceptsNull: Bool =
            switch function {
            case .greatest, .least, .concatWs, .array, .structure, .map, .isNaN: true
            default: false
            }
        let types = arguments.map(\.column.type)
        let matcher = Matcher(function, arguments)
        var builder = ColumnBuilder(type: type, capacity: count)
        var values = [Value](repeating: .null, count: arguments.count)
        for row in 0..<count {
            var hasNull = false
            for (index, argument) in arguments.enumerated() {
                values[index] = argument.column.value(row & argument.mask)
                hasNull = hasNull || values[index].isNull
            }
            if hasNull, !acceptsNull {
                builder.appendNull()
            } else {
                builder.append(try fitted(try one(function, values, types, type, matcher), type))
                try Batch.checkText(builder.textBytes)
            }
        }
        return builder.finish()
    }

    /// A whole number within the range of its type; beyond it ANSI mode raises.
    private static func fitted(_ value: Value, _ type: DataType) throws(QueryError) -> Value {
        guard case .integer(let number) = value else { return value }
        let fits =
            switch type {
            case .byte: Int8(exactly: number) != nil
            case .short: Int16(exactly: number) != nil
            case .int, .date: Int32(exactly: number) != nil
            default: true
            }
        guard fits else { throw Arithmetic.overflow(type == .int || type == .date ? "integer" : type.sqlName) }
        return value
    }

    /// Loops for frequent functions.
    private static func fast(_ function: ScalarFunction, _ arguments: [Vector], _ type: DataType, _ count: Int) throws(QueryError)
        -> Column?
    {
        guard let first = arguments.first else { return nil }
        let column = first.column
        if arguments.count == 2, !first.isConstant, arguments[1].isConstant, case .string(let pattern) = arguments[1].column.value(0),
            case .bytes(let offsets, let bytes) = column.storage, let search = TextSearch(function, pattern)
        {
            let bits = search.matches(offsets, bytes, column.count)
            return Column(type: type, count: column.count, validity: column.validity, storage: .boolean(bits))
        }
        guard arguments.count == 1 else { return nil }
        switch (function, column.storage) {
        case (.sqrt, .double(let values)):
            return Column(type: type, count: column.count, validity: column.validity, storage: .double(values.map { $0.squareRoot() }))
        case (.year, .int32(let values)):
            return Column(
                type: type, count: column.count, validity: column.validity,
                storage: .int32(values.map { Int32(CivilTime.civil(Int($0)).year) }))
        case (.month, .int32(let values)):
            return Column(
                type: type, count: column.count, validity: column.validity,
                storage: .int32(values.map { Int32(CivilTime.civil(Int($0)).month) }))
        case (.day, .int32(let values)):
            return Column(
                type: type, count: column.count, validity: column.validity,
                storage: .int32(values.map { Int32(CivilTime.civil(Int($0)).day) }))
        case (.abs, .double(let values)):
            return Column(type: type, count: column.count, validity: column.validity, storage: .double(values.map { $0.magnitude }))
        default: return nil
        }
    }

    private static func one(
        _ function: ScalarFunction, _ values: [Value], _ types: [DataType], _ type: DataType, _ matcher: Matcher
    ) throws(QueryError) -> Value {
        switch function {
        case .negative, .abs, .sign: return try signed(function, values[0], types[0])
        case .round: return try round(values[0], types[0], values[1], type)
        case .bankersRound: return try bankersRound(values[0], types[0], values[1], type)
        case .floor where values.count == 2, .ceil where values.count == 2:
            return try directed(function, values[0], types[0], values[1], type)
        case .floor, .ceil: return try whole(function, values[0], types[0])
        case .sqrt, .exp, .ln, .log10, .pow, .logBase: return Self.math(function, values)
        case .isNaN:
            if case .double(let number) = values[0] { return .boolean(number.isNaN) }
            return .boolean(false)
        case .greatest, .least:
            let present = values.filter { !$0.isNull }
            let wanted = function == .greatest ? 1 : -1
            return present.dropFirst().reduce(present.first ?? .null) { Value.compare($1, $0, type) * wanted > 0 ? $1 : $0 }
        case .array: return .array(values)
        case .structure: return .structure(values)
        case .map:
            var keys: [Value] = []
            var entries: [Value] = []
            for index in stride(from: 0, to: values.count, by: 2) {
                keys.append(values[index])
                entries.append(values[index + 1])
            }
            return .map(keys: keys, values: entries)
        case .size:
            switch values[0] {
            case .array(let items): return .integer(Int64(items.count))
            case .map(let keys, _): return .integer(Int64(keys.count))
            default: return .null
            }
        case .like, .ilike, .rlike, .split: return try matcher.apply(function, values)
        case .year, .month, .day, .hour, .minute, .second, .dayOfWeek, .dayOfYear, .quarter, .toDate, .toTimestamp, .dateAdd, .dateSub,
            .dateDiff, .dateFormat, .unixTimestamp, .addMonths, .addMicroseconds:
            return try TimeFunctions.apply(function, values, types)
        default: return TextFunctions.apply(function, values)
        }
    }

    // MARK: Numbers

    private static func signed(_ function: ScalarFunction, _ value: Value, _ type: DataType) throws(QueryError) -> Value {
        switch value {
        case .integer(let number):
            if function == .sign { return .double(number == 0 ? 0 : number < 0 ? -1 : 1) }
            let result = function == .abs && number >= 0 ? number : 0 &- number
            let low: Int64 = type == .byte ? -128 : type == .short ? -32768 : type == .int ? Int64(Int32.min) : Int64.min
            if number == low { throw Arithmetic.overflow(type == .long ? "long" : type == .int ? "integer" : type.sqlName) }
            return .integer(result)
        case .double(let number):
            if function == .sign { return .double(number.isNaN ? .nan : number == 0 ? 0 : number < 0 ? -1 : 1) }
            return .double(function == .abs ? number.magnitude : -number)
        case .decimal(let number): return .decimal(function == .abs ? (number < 0 ? -number : number) : -number)
        default: preconditionFailure("a sign is of a number")
        }
    }

    /// Half up, away from zero, at a digit; negative digits round before the point.
    private static func round(_ value: Value, _ from: DataType, _ digits: Value, _ type: DataType) throws(QueryError) -> Value {
        guard case .integer(let digits) = digits else { return .null }
        switch value {
        case .integer(let number):
            if digits >= 0 { return value }
            guard digits > -19 else { return .integer(0) }
            let unit = DecimalText.powersOfTen[Int(-digits)]
            guard let scaled = DecimalText.rescale(Int128(number), from: Int(-digits), to: 0), let result = Int64(exactly: scaled * unit)
            else {
                throw Arithmetic.overflow("long")
            }
            if type == .int, Int32(exactly: result) == nil { throw Arithmetic.overflow("integer") }
            return .integer(result)
        case .double(let number):
            guard number.isFinite, digits < 18 else { return value }
            let text = from == .float ? FloatText.format(Float(number)) : FloatText.format(number)
            // Spark rounds the shortest decimal text, so that 2.345 rounds to 2.35.
            guard let decimal = DecimalText.parse(text) else { return value }
            if digits >= decimal.scale { return value }
            guard let scaled = DecimalText.rescale(decimal.unscaled, from: decimal.scale, to: max(Int(digits), 0)) else { return value }
            if digits >= 0 { return .double(Double(DecimalText.format(scaled, scale: Int(digits))) ?? number) }
            guard let coarse = DecimalText.rescale(decimal.unscaled, from: decimal.scale - Int(digits), to: 0) else { return value }
            return .double(Double(coarse * DecimalText.powersOfTen[min(38, Int(-digits))]))
        case .decimal(let number):
            guard case .decimal(_, let scale) = from, case .decimal(let precision, let wanted) = type else { return value }
            let kept = min(Int(digits), scale)
            guard let scaled = DecimalText.rescale(number, from: scale, to: kept),
                let result = DecimalText.rescale(scaled, from: kept, to: wanted),
                DecimalText.fits(result, precision: precision)
            else { throw Arithmetic.outOfRange(DecimalText.format(number, scale: scale), precision, wanted) }
            return .decimal(result)
        default: preconditionFailure("round takes a number")
        }
    }

    /// Down or up at a digit; the result is a decimal.
    private static func directed(_ function: ScalarFunction, _ value: Value, _ from: DataType, _ digits: Value, _ type: DataType)
        throws(QueryError) -> Value
    {
        guard case .decimal(let number) = value, case .decimal(_, let scale) = from, case .integer(let digits) = digits,
            case .decimal(let precision, let wanted) = type
        else { return .null }
        let dropped = scale - Int(digits)
        guard dropped > 0 else { return value }
        // A unit beyond every number is one above, or zero.
        guard dropped <= 38 else { return .decimal(0) }
        let unit = DecimalText.powersOfTen[dropped]
        let (quotient, remainder) = number.quotientAndRemainder(dividingBy: unit)
        let step: Int128 = function == .floor ? (remainder < 0 ? -1 : 0) : (remainder > 0 ? 1 : 0)
        guard let result = DecimalText.rescale(quotient + step, from: Int(digits), to: wanted),
            DecimalText.fits(result, precision: precision)
        else { throw Arithmetic.outOfRange(DecimalText.format(number, scale: scale), precision, wanted) }
        return .decimal(result)
    }

    /// Half to the even digit.
    private static func bankersRound(_ value: Value, _ from: DataType, _ digits: Value, _ type: DataType) throws(QueryError) -> Value {
        guard case .integer(let places) = digits else { return .null }
        func halved(_ unscaled: Int128, _ scale: Int) -> Int128? {
            let dropped = scale - Int(places)
            guard dropped > 0 else { return nil }
            guard dropped <= 37 else { return 0 }
            let unit = DecimalText.powersOfTen[dropped]
            let (quotient, remainder) = unscaled.quotientAndRemainder(dividingBy: unit)
            let twice = remainder.magnitude * 2
            let goesOut = twice > unit.magnitude || twice == unit.magnitude && quotient % 2 != 0
            return goesOut ? quotient + (unscaled < 0 ? -1 : 1) : quotient
        }
        switch value {
        case .integer(let number):
            guard let kept = halved(Int128(number), 0) else { return value }
            guard places >= -19, let result = Int64(exactly: kept * DecimalText.powersOfTen[min(38, Int(-places))]) else {
                return .integer(0)
            }
            return .integer(result)
        case .decimal(let number):
            guard case .decimal(_, let scale) = from, case .decimal(_, let wanted) = type, let kept = halved(number, scale) else {
                return try round(value, from, digits, type)
            }
            return DecimalText.rescale(kept, from: Int(places), to: wanted).map { .decimal($0) } ?? .null
        case .double(let number):
            guard number.isFinite,
                let decimal = DecimalText.parse(from == .float ? FloatText.format(Float(number)) : FloatText.format(number)),
                let kept = halved(decimal.unscaled, decimal.scale)
            else { return value }
            if places >= 0 { return .double(Double(DecimalText.format(kept, scale: Int(places))) ?? number) }
            return .double(Double(kept) * Double(DecimalText.powersOfTen[min(38, Int(-places))]))
        default: preconditionFailure("bround takes a number")
        }
    }

    private static func whole(_ function: ScalarFunction, _ value: Value, _ from: DataType) throws(QueryError) -> Value {
        switch value {
        case .double(let number):
            let rounded = number.rounded(function == .floor ? .down : .up)
            // Java's conversion: NaN is 0, an overflow is the nearest long.
            if rounded.isNaN { return .integer(0) }
            return .integer(Int64(exactly: rounded) ?? (rounded < 0 ? Int64.min : Int64.max))
        case .decimal(let number):
            guard case .decimal(_, let scale) = from else { return value }
            let (quotient, remainder) = number.quotientAndRemainder(dividingBy: DecimalText.powersOfTen[scale])
            let step: Int128 = function == .floor ? (remainder < 0 ? -1 : 0) : (remainder > 0 ? 1 : 0)
            return .decimal(quotient + step)
        default: return value
        }
    }

    /// Null where the logarithm is undefined, as in Spark.
    private static func math(_ function: ScalarFunction, _ values: [Value]) -> Value {
        guard case .double(let x) = values[0] else { return .null }
        var y = 0.0
        if values.count == 2, case .double(let second) = values[1] { y = second }
        switch function {
        case .sqrt: return .double(x.squareRoot())
        case .exp: return .double(MathKernel.exp(x))
        case .ln: return x <= 0 ? .null : .double(MathKernel.ln(x))
        case .log10: return x <= 0 ? .null : .double(MathKernel.log10(x))
        case .logBase: return x <= 0 || y <= 0 ? .null : .double(MathKernel.ln(y) / MathKernel.ln(x))
        default: return .double(MathKernel.pow(x, y))
        }
    }
}
