// Functions over words and characters: masks, sounds, sentences, choices, and the formatting of numbers and of printf. Source: Spark SQL
// reference, "String Functions"; java.util.Formatter.

import QueryCore

enum WordRows {
    static let rows: [ScalarRow] = [
        ScalarRow(
            FunctionSignature("mask", [.string, .string, .string, .string, .string], required: 1, .type(.string), nulls: .accepted)
        ) { (input) throws(QueryError) in
            try input.valueColumn { values in
                guard case .string(let text) = values[0] else { return .null }
                var kinds: [Unicode.Scalar?] = ["X", "x", "n", nil]
                for (place, value) in values.dropFirst().enumerated() { kinds[place] = value.plainText.unicodeScalars.first }
                return .string(masked(text, kinds))
            }
        },
        EncodingRows.bytes("soundex", [.string], .string) { values in .string(soundex(values[0].plainText)) },
        EncodingRows.bytes("quote", [.string], .string) { values in
            .string("'" + values[0].plainText.unicodeScalars.reduce(into: "") { $0 += $1 == "'" ? "\\'" : String($1) } + "'")
        },
        EncodingRows.bytes("luhn_check", [.string], .boolean) { values in .boolean(passesLuhn(Array(values[0].plainText.utf8))) },
        EncodingRows.bytes(
            "sentences", [.string, .string, .string], .array(element: .array(element: .string, containsNull: false), containsNull: false),
            required: 1, nulls: .accepted
        ) { values in
            guard case .string(let text) = values[0] else { return .null }
            return .array(sentences(text).map { .array($0.map { .string($0) }) })
        },
        ScalarRow(
            FunctionSignature("elt", many(.any), required: 2, .rule(chosen), nulls: .accepted, canRaise: true)
        ) { (input) throws(QueryError) in
            try input.valueColumn { (values) throws(QueryError) in
                guard case .integer(let place) = values[0] else { return .null }
                guard place >= 1, place < values.count else {
                    throw QueryError(.invalidArrayIndex, ["indexValue": "\(place)", "arraySize": "\(values.count - 1)"])
                }
                return values[Int(place)]
            }
        },
        ScalarRow(
            FunctionSignature(
                "format_string", aliases: ["printf"], many(.any), required: 1, .rule(printed), nulls: .accepted, canRaise: true)
        ) { (input) throws(QueryError) in
            let types = input.arguments.map(\.column.type)
            return try input.valueColumn { (values) throws(QueryError) in
                guard case .string(let format) = values[0] else { return .null }
                return .string(try Printf.text(format, Array(values.dropFirst()), Array(types.dropFirst())))
            }
        },
        ScalarRow(FunctionSignature("format_number", [.any, .any], .rule(formatted), nulls: .possible)) { (input) throws(QueryError) in
            let type = input.arguments[0].column.type
            return try input.valueColumn { values in
                switch values[1] {
                case .integer(let digits): return digits < 0 ? .null : .string(NumberPattern(digits: Int(digits)).text(values[0], type))
                case .string(let pattern): return .string(NumberPattern(pattern).text(values[0], type))
                default: return .null
                }
            }
        },
        EncodingRows.bytes("raise_error", [.string], .null, nulls: .accepted, canRaise: true) { (values) throws(QueryError) in
            guard case .string(let message) = values[0] else { throw QueryError(.userRaised, ["errorMessage": "null"]) }
            throw QueryError(.userRaised, ["errorMessage": message])
        },
    ]

    static func many(_ parameter: FunctionSignature.Parameter) -> [FunctionSignature.Parameter] {
        [FunctionSignature.Parameter](repeating: parameter, count: FunctionSignature.many)
    }

    // MARK: Types

