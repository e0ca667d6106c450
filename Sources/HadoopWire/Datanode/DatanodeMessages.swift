// Messages between datanodes and the namenode. Source: DatanodeProtocol.proto, HdfsServer.proto of Hadoop 3.
import Base

/// A datanode's cluster.
package struct StorageIdentity: ProtoLayout, Hashable {
    package var layoutVersion: UInt32 = 0
    package var namespaceID: UInt32 = 0
    package var clusterID = ""
    package var created: UInt64 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.uint32(1, &layoutVersion)
        try io.uint32(2, &namespaceID)
        try io.string(3, &clusterID)
        try io.uint64(4, &created)
    }
}

/// Keys of block tokens; none are in use.
package struct BlockKeys: ProtoLayout, Hashable {
    package struct Key: ProtoLayout, Hashable {
        package var id: UInt32 = 0
        package var expires: UInt64 = 0
        package init() {}
        package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.uint32(1, &id)
            try io.uint64(2, &expires)
        }
    }
    package var isEnabled = false
    package var updateInterval: UInt64 = 0
    package var tokenLifetime: UInt64 = 0
    package var current = Key()
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.bool(1, &isEnabled)
        try io.uint64(2, &updateInterval)
        try io.uint64(3, &tokenLifetime)
        try io.message(4, &current)
    }
}

package struct Registration: ProtoLayout, Hashable {
    package var id = DatanodeID()
    package var storage = StorageIdentity()
    package var keys = BlockKeys()
    package var softwareVersion = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &id)
        try io.message(2, &storage)
        try io.message(3, &keys)
        try io.string(4, &softwareVersion)
    }
}

/// Request and answer of registerDatanode.
package struct RegistrationMessage: ProtoLayout {
    package var registration = Registration()
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.message(1, &registration) }
}

package struct HeartbeatRequest: ProtoLayout {
    package var registration = Registration()
    package var reports: [StorageReport] = []
    package var transfers: UInt32 = 0
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &registration)
        try io.messages(2, &reports)
        try io.uint32(4, &transfers, absent: 0)
    }
}

/// Blocks to copy to others or to delete.
package struct BlockCommand: ProtoLayout {
    package enum Action: UInt32, Sendable { case transfer = 1, invalidate, shutdown }
    package struct Targets: ProtoLayout {
        package var datanodes: [DatanodeInfo] = []
        package init() {}
        package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.messages(1, &datanodes) }
    }
    package var action = Action.invalidate
    package var poolID = ""
    package var blocks: [PoolBlock] = []
    package var targets: [Targets] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(1, &action)
        try io.string(2, &poolID)
        try io.messages(3, &blocks)
        try io.messages(4, &targets)
    }
}

package struct DatanodeCommand: ProtoLayout {
    package enum Kind: UInt32, Sendable {
        case balancerBandwidth = 0, block, blockRecovery, finalize, keyUpdate, register, unusedUpgrade, null, blockID, erasure, move,
            dropMoves
    }
    package var kind = Kind.null
    package var block: BlockCommand?
    package var recovery: RecoveryCommand?
    package var register: EmptyMessage?
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.choice(1, &kind)
        try io.message(3, &block)
        try io.message(4, &recovery)
        try io.message(7, &register)
    }
}

/// Blocks whose writer is gone, to be closed at the common length of all replicas.
package struct RecoveryCommand: ProtoLayout {
    package struct Block: ProtoLayout {
        package var generation: UInt64 = 0
        package var block = LocatedBlock()
        /// The block at its new length.
        package var truncateTo: PoolBlock?
        package init() {}
        package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.uint64(1, &generation)
            try io.message(2, &block)
            try io.message(3, &truncateTo)
        }
    }
    package var blocks: [Block] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.messages(1, &blocks) }
}

package struct HeartbeatAnswer: ProtoLayout {
    /// Whether the namenode leads.
    package struct State: ProtoLayout {
        package var isStandby: UInt32 = 0
        package var transaction: UInt64 = 0
        package init() {}
        package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.uint32(1, &isStandby)
            try io.uint64(2, &transaction)
        }
    }
    package var commands: [DatanodeCommand] = []
    package var state = State()
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.messages(1, &commands)
        try io.message(2, &state)
    }
}

/// The replicas of one storage: id, length and generation of each finished one, one after another.
package struct StorageBlocks: ProtoLayout {
    package var storage = DatanodeStorage()
    package var numbers: [UInt64] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &storage)
        try io.varints(2, &numbers, packed: true)
    }
}

package struct BlockReportRequest: ProtoLayout {
    package var registration = Registration()
    package var poolID = ""
    package var reports: [StorageBlocks] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &registration)
        try io.string(2, &poolID)
        try io.messages(3, &reports)
    }
}

package struct ReplicaChange: ProtoLayout {
    package enum Status: UInt32, Sendable { case receiving = 1, received, deleted }
    package var block = PoolBlock()
    package var status = Status.received
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &block)
        try io.choice(3, &status)
    }
}

package struct ReplicaChangesRequest: ProtoLayout {
    package struct Storage: ProtoLayout {
        package var uuid = ""
        package var changes: [ReplicaChange] = []
        package var storage: DatanodeStorage?
        package init() {}
        package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.string(1, &uuid)
            try io.messages(2, &changes)
            try io.message(3, &storage)
        }
    }
    package var registration = Registration()
    package var poolID = ""
    package var storages: [Storage] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &registration)
        try io.string(2, &poolID)
        try io.messages(3, &storages)
    }
}

/// The end of a recovery: the agreed length of the replicas.
package struct SynchronizationRequest: ProtoLayout {
    package var block = ExtendedBlock()
    package var generation: UInt64 = 0
    package var lengthBytes: UInt64 = 0
    package var closeFile = false
    package var deleteBlock = false
    package var targets: [DatanodeID] = []
    package var storages: [String] = []
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.message(1, &block)
        try io.uint64(2, &generation)
        try io.uint64(3, &lengthBytes)
        try io.bool(4, &closeFile)
        try io.bool(5, &deleteBlock)
        try io.messages(6, &targets)
        try io.strings(7, &storages)
    }
}

/// The namenode's identity, for datanodes in search of theirs.
package struct NamespaceVersion: ProtoLayout {
    package var buildVersion = ""
    package var poolID = ""
    package var storage = StorageIdentity()
    package var softwareVersion = ""
    package init() {}
    package mutating func layout<C: ProtoCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var unused: UInt32 = 0
        try io.string(1, &buildVersion)
        try io.uint32(2, &unused)
        try io.string(3, &poolID)
        try io.message(4, &storage)
        try io.string(5, &softwareVersion)
    }
}
