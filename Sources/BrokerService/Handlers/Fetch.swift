// Fetch: reads the tail from memory, older records on the partition's disk thread, and holds the answer until there are enough bytes. A
// waiting fetch stands in each of its partitions, and an append wakes it; there is no polling. For sessions see FetchSessions.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func fetch(_ request: FetchRequest, _ call: Call) {
        let session: FetchSession?
        do throws(FetchSessionRefusal) { session = try fetchSessions.session(of: request, call) } catch {
            return call.reply(FetchResponse(errorCode: error.code))
        }
        FetchWait(self, request, call, session, number: takeNumber()).begin()
    }
}

/// The isolation level of a reader.
enum IsolationLevel {
    case readUncommitted
    /// No records of open transactions; lists the aborted ones.
    case readCommitted

    init(wire: Int8) { self = wire == 1 ? .readCommitted : .readUncommitted }
}

/// A fetch from its arrival to its answer. Used on the loop only.
final class FetchWait: FetchWaiter, @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; closures carry the reference back there.
    let number: Int
    private let broker: Broker
    private let request: FetchRequest
    private let call: Call
    private let session: FetchSession?
    private let isolation: IsolationLevel
    /// The fetching follower; nil for a consumer.
    private let follower: Int32?
    /// The partitions to examine: all in the request, or the session's partitions with news.
    private var topics: [FetchRequest.Topic]
    private var standsIn: [Partition] = []
    private var isDone = false

    init(_ broker: Broker, _ request: FetchRequest, _ call: Call, _ session: FetchSession?, number: Int) {
        self.broker = broker
        self.request = request
        self.call = call
        self.session = session
        isolation = IsolationLevel(wire: request.isolationLevel)
        follower = call.session.peer
        topics = session?.pendingTopics ?? request.topics
        self.number = number
    }

    func begin() {
        if follower != nil {
            call.session.replicaWait?.end()
            call.session.replicaWait = self
            noteProgress()
        }
        if isReady || request.maxWaitMilliseconds <= 0 { return gather() }
        if let session {
            session.standInPartitions { if case .partition(let partition) = find($0.topic, $0.wanted) { partition } else { nil } }
            session.wait = self
        } else {
            for topic in topics {
                for part in topic.partitions {
                    guard case .partition(let partition) = find(topic, part) else { continue }
                    partition.waiting[number] = self
                    standsIn.append(partition)
                }
            }
        }
        broker.fetchWaits[number] = self
        let wait = min(Duration.milliseconds(Int(request.maxWaitMilliseconds)), BrokerSettings.fetchWaitMax)
        // By number, so that the timer does not retain a fetch that was answered early.
        broker.loop.schedule(after: wait) { [broker, number] in broker.fetchWaits[number]?.end() }
    }

    /// A partition got records, or is gone.
    func wake() {
        guard !isDone else { return }
        if let session { topics = session.pendingTopics }
        if isReady { end() }
    }

    /// Answers with the available records; runs once, for the first of wake, timer and stop.
    func end() {
        guard !isDone else { return }
        gather()
    }

    /// Records the follower's position, where its fetch is of this term and its log does not diverge from the leader's.
    private func noteProgress() {
        guard let follower else { return }
        let alive = broker.machine.cluster.aliveSet.contains(follower)
        func note(_ partition: Partition, _ part: FetchRequest.Topic.Partition) {
            broker.advanced(partition) { partition in
                if let change = partition.fetched(by: follower, at: part.fetchOffset, alive: alive, now: broker.now) {
                    broker.propose(change, of: partition)
                }
            }
        }
        for topic in request.topics {
            for part in topic.partitions { if case .partition(let partition) = find(topic, part) { note(partition, part) } }
        }
        session?.noteProgress(now: broker.now, note)
    }

    /// The divergence of the reader's log from this one, if the fetch states the reader's last epoch.
    private func diverging(_ part: FetchRequest.Topic.Partition, _ partition: Partition) -> FetchResponse.Topic.Partition.DivergingEpoch? {
        guard part.lastFetchedEpoch >= 0 else { return nil }
        return partition.epochs.divergence(lastEpoch: part.lastFetchedEpoch, at: part.fetchOffset, logEnd: partition.logEnd).map {
            .init(epoch: $0.epoch, endOffset: $0.endOffset)
        }
    }

    /// The end of the reader's range: followers get everything.
    private func end(of partition: Partition) -> Int64 { follower == nil ? partition.end(of: isolation) : partition.logEnd }

    /// Whether there are enough bytes, or an error, to answer with.
    private var isReady: Bool {
        var available = 0
        for topic in topics {
            for part in topic.partitions {
                let found = find(topic, part)
                if case .empty = found { continue }
                guard case .partition(let partition) = found else { return true }
                // Bytes over the follower's rate do not end the wait.
                guard allowance(partition) != 0 else { continue }
                available += min(
                    partition.availableBytes(from: part.fetchOffset, below: end(of: partition)), max(1, Int(part.partitionMaxBytes)))
            }
        }
        return available >= Int(request.minBytes)
    }

    /// Bytes that a throttled out-of-sync follower may have of a partition now; nil without a throttle.
    private func allowance(_ partition: Partition) -> Int? { follower.flatMap { broker.throttle.allowance(of: $0, in: partition) } }

    /// The lookup result of a partition.
    private enum Found {
        case partition(Partition)
        /// It exists and refuses the fetch.
        case refused(Partition, KafkaErrorCode)
        /// The reader's log diverges from this one.
        case parted(Partition, FetchResponse.Topic.Partition.DivergingEpoch)
        /// A partition of an internal topic, which has no records.
        case empty
        case missing(KafkaErrorCode)
    }

    private func find(_ topic: FetchRequest.Topic, _ part: FetchRequest.Topic.Partition) -> Found {
        guard let name = call.namesTopicsByID ? broker.topicName(id: topic.topicID) : topic.name else { return .missing(.unknownTopicID) }
        guard follower != nil || AccessReview(broker: broker, call: call).may(.read, .topic, name) else {
            return .missing(.topicAuthorizationFailed)
        }
        let place = TopicPartition(name, part.partition)
        guard let partition = broker.partitions[place] else { return broker.isEmptyInternal(place) ? .empty : .missing(missing(place)) }
        if let code = refusal(part, partition) { return .refused(partition, code) }
        if let diverging = diverging(part, partition) { return .parted(partition, diverging) }
        return .partition(partition)
    }

    private func refusal(_ part: FetchRequest.Topic.Partition, _ partition: Partition) -> KafkaErrorCode? {
        if let code = partition.refusal(ofEpoch: part.currentLeaderEpoch) { return code }
        if let follower { return partition.leadership?.isReplica(follower) == true ? outOfRange(part, partition) : .notLeaderOrFollower }
        // Followers serve readers of versions that know of it, with records that they know to be on every in-sync replica.
        guard partition.leads || (call.version >= Self.firstVersionOfFollowers && partition.leader >= 0) else {
            return .notLeaderOrFollower
        }
        if let code = outOfRange(part, partition) { return code }
        return !partition.leads && part.fetchOffset > partition.highWatermark ? .offsetNotAvailable : nil
    }

    private func outOfRange(_ part: FetchRequest.Topic.Partition, _ partition: Partition) -> KafkaErrorCode? {
        // The answer to a diverging reader states the divergence.
        if part.lastFetchedEpoch >= 0, part.fetchOffset > partition.logEnd, diverging(part, partition) != nil { return nil }
        return part.fetchOffset < partition.startOffset || part.fetchOffset > partition.logEnd ? .offsetOutOfRange : nil
    }

    /// From this version of Fetch on a consumer may read from a follower (KIP-392).
    private static let firstVersionOfFollowers: Int16 = 11

    // MARK: the answer

    private func leave() {
        isDone = true
        for partition in standsIn { partition.waiting[number] = nil }
        standsIn = []
        session?.wait = nil
        broker.fetchWaits[number] = nil
    }

    private func gather() {
        leave()
        guard !call.isAbandoned else { return call.replyNothing() }
        let taken = session?.takePending()
        if let taken { topics = taken.topics }
        let answer = FetchAnswer(topics, bytesMax: min(Int(request.maxBytes), broker.quotas.fetchBytesMax(call)))
        let gathering = Gathering { [self] in
            var call = call
            guard follower != nil || broker.quotas.allows(answer.bytes, &call) else { return withhold(taken?.parts, call) }
            broker.metrics.fetchedBytes.add(Int64(answer.bytes))
            var response = answer.response
            if let session, let taken { session.tell(taken.parts, &response, isolation) }
            response.nameLeaders(broker, call)
            call.reply(response)
        }
        for (t, topic) in topics.enumerated() {
            for (p, part) in topic.partitions.enumerated() {
                switch find(topic, part) {
                case .empty: answer.setEmpty(t, p)
                case .missing(let code): answer.refuse(t, p, code)
                case .refused(let partition, let code):
                    answer.describe(t, p, partition)
                    answer.refuse(t, p, code)
                case .parted(let partition, let diverging):
                    answer.describe(t, p, partition)
                    answer.part(t, p, diverging)
                case .partition(let partition):
                    if let session, let taken { session.stand(taken.parts[t][p], in: partition) }
                    read(part, partition, answer, t, p, gathering)
                }
            }
        }
        gathering.leave()
    }

    /// Withholds the answer from a client over its limit: it gets an empty answer with the throttle time, and repeats its fetch. A session
    /// that has answered nothing yet ends, since an empty answer opens none (KIP-219).
    private func withhold(_ parts: [[FetchSessionPart]]?, _ call: Call) {
        guard let session, let parts, !session.isFresh else {
            if let session { broker.fetchSessions.end(session) }
            return call.reply(FetchResponse())
        }
        session.giveBack(parts)
        call.reply(FetchResponse(sessionID: session.id))
    }

    /// The error of a partition without a replica here.
    private func missing(_ name: TopicPartition) -> KafkaErrorCode {
        do {
            _ = try broker.led(name).get()
            return .notLeaderOrFollower
        } catch { return error.code }
    }

    private func read(
        _ part: FetchRequest.Topic.Partition, _ partition: Partition, _ answer: FetchAnswer, _ t: Int, _ p: Int, _ gathering: Gathering
    ) {
        answer.describe(t, p, partition)
        if let replica = nearerReplica(partition) { return answer.direct(t, p, replica) }
        let allowance = allowance(partition)
        guard allowance != 0 else { return }
        let room = min(Int(part.partitionMaxBytes), answer.remaining, allowance ?? .max)
        let visible = end(of: partition)
        if isolation == .readCommitted { answer.setAborted(t, p, []) }
        guard part.fetchOffset < visible, room > 0 || answer.isEmpty else { return }
        if let records = partition.tailRecords(from: part.fetchOffset, below: visible, maxBytes: max(0, room)),
            call.session.maySendFromMemory(records.count)
        {
            // The first batch goes out even if it exceeds the limits, otherwise its reader would never get past it (KIP-74).
            guard records.count <= room || answer.isEmpty else { return }
            if allowance != nil { broker.throttle.spend(.leading, records.count) }
            return hand(records.records, from: part.fetchOffset, to: records.nextOffset, partition, answer, t, p)
        }
        answer.setAside(room)
        if allowance != nil { broker.throttle.spend(.leading, room) }
        gathering.enter()
        let log = partition.log
        let offset = part.fetchOffset
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let done: (Result<(records: BytesOrFile, nextOffset: Int64), any Error>) -> Void = { [self] result in
            // Returns the unused part of the reservation; a batch larger than the reservation leaves a debt.
            if allowance != nil { broker.throttle.spend(.leading, ((try? result.get())?.records.count ?? 0) - room) }
            answer.giveBack(room)
            switch result {
            case .success(let found): hand(found.records, from: offset, to: found.nextOffset, partition, answer, t, p)
            case .failure(let error):
                broker.log.error("a partition could not be read", metadata: ["partition": "\(partition.name)", "error": "\(error)"])
                answer.refuse(t, p, .kafkaStorageError)
            }
            gathering.leave()
        }
        partition.writer.disk.submit { [broker] in
            let result = Result { try log.lend(from: offset, below: visible, maxBytes: max(0, room)) }
            broker.loop.execute { done(result) }
        }
    }

    /// An in-sync replica in the reader's rack, if this broker is in another one (KIP-392).
    private func nearerReplica(_ partition: Partition) -> Int32? {
        guard follower == nil, !request.rackID.isEmpty, let leadership = partition.leadership, let cluster = broker.cluster,
            cluster.settings.rack != request.rackID
        else { return nil }
        let brokers = broker.machine.cluster.brokers
        return leadership.state.inSync.first { id in
            id != broker.settings.nodeID && brokers[id].map { $0.rack == request.rackID && !$0.isFenced } ?? false
        }
    }

    /// Puts records into the answer, and with them the aborted transactions that a read-committed reader must skip.
    private func hand(
        _ records: BytesOrFile, from offset: Int64, to next: Int64, _ partition: Partition, _ answer: FetchAnswer, _ t: Int, _ p: Int
    ) {
        answer.set(t, p, records)
        guard isolation == .readCommitted, !partition.transactions.aborted.isEmpty, records.count > 0 else { return }
        answer.setAborted(t, p, partition.transactions.aborted(from: offset, below: next))
    }
}

