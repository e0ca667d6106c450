// Row groups without a row for the query: the bounds in their statistics against the filter's comparisons with literals. It only ever
// excludes; the filter itself still runs over all rows read. Source: apache/parquet-format, parquet.thrift ("Statistics").
import Parquet
import QueryCore

struct ParquetPruning {
    /// A comparison of a column with a value of its type.
    private struct Comparison {
        let column: BoundColumn
        let function: ScalarFunction
        let value: Value
    }

    private var comparisons: [Comparison] = []
    /// Columns that must, or must not, be null.
    private var nullTests: [(column: BoundColumn, isNull: Bool)] = []

    /// `conjuncts`: each must be true of a row.
    init(_ conjuncts: [BoundExpression]) {
        for part in conjuncts {
            switch part {
            case .call(.isNull, let inner, _):
                if case .column(let column)? = inner.first { nullTests.append((column, true)) }
            case .call(.isNotNull, let inner, _):
                if case .column(let column)? = inner.first { nullTests.append((column, false)) }
            case .call(let function, let sides, _) where sides.count == 2:
                guard let mirrored = Self.mirrored[function] else { continue }
                if case .column(let column) = sides[0], case .literal(let literal) = sides[1], literal.type == column.type {
                    comparisons.append(Comparison(column: column, function: function, value: literal.value))
                } else if case .literal(let literal) = sides[0], case .column(let column) = sides[1], literal.type == column.type {
                    comparisons.append(Comparison(column: column, function: mirrored, value: literal.value))
                }
            default: continue
            }
        }
    }

    private static let mirrored: [ScalarFunction: ScalarFunction] = [
        .equal: .equal, .less: .greater, .lessOrEqual: .greaterOrEqual, .greater: .less, .greaterOrEqual: .lessOrEqual,
    ]

    func excludes(_ group: RowGroup, _ schema: ParquetSchema) -> Bool {
        for test in nullTests {
            guard let (_, chunk) = Self.leaf(test.column, group, schema), let nulls = chunk.statistics.nullCount else { continue }
            if test.isNull ? nulls == 0 : nulls == chunk.valueCount { return true }
        }
        return comparisons.contains { comparison in
            guard let (leaf, chunk) = Self.leaf(comparison.column, group, schema) else { return false }
            let least = chunk.statistics.least.flatMap { Self.bound($0, leaf, comparison.column.type) }
            let greatest = chunk.statistics.greatest.flatMap { Self.bound($0, leaf, comparison.column.type) }
            return Self.excludes(comparison, least, greatest)
        }
    }

    /// Columns whose type in the file differs are left to the filter.
    private static func leaf(_ column: BoundColumn, _ group: RowGroup, _ schema: ParquetSchema) -> (ParquetLeaf, ColumnChunk)? {
        guard let field = schema.fields.first(where: { $0.name == column.name }), case .leaf(let leaf) = field.shape,
            let type = try? ParquetTypes.type(field, path: ""),  // a type that cannot be read is refused where it is read
            type == column.type
        else { return nil }
        return (leaf, group.columns[leaf.index])
    }

    private static func excludes(_ comparison: Comparison, _ least: Value?, _ greatest: Value?) -> Bool {
        let value = comparison.value
        switch comparison.function {
        case .less: return least.map { !isLess($0, value, orEqual: false) } ?? false
        case .lessOrEqual: return least.map { !isLess($0, value, orEqual: true) } ?? false
        // A NaN is greater than every number and is not in the bounds.
        case .greater where comparison.column.type.isFractional, .greaterOrEqual where comparison.column.type.isFractional: return false
        case .greater: return greatest.map { !isLess(value, $0, orEqual: false) } ?? false
        case .greaterOrEqual: return greatest.map { !isLess(value, $0, orEqual: true) } ?? false
        default:
            if case .double(let number) = value, number.isNaN { return false }
            return (least.map { !isLess($0, value, orEqual: true) } ?? false)
                || (greatest.map { !isLess(value, $0, orEqual: true) } ?? false)
        }
    }

    /// True also where the values cannot be compared, so that nothing is excluded.
    private static func isLess(_ left: Value, _ right: Value, orEqual: Bool) -> Bool {
        switch (left, right) {
        case (.integer(let left), .integer(let right)): return left < right || (orEqual && left == right)
        case (.decimal(let left), .decimal(let right)): return left < right || (orEqual && left == right)
        case (.double(let left), .double(let right)):
            return left.isNaN || right.isNaN || left < right || (orEqual && left == right)
        case (.binary(let left), .binary(let right)):
            return left.lexicographicallyPrecedes(right) || (orEqual && left == right)
        case (.binary(let bytes), .string(let text)): return isLess(.binary(bytes), .binary(Array(text.utf8)), orEqual: orEqual)
        case (.string(let text), .binary(let bytes)): return isLess(.binary(Array(text.utf8)), .binary(bytes), orEqual: orEqual)
        default: return true
        }
    }

    /// A bound as a value of the column's type; nil for types whose bounds are not used.
    private static func bound(_ bytes: [UInt8], _ leaf: ParquetLeaf, _ type: DataType) -> Value? {
        func number(_ size: Int) -> UInt64? {
            bytes.count == size ? bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) } : nil
        }
        switch (leaf.type, type) {
        case (.int32, .byte), (.int32, .short), (.int32, .int), (.int32, .date):
            return number(4).map { .integer(Int64(Int32(truncatingIfNeeded: $0))) }
        case (.int64, .long): return number(8).map { .integer(Int64(bitPattern: $0)) }
        case (.int64, .timestamp):
            guard case .timestamp(.microseconds, _)? = leaf.logical else { return nil }
            return number(8).map { .integer(Int64(bitPattern: $0)) }
        case (.int32, .decimal): return number(4).map { .decimal(Int128(Int32(truncatingIfNeeded: $0))) }
        case (.int64, .decimal):
            return leaf.logical == .integer(bits: 64, isSigned: false) ? nil : number(8).map { .decimal(Int128(Int64(bitPattern: $0))) }
        case (.float, .float): return number(4).map { .double(Double(Float(bitPattern: UInt32(truncatingIfNeeded: $0)))) }
        case (.double, .double): return number(8).map { .double(Double(bitPattern: $0)) }
        case (.byteArray, .string): return .binary(bytes)
        default: return nil
        }
    }
}
