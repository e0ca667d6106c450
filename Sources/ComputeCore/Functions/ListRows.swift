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
            ScalarRow(FunctionSignature("list text", [.any, .string], .type(.string), nulls: .possible)) { (input) throws(QueryError) in
                try input.valueColumn { arguments in
                    guard case .array(let items) = arguments[0], !items.isEmpty, case .string(let separator) = arguments[1] else {
                        return .null
                    }
                    return .string(items.map { $0.text(.string) }.joined(separator: separator))
                }
            },
            ScalarRow(FunctionSignature("list mode", [.any], .rule(elementOf), nulls: .possible)) { (input) throws(QueryError) in
                try input.valueColumn { arguments in
                    guard case .array(let items) = arguments[0] else { return .null }
                    var counts: [Value: Int] = [:]
                    var best: Value?
                    for item in items { counts[item, default: 0] += 1 }
                    for item in items where counts[item] ?? 0 > best.flatMap({ counts[$0] }) ?? 0 { best = item }
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
                guard let (count, second, third, _) = moments(values) else { return nil }
                return second == 0 ? .nan : count.squareRoot() * third / (second * second * second).squareRoot()
            },
            measure("list kurtosis") { values in
                guard let (count, second, _, fourth) = moments(values) else { return nil }
                return second == 0 ? .nan : count * fourth / (second * second) - 3
            },
            pairs("list corr") { pairs in
                let (xx, yy, xy) = sums(pairs)
                return pairs.count < 2 ? nil : xx == 0 || yy == 0 ? .nan : xy / (xx * yy).squareRoot()
            },
            pairs("list covar_pop") { $0.isEmpty ? nil : sums($0).xy / Double($0.count) },
            pairs("list covar_samp") { $0.count < 2 ? nil : sums($0).xy / Double($0.count - 1) },
            bits("list bit_and") { $0 & $1 }, bits("list bit_or") { $0 | $1 }, bits("list bit_xor") { $0 ^ $1 },
        ]

    // MARK: Types

    private static let elementOf = TypeRule("\"ARRAY\"") { arguments in
        arguments[0].type.element.map { ([arguments[0].type], $0.type) }
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

    private static func pairs(_ name: String, _ value: @escaping @Sendable ([(Double, Double)]) -> Double?) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.any], .type(.double), nulls: .possible)) { (input) throws(QueryError) in
            try input.valueColumn { arguments in
                guard case .array(let items) = arguments[0] else { return .null }
                let pairs = items.map { item in
                    let numbers = numbers(item)
                    return (numbers.first ?? .nan, numbers.last ?? .nan)
                }
                return value(pairs).map { .double($0) } ?? .null
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

    /// The count and the sums of the second to fourth powers of the distances from the mean.
    private static func moments(_ values: [Double]) -> (Double, Double, Double, Double)? {
        guard !values.isEmpty else { return nil }
        let mean = values.reduce(0, +) / Double(values.count)
        var (second, third, fourth) = (0.0, 0.0, 0.0)
        for value in values {
            let square = (value - mean) * (value - mean)
            second += square
            third += square * (value - mean)
            fourth += square * square
        }
        return (Double(values.count), second, third, fourth)
    }

    private static func sums(_ pairs: [(Double, Double)]) -> (xx: Double, yy: Double, xy: Double) {
        let count = Double(max(1, pairs.count))
        let (x, y) = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for pair in pairs {
            xx += (pair.0 - x) * (pair.0 - x)
            yy += (pair.1 - y) * (pair.1 - y)
            xy += (pair.0 - x) * (pair.1 - y)
        }
        return (xx, yy, xy)
    }
}
