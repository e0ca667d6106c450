// Arbitrary but reproducible values for any layout: the source of round-trip properties and of fuzzing seeds.

/// Meaningful values mixed with the boundary values, so that requests make sense often enough.
public struct SampleEdges: Sendable {
    /// Words known to the tested code: names, paths, schemes.
    public var words: [String]
    /// Payloads that it parses.
    public var payloads: [Bytes]
    /// Numbers with a meaning.
    public var numbers: [Int64]
    /// The largest text or payload, in bytes, and the longest sequence; both are rare.
    public var bytesMax: Int
    public var elementsMax: Int

    public init(words: [String], payloads: [Bytes], numbers: [Int64], bytesMax: Int, elementsMax: Int) {
        self.words = words
        self.payloads = payloads
        self.numbers = numbers
        self.bytesMax = bytesMax
        self.elementsMax = elementsMax
    }

    static let integers: [Int64] = [
        .min, .min + 1, -1, 0, 1, 2, 127, 128, 32_767, 32_768, 65_535, 65_536, 1 << 31 - 1, 1 << 31, 1 << 32, 1 << 53, 1 << 62, .max - 1,
        .max,
    ]
    /// Unusual text: combining marks first and last, separators, noncharacters, scalars beyond the basic plane, NUL.
    static let texts = [
        "", " ", "/", "//", "/.", "/..", "/\u{301}", "//\u{301}", "\u{301}a", "a\u{600}", "e\u{301}", "é", "a\nb", "a:b",
        "a:1\nworld:anyone", ",", "=", "\u{0}", "a\u{0}b", "\u{7f}",
        "\u{fffd}", "\u{ffff}", "\u{e000}", "😀", "👩\u{200d}👩\u{200d}👧", "\u{202e}abc", "%00", "-1", "9223372036854775807",
    ]
}

/// Fills a layout with values drawn from a seed. Strings and byte fields stay below 24 bytes, sequences below 4 elements. With `edges`
/// every field is often at a boundary of its range, and sometimes large.
public struct FieldSampler: FieldCoder, ~Copyable {
    public let version: Int16
    public let flexible: Bool
    public var random: Prng
    private let edges: SampleEdges?

    public init(seed: UInt64, version: Int16 = 0, flexible: Bool = false, edges: SampleEdges? = nil) {
        self.edges = edges
        self.version = version
        self.flexible = flexible
        random = Prng(seed: seed)
    }

    /// Small, large, negative and boundary values are all likely.
    mutating func integer<T: FixedWidthInteger>(_: T.Type) -> T {
        if let edges { return edge(edges) }
        return switch random.below(5) {
        case 0: 0
        case 1: T.max
        case 2: T.min
        case 3: T(truncatingIfNeeded: random.below(100))
        default: T(truncatingIfNeeded: random.next())
        }
    }

    private mutating func edge<T: FixedWidthInteger>(_ edges: SampleEdges) -> T {
        if !edges.numbers.isEmpty, random.below(3) > 0 { return T(truncatingIfNeeded: edges.numbers[random.below(edges.numbers.count)]) }
        switch random.below(4) {
        case 0: return T.max
        case 1: return T.min
        default: return T(truncatingIfNeeded: SampleEdges.integers[random.below(SampleEdges.integers.count)])
        }
    }

    private mutating func edgeText(_ edges: SampleEdges) -> String {
        if random.below(200) == 0 {
            return String(
                repeating: SampleEdges.texts[random.below(SampleEdges.texts.count)] + "x",
                count: 1 + random.below(max(1, edges.bytesMax / 8)))
        }
        let word = edges.words.isEmpty ? "" : edges.words[random.below(edges.words.count)]
        switch random.below(8) {
        case 0: return SampleEdges.texts[random.below(SampleEdges.texts.count)]
        case 1: return word + SampleEdges.texts[random.below(SampleEdges.texts.count)]
        default: return word
        }
    }

    private mutating func edgeBytes(_ edges: SampleEdges) -> Bytes {
        switch random.below(100) {
        case 0: return Bytes(repeating: UInt8(truncatingIfNeeded: random.next()), count: random.below(max(1, edges.bytesMax)))
        case 1..<60 where !edges.payloads.isEmpty: return edges.payloads[random.below(edges.payloads.count)]
        case 60..<80: return Bytes(string: edgeText(edges))
        default: return Bytes(bytes: (0..<random.below(24)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        }
    }

    private mutating func elementCount() -> Int {
        guard let edges else { return random.below(4) }
        return random.below(100) == 0 ? random.below(max(1, edges.elementsMax)) : random.below(4)
    }

    public mutating func bool(_ value: inout Bool) { value = random.below(2) == 1 }
    public mutating func int8(_ value: inout Int8) { value = integer(Int8.self) }
    public mutating func int16(_ value: inout Int16) { value = integer(Int16.self) }
    public mutating func int32(_ value: inout Int32) { value = integer(Int32.self) }
    public mutating func int64(_ value: inout Int64) { value = integer(Int64.self) }
    public mutating func double(_ value: inout Double) { value = Double(integer(Int32.self)) / 8 }
    public mutating func varint(_ value: inout UInt64) { value = random.next() >> UInt64(random.below(64)) }
    public mutating func string(_ value: inout String) {
        if let edges {
            value = edgeText(edges)
            return
        }
        let letters = Array("abcXYZ019/_-é漢 ")
        value = String((0..<random.below(7)).map { _ in letters[random.below(letters.count)] })
    }
    public mutating func optionalString(_ value: inout String?) {
        guard random.below(edges == nil ? 4 : 40) > 0 else { return value = nil }
        var text = ""
        string(&text)
        value = text
    }
    public mutating func bytes(_ value: inout Bytes) {
        if let edges {
            value = edgeBytes(edges)
            return
        }
        value = Bytes(bytes: (0..<random.below(24)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }
    public mutating func optionalBytes(_ value: inout Bytes?) {
        guard random.below(edges == nil ? 4 : 20) > 0 else { return value = nil }
        var payload = Bytes()
        bytes(&payload)
        value = payload
    }
    public mutating func uuid(_ value: inout UUIDBytes) { value = UUIDBytes(high: random.next(), low: random.next()) }

    public mutating func array<E>(
        _ value: inout [E], empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        value = []
        for _ in 0..<elementCount() {
            var element = empty
            try each(&element, &self)
            value.append(element)
        }
    }

    public mutating func optionalArray<E>(
        _ value: inout [E]?, empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        guard random.below(edges == nil ? 4 : 20) > 0 else { return value = nil }
        var elements: [E] = []
        try array(&elements, empty: empty, each)
        value = elements
    }

    public mutating func tags(_ unknown: inout [TaggedField]) {}
}

extension WireLayout {
    /// The sample of `seed`.
    public static func sample(seed: UInt64, version: Int16 = 0, flexible: Bool = false) -> Self {
        var sampler = FieldSampler(seed: seed, version: version, flexible: flexible)
        var value = Self()
        do { try value.layout(&sampler) } catch { preconditionFailure("a sampler has no wire to be wrong: \(error)") }
        return value
    }
}
