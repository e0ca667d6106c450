// Functions with lambdas over a batch: the body is evaluated over all elements of all rows at once, in stretches, with the outer columns
// repeated by position. Only `aggregate` goes element by element, over all rows that have one more.

import QueryCore

extension Evaluator {
    /// Elements of one evaluation of a body.
    private static let elementsMax = 1 << 16

    func higherOrder(
        _ function: HigherOrderFunction, _ arguments: [BoundExpression], _ lambdas: [BoundLambda], _ type: DataType, _ batch: Batch
    ) throws(QueryError) -> Column {
        var values: [Column] = []
        for argument in arguments { values.append(try evaluate(argument, batch)) }
        switch function {
        case .transform: return try transform(Lists(values[0]), lambdas[0], type, batch)
        case .filter: return try filter(Lists(values[0]), lambdas[0], batch)
        case .exists, .forall: return try test(Lists(values[0]), lambdas[0], batch, decides: function == .exists)
        case .arraySort:
            let lists = Lists(values[0])
            return try lambdas.first.map { (lambda) throws(QueryError) in try sorted(lists, lambda, batch) }
                ?? lists.sorted(nullsFirst: false)
        case .aggregate: return try aggregate(Lists(values[0]), values[1], lambdas, type, batch)
        case .zipWith: return try zipped(Lists(values[0]), Lists(values[1]), lambdas[0], type, batch)
        case .mapFilter: return try filter(Lists(values[0]), lambdas[0], batch)
        case .transformKeys, .transformValues:
            return try transform(function, Lists(values[0]), lambdas[0], type, batch)
        case .mapZipWith: return try zippedMaps(values[0], values[1], lambdas[0], type, batch)
        }
    }

    private func check() throws(QueryError) {
        if isCancelled() { throw QueryError(.operationCancelled) }
    }

    /// The body's value for each element. `parents` are the elements' rows, `offered` its parameters' columns.
    private func body(_ lambda: BoundLambda, _ parents: [Int32], _ offered: [Column], _ batch: Batch) throws(QueryError) -> Column {
        if parents.isEmpty { return Column(type: lambda.body.type, values: []) }
        let outer = lambda.body.inputIDs.filter { layout[$0] != nil }
        var inner: [ColumnID: Int] = [:]
        for (index, id) in (outer + lambda.parameters.map(\.id)).enumerated() { inner[id] = index }
        let evaluator = Evaluator(layout: inner, now: now, isCancelled: isCancelled)
        var parts: [Column] = []
        var start = 0
        var bytes = 0
        while start < parents.count {
            try check()
            let range = start..<min(parents.count, start + Self.elementsMax)
            let rows = Array(parents[range])
            let columns =
                outer.compactMap { layout[$0] }.map { batch.columns[$0].take(rows) }
                + zip(lambda.parameters, offered).map { $1.slice(range) }
            let schema = Schema(columns.map { StructField("", $0.type) })
            let part = try evaluator.evaluate(lambda.body, Batch(schema: schema, columns: columns, rowCount: rows.count))
            bytes += part.textBytes
            try Batch.checkText(bytes)
            parts.append(part)
            start = range.upperBound
        }
        return Column.concat(parts, type: lambda.body.type)
    }

    // MARK: Arrays

    private func transform(_ lists: Lists, _ lambda: BoundLambda, _ type: DataType, _ batch: Batch) throws(QueryError) -> Column {
        let made = try body(lambda, lists.parents, lists.offered, batch)
        return lists.column(type, made)
    }

    /// Also of maps, whose entries are the elements.
    private func filter(_ lists: Lists, _ lambda: BoundLambda, _ batch: Batch) throws(QueryError) -> Column {
        let chosen = Self.truth(try body(lambda, lists.parents, lists.offered, batch))
        return lists.column(keeping: chosen)
    }

