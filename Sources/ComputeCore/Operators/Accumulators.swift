// The running state of aggregate functions, one array entry for each group. `update` is called once for each batch with the argument
// column and the group of every row; dispatch happens there, the loop is typed. Null rules: all but count(*) skip nulls; over no row they
// are null.

import QueryCore

protocol Accumulator: AnyObject {
    /// Makes room for groups up to `count`.
    func grow(_ count: Int)
    func update(_ arguments: [Column], _ groups: [Int32]) throws(QueryError)
    func finish() throws(QueryError) -> Column
    /// Rough memory for the budget.
    var bytesPerGroup: Int { get }
}

enum Accumulators {
    static func make(_ call: AggregateCall) -> any Accumulator {
        switch call.function {
        case .count: CountAccumulator(trueOnly: false)
        case .countIf: CountAccumulator(trueOnly: true)
        case .sum, .avg:
            switch call.arguments[0].type {
            case .decimal: DecimalTotal(call)
            case .double: DoubleTotal(call)
            default: LongTotal(call)
            }
        case .min, .max: ExtremeAccumulator(call)
        case .first, .last: FirstAccumulator(call)
        case .stddevSample, .stddevPopulation, .varianceSample, .variancePopulation: VarianceAccumulator(call.function)
        case .collectList: ListAccumulator(call.type)
        }
    }
}

final class CountAccumulator: Accumulator {
    private var counts: [Int64] = []
    private let trueOnly: Bool
    let bytesPerGroup = 8

    init(trueOnly: Bool) { self.trueOnly = trueOnly }

    func grow(_ count: Int) { counts += [Int64](repeating: 0, count: count - counts.count) }

    func update(_ arguments: [Column], _ groups: [Int32]) {
        if trueOnly {
            for row in Evaluator.truth(arguments[0]).trueIndices { counts[Int(groups[Int(row)])] += 1 }
        } else if arguments.allSatisfy({ $0.validity == nil && $0.type != .null }) {
            for group in groups { counts[Int(group)] += 1 }
        } else {
            for (row, group) in groups.enumerated() where !arguments.contains(where: { $0.isNull(row) }) { counts[Int(group)] += 1 }
        }
    }

    func finish() -> Column { Column(type: .long, count: counts.count, validity: nil, storage: .int64(counts)) }
}

/// sum and avg of integers: exact 64-bit totals for sum, which raise on overflow; doubles for avg.
final class LongTotal: Accumulator {
    private var totals: [Int64] = []
    private var doubles: [Double] = []
    private var counts: [Int64] = []
    private let isAverage: Bool
    let bytesPerGroup = 24

    init(_ call: AggregateCall) { isAverage = call.function == .avg }

    func grow(_ count: Int) {
        let more = count - counts.count
        totals += [Int64](repeating: 0, count: more)
        doubles += [Double](repeating: 0, count: more)
        counts += [Int64](repeating: 0, count: more)
    }

    // hot: SQL filter and group-by
    func update(_ arguments: [Column], _ groups: [Int32]) throws(QueryError) {
        guard case .int64(let values) = arguments[0].storage else { return }
        let validity = arguments[0].validity
        for row in 0..<groups.count where validity?[row] ?? true {
            let group = Int(groups[row])
            counts[group] += 1
            if isAverage {
                doubles[group] += Double(values[row])
            } else {
                let (total, overflow) = totals[group].addingReportingOverflow(values[row])
                if overflow { throw Arithmetic.overflow("long", "try_sum") }
                totals[group] = total
            }
        }
    }

    func finish() -> Column {
        let present = Presence.bitmap(counts)
        if isAverage {
            let values = zip(doubles, counts).map { $1 == 0 ? 0 : $0 / Double($1) }
            return Column(type: .double, count: counts.count, validity: present, storage: .double(values))
        }
        return Column(type: .long, count: counts.count, validity: present, storage: .int64(totals))
    }
}

final class DoubleTotal: Accumulator {
    private var totals: [Double] = []
    private var counts: [Int64] = []
    private let isAverage: Bool
    let bytesPerGroup = 16

    init(_ call: AggregateCall) { isAverage = call.function == .avg }

    func grow(_ count: Int) {
        let more = count - counts.count
        totals += [Double](repeating: 0, count: more)
        counts += [Int64](repeating: 0, count: more)
    }

    // hot: SQL filter and group-by
    func update(_ arguments: [Column], _ groups: [Int32]) {
        guard case .double(let values) = arguments[0].storage else { return }
        let validity = arguments[0].validity
        for row in 0..<groups.count where validity?[row] ?? true {
            let group = Int(groups[row])
            totals[group] += values[row]
            counts[group] += 1
        }
    }

    func finish() -> Column {
        let values = isAverage ? zip(totals, counts).map { $1 == 0 ? 0 : $0 / Double($1) } : totals
        return Column(type: .double, count: counts.count, validity: Presence.bitmap(counts), storage: .double(values))
    }
}

final class DecimalTotal: Accumulator {
    private var totals: [Int128] = []
    private var counts: [Int64] = []
    private let call: AggregateCall
    let bytesPerGroup = 24

    init(_ call: AggregateCall) { self.call = call }

    func grow(_ count: Int) {
        let more = count - counts.count
        totals += [Int128](repeating: 0, count: more)
        counts += [Int64](repeating: 0, count: more)
    }

