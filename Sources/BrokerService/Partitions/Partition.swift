// What the loop knows of a partition: its offsets, its newest batches, and who waits for more. Consumers that keep up are served from
// here without touching the disk.
import Base
import BrokerCore
import DequeModule
import KafkaWire

/// An append that waits for replicas.
private struct Acknowledgement {
    /// The offset behind its last record.
    var end: Int64
    var deadline: Instant
    var done: (KafkaErrorCode) -> Void
}

/// One replica of a partition, on the loop.
final class Partition {
    let name: TopicPartition
    let topicID: UUIDBytes
    var config: TopicConfig
    let log: PartitionLog
    let writer: LogWriter
    private(set) var startOffset: Int64
    /// All that is written here, and durable if the broker acknowledges only then, lies below this.
    private(set) var logEnd: Int64
    /// Consumers see offsets below this: what every replica in sync has.
    private(set) var highWatermark: Int64
    /// The term in which this replica leads or follows; rises with every change of the leader.
    private(set) var term: Int32 = -1
    /// The broker that leads, -1 for none; requests are refused until that broker is known and its term has begun here.
    private(set) var leader: Int32 = -1
    /// What the leader knows; nil on a replica that does not lead.
    private(set) var leadership: PartitionLeadership?
    private(set) var epochs: LeaderEpochs
    /// Appends that wait until all replicas in sync have them, in the order of their offsets.
    private var acknowledgements = Deque<Acknowledgement>()
    private(set) var sizeBytes: Int64
    private(set) var transactions: PartitionTransactions
    private var tail = Deque<TailChunk>()
    /// Below this the log was compacted since: what is in memory is not what lies there any more.
    private var tailFloor: Int64 = 0
    /// Long polls that this partition can end, by their number.
    var waiting: [Int: any FetchWaiter] = [:]
    /// Set when the disk failed for good; the partition then refuses appends until a restart.
    var failure: String?

    init(name: TopicPartition, topicID: UUIDBytes, config: TopicConfig, log: PartitionLog, writer: LogWriter, bounds: LogBounds) {
        self.name = name
        self.topicID = topicID
        self.config = config
        self.log = log
        self.writer = writer
        startOffset = bounds.startOffset
        logEnd = bounds.nextOffset
        highWatermark = bounds.startOffset
        sizeBytes = bounds.sizeBytes
        transactions = bounds.transactions
        epochs = bounds.epochs
    }

    // MARK: terms

    var leads: Bool { leadership != nil }
    var knowsEnd: Bool { leadership?.knowsEnd ?? false }
    var inSyncCount: Int { leadership?.inSyncCount ?? 0 }
    /// What is wrong with the epoch that a reader believes to be the present one; -1 stands for none.
    func refusal(ofEpoch epoch: Int32) -> KafkaErrorCode? {
        if epoch < 0 || epoch == term { return nil }
        return epoch < term ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }

    /// Whether this leader has not heard for `time` of a replica that it takes to be in sync.
    func misses(_ time: Duration, now: Instant) -> Bool {
        guard let leadership else { return false }
        return leadership.progress.contains { leadership.state.inSync.contains($0.broker) && now - $0.lastFetch > time }
    }

    /// Replicas that must have a record before it is acknowledged to who asks for all.
    var minInSync: Int { min(Int(config.minInSyncReplicas), leadership?.state.replicas.count ?? 1) }

    /// The term before is over. Until `lead` or `follow` this replica does neither.
    func suspend(term: Int32) {
        self.term = term
        leader = -1
        leadership = nil
        while let waiting = acknowledgements.popFirst() { waiting.done(.notLeaderOrFollower) }
    }

    func lead(_ state: PartitionState, as broker: Int32, now: Instant) {
        term = state.leaderEpoch
        leader = broker
        leadership = PartitionLeadership(broker: broker, state: state, logEnd: logEnd, highWatermark: highWatermark, now: now)
        followLeadership()
    }

    func follow(_ leader: Int32) { self.leader = leader }

    func decided(_ state: PartitionState, now: Instant) {
        leadership?.decided(state, now: now)
        followLeadership()
    }

    /// A follower asks for what comes at `offset`.
    func fetched(by replica: Int32, at offset: Int64, alive: Bool, now: Instant) -> InSyncChange? {
        let change = leadership?.fetched(by: replica, at: offset, alive: alive, now: now)
        followLeadership()
        return change.map(named)
    }

    func checkInSync(now: Instant, lagMax: Duration) -> InSyncChange? { leadership?.check(now: now, lagMax: lagMax).map(named) }

    private func named(_ change: InSyncChange) -> InSyncChange {
        var change = change
        change.topicID = topicID
        change.partition = name.partition
        return change
    }

