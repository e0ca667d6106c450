// A partition's state on the loop: its offsets, its newest batches, and its waiting readers. Consumers that keep up are served from here
// without touching the disk.
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
    /// The end of the written records, which are durable if the broker acknowledges only durable appends.
    private(set) var logEnd: Int64
    /// Consumers see offsets below this: those on every in-sync replica.
    private(set) var highWatermark: Int64
    /// The term in which this replica leads or follows; rises with every change of the leader.
    private(set) var term: Int32 = -1
    /// The leader's broker id, -1 for none; requests are refused until the leader is known and its term has begun here.
    private(set) var leader: Int32 = -1
    /// The leader's state; nil unless this replica leads.
    private(set) var leadership: PartitionLeadership?
    private(set) var epochs: LeaderEpochs
    /// Appends that wait for all in-sync replicas, in the order of their offsets.
    private var acknowledgements = Deque<Acknowledgement>()
    private(set) var sizeBytes: Int64
    private(set) var transactions: PartitionTransactions
    private var tail = Deque<TailChunk>()
    /// End of the compaction since: below it the batches in memory differ from the log.
    private var tailFloor: Int64 = 0
    /// Long polls that this partition can end, by their number.
    var waiting: [Int: any FetchWaiter] = [:]
    /// The reason of a permanent disk failure; the partition then refuses appends until a restart.
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
    /// The error of a reader's leader epoch; -1 stands for no epoch.
    func refusal(ofEpoch epoch: Int32) -> KafkaErrorCode? {
        if epoch < 0 || epoch == term { return nil }
        return epoch < term ? .fencedLeaderEpoch : .unknownLeaderEpoch
    }

    /// Whether this leader has not heard from an in-sync replica for `time`.
    func misses(_ time: Duration, now: Instant) -> Bool {
        guard let leadership else { return false }
        return leadership.progress.contains { leadership.state.inSync.contains($0.broker) && now - $0.lastFetch > time }
    }

    /// Replicas that must have a record before an append with acks=all is acknowledged.
    var minInSync: Int { min(Int(config.minInSyncReplicas), leadership?.state.replicas.count ?? 1) }

    /// Ends the previous term. Until `lead` or `follow` this replica does neither.
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

    /// Notes a follower's fetch at `offset`.
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

    /// Raises the high watermark to the leader's.
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

    /// Calls `done` once every in-sync replica has the records below `end`, or with the reason to wait no longer.
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

    /// The end of a reader's range.
    func end(of isolation: IsolationLevel) -> Int64 { isolation == .readCommitted ? lastStableOffset : highWatermark }

    /// Takes over the result of a round.
    func publish(_ chunks: [TailChunk], _ bounds: LogBounds) {
        take(bounds)
        tail.append(contentsOf: chunks)
        leadership?.appended(to: logEnd)
        followLeadership()
    }

    /// Takes over the log's bounds from the disk thread.
    func take(_ bounds: LogBounds) {
        logEnd = bounds.nextOffset
        epochs = bounds.epochs
        trimmed(bounds)
    }

    /// Drops the batches in memory, since the log was truncated. Returns their bytes.
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

    /// Takes over the result of a compaction up to `end`.
    func compacted(below end: Int64, _ bounds: LogBounds) {
        trimmed(bounds)
        tailFloor = max(tailFloor, end)
    }

    /// Drops the oldest batches in memory; returns their bytes.
    func dropOldestChunk() -> Int { tail.popFirst()?.bytes.storageCapacity ?? 0 }

    /// Bytes that could be fetched from `offset` below `end` now; counts at most the bytes in memory, and more than zero if there is any
    /// record.
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
        // A chunk that was cut short ends the answer: later chunks must not go out before its rest.
        while isComplete, low < tail.count, records.count < maxBytes || records.count == 0 {
            isComplete = tail[low].hand(&records, from: offset, below: end, maxBytes: maxBytes)
            low += 1
        }
        return records
    }
}
