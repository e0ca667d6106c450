// Checksums of files, made of those of their blocks: equal to the ones of the bytes, whatever the chunks and blocks are.
import Base
import HadoopNet
import HadoopWire
import NetKit
import Testing

@Suite struct FileChecksumTests {
    private static let bytes = Bytes(bytes: (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 256) })

    private func part(_ start: Int, _ count: Int) -> Bytes { Self.bytes.getSlice(at: start, length: count) ?? Bytes() }

    /// What a datanode with sound replicas tells.
    private func answer(_ request: BlockChecksumRequest, _ located: LocatedBlock, _ kind: ChecksumKind) -> BlockChecksumAnswer {
        let data = part(Int(located.offset), Int(located.block.lengthBytes))
        var sums = Bytes()
        for start in stride(from: 0, to: data.readableBytes, by: 512) {
            let chunk = data.getSlice(at: data.readerIndex + start, length: min(512, data.readableBytes - start)) ?? Bytes()
            sums.writeInteger(kind == .crc32c ? CRC32C.checksum(chunk) : ZlibCRC32.checksum(chunk))
        }
        var answer = BlockChecksumAnswer()
        (answer.kind, answer.chunkCount) = (kind, UInt64(sums.readableBytes / 4))
        if request.options?.kind == .composite {
            var composition = CRCComposition(kind)
            composition.add(sums, chunkBytes: 512, lengthBytes: Int64(data.readableBytes))
            answer.checksum = Bytes(integer: composition.value)
        } else {
            answer.checksum = MD5Sum.of(sums)
        }
        return answer
    }

    private func blocks(of size: Int) -> [LocatedBlock] {
        stride(from: 0, to: Self.bytes.readableBytes, by: size).map { start in
            var located = LocatedBlock()
            located.offset = UInt64(start)
            located.block.lengthBytes = UInt64(min(size, Self.bytes.readableBytes - start))
            return located
        }
    }

    @Test(arguments: [ChecksumKind.crc32c, .crc32], [5000, 2048, 1000, 513])
    func theCompositeChecksumIsThatOfTheBytes(_ kind: ChecksumKind, _ blockBytes: Int) async throws {
        let found = try await FileChecksum.of(blocks(of: blockBytes), .composite) { answer($0, $1, kind) }
        let whole = kind == .crc32c ? CRC32C.checksum(Self.bytes) : ZlibCRC32.checksum(Self.bytes)
        #expect(found == FileChecksum.composite(whole, kind: kind) && found.bytes.readableBytes == 4)
        #expect(found.algorithm == (kind == .crc32c ? "COMPOSITE-CRC32C" : "COMPOSITE-CRC32"))
    }

    @Test func theDigestOfDigestsTellsChunksAndBlocks() async throws {
        let (one, several) = (
            try await FileChecksum.of(blocks(of: 5000)) { answer($0, $1, .crc32c) },
            try await FileChecksum.of(blocks(of: 1024)) { answer($0, $1, .crc32c) }
        )
        #expect(one.algorithm == "MD5-of-0MD5-of-512CRC32C" && several.algorithm == "MD5-of-2MD5-of-512CRC32C")
        #expect(one.bytes.readableBytes == 28 && several.bytes.readableBytes == 28 && one != several)
    }

    @Test(arguments: FileChecksum.Combination.allCases) func aFileWithoutBlocksHasHadoopsConstant(_ combination: FileChecksum.Combination)
        async throws
    {
        let found = try await FileChecksum.of([], combination) { _, _ in throw TransferFailure("asked for nothing") }
        #expect(found.algorithm == "MD5-of-0MD5-of-0CRC32" && found.hex == "00000000000000000000000070bc8f4b72a86921468bf8e8441dce51")
    }

    @Test func anAnswerOfAnotherFormIsNoChecksum() async throws {
        await #expect(throws: TransferFailure.self) {
            try await FileChecksum.of(blocks(of: 5000), .composite) { _, located in answer(BlockChecksumRequest(), located, .crc32c) }
        }
    }

    @Test(
        arguments: [ChecksumKind.crc32c, .crc32], FileChecksum.Combination.allCases
    ) func bytesHaveTheChecksumThatTheirFileHas(_ kind: ChecksumKind, _ combination: FileChecksum.Combination) async throws {
        for blockBytes in [5000, 4999, 2048, 1024, 600] {
            let told = try await FileChecksum.of(blocks(of: blockBytes), combination) { answer($0, $1, kind) }
            for pieceBytes in [1, 7, 512, 600, 5000] {
                var sum = ContentSum(like: told, blockBytes: Int64(blockBytes), lengthBytes: Int64(Self.bytes.readableBytes))
                for start in stride(from: 0, to: Self.bytes.readableBytes, by: pieceBytes) {
                    sum.add(part(start, min(pieceBytes, Self.bytes.readableBytes - start)))
                }
                #expect(sum.end() == told, "\(blockBytes) \(pieceBytes)")
            }
        }
    }
}
