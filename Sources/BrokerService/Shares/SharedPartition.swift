// The share partitions that this broker leads: loaded from storage on the first request, stored after every change, dropped with the
// leadership. A consumer's request is answered once its change is stored. Everything here is used on the loop.
import Base
import BrokerCore
import KafkaWire

/// A partition in one share group.
final class SharedPartition {
    let group: GroupID
    let partition: Partition
    /// The state of its records. Each waiter gets the result of the write that it waits for.
    var leadership: ShareLeadership<(KafkaErrorCode) -> Void>
    /// Whether a read for a consumer is running; another one would read the same records.
    var isReading = false
    /// Whether the start offset is being looked up: `state` must not be stored yet.
    fileprivate var isSeeking = false
    /// Fetches that wait for its records, by their number.
    var waiting: [Int: any FetchWaiter] = [:]
    fileprivate var isListed = false

    fileprivate init(_ group: GroupID, _ partition: Partition, revision: Int64, _ state: SharePartition) {
        self.group = group
        self.partition = partition
        leadership = ShareLeadership(term: partition.term, revision: revision, state)
    }

    fileprivate var isCurrent: Bool { partition.leads && partition.term == leadership.term }
    fileprivate var name: SharedPartitions.Name { SharedPartitions.Name(group: group, place: partition.name) }

    /// Wakes the waiting fetches: records became free.
    func wake() { for wait in waiting.values.sorted(by: { $0.number < $1.number }) { wait.wake() } }
}

