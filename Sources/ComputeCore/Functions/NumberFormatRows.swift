// `to_number` and `to_char`: numbers by a pattern of digits (0 and 9), a point (. or D), groups (, or G), a dollar sign and a sign (S, MI,
// PR). Source: Spark SQL reference, "Number Pattern Strings".

import QueryCore

enum NumberFormatRows {
    static let rows: [ScalarRow] = [
        ScalarRow(FunctionSignature("to_number", [.any, .any], .rule(number), canRaise: true)) { (input) throws(QueryError) in
            try input.valueColumn { (values) throws(QueryError) in
                let (text, pattern) = (values[0].plainText, values[1].plainText)
                guard let value = try NumberFormat(pattern).number(text) else {
                    throw QueryError(.invalidFormatMismatch, ["format": pattern, "inputType": "\"STRING\"", "input": text])
                }
                return .decimal(value)
            }
        },
        ScalarRow(FunctionSignature("to_char", aliases: ["to_varchar"], [.any, .any], .rule(shown), canRaise: true, clock: .reads)) {
            (input) throws(QueryError) in
            let type = input.arguments[0].column.type
            return try input.valueColumn { (values) throws(QueryError) in
                let pattern = values[1].plainText
                switch (values[0], type) {
                case (.integer(let micros), .timestamp): return .string(try TimeFunctions.format(micros, pattern))
                case (.decimal(let number), .decimal(_, let scale)): return .string(try NumberFormat(pattern).text(number, scale))
                case (.binary(let bytes), _): return .string(try text(bytes, pattern))
                default: return .null
                }
            }
        },
    ]

    private static let number = TypeRule("\"STRING\"") { (arguments) throws(QueryError) in
        guard arguments[0].type == .string || arguments[0].type == .null, arguments[1].type == .string else { return nil }
        guard case .string(let pattern) = try arguments[1].constant() else { return nil }
        let format = try NumberFormat(pattern)
        let scale = format.fraction
        return ([.string, .string], .decimal(precision: max(1, min(38, format.whole.count + scale)), scale: min(38, scale)))
    }

    private static let shown = TypeRule("\"NUMERIC\"") { (arguments) throws(QueryError) in
        guard arguments[1].type == .string || arguments[1].type == .null else { return nil }
        switch arguments[0].type {
        case .date, .timestamp: return ([.timestamp, .string], .string)
        case .binary: return ([.binary, .string], .string)
        case .decimal: return (arguments.map(\.type), .string)
        case let type where type.isIntegral: return ([TypeCoercion.decimal(for: type) ?? .defaultDecimal, .string], .string)
        case .float: return ([.decimal(precision: 14, scale: 7), .string], .string)
        case .double: return ([.decimal(precision: 30, scale: 15), .string], .string)
        case .string, .null: return ([.decimal(precision: 38, scale: 18), .string], .string)
        default: return nil
        }
    }

    private static func text(_ bytes: [UInt8], _ format: String) throws(QueryError) -> String {
        switch format.lowercased() {
        case "base64": return String(decoding: Base64.encoded(bytes), as: UTF8.self)
        case "hex": return bytes.map { FunctionText.hexadecimal($0) }.joined()
        case "utf-8", "utf8": return String(decoding: bytes, as: UTF8.self)
        default: throw QueryError.unsupported("to_char of a binary with the format '\(format)'; it is one of base64, hex and utf-8")
        }
    }
}

extension FunctionArgument {
    /// The value of an argument without columns; nil for one with columns.
    func constant() throws(QueryError) -> Value? {
        guard expression.inputIDs.isEmpty, !expression.containsAggregate, !expression.containsWindow, !expression.containsSubquery else {
            return nil
        }
        return try Evaluator.constant(expression, now: 0)
    }
}

struct NumberFormat {
    /// The digits before the point: whether each is a zero, and whether a group ends behind it.
    private(set) var whole: [(isZero: Bool, endsGroup: Bool)] = []
    private(set) var fraction = 0
    private var hasPoint = false
    private var hasDollar = false

    private enum Sign { case none, before(isMinus: Bool), behind(isMinus: Bool), brackets }
    private var sign = Sign.none

