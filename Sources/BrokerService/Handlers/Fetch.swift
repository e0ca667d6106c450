// Fetch: answered from memory at the tail, from the partition's disk thread further back, and held until there is enough. A waiting
// fetch stands in each of its partitions and is woken by an append; nothing polls. What sessions are is in FetchSessions.
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

/// Which records a reader wants.
enum IsolationLevel {
    case readUncommitted
    /// No records of open transactions, and the aborted ones named.
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
    /// The follower that asks; nil for a consumer.
    private let follower: Int32?
    /// What there is to look at: all that was asked for, or what of a session has something to say.
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
        // By number, so that a fetch that was answered early is not kept until its time is over.
        broker.loop.schedule(after: wait) { [broker, number] in broker.fetchWaits[number]?.end() }
    }

    /// Something was appended to one of the partitions, or one has gone.
    func wake() {
        guard !isDone else { return }
        if let session { topics = session.pendingTopics }
        if isReady { end() }
    }

    /// Answers with what there is; the first of wake, timer and stop does.
    func end() {
        guard !isDone else { return }
        gather()
    }

    /// A follower's question says how far it has come, where it speaks of this term and its log does not part from the leader's.
    private func noteProgress() {
        guard let follower else { return }
        let alive = broker.machine.cluster.aliveSet.contains(follower)
        func note(_ partition: Partition, _ part: FetchRequest.Topic.Partition) {
            broker.advanced(partition) { partition in
                if let change = partition.fetched(by: follower, at: part.fetchOffset, alive: alive, now: broker.now) { broker.propose(change, of: partition) }
            }
        }
        for topic in request.topics {
            for part in topic.partitions { if case .partition(let partition) = find(topic, part) { note(partition, part) } }
        }
        session?.noteProgress(now: broker.now, note)
    }

    /// Where the reader's log parts from this one, if the reader says what it has.
    private func diverging(_ part: FetchRequest.Topic.Partition, _ partition: Partition) -> FetchResponse.Topic.Partition.DivergingEpoch? {
        guard part.lastFetchedEpoch >= 0 else { return nil }
        return partition.epochs.divergence(lastEpoch: part.lastFetchedEpoch, at: part.fetchOffset, logEnd: partition.logEnd).map {
            .init(epoch: $0.epoch, endOffset: $0.endOffset)
        }
    }

    /// The offset before which the reader stops: followers get everything.
    private func end(of partition: Partition) -> Int64 { follower == nil ? partition.end(of: isolation) : partition.logEnd }

    /// Whether there is enough to answer, or something to refuse.
    private var isReady: Bool {
        var available = 0
        for topic in topics {
            for part in topic.partitions {
                let found = find(topic, part)
                if case .empty = found { continue }
                guard case .partition(let partition) = found else { return true }
                // What its rate holds back does not end the wait.
                guard allowance(partition) != 0 else { continue }
                available += min(partition.availableBytes(from: part.fetchOffset, below: end(of: partition)), max(1, Int(part.partitionMaxBytes)))
            }
        }
        return available >= Int(request.minBytes)
    }

    /// Bytes that a throttled follower out of sync may have of a partition now; nil where nothing holds the reader back.
    private func allowance(_ partition: Partition) -> Int? { follower.flatMap { broker.throttle.allowance(of: $0, in: partition) } }

    /// A partition as it is found.
    private enum Found {
        case partition(Partition)
        /// It is there, and what is asked of it is not possible.
        case refused(Partition, KafkaErrorCode)
        /// The reader's log parts from this one.
        case parted(Partition, FetchResponse.Topic.Partition.DivergingEpoch)
        /// A partition of an internal topic, which has no records.
        case empty
        case missing(KafkaErrorCode)
    }

    private func find(_ topic: FetchRequest.Topic, _ part: FetchRequest.Topic.Partition) -> Found {
        guard let name = call.namesTopicsByID ? broker.topicName(id: topic.topicID) : topic.name else { return .missing(.unknownTopicID) }
        guard follower != nil || AccessReview(broker: broker, call: call).may(.read, .topic, name) else { return .missing(.topicAuthorizationFailed) }
        let place = TopicPartition(name, part.partition)
        guard let partition = broker.partitions[place] else { return broker.isEmptyInternal(place) ? .empty : .missing(missing(place)) }
        if let code = refusal(part, partition) { return .refused(partition, code) }
        if let diverging = diverging(part, partition) { return .parted(partition, diverging) }
        return .partition(partition)
    }

    private func refusal(_ part: FetchRequest.Topic.Partition, _ partition: Partition) -> KafkaErrorCode? {
        if let code = partition.refusal(ofEpoch: part.currentLeaderEpoch) { return code }
        if let follower { return partition.leadership?.isReplica(follower) == true ? outOfRange(part, partition) : .notLeaderOrFollower }
        // Followers serve readers that know of it, with what they know to be on every replica in sync.
        guard partition.leads || (call.version >= Self.firstVersionOfFollowers && partition.leader >= 0) else { return .notLeaderOrFollower }
        if let code = outOfRange(part, partition) { return code }
        return !partition.leads && part.fetchOffset > partition.highWatermark ? .offsetNotAvailable : nil
    }

    private func outOfRange(_ part: FetchRequest.Topic.Partition, _ partition: Partition) -> KafkaErrorCode? {
        // A log that parts from the reader's says where.
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

    /// The client is beyond its limit: it gets an empty answer with the time to wait, and asks for the same again. A session of which it was told nothing yet ends,
    /// since an empty answer opens none (KIP-219).
    private func withhold(_ parts: [[FetchSessionPart]]?, _ call: Call) {
        guard let session, let parts, !session.isFresh else {
            if let session { broker.fetchSessions.end(session) }
            return call.reply(FetchResponse())
        }
        session.giveBack(parts)
        call.reply(FetchResponse(sessionID: session.id))
    }

    /// The code for a partition that is not here.
    private func missing(_ name: TopicPartition) -> KafkaErrorCode {
        do {
            _ = try broker.led(name).get()
            return .notLeaderOrFollower
        } catch { return error.code }
    }

    private func read(_ part: FetchRequest.Topic.Partition, _ partition: Partition, _ answer: FetchAnswer, _ t: Int, _ p: Int, _ gathering: Gathering) {
        answer.describe(t, p, partition)
        if let replica = nearerReplica(partition) { return answer.direct(t, p, replica) }
        let allowance = allowance(partition)
        guard allowance != 0 else { return }
        let room = min(Int(part.partitionMaxBytes), answer.remaining, allowance ?? .max)
        let visible = end(of: partition)
        if isolation == .readCommitted { answer.setAborted(t, p, []) }
        guard part.fetchOffset < visible, room > 0 || answer.isEmpty else { return }
        if let records = partition.tailRecords(from: part.fetchOffset, below: visible, maxBytes: max(0, room)), call.session.maySendFromMemory(records.count) {
            // The first batch is handed out even if it is larger than the limits, or its reader would never get past it (KIP-74).
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
            // What was set aside and did not go is given back; what went beyond it, a batch larger than all of it, is owed.
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

    /// A replica in sync that stands in the reader's rack, if this broker does not (KIP-392).
    private func nearerReplica(_ partition: Partition) -> Int32? {
        guard follower == nil, !request.rackID.isEmpty, let leadership = partition.leadership, let cluster = broker.cluster,
            cluster.settings.rack != request.rackID
        else { return nil }
        let brokers = broker.machine.cluster.brokers
        return leadership.state.inSync.first { id in
            id != broker.settings.nodeID && brokers[id].map { $0.rack == request.rackID && !$0.isFenced } ?? false
        }
    }

    /// Puts records into the answer, and with them the aborted transactions that a reader of committed ones has to pass over.
    private func hand(_ records: BytesOrFile, from offset: Int64, to next: Int64, _ partition: Partition, _ answer: FetchAnswer, _ t: Int, _ p: Int) {
        answer.set(t, p, records)
        guard isolation == .readCommitted, !partition.transactions.aborted.isEmpty, records.count > 0 else { return }
        answer.setAborted(t, p, partition.transactions.aborted(from: offset, below: next))
    }
}

/// A Fetch response while its parts come in.
private final class FetchAnswer {
    private(set) var response: FetchResponse
    /// Bytes of record batches in it.
    private(set) var bytes = 0
    /// Bytes for which there is room beside those that are in it and those that are on their way from the disk.
    private(set) var remaining: Int
    private var readsUnderWay = 0

    /// Whether nothing is in it, nor on its way.
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

    func part(_ t: Int, _ p: Int, _ diverging: FetchResponse.Topic.Partition.DivergingEpoch) { response.topics[t].partitions[p].diverging = diverging }

    func direct(_ t: Int, _ p: Int, _ replica: Int32) { response.topics[t].partitions[p].preferredReadReplica = replica }

    func setAborted(_ t: Int, _ p: Int, _ aborted: [AbortedTransaction]) {
        response.topics[t].partitions[p].abortedTransactions = aborted.map { .init(producerID: $0.producerID, firstOffset: $0.firstOffset) }
    }

    /// Room for a read that is under way.
    func setAside(_ room: Int) {
        remaining -= room
        readsUnderWay += 1
    }

    /// The read has ended; what it brought is counted where it is handed out.
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
