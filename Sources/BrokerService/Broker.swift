// The broker on its loop: the state shared by connections, handlers, partitions and groups. Everything here is confined to the loop; disk
// threads do the disk work and report back. One file per API under Handlers; `BrokerAPI.table` lists them.
import Base
import BrokerCore
import KafkaWire
import Logging
import NetKit
import Replication
import Storage

/// The state of a running broker.
final class Broker: @unchecked Sendable {
    // Safe to share: every member is used on `loop` only, except members set once before the listener opens.
    let settings: BrokerSettings
    let dataDirectory: String
    let loop: NIOServiceLoop
    let time: any TimeSource
    let log: Logger
    let replica: ReplicaHost<BrokerMachine>
    let disks: [DiskThread]
    let files: RealFileSystem
    let health: WriteHealth
    let metrics: BrokerMetrics
    private(set) var writers: [LogWriter] = []
    private(set) lazy var cleaner = LogCleaner(self)
    /// Checks compressed batches before they are appended.
    let checks: RecordChecks
    private(set) lazy var fetchSessions = FetchSessions(self)
    private(set) lazy var sharedPartitions = SharedPartitions(self)
    private(set) lazy var shareSessions = ShareSessions(self)
    private(set) lazy var quotas = QuotaGate(self)
    private(set) lazy var flushing = TopicFlushing(self)
    private(set) lazy var throttle = ReplicationThrottle(self)
    var partitions: [TopicPartition: Partition] = [:]
    var coordinator: GroupCoordinator
    var consumerGroups: ConsumerGroupCoordinator
    var shareGroups: ShareGroupCoordinator
    var groupCalls: [ReplyToken: Call] = [:]
    var nextNumber: Int64 = 1
    private var groupTickScheduled = false
    /// The live brokers at the last assignment of coordinators.
    var coordinatorsKnown: [Int32] = []
    /// Brokers that left and are not back yet, with the time of leaving.
    var departed: [Int32: Instant] = [:]
    var sessions: [ObjectIdentifier: BrokerSession] = [:]
    /// Waiting fetches, which a stop answers.
    var fetchWaits: [Int: FetchWait] = [:]
    /// This broker's membership of its cluster; nil for a standalone broker.
    var cluster: ClusterMember?
    /// Replicas whose files are being opened.
    var opening: Set<TopicPartition> = []
    /// Topics under creation, with the waiting requests.
    var topicsUnderWay: [String: [(Result<TopicRecord, BrokerRefusal>) -> Void]] = [:]
    private var tail: RecordTail
    let memory: ClientMemory
    var commits = CommitsUnderWay()
    var isStopping = false
    var transactions = OpenTransactions()
    private(set) lazy var access = AccessControl(self)
    private(set) lazy var logins = LoginQueue(loop: loop, oauth: settings.access.oauth)
    /// Syncs at intervals, so that appends do not wait for them.
    private(set) lazy var syncThread = DiskThread(name: "broker-sync")

    init(
        settings: BrokerSettings, dataDirectory: String, loop: NIOServiceLoop, time: any TimeSource, log: Logger,
        replica: ReplicaHost<BrokerMachine>, disks: [DiskThread], files: RealFileSystem, metrics: MetricsRegistry, random: Prng
    ) {
        self.settings = settings
        self.dataDirectory = dataDirectory
        self.loop = loop
        self.time = time
        self.log = log
        self.replica = replica
        self.disks = disks
        self.files = files
        memory = ClientMemory(settings, metrics)
        tail = RecordTail(bytesMax: settings.tailBytesMax)
        health = WriteHealth(directory: dataDirectory, thread: disks[0], loop: loop)
        self.metrics = BrokerMetrics(metrics)
        checks = RecordChecks(loop: loop, memory: memory.clients)
        coordinator = GroupCoordinator(settings: settings.groups, random: random)
        consumerGroups = ConsumerGroupCoordinator(settings: settings.consumerGroups, random: random)
        shareGroups = ShareGroupCoordinator(settings: settings.shareGroups)
        writers = disks.map { disk in
            LogWriter(
                disk: disk, loop: loop, durability: settings.durability,
                published: { [unowned self] in published($0, $1, $2) }, failed: { [unowned self] in appendFailed($0, $1) })
        }
    }

    var now: Instant { time.now() }
    var machine: BrokerMachine { _read { yield replica.machine } }
    var isClustered: Bool { settings.cluster != nil }

    /// The address advertised to a client: the one it is connected to, unless a setting names another.
    func advertised(to call: Call) -> HostPort { settings.advertised ?? call.session.local ?? settings.listen }

    // MARK: appended batches

    private func published(_ partition: Partition, _ chunks: [TailChunk], _ bounds: LogBounds) {
        partition.publish(chunks, bounds)
        for chunk in chunks {
            metrics.producedBytes.add(Int64(chunk.bytes.readableBytes))
            tail.add(chunk, of: partition)
        }
        wakeAll(of: partition)
    }

    /// Drops the tail of a truncated or restarted log from memory, and wakes the partition's waiters.
    func truncated(_ partition: Partition, _ bounds: LogBounds) {
        tail.release(partition.truncated(bounds))
        wakeAll(of: partition)
    }

    private func appendFailed(_ partition: Partition, _ error: StorageError) {
        log.error("a partition could not be written", metadata: ["partition": "\(partition.name)", "error": "\(error)"])
        health.note(error)
        if case .syncFailed = error.cause { partition.failure = error.description }
    }

    // MARK: groups

    /// Carries out the coordinator's decisions, and keeps its clock running while there are groups.
    func carryOut(_ effects: [GroupEffect]) {
        for effect in effects { answer(effect) }
        guard coordinator.needsTicks || consumerGroups.needsTicks || shareGroups.needsTicks, !groupTickScheduled, !isStopping else {
            return
        }
        groupTickScheduled = true
        loop.schedule(after: BrokerSettings.groupTick) {
            self.groupTickScheduled = false
            guard !self.isStopping else { return }
            self.consumerGroups.expire(now: self.now)
            self.storeConsumerGroups { _ in }
            self.shareGroups.expire(now: self.now)
            self.storeShareGroups { _ in }
            self.carryOut(self.coordinator.expire(now: self.now))
        }
    }

    private func answer(_ effect: GroupEffect) {
        switch effect {
        case .store(let group, let number, let change):
            store(group, change) { [self] refusal in carryOut(coordinator.stored(group, number: number, refusal, now: now)) }
        case .joined(let token, let joined): endWait(token)?.reply(Self.response(joined))
        case .joinRefused(let token, let refusal, let member): endWait(token)?.reply(Self.response(refusal, member))
        case .synced(let token, let synced): endWait(token)?.reply(Self.response(synced))
        case .syncRefused(let token, let refusal): endWait(token)?.reply(SyncGroupResponse(errorCode: refusal.code))
        }
    }

    /// A reply token for a call that the coordinator will answer.
    func token(for call: Call, in group: GroupID) -> ReplyToken {
        let token = ReplyToken(nextNumber)
        nextNumber += 1
        groupCalls[token] = call
        call.session.groupWaits[token.rawValue] = { [unowned self] in
            groupCalls[token] = nil
            coordinator.abandon(group, token)
        }
        return token
    }

    private func endWait(_ token: ReplyToken) -> Call? {
        guard let call = groupCalls.removeValue(forKey: token) else { return nil }
        call.session.groupWaits[token.rawValue] = nil
        return call
    }

    /// A number that is unique while the broker runs.
    func takeNumber() -> Int {
        defer { nextNumber += 1 }
        return Int(nextNumber)
    }
}
