// A datanode beside its namenode: it registers, sends heartbeats, reports its replicas, and follows orders. It meets the namenode through
// DatanodeProtocol only, in the same process or not.
import Base
import HadoopNet
import HadoopWire
import Logging
import NetKit
import Storage
import Synchronization

/// One datanode.
final class Datanode: Sendable {
    let store: ReplicaStore
    /// The namenode that leads.
    let namenode: any RPCChannel
    private let links: [NamenodeLink]
    let settings: DatanodeSettings
    let log: Logger
    private let uuid: String
    private let identity = Mutex(Identity())
    private let transfers = Atomic<Int>(0)
    /// The disk's free bytes as last reported to the namenode, which gives no blocks to a datanode without room.
    private let toldFreeBytes = Atomic<UInt64>(.max)
    /// The leases of WebHDFS uploads under way, with their users.
    private let uploads = Mutex<[String: String]>([:])

    /// The identity, known once the ports are bound and the namenode has answered.
    private struct Identity {
        var registration = Registration()
        var poolID = ""
    }

    init(store: ReplicaStore, namenodes: NamenodeGroup, settings: DatanodeSettings, uuid: String, log: Logger) {
        self.store = store
        namenode = namenodes.leader
        links = namenodes.each.map { NamenodeLink($0) }
        self.settings = settings
        self.uuid = uuid
        self.log = log
    }

    var registration: Registration { identity.withLock { $0.registration } }
    var poolID: String { identity.withLock { $0.poolID } }
    var storageID: String { "DS-" + uuid }
    /// This datanode's address and name for others.
    var info: DatanodeInfo {
        var info = DatanodeInfo()
        info.id = registration.id
        return info
    }

    /// Broken uploads whose end the namenode could not record; the datanode reports them until it can.
    private let brokenUploads = Mutex<[(request: AbandonBlockRequest, user: String)]>([])

    /// Ends a broken upload.
    func abandon(_ request: AbandonBlockRequest, user: String) async {
        do {
            let _: EmptyMessage = try await namenode.call(RPCProtocol.datanode, "abandonUpload", user: user, request)
        } catch {
            log.warning("an upload that broke off could not be ended", metadata: ["path": "\(request.path)", "error": "\(error)"])
            // A namenode without the method gets no more such requests; the file ends with its lease.
            if (error as? JavaException)?.className == JavaException.noSuchMethod { return }
            brokenUploads.withLock { if $0.count < Self.brokenUploadsMax { $0.append((request, user)) } }
        }
    }

    private static let brokenUploadsMax = 10_000

    private func abandonAgain() async {
        let waiting = brokenUploads.withLock { list in
            let all = list
            list = []
            return all
        }
        for (request, user) in waiting { await abandon(request, user: user) }
    }

    func begin(upload holder: String, user: String) { uploads.withLock { $0[holder] = user } }
    func end(upload holder: String) { uploads.withLock { _ = $0.removeValue(forKey: holder) } }

    func noteTransfer(_ change: Int) { transfers.add(change, ordering: .relaxed) }

    /// Calls one namenode, or the one that leads.
    private func call<Q: ProtoLayout, A: ProtoLayout>(_ method: String, _ request: Q, at link: NamenodeLink? = nil) async throws -> A {
        try await (link?.channel ?? namenode).call(RPCProtocol.datanode, method, user: "hdfs", request)
    }

    // MARK: registration and reports

    /// The cluster of the namenode.
    func cluster() async throws -> String {
        let version: OptionalAnswer<NamespaceVersion> = try await call("versionRequest", EmptyMessage())
        return version.content?.storage.clusterID ?? ""
    }

    /// Registers the datanode with its bound ports, and reports all replicas.
    func join(transfer: HostPort, web: HostPort, ipc: HostPort) async throws {
        let version: OptionalAnswer<NamespaceVersion> = try await call("versionRequest", EmptyMessage())
        guard let version = version.content else { throw WireError.unexpectedNull }
        var registration = Registration()
        registration.id.address = transfer.host
        registration.id.hostName = transfer.host
        registration.id.uuid = uuid
        registration.id.transferPort = UInt32(transfer.port)
        registration.id.infoPort = settings.tls == nil ? UInt32(web.port) : 0
        registration.id.infoSecurePort = settings.tls == nil ? 0 : UInt32(web.port)
        registration.id.ipcPort = UInt32(ipc.port)
        registration.storage = version.storage
        registration.softwareVersion = "3.4.1"
        let known = registration
        identity.withLock { $0 = Identity(registration: known, poolID: version.poolID) }
        var failure: (any Error)?
        for link in links {
            do { try await register(link) } catch { failure = error }
        }
        // Namenodes that are away now are tried again by every heartbeat.
        if let failure, links.allSatisfy(\.mustRegister) { throw failure }
    }

