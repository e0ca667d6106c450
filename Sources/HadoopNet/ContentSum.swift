// The checksum of a file from its bytes, where no datanode tells it: that of a local file beside one in a file system.
import Base
import HadoopWire
import NetKit

/// A file's checksum from its bytes, in the form of one that a file system told.
package struct ContentSum: Sendable {
    private let isComposite: Bool
    private let kind: ChecksumKind
    private let chunkBytes: Int
    private let blockBytes: Int64
    private let isOnly: Bool
    private var composition: CRCComposition
    private var digests = FileChecksum.BlockDigests()
    /// The sums of the chunks of the present block, its bytes until now, and the bytes of a chunk that is not full.
    private var block = (sums: Bytes(), bytes: Int64(0), rest: Bytes())

    /// `blockBytes`, `lengthBytes`: of the file with which this one is compared; a composite form needs neither.
    package init(like other: FileChecksum, blockBytes: Int64, lengthBytes: Int64) {
        isComposite = other.algorithm.beginsWithBytes(of: "COMPOSITE-")
        kind = other.algorithm.endsWithBytes(of: "CRC32C") ? .crc32c : .crc32
        chunkBytes = max(1, Int(other.bytes.getInteger(at: other.bytes.readerIndex, as: UInt32.self) ?? 512))
        self.blockBytes = max(1, blockBytes)
        isOnly = lengthBytes <= self.blockBytes
        composition = CRCComposition(kind)
    }

    private func checksum(_ bytes: Bytes) -> UInt32 { kind == .crc32c ? CRC32C.checksum(bytes) : ZlibCRC32.checksum(bytes) }

    package mutating func add(_ bytes: Bytes) {
        guard !isComposite else { return composition.add(checksum(bytes), lengthBytes: Int64(bytes.readableBytes)) }
        var bytes = bytes
        while bytes.readableBytes > 0 {
            let wanted = min(Int64(chunkBytes - block.rest.readableBytes), blockBytes - block.bytes - Int64(block.rest.readableBytes))
            guard var part = bytes.readSlice(length: Int(min(wanted, Int64(bytes.readableBytes)))) else { return }
            block.rest.writeBuffer(&part)
            if block.rest.readableBytes == chunkBytes || block.bytes + Int64(block.rest.readableBytes) == blockBytes { endChunk() }
            if block.bytes == blockBytes { endBlock() }
        }
    }

    private mutating func endChunk() {
        block.sums.writeInteger(checksum(block.rest))
        block.bytes += Int64(block.rest.readableBytes)
        block.rest = Bytes()
    }

    private mutating func endBlock() {
        digests.add(
            MD5Sum.of(block.sums), chunkBytes: UInt32(chunkBytes), chunkCount: UInt64(block.sums.readableBytes / 4), isOnly: isOnly)
        block = (Bytes(), 0, Bytes())
    }

    package mutating func end() -> FileChecksum {
        if isComposite { return FileChecksum.composite(composition.value, kind: kind) }
        if block.rest.readableBytes > 0 { endChunk() }
        if block.bytes > 0 { endBlock() }
        return digests.whole(kind: kind)
    }
}
