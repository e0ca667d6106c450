// The small things that everything stands on.
import Base
import CSupport
import Testing

@Suite struct GroundTests {
    @Test func crc32cMatchesPublishedValues() {
        // RFC 3720, appendix B.4.
        #expect(CRC32C.checksum(Bytes(repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.checksum(Bytes(repeating: 0xff, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.checksum(Bytes(bytes: (0..<32).map { UInt8($0) })) == 0x46DD_794E)
        #expect(CRC32C.checksum(Bytes(string: "123456789")) == 0xE306_9283)
    }

    @Test func hardwareAndTableAgreeOnEveryLengthAndAlignment() {
        var random = Prng(seed: 1)
        let data = (0..<20_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        data.withUnsafeBytes { memory in
            for _ in 0..<400 {
                let start = random.below(64)
                let count = random.below(memory.count - start)
                let seed = UInt32(truncatingIfNeeded: random.next())
                let base = memory.baseAddress! + start
                #expect(csupport_crc32c(seed, base, count) == csupport_crc32c_table(seed, base, count))
            }
        }
    }

    @Test func aChecksumCanBeContinued() {
        let whole = CRC32C.checksum(Bytes(string: "123456789"))
        #expect(CRC32C.checksum(Bytes(string: "6789"), seed: CRC32C.checksum(Bytes(string: "12345"))) == whole)
    }

    @Test func equalSeedsGiveEqualSequences() {
        var (left, right, other) = (Prng(seed: 5), Prng(seed: 5), Prng(seed: 6))
        let drawn = (0..<100).map { _ in left.next() }
        #expect(drawn == (0..<100).map { _ in right.next() })
        #expect(drawn != (0..<100).map { _ in other.next() })
        #expect((0..<1000).allSatisfy { _ in (0..<10).contains(left.below(10)) })
    }

    @Test func aFullQueueSaysNoAndKeepsItsOrder() {
        var queue = BoundedQueue<Int>(limit: 2)
        #expect(queue.push(1) && queue.push(2) && !queue.push(3))
        #expect(queue.pop() == 1 && queue.push(4))
        #expect(queue.drain() == [2, 4] && queue.isEmpty)
    }

    @Test func timesEndAtTheirBounds() {
        #expect(Duration.seconds(253_402_300_799).inNanoseconds == .max && Duration.seconds(-253_402_300_799).inNanoseconds == .min)
        #expect(Duration.milliseconds(Int64.max).inMilliseconds == .max && Duration.milliseconds(Int64.min).inMilliseconds == .min)
        #expect(Duration.seconds(Int64.max).inMilliseconds == .max && Duration.milliseconds(1500).inMilliseconds == 1500)
        #expect(
            Instant(nanoseconds: .max) + .seconds(1) == Instant(nanoseconds: .max)
                && Instant.zero + .seconds(Int64.max) == Instant(nanoseconds: .max))
        #expect((Instant(nanoseconds: .max) - Instant(nanoseconds: .min)).inNanoseconds == .max)
        #expect(WallTime(milliseconds: .min).milliseconds(since: .max) == .min)
    }

    @Test func clampedArithmeticEndsAtTheBounds() {
        let bounds: [Int32] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
        for left in bounds {
            for right in bounds {
                #expect(left.addingClamped(right) == Int32(clamping: Int64(left) + Int64(right)))
                #expect(left.subtractingClamped(right) == Int32(clamping: Int64(left) - Int64(right)))
                #expect(left.multipliedClamped(by: right) == Int32(clamping: Int64(left) * Int64(right)))
            }
        }
    }

    @Test func textIsCutAndComparedByBytes() {
        #expect("é" == "e\u{301}" && !"é".hasSameBytes(as: "e\u{301}") && "é".hasSameBytes(as: "é"))
        #expect(
            "a:\u{301}b:c".pieces(at: ":") == ["a", "\u{301}b", "c"] && "::".pieces(at: ":").count == 3
                && ":a:".pieces(at: ":", keepsEmpty: false) == ["a"])
        #expect("user:\u{301}pw".piece(before: ":") == "user" && "user".piece(before: ":") == "user")
        #expect("/\u{301}".beginsWithBytes(of: "/") && "x\u{301}".endsWithBytes(of: "\u{301}") && !"a".endsWithBytes(of: "ba"))
        #expect(" \ta b\t ".withoutBlanks == "a b" && " ".withoutBlanks.isEmpty && "abc".droppingBytes(first: 1, last: 1) == "b")
    }

    @Test func percentCodingIsUndone() {
        for text in ["", "a b/c", "ü漢%", "100%"] { #expect(text.percentEncoded().percentDecoded() == text) }
        #expect("%4".percentDecoded() == nil && "%zz".percentDecoded() == nil && "%ff".percentDecoded() == nil)
        #expect("/a b".percentEncoded(keeping: "/") == "/a%20b")
    }

    @Test func jsonTextEscapesWhatItMust() {
        #expect(JSONText.quoted("a\"b\\c\n\u{1}") == "\"a\\\"b\\\\c\\n\\u0001\"")
    }
}
