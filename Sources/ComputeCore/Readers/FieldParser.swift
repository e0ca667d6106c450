// Text of a CSV field to a typed value, straight from bytes, and the inference of a column's type from its fields. Unparsable text is nil;
// the reader's mode decides its meaning. Source: Spark's CSV options (dateFormat, timestampFormat are refused when set otherwise).

import QueryCore

/// The bytes of one field inside of a buffer that outlives the call; reads stay within its bounds.
typealias FieldBytes = UnsafeBufferPointer<UInt8>

enum FieldParser {
    // hot: `platform-bench compute`, CSV parse
    static func integer(_ bytes: FieldBytes) -> Int64? {
        guard let first = bytes.first else { return nil }
        let signed = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        let start = signed ? 1 : 0
        guard bytes.count > start else { return nil }
        let negative = first == UInt8(ascii: "-")
        if bytes.count - start > 18 { return Int64(String(decoding: bytes, as: UTF8.self)) }
        var value: Int64 = 0
        for index in start..<bytes.count {
            let digit = bytes[index] &- 0x30
            guard digit <= 9 else { return nil }
            value = value &* 10 &+ Int64(digit)
        }
        return negative ? -value : value
    }

    private static let powers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// Plain decimals of up to 15 digits are exact by one division (Clinger); the rest goes through the library.
    static func double(_ bytes: FieldBytes) -> Double? {
        var mantissa: Int64 = 0
        var digits = 0
        var fraction = 0
        var seenPoint = false
        let negative = bytes.first == UInt8(ascii: "-")
        for index in (negative ? 1 : 0)..<bytes.count {
            let byte = bytes[index]
            if byte >= 0x30, byte <= 0x39 {
                mantissa = mantissa &* 10 &+ Int64(byte &- 0x30)
                digits += 1
                if seenPoint { fraction += 1 }
                if digits > 15 { return Cast.parseDouble(String(decoding: bytes, as: UTF8.self)) }
            } else if byte == UInt8(ascii: "."), !seenPoint {
                seenPoint = true
            } else {
                return Cast.parseDouble(String(decoding: bytes, as: UTF8.self))
            }
        }
        guard digits > 0 else { return nil }
        let value = Double(mantissa) / powers[fraction]
        return negative ? -value : value
    }

    /// Days since 1970; `yyyy-MM-dd` is read here, every other form by the cast.
    static func date(_ bytes: FieldBytes) -> Int32? {
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return written(bytes) }
        var number = 0
        for index in 0..<10 where index != 4 && index != 7 {
            let digit = bytes[index] &- 0x30
            guard digit <= 9 else { return written(bytes) }
            number = number &* 10 &+ Int(digit)
        }
        let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100)
        if year == 0 { return written(bytes) }
        guard month >= 1, month <= 12, day >= 1, day <= CivilTime.daysInMonth(year: year, month: month) else { return nil }
        return Int32(CivilTime.days(year: year, month: month, day: day))
    }

    private static func written(_ bytes: FieldBytes) -> Int32? {
        CivilTime.parseDate(String(decoding: bytes, as: UTF8.self)).flatMap { Int32(exactly: $0) }
    }

    static func boolean(_ bytes: FieldBytes) -> Bool? {
        if bytes.count != 4, bytes.count != 5 { return nil }
        return switch String(decoding: bytes, as: UTF8.self).lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    static func timestamp(_ text: String, _ zone: ZoneRules?) -> Int64? {
        zone.map { CivilTime.parseTimestamp(text, in: $0) } ?? CivilTime.parseTimestamp(text)
    }

    /// `zone` is that of a timestamp without a zone of its own; nil for UTC.
    static func value(_ bytes: FieldBytes, _ type: DataType, _ zone: ZoneRules? = nil) -> Value? {
        let text = String(decoding: bytes, as: UTF8.self)
        switch type {
        case .string: return .string(text)
        case .boolean: return boolean(bytes).map { .boolean($0) }
        case .double, .float: return double(bytes).map { .double(type == .float ? Double(Float($0)) : $0) }
        case .date: return CivilTime.parseDate(text).map { .integer(Int64($0)) }
        case .timestamp: return timestamp(text, zone).map { .integer($0) }
        case .binary: return .binary(Array(bytes))
        // A failed cast is a malformed field, which the reader's mode handles; hence `try?`.
        default: return try? Cast.value(.string(text), .string, type)
        }
    }

    // MARK: Inference

    static func infer(_ bytes: FieldBytes) -> DataType {
        guard let first = bytes.first else { return .null }
        let numeric =
            (first >= 0x30 && first <= 0x39) || first == UInt8(ascii: "-") || first == UInt8(ascii: "+") || first == UInt8(ascii: ".")
        if numeric {
            if let number = integer(bytes) { return Int32(exactly: number) == nil ? .long : .int }
            let text = String(decoding: bytes, as: UTF8.self)
            if bytes.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || $0 == UInt8(ascii: "-") }), let decimal = DecimalText.parse(text) {
                return .decimal(precision: decimal.precision, scale: 0)
            }
            if double(bytes) != nil { return .double }
            if bytes.count >= 8, bytes.count <= 10, bytes.count(where: { $0 == UInt8(ascii: "-") }) == 2, CivilTime.parseDate(text) != nil {
                return .date
            }
            if bytes.count >= 10, CivilTime.parseTimestamp(text) != nil { return .timestamp }
            return .string
        }
        if boolean(bytes) != nil { return .boolean }
        if bytes.count < 3 || bytes.count > 8 { return .string }
        let text = String(decoding: bytes, as: UTF8.self)
        return ["NaN", "Inf", "-Inf", "Infinity"].contains(text) ? .double : .string
    }

    static func merge(_ left: DataType, _ right: DataType) -> DataType {
        if left == right || right == .null { return left }
        if left == .null { return right }
        if left.isNumeric, right.isNumeric { return TypeCoercion.tightest(left, right) ?? .double }
        if [.date, .timestamp].contains(left), [.date, .timestamp].contains(right) { return .timestamp }
        return .string
    }
}
