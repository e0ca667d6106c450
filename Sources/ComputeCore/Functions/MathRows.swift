// Functions over numbers. Source: Spark SQL reference, "Mathematical Functions".

import QueryCore

enum MathRows {
    static let rows: [ScalarRow] =
        real.map(row) + [
            ScalarRow(FunctionSignature("pi", [], .type(.double))) { input in input.doubleColumn([.pi]) },
            ScalarRow(FunctionSignature("e", [], .type(.double))) { input in input.doubleColumn([2.718281828459045]) },
            ScalarRow(FunctionSignature("atan2", [.double, .double], .type(.double))) { input in
                input.doubleColumn(zip(input.doubles(0), input.doubles(1)).map { MathKernel.atan2($0, $1) })
            },
            ScalarRow(FunctionSignature("hypot", [.double, .double], .type(.double))) { input in
                input.doubleColumn(zip(input.doubles(0), input.doubles(1)).map { MathKernel.hypot($0, $1) })
            },
            ScalarRow(FunctionSignature("log2", [.double], .type(.double), nulls: .possible)) { input in
                logarithm(input, above: 0) { MathKernel.ln($0) / MathKernel.ln(2) }
            },
            ScalarRow(FunctionSignature("log1p", [.double], .type(.double), nulls: .possible)) { input in
                logarithm(input, above: -1) { MathKernel.log1p($0) }
            },
            ScalarRow(FunctionSignature("factorial", [.int], .type(.long), nulls: .possible)) { (input) throws(QueryError) in
                let values = input.integers(0)
                return try input.integerColumn { row in
                    // 20! is the largest that fits.
                    (0...20).contains(values[row]) ? (0..<values[row]).reduce(Int64(1)) { $0 * ($1 + 1) } : nil
                }
            },
            ScalarRow(FunctionSignature("bin", [.long], .type(.string))) { (input) throws(QueryError) in
                let values = input.integers(0)
                return try input.textColumn { row, out in
                    out += String(UInt64(bitPattern: values[row]), radix: 2).utf8
                    return true
                }
            },
            ScalarRow(FunctionSignature("conv", [.string, .int, .int], .type(.string), nulls: .possible)) { (input) throws(QueryError) in
                let (texts, from, to) = (input.texts(0), input.integers(1), input.integers(2))
                return try input.textColumn { row, out in
                    guard let converted = convert(texts[row], from[row], to[row]) else { return false }
                    out += converted.utf8
                    return true
                }
            },
            ScalarRow(FunctionSignature("nanvl", [.any, .any], .rule(fractional), nulls: .accepted)) { (input) throws(QueryError) in
                try input.valueColumn { values in
                    if case .double(let number) = values[0], number.isNaN { return values[1] }
                    return values[0]
                }
            },
            // The function `uniform`: of a random number and two bounds.
            ScalarRow(FunctionSignature("uniform of", [.double, .any, .any], .rule(uniform))) { (input) throws(QueryError) in
                let type = input.type
                return try input.valueColumn { (values) throws(QueryError) in
                    switch (values[1], values[2]) {
                    case (.integer(let low), .integer(let high)):
                        let width = Double(high) - Double(low)
                        return .integer(max(min(low, high), Int64(clamping: Int128(low) + Int128((values[0].real * width).rounded(.down)))))
                    case (.double(let low), .double(let high)): return .double(low + values[0].real * (high - low))
                    case (.decimal(let low), .decimal(let high)):
                        guard case .decimal = type else { return .null }
                        return .decimal(low + Int128((values[0].real * Double(high - low)).rounded(.down)))
                    default: return .null
                    }
                }
            },
            ScalarRow(FunctionSignature("width_bucket", [.double, .double, .double, .long], .type(.long), nulls: .possible)) {
                (input) throws(QueryError) in
                let (values, low, high, buckets) = (input.doubles(0), input.doubles(1), input.doubles(2), input.integers(3))
                return try input.integerColumn { row in bucket(values[row], low[row], high[row], buckets[row]) }
            },
        ]

    /// Floats if both are, else doubles.
    private static let fractional = TypeRule("\"DOUBLE\"") { arguments in
        guard arguments.allSatisfy({ $0.type.isNumeric || $0.type == .string || $0.type == .null }) else { return nil }
        let type: DataType = arguments.allSatisfy { $0.type == .float } ? .float : .double
        return ([type, type], type)
    }