    func inSyncProposalEnded(term: Int32, isKnown: Bool) {
        guard term == self.term else { return }
        leadership?.proposalEnded(isKnown: isKnown)
        followLeadership()
    }

    /// What the leader says is on every replica in sync.
    func hear(highWatermark told: Int64) { if !leads { highWatermark = max(highWatermark, min(told, logEnd)) } }

    private func followLeadership() {
        guard let leadership else { return }
        highWatermark = leadership.highWatermark
        let code: KafkaErrorCode = inSyncCount < minInSync ? .notEnoughReplicasAfterAppend : .none
        while let first = acknowledgements.first, first.end <= highWatermark {
            acknowledgements.removeFirst()
            first.done(code)
        }
    }

    /// Calls `done` once every replica in sync has what lies below `end`, or with the reason why that is not to be waited for any longer.
    func whenReplicated(_ end: Int64, until deadline: Instant, _ done: @escaping (KafkaErrorCode) -> Void) {
        guard leads else { return done(.notLeaderOrFollower) }
        guard end > highWatermark else { return done(inSyncCount < minInSync ? .notEnoughReplicasAfterAppend : .none) }
        acknowledgements.append(Acknowledgement(end: end, deadline: deadline, done: done))
    }

    var hasAcknowledgements: Bool { !acknowledgements.isEmpty }

    func expireAcknowledgements(now: Instant) {
        let late = acknowledgements.filter { $0.deadline <= now }
        guard !late.isEmpty else { return }
        acknowledgements.removeAll { $0.deadline <= now }
        for one in late { one.done(.requestTimedOut) }
    }

    // MARK: the log's progress

    /// Below this every transaction has an outcome.
    var lastStableOffset: Int64 { transactions.lastStableOffset(end: highWatermark) }

    /// The offset before which a reader stops.
    func end(of isolation: IsolationLevel) -> Int64 { isolation == .readCommitted ? lastStableOffset : highWatermark }

    /// Takes over what a round has written.
    func publish(_ chunks: [TailChunk], _ bounds: LogBounds) {
        take(bounds)
        tail.append(contentsOf: chunks)
        leadership?.appended(to: logEnd)
        followLeadership()
    }

    /// What the disk thread knows of the log.
    func take(_ bounds: LogBounds) {
        logEnd = bounds.nextOffset
        epochs = bounds.epochs
        trimmed(bounds)
    }

    /// The log was cut; what is in memory may be what was cut. Returns how many bytes that were.
    func truncated(_ bounds: LogBounds) -> Int {
        let bytes = tail.reduce(0) { $0 + $1.bytes.storageCapacity }
        tail.removeAll()
        take(bounds)
        highWatermark = min(highWatermark, logEnd)
        return bytes
    }

    func trimmed(_ bounds: LogBounds) {
        startOffset = bounds.startOffset
        sizeBytes = bounds.sizeBytes
        transactions = bounds.transactions
    }

    /// Takes over what a compaction up to `end` has left.
    func compacted(below end: Int64, _ bounds: LogBounds) {
        trimmed(bounds)
        tailFloor = max(tailFloor, end)
    }

    /// Gives up the oldest batches in memory; returns how many bytes they had.
    func dropOldestChunk() -> Int { tail.popFirst()?.bytes.storageCapacity ?? 0 }

    /// Bytes that could be fetched from `offset` below `end` now; counts at most what is in memory, and something if there is anything at all.
    func availableBytes(from offset: Int64, below end: Int64) -> Int {
        guard offset < end else { return 0 }
        guard let first = tail.first, offset >= max(first.firstOffset, tailFloor) else { return Int.max }
        var bytes = 0
        for chunk in tail.reversed() {
            if chunk.nextOffset <= offset { break }
            if chunk.firstOffset >= end { continue }
            bytes += chunk.bytes.readableBytes
        }
        return bytes
    }

    /// Whole batches from `offset` on and below `end`, at least one and otherwise at most `maxBytes`; nil if they are not in memory.
    func tailRecords(from offset: Int64, below end: Int64, maxBytes: Int) -> TailRecords? {
        guard let first = tail.first, offset >= max(first.firstOffset, tailFloor) else { return nil }
        var low = 0
        var high = tail.count
        while low < high {
            let middle = (low + high) / 2
            if tail[middle].nextOffset <= offset { low = middle + 1 } else { high = middle }
        }
        guard low < tail.count else { return nil }
        var records = TailRecords(nextOffset: offset)
        var isComplete = true
        // A chunk that was cut short ends the answer: what comes after it must not be handed out before the rest of it.
        while isComplete, low < tail.count, records.count < maxBytes || records.count == 0 {
            isComplete = tail[low].hand(&records, from: offset, below: end, maxBytes: maxBytes)
            low += 1
        }
        return records
    }
}