    /// Whether some element (`decides`), or every one, has a true body; null where an unknown one could decide.
    private func test(_ lists: Lists, _ lambda: BoundLambda, _ batch: Batch, decides: Bool) throws(QueryError) -> Column {
        let results = try body(lambda, lists.parents, lists.offered, batch)
        let truth = Self.truth(results)
        var builder = ColumnBuilder(type: .boolean, capacity: batch.rowCount)
        for row in 0..<batch.rowCount {
            guard !lists.isNull(row) else {
                builder.appendNull()
                continue
            }
            var isDecided = false
            var isUnknown = false
            for element in lists.range(row) {
                if results.isNull(element) { isUnknown = true } else if truth[element] == decides { isDecided = true }
                if isDecided { break }
            }
            if isUnknown, !isDecided { builder.appendNull() } else { builder.append(isDecided == decides) }
        }
        return builder.finish()
    }

    private func zipped(_ left: Lists, _ right: Lists, _ lambda: BoundLambda, _ type: DataType, _ batch: Batch) throws(QueryError) -> Column
    {
        var parents: [Int32] = []
        var places: (left: [Int32], right: [Int32]) = ([], [])
        var offsets: [Int32] = [0]
        var validity = Bitmap(repeating: true, count: batch.rowCount)
        for row in 0..<batch.rowCount {
            if left.isNull(row) || right.isNull(row) {
                validity[row] = false
            } else {
                let (one, other) = (left.range(row), right.range(row))
                for index in 0..<max(one.count, other.count) {
                    parents.append(Int32(row))
                    places.left.append(index < one.count ? left.positions[one.lowerBound + index] : -1)
                    places.right.append(index < other.count ? right.positions[other.lowerBound + index] : -1)
                }
            }
            offsets.append(Int32(parents.count))
        }
        let made = try body(lambda, parents, [left.child.take(places.left), right.child.take(places.right)], batch)
        return Column(type: type, count: batch.rowCount, validity: validity, storage: .list(offsets: offsets, child: made))
    }

    /// Step k merges the element k of every row that has one.
    private func aggregate(
        _ lists: Lists, _ zero: Column, _ lambdas: [BoundLambda], _ type: DataType, _ batch: Batch
    ) throws(QueryError) -> Column {
        var active = (0..<batch.rowCount).filter { !lists.isNull($0) }.map { Int32($0) }
        var state = zero.take(active)
        var done: [Column] = []
        var places = [Int32](repeating: -1, count: batch.rowCount)
        var count: Int32 = 0
        var step = 0
        while !active.isEmpty {
            let more = active.indices.filter { lists.range(Int(active[$0])).count > step }
            if more.count < active.count {
                let ended = active.indices.filter { lists.range(Int(active[$0])).count <= step }
                done.append(state.take(ended.map { Int32($0) }))
                for index in ended {
                    places[Int(active[index])] = count
                    count += 1
                }
                state = state.take(more.map { Int32($0) })
                active = more.map { active[$0] }
            }
            if active.isEmpty { break }
            let elements = lists.child.take(active.map { lists.positions[lists.range(Int($0)).lowerBound + step] })
            state = try body(lambdas[0], active, [state, elements], batch)
            step += 1
        }
        if done.isEmpty { return Column.nulls(type, count: batch.rowCount) }
        let states = Column.concat(done, type: zero.type).take(places)
        guard lambdas.count > 1 else { return states }
        let present = (0..<batch.rowCount).filter { places[$0] >= 0 }.map { Int32($0) }
        let finished = try body(lambdas[1], present, [states.take(present)], batch)
        var positions = [Int32](repeating: -1, count: batch.rowCount)
        for (index, row) in present.enumerated() { positions[Int(row)] = Int32(index) }
        return finished.take(positions)
    }

