// The functions of the library: one row each, with its kernel, in its family's file. A kernel computes a whole batch; rows that are null
// in an argument are null in the result, whatever the kernel makes of them. Source: Spark SQL reference, "Built-in Functions".

import QueryCore

/// The arguments of one call over a batch, after their implicit casts.
struct FunctionInput {
    let arguments: [Vector]
    let type: DataType
    /// Rows; 1 if all arguments are constants.
    let count: Int
    /// Rows whose arguments are all present; nil when all are.
    let present: Bitmap?
}

struct ScalarRow: Sendable {
    typealias Kernel = @Sendable (FunctionInput) throws(QueryError) -> Column

    let signature: FunctionSignature
    let kernel: Kernel

    init(_ signature: FunctionSignature, _ kernel: @escaping Kernel) {
        self.signature = signature
        self.kernel = kernel
    }
}

package enum FunctionTable {
    static let rows: [ScalarRow] =
        MathRows.rows + TextRows.rows + SliceRows.rows + WordRows.rows + EncodingRows.rows + HashRows.rows + PatternRows.rows
        + TimeRows.rows
        + NumberFormatRows.rows + JSONRows.rows + CSVRows.rows + BitRows.rows + CollectionRows.rows + ListRows.rows

    private static let byName: [String: ScalarRow] = {
        var table: [String: ScalarRow] = [:]
        for row in rows { for name in [row.signature.name] + row.signature.aliases { table[name] = row } }
        return table
    }()

    /// By lower-case name or alias.
    package static func signature(_ name: String) -> FunctionSignature? { byName[name]?.signature }

    /// The names of all rows, also the other names, in alphabetical order, without signs.
    package static var words: [String] {
        byName.keys.filter { $0.utf8.allSatisfy { $0 == 0x5F || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) } }.sorted()
    }

    static func apply(_ signature: FunctionSignature, _ arguments: [Vector], _ type: DataType, _ count: Int) throws(QueryError) -> Column {
        guard let row = byName[signature.name] else { preconditionFailure("\(signature.name) is a row of the table") }
        var present: Bitmap?
        for argument in arguments where signature.nulls != .accepted {
            if argument.isNullConstant || argument.column.type == .null { return Column.nulls(type, count: count) }
            guard !argument.isConstant, let validity = argument.column.validity else { continue }
            present = present.map { $0 & validity } ?? validity
        }
        let column = try row.kernel(FunctionInput(arguments: arguments, type: type, count: count, present: present))
        guard let present else { return column }
        let validity = column.validity.map { $0 & present } ?? present
        return Column(type: type, count: count, validity: validity, storage: column.storage)
    }
}

extension FunctionInput {
    /// Whether all arguments of a row are present.
    @inline(__always)
    func isPresent(_ row: Int) -> Bool { present?[row] ?? true }

    /// The whole numbers of an argument, dates in days and timestamps in microseconds, one for each row.
    func integers(_ index: Int) -> [Int64] {
        let vector = arguments[index]
        let values: [Int64] =
            switch vector.column.storage {
            case .int8(let values): values.map { Int64($0) }
            case .int16(let values): values.map { Int64($0) }
            case .int32(let values): values.map { Int64($0) }
            case .int64(let values): values
            default: preconditionFailure("an argument of whole numbers has a column of them")
            }
        return vector.isConstant ? [Int64](repeating: values[0], count: count) : values
    }

    func doubles(_ index: Int) -> [Double] {
        let vector = arguments[index]
        guard case .double(let values) = vector.column.storage else { preconditionFailure("an argument of doubles has a column of them") }
        return vector.isConstant ? [Double](repeating: values[0], count: count) : values
    }

    func texts(_ index: Int) -> TextArgument { TextArgument(arguments[index]) }

    func doubleColumn(_ values: [Double]) -> Column { Column(type: .double, count: count, validity: nil, storage: .double(values)) }

    /// A column of the result's type from whole numbers; nil makes a null. They must fit.
    func integerColumn(_ body: (Int) throws(QueryError) -> Int64?) throws(QueryError) -> Column {
        var builder = ColumnBuilder(type: type, capacity: count)
        for row in 0..<count {
            if isPresent(row), let value = try body(row) { builder.append(value) } else { builder.appendNull() }
        }
        return builder.finish()
    }

    /// A column of texts or binaries; `body` appends the row's bytes, and answers whether they are present.
    func textColumn(_ body: (Int, inout [UInt8]) throws(QueryError) -> Bool) throws(QueryError) -> Column {
        var offsets: [Int32] = [0]
        offsets.reserveCapacity(count + 1)
        var bytes: [UInt8] = []
        var validity: Bitmap?
        for row in 0..<count {
            if isPresent(row) {
                let start = bytes.count
                if !(try body(row, &bytes)) {
                    bytes.removeSubrange(start...)
                    if validity == nil { validity = Bitmap(repeating: true, count: count) }
                    validity?[row] = false
                }
                try Batch.checkText(bytes.count)
            }
            offsets.append(Int32(bytes.count))
        }
        return Column(type: type, count: count, validity: validity, storage: .bytes(offsets: offsets, bytes: bytes))
    }
}

/// The texts of an argument by row.
struct TextArgument {
    private let offsets: [Int32]
    private let bytes: [UInt8]
    private let mask: Int

    init(_ vector: Vector) {
        guard case .bytes(let offsets, let bytes) = vector.column.storage else { preconditionFailure("an argument of text has bytes") }
        self.offsets = offsets
        self.bytes = bytes
        mask = vector.mask
    }

    subscript(row: Int) -> ArraySlice<UInt8> {
        let row = row & mask
        return bytes[Int(offsets[row])..<Int(offsets[row + 1])]
    }

    func string(_ row: Int) -> String { String(decoding: self[row], as: UTF8.self) }
}