    private func register(_ link: NamenodeLink) async throws {
        var request = RegistrationMessage()
        request.registration = registration
        let _: RegistrationMessage = try await call("registerDatanode", request, at: link)
        // Later changes are reported one by one; one that is lost sets it back again.
        link.caughtUp()
        do {
            _ = try await beat(link)
            try await reportAll(link)
        } catch {
            link.fellBehind()
            throw error
        }
    }

    private var storage: DatanodeStorage {
        var storage = DatanodeStorage()
        storage.uuid = storageID
        return storage
    }

    /// Every replica, finished or not.
    private func reportAll(_ link: NamenodeLink) async throws {
        let found = try await store.list()
        if !found.damaged.isEmpty {
            log.error(
                "replicas are damaged and not reported", metadata: ["count": "\(found.damaged.count)", "first": "\(found.damaged[0])"])
        }
        var blocks = StorageBlocks()
        blocks.storage = storage
        let (final, open) = (found.replicas.filter(\.isFinal), found.replicas.filter { !$0.isFinal })
        func numbers(_ replica: ReplicaSummary) -> [UInt64] {
            [UInt64(bitPattern: replica.id), UInt64(bitPattern: replica.lengthBytes), UInt64(bitPattern: replica.generation)]
        }
        // Hadoop's long form: two counts, the finished replicas, a separator, then the open ones with their state (2: waits for recovery).
        var all: [UInt64] = [UInt64(final.count), UInt64(open.count)]
        for replica in final { all += numbers(replica) }
        all += [UInt64.max, UInt64.max, UInt64.max]
        for replica in open {
            all += numbers(replica)
            all.append(2)
        }
        blocks.numbers = all
        var request = BlockReportRequest()
        (request.registration, request.poolID, request.reports) = (registration, poolID, [blocks])
        let _: EmptyMessage = try await call("blockReport", request, at: link)
    }

    /// Reports a replica's new state; the namenode, or each that can be reached, knows it on return.
    func report(_ summary: ReplicaSummary, _ status: ReplicaChange.Status) async throws {
        var change = ReplicaChange()
        change.block = PoolBlock(
            blockID: UInt64(bitPattern: summary.id), generation: UInt64(bitPattern: summary.generation),
            lengthBytes: UInt64(bitPattern: summary.lengthBytes))
        change.status = status
        var list = ReplicaChangesRequest.Storage()
        (list.uuid, list.changes, list.storage) = (storageID, [change], storage)
        var request = ReplicaChangesRequest()
        (request.registration, request.poolID, request.storages) = (registration, poolID, [list])
        let sent = request
        guard links.count > 1 else {
            let _: EmptyMessage = try await call("blockReceivedAndDeleted", sent)
            return
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for link in links where !link.mustRegister { group.addTask { await self.tell(link, sent) } }
            try await group.waitForAll()
        }
        guard links.contains(where: { !$0.mustRegister }) else { throw TransferFailure("no namenode hears of a replica") }
    }

    /// The time for one namenode of several to take a report.
    private static let reportPatience = Duration.seconds(2)

    /// A namenode that does not take a report in time gets all of them later.
    private func tell(_ link: NamenodeLink, _ request: ReplicaChangesRequest) async {
        let call = Task { let _: EmptyMessage = try await self.call("blockReceivedAndDeleted", request, at: link) }
        let watch = Task {
            // The answer's arrival cancels it.
            do { try await Task.sleep(for: Self.reportPatience) } catch { return }
            call.cancel()
        }
        defer { watch.cancel() }
        do { try await call.value } catch { link.fellBehind() }
    }

