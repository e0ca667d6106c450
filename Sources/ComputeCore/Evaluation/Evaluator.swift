// Evaluates a resolved expression over a batch: one dispatch for each node and batch, loops inside the kernels. Branches of CASE, COALESCE
// and the right side of AND and OR, if they may raise, see only the rows that reach them, since ANSI mode must not fail for a guarded row.

import QueryCore

/// A column, or one value for all rows.
struct Vector {
    var column: Column
    var isConstant: Bool

    /// Position of a row: `row & mask`.
    var mask: Int { isConstant ? 0 : ~0 }
    var isNullConstant: Bool { isConstant && column.isNull(0) }

    func expanded(_ count: Int) -> Column {
        isConstant ? column.take([Int32](repeating: 0, count: count)) : column
    }
}

package struct Evaluator {
    /// The position of each column id in the batches.
    let layout: [ColumnID: Int]
    /// The statement's time in microseconds since 1970: `current_date` and `current_timestamp` are constant within a statement.
    let now: Int64
    /// Whether the query was cancelled: loops over elements look at it.
    let isCancelled: @Sendable () -> Bool

    package init(columns: [BoundColumn], now: Int64, isCancelled: @escaping @Sendable () -> Bool = { false }) {
        var layout: [ColumnID: Int] = [:]
        for (index, column) in columns.enumerated() where layout[column.id] == nil { layout[column.id] = index }
        self.layout = layout
        self.now = now
        self.isCancelled = isCancelled
    }

    init(layout: [ColumnID: Int], now: Int64, isCancelled: @escaping @Sendable () -> Bool) {
        self.layout = layout
        self.now = now
        self.isCancelled = isCancelled
    }

    init(columns: [BoundColumn], _ context: QueryContext) {
        self.init(columns: columns, now: context.now, isCancelled: context.isCancelled)
    }

    package func evaluate(_ expression: BoundExpression, _ batch: Batch) throws(QueryError) -> Column {
        let value = try vector(expression, batch)
        if value.isConstant {
            try Batch.checkText(value.column.widestValueBytes.multipliedReportingOverflow(by: batch.rowCount).partialValue)
        }
        return value.expanded(batch.rowCount)
    }

    /// The rows for which a boolean expression is true; null counts as false.
    package func selection(_ expression: BoundExpression, _ batch: Batch) throws(QueryError) -> Bitmap {
        Self.truth(try evaluate(expression, batch))
    }

    static func truth(_ column: Column) -> Bitmap {
        guard case .boolean(let bits) = column.storage else { return Bitmap(repeating: false, count: column.count) }
        return column.validity.map { bits & $0 } ?? bits
    }

    /// The value of an expression without columns.
    package static func constant(_ expression: BoundExpression, now: Int64) throws(QueryError) -> Value {
        let batch = Batch(schema: Schema([]), columns: [], rowCount: 1)
        return try Evaluator(columns: [], now: now).evaluate(expression, batch).value(0)
    }

    func vector(_ expression: BoundExpression, _ batch: Batch) throws(QueryError) -> Vector {
        switch expression {
        case .literal(let literal): return Vector(column: Column(type: literal.type, values: [literal.value]), isConstant: true)
        case .column(let column):
            guard let index = layout[column.id] else { preconditionFailure("column \(column.name) is not among the operator's inputs") }
            return Vector(column: batch.columns[index], isConstant: false)
        case .parameter(let column):
            guard let index = layout[column.id] else { preconditionFailure("parameter \(column.name) is not given") }
            return Vector(column: batch.columns[index], isConstant: false)
        case .higherOrder(let function, let arguments, let lambdas, let type):
            return Vector(column: try higherOrder(function, arguments, lambdas, type, batch), isConstant: false)
        case .cast(let inner, let type, let isTry):
            let value = try vector(inner, batch)
            return Vector(column: try Cast.apply(value.column, to: type, isTry: isTry), isConstant: value.isConstant)
        case .call(let function, let arguments, let type): return try call(function, arguments, type, batch)
        case .caseWhen(let branches, let otherwise, let type): return try caseWhen(branches, otherwise, type, batch)
        case .inList(let value, let items): return try inList(value, items, batch)
        case .field(let base, let index, _): return try field(base, index, batch)
        case .element(let base, let key, let type): return try element(base, key, type, batch)
        case .aggregate: preconditionFailure("aggregates are computed by the aggregation operator")
        case .window: preconditionFailure("window functions are computed by their operator")
        case .subquery: preconditionFailure("queries inside of expressions become joins")
        }
    }

    private func call(_ function: ScalarFunction, _ arguments: [BoundExpression], _ type: DataType, _ batch: Batch) throws(QueryError)
        -> Vector
    {
        switch function {
        case .and, .or: return try logic(function, arguments[0], arguments[1], batch)
        case .coalesce: return try coalesce(arguments, type, batch)
        case .currentDate: return Vector(column: Column(type: .date, values: [.integer(Int64(CivilTime.floorDay(now)))]), isConstant: true)
        case .seeded(let seed, let draw):
            return Vector(column: try RandomNumbers.column(seed ?? now, draw, batch), isConstant: false)
        case .currentTimestamp: return Vector(column: Column(type: .timestamp, values: [.integer(now)]), isConstant: true)
        default: break
        }
        var vectors: [Vector] = []
        for argument in arguments { vectors.append(try vector(argument, batch)) }
        let isConstant = vectors.allSatisfy { $0.isConstant }
        let count = isConstant ? 1 : batch.rowCount
        if case .tried(let plain) = function {
            return Vector(column: try Self.tried(plain, vectors, type, count), isConstant: isConstant)
        }
        return try Self.computed(function, vectors, type, count, isConstant: isConstant)
    }

    /// The function over the rows; where it refuses a row, that is null. Halves are tried until the rows are found.
    private static func tried(_ function: ScalarFunction, _ vectors: [Vector], _ type: DataType, _ count: Int) throws(QueryError)
        -> Column
    {
        do throws(QueryError) {
            return try computed(function, vectors, type, count, isConstant: false).expanded(count)
        } catch {
            if [.unsupported, .analysis, .parse].contains(error.kind) { throw error }
            if count <= 1 { return Column.nulls(type, count: count) }
            let middle = count / 2
            var halves: [Column] = []
            for rows in [0..<middle, middle..<count] {
                let part = vectors.map { $0.isConstant ? $0 : Vector(column: $0.column.take(rows.map { Int32($0) }), isConstant: false) }
                halves.append(try tried(function, part, type, rows.count))
            }
            return Column.concat(halves, type: type)
        }
    }

    private static func computed(
        _ function: ScalarFunction, _ vectors: [Vector], _ type: DataType, _ count: Int, isConstant: Bool
    ) throws(QueryError) -> Vector {
        switch function {
        case .add, .subtract, .multiply, .divide, .remainder, .positiveModulo, .integralDivide:
            return Vector(column: try Arithmetic.binary(function, vectors[0], vectors[1], type, count), isConstant: isConstant)
        case .equal, .nullSafeEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            return Vector(column: Comparison.compare(function, vectors[0], vectors[1], count), isConstant: isConstant)
        case .not:
            let column = vectors[0].column
            guard case .boolean(let bits) = column.storage else { preconditionFailure("NOT takes a boolean") }
            return Vector(
                column: Column(type: .boolean, count: column.count, validity: column.validity, storage: .boolean(~bits)),
                isConstant: isConstant)
        case .isNull, .isNotNull:
            let column = vectors[0].column
            let present =
                column.type == .null
                ? Bitmap(repeating: false, count: column.count) : column.validity ?? Bitmap(repeating: true, count: column.count)
            let bits = function == .isNull ? ~present : present
            return Vector(
                column: Column(type: .boolean, count: column.count, validity: nil, storage: .boolean(bits)), isConstant: isConstant)
        default:
            return Vector(column: try RowFunctions.apply(function, vectors, type, count), isConstant: isConstant)
        }
    }

    // MARK: Three-valued logic

    private func logic(_ function: ScalarFunction, _ left: BoundExpression, _ right: BoundExpression, _ batch: Batch) throws(QueryError)
        -> Vector
    {
        let count = batch.rowCount
        let one = try evaluate(left, batch)
        let (trueLeft, falseLeft) = Self.split(one)
        // Rows decided by the left side.
        let decided = function == .and ? falseLeft : trueLeft
        let other: Column
        if right.mayRaise, decided.trueCount > 0 {
            other = try evaluate(right, batch, only: ~decided)
        } else {
            other = try evaluate(right, batch)
        }
        let (trueRight, falseRight) = Self.split(other)
        let isTrue = function == .and ? trueLeft & trueRight : trueLeft | trueRight
        let isFalse = function == .and ? falseLeft | falseRight : falseLeft & falseRight
        let known = isTrue | isFalse
        let validity = known.trueCount == count ? nil : known
        return Vector(column: Column(type: .boolean, count: count, validity: validity, storage: .boolean(isTrue)), isConstant: false)
    }

    private static func split(_ column: Column) -> (isTrue: Bitmap, isFalse: Bitmap) {
        guard case .boolean(let bits) = column.storage else { preconditionFailure("AND and OR take booleans") }
        guard let validity = column.validity else { return (bits, ~bits) }
        return (bits & validity, ~bits & validity)
    }

    /// Evaluates over the chosen rows only; the other results are null.
    private func evaluate(_ expression: BoundExpression, _ batch: Batch, only rows: Bitmap) throws(QueryError) -> Column {
        let chosen = rows.trueIndices
        if chosen.count == batch.rowCount { return try evaluate(expression, batch) }
        if chosen.isEmpty { return Column.nulls(expression.type, count: batch.rowCount) }
        // Only columns of the expression are gathered.
        let read = Set(expression.inputIDs.compactMap { layout[$0] })
        let columns = batch.columns.indices.map { index in
            read.contains(index)
                ? batch.columns[index].take(chosen) : Column(type: .null, count: chosen.count, validity: nil, storage: .nothing)
        }
        let fields = zip(batch.schema.fields, columns).map { StructField($0.name, $1.type) }
        let narrow = Batch(schema: Schema(fields), columns: columns, rowCount: chosen.count)
        let values = try evaluate(expression, narrow)
        var positions = [Int32](repeating: -1, count: batch.rowCount)
        for (index, row) in chosen.enumerated() { positions[Int(row)] = Int32(index) }
        return values.take(positions)
    }

    // MARK: Conditionals

    private func caseWhen(_ branches: [BoundBranch], _ otherwise: BoundExpression, _ type: DataType, _ batch: Batch) throws(QueryError)
        -> Vector
    {
        var remaining = Bitmap(repeating: true, count: batch.rowCount)
        // The source of each row: the position of its branch.
        var source = [Int32](repeating: Int32(branches.count), count: batch.rowCount)
        var results: [Column] = []
        for (index, branch) in branches.enumerated() {
            let matched = Self.truth(try evaluate(branch.condition, batch, only: remaining)) & remaining
            for row in matched.trueIndices { source[Int(row)] = Int32(index) }
            results.append(try evaluate(branch.result, batch, only: matched))
            remaining = remaining & ~matched
        }
        results.append(try evaluate(otherwise, batch, only: remaining))
        return Vector(column: try Self.merge(results, source, type), isConstant: false)
    }

    private func coalesce(_ arguments: [BoundExpression], _ type: DataType, _ batch: Batch) throws(QueryError) -> Vector {
        var remaining = Bitmap(repeating: true, count: batch.rowCount)
        var source = [Int32](repeating: 0, count: batch.rowCount)
        var results: [Column] = []
        for (index, argument) in arguments.enumerated() {
            if remaining.trueCount == 0 { break }
            let column = try evaluate(argument, batch, only: remaining)
            results.append(column)
            let present =
                column.type == .null
                ? Bitmap(repeating: false, count: column.count) : column.validity ?? Bitmap(repeating: true, count: column.count)
            let found = present & remaining
            for row in found.trueIndices { source[Int(row)] = Int32(index) }
            remaining = remaining & ~found
        }
        if results.isEmpty { return Vector(column: Column.nulls(type, count: batch.rowCount), isConstant: false) }
        return Vector(column: try Self.merge(results, source, type), isConstant: false)
    }

    /// Row i of `columns[source[i]]`.
    private static func merge(_ columns: [Column], _ source: [Int32], _ type: DataType) throws(QueryError) -> Column {
        let count = source.count
        try Batch.checkText(columns.reduce(0) { $0 + $1.byteCount })
        if count == 0 { return Column(type: type, values: []) }
        let all = Column.concat(columns, type: type)
        return all.take(source.enumerated().map { row, index in index * Int32(count) + Int32(row) })
    }

    private func inList(_ value: BoundExpression, _ items: [BoundExpression], _ batch: Batch) throws(QueryError) -> Vector {
        let left = try vector(value, batch)
        var result: Column?
        for item in items {
            let test = Comparison.compare(.equal, left, try vector(item, batch), batch.rowCount)
            guard let earlier = result else {
                result = test
                continue
            }
            let (oneTrue, oneFalse) = Self.split(earlier)
            let (otherTrue, otherFalse) = Self.split(test)
            let isTrue = oneTrue | otherTrue
            let known = isTrue | (oneFalse & otherFalse)
            result = Column(
                type: .boolean, count: batch.rowCount, validity: known.trueCount == batch.rowCount ? nil : known, storage: .boolean(isTrue))
        }
        return Vector(column: result ?? Column.constant(.boolean(false), .boolean, count: batch.rowCount), isConstant: false)
    }

    // MARK: Nested values

    private func field(_ base: BoundExpression, _ index: Int, _ batch: Batch) throws(QueryError) -> Vector {
        let value = try vector(base, batch)
        if case .list(let offsets, let child) = value.column.storage, case .structure(let children) = child.storage {
            return Vector(column: Self.fields(value.column, offsets, child, children[index]), isConstant: value.isConstant)
        }
        guard case .structure(let children) = value.column.storage else {
            return Vector(column: Column.nulls(base.type, count: value.column.count), isConstant: value.isConstant)
        }
        let child = children[index]
        guard let outer = value.column.validity else { return Vector(column: child, isConstant: value.isConstant) }
        let validity = child.validity.map { $0 & outer } ?? outer
        return Vector(
            column: Column(type: child.type, count: child.count, validity: validity, storage: child.storage), isConstant: value.isConstant)
    }

    /// The field of each struct of a column of arrays.
    private static func fields(_ column: Column, _ offsets: [Int32], _ child: Column, _ field: Column) -> Column {
        var inner = field
        if let outer = child.validity {
            let validity = field.validity.map { $0 & outer } ?? outer
            inner = Column(type: field.type, count: field.count, validity: validity, storage: field.storage)
        }
        let type = DataType.array(element: field.type, containsNull: inner.validity != nil)
        return Column(type: type, count: column.count, validity: column.validity, storage: .list(offsets: offsets, child: inner))
    }

    private func element(_ base: BoundExpression, _ key: BoundExpression, _ type: DataType, _ batch: Batch) throws(QueryError) -> Vector {
        let container = try evaluate(base, batch)
        let keys = try evaluate(key, batch)
        var builder = ColumnBuilder(type: type, capacity: batch.rowCount)
        for row in 0..<batch.rowCount {
            switch (container.value(row), keys.value(row)) {
            case (.array(let values), .integer(let index)):
                guard index >= 0, index < values.count else {
                    throw QueryError(.invalidArrayIndex, ["indexValue": "\(index)", "arraySize": "\(values.count)"])
                }
                builder.append(values[Int(index)])
            case (.map(let names, let values), let key) where !key.isNull:
                builder.append(names.firstIndex(of: key).map { values[$0] } ?? .null)
            default: builder.appendNull()
            }
        }
        return Vector(column: builder.finish(), isConstant: false)
    }
}
