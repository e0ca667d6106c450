// The parser of regular expressions over names: RE2's syntax as far as NameExpression has it. It refuses other syntax by name, for
// example backreferences and lookaround.

/// Named classes.
enum NameExpressionClasses {
    typealias Span = NameExpression.Span

    static let digit = [Span(0x30, 0x39)]
    static let lower = [Span(0x61, 0x7a)]
    static let upper = [Span(0x41, 0x5a)]
    static let space = [Span(0x09, 0x0a), Span(0x0c, 0x0d), Span(0x20, 0x20)]
    static let word = digit + upper + [Span(0x5f, 0x5f)] + lower

    static let named: [(name: String, spans: [Span])] = [
        ("alnum", digit + upper + lower), ("alpha", upper + lower), ("digit", digit), ("lower", lower), ("upper", upper),
        ("space", [Span(0x09, 0x0d), Span(0x20, 0x20)]),
        ("word", word), ("xdigit", digit + [Span(0x41, 0x46), Span(0x61, 0x66)]),
        ("punct", [Span(0x21, 0x2f), Span(0x3a, 0x40), Span(0x5b, 0x60), Span(0x7b, 0x7e)]),
    ]

    /// All scalars outside these.
    static func others(_ spans: [Span]) -> [Span] {
        var (found, next): ([Span], UInt32) = ([], 0)
        for span in spans.sorted(by: { $0.first < $1.first }) {
            if span.first > next { found.append(Span(next, span.first - 1)) }
            next = max(next, span.last + 1)
        }
        return next <= 0x10ffff ? found + [Span(next, 0x10ffff)] : found
    }

    /// Adds the other case of each ASCII letter.
    static func bothCases(_ spans: [Span]) -> [Span] {
        var all = spans
        for span in spans {
            for (letters, distance) in [(upper[0], Int64(32)), (lower[0], Int64(-32))] {
                let (first, last) = (max(span.first, letters.first), min(span.last, letters.last))
                if first <= last { all.append(Span(UInt32(Int64(first) + distance), UInt32(Int64(last) + distance))) }
            }
        }
        return all
    }
}

/// Parses an expression.
struct NameExpressionReader {
    typealias Span = NameExpression.Span

    private let text: [Unicode.Scalar]
    private var place = 0
    private var depth = 0
    private var flags = Flags()

    private struct Flags {
        var ignoresCase = false
        var dotTakesLines = false
    }

    private static let depthMax = 100
    private static let repeatMax = 1000

    init(_ text: String) { self.text = Array(text.unicodeScalars) }

    private var next: Unicode.Scalar? { place < text.count ? text[place] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        place += 1
        return true
    }

    /// Parses the whole text.
    mutating func expression() throws(NameExpressionProblem) -> NameExpressionTree {
        let tree = try choices()
        guard next == nil else { throw NameExpressionProblem("there is a ')' without its '('") }
        return tree
    }

    private mutating func choices() throws(NameExpressionProblem) -> NameExpressionTree {
        var found = [try sequence()]
        while take("|") { found.append(try sequence()) }
        return found.count == 1 ? found[0] : .either(found)
    }

