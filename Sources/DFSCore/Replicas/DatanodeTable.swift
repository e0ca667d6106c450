// The datanodes known to the namenode. Soft state: the log holds none of it, every datanode reports again after a restart.
import Base

/// A datanode's address and its last report.
package struct DatanodeRecord: Sendable, Hashable {
    package struct Figures: Sendable, Hashable {
        package var capacityBytes: UInt64 = 0
        package var usedBytes: UInt64 = 0
        package var remainingBytes: UInt64 = 0
        package var transfers: UInt32 = 0
        package init() {}
    }
    package var uuid: String
    package var storageID: String
    package var address: String
    package var hostName: String
    package var transferPort: UInt32
    package var infoPort: UInt32
    package var ipcPort: UInt32
    package var rack: String
    package var figures = Figures()
    /// Milliseconds since 1970, for display.
    package var lastHeard = WallTime(milliseconds: 0)

    package init(
        uuid: String, storageID: String, address: String, hostName: String, transferPort: UInt32, infoPort: UInt32, ipcPort: UInt32,
        rack: String
    ) {
        (self.uuid, self.storageID, self.address, self.hostName) = (uuid, storageID, address, hostName)
        (self.transferPort, self.infoPort, self.ipcPort, self.rack) = (transferPort, infoPort, ipcPort, rack)
    }
}

/// A replica to delete. A replica of a later generation, arrived meanwhile, stays.
package struct DoomedReplica: Sendable, Hashable {
    package var id: BlockID
    package var generation: Generation
    package init(_ id: BlockID, _ generation: Generation) { (self.id, self.generation) = (id, generation) }
}

/// An order to a datanode, sent in the answer to a heartbeat.
package enum DatanodeOrder: Sendable, Hashable {
    case delete([DoomedReplica])
    /// Recovers the end of a block whose writer is gone, or cuts it, under a new generation.
    case recover(Block, knownLengthBytes: Int64)
    case copy(Block, to: [DatanodeRecord])
}
