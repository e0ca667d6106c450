// The coders: what is written is read again, and what is wrong is refused before anything is allocated for it.
import Base
import Testing

private enum Narrow: WireDialect {
    static func form(of kind: LengthKind, flexible: Bool) -> LengthForm { flexible ? .varintPlusOne : kind == .string ? .int16 : .int32 }
    static var hasTags: Bool { true }
}

private struct Inner: WireLayout, Equatable {
    var name = ""
    var weight: Double = 0
    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.double(&weight)
        try io.tags()
    }
}

private struct Everything: WireLayout, Equatable {
    var flag = false
    var tiny: Int8 = 0
    var small: Int16 = 0
    var medium: Int32 = 0
    var large: Int64 = 0
    var packed: UInt64 = 0
    var text = ""
    var maybe: String?
    var payload = Bytes()
    var maybePayload: Bytes?
    var numbers: [Int32] = []
    var inner: [Inner] = []
    var maybeInner: [Inner]?
    var id = UUIDBytes()
    mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bool(&flag)
        try io.int8(&tiny)
        try io.int16(&small)
        try io.int32(&medium)
        try io.int64(&large)
        try io.varint(&packed)
        try io.string(&text)
        try io.optionalString(&maybe)
        try io.bytes(&payload)
        try io.optionalBytes(&maybePayload)
        try io.int32s(&numbers)
        try io.list(&inner)
        try io.optionalList(&maybeInner)
        try io.uuid(&id)
        try io.tags()
    }
}

@Suite struct FieldCoderTests {
    @Test(arguments: [false, true]) func everySampleIsReadAsItWasWritten(flexible: Bool) throws {
        for seed in 0..<500 as Range<UInt64> {
            let sample = Everything.sample(seed: seed, flexible: flexible)
            let narrow = try sample.encoded(as: Narrow.self, flexible: flexible)
            #expect(try Everything(decoding: narrow, as: Narrow.self, flexible: flexible) == sample)
            let durable = try sample.encoded(as: DurableDialect.self)
            #expect(try Everything(decoding: durable, as: DurableDialect.self) == sample)
            #expect(sample.printed().hasPrefix("Everything("))
        }
    }

    @Test func mutatedAndTruncatedBytesNeverCrash() throws {
        var random = Prng(seed: 7)
        for seed in 0..<2000 as Range<UInt64> {
            var bytes = try Everything.sample(seed: seed).encoded(as: Narrow.self)
            for _ in 0..<random.below(4) where bytes.readableBytes > 0 {
                bytes.setInteger(UInt8(truncatingIfNeeded: random.next()), at: random.below(bytes.readableBytes))
            }
            if random.chance(1, in: 2), let shorter = bytes.getSlice(at: 0, length: random.below(bytes.readableBytes + 1)) {
                bytes = shorter
            }
            do { _ = try Everything(decoding: bytes, as: Narrow.self) } catch { #expect(!"\(error)".isEmpty) }
        }
    }

    @Test func aCountBeyondTheRemainingBytesIsRefusedAtOnce() {
        var bytes = Bytes()
        bytes.writeInteger(Int32.max)
        #expect(throws: WireError.truncated(needed: Int(Int32.max), remaining: 0)) {
            var reader = FieldReader<Narrow>(bytes)
            var numbers: [Int32] = []
            try reader.int32s(&numbers)
        }
    }

    @Test func negativeLengthsAndOverlongVarintsAreRefused() {
        var negative = Bytes()
        negative.writeInteger(Int16(-2))
        #expect(throws: WireError.badLength(-2)) {
            var reader = FieldReader<Narrow>(negative)
            var text = ""
            try reader.string(&text)
        }
        #expect(throws: WireError.varintTooLong) {
            var reader = FieldReader<Narrow>(Bytes(repeating: 0xff, count: 11))
            var value: UInt64 = 0
            try reader.varint(&value)
        }
    }

    @Test func bytesLeftOverAfterAMessageAreAnError() throws {
        var bytes = try Inner(name: "x", weight: 1).encoded(as: DurableDialect.self)
        bytes.writeInteger(UInt8(0))
        #expect(throws: WireError.trailingBytes(1)) { try Inner(decoding: bytes, as: DurableDialect.self) }
    }
}