/// A Fetch response under assembly.
private final class FetchAnswer {
    private(set) var response: FetchResponse
    /// Bytes of record batches in it.
    private(set) var bytes = 0
    /// Bytes of room left beside the answer's records and the pending reads.
    private(set) var remaining: Int
    private var readsUnderWay = 0

    /// Whether the answer has neither records nor pending reads.
    var isEmpty: Bool { bytes == 0 && readsUnderWay == 0 }

    init(_ topics: [FetchRequest.Topic], bytesMax: Int) {
        remaining = min(bytesMax, BrokerSettings.fetchBytesMax)
        response = FetchResponse(
            topics: topics.map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map { .init(partition: $0.partition, highWatermark: -1, records: BytesOrFile()) })
            })
    }

    func describe(_ t: Int, _ p: Int, _ partition: Partition) {
        response.topics[t].partitions[p].highWatermark = partition.highWatermark
        response.topics[t].partitions[p].lastStableOffset = partition.lastStableOffset
        response.topics[t].partitions[p].logStartOffset = partition.startOffset
    }

    func setEmpty(_ t: Int, _ p: Int) {
        response.topics[t].partitions[p].highWatermark = 0
        response.topics[t].partitions[p].lastStableOffset = 0
        response.topics[t].partitions[p].logStartOffset = 0
    }

    func refuse(_ t: Int, _ p: Int, _ code: KafkaErrorCode) { response.topics[t].partitions[p].errorCode = code }

    func part(_ t: Int, _ p: Int, _ diverging: FetchResponse.Topic.Partition.DivergingEpoch) {
        response.topics[t].partitions[p].diverging = diverging
    }

    func direct(_ t: Int, _ p: Int, _ replica: Int32) { response.topics[t].partitions[p].preferredReadReplica = replica }

    func setAborted(_ t: Int, _ p: Int, _ aborted: [AbortedTransaction]) {
        response.topics[t].partitions[p].abortedTransactions = aborted.map { .init(producerID: $0.producerID, firstOffset: $0.firstOffset) }
    }

    /// Reserves room for a pending read.
    func setAside(_ room: Int) {
        remaining -= room
        readsUnderWay += 1
    }

    /// Releases the room of a finished read; its records are counted when they are added.
    func giveBack(_ room: Int) {
        remaining += room
        readsUnderWay -= 1
    }

    func set(_ t: Int, _ p: Int, _ records: BytesOrFile) {
        response.topics[t].partitions[p].records = records
        bytes += records.count
        remaining -= records.count
    }
}