/// All share partitions of this broker.
final class SharedPartitions: @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; closures carry the reference back there.
    struct Name: Hashable {
        var group: GroupID
        var place: TopicPartition
    }

    /// The lookup result of a share partition.
    enum Found {
        case ready(SharedPartition)
        /// It opens in a moment, and then wakes its waiters.
        case opening(SharedPartition)
        /// The partition does not know its end yet; it wakes its waiters then.
        case waiting(Partition)
        case refused(KafkaErrorCode)
    }

    private unowned let broker: Broker
    private var opened: [Name: SharedPartition] = [:]
    /// Share partitions to store in the next round.
    private var changed: [SharedPartition] = []
    private var isStoring = false
    private var isTicking = false
    /// End of the pause after a failed store.
    private var pausedUntil = Instant.zero

    init(_ broker: Broker) { self.broker = broker }

    // MARK: finding

    func find(_ group: GroupID, _ place: TopicPartition, _ config: ShareGroupConfig) -> Found {
        let partition: Partition
        do throws(KafkaErrorCode.Refusal) { partition = try broker.led(place).get() } catch { return .refused(error.code) }
        let name = Name(group: group, place: place)
        if let known = opened[name] {
            guard known.isCurrent, known.partition === partition else {
                drop(known, .notLeaderOrFollower)
                return find(group, place, config)
            }
            known.leadership.state.limits = config.limits
            if partition.startOffset > known.leadership.state.start {
                known.leadership.state.begin(at: partition.startOffset)
                note(known)
            }
            return known.leadership.isReady ? .ready(known) : .opening(known)
        }
        guard broker.machine.isShareGroup(group) else { return .refused(.groupIDNotFound) }
        guard broker.now >= pausedUntil else { return .refused(.kafkaStorageError) }
        return open(name, partition, config)
    }

    private func open(_ name: Name, _ partition: Partition, _ config: ShareGroupConfig) -> Found {
        if let stored = broker.machine.share(name.group, name.place) {
            let state = SharePartition(stored.share, limits: config.limits, logStart: partition.startOffset, logEnd: partition.logEnd)
            let shared = SharedPartition(name.group, partition, revision: stored.revision, state)
            opened[name] = shared
            note(shared)
            return .ready(shared)
        }
        guard broker.machine.shareCount < BrokerMachine.sharePartitionsMax else { return .refused(.policyViolation) }
        // The end known now could lie below an end that an earlier leader has shown.
        guard partition.knowsEnd || config.offsetReset == .earliest else { return .waiting(partition) }
        let start = config.offsetReset == .earliest ? partition.startOffset : partition.highWatermark
        let shared = SharedPartition(name.group, partition, revision: 0, SharePartition(start: start, limits: config.limits))
        opened[name] = shared
        if case .byDuration(let age) = config.offsetReset { seek(shared, age, end: start, config) } else { note(shared) }
        return .opening(shared)
    }

    /// Looks up the first record below `end` that is not older than `age`; without one the group begins at `end`.
    private func seek(_ shared: SharedPartition, _ age: ISODuration, end: Int64, _ config: ShareGroupConfig) {
        shared.isSeeking = true
        let (time, isLongAgo) = broker.time.wallTime().milliseconds.subtractingReportingOverflow(age.milliseconds)
        broker.find(isLongAgo ? 0 : max(0, time), in: shared.partition) { [self] found in
            guard opened[shared.name] === shared else { return }
            switch found {
            case .success(let place):
                shared.isSeeking = false
                shared.leadership.state = SharePartition(
                    start: max(shared.partition.startOffset, min(end, place?.offset ?? end)), limits: config.limits)
                note(shared)
            case .failure(let error):
                broker.log.error(
                    "where a share group begins could not be read",
                    metadata: ["partition": "\(shared.partition.name)", "error": "\(error)"])
                pausedUntil = broker.now + BrokerSettings.transactionRetry
                drop(shared, .kafkaStorageError)
            }
        }
    }

    /// Restarts from the stored state on the next request: an administrator has set or removed the state.
    func reset(_ group: GroupID, _ places: [TopicPartition]) {
        for place in places { if let known = opened[Name(group: group, place: place)] { drop(known, .notLeaderOrFollower) } }
    }

    /// The partition is gone from this broker.
    func close(_ place: TopicPartition) {
        for shared in opened.values.filter({ $0.partition.name == place }).sorted(by: { $0.group < $1.group }) {
            drop(shared, .unknownTopicOrPartition)
        }
    }

    private func drop(_ shared: SharedPartition, _ code: KafkaErrorCode) {
        if opened[shared.name] === shared { opened[shared.name] = nil }
        for waiter in shared.leadership.giveUp() { waiter(code) }
        shared.wake()
    }

    // MARK: acquiring and acknowledging

    /// Applies a consumer's acknowledgements; `done` gets the result, once it is stored.
    func acknowledge(
        _ group: GroupID, _ member: MemberID, _ place: TopicPartition, _ ranges: [ShareAcknowledgementRange], _ config: ShareGroupConfig,
        _ done: @escaping (KafkaErrorCode) -> Void
    ) {
        switch find(group, place, config) {
        case .refused(let code): done(code)
        // None of its records is acquired.
        case .opening, .waiting: done(.invalidRecordState)
        case .ready(let shared):
            do throws(ShareRefusal) {
                if try shared.leadership.acknowledge(member, ranges, now: broker.now, done) { return done(.none) }
            } catch { return done(error == .malformed ? .invalidRequest : .invalidRecordState) }
            note(shared)
            shared.wake()
        }
    }

    /// Frees a consumer's acquired records: it has left or has ended its session.
    func release(_ group: GroupID, _ member: MemberID, _ places: [TopicPartition]) {
        for place in places {
            guard let shared = opened[Name(group: group, place: place)], shared.isCurrent else { continue }
            shared.leadership.state.release(member)
            note(shared)
            shared.wake()
        }
    }

    /// Starts the clock of the acquisition locks.
    func acquired() {
        guard !isTicking, !broker.isStopping else { return }
        isTicking = true
        broker.loop.schedule(after: BrokerSettings.groupTick) { self.tick() }
    }

    private func tick() {
        isTicking = false
        guard !broker.isStopping else { return }
        var hasLocks = false
        for shared in opened.values.sorted(by: { ($0.group, $0.partition.name) < ($1.group, $1.partition.name) }) {
            guard shared.isCurrent else {
                drop(shared, .notLeaderOrFollower)
                continue
            }
            guard let deadline = shared.leadership.state.nextDeadline else { continue }
            hasLocks = true
            guard deadline <= broker.now else { continue }
            shared.leadership.state.expire(now: broker.now)
            note(shared)
            shared.wake()
        }
        if hasLocks { acquired() }
    }

    // MARK: storing

    /// Stores a share partition if it has changed.
    func note(_ shared: SharedPartition) {
        guard shared.leadership.state.hasChanged, !shared.isListed, !shared.isSeeking else { return }
        shared.isListed = true
        changed.append(shared)
        storeNext()
    }

    /// One round at a time; changes during a round go together with the next one.
    private func storeNext() {
        guard !isStoring, !changed.isEmpty else { return }
        var stores: [ShareStore] = []
        var round: [SharedPartition] = []
        var bytes = 0
        while let shared = changed.first, bytes < Self.roundBytesMax {
            changed.removeFirst()
            shared.isListed = false
            guard shared.isCurrent, opened[shared.name] === shared else {
                drop(shared, .notLeaderOrFollower)
                continue
            }
            let share = shared.leadership.beginWrite()
            bytes += share.sizeBytes
            stores.append(
                ShareStore(
                    group: shared.group, topicID: shared.partition.topicID, partition: shared.partition.name.partition,
                    leaderEpoch: shared.leadership.term,
                    revision: shared.leadership.revision, share: share))
            round.append(shared)
        }
        guard !stores.isEmpty else { return }
        isStoring = true
        broker.replica.propose(.share(.store(stores))) { [self] result in
            isStoring = false
            if case .success(.sharesStored(let verdicts)) = result {
                for (shared, verdict) in zip(round, verdicts) { ended(shared, verdict) }
            } else {
                broker.log.error(
                    "what share groups have done could not be stored; they get it again", metadata: ["share partitions": "\(round.count)"])
                pausedUntil = broker.now + BrokerSettings.transactionRetry
                for shared in round { failed(shared, .kafkaStorageError) }
            }
            storeNext()
        }
    }

    private func ended(_ shared: SharedPartition, _ verdict: ShareStoreVerdict) {
        guard case .stored(let revision) = verdict else { return failed(shared, .notLeaderOrFollower) }
        let isFirst = !shared.leadership.isReady
        for waiter in shared.leadership.stored(as: revision) { waiter(.none) }
        if isFirst { shared.wake() }
    }

    private func failed(_ shared: SharedPartition, _ code: KafkaErrorCode) {
        let waiters = shared.leadership.failed()
        drop(shared, code)
        for waiter in waiters { waiter(code) }
    }

    /// Most bytes of one round in the log.
    private static let roundBytesMax = 4 << 20
}
