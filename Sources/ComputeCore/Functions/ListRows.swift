// Functions over a group's list of values, which aggregates become (`AggregateForms`). Their names have a blank, so that no query can call
// them. The list has no nulls.

import QueryCore

enum ListRows {
    static let rows: [ScalarRow] =
        [
            ScalarRow(FunctionSignature("list percentile", [.any, .any], .rule(percentile), nulls: .possible)) {
                (input) throws(QueryError) in
                try input.valueColumn { arguments in
                    let values = numbers(arguments[0]).sorted()
                    return over(arguments[1]) { share in
                        guard !values.isEmpty else { return .null }
                        let place = share * Double(values.count - 1)
                        let (low, high) = (values[Int(place.rounded(.down))], values[Int(place.rounded(.up))])
                        return .double(low + (high - low) * (place - place.rounded(.down)))
                    }
                }
            },
            ScalarRow(FunctionSignature("list rank", [.any, .any], .rule(rank), nulls: .possible)) { (input) throws(QueryError) in
                let element = input.arguments[0].column.type.element?.type ?? .null
                return try input.valueColumn { arguments in
                    guard case .array(let items) = arguments[0] else { return .null }
                    let values = items.sorted { Value.compare($0, $1, element) < 0 }
                    return over(arguments[1]) { share in
                        guard !values.isEmpty else { return .null }
                        let place = (share * Double(values.count)).rounded(.up)
                        return values[max(0, min(values.count, Int(place)) - 1)]
                    }
                }
            },
            ScalarRow(FunctionSignature("list text", [.any, .any], .rule(joined), nulls: .accepted)) { (input) throws(QueryError) in
                try input.valueColumn { arguments in
                    guard case .array(let items) = arguments[0], !items.isEmpty else { return .null }
                    if case .binary = items[0] {
                        return .binary(Array(items.map { EncodingRows.octets($0) }.joined(separator: EncodingRows.octets(arguments[1]))))
                    }
                    return .string(items.map(\.plainText).joined(separator: arguments[1].plainText))
                }
            },
            // With a second argument the least of the most frequent values, or the greatest.
            ScalarRow(FunctionSignature("list mode", [.any, .any], required: 1, .rule(elementOf), nulls: .possible)) {
                (input) throws(QueryError) in
                let type = input.type
                return try input.valueColumn { arguments in
                    guard case .array(let items) = arguments[0] else { return .null }
                    var counts: [Value: Int] = [:]
                    for item in items { counts[item, default: 0] += 1 }
                    let most = counts.values.max() ?? 0
                    var best: Value?
                    for item in items where counts[item] == most {
                        guard let held = best else {
                            best = item
                            continue
                        }
                        guard arguments.count > 1 else { break }
                        let order = Value.compare(item, held, type)
                        if arguments[1] == .boolean(true) ? order < 0 : order > 0 { best = item }
                    }
                    return best ?? .null
                }
            },
            ScalarRow(FunctionSignature("frequent items", [.any, .double], .ofFirst)) { (input) throws(QueryError) in
                try input.valueColumn { arguments in
                    guard case .array(let items) = arguments[0], case .double(let support) = arguments[1] else { return .null }
                    var counts: [Value: Int] = [:]
                    for item in items { counts[item, default: 0] += 1 }
                    let least = support * Double(items.count)
                    var seen: Set<Value> = []
                    return .array(items.filter { Double(counts[$0] ?? 0) >= least && seen.insert($0).inserted })
                }
            },
            measure("list product") { $0.isEmpty ? nil : $0.reduce(1, *) },
            measure("list skewness") { values in
                let moments = Moments(values)
                let (count, second) = (Double(values.count), moments.second)
                return second == 0 ? nil : count.squareRoot() * moments.third / (second * second * second).squareRoot()
            },
            measure("list kurtosis") { values in
                let moments = Moments(values)
                return moments.second == 0 ? nil : Double(values.count) * moments.fourth / (moments.second * moments.second) - 3
            },
            pairs("list corr") { $0.count < 2 || $0.xx == 0 || $0.yy == 0 ? nil : $0.xy / ($0.xx * $0.yy).squareRoot() },
            pairs("list covar_pop") { $0.count == 0 ? nil : $0.xy / $0.count },
            pairs("list covar_samp") { $0.count < 2 ? nil : $0.xy / ($0.count - 1) },
            pairs("list regr_avgx") { $0.count == 0 ? nil : $0.sumX / $0.count },
            pairs("list regr_avgy") { $0.count == 0 ? nil : $0.sumY / $0.count },
            pairs("list regr_sxx") { $0.count == 0 ? nil : $0.spreadX },
            pairs("list regr_syy") { $0.count == 0 ? nil : $0.spreadY },
            pairs("list regr_sxy") { $0.count == 0 ? nil : $0.xy },
            pairs("list regr_slope") { $0.count < 2 || $0.spreadX == 0 ? nil : $0.xy / $0.spreadX },
            pairs("list regr_intercept") { $0.count < 2 || $0.spreadX == 0 ? nil : $0.averageY - $0.xy / $0.spreadX * $0.averageX },
            pairs("list regr_r2") { sums in
                if sums.count < 2 || sums.xx == 0 { return nil }
                let correlation = sums.xy / (sums.xx * sums.yy).squareRoot()
                return sums.yy == 0 ? 1 : correlation * correlation
            },
            bits("list bit_and") { $0 & $1 }, bits("list bit_or") { $0 | $1 }, bits("list bit_xor") { $0 ^ $1 },
        ] + OrderedListRows.rows

