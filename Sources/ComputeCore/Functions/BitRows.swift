// Functions over the bits of whole numbers. Source: Spark SQL reference, "Bitwise Functions".

import QueryCore

enum BitRows {
    static let rows: [ScalarRow] = [
        both("&") { $0 & $1 }, both("|") { $0 | $1 }, both("^") { $0 ^ $1 },
        ScalarRow(FunctionSignature("~", aliases: ["bitwise_not"], [.integral], .ofFirst)) { (input) throws(QueryError) in
            let values = input.integers(0)
            return try input.integerColumn { ~values[$0] }
        },
        ScalarRow(FunctionSignature("bit_count", [.long], .type(.int))) { (input) throws(QueryError) in
            let values = input.integers(0)
            return try input.integerColumn { Int64(values[$0].nonzeroBitCount) }
        },
        ScalarRow(FunctionSignature("getbit", aliases: ["bit_get"], [.long, .int], .type(.byte), canRaise: true)) {
            (input) throws(QueryError) in
            let (values, bits) = (input.integers(0), input.integers(1))
            return try input.integerColumn { (row) throws(QueryError) in
                guard (0..<64).contains(bits[row]) else {
                    throw QueryError(
                        .invalidParameterBitPosition,
                        ["functionName": "`getbit`", "parameter": "`pos`", "lower": "0", "upper": "64", "invalidValue": "\(bits[row])"])
                }
                return values[row] >> bits[row] & 1
            }
        },
        shift("shiftleft", "<<") { value, by, isLong in isLong ? value &<< by : Int64(Int32(truncatingIfNeeded: value) &<< Int32(by)) },
        shift("shiftright", ">>") { value, by, isLong in isLong ? value &>> by : Int64(Int32(truncatingIfNeeded: value) &>> Int32(by)) },
        shift("shiftrightunsigned", ">>>") { value, by, isLong in
            isLong
                ? Int64(bitPattern: UInt64(bitPattern: value) &>> UInt64(by))
                : Int64(Int32(bitPattern: UInt32(truncatingIfNeeded: value) &>> UInt32(by)))
        },
    ]

    /// Of two numbers of one type, which the analyser made the same.
    private static func both(_ name: String, _ operation: @escaping @Sendable (Int64, Int64) -> Int64) -> ScalarRow {
        ScalarRow(FunctionSignature(name, [.integral, .integral], .common)) { (input) throws(QueryError) in
            let (left, right) = (input.integers(0), input.integers(1))
            return try input.integerColumn { operation(left[$0], right[$0]) }
        }
    }

    /// Distances count modulo the width, as in Java.
    private static func shift(_ name: String, _ symbol: String, _ operation: @escaping @Sendable (Int64, Int64, Bool) -> Int64) -> ScalarRow
    {
        ScalarRow(FunctionSignature(name, aliases: [symbol], [.wideIntegral, .int], .ofFirst)) { (input) throws(QueryError) in
            let (values, distances) = (input.integers(0), input.integers(1))
            let isLong = input.type == .long
            return try input.integerColumn { operation(values[$0], distances[$0] & (isLong ? 63 : 31), isLong) }
        }
    }
}
