// Messages as text for logs and failing tests, and arbitrary messages from a seed for tests and fuzzing.
import Base

/// Prints a message as `1: 5, 2: "a", 3: {...}`; bytes as their count, so that no log carries file data.
package struct ProtoPrinter: ProtoCoder, ~Copyable {
    package private(set) var text = ""
    package init() {}

    private mutating func add(_ field: Int, _ piece: String?) {
        guard let piece else { return }
        text += (text.isEmpty ? "" : ", ") + "\(field): \(piece)"
    }
    package mutating func varint(_ field: Int, _ value: inout UInt64?) { add(field, value.map { "\($0)" }) }
    package mutating func varints(_ field: Int, _ values: inout [UInt64], packed: Bool) { for value in values { add(field, "\(value)") } }
    package mutating func fixed64(_ field: Int, _ value: inout UInt64?) { add(field, value.map { "\($0)" }) }
    package mutating func fixed32(_ field: Int, _ value: inout UInt32?) { add(field, value.map { "\($0)" }) }
    package mutating func bytes(_ field: Int, _ value: inout Bytes?) { add(field, value.map { "\($0.readableBytes)B" }) }
    package mutating func byteStrings(_ field: Int, _ values: inout [Bytes]) {
        for value in values { add(field, "\(value.readableBytes)B") }
    }
    package mutating func string(_ field: Int, _ value: inout String?) { add(field, value.map { "\"\($0)\"" }) }
    package mutating func strings(_ field: Int, _ values: inout [String]) { for value in values { add(field, "\"\(value)\"") } }
    package mutating func message<M: ProtoLayout>(_ field: Int, _ value: inout M?) { add(field, value.map { "{\($0.printed)}" }) }
    package mutating func messages<M: ProtoLayout>(_ field: Int, _ values: inout [M]) {
        for value in values { add(field, "{\(value.printed)}") }
    }
}

/// Fills a message with values drawn from a seed.
package struct ProtoSampler: ProtoCoder, ~Copyable {
    package var random: Prng
    package init(seed: UInt64) { random = Prng(seed: seed) }

    /// Nil at times where the layout had nil: a required field comes with a value and keeps one.
    private mutating func sampled<T>(_ value: inout T?, _ draw: (inout Prng) -> T) {
        if value != nil || random.chance(1, in: 2) { value = draw(&random) }
    }
    private static func text(_ random: inout Prng) -> String {
        ["", "a", "/b/c", "ü", "e\u{301}", String(repeating: "x", count: random.below(40))][random.below(6)]
    }
    private static func content(_ random: inout Prng) -> Bytes { Bytes(repeating: UInt8(random.below(256)), count: random.below(40)) }

    /// Small numbers, since most fields narrow or are choices; booleans and choices keep their value.
    package mutating func varint(_ field: Int, _ value: inout UInt64?) {
        if let given = value, given > 1 { value = UInt64(random.below(Int(clamping: given))) + 1 }
    }
    package mutating func varints(_ field: Int, _ values: inout [UInt64], packed: Bool) {}
    package mutating func fixed64(_ field: Int, _ value: inout UInt64?) { sampled(&value) { $0.next() } }
    package mutating func fixed32(_ field: Int, _ value: inout UInt32?) { sampled(&value) { UInt32(truncatingIfNeeded: $0.next()) } }
    package mutating func bytes(_ field: Int, _ value: inout Bytes?) { sampled(&value) { Self.content(&$0) } }
    package mutating func byteStrings(_ field: Int, _ values: inout [Bytes]) {
        values = (0..<random.below(3)).map { _ in Self.content(&random) }
    }
    package mutating func string(_ field: Int, _ value: inout String?) { sampled(&value) { Self.text(&$0) } }
    package mutating func strings(_ field: Int, _ values: inout [String]) { values = (0..<random.below(3)).map { _ in Self.text(&random) } }
    package mutating func message<M: ProtoLayout>(_ field: Int, _ value: inout M?) { sampled(&value) { M.sample(seed: $0.next()) } }
    package mutating func messages<M: ProtoLayout>(_ field: Int, _ values: inout [M]) {
        values = (0..<random.below(3)).map { _ in M.sample(seed: random.next()) }
    }
}

extension ProtoLayout {
    package var printed: String {
        var printer = ProtoPrinter()
        var copy = self
        do { try copy.layout(&printer) } catch { return "unprintable: \(error)" }
        return printer.text
    }

    package static func sample(seed: UInt64) -> Self {
        var sampler = ProtoSampler(seed: seed)
        var value = Self()
        do { try value.layout(&sampler) } catch { preconditionFailure("a sampler has no wire to be wrong: \(error)") }
        return value
    }
}