    private static let chosen = TypeRule("\"INT\"") { arguments in
        guard arguments[0].type.isIntegral || arguments[0].type == .null else { return nil }
        let isBinary = arguments.dropFirst().allSatisfy { $0.type == .binary }
        guard isBinary || arguments.dropFirst().allSatisfy({ $0.type.isAtomic }) else { return nil }
        let type: DataType = isBinary ? .binary : .string
        return ([.int] + arguments.dropFirst().map { _ in type }, type)
    }

    private static let printed = TypeRule("\"STRING\"") { arguments in
        guard arguments[0].type == .string || arguments[0].type == .null else { return nil }
        return ([.string] + arguments.dropFirst().map(\.type), .string)
    }

    private static let formatted = TypeRule("\"NUMERIC\"") { arguments in
        let value = arguments[0].type
        guard value.isNumeric || value == .string || value == .null else { return nil }
        let type = value.isNumeric ? value : .double
        switch arguments[1].type {
        case .string: return ([type, .string], .string)
        case let digits where digits.isIntegral || digits == .null: return ([type, .int], .string)
        default: return nil
        }
    }

    // MARK: Rules

    /// Kinds are of capitals, small letters, digits and all others; nil keeps the character.
    private static func masked(_ text: String, _ kinds: [Unicode.Scalar?]) -> String {
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let kind =
                switch scalar.properties.generalCategory {
                case .uppercaseLetter: 0
                case .lowercaseLetter: 1
                case .decimalNumber: 2
                default: 3
                }
            out.append(kinds[kind] ?? scalar)
        }
        return String(out)
    }

    /// A text that does not begin with a letter stays.
    private static func soundex(_ text: String) -> String {
        let codes = Array("01230127022455012623017202".utf8)
        let bytes = Array(text.utf8)
        func letter(_ byte: UInt8) -> Int? {
            let capital = byte & 0xDF
            return (0x41...0x5A).contains(capital) ? Int(capital) - 0x41 : nil
        }
        guard let first = bytes.first, let place = letter(first) else { return text }
        var out = [first & 0xDF]
        var last = codes[place]
        for byte in bytes.dropFirst() {
            guard let place = letter(byte) else {
                last = UInt8(ascii: "0")
                continue
            }
            let code = codes[place]
            // H and W part no equal sounds.
            if code == UInt8(ascii: "7") { continue }
            if code != UInt8(ascii: "0"), code != last { out.append(code) }
            last = code
            if out.count == 4 { break }
        }
        while out.count < 4 { out.append(UInt8(ascii: "0")) }
        return String(decoding: out, as: UTF8.self)
    }

    private static func passesLuhn(_ digits: [UInt8]) -> Bool {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
        var sum = 0
        for (place, byte) in digits.reversed().enumerated() {
            let digit = Int(byte - 0x30) * (place % 2 + 1)
            sum += digit > 9 ? digit - 9 : digit
        }
        return sum % 10 == 0
    }

    /// Words are runs of letters, digits and apostrophes inside; a sentence ends with `.`, `!` or `?` before a blank or the end.
    private static func sentences(_ text: String) -> [[String]] {
        var out: [[String]] = []
        var words: [String] = []
        var word = String.UnicodeScalarView()
        func isPart(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isAlphabetic || scalar.properties.numericType != nil }
        let scalars = Array(text.unicodeScalars)
        for (place, scalar) in scalars.enumerated() {
            let next = place + 1 < scalars.count ? scalars[place + 1] : " "
            if isPart(scalar) || (!word.isEmpty && "'’.,".unicodeScalars.contains(scalar) && isPart(next)) {
                word.append(scalar)
                continue
            }
            if !word.isEmpty { words.append(String(word)) }
            word = String.UnicodeScalarView()
            if ".!?".unicodeScalars.contains(scalar), next.properties.isWhitespace, !words.isEmpty {
                out.append(words)
                words = []
            }
        }
        if !word.isEmpty { words.append(String(word)) }
        if !words.isEmpty { out.append(words) }
        return out
    }
}

