// Blocks and their places in the messages of namenode, datanodes and clients. Source: hdfs.proto, Security.proto.
import Base

/// A block in a pool, with its generation.
package struct ExtendedBlock: ProtoLayout, Hashable {
    package var poolID = ""
    package var blockID: UInt64 = 0
    package var generation: UInt64 = 0
    package var lengthBytes: UInt64 = 0
    package init() {}
    package init(poolID: String, blockID: UInt64, generation: UInt64, lengthBytes: UInt64) {
        (self.poolID, self.blockID, self.generation, self.lengthBytes) = (poolID, blockID, generation, lengthBytes)
    }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &poolID)
        try io.uint64(2, &blockID)
        try io.uint64(3, &generation)
        try io.uint64(4, &lengthBytes, written: 0)
    }
}

/// The address of a datanode.
package struct DatanodeID: ProtoLayout, Hashable {
    package var address = ""
    package var hostName = ""
    package var uuid = ""
    package var transferPort: UInt32 = 0
    package var infoPort: UInt32 = 0
    package var ipcPort: UInt32 = 0
    package var infoSecurePort: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &address)
        try io.string(2, &hostName)
        try io.string(3, &uuid)
        try io.uint32(4, &transferPort)
        try io.uint32(5, &infoPort)
        try io.uint32(6, &ipcPort)
        try io.uint32(7, &infoSecurePort, written: 0)
    }
}

/// A datanode with its figures.
package struct DatanodeInfo: ProtoLayout, Hashable {
    package enum AdminState: UInt32, Sendable { case normal = 0, decommissioning, decommissioned, enteringMaintenance, inMaintenance }
    package var id = DatanodeID()
    package var capacityBytes: UInt64 = 0
    package var usedBytes: UInt64 = 0
    package var remainingBytes: UInt64 = 0
    package var poolUsedBytes: UInt64 = 0
    /// Milliseconds since 1970.
    package var lastUpdate: UInt64 = 0
    package var transfers: UInt32 = 0
    package var location: String? = "/default-rack"
    package var nonDFSUsedBytes: UInt64 = 0
    package var state = AdminState.normal
    package var blockCount: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &id)
        try io.uint64(2, &capacityBytes, absent: 0)
        try io.uint64(3, &usedBytes, absent: 0)
        try io.uint64(4, &remainingBytes, absent: 0)
        try io.uint64(5, &poolUsedBytes, absent: 0)
        try io.uint64(6, &lastUpdate, absent: 0)
        try io.uint32(7, &transfers, absent: 0)
        try io.string(8, &location)
        try io.uint64(9, &nonDFSUsedBytes, absent: 0)
        try io.choice(10, &state, absent: .normal)
        try io.uint32(17, &blockCount, absent: 0)
    }
}

package enum StorageType: UInt32, Sendable { case disk = 1, ssd, archive, ramDisk, provided, nvdimm }

/// The token of a block. Nothing checks it here; clients want the field.
package struct BlockToken: ProtoLayout, Hashable {
    package var identifier = Bytes()
    package var password = Bytes()
    package var kind = ""
    package var service = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bytes(1, &identifier)
        try io.bytes(2, &password)
        try io.string(3, &kind)
        try io.string(4, &service)
    }
}

/// A block of a file and the datanodes that hold it. Clients want `storageTypes` and `storageIDs` parallel to `locations`.
package struct LocatedBlock: ProtoLayout, Hashable {
    package var block = ExtendedBlock()
    package var offset: UInt64 = 0
    package var locations: [DatanodeInfo] = []
    package var corrupt = false
    package var token = BlockToken()
    package var cached: [UInt64] = []
    package var storageTypes: [StorageType] = []
    package var storageIDs: [String] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &block)
        try io.uint64(2, &offset)
        try io.messages(3, &locations)
        try io.bool(4, &corrupt)
        try io.message(5, &token)
        try io.varints(6, &cached, packed: true)
        try io.choices(7, &storageTypes)
        try io.strings(8, &storageIDs)
    }
}

/// The blocks of a range of a file.
package struct LocatedBlocks: ProtoLayout, Hashable {
    package var fileLengthBytes: UInt64 = 0
    package var blocks: [LocatedBlock] = []
    package var underConstruction = false
    package var lastBlock: LocatedBlock?
    package var isLastBlockComplete = true
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint64(1, &fileLengthBytes)
        try io.messages(2, &blocks)
        try io.bool(3, &underConstruction)
        try io.message(4, &lastBlock)
        try io.bool(5, &isLastBlockComplete)
    }
}

/// A block within its pool.
package struct PoolBlock: ProtoLayout, Hashable {
    package var blockID: UInt64 = 0
    package var generation: UInt64 = 0
    package var lengthBytes: UInt64 = 0
    package init() {}
    package init(blockID: UInt64, generation: UInt64, lengthBytes: UInt64) {
        (self.blockID, self.generation, self.lengthBytes) = (blockID, generation, lengthBytes)
    }
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint64(1, &blockID)
        try io.uint64(2, &generation)
        try io.uint64(3, &lengthBytes, written: 0)
    }
}

/// A disk of a datanode.
package struct DatanodeStorage: ProtoLayout, Hashable {
    package var uuid = ""
    package var state: UInt32 = 0
    package var type = StorageType.disk
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &uuid)
        try io.uint32(2, &state, absent: 0)
        try io.choice(3, &type, absent: .disk)
    }
}

/// A disk's figures.
package struct StorageReport: ProtoLayout, Hashable {
    package var uuid = ""
    package var failed = false
    package var capacityBytes: UInt64 = 0
    package var usedBytes: UInt64 = 0
    package var remainingBytes: UInt64 = 0
    package var poolUsedBytes: UInt64 = 0
    package var storage: DatanodeStorage?
    package var nonDFSUsedBytes: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(1, &uuid)
        try io.bool(2, &failed, absent: false)
        try io.uint64(3, &capacityBytes, absent: 0)
        try io.uint64(4, &usedBytes, absent: 0)
        try io.uint64(5, &remainingBytes, absent: 0)
        try io.uint64(6, &poolUsedBytes, absent: 0)
        try io.message(7, &storage)
        try io.uint64(8, &nonDFSUsedBytes, absent: 0)
    }
}
