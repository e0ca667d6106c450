// The broker on its loop: what connections, handlers, partitions and groups share. Everything here is confined to the loop; disk work is
// sent to the disk threads and comes back. One file per API under Handlers; `dispatch` is the list of them.
import Base
import BrokerCore
import DequeModule
import KafkaWire
import Logging
import NetKit
import Replication
import Storage

/// A running broker's state.
final class Broker: @unchecked Sendable {
    // Safe to share: every member is used on `loop` only, but for those that are set once before the listener opens.
    let settings: BrokerSettings
    let dataDirectory: String
    let loop: NIOServiceLoop
    let time: any TimeSource
    let log: Logger
    let replica: ReplicaHost<BrokerMachine>
    let disks: [DiskThread]
    let files: RealFileSystem
    let health: WriteHealth
    /// Requests that were decoded, by the number of their API.
    private let requestsByAPI: [Counter?]
    let refusedFrames: Counter
    let producedBytes: Counter
    let fetchedBytes: Counter
    private(set) var writers: [LogWriter] = []
    private(set) lazy var cleaner = LogCleaner(self)
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
    /// The brokers among which groups were shared out when that was looked at last.
    var coordinatorsKnown: [Int32] = []
    /// When brokers went that are not back yet.
    var departed: [Int32: Instant] = [:]
    var sessions: [ObjectIdentifier: BrokerSession] = [:]
    /// Fetches that wait, so that a stop can answer them.
    var fetchWaits: [Int: FetchWait] = [:]
    /// This broker's part in its cluster; nil for one that stands alone.
    var cluster: ClusterMember?
    /// Replicas whose files are being opened.
    var opening: Set<TopicPartition> = []
    /// Topics on their way, with those who wait for them.
    var topicsUnderWay: [String: [(Result<TopicRecord, BrokerRefusal>) -> Void]] = [:]
    private var tailOrder = Deque<Partition>()
    private var tailBytes = 0
    /// What is held for clients, and the part of it that is batches on their way to the disk.
    let clientMemory: MemoryBudget
    private let pendingProduce: MemoryBudget
    private var memoryPaused: [BrokerSession] = []
    var producerIDs: Range<Int64> = 0..<0
    var isStopping = false
    /// Until when each open transaction may stay open.
    var transactionDeadlines: [String: Instant] = [:]
    var transactionCheckScheduled = false
    /// What the access rules say, as far as it was asked since they changed.
    var accessAnswers: [AccessQuestion: Bool] = [:]
    /// Checks passwords, which takes milliseconds each.
    private(set) lazy var loginThread = DiskThread(name: "broker-login")
    /// Syncs at intervals, so that appends do not wait for them.
    private(set) lazy var syncThread = DiskThread(name: "broker-sync")
    /// Checks tokens of OAUTHBEARER there; nil if none are taken.
    private(set) lazy var tokenVerifier = settings.oauth.map { TokenVerifier($0) }
    /// What the password of a user that does not exist is compared with.
    private(set) lazy var strangersCredential = ScramExchange.credential(.sha256, password: Digests.randomBytes(32))
    /// Transactions whose outcome is on its way to the partitions, with those who wait for that.
    var completions: [String: [(Completion) -> Void]] = [:]
    /// Markers that this broker is writing as the leader of their partitions.
    var marksUnderWay: Set<PendingMark> = []
    /// Partitions that join a transaction with their first batch, with the batches that wait for that.
    var joinsUnderWay: [TransactionJoin: [(BrokerRefusal?) -> Void]] = [:]

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
        clientMemory = MemoryBudget(name: "clients", limitBytes: settings.clientMemoryMax, parent: settings.processMemory)
        pendingProduce = MemoryBudget(name: "produce", limitBytes: settings.pendingProduceBytesMax, parent: clientMemory)
        for budget in [clientMemory, pendingProduce] { metrics.memory(budget, service: "broker") }
        health = WriteHealth(directory: dataDirectory, thread: disks[0], loop: loop)
        let numbersEnd = (ApiTable.rows.map { Int($0.key.rawValue) }.max() ?? 0) + 1
        requestsByAPI = (0..<numbersEnd).map { number in
            guard let row = ApiTable.rows.first(where: { Int($0.key.rawValue) == number }) else { return nil }
            return metrics.counter("broker_requests", help: "Requests that were decoded.", labels: [("api", row.name)])
        }
        refusedFrames = metrics.counter("broker_refused_frames", help: "Frames that the protocol does not allow; each closed its connection.")
        producedBytes = metrics.counter("broker_produced_bytes", help: "Bytes of record batches appended.")
        fetchedBytes = metrics.counter("broker_fetched_bytes", help: "Bytes of record batches handed to consumers.")
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

