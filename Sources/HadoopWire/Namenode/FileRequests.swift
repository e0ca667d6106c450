// Requests about the content of files: opening, blocks, closing, leases. Source: ClientNamenodeProtocol.proto.
import Base

package struct LocationsRequest: ProtoLayout {
    package var path = ""
    package var offset: UInt64 = 0
    package var lengthBytes: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.uint64(2, &offset)
        try io.uint64(3, &lengthBytes)
    }
}

package struct CreateRequest: ProtoLayout {
    package enum Flag { package static let create: UInt32 = 1, overwrite: UInt32 = 2, append: UInt32 = 4, newBlock: UInt32 = 32 }
    package var path = ""
    package var masked = Permission()
    package var clientName = ""
    package var flags: UInt32 = 0
    package var createParent = false
    package var replication: UInt32 = 0
    package var blockSizeBytes: UInt64 = 0
    /// Encryption versions that the client understands; nothing is encrypted here.
    package var encryptionVersions: [UInt64] = []
    package var unmasked: Permission?
    package var erasurePolicy: String?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.message(2, &masked)
        try io.string(3, &clientName)
        try io.uint32(4, &flags)
        try io.bool(5, &createParent)
        try io.uint32(6, &replication)
        try io.uint64(7, &blockSizeBytes)
        try io.varints(8, &encryptionVersions, packed: false)
        try io.message(9, &unmasked)
        try io.string(10, &erasurePolicy)
    }
}

package struct AppendRequest: ProtoLayout {
    package var path = ""
    package var clientName = ""
    package var flags: UInt32 = 4
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &clientName)
        try io.uint32(3, &flags, written: 4)
    }
}

package struct AppendAnswer: ProtoLayout {
    package var block: LocatedBlock?
    package var status: FileStatus?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &block)
        try io.message(2, &status)
    }
}

package struct AddBlockRequest: ProtoLayout {
    package var path = ""
    package var clientName = ""
    package var previous: ExtendedBlock?
    package var excluded: [DatanodeInfo] = []
    package var fileID: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &clientName)
        try io.message(3, &previous)
        try io.messages(4, &excluded)
        try io.uint64(5, &fileID, absent: 0)
    }
}

package struct AbandonBlockRequest: ProtoLayout {
    package var block = ExtendedBlock()
    package var path = ""
    package var holder = ""
    package var fileID: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &block)
        try io.string(2, &path)
        try io.string(3, &holder)
        try io.uint64(4, &fileID, absent: 0)
    }
}

package struct CompleteRequest: ProtoLayout {
    package var path = ""
    package var clientName = ""
    package var last: ExtendedBlock?
    package var fileID: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &clientName)
        try io.message(3, &last)
        try io.uint64(4, &fileID, absent: 0)
    }
}

package struct AdditionalDatanodeRequest: ProtoLayout {
    package var path = ""
    package var block = ExtendedBlock()
    package var existing: [DatanodeInfo] = []
    package var excluded: [DatanodeInfo] = []
    package var count: UInt32 = 0
    package var clientName = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.message(2, &block)
        try io.messages(3, &existing)
        try io.messages(4, &excluded)
        try io.uint32(5, &count)
        try io.string(6, &clientName)
    }
}

package struct TruncateRequest: ProtoLayout {
    package var path = ""
    package var lengthBytes: UInt64 = 0
    package var clientName = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.uint64(2, &lengthBytes)
        try io.string(3, &clientName)
    }
}

package struct FsyncRequest: ProtoLayout {
    package var path = ""
    package var clientName = ""
    /// The client's length of the last block; -1 if it gives none.
    package var lastBlockBytes: Int64 = -1
    package var fileID: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &clientName)
        try io.zigzag(3, &lastBlockBytes, absent: -1)
        try io.uint64(4, &fileID, absent: 0)
    }
}

package struct LeaseRequest: ProtoLayout {
    package var path = ""
    package var clientName = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &path)
        try io.string(2, &clientName)
    }
}

package struct RenewLeaseRequest: ProtoLayout {
    package var clientName = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.string(1, &clientName) }
}

package struct PipelineBlockRequest: ProtoLayout {
    package var block = ExtendedBlock()
    package var clientName = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &block)
        try io.string(2, &clientName)
    }
}

package struct UpdatePipelineRequest: ProtoLayout {
    package var clientName = ""
    package var before = ExtendedBlock()
    package var after = ExtendedBlock()
    package var nodes: [DatanodeID] = []
    package var storageIDs: [String] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &clientName)
        try io.message(2, &before)
        try io.message(3, &after)
        try io.messages(4, &nodes)
        try io.strings(5, &storageIDs)
    }
}