    /// A reader found a replica damaged.
    func reportDamage(_ id: Int64) async {
        var bad = LocatedBlock()
        bad.block = ExtendedBlock(poolID: poolID, blockID: UInt64(bitPattern: id), generation: 0, lengthBytes: 0)
        bad.locations = [info]
        bad.storageTypes = [.disk]
        bad.storageIDs = [storageID]
        var request = BadBlocksRequest()
        request.blocks = [bad]
        do {
            let _: EmptyMessage = try await call("reportBadBlocks", request)
        } catch { log.warning("the namenode could not be told of a damaged replica", metadata: ["block": "\(id)", "error": "\(error)"]) }
    }

    // MARK: heartbeats

    /// Heartbeats between two renewals of upload leases; a lease is safe for a minute.
    private static let beatsPerRenewal = 20

    private func renewLeases() async throws {
        for (holder, user) in uploads.withLock({ $0 }) {
            var request = RenewLeaseRequest()
            request.clientName = holder
            let _: EmptyMessage = try await namenode.call(RPCProtocol.client, "renewLease", user: user, request)
        }
    }

    /// Sends heartbeats until the task is cancelled.
    func live() async {
        await withTaskGroup(of: Void.self) { group in
            for link in links { group.addTask { await self.live(with: link) } }
            group.addTask { await self.keepUp() }
        }
    }

    private func live(with link: NamenodeLink) async {
        var isHeard = true
        while !Task.isCancelled {
            do {
                if link.mustRegister { try await register(link) }
                for command in try await beat(link) { await obey(command, of: link) }
                isHeard = true
            } catch {
                if isHeard { log.warning("a namenode does not hear this datanode", metadata: ["error": "\(error)"]) }
                isHeard = false
                if links.count > 1 { link.fellBehind() }
            }
            // Only the end wakes it early.
            try? await Task.sleep(for: DatanodeSettings.heartbeatInterval)
        }
    }

    /// The leases of uploads, the ends of broken ones, the room for emergencies.
    private func keepUp() async {
        var beats = 0
        while !Task.isCancelled {
            // Only the end wakes it early.
            try? await Task.sleep(for: DatanodeSettings.heartbeatInterval)
            beats += 1
            do {
                if beats % Self.beatsPerRenewal == 0 { try await renewLeases() }
                await abandonAgain()
                await store.keepReserve()
            } catch { log.warning("the leases of uploads could not be renewed", metadata: ["error": "\(error)"]) }
        }
    }

    private func beat(_ link: NamenodeLink) async throws -> [DatanodeCommand] {
        let space = DiskSpace(of: store.directory)
        var report = StorageReport()
        report.uuid = storageID
        report.storage = storage
        report.usedBytes = UInt64(store.usedBytes)
        report.poolUsedBytes = report.usedBytes
        report.capacityBytes = space.capacityBytes
        report.remainingBytes = space.freeBytes
        report.nonDFSUsedBytes = space.capacityBytes - min(space.capacityBytes, space.freeBytes + report.usedBytes)
        var request = HeartbeatRequest()
        (request.registration, request.reports) = (registration, [report])
        request.transfers = UInt32(max(0, transfers.load(ordering: .relaxed)))
        let answer: HeartbeatAnswer = try await call("sendHeartbeat", request, at: link)
        toldFreeBytes.store(space.freeBytes, ordering: .relaxed)
        return answer.commands
    }

    /// The figures of /jmx.
    var beans: [JMXBean] {
        let space = DiskSpace(of: store.directory)
        let known = registration
        return [
            JMXBean(
                service: "DataNode", name: "FSDatasetState",
                [
                    ("Capacity", .number(Int64(clamping: space.capacityBytes))), ("DfsUsed", .number(Int64(store.usedBytes))),
                    ("Remaining", .number(Int64(clamping: space.freeBytes))),
                    ("NumFailedVolumes", .number(store.health.trouble == nil ? 0 : 1)),
                ]),
            JMXBean(
                service: "DataNode", name: "DataNodeInfo",
                [
                    ("XceiverCount", .number(Int64(max(0, transfers.load(ordering: .relaxed))))), ("DatanodeUuid", .text(uuid)),
                    ("ClusterId", .text(known.storage.clusterID)), ("DataPort", .text("\(known.id.transferPort)")),
                    ("HttpPort", .text("\(known.id.infoPort)")), ("RpcPort", .text("\(known.id.ipcPort)")),
                ]),
        ]
    }

    /// The reason why this datanode takes no blocks at present, or nil; safe from any thread.
    var trouble: String? {
        store.health.trouble
            ?? (toldFreeBytes.load(ordering: .relaxed) < DatanodeSettings.roomBytes ? "the disk has no room for another block" : nil)
    }

