// The checksum of a whole file in the form of Hadoop's clients: the MD5 of the MD5s of its blocks' chunk checksums, which the datanodes
// compute from their stored checksums. Equal files with equal block and chunk sizes have equal ones. Source: FileChecksumHelper and
// MD5MD5CRC32FileChecksum of Hadoop 3.
import Base
import HadoopNet
import HadoopWire
import NetKit

/// A file's checksum.
package struct FileChecksum: Sendable, Equatable {
    /// `MD5-of-0MD5-of-512CRC32C`.
    package var algorithm: String
    /// Chunk size in bytes, chunks per block and the MD5, in hexadecimal.
    package var hex: String
}

extension HDFSFileSystem {
    package func checksum(_ path: String) async throws -> FileChecksum {
        let places = try await namenode.locations(path)
        var (sums, chunkBytes, chunksOfBlock, kind) = (Bytes(), UInt32(0), UInt64(0), ChecksumKind.crc32c)
        for (place, located) in places.blocks.enumerated() {
            let answer = try await checksum(of: located, path)
            guard answer.checksum.readableBytes == 16 else {
                throw TransferFailure("a datanode told a checksum of \(answer.checksum.readableBytes) bytes")
            }
            sums.writeImmutableBuffer(answer.checksum)
            if place == 0 {
                (chunkBytes, kind) = (answer.chunkBytes, answer.kind)
                if places.blocks.count > 1 { chunksOfBlock = answer.chunkCount }
            }
        }
        // Java's client digests its whole buffer of MD5s: 32 bytes, doubled as they grow, with zeros at its end.
        var bufferBytes = 32
        while bufferBytes < sums.readableBytes { bufferBytes *= 2 }
        sums.writeRepeatingByte(0, count: bufferBytes - sums.readableBytes)
        let name = places.blocks.isEmpty ? "CRC32" : kind == .crc32c ? "CRC32C" : "CRC32"
        var whole = Bytes()
        whole.writeInteger(chunkBytes)
        whole.writeInteger(chunksOfBlock)
        whole.writeImmutableBuffer(MD5Sum.of(sums))
        let hex = whole.readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return FileChecksum(algorithm: "MD5-of-\(chunksOfBlock)MD5-of-\(chunkBytes)\(name)", hex: hex)
    }

    private func checksum(of located: LocatedBlock, _ path: String) async throws -> BlockChecksumAnswer {
        var request = BlockChecksumRequest()
        request.header.block = located.block
        request.header.token = BlockToken()
        let sent = request
        var reasons: [String] = []
        for node in connections.ordered(located.locations) {
            do {
                let answer = try await TransferClient.connect(node) { stream in
                    try await stream.begin(.blockChecksum, sent)
                    return try await stream.message(TransferAnswer.self)
                }
                guard answer.status == .success, let checksum = answer.checksum else {
                    throw TransferFailure(answer.message ?? "\(answer.status)")
                }
                return checksum
            } catch is CancellationError { throw CancellationError() } catch {
                reasons.append("\(node.id.address):\(node.id.transferPort): \(error)")
            }
        }
        throw BlockMissing(block: located.block, path: path, reason: reasons.joined(separator: "; "))
    }
}