    func update(_ arguments: [Column], _ groups: [Int32]) throws(QueryError) {
        guard case .decimal(let values) = arguments[0].storage else { return }
        for row in 0..<groups.count where !arguments[0].isNull(row) {
            let group = Int(groups[row])
            let (total, overflow) = totals[group].addingReportingOverflow(values[row])
            if overflow { throw Arithmetic.overflow("decimal", "try_sum") }
            totals[group] = total
            counts[group] += 1
        }
    }

    func finish() throws(QueryError) -> Column {
        guard case .decimal(_, let from) = call.arguments[0].type, case .decimal(let precision, let scale) = call.type else {
            preconditionFailure("a decimal total is a decimal")
        }
        var values: [Int128] = []
        for (total, count) in zip(totals, counts) {
            var value: Int128? = total
            if call.function == .avg, count > 0 {
                value = DecimalText.rescale(total, from: from, to: scale + 1).flatMap {
                    DecimalText.rescale($0 / Int128(count), from: scale + 1, to: scale)
                }
            } else if call.function == .avg {
                value = 0
            }
            guard let value, DecimalText.fits(value, precision: precision) else {
                throw Arithmetic.outOfRange(DecimalText.format(total, scale: from), precision, scale)
            }
            values.append(value)
        }
        return Column(type: call.type, count: counts.count, validity: Presence.bitmap(counts), storage: .decimal(values))
    }
}

enum Presence {
    /// Groups that saw a value; nil when all did.
    static func bitmap(_ counts: [Int64]) -> Bitmap? {
        if counts.allSatisfy({ $0 > 0 }) { return nil }
        var bits = Bitmap()
        for count in counts { bits.append(count > 0) }
        return bits
    }
}

final class ExtremeAccumulator: Accumulator {
    private var values: [Value] = []
    private let type: DataType
    private let sign: Int
    let bytesPerGroup = 48

    init(_ call: AggregateCall) {
        type = call.type
        sign = call.function == .max ? 1 : -1
    }

    func grow(_ count: Int) { values += [Value](repeating: .null, count: count - values.count) }

    func update(_ arguments: [Column], _ groups: [Int32]) {
        let column = arguments[0]
        for row in 0..<groups.count where !column.isNull(row) {
            let group = Int(groups[row])
            if case .integer(let best) = values[group], case .int64(let numbers) = column.storage {
                if (numbers[row] > best) == (sign > 0) { values[group] = .integer(numbers[row]) }
                continue
            }
            let value = column.value(row)
            if values[group].isNull || Value.compare(value, values[group], type) * sign > 0 { values[group] = value }
        }
    }

    func finish() -> Column { Column(type: type, values: values) }
}

final class FirstAccumulator: Accumulator {
    private var values: [Value] = []
    private var seen: [Bool] = []
    private let call: AggregateCall
    let bytesPerGroup = 48

    init(_ call: AggregateCall) { self.call = call }

    func grow(_ count: Int) {
        let more = count - seen.count
        values += [Value](repeating: .null, count: more)
        seen += [Bool](repeating: false, count: more)
    }

    func update(_ arguments: [Column], _ groups: [Int32]) {
        for row in 0..<groups.count {
            let group = Int(groups[row])
            if call.function == .first, seen[group] { continue }
            if call.ignoreNulls, arguments[0].isNull(row) { continue }
            values[group] = arguments[0].value(row)
            seen[group] = true
        }
    }

    func finish() -> Column { Column(type: call.type, values: values) }
}

/// Welford's method, which stays exact for large means.
final class VarianceAccumulator: Accumulator {
    private var counts: [Int64] = []
    private var means: [Double] = []
    private var squares: [Double] = []
    private let function: AggregateFunction
    let bytesPerGroup = 24

    init(_ function: AggregateFunction) { self.function = function }

    func grow(_ count: Int) {
        let more = count - counts.count
        counts += [Int64](repeating: 0, count: more)
        means += [Double](repeating: 0, count: more)
        squares += [Double](repeating: 0, count: more)
    }

    func update(_ arguments: [Column], _ groups: [Int32]) {
        guard case .double(let values) = arguments[0].storage else { return }
        for row in 0..<groups.count where !arguments[0].isNull(row) {
            let group = Int(groups[row])
            counts[group] += 1
            let delta = values[row] - means[group]
            // The order of operations is Spark's, so that the last digits agree.
            let step = delta / Double(counts[group])
            means[group] += step
            squares[group] += delta * (delta - step)
        }
    }

    func finish() -> Column {
        let sample = function == .stddevSample || function == .varianceSample
        var out: [Value] = []
        for (count, square) in zip(counts, squares) {
            let divisor = Double(count) - (sample ? 1 : 0)
            if divisor <= 0 {
                out.append(.null)
            } else {
                let variance = square / divisor
                out.append(.double(function == .stddevSample || function == .stddevPopulation ? variance.squareRoot() : variance))
            }
        }
        return Column(type: .double, values: out)
    }
}

final class ListAccumulator: Accumulator {
    private var lists: [[Value]] = []
    private let type: DataType
    let bytesPerGroup = 64

    init(_ type: DataType) { self.type = type }

    func grow(_ count: Int) { lists += [[Value]](repeating: [], count: count - lists.count) }

    func update(_ arguments: [Column], _ groups: [Int32]) {
        for row in 0..<groups.count where !arguments[0].isNull(row) { lists[Int(groups[row])].append(arguments[0].value(row)) }
    }

    func finish() -> Column { Column(type: type, values: lists.map { .array($0) }) }
}
