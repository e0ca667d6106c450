// The checksum of a whole file in the two forms of Hadoop's clients, made of the checksums of its blocks, which the datanodes compute from
// their stored ones. Equal files with equal block and chunk sizes have equal MD5s of MD5s; the composite CRC is that of the file's bytes,
// whatever the sizes. Source: FileChecksumHelper, MD5MD5CRC32FileChecksum and CompositeCrcFileChecksum of Hadoop 3.
import Base
import HadoopWire
import NetKit

/// A file's checksum.
package struct FileChecksum: Sendable, Equatable {
    /// `MD5-of-0MD5-of-512CRC32C`, `COMPOSITE-CRC32C`.
    package var algorithm: String
    /// The chunk size in bytes, chunks per block and the MD5; or the CRC.
    package var bytes: Bytes
    /// The bytes in hexadecimal.
    package var hex: String { bytes.readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }

    package init(algorithm: String, bytes: Bytes) { (self.algorithm, self.bytes) = (algorithm, bytes) }

    /// The value of `dfs.checksum.combine.mode`.
    package enum Combination: String, CaseIterable, Sendable {
        case md5 = "MD5MD5CRC"
        case composite = "COMPOSITE_CRC"
        package static let setting = "dfs.checksum.combine.mode"
        var kind: BlockChecksumKind { self == .md5 ? .md5 : .composite }
    }

    /// The checksum of a file with these blocks; `ask` gets that of one block. A file without blocks has the same one in both forms.
    package static func of(
        _ blocks: [LocatedBlock], _ combination: Combination = .md5,
        ask: (BlockChecksumRequest, LocatedBlock) async throws -> BlockChecksumAnswer
    ) async throws -> FileChecksum {
        guard !blocks.isEmpty else {
            var none = BlockDigests()
            none.chunkBytes = 0
            return none.whole(kind: .crc32)
        }
        var (digests, kind) = (BlockDigests(), ChecksumKind.crc32c)
        var composition = CRCComposition(kind)
        for (place, located) in blocks.enumerated() {
            var request = BlockChecksumRequest()
            (request.header.block, request.header.token) = (located.block, BlockToken())
            if combination == .composite {
                var options = BlockChecksumOptions()
                options.kind = .composite
                request.options = options
            }
            let answer = try await ask(request, located)
            // A datanode of an older Hadoop answers with an MD5 whatever is asked for.
            let (wanted, got) = (combination == .md5 ? 16 : 4, answer.checksum.readableBytes)
            guard got == wanted else { throw TransferFailure("a datanode told a checksum of \(got) bytes, not \(wanted)") }
            if place == 0 {
                kind = answer.kind
                composition = CRCComposition(kind)
            } else if answer.kind != kind {
                throw TransferFailure("blocks of the file have checksums of different kinds")
            }
            if combination == .md5 {
                digests.add(answer.checksum, chunkBytes: answer.chunkBytes, chunkCount: answer.chunkCount, isOnly: blocks.count == 1)
            } else {
                composition.add(
                    answer.checksum.getInteger(at: answer.checksum.readerIndex) ?? 0,
                    lengthBytes: Int64(clamping: located.block.lengthBytes))
            }
        }
        return combination == .md5 ? digests.whole(kind: kind) : composite(composition.value, kind: kind)
    }

    /// The checksum from the CRC of the file's bytes.
    package static func composite(_ sum: UInt32, kind: ChecksumKind) -> FileChecksum {
        FileChecksum(algorithm: "COMPOSITE-" + name(kind), bytes: Bytes(integer: sum))
    }

    fileprivate static func name(_ kind: ChecksumKind) -> String { kind == .crc32c ? "CRC32C" : "CRC32" }

    /// The MD5s of blocks in order.
    package struct BlockDigests: Sendable {
        private var sums = Bytes()
        fileprivate(set) var chunkBytes: UInt32 = 512
        private var chunksOfBlock: UInt64 = 0
        private var count = 0
        package init() {}

        /// `isOnly`: a file of one block tells no chunks per block.
        package mutating func add(_ digest: Bytes, chunkBytes: UInt32, chunkCount: UInt64, isOnly: Bool) {
            if count == 0 { (self.chunkBytes, chunksOfBlock) = (chunkBytes, isOnly ? 0 : chunkCount) }
            count += 1
            sums.writeImmutableBuffer(digest)
        }

        /// Java's client digests its whole buffer of MD5s: 32 bytes, doubled as they grow, with zeros at its end.
        package func whole(kind: ChecksumKind) -> FileChecksum {
            var (padded, bufferBytes) = (sums, 32)
            while bufferBytes < sums.readableBytes { bufferBytes *= 2 }
            padded.writeRepeatingByte(0, count: bufferBytes - sums.readableBytes)
            var bytes = Bytes()
            bytes.writeInteger(chunkBytes)
            bytes.writeInteger(chunksOfBlock)
            bytes.writeImmutableBuffer(MD5Sum.of(padded))
            return FileChecksum(algorithm: "MD5-of-\(chunksOfBlock)MD5-of-\(chunkBytes)\(FileChecksum.name(kind))", bytes: bytes)
        }
    }
}