    private func obey(_ command: DatanodeCommand, of link: NamenodeLink) async {
        do {
            switch command.kind {
            case .register: try await register(link)
            case .block:
                guard let order = command.block else { return }
                switch order.action {
                case .invalidate: for block in order.blocks { try await delete(block) }
                case .transfer:
                    for (block, targets) in zip(order.blocks, order.targets) {
                        Task { await self.copy(block, to: targets.datanodes) }
                    }
                case .shutdown: return
                }
            case .blockRecovery: for block in command.recovery?.blocks ?? [] { try await recover(block) }
            default: return
            }
        } catch { log.warning("an order of the namenode failed", metadata: ["order": "\(command.printed)", "error": "\(error)"]) }
    }

    /// Deletes a replica, but not one of a later generation than the order's.
    private func delete(_ block: PoolBlock) async throws {
        let (id, generation) = (Int64(bitPattern: block.blockID), Int64(bitPattern: block.generation))
        if let found = try await store.readableSummary(id), generation > 0, found.generation > generation {
            // The namenode does not know this replica, and decides again.
            return try await report(found, found.isFinal ? .received : .receiving)
        }
        try await store.remove(id)
        try await report(ReplicaSummary(id: id, generation: 0, lengthBytes: 0, isFinal: true), .deleted)
    }

    /// Sends a finished replica to other datanodes.
    private func copy(_ block: PoolBlock, to targets: [DatanodeInfo]) async {
        var located = LocatedBlock()
        located.block = ExtendedBlock(poolID: poolID, blockID: block.blockID, generation: block.generation, lengthBytes: block.lengthBytes)
        located.locations = targets
        do { try await send(located, stage: .setupCreate) } catch {
            log.warning("a replica could not be copied", metadata: ["block": "\(block.blockID)", "error": "\(error)"])
        }
    }

    /// Sends a replica of this datanode down a pipeline of others.
    func send(_ located: LocatedBlock, stage: WriteBlockRequest.Stage) async throws {
        let reading = try await store.open(Int64(bitPattern: located.block.blockID))
        defer { reading.close() }
        noteTransfer(1)
        defer { noteTransfer(-1) }
        _ = try await TransferClient.write(located, clientName: "", stage: stage) { write in
            var offset: Int64 = 0
            while offset < reading.summary.lengthBytes {
                let bytes = try await reading.read(
                    at: offset, count: Int(min(Int64(DatanodeSettings.readBytes), reading.summary.lengthBytes - offset)))
                guard bytes.readableBytes > 0 else { throw StreamEnded() }
                try await write(bytes)
                offset += Int64(bytes.readableBytes)
            }
        }
    }

    /// Finishes a replica whose writer is gone at its present length, or cuts it; the namenode closes the file at the reported length.
    private func recover(_ order: RecoveryCommand.Block) async throws {
        let block = order.block.block
        let id = Int64(bitPattern: block.blockID)
        let generation = Int64(bitPattern: order.generation)
        var request = SynchronizationRequest()
        request.block = block
        request.generation = order.generation
        request.closeFile = true
        request.targets = [registration.id]
        request.storages = [storageID]
        let cut = order.truncateTo.map { Int64(bitPattern: $0.lengthBytes) }
        let known = Int64(bitPattern: block.lengthBytes)
        do {
            let writing = try await store.reopen(id, generation: generation) { found in
                guard found.generation <= generation, found.lengthBytes >= known else {
                    throw TransferFailure("blk_\(id) has \(found.lengthBytes) bytes of generation \(found.generation); \(known) are known")
                }
            }
            defer { writing.end() }
            let summary = try await writing.run { replica in
                if let cut { try replica.truncate(to: cut) }
                if replica.lengthBytes > 0 { try replica.finish() }
            }
            request.lengthBytes = UInt64(summary.lengthBytes)
            request.deleteBlock = summary.lengthBytes == 0
            if summary.lengthBytes > 0 { try await report(summary, .received) }
        } catch let error as StorageError where error.cause == .notFound { request.deleteBlock = true } catch let error as StorageError
            where error.isDamage
        {
            // The namenode then asks another datanode.
            await reportDamage(id)
            throw error
        }
        let _: EmptyMessage = try await call("commitBlockSynchronization", request)
    }
}
