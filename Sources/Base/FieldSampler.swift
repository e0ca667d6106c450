// Arbitrary but reproducible values for any layout: the source of round-trip properties and of fuzzing seeds.

/// Fills a layout with values drawn from a seed. Strings and byte fields stay below 24 bytes, sequences below 4 elements.
public struct FieldSampler: FieldCoder, ~Copyable {
    public let version: Int16
    public let flexible: Bool
    public var random: Prng

    public init(seed: UInt64, version: Int16 = 0, flexible: Bool = false) {
        self.version = version
        self.flexible = flexible
        random = Prng(seed: seed)
    }

    /// Small, large, negative and boundary values are all likely.
    mutating func integer<T: FixedWidthInteger>(_: T.Type) -> T {
        switch random.below(5) {
        case 0: 0
        case 1: T.max
        case 2: T.min
        case 3: T(truncatingIfNeeded: random.below(100))
        default: T(truncatingIfNeeded: random.next())
        }
    }

    public mutating func bool(_ value: inout Bool) { value = random.below(2) == 1 }
    public mutating func int8(_ value: inout Int8) { value = integer(Int8.self) }
    public mutating func int16(_ value: inout Int16) { value = integer(Int16.self) }
    public mutating func int32(_ value: inout Int32) { value = integer(Int32.self) }
    public mutating func int64(_ value: inout Int64) { value = integer(Int64.self) }
    public mutating func double(_ value: inout Double) { value = Double(integer(Int32.self)) / 8 }
    public mutating func varint(_ value: inout UInt64) { value = random.next() >> UInt64(random.below(64)) }
    public mutating func string(_ value: inout String) {
        let letters = Array("abcXYZ019/_-é漢 ")
        value = String((0..<random.below(7)).map { _ in letters[random.below(letters.count)] })
    }
    public mutating func optionalString(_ value: inout String?) {
        guard random.below(4) > 0 else { return value = nil }
        var text = ""
        string(&text)
        value = text
    }
    public mutating func bytes(_ value: inout Bytes) {
        value = Bytes(bytes: (0..<random.below(24)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }
    public mutating func optionalBytes(_ value: inout Bytes?) {
        guard random.below(4) > 0 else { return value = nil }
        var payload = Bytes()
        bytes(&payload)
        value = payload
    }
    public mutating func uuid(_ value: inout UUIDBytes) { value = UUIDBytes(high: random.next(), low: random.next()) }

    public mutating func array<E>(
        _ value: inout [E], empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        value = []
        for _ in 0..<random.below(4) {
            var element = empty
            try each(&element, &self)
            value.append(element)
        }
    }

    public mutating func optionalArray<E>(
        _ value: inout [E]?, empty: E, _ each: (inout E, inout Self) throws(WireError) -> Void
    ) throws(WireError) {
        guard random.below(4) > 0 else { return value = nil }
        var elements: [E] = []
        try array(&elements, empty: empty, each)
        value = elements
    }

    public mutating func tags(_ unknown: inout [TaggedField]) {}
}

extension WireLayout {
    /// The sample that `seed` stands for.
    public static func sample(seed: UInt64, version: Int16 = 0, flexible: Bool = false) -> Self {
        var sampler = FieldSampler(seed: seed, version: version, flexible: flexible)
        var value = Self()
        do { try value.layout(&sampler) } catch { preconditionFailure("a sampler has no wire to be wrong: \(error)") }
        return value
    }
}
