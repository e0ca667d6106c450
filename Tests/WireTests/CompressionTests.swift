// Codecs: batches that real clients compressed are read, and damaged ones end in an error, never in a crash or in endless memory.
import Base
import Foundation
import Testing

@testable import KafkaWire

@Suite struct CompressionTests {
    private func golden(_ codec: String) throws -> RecordBatch {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Golden/batches/confluent-kafka-2.16.1-\(codec).hex"
        ).path
        let text = String(decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
        let digits = Array(text.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined().utf8)
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16) ?? 0
        }
        return try RecordBatch(Bytes(bytes: bytes))
    }

    @Test("a batch of a real client is read", arguments: ["snappy", "lz4", "zstd"])
    func realBatchIsRead(_ codec: String) throws {
        let batch = try golden(codec)
        #expect(batch.isIntact)
        let records = try batch.records()
        #expect(records.count == 40)
        for (number, record) in records.enumerated() {
            let line = "the quick brown fox \(number) jumps over the lazy dog; "
            #expect(record.value?.text == line + line + line)
            #expect(record.key?.text == "key-\(number % 7)" && record.timestamp == 1_700_000_000_000 + Int64(number))
        }
    }

    @Test("a batch that loses records keeps its codec", arguments: ["snappy", "lz4", "zstd"])
    func rewrittenBatchIsReadable(_ codec: String) throws {
        let batch = try golden(codec)
        let kept = Array(try batch.records().prefix(10))
        let less = try RecordBatch(try batch.keeping(deleteHorizon: nil) { $0.offsetDelta < 10 })
        #expect(less.codecNumber == batch.codecNumber && less.isIntact)
        #expect(try less.records() == kept)
    }

    @Test("what is compressed is opened to the same bytes", arguments: Compression.allCases)
    func compressedIsOpened(_ codec: Compression) throws {
        var random = Prng(seed: 5)
        for size in [0, 1, 3, 4, 12, 13, 16, 59, 60, 61, 255, 256, 257, 4000, 32_768, 32_769, 65_535, 65_536, 131_072, 131_073, 300_000] {
            // From all the same to all at random, with pieces of both.
            for variety in [1, 2, 20, 256] {
                var plain: [UInt8] = []
                while plain.count < size {
                    if random.chance(1, in: 3), plain.count > 10 {
                        let start = random.below(plain.count)
                        plain += plain[start..<min(plain.count, start + 1 + random.below(400))]
                    } else {
                        for _ in 0...random.below(40) { plain.append(UInt8(random.below(variety))) }
                    }
                }
                plain.removeLast(plain.count - size)
                let packed = codec.compress(Bytes(bytes: plain))
                let opened = try codec.decompress(packed, bytesMax: max(1, size))
                #expect(opened.array == plain, "\(size) bytes of \(variety) kinds")
                if variety == 1, size >= 4000, codec != .none {
                    #expect(packed.readableBytes < size / 10, "\(size) bytes of \(variety) kinds")
                }
            }
        }
    }

    @Test("a batch in another codec has the same records", arguments: ["snappy", "lz4", "zstd"])
    func recompressedBatch(_ name: String) throws {
        let batch = try golden(name)
        for codec in Compression.allCases {
            let made = try batch.recompressed(as: codec, bytesMax: 1 << 20) { _ in true }
            #expect(made.codecNumber == codec.rawValue && made.isIntact)
            #expect(try made.records() == (try batch.records()))
        }
        #expect(throws: WireError.self) { try batch.recompressed(as: .gzip, bytesMax: 1 << 20) { _ in false } }
        #expect(throws: WireError.self) { try batch.recompressed(as: .gzip, bytesMax: 100) { _ in true } }
    }

    @Test("damaged bytes end in an error or in other bytes", arguments: ["snappy", "lz4", "zstd"])
    func damagedBytes(_ codec: String) throws {
        let batch = try golden(codec)
        let body = Array(batch.bytes.readableBytesView.dropFirst(RecordBatchFormat.headerBytes))
        let compression = try #require(["lz4": Compression.lz4, "snappy": .snappy, "zstd": .zstd][codec])
        var random = Prng(seed: 11)
        for _ in 0..<2000 {
            var damaged = body
            for _ in 0...random.below(4) { damaged[random.below(damaged.count)] = UInt8(truncatingIfNeeded: random.next()) }
            if random.chance(1, in: 4) { damaged.removeLast(random.below(damaged.count)) }
            let result = Result { try compression.decompress(Bytes(bytes: damaged), bytesMax: 100_000) }
            if case .success(let plain) = result { #expect(plain.readableBytes <= 100_000) }
        }
    }

    @Test func whatJavaClientsFrameIsRead() throws {
        // Two blocks of one literal each: a size, a tag, the bytes.
        var framed: [UInt8] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1]
        for text in ["hello ", "world"] {
            let block = [UInt8(text.utf8.count), UInt8((text.utf8.count - 1) << 2)] + Array(text.utf8)
            framed += [0, 0, 0, UInt8(block.count)] + block
        }
        #expect(try Compression.snappy.decompress(Bytes(bytes: framed), bytesMax: 100).text == "hello world")
    }

    @Test func aBombIsRefusedBeforeItGrows() {
        // A block that says it is 200 MB large.
        #expect(throws: WireError.self) { try Compression.snappy.decompress(Bytes(bytes: [0x80, 0x84, 0xaf, 0x5f, 0x00]), bytesMax: 1000) }
        // One byte, again and again.
        let bomb = Compression.lz4.compress(Bytes(repeating: 0x61, count: 255_000))
        #expect(bomb.readableBytes < 2_000)
        #expect(throws: WireError.self) { try Compression.lz4.decompress(bomb, bytesMax: 1000) }
        #expect(throws: Never.self) { try Compression.lz4.decompress(bomb, bytesMax: 1_000_000) }
    }

    @Test func aSmallZstdFrameThatBecomesLargeIsCutOff() {
        // A frame without a size, and in it blocks that each stand for 128 KiB of one byte.
        let block: [UInt8] = [0x02, 0x00, 0x10, 0x61]
        let bomb: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58] + Array(repeating: block, count: 10_000).flatMap { $0 }
        #expect(throws: WireError.overLimit("decompressed batch bytes", 1 << 20)) {
            try Compression.zstd.decompress(Bytes(bytes: bomb), bytesMax: 1 << 20)
        }
    }
}
