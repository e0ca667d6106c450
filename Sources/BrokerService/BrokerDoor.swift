// The broker's door: opens metadata and partitions, listens, and closes again without losing what it has acknowledged. The service lives on one
// event loop of its own; disk work goes to disk threads and comes back to the loop.
import Base
import BrokerCore
import Logging
import NetKit
import Replication
import Storage

/// A broker that can be started and stopped once.
package final class BrokerDoor: @unchecked Sendable {
    // Safe to share: the parts are set by `start` before it returns and taken by `stop` after; the owner calls them one after the other.
    private let settings: BrokerSettings
    private let dataDirectory: String
    private let log: Logger
    private let metrics: MetricsRegistry
    private var parts: Parts?

    private struct Parts {
        var directory: DataDirectory
        var loop: NIOServiceLoop
        var disks: [DiskThread]
        var replica: ReplicaHost<BrokerMachine>
        var broker: Broker
        var listener: FrameListener
    }

    package init(settings: BrokerSettings, dataDirectory: String, log: Logger, metrics: MetricsRegistry = MetricsRegistry()) {
        self.settings = settings
        self.dataDirectory = dataDirectory
        self.log = log
        self.metrics = metrics
    }

    /// Opens everything and listens. Returns the bound address. Throws StorageError, ListenError or what the tables say.
    package func start() async throws -> HostPort {
        precondition(parts == nil, "a door is started once")
        let directory = try DataDirectory(dataDirectory, service: "broker")
        let loop = NIOServiceLoop()
        let disks = (0..<max(1, settings.diskThreads)).map { DiskThread(name: "broker-disk-\($0)") }
        do {
            let replica = try await ReplicaHost<BrokerMachine>.open(
                directory: dataDirectory + "/meta", name: "broker", loop: loop, time: SystemTime(), log: log)
            do {
                let broker = try await open(replica, loop, disks)
                let listener = try await listen(broker, loop)
                parts = Parts(directory: directory, loop: loop, disks: disks, replica: replica, broker: broker, listener: listener)
                return listener.address
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

    private func open(_ replica: ReplicaHost<BrokerMachine>, _ loop: NIOServiceLoop, _ disks: [DiskThread]) async throws -> Broker {
        var random = SystemRandomNumberGenerator()
        let broker = Broker(
            settings: settings, dataDirectory: dataDirectory, loop: loop, time: SystemTime(), log: log, replica: replica, disks: disks,
            metrics: metrics, random: Prng(seed: random.next()))
        _ = try await replica.propose(.identify(clusterID: UUIDBytes(high: random.next(), low: random.next())))
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.execute { broker.openAll { continuation.resume(with: $0) } }
        }
        return broker
    }

    private func listen(_ broker: Broker, _ loop: NIOServiceLoop) async throws -> FrameListener {
        var limits = FrameLimits(frameBytesMax: settings.requestBytesMax)
        limits.connectionsMax = settings.connectionsMax
        return try await FrameListener.bind(settings.listen, loop: loop, limits: limits, tls: settings.tls, log: log) { connection in
            BrokerSession(connection, broker)
        }
    }

    /// Accepts nothing more, lets appends under way become durable, and closes. At most about two seconds.
    package func stop() async {
        guard let parts else { return }
        self.parts = nil
        await parts.listener.stopAccepting()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            parts.loop.execute { parts.broker.drain { continuation.resume() } }
        }
        await parts.listener.closeConnections()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            parts.loop.execute { parts.broker.closeLogs { continuation.resume() } }
        }
        await parts.replica.stop()
        for disk in parts.disks { disk.stop() }
        do { try await parts.loop.stop() } catch { log.warning("the event loop ended late", metadata: ["error": "\(error)"]) }
        parts.directory.release()
    }
}

extension Broker {
    /// Opens every partition that the metadata knows, and removes the files of topics that were deleted.
    func openAll(_ done: @escaping (Result<Void, any Error>) -> Void) {
        var failure: StorageError?
        let gathering = Gathering { [self] in
            if let failure { return done(.failure(failure)) }
            for (_, topic) in machine.dropped.entries { removeFiles(of: topic) }
            scheduleRetention()
            scheduleSync()
            done(.success(()))
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

    private func scheduleSync() {
        guard case .every(let interval) = settings.durability else { return }
        loop.schedule(after: interval) {
            guard !self.isStopping else { return }
            for writer in self.writers {
                writer.syncDirty { self.log.critical("a partition could not be synced", metadata: ["error": "\($0)"]) }
            }
            self.scheduleSync()
        }
    }

    /// Answers what waits and lets the writers finish what they have.
    func drain(_ done: @escaping () -> Void) {
        isStopping = true
        for wait in fetchWaits.values.sorted(by: { $0.number < $1.number }) { wait.end() }
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
            nonisolated(unsafe) let closed = { gathering.leave() }
            writer.disk.submit {
                for log in logs {
                    do { try log.close() } catch { self.log.error("a partition did not close cleanly", metadata: ["directory": "\(log.directory)", "error": "\(error)"]) }
                }
                // Runs on the loop, where the closure was made.
                self.loop.execute { closed() }
            }
        }
        partitions = [:]
        gathering.leave()
    }
}
