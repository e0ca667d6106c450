// A block's replica on disk: a file of data, and beside it a sidecar with a header and a CRC-32C for every full 512 bytes, as in HDFS. The
// sidecar ends in `.crc` when the replica is finished and in `.rbw` while it is being written. The checksum of the last bytes, short of
// 512, is in the header twice: as of the last write and as of the last sync, so that a power cut in the middle of more writes takes
// nothing that was synced. Version 1 has no generation, is always finished, and has the last checksum after the others.
import Base

/// Sizes of replica files.
package enum ReplicaFormat {
    /// Bytes under one checksum.
    package static let chunkBytes = 512
    static let magic: UInt32 = 0x5042_4C4B
    static let versionOneHeaderBytes = 12
    static let headerBytes = 56

    static func chunks(_ bytes: Int64) -> Int64 { bytes / Int64(chunkBytes) }
    static func tail(_ bytes: Int64) -> Int { Int(bytes % Int64(chunkBytes)) }
}

/// The header of a sidecar.
struct ReplicaHeader: Equatable {
    /// A length with the checksum of the incomplete chunk at its end.
    struct Extent: Equatable {
        var lengthBytes: Int64 = 0
        var tailSum: UInt32 = 0
    }
    var version: UInt32 = 2
    /// 1000 for version 1, which had no generations.
    var generation: Int64 = 1000
    var written = Extent()
    var synced = Extent()

    var bodyOffset: Int64 { Int64(version == 1 ? ReplicaFormat.versionOneHeaderBytes : ReplicaFormat.headerBytes) }

    var encoded: Bytes {
        var bytes = Bytes()
        bytes.writeInteger(ReplicaFormat.magic)
        bytes.writeInteger(UInt32(2))
        bytes.writeInteger(UInt32(ReplicaFormat.chunkBytes))
        bytes.writeInteger(generation)
        for extent in [written, synced] {
            bytes.writeInteger(extent.lengthBytes)
            bytes.writeInteger(extent.tailSum)
        }
        bytes.writeInteger(UInt64(0))
        bytes.writeInteger(CRC32C.checksum(bytes))
        return bytes
    }

    init() {}

    /// Reads a header; nil if it is damaged. Version 1 has no length.
    init?(_ bytes: Bytes) {
        var rest = bytes
        guard rest.readInteger(as: UInt32.self) == ReplicaFormat.magic, let version = rest.readInteger(as: UInt32.self),
            rest.readInteger(as: UInt32.self) == UInt32(ReplicaFormat.chunkBytes)
        else { return nil }
        self.version = version
        if version == 1 { return }
        guard version == 2, let generation = rest.readInteger(as: Int64.self), let first = Self.extent(&rest),
            let second = Self.extent(&rest),
            rest.readInteger(as: UInt64.self) != nil, let sum = rest.readInteger(as: UInt32.self),
            let content = bytes.getSlice(at: bytes.readerIndex, length: ReplicaFormat.headerBytes - 4), CRC32C.checksum(content) == sum
        else { return nil }
        self.generation = generation
        (written, synced) = (first, second)
    }

    private static func extent(_ bytes: inout Bytes) -> Extent? {
        guard let length = bytes.readInteger(as: Int64.self), let sum = bytes.readInteger(as: UInt32.self), length >= 0 else { return nil }
        return Extent(lengthBytes: length, tailSum: sum)
    }
}

/// A datanode's report of a replica.
package struct ReplicaSummary: Sendable, Hashable {
    package var id: Int64
    package var generation: Int64
    package var lengthBytes: Int64
    package var isFinal: Bool
    package init(id: Int64, generation: Int64, lengthBytes: Int64, isFinal: Bool) {
        (self.id, self.generation, self.lengthBytes, self.isFinal) = (id, generation, lengthBytes, isFinal)
    }
}
