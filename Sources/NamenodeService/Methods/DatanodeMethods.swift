// The methods of datanodes: registration, heartbeats, reports, ends of recoveries.
import Base
import DFSCore
import HadoopWire

enum DatanodeMethods {
    static let rows: [RPCMethod] = [
        RPCMethod("versionRequest", needs: "", isForStandby: true, version),
        RPCMethod("registerDatanode", needs: "", isForStandby: true, register),
        RPCMethod("sendHeartbeat", needs: "", isForStandby: true, heartbeat),
        RPCMethod("blockReport", needs: "", isForStandby: true, blockReport),
        RPCMethod("blockReceivedAndDeleted", needs: "", isForStandby: true, replicaChanges),
        RPCMethod("reportBadBlocks", needs: "", BlockMethods.reportBadBlocks),
        RPCMethod("commitBlockSynchronization", needs: "", synchronization),
        RPCMethod("abandonUpload", needs: "the lease", abandonUpload),
    ]

    /// A namenode of several may not have learned the file system's number yet.
    private static func knownIdentity(_ namenode: Namenode) async throws -> Namenode.Identity {
        let identity = await namenode.identity()
        guard identity.namespaceID != 0 else {
            throw JavaException(JavaException.standby, "the file system has no number yet: no namenode has served so far")
        }
        return identity
    }

