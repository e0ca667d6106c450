// The coord service: a ZooKeeper server on the default port 2181. Owns the replica, the sessions' clock, the watches and the connections,
// all on one loop. Rules live in CoordCore, bytes in ZooKeeperWire; nothing here decides what a request means.
import Base
import CoordCore
import Logging
import NetKit
import Replication
import Storage
import ZooKeeperWire

/// A running coord service.
package final class CoordDoor: @unchecked Sendable {
    // Safe to share: all mutable state is touched on `loop` only; `start` and `stop` hop there.
    struct GrantedSession {
        var id: SessionID
        var timeoutMilliseconds: Int32
        var password: Bytes
    }
    struct Counters: Sendable {
        var requests: Counter
        var notifications: Counter
        var expirations: Counter
    }

    package let settings: CoordSettings
    private let loop: NIOServiceLoop
    private let time: any TimeSource
    let log: Logger
    let counters: Counters
    private let replica: ReplicaHost<CoordMachine>
    private let directory: DataDirectory
    private var listener: FrameListener?
    private var connections: [WatcherID: CoordConnection] = [:]
    private var bySession: [SessionID: CoordConnection] = [:]
    private var watches = WatchTable()
    private var clock = SessionClock()
    private var nextWatcher: Int64 = 1
    private var nextSession: Int64
    private var stopped = false
    let startedAt: Instant

    private static var expiryTick: Duration { .milliseconds(200) }

    private init(
        _ settings: CoordSettings, _ loop: NIOServiceLoop, _ time: any TimeSource, _ replica: ReplicaHost<CoordMachine>, _ directory: DataDirectory,
        _ metrics: MetricsRegistry, _ log: Logger
    ) {
        self.settings = settings
        self.loop = loop
        self.time = time
        self.replica = replica
        self.directory = directory
        self.log = log
        counters = Counters(
            requests: metrics.counter("coord_requests", help: "Requests received."),
            notifications: metrics.counter("coord_notifications", help: "Watch events sent."),
            expirations: metrics.counter("coord_session_expirations", help: "Sessions that expired."))
        startedAt = time.now()
        // Session ids grow with the clock and are unique over restarts, as long as fewer than 65,536 begin in a millisecond.
        nextSession = (time.wallTime().milliseconds << 16) & 0x7fff_ffff_ffff_ffff
    }

    /// Opens the data directory, recovers, and listens. Throws StorageError or ListenError.
    package static func start(_ settings: CoordSettings, dataDirectory: String, metrics: MetricsRegistry, log: Logger) async throws -> CoordDoor {
        let directory = try DataDirectory(dataDirectory, service: "coord")
        let loop = NIOServiceLoop()
        let time = SystemTime()
        do {
            let replica = try await ReplicaHost<CoordMachine>.open(
                directory: dataDirectory, name: "coord", loop: loop, time: time, log: log, files: RealFileSystem(onSync: metrics.syncObserver("coord")))
            let door = CoordDoor(settings, loop, time, replica, directory, metrics, log)
            do { try await door.open() } catch {
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
            self.replica.onExecuted = { [unowned self] in self.executed($0) }
            let now = self.time.now()
            for id in self.machine.sessions.ids {
                guard let record = self.machine.sessions[id] else { continue }
                self.clock.watch(id, timeout: .milliseconds(Int64(record.timeoutMilliseconds)), now: now)
            }
            self.scheduleExpiry()
        }
        var limits = FrameLimits(frameBytesMax: CoordSettings.frameBytesMax, firstFrameBytesMax: 16 << 10)
        limits.firstFrameTimeout = CoordSettings.handshakeTimeout
        limits.connectionsPerAddressMax = settings.connectionsPerAddressMax
        listener = try await FrameListener.bind(settings.listen, loop: loop, limits: limits, tls: settings.tls, log: log) { [unowned self] frames in
            self.accept(frames)
        }
    }

    package var address: HostPort { listener?.address ?? settings.listen }
    /// Why writes are refused at present, or nil; may be asked from any thread.
    package var trouble: String? { replica.trouble }

    /// Stops taking connections, makes everything durable, closes. Sessions stay and go on after a restart.
    package func stop() async {
        await listener?.stopAccepting()
        await onLoop { self.stopped = true }
        await replica.stop()
        await listener?.closeConnections()
        // The loop's thread has nothing left to do; a failure to join it changes nothing.
        try? await loop.stop()
        directory.release()
    }

    private func onLoop(_ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute {
                body()
                continuation.resume()
            }
        }
    }

    // MARK: what connections use, on the loop

    var machine: CoordMachine { _read { yield replica.machine } }
    var zxid: Int64 { replica.machine.zxid }
    var connectionCount: Int { connections.count }
    var watchCount: Int { watches.count }
    var connectionList: [CoordConnection] { connections.values.sorted { $0.id < $1.id } }
    var uptime: Duration { time.now() - startedAt }
    var writeRefusal: ReplicaRefusal? { replica.writeRefusal }

    private func accept(_ frames: FrameConnection) -> CoordConnection {
        let connection = CoordConnection(id: WatcherID(nextWatcher), frames: frames, door: self)
        nextWatcher += 1
        connections[connection.id] = connection
        return connection
    }

    func connectionClosed(_ connection: CoordConnection) {
        connections[connection.id] = nil
        watches.forget(connection.id)
        for (session, holder) in bySession where holder === connection { bySession[session] = nil }
    }

    func heardFrom(_ session: SessionID) { clock.touch(session, now: time.now()) }

    func propose(_ command: CoordCommand, _ completion: @escaping (Result<CoordOutcome, ReplicaRefusal>) -> Void) {
        replica.propose(command, completion)
    }

    // MARK: sessions

    /// Opens a session or takes an existing one over; nil if there is none to take over.
    func attach(_ connection: CoordConnection, _ request: ConnectRequest, _ done: @escaping (GrantedSession?) -> Void) {
        let timeout = min(max(request.timeoutMilliseconds, settings.sessionMillisecondsMin), settings.sessionMillisecondsMax)
        guard request.sessionID == 0 else { return takeOver(connection, request, timeout, done) }
        let id = SessionID(nextSession)
        nextSession += 1
        let password = Digests.randomBytes(16)
        propose(.openSession(id, timeoutMilliseconds: timeout, password: password)) { [weak self, weak connection] result in
            guard let self, case .success = result else { return done(nil) }
            self.clock.watch(id, timeout: .milliseconds(Int64(timeout)), now: self.time.now())
            if let connection { self.bySession[id] = connection }
            done(GrantedSession(id: id, timeoutMilliseconds: timeout, password: password))
        }
    }

    private func takeOver(_ connection: CoordConnection, _ request: ConnectRequest, _ timeout: Int32, _ done: (GrantedSession?) -> Void) {
        let id = SessionID(request.sessionID)
        guard let record = machine.sessions[id], let password = request.password, Digests.equal(password, record.password) else { return done(nil) }
        bySession[id]?.end()
        bySession[id] = connection
        clock.watch(id, timeout: .milliseconds(Int64(timeout)), now: time.now())
        done(GrantedSession(id: id, timeoutMilliseconds: timeout, password: record.password))
    }

    private func scheduleExpiry() {
        loop.schedule(after: Self.expiryTick) { [weak self] in
            guard let self, !self.stopped else { return }
            for id in self.clock.expire(now: self.time.now()) { self.expire(id) }
            self.scheduleExpiry()
        }
    }

    private func expire(_ id: SessionID) {
        counters.expirations.add()
        log.info("session expired", metadata: ["session": "0x\(String(id.rawValue, radix: 16))"])
        propose(.closeSession(id)) { [weak self] result in
            guard let self, case .failure = result else { return }
            // Nothing was decided, so the session lives on and is looked at again.
            self.clock.watch(id, timeout: Self.expiryTick, now: self.time.now())
        }
    }

    // MARK: watches

    private func executed(_ outcome: CoordOutcome) {
        for event in outcome.events { fire(event, zxid: outcome.zxid) }
        if let session = outcome.closedSession {
            clock.forget(session)
            // A client that closes its own session still waits for the reply; everybody else is cut off.
            if let connection = bySession.removeValue(forKey: session), connection.pendingCount == 0 { connection.end() }
        }
    }

    private func fire(_ event: TreeEvent, zxid: Int64) {
        let (path, watchers) = watches.fire(event)
        for watcher in watchers {
            guard let connection = connections[watcher], mayLearn(event, path, connection) else { continue }
            counters.notifications.add()
            connection.notify(event.watchEvent, zxid: zxid)
        }
    }

    /// What a session may not read it does not hear of either.
    private func mayLearn(_ event: TreeEvent, _ path: String, _ connection: CoordConnection) -> Bool {
        guard let node = machine.tree.node(path) else { return true }
        return AccessControl.allows(node.acl, .read, to: connection.identities)
    }

    func readContext(_ connection: CoordConnection) -> ReadContext {
        ReadContext(identities: connection.identities) { [unowned self] kind, path in self.watches.add(connection.id, kind, path) }
    }

    /// Sets the watches of a client that came back, and tells it at once what it missed.
    func restoreWatches(_ request: SetWatchesRequest, for connection: CoordConnection, _ done: () -> Void) {
        func restore(_ path: String, _ kind: WatchKind, missed: TreeEvent?) {
            if let missed { return connection.notify(missed.watchEvent, zxid: zxid) }
            if !watches.add(connection.id, kind, path) { connection.end() }
        }
        for path in request.data {
            let node = machine.tree.node(path)
            restore(path, .data, missed: node.map { $0.stat.mzxid > request.relativeZxid ? .dataChanged(path) : nil } ?? .deleted(path))
        }
        for path in request.exists {
            restore(path, .data, missed: machine.tree.node(path) == nil ? nil : .created(path))
        }
        for path in request.children {
            let node = machine.tree.node(path)
            restore(path, .child, missed: node.map { $0.stat.pzxid > request.relativeZxid ? .childrenChanged(path) : nil } ?? .deleted(path))
        }
        done()
    }
}

extension TreeEvent {
    var watchEvent: WatchEvent {
        switch self {
        case .created(let path): WatchEvent(type: .created, path: path)
        case .deleted(let path): WatchEvent(type: .deleted, path: path)
        case .dataChanged(let path): WatchEvent(type: .dataChanged, path: path)
        case .childrenChanged(let path): WatchEvent(type: .childrenChanged, path: path)
        }
    }
}
