// The broker's life cycle: opens metadata and partitions, listens, and closes without losing an acknowledged record. The service runs on an
// event loop of its own; disk threads do the disk work and report to the loop.
import Base
import BrokerCore
import Logging
import NetKit
import Replication
import Storage

/// Settings that contradict each other.
package struct ConfigurationProblem: Error, CustomStringConvertible {
    package var description: String
}

/// A running broker.
package final class BrokerDoor: Sendable {
    private let directory: DataDirectory
    private let loop: NIOServiceLoop
    private let disks: [DiskThread]
    private let replica: ReplicaHost<BrokerMachine>
    private let broker: Broker
    private let listener: FrameListener
    private let log: Logger

    private init(
        _ directory: DataDirectory, _ loop: NIOServiceLoop, _ disks: [DiskThread], _ replica: ReplicaHost<BrokerMachine>, _ broker: Broker,
        _ listener: FrameListener, _ log: Logger
    ) {
        self.directory = directory
        self.loop = loop
        self.disks = disks
        self.replica = replica
        self.broker = broker
        self.listener = listener
        self.log = log
    }

    /// The bound address.
    package var address: HostPort { listener.address }
    /// The durability of an acknowledged append, for people.
    package var durability: String {
        switch broker.settings.durability {
        case .beforeAcknowledging: "synced before it is acknowledged"
        case .every(let interval): "synced every \(interval.inMilliseconds) ms, flush.messages and flush.ms of a topic sooner"
        }
    }
    /// The reason why writes are refused at present, or nil; callable from any thread.
    package var trouble: String? { replica.trouble ?? broker.health.trouble }

    /// The brokers of the cluster that this one knows to be alive; 1 for a standalone broker.
    package func liveBrokers() async -> Int {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: self.broker.isClustered ? self.broker.machine.cluster.alive.count : 1) }
        }
    }

    /// Opens everything and listens. Throws StorageError, ListenError or an error of the tables.
    package static func start(
        _ settings: BrokerSettings, dataDirectory: String, metrics: MetricsRegistry = MetricsRegistry(), log: Logger
    ) async throws -> BrokerDoor {
        let directory = try DataDirectory(dataDirectory, service: "broker")
        let loop = NIOServiceLoop(turns: metrics.loopTurns("broker"))
        let disks = (0..<max(1, settings.diskThreads)).map { DiskThread(name: "broker-disk-\($0)") }
        do {
            let files = RealFileSystem(onSync: metrics.syncObserver("broker"))
            var options = ReplicaOptions(directory: dataDirectory + "/meta", name: "broker", files: files)
            if let peers = settings.cluster?.peers {
                let address = peers.peers.first { $0.id == peers.id }?.address ?? peers.listen
                let me = Member(id: NodeID(peers.id), address: "\(address)")
                options.membership = try EnsembleFile.membership(
                    me, peers.peers.map { Member(id: NodeID($0.id), address: "\($0.address)") }, options.directory, files)
            } else {
                try EnsembleFile.checkAlone(options.directory, files)
            }
            let replica = try await ReplicaHost<BrokerMachine>.open(options, loop: loop, time: SystemTime(), log: log)
            do {
                let broker = try await open(settings, dataDirectory, replica, loop, disks, files, metrics, log)
                let listener = try await listen(broker, loop)
                do { try await join(broker, listener, loop) } catch {
                    await listener.stopAccepting()
                    await listener.closeConnections()
                    throw error
                }
                return BrokerDoor(directory, loop, disks, replica, broker, listener, log)
            } catch {
                await replica.stop()
                throw error
            }
        } catch {
            for disk in disks { disk.stop() }
            // The start has failed already, for a reason that tells more than a loop that ends late.
            try? await loop.stop()
            directory.release()
            throw error
        }
    }

    private static func open(
        _ settings: BrokerSettings, _ dataDirectory: String, _ replica: ReplicaHost<BrokerMachine>, _ loop: NIOServiceLoop,
        _ disks: [DiskThread],
        _ files: RealFileSystem, _ metrics: MetricsRegistry, _ log: Logger
    ) async throws -> Broker {
        var random = SystemRandomNumberGenerator()
        let broker = Broker(
            settings: settings, dataDirectory: dataDirectory, loop: loop, time: SystemTime(), log: log, replica: replica, disks: disks,
            files: files,
            metrics: metrics, random: Prng(seed: random.next()))
        guard settings.cluster == nil else { return broker }
        _ = try await replica.propose(.identify(clusterID: UUIDBytes(high: random.next(), low: random.next())))
        try await makeFirstUser(settings, replica)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.execute { broker.openAll { continuation.resume(with: $0) } }
        }
        return broker
    }

    /// Joins the cluster, if there is one. Each start repeats the one-time announcements until the cluster knows them.
    private static func join(_ broker: Broker, _ listener: FrameListener, _ loop: NIOServiceLoop) async throws {
        guard var cluster = broker.settings.cluster else { return }
        // A broker that listens on all addresses is advertised at its peer address.
        let isEverywhere = ["0.0.0.0", "::"].contains(listener.address.host)
        cluster.clientAddress = isEverywhere ? HostPort(cluster.peers.listen.host, listener.address.port) : listener.address
        let links = try await PeerLinks.listen(cluster.peers, loop: loop, log: broker.log)
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute { [cluster] in
                var random = SystemRandomNumberGenerator()
                let member = ClusterMember(broker, cluster, links, incarnation: UUIDBytes(high: random.next(), low: random.next()))
                broker.cluster = member
                member.join()
                member.beginning = beginCluster(broker)
                broker.placeAll()
                broker.scheduleUpkeep()
                continuation.resume()
            }
        }
        await waitForRegistration(broker, loop)
    }

    /// Waits a moment until the cluster has registered this broker: earlier clients would get metadata of the other brokers only. The wait
    /// is bounded, since the first brokers of a cluster have no others yet.
    private static func waitForRegistration(_ broker: Broker, _ loop: NIOServiceLoop) async {
        let deadline = broker.now + BrokerSettings.registrationPatience
        while broker.now < deadline {
            let isKnown = await withCheckedContinuation { continuation in
                loop.execute { continuation.resume(returning: broker.cluster?.isRegistered ?? true) }
            }
            if isKnown { return }
            // Woken early by a cancelled start, it looks once more.
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Proposes the cluster's id and first user once enough brokers are up to decide; the start does not wait for that.
    private static func beginCluster(_ broker: Broker) -> Task<Void, any Error> {
        Task {
            while !Task.isCancelled {
                do {
                    guard await isMember(broker) else {
                        try await Task.sleep(for: .milliseconds(100))
                        continue
                    }
                    if await broker.replica.read({ $0.clusterID == nil }) {
                        var random = SystemRandomNumberGenerator()
                        _ = try await broker.replica.propose(.identify(clusterID: UUIDBytes(high: random.next(), low: random.next())))
                    }
                    return try await makeFirstUser(broker.settings, broker.replica)
                } catch let problem as ConfigurationProblem {
                    broker.log.error(
                        "nobody can log in",
                        metadata: ["reason": "\(problem)", "next": "name broker.first-user and its password file on one of the brokers"])
                    return
                } catch { try await Task.sleep(for: .milliseconds(500)) }
            }
        }
    }

    /// Whether the broker is a member of its cluster: a newcomer does not propose the cluster's id and first user.
    private static func isMember(_ broker: Broker) async -> Bool {
        await withCheckedContinuation { continuation in
            broker.loop.execute { continuation.resume(returning: broker.cluster?.isMember ?? true) }
        }
    }

    /// Makes the first user. A broker that requires a login and has no user is a configuration error.
    private static func makeFirstUser(_ settings: BrokerSettings, _ replica: ReplicaHost<BrokerMachine>) async throws {
        if let (name, password) = settings.access.firstUser {
            let isKnown = await replica.read { machine in ScramMechanism.allCases.contains { machine.users[ScramUser(name, $0)] != nil } }
            if !isKnown {
                for mechanism in ScramMechanism.allCases {
                    let credential = ScramExchange.credential(mechanism, password: Bytes(string: password))
                    _ = try await replica.propose(.security(.setUser(ScramUser(name, mechanism), credential)))
                }
            }
        }
        guard settings.access.requiresLogin, settings.access.oauth == nil, await replica.read({ $0.users.isEmpty }) else { return }
        throw ConfigurationProblem(description: "the broker asks everybody to log in, and there is no user")
    }

    private static func listen(_ broker: Broker, _ loop: NIOServiceLoop) async throws -> FrameListener {
        let settings = broker.settings
        var limits = FrameLimits(frameBytesMax: settings.connections.requestBytesMax)
        limits.connectionsMax = settings.connections.countMax
        limits.connectionsPerAddressMax = settings.connections.countPerAddressMax
        limits.memory = broker.memory.clients
        limits.memoryPerAddressMax = settings.connections.memoryPerAddressMax
        limits.idleTimeout = settings.connections.idleMax
        return try await FrameListener.bind(
            settings.listen, loop: loop, limits: limits, tls: settings.connections.tls, log: broker.log,
            holdUp: { broker.quotas.connected(from: $0) },
            session: { BrokerSession($0, broker) })
    }

    /// Stops accepting, makes pending appends durable, and closes. At most about two seconds. Called once.
    package func stop() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute {
                guard let cluster = self.broker.cluster else { return continuation.resume() }
                cluster.leave { continuation.resume() }
            }
        }
        await listener.stopAccepting()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute { self.broker.drain { continuation.resume() } }
        }
        await listener.closeConnections()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            loop.execute { self.broker.closeLogs { continuation.resume() } }
        }
        broker.health.stop()
        await broker.cluster?.stop()
        await replica.stop()
        broker.cleaner.end()
        broker.logins.stop()
        broker.checks.end()
        await stopSyncing()
        for disk in disks { disk.stop() }
        do { try await loop.stop() } catch { log.warning("the event loop ended late", metadata: ["error": "\(error)"]) }
        directory.release()
    }

    /// Ends the started syncs before the disk threads, to which they report.
    private func stopSyncing() async {
        for disk in disks {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in disk.submit { continuation.resume() } }
        }
        broker.syncThread.stop()
    }
}