/// Java's number patterns, and a number of digits with groups of three.
struct NumberPattern {
    private var groups = true
    private var leastWhole = 1
    private var leastFraction = 0
    private var mostFraction = 0
    private var prefix = ""
    private var suffix = ""

    /// Limit of the digits behind the point, and of zeros before it.
    private static let fractionMax = 100

    init(digits: Int) { (leastFraction, mostFraction) = (min(digits, Self.fractionMax), min(digits, Self.fractionMax)) }

    init(_ pattern: String) {
        let marks = Set("#0,.".unicodeScalars)
        let scalars = Array(pattern.unicodeScalars)
        let first = scalars.firstIndex { marks.contains($0) } ?? scalars.count
        let last = scalars.lastIndex { marks.contains($0) } ?? first - 1
        prefix = String(String.UnicodeScalarView(scalars[..<first]))
        suffix = String(String.UnicodeScalarView(scalars[(last + 1)...]))
        let body = first <= last ? Array(scalars[first...last]) : []
        let point = body.firstIndex(of: ".") ?? body.count
        groups = body[..<point].contains(",")
        leastWhole = min(body[..<point].count { $0 == "0" }, Self.fractionMax)
        leastFraction = min(body[point...].count { $0 == "0" }, Self.fractionMax)
        mostFraction = min(body[point...].count { $0 == "0" || $0 == "#" }, Self.fractionMax)
    }

    /// Rounded half to even, of the shortest decimal that names a double.
    func text(_ value: Value, _ type: DataType) -> String {
        switch value {
        case .double(let number) where !number.isFinite: return number.isNaN ? "NaN" : number < 0 ? "-∞" : "∞"
        case .double(let number):
            guard let decimal = DecimalText.parse(type == .float ? FloatText.format(Float(number)) : FloatText.format(number)) else {
                return FloatText.format(number)
            }
            return text(decimal.unscaled, decimal.scale)
        case .decimal(let number):
            guard case .decimal(_, let scale) = type else { return "" }
            return text(number, scale)
        default: return text(Int128(value.whole), 0)
        }
    }

    private func text(_ unscaled: Int128, _ scale: Int) -> String {
        var (number, kept) = (unscaled.magnitude, scale)
        if scale > mostFraction {
            let unit = DecimalText.powersOfTen[min(38, scale - mostFraction)].magnitude
            let (quotient, rest) = number.quotientAndRemainder(dividingBy: unit)
            let goesUp = rest > unit / 2 || rest == unit / 2 && quotient % 2 == 1
            (number, kept) = (scale - mostFraction > 38 ? 0 : quotient + (goesUp ? 1 : 0), mostFraction)
        }
        var digits = Array(String(number).utf8)
        while digits.count <= kept { digits.insert(0x30, at: 0) }
        var whole = Array(digits.dropLast(kept))
        var fraction = Array(digits.suffix(kept))
        while fraction.count < leastFraction { fraction.append(0x30) }
        while fraction.count > leastFraction, fraction.last == 0x30 { fraction.removeLast() }
        if whole == [0x30], leastWhole == 0, !fraction.isEmpty { whole = [] }
        while whole.count < leastWhole { whole.insert(0x30, at: 0) }
        let shown = groups ? Self.grouped(whole) : whole
        let sign = unscaled < 0 && number != 0 ? "-" : ""
        let point = fraction.isEmpty ? "" : "." + String(decoding: fraction, as: UTF8.self)
        return sign + prefix + String(decoding: shown, as: UTF8.self) + point + suffix
    }

    static func grouped(_ digits: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { out.append(UInt8(ascii: ",")) }
            out.append(digit)
        }
        return out
    }
}

/// `%[place$][flags][width][.precision]letter`, as Java formats it.
enum Printf {
    /// Limit of a field's width and of its digits.
    private static let widthMax = 1 << 16

    private struct Field {
        var flags: Set<UInt8> = []
        var width = 0
        var precision: Int?
        var letter: UInt8 = 0