    // MARK: Types

    private static let elementOf = TypeRule("\"ARRAY\"") { arguments in
        arguments[0].type.element.map { element in
            (arguments.count > 1 ? [arguments[0].type, .boolean] : [arguments[0].type], element.type)
        }
    }

    /// Texts, or binaries.
    private static let joined = TypeRule("(\"STRING\" or \"BINARY\")") { arguments in
        guard let (element, containsNull) = arguments[0].type.element, element.isAtomic, arguments[1].type.isAtomic else { return nil }
        let type: DataType = element == .binary ? .binary : .string
        return ([.array(element: type, containsNull: containsNull), type], type)
    }

    private static let percentile = TypeRule("\"NUMERIC\"") { arguments in shares(arguments[1].type, of: .double, arguments[0].type) }

    private static let rank = TypeRule("\"NUMERIC\"") { arguments in
        arguments[0].type.element.flatMap { shares(arguments[1].type, of: $0.type, arguments[0].type) }
    }

    /// The type for one share of a list, or for an array of them.
    private static func shares(_ type: DataType, of element: DataType, _ list: DataType) -> ([DataType], DataType)? {
        guard element.isNumeric || element == .date || element == .timestamp || element == .null else { return nil }
        if let (inner, _) = type.element {
            guard inner.isNumeric else { return nil }
            return ([list, .array(element: .double, containsNull: false)], .array(element: element, containsNull: false))
        }
        return type.isNumeric ? ([list, .double], element) : nil
    }

    // MARK: Values

    private static func over(_ share: Value, _ value: (Double) -> Value) -> Value {
        switch share {
        case .double(let share): return (0...1).contains(share) ? value(share) : .null
        case .array(let shares):
            let values = shares.map { over($0, value) }
            return values.contains { $0.isNull } ? .null : .array(values)
        default: return .null
        }
    }

    private static func numbers(_ list: Value) -> [Double] {
        guard case .array(let items) = list else { return [] }
        return items.compactMap { if case .double(let number) = $0 { number } else { nil } }
    }

    private static func measure(_ name: String, _ value: @escaping @Sendable ([Double]) -> Double?) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.any], .type(.double), nulls: .possible)) { (input) throws(QueryError) in
            try input.valueColumn { arguments in value(numbers(arguments[0])).map { .double($0) } ?? .null }
        }
    }

    private static func pairs(_ name: String, _ value: @escaping @Sendable (PairSums) -> Double?) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.any], .type(.double), nulls: .possible)) { (input) throws(QueryError) in
            try input.valueColumn { arguments in
                guard case .array(let items) = arguments[0] else { return .null }
                var sums = PairSums()
                for item in items {
                    let numbers = numbers(item)
                    sums.add(numbers.first ?? .nan, numbers.last ?? .nan)
                }
                return value(sums).map { .double($0) } ?? .null
            }
        }
    }

    private static func bits(_ name: String, _ join: @escaping @Sendable (Int64, Int64) -> Int64) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.any], .rule(wholeElement), nulls: .possible)) { (input) throws(QueryError) in
            try input.valueColumn { arguments in
                guard case .array(let items) = arguments[0] else { return .null }
                let numbers = items.compactMap { if case .integer(let number) = $0 { number } else { nil } }
                guard let first = numbers.first else { return .null }
                return .integer(numbers.dropFirst().reduce(first, join))
            }
        }
    }

    private static let wholeElement = TypeRule("\"INTEGRAL\"") { arguments in
        arguments[0].type.element.flatMap { $0.type.isIntegral ? ([arguments[0].type], $0.type) : nil }
    }
}

/// Sums of powers of the distances from the mean, each value added to those before it.
struct Moments {
    private(set) var second = 0.0
    private(set) var third = 0.0
    private(set) var fourth = 0.0

    init(_ values: [Double]) {
        var (count, average) = (0.0, 0.0)
        for value in values {
            count += 1
            let delta = value - average
            let step = delta / count
            average += step
            second += delta * (delta - step)
            third = third - 3 * step * second + delta * (delta * delta - step * step)
            fourth =
                fourth - 4 * step * third - 6 * step * step * second + delta * (delta * delta * delta - step * step * step)
        }
    }
}

/// Sums over pairs of numbers and over the distances from their averages, each pair added to those before it.
struct PairSums {
    private(set) var count = 0.0
    private(set) var (sumX, sumY) = (0.0, 0.0)
    private(set) var (averageX, averageY) = (0.0, 0.0)
    private(set) var (xx, yy, xy) = (0.0, 0.0, 0.0)
    /// The same as `xx` and `yy`, in the order of steps of a variance, whose last digit may differ.
    private(set) var (spreadX, spreadY) = (0.0, 0.0)

    mutating func add(_ x: Double, _ y: Double) {
        count += 1
        (sumX, sumY) = (sumX + x, sumY + y)
        let (dx, dy) = (x - averageX, y - averageY)
        averageX += dx / count
        averageY += dy / count
        xy += dx * (y - averageY)
        xx += dx * (x - averageX)
        yy += dy * (y - averageY)
        spreadX += dx * (dx - dx / count)
        spreadY += dy * (dy - dy / count)
    }
}
