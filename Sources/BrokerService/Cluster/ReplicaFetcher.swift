// A follower's side of replication: one fetcher per broker that leads partitions with a replica here. It fetches the records behind its
// logs' ends, makes them durable, and fetches again; the fetch itself tells the leader the follower's position. Where its log diverges from
// the leader's, it truncates its own. Unchanged positions are not repeated (ReplicaQuestion).
// Source: Kafka's replication design; KIP-101, KIP-595 for diverging logs.
import Base
import BrokerCore
import KafkaWire
import NetKit
import Storage

extension ClusterMember {
    func follow(_ partition: Partition) {
        let fetcher = fetchers[partition.leader] ?? ReplicaFetcher(of: partition.leader, for: broker, self)
        fetchers[partition.leader] = fetcher
        fetcher.add(partition)
    }

    func unfollow(_ partition: Partition) { fetchers[partition.leader]?.remove(partition) }
}

/// Fetches from one leader. Used on the loop only.
final class ReplicaFetcher: @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; closures carry the reference back there.
    private let leader: Int32
    private unowned let broker: Broker
    private unowned let member: ClusterMember
    private var followed: [TopicPartition: Partition] = [:]
    /// End of the pause of each partition that could not be fetched.
    private var paused: [TopicPartition: Instant] = [:]
    private var stream: PeerStream?
    private var isConnecting = false
    private var isBusy = false
    /// Whether the leader holds a fetch that does not name all partitions.
    private var isOutdated = false
    private var session = ReplicaFetchSession()
    private var failures = 0

    /// The version of Fetch between brokers: topics by id, replicas by number.
    static let version: Int16 = 13

    init(of leader: Int32, for broker: Broker, _ member: ClusterMember) {
        self.leader = leader
        self.broker = broker
        self.member = member
    }

    func add(_ partition: Partition) {
        followed[partition.name] = partition
        paused[partition.name] = nil
        session.lookAgain(partition.name)
        if isBusy {
            guard !isOutdated else { return }
            isOutdated = true
            // Ends the wait of the fetch that the leader holds.
            stream?.ask(FetchRequest(replicaID: broker.settings.nodeID, topics: []), version: Self.version) { _ in }
        } else {
            next()
        }
    }

    func remove(_ partition: Partition) {
        guard followed[partition.name] === partition else { return }
        followed[partition.name] = nil
        paused[partition.name] = nil
        session.lookAgain(partition.name)
    }

    /// Stops following all partitions.
    func stop() { followed = [:] }

    // MARK: questions

    private func next() {
        guard !isBusy, !broker.isStopping, !followed.isEmpty else { return }
        guard let stream else { return connect() }
        let now = broker.now
        paused = paused.filter { $0.value > now }
        guard let request = question() else { return retryLater() }
        isBusy = true
        isOutdated = false
        stream.ask(request, version: Self.version) { [self] answer in
            isBusy = false
            guard let answer, session.isNext(answer, followed.keys) else { return retryLater() }
            isBusy = true
            take(answer)
        }
    }

    /// The next fetch; nil if there is nothing to fetch at present.
    private func question() -> FetchRequest? {
        session.question(from: broker.settings.nodeID) { [self] name in
            guard let partition = followed[name], paused[name] == nil else { return .notWanted }
            let allowance = broker.throttle.allowance(for: partition)
            // A partition over its rate is not fetched.
            if allowance == 0 { return .heldBack }
            return .wanted(
                partition.topicID,
                .init(
                    partition: name.partition, currentLeaderEpoch: partition.term, fetchOffset: partition.logEnd,
                    lastFetchedEpoch: partition.epochs.latest,
                    logStartOffset: partition.startOffset,
                    partitionMaxBytes: Int32(min(allowance ?? .max, ClusterSettings.replicaPartitionBytesMax))),
                isThrottled: allowance != nil)
        }
    }

    private func retryLater() {
        broker.loop.schedule(after: ClusterSettings.replicaRetry) { self.next() }
    }

    private func connect() {
        guard !isConnecting else { return }
        isConnecting = true
        member.links.openStream(to: Int64(leader)) { frames in
            let stream = PeerStream(frames, clientID: "replica") { self.lost($0) }
            self.connected(stream)
            return stream
        } failed: {
            self.notConnected()
        }
    }

    private func connected(_ stream: PeerStream) {
        isConnecting = false
        failures = 0
        self.stream = stream
        broker.loop.execute { self.next() }
    }

    private func notConnected() {
        isConnecting = false
        failures += 1
        broker.loop.schedule(after: .milliseconds(min(500, 25 << min(failures, 5)))) { self.next() }
    }

    private func lost(_ stream: PeerStream) {
        guard self.stream === stream else { return }
        self.stream = nil
        session.begin(with: followed.keys)
        notConnected()
    }

    // MARK: answers

    private func take(_ answer: FetchResponse) {
        let gathering = Gathering { [self] in
            isBusy = false
            next()
        }
        for topic in answer.topics {
            guard let name = broker.machine.topic(id: topic.topicID)?.name else { continue }
            for part in topic.partitions {
                let place = TopicPartition(name, part.partition)
                session.lookAgain(place)
                // An answer about another term does not describe this leader's present log.
                guard let partition = followed[place], partition.topicID == topic.topicID, session.askedTerm(of: place) == partition.term
                else { continue }
                take(part, partition, gathering)
            }
        }
        gathering.leave()
    }

    private func take(_ part: FetchResponse.Topic.Partition, _ partition: Partition, _ gathering: Gathering) {
        if let diverging = part.diverging { return cut(partition, diverging, gathering) }
        switch part.errorCode {
        case .none: break
        case .offsetOutOfRange: return startOver(partition, part, gathering)
        default:
            // The leader or this broker has not learned of the leader yet, or its disk fails; the log will show the leader.
            return pause(partition)
        }
        if part.logStartOffset > partition.startOffset { begin(partition, at: part.logStartOffset, gathering) }
        guard let records = part.records?.bytes, records.readableBytes > 0 else {
            return broker.advanced(partition) { $0.hear(highWatermark: part.highWatermark) }
        }
        if broker.throttle.allowance(for: partition) != nil { broker.throttle.spend(.following, records.readableBytes) }
        gathering.enter()
        let job = AppendJob(
            partition: partition, log: partition.log, payload: AppendPayload(replicated: records), term: partition.term,
            mustSync: broker.flushing.mustSyncReplicated(partition)
        ) { [self] outcome in
            switch outcome {
            case .replicated: broker.advanced(partition) { $0.hear(highWatermark: part.highWatermark) }
            case .notLeader: break
            default: complain(partition, outcome)
            }
            gathering.leave()
        }
        partition.writer.append(job)
    }

    private func complain(_ partition: Partition, _ outcome: AppendOutcome) {
        pause(partition, for: ClusterSettings.replicaRetryAfterFailure)
        broker.log.error(
            "what the leader sent could not be appended; trying again",
            metadata: [
                "partition": "\(partition.name)", "leader": "\(leader)", "reason": "\(outcome)",
            ])
    }

    private func pause(_ partition: Partition, for time: Duration = ClusterSettings.replicaRetry) {
        let name = partition.name
        paused[name] = broker.now + time
        session.lookAgain(name)
        broker.loop.schedule(after: time) {
            if !self.broker.isStopping, let again = self.followed[name] { self.add(again) }
        }
    }

    /// Truncates the log where it diverges from the leader's: no leader has acknowledged the records behind that point.
    private func cut(_ partition: Partition, _ diverging: FetchResponse.Topic.Partition.DivergingEpoch, _ gathering: Gathering) {
        let own = partition.epochs.end(of: diverging.epoch, logEnd: partition.logEnd)?.endOffset ?? diverging.endOffset
        let end = max(0, min(diverging.endOffset, own))
        broker.log.notice(
            "records that no leader acknowledged are cut off",
            metadata: [
                "partition": "\(partition.name)", "from": "\(end)", "to": "\(partition.logEnd)", "leader": "\(leader)",
            ])
        change(partition, gathering) { log throws(StorageError) in try log.truncate(to: end) }
    }

    /// This log's end lies outside of the leader's log: restarts the log at the leader's start, or truncates it to the high watermark.
    private func startOver(_ partition: Partition, _ part: FetchResponse.Topic.Partition, _ gathering: Gathering) {
        guard part.logStartOffset >= 0 else { return pause(partition) }
        let (start, mark) = (part.logStartOffset, max(part.highWatermark, part.logStartOffset))
        broker.log.notice(
            "the log is begun anew where the leader's begins",
            metadata: ["partition": "\(partition.name)", "leader": "\(leader)", "start": "\(start)"])
        let isBehind = partition.logEnd < start
        change(partition, gathering) { log throws(StorageError) in
            if isBehind { try log.restart(at: start) } else { try log.truncate(to: mark) }
        }
    }

    private func begin(_ partition: Partition, at start: Int64, _ gathering: Gathering) {
        guard start <= partition.logEnd else { return }
        change(partition, gathering) { log throws(StorageError) in try log.begin(at: start) }
    }

    private func change(
        _ partition: Partition, _ gathering: Gathering, _ body: @escaping @Sendable (PartitionLog) throws(StorageError) -> Void
    ) {
        gathering.enter()
        let (log, term) = (partition.log, partition.term)
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let changed: (Result<LogBounds, StorageError>) -> Void = { [self] result in
            switch result {
            case .success(let bounds): broker.truncated(partition, bounds)
            case .failure(let error):
                pause(partition, for: ClusterSettings.replicaRetryAfterFailure)
                broker.log.error(
                    "a replica could not be brought in line with its leader",
                    metadata: ["partition": "\(partition.name)", "error": "\(error)"])
            }
            gathering.leave()
        }
        partition.writer.disk.submit { [loop = broker.loop] in
            let result = Result { () throws(StorageError) in
                // A later term has begun meanwhile: its own leader gives the point of truncation.
                if log.term == term { try body(log) }
                return log.bounds
            }
            loop.execute { changed(result) }
        }
    }
}