extension Broker {
    /// Opens every partition in the metadata, and removes the files of deleted topics.
    func openAll(_ done: @escaping (Result<Void, any Error>) -> Void) {
        var failure: StorageError?
        let gathering = Gathering { [self] in
            if let failure { return done(.failure(failure)) }
            for (_, topic) in machine.dropped.entries { removeFiles(of: topic) }
            resumeTransactions { [self] in
                adoptGroups()
                scheduleUpkeep()
                done(.success(()))
            }
        }
        for (_, topic) in machine.topics.entries {
            gathering.enter()
            open(topic) { error in
                failure = failure ?? error
                gathering.leave()
            }
        }
        gathering.leave()
    }

    /// Schedules the periodic work of a running broker.
    func scheduleUpkeep() {
        scheduleRetention()
        scheduleSync()
        scheduleGroupCleanup()
        cleaner.schedule()
    }

    private func scheduleSync() {
        guard case .every(let interval) = settings.durability else { return }
        loop.schedule(after: interval) {
            guard !self.isStopping else { return }
            for writer in self.writers {
                writer.syncDirty(on: self.syncThread) { self.log.critical("a partition could not be synced", metadata: ["error": "\($0)"]) }
            }
            self.scheduleSync()
        }
    }

    /// Answers the waiting requests and lets the writers finish their pending work.
    func drain(_ done: @escaping () -> Void) {
        isStopping = true
        for fetcher in cluster?.fetchers.values ?? [:].values { fetcher.stop() }
        for wait in fetchWaits.values.sorted(by: { $0.number < $1.number }) { wait.end() }
        shareSessions.stop()
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let done = done
        waitUntilIdle(until: now + BrokerSettings.drainTimeout) { done() }
    }

    private func waitUntilIdle(until deadline: Instant, _ done: @escaping @Sendable () -> Void) {
        guard writers.contains(where: { !$0.isIdle }), now < deadline else { return done() }
        loop.schedule(after: .milliseconds(1)) { self.waitUntilIdle(until: deadline, done) }
    }

    /// Syncs and closes every partition.
    func closeLogs(_ done: @escaping () -> Void) {
        let gathering = Gathering(done)
        for writer in writers {
            let logs = partitions.values.filter { $0.writer === writer }.map(\.log)
            gathering.enter()
            // Made and called on the loop; the disk thread only carries it back.
            nonisolated(unsafe) let closed = { gathering.leave() }
            writer.disk.submit {
                for log in logs {
                    do { try log.close() } catch {
                        self.log.error(
                            "a partition did not close cleanly", metadata: ["directory": "\(log.directory)", "error": "\(error)"])
                    }
                }
                self.loop.execute { closed() }
            }
        }
        partitions = [:]
        gathering.leave()
    }
}
