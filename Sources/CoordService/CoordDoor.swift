// The coord service: a ZooKeeper server on the default port 2181. Owns the replica, the sessions' clock, the watches and the connections,
// all on one loop. Rules live in CoordCore, bytes in ZooKeeperWire; nothing here interprets a request.
import Base
import Collections
import CoordCore
import Logging
import NetKit
import Replication
import Storage
import ZooKeeperWire

/// A running coord service.
package final class CoordDoor: @unchecked Sendable {
    // Safe to share: all mutable state is touched on `loop` only; `start` and `stop` hop there.
    struct Counters: Sendable {
        var requests: Counter
        var notifications: Counter
        var expirations: Counter
        var refusedSessions: Counter
        var authenticationFailures: Counter
        var reapedNodes: Counter
        var reapingRefusals: Counter
        var reads: DurationHistogram
        var updates: DurationHistogram
        var syncs: DurationHistogram

        init(_ metrics: MetricsRegistry) {
            requests = metrics.counter("coord_requests", help: "Requests received.")
            notifications = metrics.counter("coord_notifications", help: "Watch events sent.")
            expirations = metrics.counter("coord_session_expirations", help: "Sessions that expired.")
            refusedSessions = metrics.counter("coord_refused_sessions", help: "Sessions beyond the limits, not opened.")
            authenticationFailures = metrics.counter("coord_authentication_failures", help: "Logins that were refused.")
            reapedNodes = metrics.counter("coord_reaped_nodes", help: "Containers and nodes with a time to live that went by themselves.")
            reapingRefusals = metrics.counter("coord_reaping_refusals", help: "Commands that were to delete such nodes and were refused.")
            let help = "Time from a request to its answer, by whether the request changes the tree or the session."
            reads = metrics.histogram("coord_request_duration", help: help, labels: [("kind", "read")])
            updates = metrics.histogram("coord_request_duration", help: help, labels: [("kind", "update")])
            syncs = metrics.syncs("coord")
        }
    }

    package let settings: CoordSettings
    let loop: NIOServiceLoop
    let time: any TimeSource
    let log: Logger
    let counters: Counters
    /// Nil unless it is asked for.
    let audit: AuditLog?
    let replica: ReplicaHost<CoordMachine>
    let dataDirectory: String
    private let directory: DataDirectory
    private var listener: FrameListener?
    private var secureListener: FrameListener?
    private var admin: AdminServer?
    var connections: [WatcherID: CoordConnection] = [:]
    var bySession: [SessionID: CoordConnection] = [:]
    /// Connections that have asked for a session, by their own number.
    var byOwner: [Int64: CoordConnection] = [:]
    /// Those that were heard from here since the leader was last told.
    var heard: [CoordConnection] = []
    var links: PeerLinks?
    /// Whether clients are taken: not while no leader is to be had.
    var isServing = true
    /// Whether those are taken that are content to read: only while no leader is to be had.
    var isReadOnly = false
    var leaderlessTicks = 0
    var watches: WatchTable
    /// Connections with work left that has to wait, in the order in which they go on.
    private var waitingForTurn = Deque<CoordConnection>()
    private var isWorkingOff = false
    private let memory: MemoryBudget
    var sessions: SessionBook
    var statistics = RequestStatistics()
    private var throttle: Throttle
    private var heldConnections: [WatcherID: CoordConnection] = [:]
    private var nextWatcher: Int64 = 1
    private(set) var isStopped = false
    /// Commands executed since the start, and how often no leader was known.
    private(set) var executedCount = 0
    var leaderlessCount = 0
    let startedAt: Instant
    /// The monotonic clock.
    var now: Instant { time.now() }

    private init(
        _ settings: CoordSettings, _ loop: NIOServiceLoop, _ time: any TimeSource, _ replica: ReplicaHost<CoordMachine>,
        _ directory: DataDirectory,
        _ path: String, _ metrics: MetricsRegistry, _ counters: Counters, _ log: Logger
    ) {
        self.settings = settings
        self.loop = loop
        self.time = time
        self.replica = replica
        self.directory = directory
        dataDirectory = path
        self.log = log
        audit = settings.audits ? AuditLog(log) : nil
        watches = WatchTable(limits: WatchLimits(watches: settings.watchesMax, watchesPerWatcher: settings.watchesPerConnectionMax))
        memory = MemoryBudget(name: "clients", limitBytes: settings.clientMemoryMax, parent: settings.processMemory)
        metrics.memory(memory, service: "coord")
        throttle = Throttle(requestsMax: settings.outstandingMax, bytesMax: settings.outstandingBytesMax)
        self.counters = counters
        startedAt = time.now()
        sessions = SessionBook(first: Self.firstSession(server: settings.ensemble?.id ?? 0, startedAt: time.wallTime()))
    }

    /// Opens the data directory, recovers, and listens. Throws StorageError or ListenError.
    package static func start(_ settings: CoordSettings, dataDirectory: String, metrics: MetricsRegistry, log: Logger) async throws
        -> CoordDoor
    {
        let directory = try DataDirectory(dataDirectory, service: "coord")
        let loop = NIOServiceLoop(turns: metrics.loopTurns("coord"))
        let counters = Counters(metrics)
        let time = SystemTime()
        do {
            let replica = try await ReplicaHost<CoordMachine>.open(
                try replicaOptions(settings, dataDirectory, counters), loop: loop, time: time, log: log)
            let door = CoordDoor(settings, loop, time, replica, directory, dataDirectory, metrics, counters, log)
            do { try await door.open() } catch {
                await door.stopListening()
                await door.links?.stop()
                await replica.stop()
                throw error
            }
            return door
        } catch {
            try await loop.stop()
            directory.release()
            throw error
        }
    }

    private func open() async throws {
        await onLoop {
            self.replica.events.onExecuted = { [unowned self] in self.executed($0) }
            self.replica.events.onLeader = { [unowned self] in self.leaderChanged($0) }
            self.replica.events.onMembers = { [unowned self] in self.membersChanged() }
            self.replica.events.onInstalled = { [unowned self] in self.stateReplaced() }
            self.watchSessions()
            self.scheduleExpiry()
            self.scheduleReaping()
        }
        var limits = FrameLimits(frameBytesMax: settings.requestBytesMax, firstFrameBytesMax: 16 << 10)
        limits.firstFrameTimeout = CoordSettings.handshakeTimeout
        limits.connectionsPerAddressMax = settings.connectionsPerAddressMax
        limits.readAheadBytesMax = CoordSettings.readAheadBytesMax
        limits.memory = memory
        limits.memoryPerAddressMax = settings.clientMemoryPerAddressMax
        // With a port of its own for TLS the other one stays plain.
        let tls = settings.secureListen == nil ? settings.tls : nil
        listener = try await FrameListener.bind(settings.listen, loop: loop, limits: limits, tls: tls, log: log) { [unowned self] in
            self.accept($0)
        }
        if let address = settings.secureListen, let tls = settings.tls {
            secureListener = try await FrameListener.bind(address, loop: loop, limits: limits, tls: tls, log: log) { [unowned self] in
                self.accept($0)
            }
        }
        // Tells the others this server's client address.
        if let ensemble = settings.ensemble { try await joinPeers(ensemble) }
        audit?.started()
        if let address = settings.adminListen { admin = try await AdminServer.start(address, self, log) }
    }

    package var address: HostPort { listener?.address ?? settings.listen }
    /// Where clients connect by TLS, if they can.
    package var secureAddress: HostPort? { secureListener?.address }
    /// Where the AdminServer answers, if it does.
    package var adminAddress: HostPort? { admin?.address }
    var requestedConnections: Int { (listener?.requestedConnections ?? 0) + (secureListener?.requestedConnections ?? 0) }
    var refusedConnections: Int { (listener?.refusedConnections ?? 0) + (secureListener?.refusedConnections ?? 0) }
    /// Why requests are refused at present, or nil; may be asked from any thread.
    package var trouble: String? { replica.trouble }

    /// Stops taking connections, makes everything durable, closes. Sessions stay and go on after a restart.
    package func stop() async {
        audit?.stopped()
        await stopListening()
        await admin?.stop()
        // It holds on to this door.
        admin = nil
        await onLoop { self.isStopped = true }
        await replica.stop()
        await links?.stop()
        await listener?.closeConnections()
        await secureListener?.closeConnections()
        // The loop's thread has nothing left to do; a failure to join it changes nothing.
        try? await loop.stop()
        directory.release()
    }

    private func stopListening() async {
        await listener?.stopAccepting()
        await secureListener?.stopAccepting()
    }

    /// Runs `body` on the loop, where all state is at home.
    func onLoop<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { (continuation: CheckedContinuation<T, Never>) in
            loop.execute { continuation.resume(returning: body()) }
        }
    }

    // MARK: what connections use, on the loop

    var machine: CoordMachine { _read { yield replica.machine } }
    var zxid: Int64 { replica.machine.zxid }
    var connectionList: [CoordConnection] { connections.values.sorted { $0.id < $1.id } }
    var uptime: Duration { time.now() - startedAt }

    private func accept(_ frames: FrameConnection) -> CoordConnection {
        let connection = CoordConnection(id: WatcherID(nextWatcher), frames: frames, door: self)
        nextWatcher += 1
        connections[connection.id] = connection
        return connection
    }

    func connectionClosed(_ connection: CoordConnection) {
        connections[connection.id] = nil
        heldConnections[connection.id] = nil
        forgetWatches(of: connection.id)
        if connection.owner != 0 { byOwner[connection.owner] = nil }
        if let session = connection.attached, bySession[session] === connection { bySession[session] = nil }
    }

    /// Gives up the watches of a connection that is gone, some in each turn.
    private func forgetWatches(of id: WatcherID) {
        if !watches.forget(id, pathsMax: WatchRestore.pathsMax) { loop.executeNextTurn { self.forgetWatches(of: id) } }
    }

    /// The connection has used up its share of this turn, or comes behind others that have to wait.
    func waitForTurn(_ connection: CoordConnection) {
        waitingForTurn.append(connection)
        if waitingForTurn.count == 1, !isWorkingOff { loop.executeNextTurn { self.workOff() } }
    }

    /// Whether a connection may begin a request: not ahead of those that wait.
    var hasTime: Bool { isWorkingOff || waitingForTurn.isEmpty }

    /// One after the other goes on, each once, as far as there is time.
    private func workOff() {
        let began = now
        isWorkingOff = true
        for _ in 0..<waitingForTurn.count {
            guard now - began <= CoordSettings.turnMax, let next = waitingForTurn.popFirst() else { break }
            next.work()
        }
        isWorkingOff = false
        if !waitingForTurn.isEmpty { loop.executeNextTurn { self.workOff() } }
    }

    func propose(_ command: CoordCommand, _ completion: @escaping (Result<CoordOutcome, ReplicaRefusal>) -> Void) {
        replica.propose(command, completion)
    }

    private func executed(_ outcome: CoordOutcome) {
        executedCount += 1
        for event in outcome.events { fire(event, zxid: outcome.zxid) }
        if let session = outcome.attachedSession { sessionAttached(session) }
        if let session = outcome.closedSession {
            audit?.ended(session, outcome.events)
            sessionClosed(session)
        }
    }

    func authenticationFailed(_ connection: CoordConnection, scheme: String) {
        counters.authenticationFailures.add()
        log.warning("login refused", metadata: ["remote": "\(connection.remote)", "scheme": "\(scheme.prefix(32))"])
    }

    // MARK: counting and holding back

    func noteReceived() {
        counters.requests.add()
        statistics.noteReceived()
    }

    func noteSent() { statistics.noteSent() }

    func noteAnswered(_ operation: OpCode?, after latency: Duration) {
        statistics.noteAnswered(after: latency)
        (operation?.isUpdate == true ? counters.updates : counters.reads).observe(latency)
    }

    var isFull: Bool { throttle.isFull }
    var outstanding: Int { throttle.requests }
    var holds: Int { throttle.holds }

    func requestBegan(bytes: Int) { throttle.begin(bytes: bytes) }

    func requestEnded(bytes: Int) {
        throttle.end(bytes: bytes)
        guard throttle.isRelaxed, !heldConnections.isEmpty else { return }
        for connection in heldConnections.values.sorted(by: { $0.id < $1.id }) where connection.release() { released(connection) }
    }

    func released(_ connection: CoordConnection) { heldConnections[connection.id] = nil }

    func held(_ connection: CoordConnection) {
        throttle.noteHold()
        heldConnections[connection.id] = connection
    }
}