        func has(_ flag: Unicode.Scalar) -> Bool { flags.contains(UInt8(ascii: flag)) }
    }

    static func text(_ format: String, _ values: [Value], _ types: [DataType]) throws(QueryError) -> String {
        var out = ""
        var rest = Array(format.utf8)[...]
        var next = 0
        while let mark = rest.firstIndex(of: UInt8(ascii: "%")) {
            out += String(decoding: rest[..<mark], as: UTF8.self)
            rest = rest[(mark + 1)...]
            var place: Int?
            let field = try parse(&rest, &place)
            switch field.letter {
            case UInt8(ascii: "%"): out += padded("%", field)
            case UInt8(ascii: "n"): out += "\n"
            default:
                let index = place.map { $0 - 1 } ?? next
                if place == nil { next += 1 }
                guard values.indices.contains(index) else {
                    throw QueryError.unsupported("a format with more fields than arguments: '\(format)'")
                }
                out += padded(try one(field, values[index], types[index]), field)
            }
            if out.utf8.count > CollectionRows.valueBytesMax {
                throw QueryError.unsupported("a format that makes more than 256 MiB of text")
            }
        }
        return out + String(decoding: rest, as: UTF8.self)
    }

    private static func parse(_ rest: inout ArraySlice<UInt8>, _ place: inout Int?) throws(QueryError) -> Field {
        var field = Field()
        func number() throws(QueryError) -> Int? {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            guard digits.count < 8, let number = Int(String(decoding: digits, as: UTF8.self)), number <= widthMax else {
                throw QueryError.unsupported("a field of a format that is wider than \(widthMax)")
            }
            rest = rest.dropFirst(digits.count)
            return number
        }
        if let first = rest.first, first != 0x30, let given = try number() {
            if rest.first == UInt8(ascii: "$") {
                rest = rest.dropFirst()
                place = given
            } else {
                field.width = given
            }
        }
        while field.width == 0, let flag = rest.first, "-#+ 0,(".utf8.contains(flag) {
            field.flags.insert(flag)
            rest = rest.dropFirst()
        }
        if field.width == 0 { field.width = try number() ?? 0 }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            field.precision = try number() ?? 0
        }
        guard let letter = rest.popFirst() else { throw QueryError.unsupported("a format that ends within a field") }
        field.letter = letter
        return field
    }

    private static func one(_ field: Field, _ value: Value, _ type: DataType) throws(QueryError) -> String {
        let isUpper = (0x41...0x5A).contains(field.letter)
        let text: String
        switch (UInt8(field.letter | 0x20), value) {
        case (UInt8(ascii: "s"), _):
            let shown = value.text(type)
            text = field.precision.map { String(shown.unicodeScalars.prefix($0)) } ?? shown
        case (UInt8(ascii: "b"), .boolean(let flag)): text = flag ? "true" : "false"
        case (UInt8(ascii: "b"), _): text = value.isNull ? "false" : "true"
        case (_, .null): text = "null"
        case (UInt8(ascii: "d"), .integer(let number)): text = signed(field, String(number.magnitude), isNegative: number < 0)
        case (UInt8(ascii: "x"), .integer(let number)): text = zeros(field, bits(number, type, 16), field.has("#") ? "0x" : "")
        case (UInt8(ascii: "o"), .integer(let number)): text = zeros(field, bits(number, type, 8), field.has("#") ? "0" : "")
        case (UInt8(ascii: "c"), .integer(let number)):
            text = UInt32(exactly: number).flatMap(Unicode.Scalar.init).map { String($0) } ?? "?"
        case (UInt8(ascii: "f"), .double(let number)), (UInt8(ascii: "e"), .double(let number)), (UInt8(ascii: "g"), .double(let number)):
            text = real(field, number, type)
        case (UInt8(ascii: "f"), .decimal(let number)):
            guard case .decimal(_, let scale) = type else { return "" }
            let kept = field.precision ?? 6
            let scaled = DecimalText.rescale(number, from: scale, to: min(kept, 38)) ?? number
            text = signed(field, DecimalText.format(Int128(clamping: scaled.magnitude), scale: min(kept, 38)), isNegative: number < 0)
        default:
            let letter = String(decoding: [field.letter], as: UTF8.self)
            throw QueryError.unsupported("a field %\(letter) of a format for \(type.sqlName)")
        }
        return isUpper ? text.uppercased() : text
    }

    /// Negative numbers in two's complement of their width.
    private static func bits(_ number: Int64, _ type: DataType, _ radix: Int) -> String {
        type == .long ? String(UInt64(bitPattern: number), radix: radix) : String(UInt32(truncatingIfNeeded: number), radix: radix)
    }

    private static func zeros(_ field: Field, _ digits: String, _ prefix: String) -> String {
        guard field.has("0") else { return prefix + digits }
        return prefix + String(repeating: "0", count: max(0, field.width - digits.utf8.count - prefix.utf8.count)) + digits
    }

    private static func signed(_ field: Field, _ digits: String, isNegative: Bool) -> String {
        var digits = digits
        if field.has(",") {
            let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            digits = String(decoding: NumberPattern.grouped(Array(parts[0].utf8)), as: UTF8.self) + (parts.count > 1 ? "." + parts[1] : "")
        }
        let (before, after) = isNegative ? field.has("(") ? ("(", ")") : ("-", "") : (field.has("+") ? "+" : field.has(" ") ? " " : "", "")
        if field.has("0") {
            digits = String(repeating: "0", count: max(0, field.width - digits.utf8.count - before.utf8.count - after.utf8.count)) + digits
        }
        return before + digits + after
    }

    private static func real(_ field: Field, _ number: Double, _ type: DataType) -> String {
        guard number.isFinite else { return number.isNaN ? "NaN" : number < 0 ? "-Infinity" : field.has("+") ? "+Infinity" : "Infinity" }
        let digits = min(field.precision ?? 6, 38)
        let magnitude = number.magnitude
        if field.letter | 0x20 == UInt8(ascii: "f")
            || (field.letter | 0x20 == UInt8(ascii: "g") && (magnitude == 0 || (1e-4..<1e6).contains(magnitude)))
        {
            let kept = field.letter | 0x20 == UInt8(ascii: "f") ? digits : max(0, digits - max(1, wholeDigits(magnitude)))
            return signed(field, fixed(magnitude, kept, type), isNegative: number.sign == .minus)
        }
        let exponent = magnitude == 0 ? 0 : Int(MathKernel.log10(magnitude).rounded(.down))
        var mantissa = fixed(magnitude / MathKernel.pow(10, Double(exponent)), digits, .double)
        var shown = exponent
        if mantissa.utf8.starts(with: "10".utf8) { (mantissa, shown) = (fixed(1, digits, .double), exponent + 1) }
        return signed(field, mantissa + "e" + (shown < 0 ? "-" : "+") + CivilTime.padded(Int(shown.magnitude), 2), isNegative: number < 0)
    }

    private static func wholeDigits(_ number: Double) -> Int { number < 1 ? 1 : Int(MathKernel.log10(number).rounded(.down)) + 1 }

    /// Half up, of the shortest decimal that names the number.
    private static func fixed(_ number: Double, _ digits: Int, _ type: DataType) -> String {
        let text = type == .float ? FloatText.format(Float(number)) : FloatText.format(number)
        guard let decimal = DecimalText.parse(text), let scaled = DecimalText.rescale(decimal.unscaled, from: decimal.scale, to: digits)
        else {
            return text
        }
        return DecimalText.format(scaled, scale: digits)
    }

    private static func padded(_ text: String, _ field: Field) -> String {
        let missing = field.width - text.unicodeScalars.count
        guard missing > 0 else { return text }
        let blanks = String(repeating: " ", count: missing)
        return field.has("-") ? text + blanks : blanks + text
    }
}