    /// Merge sort from below: each step compares one pair of every merge of every row, so that a pass is few evaluations.
    private func sorted(_ lists: Lists, _ lambda: BoundLambda, _ batch: Batch) throws(QueryError) -> Column {
        var order = lists.positions
        let longest = (0..<lists.count).reduce(0) { max($0, lists.range($1).count) }
        var width = 1
        while width < longest {
            var merges: [Merge] = []
            for row in 0..<lists.count {
                let range = lists.range(row)
                for start in stride(from: range.lowerBound, to: range.upperBound, by: 2 * width) {
                    let middle = min(start + width, range.upperBound)
                    merges.append(Merge(parent: Int32(row), left: start..<middle, right: middle..<min(middle + width, range.upperBound)))
                }
            }
            var active = merges.indices.filter { !merges[$0].isDecided }
            while !active.isEmpty {
                let parents = active.map { merges[$0].parent }
                let one = lists.child.take(active.map { order[merges[$0].left.lowerBound] })
                let other = lists.child.take(active.map { order[merges[$0].right.lowerBound] })
                let answers = try body(lambda, parents, [one, other], batch)
                for (index, merge) in active.enumerated() {
                    guard case .integer(let answer) = answers.value(index) else {
                        let element = one.type
                        throw QueryError(
                            .comparatorReturnsNull,
                            ["firstValue": one.value(index).text(element), "secondValue": other.value(index).text(element)])
                    }
                    merges[merge].take(left: answer <= 0, order)
                }
                active.removeAll { merges[$0].isDecided }
            }
            var next: [Int32] = []
            next.reserveCapacity(order.count)
            for merge in merges { next += merge.merged + order[merge.left] + order[merge.right] }
            order = next
            width *= 2
        }
        return lists.column(lists.type, lists.child.take(order))
    }

    // MARK: Maps

    private func transform(
        _ function: HigherOrderFunction, _ lists: Lists, _ lambda: BoundLambda, _ type: DataType, _ batch: Batch
    ) throws(QueryError) -> Column {
        let made = try body(lambda, lists.parents, lists.offered, batch)
        if function == .transformKeys { try Self.checkKeys(lists, made) }
        let entries = function == .transformKeys ? [made, lists.offered[1]] : [lists.offered[0], made]
        return lists.map(type, entries)
    }

    private static func checkKeys(_ lists: Lists, _ keys: Column) throws(QueryError) {
        for row in 0..<lists.count {
            var seen: Set<Value> = []
            for element in lists.range(row) {
                let key = keys.value(element)
                if key.isNull { throw QueryError(.nullMapKey) }
                guard seen.insert(key).inserted else {
                    throw QueryError(
                        .duplicatedMapKey,
                        ["key": key.text(keys.type), "mapKeyDedupPolicy": "\"spark.sql.mapKeyDedupPolicy\""])
                }
            }
        }
    }

    /// The keys of the left map, then those of the right one alone.
    private func zippedMaps(_ left: Column, _ right: Column, _ lambda: BoundLambda, _ type: DataType, _ batch: Batch) throws(QueryError)
        -> Column
    {
        let (one, other) = (Lists(left), Lists(right))
        var parents: [Int32] = []
        var keys: [Int32] = []
        var places: (left: [Int32], right: [Int32]) = ([], [])
        var offsets: [Int32] = [0]
        var validity = Bitmap(repeating: true, count: batch.rowCount)
        let (oneKeys, otherKeys) = (one.offered[0], other.offered[0])
        for row in 0..<batch.rowCount {
            if one.isNull(row) || other.isNull(row) {
                validity[row] = false
            } else {
                var found: [Value: Int32] = [:]
                for element in other.range(row) { found[otherKeys.value(element)] = Int32(element) }
                for element in one.range(row) {
                    keys.append(Int32(element))
                    places.left.append(Int32(element))
                    places.right.append(found.removeValue(forKey: oneKeys.value(element)) ?? -1)
                    parents.append(Int32(row))
                }
                for element in other.range(row) where found[otherKeys.value(element)] == Int32(element) {
                    keys.append(Int32(oneKeys.count + element))
                    places.left.append(-1)
                    places.right.append(Int32(element))
                    parents.append(Int32(row))
                }
            }
            offsets.append(Int32(parents.count))
        }
        let allKeys = Column.concat([oneKeys, otherKeys], type: oneKeys.type).take(keys)
        let made = try body(lambda, parents, [allKeys, one.offered[1].take(places.left), other.offered[1].take(places.right)], batch)
        return Lists.map(type, batch.rowCount, validity, offsets, [allKeys, made])
    }
}