    private mutating func sequence() throws(NameExpressionProblem) -> NameExpressionTree {
        var parts: [NameExpressionTree] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let part = try atom()
            parts.append(try repeated(part))
        }
        return parts.isEmpty ? .nothing : .sequence(parts)
    }

    // MARK: repetitions

    private mutating func repeated(_ part: NameExpressionTree) throws(NameExpressionProblem) -> NameExpressionTree {
        guard let (least, most) = try count() else { return part }
        // Greedy or not makes no difference to whether the whole name matches.
        _ = take("?")
        if try count() != nil { throw NameExpressionProblem("one repetition follows on another") }
        return .repeated(part, least: least, most: most)
    }

    private mutating func count() throws(NameExpressionProblem) -> (least: Int, most: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let before = place
        guard take("{"), let least = number() else {
            // Braces without a count are literal.
            place = before
            return nil
        }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}") else {
            place = before
            return nil
        }
        guard least <= Self.repeatMax, most ?? 0 <= Self.repeatMax, most.map({ $0 >= least }) ?? true else {
            throw NameExpressionProblem("a repetition counts up to \(Self.repeatMax), and not downwards")
        }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = next, ("0"..."9").contains(scalar), (value ?? 0) <= Self.repeatMax {
            value = (value ?? 0) * 10 + Int(scalar.value - 0x30)
            place += 1
        }
        return value
    }

    // MARK: atoms

    private mutating func atom() throws(NameExpressionProblem) -> NameExpressionTree {
        guard let scalar = next else { return .nothing }
        place += 1
        switch scalar {
        case "(": return try group()
        case "[": return try set()
        case ".": return .one(flags.dotTakesLines ? [] : [Span(0x0a, 0x0a)], negated: true)
        case "^": return .edge(.start)
        case "$": return .edge(.end)
        case "\\": return try escape()
        case "*", "+", "?": throw NameExpressionProblem("'\(scalar)' has nothing to repeat")
        default: return literal(scalar.value)
        }
    }

    private func literal(_ scalar: UInt32) -> NameExpressionTree { one([Span(scalar, scalar)]) }

    private func one(_ spans: [Span], negated: Bool = false) -> NameExpressionTree {
        .one(flags.ignoresCase ? NameExpressionClasses.bothCases(spans) : spans, negated: negated)
    }

    private mutating func group() throws(NameExpressionProblem) -> NameExpressionTree {
        depth += 1
        guard depth <= Self.depthMax else { throw NameExpressionProblem("its groups are more than \(Self.depthMax) deep") }
        let outer = flags
        if take("?") {
            if take(":") {
            } else if take("P") || next == "<" {
                try groupName()
            } else if try changeFlags() {
                // The flags hold for the rest of the enclosing group.
                depth -= 1
                return .nothing
            }
        }
        let tree = try choices()
        guard take(")") else { throw NameExpressionProblem("there is a '(' without its ')'") }
        flags = outer
        depth -= 1
        return tree
    }

    private mutating func groupName() throws(NameExpressionProblem) {
        guard take("<"), let first = next, first != "=", first != "!" else {
            throw NameExpressionProblem("what follows on '(?' is not there: looking around is not")
        }
        while let scalar = next, scalar != ">" {
            guard NameExpressionClasses.word.contains(where: { $0.first <= scalar.value && scalar.value <= $0.last }) else {
                throw NameExpressionProblem("a group's name is a word")
            }
            place += 1
        }
        guard take(">") else { throw NameExpressionProblem("a group's name does not end") }
    }

    /// Whether the flags stand alone, without an expression of their own.
    private mutating func changeFlags() throws(NameExpressionProblem) -> Bool {
        var value = true
        while let scalar = next {
            place += 1
            switch scalar {
            case "i": flags.ignoresCase = value
            case "s": flags.dotTakesLines = value
            case "-": value = false
            case ":": return false
            case ")": return true
            default: throw NameExpressionProblem("what follows on '(?' is not there: the flags are i and s, and looking around is not")
            }
        }
        throw NameExpressionProblem("there is a '(' without its ')'")
    }

    // MARK: escapes and sets

    private mutating func escape() throws(NameExpressionProblem) -> NameExpressionTree {
        guard let scalar = next else { throw NameExpressionProblem("it ends with a backslash") }
        if let spans = namedClass(scalar) {
            place += 1
            return one(spans)
        }
        switch scalar {
        case "b", "B", "A", "z":
            place += 1
            return .edge(scalar == "b" ? .word : scalar == "B" ? .noWord : scalar == "A" ? .start : .end)
        default: return literal(try escaped())
        }
    }

    private func namedClass(_ scalar: Unicode.Scalar) -> [Span]? {
        switch scalar {
        case "d": NameExpressionClasses.digit
        case "D": NameExpressionClasses.others(NameExpressionClasses.digit)
        case "w": NameExpressionClasses.word
        case "W": NameExpressionClasses.others(NameExpressionClasses.word)
        case "s": NameExpressionClasses.space
        case "S": NameExpressionClasses.others(NameExpressionClasses.space)
        default: nil
        }
    }

    /// The scalar after a backslash.
    private mutating func escaped() throws(NameExpressionProblem) -> UInt32 {
        guard let scalar = next else { throw NameExpressionProblem("it ends with a backslash") }
        place += 1
        switch scalar {
        case "t": return 0x09
        case "n": return 0x0a
        case "v": return 0x0b
        case "f": return 0x0c
        case "r": return 0x0d
        case "a": return 0x07
        case "x": return try hexadecimal()
        default:
            guard scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw NameExpressionProblem("'\\\(scalar)' is not there")
            }
            return scalar.value
        }
    }

    private mutating func hexadecimal() throws(NameExpressionProblem) -> UInt32 {
        let braced = take("{")
        var digits = ""
        while let scalar = next, scalar.properties.isASCIIHexDigit, digits.count < (braced ? 6 : 2) {
            digits.unicodeScalars.append(scalar)
            place += 1
        }
        guard braced ? take("}") : digits.count == 2, let value = UInt32(digits, radix: 16), value <= 0x10ffff else {
            throw NameExpressionProblem("'\\x' is followed by two hexadecimal digits, or some in braces")
        }
        return value
    }

    private mutating func set() throws(NameExpressionProblem) -> NameExpressionTree {
        let negated = take("^")
        var spans: [Span] = []
        var isFirst = true
        while isFirst || next != "]" {
            isFirst = false
            guard next != nil else { throw NameExpressionProblem("there is a '[' without its ']'") }
            if let named = try classInSet() {
                spans += named
                continue
            }
            let first = try scalarInSet()
            var last = first
            if next == "-", place + 1 < text.count, text[place + 1] != "]" {
                place += 1
                last = try scalarInSet()
            }
            guard first <= last else { throw NameExpressionProblem("a range in '[]' ends before it begins") }
            spans.append(Span(first, last))
        }
        place += 1
        return one(spans, negated: negated)
    }

    private mutating func scalarInSet() throws(NameExpressionProblem) -> UInt32 {
        guard let scalar = next else { throw NameExpressionProblem("there is a '[' without its ']'") }
        place += 1
        return scalar == "\\" ? try escaped() : scalar.value
    }

    /// `\d` and its like, or a name in `[: :]`.
    private mutating func classInSet() throws(NameExpressionProblem) -> [Span]? {
        if next == "\\", place + 1 < text.count, let spans = namedClass(text[place + 1]) {
            place += 2
            return spans
        }
        guard next == "[", place + 1 < text.count, text[place + 1] == ":" else { return nil }
        let rest = text[(place + 2)...]
        guard let end = rest.firstIndex(of: ":"), end + 1 < text.count, text[end + 1] == "]" else { return nil }
        var name = String(String.UnicodeScalarView(rest[..<end]))
        let negated = name.hasPrefix("^")
        if negated { name.removeFirst() }
        guard let found = NameExpressionClasses.named.first(where: { $0.name == name }) else {
            throw NameExpressionProblem("there is no class '\(name)'")
        }
        place = end + 2
        return negated ? NameExpressionClasses.others(found.spans) : found.spans
    }
}
