// Frames come out whole and in order however the bytes come in.
import Base
import Testing

@testable import NetKit

@Suite struct PartialFrameTests {
    /// What comes out of reads of these sizes, as the handler takes them.
    private func frames(_ stream: Bytes, reads: () -> Int) -> [Bytes] {
        var partial = PartialFrame()
        var found: [Bytes] = []
        var rest = stream
        while rest.readableBytes > 0 {
            var read = rest.readSlice(length: min(rest.readableBytes, reads()))!
            while read.readableBytes > 0 {
                guard let length = partial.length(with: read), let frame = partial.complete(Int(length), from: &read) else {
                    partial.append(&read)
                    continue
                }
                found.append(frame)
            }
        }
        return found
    }

    @Test(arguments: UInt64(1)...UInt64(20)) func framesComeOutAsTheyWereSent(seed: UInt64) {
        var random = Prng(seed: seed)
        var sent: [Bytes] = []
        var stream = Bytes()
        for _ in 0..<40 {
            let size = 1 + (random.below(6) == 0 ? random.below(400_000) : random.below(90))
            let frame = Bytes(repeating: UInt8(truncatingIfNeeded: random.next()), count: Int(size))
            sent.append(frame)
            stream.writeInteger(UInt32(size))
            stream.writeImmutableBuffer(frame)
        }
        let small = seed % 3 == 0
        let found = frames(stream) { 1 + Int(small ? random.below(7000) : random.below(200_000)) }
        #expect(found == sent)
    }

    @Test func aLengthMayComeByteByByte() {
        var stream = Bytes()
        for text in ["one", "two"] {
            stream.writeInteger(UInt32(text.utf8.count))
            stream.writeString(text)
        }
        #expect(frames(stream) { 1 }.map(\.text) == ["one", "two"])
    }
}