/// One merge of two sorted runs of positions.
private struct Merge {
    let parent: Int32
    /// The rest of the runs, as ranges of the order.
    var left: Range<Int>
    var right: Range<Int>
    var merged: [Int32] = []

    var isDecided: Bool { left.isEmpty || right.isEmpty }

    mutating func take(left isLeft: Bool, _ order: [Int32]) {
        if isLeft {
            merged.append(order[left.lowerBound])
            left = left.dropFirst()
        } else {
            merged.append(order[right.lowerBound])
            right = right.dropFirst()
        }
    }
}

/// The elements of a column of arrays, or the entries of one of maps, one after the other without those of null rows.
struct Lists {
    let type: DataType
    let count: Int
    let child: Column
    /// The row of each element.
    private(set) var parents: [Int32] = []
    /// The place of each element in `child`.
    private(set) var positions: [Int32] = []
    private var starts: [Int32] = [0]
    private let column: Column

    init(_ column: Column) {
        self.column = column
        type = column.type
        count = column.count
        guard case .list(let offsets, let child) = column.storage else { preconditionFailure("a lambda is over arrays or maps") }
        self.child = child
        for row in 0..<column.count {
            if !column.isNull(row) {
                for position in offsets[row]..<offsets[row + 1] {
                    parents.append(Int32(row))
                    positions.append(position)
                }
            }
            starts.append(Int32(positions.count))
        }
    }

    func isNull(_ row: Int) -> Bool { column.isNull(row) }

    func range(_ row: Int) -> Range<Int> { Int(starts[row])..<Int(starts[row + 1]) }

    /// The values for a lambda's parameters: element and index, or key and value.
    var offered: [Column] {
        let elements = child.take(positions)
        if type.isMap, case .structure(let entries) = elements.storage { return entries }
        let places = zip(positions.indices, parents).map { Int32($0) - starts[Int($1)] }
        return [elements, Column(type: .int, count: places.count, validity: nil, storage: .int32(places))]
    }

    /// The same rows with other elements, one for each.
    func column(_ type: DataType, _ elements: Column) -> Column {
        Column(type: type, count: count, validity: column.validity, storage: .list(offsets: starts, child: elements))
    }

    /// By the order of values; nulls stand at one end.
    func sorted(nullsFirst: Bool) -> Column {
        let values = positions.map { child.value(Int($0)) }
        var order: [Int32] = []
        for row in 0..<count {
            let sorted = range(row).sorted { one, other in
                if values[one].isNull || values[other].isNull {
                    return values[one].isNull == values[other].isNull ? one < other : values[one].isNull == nullsFirst
                }
                let answer = Value.compare(values[one], values[other], child.type)
                return answer == 0 ? one < other : answer < 0
            }
            order += sorted.map { positions[$0] }
        }
        return column(type, child.take(order))
    }

    func column(keeping chosen: Bitmap) -> Column {
        var offsets: [Int32] = [0]
        var kept: [Int32] = []
        for row in 0..<count {
            for element in range(row) where chosen[element] { kept.append(positions[element]) }
            offsets.append(Int32(kept.count))
        }
        return Column(type: type, count: count, validity: column.validity, storage: .list(offsets: offsets, child: child.take(kept)))
    }

    func map(_ type: DataType, _ entries: [Column]) -> Column { Self.map(type, count, column.validity, starts, entries) }

    static func map(_ type: DataType, _ count: Int, _ validity: Bitmap?, _ offsets: [Int32], _ entries: [Column]) -> Column {
        guard case .map(let key, let value, let containsNull) = type else { preconditionFailure("the type is a map's") }
        let fields = [StructField("key", key, nullable: false), StructField("value", value, nullable: containsNull)]
        let child = Column(type: .structure(fields), count: entries[0].count, validity: nil, storage: .structure(entries))
        return Column(type: type, count: count, validity: validity, storage: .list(offsets: offsets, child: child))
    }
}
