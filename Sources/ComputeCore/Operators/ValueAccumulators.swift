// Aggregates with kept values: min and max, first and last, collections; and the moments.

import QueryCore

/// min and max of whole numbers and decimals.
final class NumberExtreme<Number: FixedWidthInteger>: Accumulator {
    private var values: [Number] = []
    private var counts: [Int64] = []
    private let type: DataType
    private let isMax: Bool
    private let unwrap: (Column.Storage) -> [Number]?
    private let wrap: ([Number]) -> Column.Storage
    let bytesPerGroup = 8 + MemoryLayout<Number>.stride

    init(_ call: AggregateCall, unwrap: @escaping (Column.Storage) -> [Number]?, wrap: @escaping ([Number]) -> Column.Storage) {
        type = call.type
        isMax = call.function == .max
        self.unwrap = unwrap
        self.wrap = wrap
    }

    func grow(_ count: Int) {
        let more = count - counts.count
        values += repeatElement(isMax ? Number.min : Number.max, count: more)
        counts += repeatElement(0, count: more)
    }

    // hot: `platform-bench compute`, SQL filter and group-by
    func update(_ arguments: [Column], _ groups: GroupNumbers) {
        guard let numbers = unwrap(arguments[0].storage) else { return }
        let isMax = isMax
        // Rows are below the count of numbers, groups below the count that `grow` was given.
        numbers.withUnsafeBufferPointer { numbers in
            values.withUnsafeMutableBufferPointer { values in
                counts.withUnsafeMutableBufferPointer { counts in
                    groups.forEach(where: arguments[0].validity) { row, group in
                        values[group] = isMax ? Swift.max(values[group], numbers[row]) : Swift.min(values[group], numbers[row])
                        counts[group] &+= 1
                    }
                }
            }
        }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) {
        guard let other = other as? NumberExtreme<Number> else { return }
        for (row, group) in zip(rows, groups) {
            let (group, value) = (Int(group), other.values[Int(row)])
            values[group] = isMax ? Swift.max(values[group], value) : Swift.min(values[group], value)
            counts[group] += other.counts[Int(row)]
        }
    }

    func finish() -> Column {
        let present = Presence.bitmap(counts)
        let shown = present == nil ? values : zip(values, counts).map { $1 > 0 ? $0 : 0 }
        return Column(type: type, count: counts.count, validity: present, storage: wrap(shown))
    }
}

/// min and max of every other type.
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

    private func offer(_ value: Value, _ group: Int) {
        if values[group].isNull || Value.compare(value, values[group], type) * sign > 0 { values[group] = value }
    }

    func update(_ arguments: [Column], _ groups: GroupNumbers) {
        let column = arguments[0]
        if column.type == .null { return }
        groups.forEach(where: column.validity) { row, group in offer(column.value(row), group) }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) {
        guard let other = other as? ExtremeAccumulator else { return }
        for (row, group) in zip(rows, groups) where !other.values[Int(row)].isNull { offer(other.values[Int(row)], Int(group)) }
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

    func update(_ arguments: [Column], _ groups: GroupNumbers) {
        for (row, group) in groups.expanded.enumerated() {
            let group = Int(group)
            if call.function == .first, seen[group] { continue }
            if call.ignoreNulls, arguments[0].isNull(row) { continue }
            values[group] = arguments[0].value(row)
            seen[group] = true
        }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) {
        preconditionFailure("the first and the last of rows come of one chain, which has them in order")
    }

    func finish() -> Column { Column(type: call.type, values: values) }
}

/// The value of the one row of each group.
final class SingleAccumulator: Accumulator {
    private var values: [Value] = []
    private var seen: [Bool] = []
    private let type: DataType
    let bytesPerGroup = 48

    init(_ type: DataType) { self.type = type }

    func grow(_ count: Int) {
        let more = count - seen.count
        values += [Value](repeating: .null, count: more)
        seen += [Bool](repeating: false, count: more)
    }

    func update(_ arguments: [Column], _ groups: GroupNumbers) throws(QueryError) {
        for (row, group) in groups.expanded.enumerated() {
            if seen[Int(group)] { throw QueryError(.scalarSubqueryRows) }
            values[Int(group)] = arguments[0].value(row)
            seen[Int(group)] = true
        }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) throws(QueryError) {
        guard let other = other as? SingleAccumulator else { return }
        for (row, group) in zip(rows, groups) where other.seen[Int(row)] {
            if seen[Int(group)] { throw QueryError(.scalarSubqueryRows) }
            values[Int(group)] = other.values[Int(row)]
            seen[Int(group)] = true
        }
    }

    func finish() -> Column { Column(type: type, values: values) }
}

/// Welford's method, exact for large means; Chan's formula joins parts.
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

    func update(_ arguments: [Column], _ groups: GroupNumbers) {
        guard case .double(let values) = arguments[0].storage else { return }
        groups.forEach(where: arguments[0].validity) { row, group in
            counts[group] += 1
            let delta = values[row] - means[group]
            // The order of operations is Spark's, so that the last digits agree.
            let step = delta / Double(counts[group])
            means[group] += step
            squares[group] += delta * (delta - step)
        }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) {
        guard let other = other as? VarianceAccumulator else { return }
        for (row, group) in zip(rows, groups) where other.counts[Int(row)] > 0 {
            let (row, group) = (Int(row), Int(group))
            let (left, right) = (Double(counts[group]), Double(other.counts[row]))
            let delta = other.means[row] - means[group]
            let step = delta * right / (left + right)
            means[group] += step
            squares[group] += other.squares[row] + delta * step * left
            counts[group] += other.counts[row]
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

    func update(_ arguments: [Column], _ groups: GroupNumbers) {
        if arguments[0].type == .null { return }
        groups.forEach(where: arguments[0].validity) { row, group in lists[group].append(arguments[0].value(row)) }
    }

    func merge(_ other: any Accumulator, _ rows: [Int32], into groups: [Int32]) {
        preconditionFailure("lists come of one chain, which has the rows in order")
    }

    func finish() -> Column { Column(type: type, values: lists.map { .array($0) }) }
}