    private static let uniform = TypeRule("\"NUMERIC\"") { arguments in
        guard arguments[1].type.isNumeric, arguments[2].type.isNumeric,
            let type = TypeCoercion.tightest(arguments[1].type, arguments[2].type)
        else { return nil }
        let kept: DataType = [arguments[1].type, arguments[2].type].contains(.float) && type == .double ? .float : type
        return ([.double, kept, kept], kept)
    }

    /// Functions of one real number that answer for every one.
    private static let real: [(name: String, aliases: [String], function: @Sendable (Double) -> Double)] = [
        ("sin", [], { MathKernel.sin($0) }), ("cos", [], { MathKernel.cos($0) }), ("tan", [], { MathKernel.tan($0) }),
        ("asin", [], { MathKernel.asin($0) }), ("acos", [], { MathKernel.acos($0) }), ("atan", [], { MathKernel.atan($0) }),
        ("sinh", [], { MathKernel.sinh($0) }), ("cosh", [], { MathKernel.cosh($0) }), ("tanh", [], { MathKernel.tanh($0) }),
        ("cbrt", [], { MathKernel.cbrt($0) }), ("expm1", [], { MathKernel.expm1($0) }), ("cot", [], { 1 / MathKernel.tan($0) }),
        ("sec", [], { 1 / MathKernel.cos($0) }), ("csc", [], { 1 / MathKernel.sin($0) }), ("asinh", [], { MathKernel.asinh($0) }),
        ("acosh", [], { MathKernel.acosh($0) }), ("atanh", [], { MathKernel.atanh($0) }),
        ("degrees", [], { $0 * 180 / .pi }), ("radians", [], { $0 / 180 * .pi }), ("rint", [], { $0.rounded(.toNearestOrEven) }),
    ]

    private static func row(_ item: (name: String, aliases: [String], function: @Sendable (Double) -> Double)) -> ScalarRow {
        let function = item.function
        return ScalarRow(FunctionSignature(item.name, aliases: item.aliases, [.double], .type(.double))) { input in
            input.doubleColumn(input.doubles(0).map(function))
        }
    }

    /// Null at and below `above`, where Spark has no logarithm.
    private static func logarithm(_ input: FunctionInput, above: Double, _ function: (Double) -> Double) -> Column {
        let values = input.doubles(0)
        var defined = Bitmap(repeating: true, count: input.count)
        for row in 0..<input.count where values[row] <= above { defined[row] = false }
        let results = values.map { $0 <= above ? 0 : function($0) }
        return Column(type: .double, count: input.count, validity: defined, storage: .double(results))
    }

    /// The number's bucket among `buckets` of equal width, 0 below and `buckets + 1` above; nil without a sense.
    private static func bucket(_ value: Double, _ low: Double, _ high: Double, _ buckets: Int64) -> Int64? {
        guard buckets > 0, buckets < Int64.max, low != high, low.isFinite, high.isFinite, !value.isNaN else { return nil }
        let (lower, upper) = (min(low, high), max(low, high))
        if value < lower { return low < high ? 0 : buckets + 1 }
        if value > upper || (value == upper && low < high) { return low < high ? buckets + 1 : 0 }
        let share = low < high ? (value - low) / (high - low) : (low - value) / (low - high)
        let at = Double(buckets) * share
        return at < 9.2e18 ? min(Int64(at), buckets) + 1 : nil
    }

    /// Digits of one base in another, as unsigned 64-bit numbers; digits after the first that is none are ignored.
    private static func convert(_ text: ArraySlice<UInt8>, _ from: Int64, _ to: Int64) -> String? {
        guard (2...36).contains(from), (2...36).contains(abs(to)), !text.isEmpty else { return nil }
        var rest = text
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        var number: UInt64 = 0
        for byte in rest {
            guard let digit = Self.digit(byte), digit < from else { break }
            let (product, tooLarge) = number.multipliedReportingOverflow(by: UInt64(from))
            let (sum, overflow) = product.addingReportingOverflow(UInt64(digit))
            number = tooLarge || overflow ? .max : sum
        }
        if isNegative { number = 0 &- number }
        guard to < 0 else { return String(number, radix: Int(to), uppercase: true) }
        return String(Int64(bitPattern: number), radix: Int(-to), uppercase: true)
    }

    private static func digit(_ byte: UInt8) -> Int64? {
        switch byte {
        case 0x30...0x39: Int64(byte - 0x30)
        case 0x41...0x5A: Int64(byte - 0x41) + 10
        case 0x61...0x7A: Int64(byte - 0x61) + 10
        default: nil
        }
    }
}
