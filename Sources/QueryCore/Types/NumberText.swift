// Numbers as text: decimals to and from their digits, doubles in Java's form (`1.0E10`), which Spark shows, casts and names. Source:
// java.lang.Double.toString; Spark's Decimal.

package enum DecimalText {
    package static let powersOfTen: [Int128] = {
        var powers: [Int128] = [1]
        for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()

    package static func format(_ unscaled: Int128, scale: Int) -> String {
        if scale == 0 { return String(unscaled) }
        var digits = String(unscaled.magnitude)
        if digits.count <= scale { digits = String(repeating: "0", count: scale + 1 - digits.count) + digits }
        return (unscaled < 0 ? "-" : "") + digits.dropLast(scale) + "." + digits.suffix(scale)
    }

    /// Digits with an optional sign, point and exponent; nil for any other text or more than 38 digits.
    package static func parse(_ text: some StringProtocol) -> (unscaled: Int128, precision: Int, scale: Int)? {
        var unscaled: Int128 = 0
        var digits = 0
        var scale = 0
        var seenPoint = false
        var negative = false
        var seenDigit = false
        var bytes = Array(text.utf8)[...]
        if let first = bytes.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            negative = first == UInt8(ascii: "-")
            bytes = bytes.dropFirst()
        }
        while let byte = bytes.first {
            if byte == UInt8(ascii: "."), !seenPoint {
                seenPoint = true
            } else if byte >= 0x30, byte <= 0x39 {
                seenDigit = true
                if unscaled != 0 || byte != 0x30 { digits += 1 }
                if digits > DataType.decimalPrecisionMax { return nil }
                unscaled = unscaled * 10 + Int128(byte - 0x30)
                if seenPoint { scale += 1 }
            } else {
                break
            }
            bytes = bytes.dropFirst()
        }
        guard seenDigit else { return nil }
        if let byte = bytes.first {
            guard byte | 0x20 == UInt8(ascii: "e"), let exponent = Int(String(decoding: bytes.dropFirst(), as: UTF8.self)),
                abs(exponent) < 80
            else {
                return nil
            }
            scale -= exponent
        }
        while scale < 0 {
            let (product, overflow) = unscaled.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            unscaled = product
            digits += unscaled == 0 ? 0 : 1
            scale += 1
        }
        if digits > DataType.decimalPrecisionMax || scale > DataType.decimalPrecisionMax { return nil }
        return (negative ? -unscaled : unscaled, max(digits, scale, 1), scale)
    }

    /// Multiplies or divides by a power of ten, half up; nil beyond 128 bits.
    package static func rescale(_ unscaled: Int128, from: Int, to: Int) -> Int128? {
        if to >= from {
            guard to - from <= 38 else { return unscaled == 0 ? 0 : nil }
            let (product, overflow) = unscaled.multipliedReportingOverflow(by: powersOfTen[to - from])
            return overflow ? nil : product
        }
        guard from - to <= 38 else { return 0 }
        let divisor = powersOfTen[from - to]
        let (quotient, remainder) = unscaled.quotientAndRemainder(dividingBy: divisor)
        let half = remainder.magnitude >= (divisor.magnitude + 1) / 2
        return half ? quotient + (unscaled < 0 ? -1 : 1) : quotient
    }

    package static func fits(_ unscaled: Int128, precision: Int) -> Bool {
        unscaled.magnitude < powersOfTen[min(precision, 38)].magnitude || precision > 38
    }
}

package enum FloatText {
    package static func format(_ value: Double) -> String {
        if value.isFinite { return java(value.description, value.magnitude) }
        return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    }

    package static func format(_ value: Float) -> String {
        if value.isFinite { return java(value.description, Double(value.magnitude)) }
        return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    }

    /// Swift's shortest digits in Java's notation: plain from 0.001 up to 10 million, otherwise one digit, fraction and exponent.
    private static func java(_ text: String, _ magnitude: Double) -> String {
        if magnitude == 0 { return text.hasPrefix("-") ? "-0.0" : "0.0" }
        let negative = text.hasPrefix("-")
        let mantissa = text.drop { $0 == "-" }.prefix { $0 != "e" }
        let exponent = Int(text.drop { $0 != "e" }.dropFirst()) ?? 0
        let whole = mantissa.prefix { $0 != "." }
        let fraction = mantissa.drop { $0 != "." }.dropFirst()
        let all = String(whole + fraction)
        let leading = all.prefix { $0 == "0" }.count
        var digits = String(all.dropFirst(leading))
        // Position of the decimal point, counted from the first significant digit.
        let point = whole.count + exponent - leading
        while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        let sign = negative ? "-" : ""
        if magnitude >= 1e-3, magnitude < 1e7 {
            if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
            if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) + ".0" }
            return sign + digits.prefix(point) + "." + digits.dropFirst(point)
        }
        let rest = digits.dropFirst()
        return sign + digits.prefix(1) + "." + (rest.isEmpty ? "0" : rest) + "E\(point - 1)"
    }
}
