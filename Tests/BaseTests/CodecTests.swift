// Codecs: blocks and streams open to the bytes that were compressed, in any cuts of the input; damaged ones end in an error.
import Base
import Testing

@testable import Codecs

@Suite struct CodecTests {
    /// Pieces of both kinds: repeated and random.
    private func plain(_ size: Int, _ seed: UInt64) -> [UInt8] {
        var random = Prng(seed: seed)
        var bytes: [UInt8] = []
        while bytes.count < size {
            if random.chance(1, in: 2), bytes.count > 10 {
                let start = random.below(bytes.count)
                bytes += bytes[start..<min(bytes.count, start + 1 + random.below(400))]
            } else {
                for _ in 0...random.below(40) { bytes.append(UInt8(random.below(60))) }
            }
        }
        return Array(bytes.prefix(size))
    }

    @Test(arguments: Codec.allCases) func aBlockOpensToItsBytes(_ codec: Codec) throws {
        for size in [0, 1, 5, 100, 32_768, 32_769, 300_000] {
            let bytes = plain(size, 3)
            let packed = codec.compress(bytes)
            #expect(try packed.withUnsafeBytes { try codec.open($0, size: size) } == bytes)
            if size == 300_000 { #expect(packed.count < size * 3 / 4) }
            #expect(throws: CodecError.self) { try packed.withUnsafeBytes { try codec.open($0, size: size + 1) } }
            if size > 0 { #expect(throws: CodecError.self) { try packed.withUnsafeBytes { try codec.open($0, size: size - 1) } } }
        }
    }

    @Test(arguments: [Codec.gzip, .zstd, .lz4]) func aStreamOpensInAnyCuts(_ codec: Codec) throws {
        let (first, second) = (plain(200_000, 5), plain(70_000, 6))
        // Two members or frames, one after another.
        let packed = codec.compress(first) + codec.compress(second)
        for step in [1_000, 7, 65_536, packed.count] {
            let stream = StreamOpener(codec, bytesMax: 270_000)
            var opened: [UInt8] = []
            for start in stride(from: 0, to: packed.count, by: step) {
                let end = min(packed.count, start + step)
                stream.feed(Array(packed[start..<end]), isLast: end == packed.count)
                while let piece = try stream.next() {
                    #expect(piece.count <= 64 << 10)
                    opened += piece
                }
            }
            #expect(opened == first + second)
        }
    }

    private func openAll(_ codec: Codec, _ packed: [UInt8], bytesMax: Int) throws -> [UInt8] {
        let stream = StreamOpener(codec, bytesMax: bytesMax)
        stream.feed(packed, isLast: true)
        var opened: [UInt8] = []
        while let piece = try stream.next() { opened += piece }
        return opened
    }

    @Test(arguments: [Codec.gzip, .zstd, .lz4, .snappy, .snappyFramed]) func aStreamIsBoundedAndItsEndIsMissed(_ codec: Codec) throws {
        let bytes = plain(150_000, 7)
        let packed = codec.compress(bytes)
        #expect(try openAll(codec, packed, bytesMax: 150_000) == bytes)
        #expect(throws: CodecError.overLimit(bytesMax: 149_999)) { try openAll(codec, packed, bytesMax: 149_999) }
        #expect(throws: CodecError.self) { try openAll(codec, Array(packed.dropLast(3)), bytesMax: 150_000) }
    }

    @Test(arguments: Codec.allCases) func damagedBytesEndInAnErrorOrInOtherBytes(_ codec: Codec) throws {
        let packed = codec.compress(plain(5_000, 8))
        var random = Prng(seed: 9)
        for _ in 0..<1_000 {
            var damaged = packed
            for _ in 0...random.below(4) { damaged[random.below(damaged.count)] = UInt8(truncatingIfNeeded: random.next()) }
            if random.chance(1, in: 4) { damaged.removeLast(random.below(damaged.count)) }
            let whole = Result { try damaged.withUnsafeBytes { try codec.open($0, size: 5_000) } }
            if case .success(let opened) = whole { #expect(opened.count == 5_000) }
            guard codec != .lz4Block else { continue }
            if case .success(let opened) = Result(catching: { try openAll(codec, damaged, bytesMax: 20_000) }) {
                #expect(opened.count <= 20_000)
            }
        }
    }

    @Test func aSnappyBlockThatAnnouncesMoreThanItsBytesGiveIsRefused() {
        // 100 MB in one byte.
        #expect(throws: CodecError.self) { try openAll(.snappy, [0x80, 0xc2, 0xd7, 0x2f, 0x00], bytesMax: .max) }
    }

    @Test func theChecksumIsTheOneOfZip() { #expect(Crc32.of(Array("123456789".utf8)) == 0xcbf4_3926) }
}
