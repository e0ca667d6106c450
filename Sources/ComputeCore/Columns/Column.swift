// One column of a batch in Arrow's memory layout: a validity bitmap and typed values, or offsets and bytes, or children. A null's slot
// holds some valid value of the type, so kernels may compute over it; kernels that may refuse a value check validity first. Columns are
// values and never change after they are built. Source: Arrow columnar format.

import QueryCore

package struct Column: Hashable, Sendable {
    /// The layout of values. Offsets have one entry more than there are rows and start at zero.
    package indirect enum Storage: Hashable, Sendable {
        /// The null type: no memory at all.
        case nothing
        case boolean(Bitmap)
        case int8([Int8])
        case int16([Int16])
        /// int and date.
        case int32([Int32])
        /// long and timestamp.
        case int64([Int64])
        case float([Float])
        case double([Double])
        /// decimal, unscaled; 16 bytes little-endian in memory, as Arrow's Decimal128.
        case decimal([Int128])
        /// string (UTF-8) and binary.
        case bytes(offsets: [Int32], bytes: [UInt8])
        /// array; for map the child is a structure of key and value.
        case list(offsets: [Int32], child: Column)
        case structure([Column])
    }

    package let type: DataType
    package let count: Int
    /// A set bit is a present value; nil means that no value is null.
    package let validity: Bitmap?
    package let storage: Storage

    package init(type: DataType, count: Int, validity: Bitmap?, storage: Storage) {
        self.type = type
        self.count = count
        self.validity = validity
        self.storage = storage
    }

    package func isNull(_ row: Int) -> Bool {
        if case .nothing = storage { return true }
        return validity.map { !$0[row] } ?? false
    }

    package var nullCount: Int {
        if case .nothing = storage { return count }
        return validity.map { count - $0.trueCount } ?? 0
    }

    /// Memory of the values, for the budget; shared buffers count once for each column.
    package var byteCount: Int {
        let values =
            switch storage {
            case .nothing: 0
            case .boolean(let bits): bits.words.count * 8
            case .int8(let values): values.count
            case .int16(let values): values.count * 2
            case .int32(let values): values.count * 4
            case .int64(let values): values.count * 8
            case .float(let values): values.count * 4
            case .double(let values): values.count * 8
            case .decimal(let values): values.count * 16
            case .bytes(let offsets, let bytes): offsets.count * 4 + bytes.count
            case .list(let offsets, let child): offsets.count * 4 + child.byteCount
            case .structure(let children): children.reduce(0) { $0 + $1.byteCount }
            }
        return values + (validity?.words.count ?? 0) * 8
    }

    /// Bytes of the longest run of texts, which 32-bit offsets must be able to address.
    var textBytes: Int {
        switch storage {
        case .bytes(_, let bytes): bytes.count
        case .list(_, let child): max(child.count, child.textBytes)
        case .structure(let children): children.reduce(0) { max($0, $1.textBytes) }
        default: 0
        }
    }

    /// The size of the largest value, in bytes.
    package var widestValueBytes: Int {
        switch storage {
        case .bytes(let offsets, _): Self.longest(offsets)
        case .list(let offsets, let child): Self.longest(offsets) * max(1, child.widestValueBytes)
        case .structure(let children): children.reduce(0) { $0 + $1.widestValueBytes }
        default: 16
        }
    }

    private static func longest(_ offsets: [Int32]) -> Int {
        var longest: Int32 = 0
        for index in offsets.indices.dropFirst() { longest = max(longest, offsets[index] - offsets[index - 1]) }
        return Int(longest)
    }
}

/// Rows of a table as columns of equal length.
package struct Batch: Hashable, Sendable {
    package let schema: Schema
    package let columns: [Column]
    package let rowCount: Int
    /// The place of the rows in the order of their pipeline's input.
    package var place: BatchPlace

    /// Rows in a batch unless the source gives fewer: small enough for the caches, large enough to make dispatch free.
    package static let rowsDefault = 8192
    /// Readers end a batch early beyond this many bytes of input, so that 32-bit offsets suffice and memory stays small.
    package static let inputBytesMax = 64 << 20
    /// Limit of the text that an expression makes of one batch, in bytes; a column of texts can address 2 GiB.
    package static let textBytesMax = 1 << 30

    /// Throws if an expression made more text of one batch than a column may hold.
    package static func checkText(_ bytes: Int) throws(QueryError) {
        if bytes > textBytesMax {
            throw QueryError.unsupported("an expression that makes more than \(textBytesMax >> 20) MiB of text of \(rowsDefault) rows")
        }
    }

    package init(schema: Schema, columns: [Column], rowCount: Int, place: BatchPlace = .first) {
        self.place = place
        precondition(schema.count == columns.count, "a batch has one column for each field")
        precondition(columns.allSatisfy { $0.count == rowCount }, "all columns of a batch have its row count")
        self.schema = schema
        self.columns = columns
        self.rowCount = rowCount
    }

    package var byteCount: Int { columns.reduce(0) { $0 + $1.byteCount } }

    /// The size of the largest row, in bytes.
    package var widestRowBytes: Int { columns.reduce(0) { $0 + $1.widestValueBytes } }
}

/// Batches of one schema inside a plan (`Plan.local`).
package struct BatchList: LocalRows {
    package let schema: Schema
    package let batches: [Batch]
    package var rowCount: Int { batches.reduce(0) { $0 + $1.rowCount } }

    package init(schema: Schema, batches: [Batch]) {
        self.schema = schema
        self.batches = batches
    }
}