    @Sendable static func version(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<
        NamespaceVersion
    > {
        let identity = try await knownIdentity(namenode)
        var version = NamespaceVersion()
        version.poolID = identity.poolID
        version.buildVersion = "platform"
        version.softwareVersion = "3.4.1"
        version.storage.namespaceID = UInt32(truncatingIfNeeded: identity.namespaceID)
        version.storage.clusterID = identity.clusterID
        return OptionalAnswer(version)
    }

    @Sendable static func register(_ request: RegistrationMessage, _ call: RPCCall, _ namenode: Namenode) async throws
        -> RegistrationMessage
    {
        let identity = try await knownIdentity(namenode)
        let (id, storage) = (request.registration.id, request.registration.storage)
        guard storage.clusterID == identity.clusterID else {
            throw JavaException(
                "org.apache.hadoop.hdfs.server.protocol.DisallowedDatanodeException",
                "the datanode belongs to \(storage.clusterID), this is \(identity.clusterID)")
        }
        guard !id.uuid.isEmpty, id.uuid.utf8.count <= 64, id.address.utf8.count <= 255, id.hostName.utf8.count <= 255 else {
            throw JavaException(JavaException.illegalArgument, "the datanode's name or address is empty or too long")
        }
        let now = namenode.now()
        // A datanode that listens on every address is reached at the address of its connection.
        let address = ["", "0.0.0.0", "::"].contains(id.address) ? call.user.peer.host : id.address
        let record = DatanodeRecord(
            uuid: id.uuid, storageID: "DS-" + id.uuid, address: address, hostName: id.hostName, transferPort: id.transferPort,
            infoPort: id.infoPort == 0 ? id.infoSecurePort : id.infoPort, ipcPort: id.ipcPort, rack: "/default-rack")
        let wall = namenode.wallTime()
        try await namenode.look { _, soft in soft.board.register(record, duty: soft.hosts.duty(of: record, now: wall), now: now) }
        namenode.log.info("a datanode has joined", metadata: ["datanode": "\(id.uuid)", "address": "\(address):\(id.transferPort)"])
        return request
    }

    @Sendable static func heartbeat(_ request: HeartbeatRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> HeartbeatAnswer {
        var figures = DatanodeRecord.Figures()
        for report in request.reports {
            figures.capacityBytes &+= report.capacityBytes
            figures.usedBytes &+= report.usedBytes
            figures.remainingBytes &+= report.remainingBytes
        }
        figures.transfers = request.transfers
        let (now, wall, pool) = (namenode.now(), namenode.wallTime(), await namenode.identity().poolID)
        let (uuid, sums) = (request.registration.id.uuid, figures)
        let leads = await namenode.holdsOffice()
        return try await namenode.look { _, soft in
            var answer = HeartbeatAnswer()
            // An order of a namenode that has lost its office could cost the last replica.
            guard
                let orders = soft.board.heartbeat(
                    uuid, sums, now: now, wall: wall, givesOrders: leads && soft.office.isHeld && soft.safeMode == .off)
            else {
                var command = DatanodeCommand()
                command.kind = .register
                command.register = EmptyMessage()
                answer.commands = [command]
                return answer
            }
            let views = FileViews(superUser: "", poolID: pool)
            answer.commands = orders.map { Self.command($0, views) }
            return answer
        }
    }

    private static func poolBlock(_ id: BlockID, _ generation: Generation, _ bytes: Int64) -> PoolBlock {
        PoolBlock(
            blockID: UInt64(bitPattern: id.rawValue), generation: UInt64(bitPattern: generation.rawValue),
            lengthBytes: UInt64(bitPattern: bytes))
    }

    private static func command(_ order: DatanodeOrder, _ views: FileViews) -> DatanodeCommand {
        var command = DatanodeCommand()
        var blocks = BlockCommand()
        blocks.poolID = views.poolID
        switch order {
        case .delete(let doomed):
            command.kind = .block
            blocks.action = .invalidate
            blocks.blocks = doomed.map { poolBlock($0.id, $0.generation, 0) }
            command.block = blocks
        case .copy(let block, let targets):
            command.kind = .block
            blocks.action = .transfer
            blocks.blocks = [poolBlock(block.id, block.generation, block.lengthBytes)]
            var list = BlockCommand.Targets()
            list.datanodes = targets.map { views.info($0) }
            blocks.targets = [list]
            command.block = blocks
        case .recover(let block, let known):
            command.kind = .blockRecovery
            var one = RecoveryCommand.Block()
            one.generation = UInt64(bitPattern: block.generation.rawValue)
            var named = block
            named.lengthBytes = known
            one.block = views.located(named, offset: 0, on: [])
            if block.state == .truncating { one.truncateTo = poolBlock(block.id, block.generation, block.cutTo) }
            var recovery = RecoveryCommand()
            recovery.blocks = [one]
            command.recovery = recovery
        }
        return command
    }

    // MARK: reports

    /// The replicas of a report in Hadoop's long form: two counts; finished replicas as id, length and generation; three separators; the
    /// others with their state behind.
    static func replicas(_ numbers: [UInt64]) throws(WireError) -> [ReplicaBoard.ReportedReplica] {
        guard let finished = numbers.first, numbers.count >= 2 else { return [] }
        let open = numbers[1]
        let room = UInt64(numbers.count)
        guard finished <= room, open <= room, 2 + finished * 3 + (open > 0 ? 3 + open * 4 : 0) <= room else {
            throw .badLength(numbers.count)
        }
        func replica(_ place: Int, _ isFinal: Bool) -> ReplicaBoard.ReportedReplica {
            (BlockID(Int64(bitPattern: numbers[place])), Generation(Int64(bitPattern: numbers[place + 2])), isFinal)
        }
        return (0..<Int(finished)).map { replica(2 + $0 * 3, true) }
            + (0..<Int(open)).map { replica(5 + Int(finished) * 3 + $0 * 4, false) }
    }

    @Sendable static func blockReport(_ request: BlockReportRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        var all: [ReplicaBoard.ReportedReplica] = []
        for report in request.reports { all += try replicas(report.numbers) }
        try await namenode.take(report: all, of: request.registration.id.uuid)
        guard await namenode.holdsOffice() else { return EmptyMessage() }
        try await namenode.leaveSafeModeIfReported()
        let missing = try await namenode.health().missing
        if missing > 0, try await namenode.look({ _, soft in soft.safeMode == .off }) {
            namenode.log.error("blocks are on no datanode that has reported: their files cannot be read", metadata: ["count": "\(missing)"])
        }
        return EmptyMessage()
    }

    @Sendable static func replicaChanges(_ request: ReplicaChangesRequest, _ call: RPCCall, _ namenode: Namenode) async throws
        -> EmptyMessage
    {
        let uuid = request.registration.id.uuid
        try await namenode.look { machine, soft in
            for change in request.storages.flatMap(\.changes) {
                let id = BlockID(Int64(bitPattern: change.block.blockID))
                if change.status == .deleted {
                    soft.board.deleted(uuid, id)
                } else {
                    let generation = Generation(Int64(bitPattern: change.block.generation))
                    namenode.received(uuid, id, generation, isFinal: change.status == .received, machine, soft)
                }
            }
        }
        return EmptyMessage()
    }

    @Sendable static func synchronization(_ request: SynchronizationRequest, _ call: RPCCall, _ namenode: Namenode) async throws
        -> EmptyMessage
    {
        var block = FileViews.block(request.block)
        block.generation = Generation(Int64(bitPattern: request.generation))
        block.lengthBytes = Int64(bitPattern: request.lengthBytes)
        let id = block.id
        if request.deleteBlock, try await isElsewhere(id, than: request.targets, namenode) { return EmptyMessage() }
        try await namenode.execute(.file(.endRecovery(block, drop: request.deleteBlock)))
        namenode.loop.execute {
            if let inode = namenode.replica.machine.namespace.owner(of: id) { namenode.soft.recoveries.remove(inode.id) }
            namenode.soft.board.reconsider([id])
        }
        return EmptyMessage()
    }

    /// A datanode has found nothing of a block that it was to recover. Where others have it, or may still report it, or where bytes of it
    /// were promised, the block stays, and the next one is asked.
    private static func isElsewhere(_ id: BlockID, than datanodes: [DatanodeID], _ namenode: Namenode) async throws -> Bool {
        let (now, patience) = (namenode.now(), namenode.settings.datanodeSilence)
        return try await namenode.look { machine, soft in
            for datanode in datanodes { soft.board.deleted(datanode.uuid, id) }
            let promisedBytes = machine.namespace.wanted(id)?.block.leastBytes ?? 0
            guard promisedBytes > 0 || soft.board.hasPlaces(id) || now - soft.leases.began < patience else { return false }
            if let inode = machine.namespace.owner(of: id) { soft.recoveries.remove(inode.id) }
            return true
        }
    }

    /// Ends a broken WebHDFS upload. The request names the inode and the lease, so that it cannot hit another file.
    @Sendable static func abandonUpload(_ request: AbandonBlockRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage
    {
        do { try await namenode.execute(.abandonFile(InodeID(Int64(bitPattern: request.fileID)), writer: request.holder)) } catch DFSRefusal
            .leaseLost
        { return EmptyMessage() }
        return EmptyMessage()
    }
}
