// The running state of aggregate functions, one array entry for each group. `update` is called once for each batch with the argument column
// and the group of every row; dispatch happens there, the loop is typed. Null rules: all but count(*) skip nulls; without rows they are
// null.

import QueryCore

protocol Accumulator: AnyObject {
    /// Makes room for groups up to `count`.
    func grow(_ count: Int)
    func update(_ arguments: [Column], _ groups: GroupNumbers) throws(QueryError)
    /// Merges the groups `rows` of `other`, an accumulator of the same call: the group `rows[i]` goes into `groups[i]`.
    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) throws(QueryError)
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
        case .min, .max: extreme(call)
        case .first, .last: FirstAccumulator(call)
        case .stddevSample, .stddevPopulation, .varianceSample, .variancePopulation: VarianceAccumulator(call.function)
        case .collectList: ListAccumulator(call.type)
        case .single: SingleAccumulator(call.type)
        case .python: preconditionFailure("Python functions are taken out of aggregations")
        case .grouping, .groupingID: preconditionFailure("the analyser replaces grouping functions")
        }
    }

    private static func extreme(_ call: AggregateCall) -> any Accumulator {
        switch call.type {
        case .byte:
            NumberExtreme<Int8>(call) {
                if case .int8(let values) = $0 { values } else { nil }
            } wrap: {
                .int8($0)
            }
        case .short:
            NumberExtreme<Int16>(call) {
                if case .int16(let values) = $0 { values } else { nil }
            } wrap: {
                .int16($0)
            }
        case .int, .date:
            NumberExtreme<Int32>(call) {
                if case .int32(let values) = $0 { values } else { nil }
            } wrap: {
                .int32($0)
            }
        case .long, .timestamp:
            NumberExtreme<Int64>(call) {
                if case .int64(let values) = $0 { values } else { nil }
            } wrap: {
                .int64($0)
            }
        case .decimal:
            NumberExtreme<Int128>(call) {
                if case .decimal(let values) = $0 { values } else { nil }
            } wrap: {
                .decimal($0)
            }
        default: ExtremeAccumulator(call)
        }
    }

    /// Whether the result of a call is independent of the order of its rows, so that parts can be added up apart.
    static func canMerge(_ call: AggregateCall) -> Bool {
        switch call.function {
        case .first, .last, .collectList: false
        default: !call.distinct
        }
    }
}

final class CountAccumulator: Accumulator {
    private var counts: [Int64] = []
    private let trueOnly: Bool
    let bytesPerGroup = 8

    init(trueOnly: Bool) { self.trueOnly = trueOnly }

    func grow(_ count: Int) { counts += repeatElement(0, count: count - counts.count) }

    func update(_ arguments: [Column], _ groups: GroupNumbers) {
        var present: Bitmap?
        if trueOnly {
            present = Evaluator.truth(arguments[0])
        } else {
            for argument in arguments {
                if argument.type == .null { return }
                if let validity = argument.validity { present = present.map { $0 & validity } ?? validity }
            }
        }
        if case .one(let count) = groups {
            counts[0] += Int64(present?.trueCount ?? count)
            return
        }
        // Groups are below the count that `grow` was given.
        counts.withUnsafeMutableBufferPointer { counts in groups.forEach(where: present) { counts[$1] &+= 1 } }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) {
        guard let other = other as? CountAccumulator else { return }
        for (row, group) in zip(rows, groups) { counts[Int(group)] += other.counts[Int(row)] }
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
        if isAverage { doubles += repeatElement(0, count: more) } else { totals += repeatElement(0, count: more) }
        counts += repeatElement(0, count: more)
    }

    // hot: `platform-bench compute`, SQL filter and group-by
    func update(_ arguments: [Column], _ groups: GroupNumbers) throws(QueryError) {
        guard case .int64(let values) = arguments[0].storage else { return }
        var hasOverflow = false
        // Rows are below the count of values, groups below the count that `grow` was given.
        values.withUnsafeBufferPointer { values in
            counts.withUnsafeMutableBufferPointer { counts in
                if isAverage {
                    doubles.withUnsafeMutableBufferPointer { doubles in
                        groups.forEach(where: arguments[0].validity) { row, group in
                            counts[group] &+= 1
                            doubles[group] += Double(values[row])
                        }
                    }
                } else {
                    totals.withUnsafeMutableBufferPointer { totals in
                        groups.forEach(where: arguments[0].validity) { row, group in
                            counts[group] &+= 1
                            let (total, overflow) = totals[group].addingReportingOverflow(values[row])
                            totals[group] = total
                            hasOverflow = hasOverflow || overflow
                        }
                    }
                }
            }
        }
        if hasOverflow { throw Arithmetic.overflow("long", "try_sum") }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) throws(QueryError) {
        guard let other = other as? LongTotal else { return }
        for (row, group) in zip(rows, groups) {
            counts[Int(group)] += other.counts[Int(row)]
            if isAverage {
                doubles[Int(group)] += other.doubles[Int(row)]
            } else {
                let (total, overflow) = totals[Int(group)].addingReportingOverflow(other.totals[Int(row)])
                if overflow { throw Arithmetic.overflow("long", "try_sum") }
                totals[Int(group)] = total
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
        totals += repeatElement(0, count: more)
        counts += repeatElement(0, count: more)
    }

    // hot: `platform-bench compute`, SQL filter and group-by
    func update(_ arguments: [Column], _ groups: GroupNumbers) {
        guard case .double(let values) = arguments[0].storage else { return }
        // Rows are below the count of values, groups below the count that `grow` was given.
        values.withUnsafeBufferPointer { values in
            totals.withUnsafeMutableBufferPointer { totals in
                counts.withUnsafeMutableBufferPointer { counts in
                    groups.forEach(where: arguments[0].validity) { row, group in
                        totals[group] += values[row]
                        counts[group] &+= 1
                    }
                }
            }
        }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) {
        guard let other = other as? DoubleTotal else { return }
        for (row, group) in zip(rows, groups) {
            totals[Int(group)] += other.totals[Int(row)]
            counts[Int(group)] += other.counts[Int(row)]
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
        totals += repeatElement(0, count: more)
        counts += repeatElement(0, count: more)
    }

    func update(_ arguments: [Column], _ groups: GroupNumbers) throws(QueryError) {
        guard case .decimal(let values) = arguments[0].storage else { return }
        var hasOverflow = false
        groups.forEach(where: arguments[0].validity) { row, group in
            let (total, overflow) = totals[group].addingReportingOverflow(values[row])
            hasOverflow = hasOverflow || overflow
            totals[group] = total
            counts[group] += 1
        }
        if hasOverflow { throw Arithmetic.overflow("decimal", "try_sum") }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) throws(QueryError) {
        guard let other = other as? DecimalTotal else { return }
        for (row, group) in zip(rows, groups) {
            let (total, overflow) = totals[Int(group)].addingReportingOverflow(other.totals[Int(row)])
            if overflow { throw Arithmetic.overflow("decimal", "try_sum") }
            totals[Int(group)] = total
            counts[Int(group)] += other.counts[Int(row)]
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
    /// Groups with a value; nil when all have one.
    static func bitmap(_ counts: [Int64]) -> Bitmap? {
        if counts.allSatisfy({ $0 > 0 }) { return nil }
        var bits = Bitmap()
        for count in counts { bits.append(count > 0) }
        return bits
    }
}
