// The namenode: the replicated namespace, and beside it the reported state: places of replicas, leases, safe mode. It turns commands into
// answers and tells the board which blocks may go. It never touches file data.
import Base
import DFSCore
import HadoopNet
import HadoopWire
import Logging
import NetKit
import Replication

/// Reported state, not in the log. Confined to the replica's loop.
final class SoftState: @unchecked Sendable {
    // Safe to share: touched on the replica's loop only.
    var board: ReplicaBoard
    var leases: Leases
    var safeMode = SafeMode.off
    /// Files in recovery, and the time of the last order to a datanode.
    var recoveries = LookupTable<InodeID, Instant>()
    var survey = BlockSurvey()
    var office = Office()
    var trash: TrashSchedule
    /// The operator's file of datanodes that leave or rest, as last read.
    var hosts = DatanodeHosts()
    /// Until then the last look for datanodes that may be switched off serves.
    var dutyLookAfter: Instant?
    /// The last node whose past states were looked at after a snapshot's end; nil if none are to be.
    var trimsAfter: InodeID? = InodeID(0)

    init(now: Instant, _ settings: NamenodeSettings) {
        board = ReplicaBoard(silenceMax: settings.datanodeSilence)
        leases = Leases(now: now)
        trash = settings.operation.trash
    }
}

/// Names, blocks, permissions, places.
final class Namenode: Sendable {
    let replica: ReplicaHost<DFSMachine>
    let settings: NamenodeSettings
    let loop: NIOServiceLoop
    let soft: SoftState
    let log: Logger
    private let time = SystemTime()

    init(replica: ReplicaHost<DFSMachine>, settings: NamenodeSettings, loop: NIOServiceLoop, log: Logger) {
        self.replica = replica
        self.settings = settings
        self.loop = loop
        self.log = log
        soft = SoftState(now: time.now(), settings)
    }

    func now() -> Instant { time.now() }
    func wallTime() -> WallTime { time.wallTime() }

    func caller(_ user: String) -> Caller {
        let name = user.isEmpty ? WebHDFSCall.anonymous : user
        return Caller(user: name, isSuper: name.utf8.elementsEqual(settings.superUser.utf8))
    }

    /// Executes a command and returns its answer. `retry`: the client may repeat the request and gets the same answer. Throws DFSRefusal or
    /// ReplicaRefusal.
    @discardableResult func execute(_ command: DFSCommand, retry: RetryID? = nil) async throws -> DFSOutcome.Answer {
        try await checkSafeMode()
        return try await replica.propose(retry.map { .once($0, command) } ?? command).answer.get()
    }

    func flag(_ command: DFSCommand, retry: RetryID? = nil) async throws -> Bool {
        guard case .flag(let value) = try await execute(command, retry: retry) else { return true }
        return value
    }

    /// Reads the namespace and the reported state.
    func look<T: Sendable>(_ body: @escaping @Sendable (borrowing DFSMachine, SoftState) throws -> T) async throws -> T {
        try await replica.read { [soft] machine in Result { try body(machine, soft) } }.get()
    }

    /// The inode at a path that the caller may traverse.
    static func find(_ path: String, _ caller: Caller, in machine: borrowing DFSMachine) throws(DFSRefusal) -> Inode {
        guard let parts = FilePath.components(path) else { throw .invalidPath(path) }
        if let place = try SnapshotPath(parts, path, caller, in: machine) { return try place.node(path, caller, in: machine) }
        try machine.namespace.checkTraverse(caller, parts)
        guard let inode = machine.namespace.lookup(parts) else { throw .notFound(path) }
        return inode
    }

    static func wanted(_ id: BlockID, in machine: borrowing DFSMachine) -> WantedBlock? {
        machine.namespace.wanted(id).map { WantedBlock(block: $0.block, replication: Int($0.replication)) }
    }

    // MARK: identity

    /// The identity of this file system, for clients and datanodes.
    struct Identity: Sendable {
        var namespaceID: Int64
        var poolID: String { "BP-\(namespaceID)-platform" }
        var clusterID: String { "CID-\(namespaceID)" }
    }

    func identity() async -> Identity { Identity(namespaceID: await replica.read { $0.namespace.counters.namespaceID }) }

