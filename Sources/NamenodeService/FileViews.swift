// Inodes and blocks as messages.
import Base
import DFSCore
import HadoopWire

/// Builds messages from values of the namespace and of the board.
struct FileViews {
    let superUser: String
    let poolID: String

    func status(_ inode: Inode, name: String) -> FileStatus {
        var status = FileStatus()
        status.path = Bytes(string: name)
        status.permission = Permission(UInt32(UInt16(bitPattern: inode.permission)))
        status.owner = inode.owner.isEmpty ? superUser : inode.owner
        status.group = inode.group
        status.modified = UInt64(bitPattern: inode.modified)
        status.fileID = UInt64(bitPattern: inode.id.rawValue)
        status.storagePolicy = UInt32(UInt16(bitPattern: inode.extras?.storagePolicy ?? 0))
        if let list = inode.extras?.acl, !list.isEmpty { status.flags |= FileStatus.Flag.hasACL }
        if let file = inode.file {
            status.kind = .file
            status.lengthBytes = UInt64(bitPattern: file.lengthBytes)
            status.accessed = UInt64(bitPattern: inode.accessed)
            status.replication = UInt32(UInt16(bitPattern: file.replication))
            status.blockSizeBytes = UInt64(bitPattern: file.blockSizeBytes)
            status.childrenCount = 0
        } else {
            status.kind = .directory
            status.childrenCount = Int32(clamping: inode.entries?.count ?? 0)
        }
        return status
    }

    /// A datanode's state in HDFS's words.
    static func state(_ node: ReplicaBoard.Standing) -> DatanodeInfo.AdminState {
        switch node.duty {
        case .inService: .normal
        case .leaving: node.isFreed ? .decommissioned : .decommissioning
        case .resting: node.isFreed ? .inMaintenance : .enteringMaintenance
        }
    }

    func info(_ node: ReplicaBoard.Standing) -> DatanodeInfo {
        var info = info(node.record, blockCount: node.blockCount)
        info.state = Self.state(node)
        return info
    }

    func info(_ record: DatanodeRecord, blockCount: Int = 0) -> DatanodeInfo {
        var info = DatanodeInfo()
        info.id.address = record.address
        info.id.hostName = record.hostName
        info.id.uuid = record.uuid
        info.id.transferPort = record.transferPort
        info.id.infoPort = record.infoPort
        info.id.ipcPort = record.ipcPort
        info.capacityBytes = record.figures.capacityBytes
        info.usedBytes = record.figures.usedBytes
        info.poolUsedBytes = record.figures.usedBytes
        info.remainingBytes = record.figures.remainingBytes
        info.nonDFSUsedBytes =
            record.figures.capacityBytes - min(record.figures.capacityBytes, record.figures.remainingBytes + record.figures.usedBytes)
        info.lastUpdate = UInt64(bitPattern: record.lastHeard.milliseconds)
        info.transfers = record.figures.transfers
        info.location = record.rack
        info.blockCount = UInt32(clamping: blockCount)
        return info
    }

    func extended(_ block: Block) -> ExtendedBlock {
        ExtendedBlock(
            poolID: poolID, blockID: UInt64(bitPattern: block.id.rawValue), generation: UInt64(bitPattern: block.generation.rawValue),
            lengthBytes: UInt64(bitPattern: block.lengthBytes))
    }

    func located(_ block: Block, offset: Int64, on nodes: [DatanodeRecord], isCorrupt: Bool = false) -> LocatedBlock {
        var located = LocatedBlock()
        located.block = extended(block)
        located.offset = UInt64(bitPattern: offset)
        located.locations = nodes.map { info($0) }
        located.corrupt = isCorrupt
        located.cached = nodes.map { _ in 0 }
        located.storageTypes = nodes.map { _ in .disk }
        located.storageIDs = nodes.map(\.storageID)
        return located
    }

    /// The blocks of a range. A last block under construction stands apart: only its datanode knows its length.
    func located(_ found: FoundBlocks) -> LocatedBlocks {
        func view(_ one: FoundBlocks.One) -> LocatedBlock {
            located(one.block, offset: one.offset, on: one.nodes, isCorrupt: one.isCorrupt)
        }
        var all = LocatedBlocks()
        all.underConstruction = found.isOpen
        all.blocks = found.inRange.map(view)
        all.lastBlock = found.last.map(view)
        all.isLastBlockComplete = found.last.map { !found.isOpen || !$0.block.isOpen } ?? all.isLastBlockComplete
        all.fileLengthBytes = UInt64(bitPattern: found.lengthBytes)
        return all
    }

    static func block(_ message: ExtendedBlock) -> Block {
        Block(
            id: BlockID(Int64(bitPattern: message.blockID)), generation: Generation(Int64(bitPattern: message.generation)),
            lengthBytes: Int64(bitPattern: message.lengthBytes))
    }
}

/// The blocks of a file's range with their datanodes: found on the loop, made into messages elsewhere, since there may be ten thousand.
struct FoundBlocks: Sendable {
    struct One: Sendable {
        var block: Block
        var offset: Int64
        var nodes: [DatanodeRecord]
        var isCorrupt: Bool
    }
    var isOpen: Bool
    var inRange: [One] = []
    var last: One?
    /// Without a last block under construction.
    var lengthBytes: Int64 = 0

    init(_ file: FileContent, offset: Int64 = 0, lengthBytes: Int64 = .max, on board: borrowing ReplicaBoard) {
        isOpen = file.writer != nil
        let end = lengthBytes > Int64.max - offset ? Int64.max : offset + lengthBytes
        var start: Int64 = 0
        for (place, block) in file.blocks.enumerated() {
            let isLast = place == file.blocks.count - 1
            let isOpenEnd = isOpen && block.isOpen && isLast
            let isInRange = !isOpenEnd && start < end && start + block.lengthBytes > offset
            if isInRange || isLast {
                let found = board.locations(block)
                let one = One(block: block, offset: start, nodes: found.nodes, isCorrupt: found.isCorrupt)
                if isInRange { inRange.append(one) }
                if isLast { last = one }
            }
            if !isOpenEnd { start += block.lengthBytes }
        }
        self.lengthBytes = start
    }
}