    /// Hands a request to its handler, with what its sender may do of it.
    func dispatch(_ body: RequestBody, _ call: Call) {
        requestsByAPI[Int(body.key.rawValue)]?.add()
        guard isClustered else { return review(body, call) }
        // Administrators see what they did, whichever broker they did it on.
        if Self.seesEverything.contains(body.key) { return replica.afterBarrier { _ in self.review(body, call) } }
        guard missesTopic(body, call) else { return review(body, call) }
        // A commit that waits must not come after a later one of the same client.
        call.session.pausedForTurn = true
        replica.afterBarrier { _ in
            self.review(body, call)
            call.session.pausedForTurn = false
        }
    }

    /// Requests of administrators; rare, so that a round to the controller does not matter.
    private static let seesEverything: Set<ApiKey> = [
        .describeTopicPartitions, .describeClientQuotas,
        .describeConfigs, .listConfigResources, .writeTxnMarkers, .createPartitions, .alterConfigs, .incrementalAlterConfigs, .describeAcls, .describeUserScramCredentials,
        .listTransactions, .describeTransactions, .electLeaders, .listPartitionReassignments,
        .describeQuorum, .unregisterBroker, .describeShareGroupOffsets, .renewDelegationToken, .expireDelegationToken, .describeDelegationToken,
    ]

    private func review(_ body: RequestBody, _ call: Call) {
        if let answer = misrouted(body, call) { return call.reply(answer) }
        let body = naming(body, call)
        guard !call.session.isPeer else { return handle(body, call) }
        guard let call = quotas.admit(body, call) else { return }
        guard settings.enforcesAccess else { return handle(body, call) }
        switch AccessReview(broker: self, call: call).verdict(body) {
        case .allowed: handle(body, call)
        case .refused(let answer): call.reply(answer)
        case .trimmed(let rest, let amend):
            var call = call
            call.amend = amend
            handle(rest, call)
        }
    }

    /// Every API that is served, with its handler.
    private func handle(_ body: RequestBody, _ call: Call) {
        switch body {
        case .saslHandshake(let request): saslHandshake(request, call)
        case .saslAuthenticate(let request): saslAuthenticate(request, call)
        case .describeAcls(let request): describeAcls(request, call)
        case .createAcls(let request): createAcls(request, call)
        case .deleteAcls(let request): deleteAcls(request, call)
        case .createDelegationToken(let request): createDelegationToken(request, call)
        case .renewDelegationToken(let request): renewDelegationToken(request, call)
        case .expireDelegationToken(let request): expireDelegationToken(request, call)
        case .describeDelegationToken(let request): describeDelegationToken(request, call)
        case .describeClientQuotas(let request): describeClientQuotas(request, call)
        case .alterClientQuotas(let request): alterClientQuotas(request, call)
        case .describeUserScramCredentials(let request): describeUserScramCredentials(request, call)
        case .alterUserScramCredentials(let request): alterUserScramCredentials(request, call)
        case .produce(let request): produce(request, call)
        case .fetch(let request): fetch(request, call)
        case .listOffsets(let request): listOffsets(request, call)
        case .metadata(let request): metadata(request, call)
        case .offsetCommit(let request): offsetCommit(request, call)
        case .offsetFetch(let request): offsetFetch(request, call)
        case .findCoordinator(let request): findCoordinator(request, call)
        case .joinGroup(let request): joinGroup(request, call)
        case .heartbeat(let request): heartbeat(request, call)
        case .leaveGroup(let request): leaveGroup(request, call)
        case .syncGroup(let request): syncGroup(request, call)
        case .describeGroups(let request): describeGroups(request, call)
        case .listGroups(let request): listGroups(request, call)
        case .apiVersions: call.reply(.apiVersions(Self.servedApis(error: .none)))
        case .createTopics(let request): createTopics(request, call)
        case .deleteTopics(let request): deleteTopics(request, call)
        case .initProducerID(let request): initProducerID(request, call)
        case .describeConfigs(let request): describeConfigs(request, call)
        case .createPartitions(let request): createPartitions(request, call)
        case .deleteGroups(let request): deleteGroups(request, call)
        case .addPartitionsToTxn(let request): addPartitionsToTxn(request, call)
        case .addOffsetsToTxn(let request): addOffsetsToTxn(request, call)
        case .endTxn(let request): endTxn(request, call)
        case .writeTxnMarkers(let request): writeTxnMarkers(request, call)
        case .txnOffsetCommit(let request): txnOffsetCommit(request, call)
        case .describeProducers(let request): describeProducers(request, call)
        case .describeTransactions(let request): describeTransactions(request, call)
        case .listTransactions(let request): listTransactions(request, call)
        case .consumerGroupHeartbeat(let request): consumerGroupHeartbeat(request, call)
        case .consumerGroupDescribe(let request): consumerGroupDescribe(request, call)
        case .deleteRecords(let request): deleteRecords(request, call)
        case .offsetForLeaderEpoch(let request): offsetForLeaderEpoch(request, call)
        case .alterConfigs(let request): alterConfigs(request, call)
        case .describeLogDirs(let request): describeLogDirs(request, call)
        case .electLeaders(let request): electLeaders(request, call)
        case .alterPartitionReassignments(let request): alterPartitionReassignments(request, call)
        case .listPartitionReassignments(let request): listPartitionReassignments(request, call)
        case .incrementalAlterConfigs(let request): incrementalAlterConfigs(request, call)
        case .offsetDelete(let request): offsetDelete(request, call)
        case .describeQuorum(let request): describeQuorum(request, call)
        case .unregisterBroker(let request): unregisterBroker(request, call)
        case .addRaftVoter(let request): addRaftVoter(request, call)
        case .removeRaftVoter(let request): removeRaftVoter(request, call)
        case .describeCluster(let request): describeCluster(request, call)
        case .listConfigResources(let request): listConfigResources(request, call)
        case .describeTopicPartitions(let request): describeTopicPartitions(request, call)
        case .shareGroupHeartbeat(let request): shareGroupHeartbeat(request, call)
        case .shareGroupDescribe(let request): shareGroupDescribe(request, call)
        case .shareFetch(let request): shareFetch(request, call)
        case .shareAcknowledge(let request): shareAcknowledge(request, call)
        case .describeShareGroupOffsets(let request): describeShareGroupOffsets(request, call)
        case .alterShareGroupOffsets(let request): alterShareGroupOffsets(request, call)
        case .deleteShareGroupOffsets(let request): deleteShareGroupOffsets(request, call)
        }
    }