    /// After the start of a namenode without peers: gives the file system its number if it has none, and ends the WebHDFS uploads that the
    /// last stop cut off, if their datanodes ended with it.
    func begin() async throws {
        let hosts = try DatanodeHosts.read(settings.operation.hostsFile)
        try await look { _, soft in soft.hosts = hosts }
        try await look { [soft] _, _ in
            self.replica.events.onExecuted = { soft.board.forget($0.removedBlocks, givesOrders: soft.office.isHeld) }
        }
        guard settings.ensemble == nil else { return }
        // These two do not wait for datanodes.
        _ = try await replica.propose(.name(.identify(Int64.random(in: 1...Int64(Int32.max))))).answer.get()
        if settings.hasDatanodes { _ = try await replica.propose(.file(.abandonUploads)).answer.get() }
        try await look { machine, soft in
            soft.office.isHeld = true
            soft.safeMode = self.startingMode(machine)
        }
    }

    // MARK: leases and recovery

    /// Opens a file. If its writer is silent for long, starts the recovery first and tells the caller to retry.
    func opening<T>(_ path: String, _ body: () async throws -> T) async throws -> T {
        do { return try await body() } catch DFSRefusal.beingWritten(let path, let holder) {
            if holder == FileCommand.recoverer { throw DFSRefusal.inRecovery(path) }
            let now = now()
            let isSilent = try await look { _, soft in soft.leases.isOver(Leases.softLimit, holder, now: now) }
            guard isSilent,
                let inode = try await look({ machine, _ in FilePath.components(path).flatMap { machine.namespace.lookup($0)?.id } })
            else {
                throw DFSRefusal.beingWritten(path, by: holder)
            }
            if try await recover(inode) { return try await body() }
            throw DFSRefusal.inRecovery(path)
        }
    }

    /// Whether the file is closed now; if not, a datanode recovers its end.
    func recover(_ inode: InodeID) async throws -> Bool {
        guard case .recovering(let block) = try await execute(.file(.beginRecovery(inode))) else { return true }
        return try await recover(inode, block)
    }

    /// `block` has its new generation and its known length.
    func recover(_ inode: InodeID, _ block: Block) async throws -> Bool {
        let now = now()
        let patience = settings.datanodeSilence
        let isNowhere = try await look { machine, soft in
            soft.recoveries[inode] = now
            let oldest = machine.namespace.wanted(block.id)?.block.generation ?? block.generation
            return !soft.board.recover(block, oldest: oldest, known: block.leastBytes) && !soft.board.hasPlaces(block.id)
                && now - soft.leases.began > patience
        }
        // A block with no promised byte, on no datanode although all had the time to report, was never the file's.
        guard isNowhere, block.lengthBytes == 0 else { return false }
        try await execute(.file(.endRecovery(block, drop: true)))
        return true
    }

    /// A WebHDFS upload without its datanode is no file; any other file is closed at its end.
    private func endWriting(_ inode: InodeID) async throws {
        let holder = try await look { machine, _ in machine.namespace.inode(inode)?.file?.writer ?? "" }
        if holder.utf8.starts(with: FileCommand.uploadPrefix.utf8) {
            try await execute(.abandonFile(inode, writer: holder))
        } else {
            _ = try await recover(inode)
        }
    }

    static let recoveryPatience = Duration.seconds(10)

    /// Once a second: silent datanodes, blocks with too few copies, files without a living writer, the rest of deleted trees,
    /// trashes.
    func tick() async {
        let now = now()
        do {
            try await mendReplicas(now: now)
            guard await holdsOffice() else { return }
            try await leaveSafeModeIfReported()
            guard try await look({ _, soft in soft.safeMode == .off }) else { return }
            try await freeDatanodes(now: now)
            try await removeDeleted()
            try await trimVersions()
            for inode in try await overdueFiles(now: now) {
                do { try await endWriting(inode) } catch {
                    log.warning("a file could not be recovered", metadata: ["inode": "\(inode)", "error": "\(error)"])
                }
            }
            try await emptyTrashes()
        } catch { log.debug("the work of a second is left to the next one", metadata: ["error": "\(error)"]) }
    }
}
