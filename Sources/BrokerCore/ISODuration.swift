// A length of time in ISO 8601, as far as Kafka's settings take it: days, hours, minutes and seconds, such as P1DT12H or PT0.5S.
// Source: KIP-1106; java.time.Duration, whose form it has (a sign before any number, fractions of seconds only).

/// A length of time in the form PnDTnHnMn.nS.
package struct ISODuration: Sendable, Equatable {
    /// The original text.
    package let text: String
    /// Its length, rounded down.
    package let milliseconds: Int64

    /// nil if `text` has another form, or exceeds an Int64 of milliseconds.
    package init?(_ text: String) {
        self.text = text
        var rest = Substring(text).uppercased()[...]
        let sign = Self.sign(&rest)
        guard rest.first == "P" else { return nil }
        rest.removeFirst()
        guard var total = Self.sum(&rest, [("D", 86_400_000)]) else { return nil }
        if rest.first == "T" {
            rest.removeFirst()
            guard !rest.isEmpty, let time = Self.sum(&rest, [("H", 3_600_000), ("M", 60_000), ("S", 1000)]) else { return nil }
            let (sum, overflows) = total.addingReportingOverflow(time)
            guard !overflows else { return nil }
            total = sum
        } else if rest.isEmpty, text.uppercased().hasSuffix("P") {
            return nil
        }
        let (signed, overflows) = total.multipliedReportingOverflow(by: sign)
        guard rest.isEmpty, !overflows else { return nil }
        milliseconds = signed
    }

    private static func sign(_ rest: inout Substring) -> Int64 {
        guard let first = rest.first, first == "-" || first == "+" else { return 1 }
        rest.removeFirst()
        return first == "-" ? -1 : 1
    }

    /// The numbers with these units at the beginning of `rest`, each at most once and in this order, in milliseconds.
    private static func sum(_ rest: inout Substring, _ units: [(name: Character, milliseconds: Int64)]) -> Int64? {
        var total: Int64 = 0
        for unit in units {
            var here = rest
            let sign = sign(&here)
            let digits = here.prefix(while: isDigit)
            here = here.dropFirst(digits.count)
            var fraction: Substring = ""
            if unit.name == "S", here.first == "." || here.first == "," {
                fraction = here.dropFirst().prefix(while: isDigit)
                here = here.dropFirst(fraction.count + 1)
            }
            guard !digits.isEmpty, here.first == unit.name else { continue }
            guard fraction.count <= 9, let number = Int64(digits) else { return nil }
            let part = number.multipliedReportingOverflow(by: unit.milliseconds)
            // The first three digits are milliseconds.
            let whole = part.partialValue.addingReportingOverflow(Int64((fraction + "000").prefix(3)) ?? 0)
            // Without overflow neither is negative, so both have an opposite.
            guard !part.overflow, !whole.overflow else { return nil }
            let sum = total.addingReportingOverflow(sign * whole.partialValue)
            guard !sum.overflow else { return nil }
            total = sum.partialValue
            rest = here.dropFirst()
        }
        return total
    }

    private static func isDigit(_ character: Character) -> Bool { character >= "0" && character <= "9" }
}
