// The operations of the data transfer protocol: two bytes of version, one of operation, then a message with its length. Source:
// datatransfer.proto and DataTransferProtocol of Hadoop 3.
import Base

package enum TransferOperation: UInt8, Sendable {
    case writeBlock = 80, readBlock = 81, blockChecksum = 85, transferBlock = 86

    package static let version: UInt16 = 28
    /// Limit of an operation's request.
    package static let requestBytesMax = 1 << 20
}

package enum TransferStatus: UInt32, Sendable {
    case success = 0, error, errorChecksum, errorInvalid, errorExists, errorToken, checksumOK, errorUnsupported
    case restart, reserved1, reserved2, reserved3, inProgress, pinned
}

package struct BaseHeader: ProtoLayout {
    package var block = ExtendedBlock()
    package var token: BlockToken?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &block)
        try io.message(2, &token)
    }
}

package struct ClientHeader: ProtoLayout {
    package var base = BaseHeader()
    package var clientName = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &base)
        try io.string(2, &clientName)
    }
}

package struct ChecksumForm: ProtoLayout, Hashable {
    package var kind = ChecksumKind.crc32c
    package var chunkBytes: UInt32 = 512
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(1, &kind)
        try io.uint32(2, &chunkBytes)
    }
}

package struct ReadBlockRequest: ProtoLayout {
    package var header = ClientHeader()
    package var offset: UInt64 = 0
    package var lengthBytes: UInt64 = 0
    package var sendChecksums = true
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &header)
        try io.uint64(2, &offset)
        try io.uint64(3, &lengthBytes)
        try io.bool(4, &sendChecksums, absent: true)
    }
}

package struct WriteBlockRequest: ProtoLayout {
    package enum Stage: UInt32, Sendable {
        case setupAppend = 0, setupAppendRecovery, streaming, setupStreamingRecovery, close, closeRecovery, setupCreate,
            transferBeingWritten, transferFinalized
    }
    package var header = ClientHeader()
    package var targets: [DatanodeInfo] = []
    package var source: DatanodeInfo?
    package var stage = Stage.setupCreate
    package var pipelineSize: UInt32 = 0
    package var bytesMin: UInt64 = 0
    package var bytesMax: UInt64 = 0
    package var generation: UInt64 = 0
    package var checksum = ChecksumForm()
    package var storageType = StorageType.disk
    package var targetStorageTypes: [StorageType] = []
    package var storageID: String?
    package var targetStorageIDs: [String] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &header)
        try io.messages(2, &targets)
        try io.message(3, &source)
        try io.choice(4, &stage)
        try io.uint32(5, &pipelineSize)
        try io.uint64(6, &bytesMin)
        try io.uint64(7, &bytesMax)
        try io.uint64(8, &generation)
        try io.message(9, &checksum)
        try io.choice(11, &storageType, absent: .disk)
        try io.choices(12, &targetStorageTypes)
        try io.string(16, &storageID)
        try io.strings(17, &targetStorageIDs)
    }
}

package struct TransferBlockRequest: ProtoLayout {
    package var header = ClientHeader()
    package var targets: [DatanodeInfo] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &header)
        try io.messages(2, &targets)
    }
}

package enum BlockChecksumKind: UInt32, Sendable { case md5 = 1, composite }

package struct BlockChecksumOptions: ProtoLayout {
    package var kind = BlockChecksumKind.md5
    package var stripeBytes: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(1, &kind, absent: .md5)
        try io.uint64(2, &stripeBytes, absent: 0)
    }
}

package struct BlockChecksumRequest: ProtoLayout {
    package var header = BaseHeader()
    package var options: BlockChecksumOptions?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &header)
        try io.message(2, &options)
    }
}

package struct BlockChecksumAnswer: ProtoLayout {
    package var chunkBytes: UInt32 = 512
    package var chunkCount: UInt64 = 0
    package var checksum = Bytes()
    package var kind: ChecksumKind = .crc32c
    package var options: BlockChecksumOptions?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint32(1, &chunkBytes)
        try io.uint64(2, &chunkCount)
        try io.bytes(3, &checksum)
        try io.choice(4, &kind)
        try io.message(5, &options)
    }
}

/// The checksums of a read.
package struct ReadChecksum: ProtoLayout {
    package var form = ChecksumForm()
    package var chunkOffset: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &form)
        try io.uint64(2, &chunkOffset)
    }
}

/// The answer to an operation.
package struct TransferAnswer: ProtoLayout {
    package var status = TransferStatus.success
    package var firstBadLink: String?
    package var checksum: BlockChecksumAnswer?
    package var readChecksum: ReadChecksum?
    package var message: String?
    package init() {}
    package init(_ status: TransferStatus, message: String? = nil) { (self.status, self.message) = (status, message) }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(1, &status)
        try io.string(2, &firstBadLink)
        try io.message(3, &checksum)
        try io.message(4, &readChecksum)
        try io.string(5, &message)
    }
}

/// A reader's verdict on the data.
package struct ReadStatus: ProtoLayout {
    package var status = TransferStatus.checksumOK
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.choice(1, &status) }
}