    init(_ pattern: String) throws(QueryError) {
        var rest = Array(pattern.uppercased().utf8)[...]
        func take(_ text: String, _ rest: inout ArraySlice<UInt8>) -> Bool {
            guard rest.starts(with: text.utf8) else { return false }
            rest = rest.dropFirst(text.utf8.count)
            return true
        }
        if take("S", &rest) { sign = .before(isMinus: false) } else if take("MI", &rest) { sign = .before(isMinus: true) }
        hasDollar = take("$", &rest)
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "0"), UInt8(ascii: "9"):
                if hasPoint { fraction += 1 } else { whole.append((byte == UInt8(ascii: "0"), false)) }
            case UInt8(ascii: "."), UInt8(ascii: "D"):
                if hasPoint { throw Self.invalid(pattern) }
                hasPoint = true
            case UInt8(ascii: ","), UInt8(ascii: "G"):
                guard !hasPoint, !whole.isEmpty else { throw Self.invalid(pattern) }
                whole[whole.count - 1].endsGroup = true
            default:
                if take("PR", &rest) {
                    sign = .brackets
                } else if take("S", &rest) {
                    sign = .behind(isMinus: false)
                } else if take("MI", &rest) {
                    sign = .behind(isMinus: true)
                } else {
                    throw Self.invalid(pattern)
                }
                guard rest.isEmpty else { throw Self.invalid(pattern) }
                continue
            }
            rest = rest.dropFirst()
        }
        guard whole.count + fraction > 0, whole.count + fraction <= 38 else { throw Self.invalid(pattern) }
    }

    private static func invalid(_ pattern: String) -> QueryError {
        QueryError.unsupported("the number pattern '\(pattern)'; it has 0, 9, one point (. or D), groups (, or G), $, and S, MI or PR")
    }

    /// The unscaled number with the pattern's digits behind the point; nil if the text does not match.
    func number(_ text: String) -> Int128? {
        var rest = Array(text.utf8).filter { $0 != 0x20 }[...]
        func take(_ scalar: Unicode.Scalar, atEnd: Bool = false) -> Bool {
            guard (atEnd ? rest.last : rest.first) == UInt8(ascii: scalar) else { return false }
            rest = atEnd ? rest.dropLast() : rest.dropFirst()
            return true
        }
        var isNegative = false
        switch sign {
        case .none: break
        case .before(let isMinus): isNegative = take("-"); if !isNegative, !isMinus { _ = take("+") }
        case .behind(let isMinus): isNegative = take("-", atEnd: true); if !isNegative, !isMinus { _ = take("+", atEnd: true) }
        case .brackets:
            isNegative = take("<")
            if isNegative, !take(">", atEnd: true) { return nil }
        }
        if hasDollar, !take("$") { return nil }
        let parts = rest.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let digits = parts.first.map { Array($0) } ?? []
        let behind = parts.count > 1 ? Array(parts[1]) : []
        guard parts.count == 1 || hasPoint, behind.count <= fraction, behind.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let value = wholeNumber(digits), !digits.isEmpty || !behind.isEmpty else { return nil }
        var unscaled = value
        for place in 0..<fraction { unscaled = unscaled * 10 + Int128(place < behind.count ? behind[place] - 0x30 : 0) }
        return isNegative ? -unscaled : unscaled
    }

    /// Groups, where the text has them, must be where the pattern has them, counted from the point.
    private func wholeNumber(_ text: [UInt8]) -> Int128? {
        var value: Int128 = 0
        var place = whole.count - text.count { $0 != UInt8(ascii: ",") }
        guard place >= 0, place == 0 || !(whole.first?.isZero ?? false) else { return nil }
        for byte in text {
            if byte == UInt8(ascii: ",") {
                guard place > 0, place <= whole.count, whole[place - 1].endsGroup else { return nil }
                continue
            }
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int128(byte - 0x30)
            place += 1
        }
        return value
    }

    /// A number that does not fit gives number signs.
    func text(_ unscaled: Int128, _ scale: Int) -> String {
        var digits = Array(String(unscaled.magnitude).utf8)
        while digits.count <= scale { digits.insert(0x30, at: 0) }
        var front = Array(digits.dropLast(scale).drop { $0 == 0x30 })
        var behind = Array(digits.suffix(scale))
        while behind.count > fraction, behind.last == 0x30 { behind.removeLast() }
        let fits = front.count <= whole.count && behind.count <= fraction
        while behind.count < fraction { behind.append(0x30) }
        if front.isEmpty, !whole.isEmpty { front = [0x30] }
        var out = ""
        var isBlank = true
        var blanks = 0
        for (place, mark) in whole.enumerated() {
            let from = place - (whole.count - front.count)
            if from < 0, fits, isBlank, !mark.isZero {
                blanks += 1
                if mark.endsGroup { blanks += 1 }
                continue
            }
            isBlank = false
            let digit = fits ? from < 0 ? 0x30 : front[from] : UInt8(ascii: "#")
            out.unicodeScalars.append(Unicode.Scalar(digit))
            if mark.endsGroup { out += "," }
        }
        if hasPoint { out += "." }
        out += fits ? String(decoding: behind, as: UTF8.self) : String(repeating: "#", count: fraction)
        if hasDollar { out = "$" + out }
        let room = String(repeating: " ", count: blanks)
        let isNegative = unscaled < 0
        switch sign {
        case .none: return room + (isNegative ? "-" : "") + out
        case .before(let isMinus): return room + (isNegative ? "-" : isMinus ? " " : "+") + out
        case .behind(let isMinus): return room + out + (isNegative ? "-" : isMinus ? " " : "+")
        case .brackets: return isNegative ? room + "<" + out + ">" : room + out + "  "
        }
    }
}
