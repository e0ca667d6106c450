// One value outside a column: literals, options of functions, cells of a result. Its type stands beside it (`Literal`), so that all integer
// types, dates and timestamps share one case. Not for loops over a column where speed matters.

package indirect enum Value: Hashable, Sendable {
    case null
    case boolean(Bool)
    /// byte, short, int, long; date in days, timestamp in microseconds.
    case integer(Int64)
    /// float and double.
    case double(Double)
    /// Unscaled; the scale is in the type.
    case decimal(Int128)
    case string(String)
    case binary([UInt8])
    case array([Value])
    /// Keys and values in order.
    case map(keys: [Value], values: [Value])
    case structure([Value])

    package var isNull: Bool {
        if case .null = self { true } else { false }
    }
}

extension Value {
    /// Whether the value is one of the type: its form and, for numbers, its range. A null is one of every type.
    package func belongs(to type: DataType) -> Bool {
        switch (self, type) {
        case (.null, _), (.boolean, .boolean), (.double, .float), (.double, .double), (.string, .string), (.binary, .binary): true
        case (.integer(let number), .byte): Int8(exactly: number) != nil
        case (.integer(let number), .short): Int16(exactly: number) != nil
        case (.integer(let number), .int), (.integer(let number), .date): Int32(exactly: number) != nil
        case (.integer, .long), (.integer, .timestamp): true
        case (.decimal(let unscaled), .decimal(let precision, _)): DecimalText.fits(unscaled, precision: precision)
        case (.array(let items), .array(let element, _)): items.allSatisfy { $0.belongs(to: element) }
        case (.map(let keys, let items), .map(let key, let value, _)):
            keys.count == items.count && keys.allSatisfy { !$0.isNull && $0.belongs(to: key) } && items.allSatisfy { $0.belongs(to: value) }
        case (.structure(let items), .structure(let fields)):
            items.count == fields.count && zip(items, fields).allSatisfy { $0.belongs(to: $1.type) }
        default: false
        }
    }
}

/// A value with its type.
package struct Literal: Hashable, Sendable {
    package var value: Value
    package var type: DataType

    package init(_ value: Value, _ type: DataType) {
        self.value = value
        self.type = type
    }

    package static let null = Literal(.null, .null)
    package static func int(_ value: Int32) -> Literal { Literal(.integer(Int64(value)), .int) }
    package static func long(_ value: Int64) -> Literal { Literal(.integer(value), .long) }
    package static func double(_ value: Double) -> Literal { Literal(.double(value), .double) }
    package static func string(_ value: String) -> Literal { Literal(.string(value), .string) }
    package static func boolean(_ value: Bool) -> Literal { Literal(.boolean(value), .boolean) }
}