    /// Where this broker tells a client to connect: to where it is connected already, unless a setting knows better.
    func advertised(to call: Call) -> HostPort { settings.advertised ?? call.session.local ?? settings.listen }

    // MARK: appended batches

    private func published(_ partition: Partition, _ chunks: [TailChunk], _ bounds: LogBounds) {
        partition.publish(chunks, bounds)
        for chunk in chunks {
            producedBytes.add(Int64(chunk.bytes.readableBytes))
            tailOrder.append(partition)
            tailBytes += chunk.bytes.storageCapacity
        }
        while tailBytes > settings.tailBytesMax, let oldest = tailOrder.popFirst() { tailBytes -= oldest.dropOldestChunk() }
        wakeAll(of: partition)
    }

    /// A replica's log was cut or began elsewhere.
    func truncated(_ partition: Partition, _ bounds: LogBounds) {
        tailBytes -= partition.truncated(bounds)
        wakeAll(of: partition)
    }

    private func appendFailed(_ partition: Partition, _ error: StorageError) {
        log.error("a partition could not be written", metadata: ["partition": "\(partition.name)", "error": "\(error)"])
        health.note(error)
        if case .syncFailed = error.cause { partition.failure = error.description }
    }

    // MARK: memory

    /// Counts a produce request's bytes until it is answered; above the budget its connection is not read any more.
    func hold(_ call: Call) {
        pendingProduce.takeAnyway(call.frameBytes)
        if pendingProduce.usedBytes > pendingProduce.limitBytes, !call.session.pausedForMemory {
            call.session.pausedForMemory = true
            memoryPaused.append(call.session)
        }
    }

    func release(_ call: Call) {
        pendingProduce.giveBack(call.frameBytes)
        guard pendingProduce.usedBytes <= pendingProduce.limitBytes / 2, !memoryPaused.isEmpty else { return }
        let paused = memoryPaused
        memoryPaused = []
        for session in paused { session.pausedForMemory = false }
    }

    // MARK: groups

    /// Hands out what the coordinator decided, and keeps its clock going while there are groups.
    func carryOut(_ effects: [GroupEffect]) {
        for effect in effects { answer(effect) }
        guard coordinator.needsTicks || consumerGroups.needsTicks || shareGroups.needsTicks, !groupTickScheduled, !isStopping else { return }
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
        case .joined(let token, let joined): endWait(token)?.reply(.joinGroup(Self.response(joined)))
        case .joinRefused(let token, let refusal, let member): endWait(token)?.reply(.joinGroup(Self.response(refusal, member)))
        case .synced(let token, let synced): endWait(token)?.reply(.syncGroup(Self.response(synced)))
        case .syncRefused(let token, let refusal): endWait(token)?.reply(.syncGroup(SyncGroupResponse(errorCode: refusal.code)))
        }
    }

    /// A token for a call that the coordinator will answer.
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

    /// A number that is not used twice while the broker runs.
    func takeNumber() -> Int {
        defer { nextNumber += 1 }
        return Int(nextNumber)
    }
}
