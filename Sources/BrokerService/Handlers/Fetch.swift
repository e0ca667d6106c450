// Fetch: answered from memory at the tail, from the partition's disk thread further back, and held until there is enough. A waiting
// fetch stands in each of its partitions and is woken by an append; nothing polls. Sessions are optional in the protocol: we always give id 0.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func fetch(_ request: FetchRequest, _ call: Call) {
        guard request.sessionID == 0 else { return call.reply(.fetch(FetchResponse(errorCode: .fetchSessionIDNotFound))) }
        FetchWait(self, request, call, number: takeNumber()).begin()
    }

    /// The name under which a topic of a fetch is known, by name or by id.
    fileprivate func topicName(_ topic: FetchRequest.Topic, _ version: Int16) -> String? {
        version >= 13 ? machine.topic(id: topic.topicID)?.name : topic.name
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
final class FetchWait: @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; closures carry the reference back there.
    let number: Int
    private let broker: Broker
    private let request: FetchRequest
    private let call: Call
    private let isolation: IsolationLevel
    /// The follower that asks; nil for a consumer.
    private let follower: Int32?
    private var standsIn: [Partition] = []
    private var isDone = false

    init(_ broker: Broker, _ request: FetchRequest, _ call: Call, number: Int) {
        self.broker = broker
        self.request = request
        self.call = call
        isolation = IsolationLevel(wire: request.isolationLevel)
        follower = call.session.peer
        self.number = number
    }

    func begin() {
        if follower != nil {
            call.session.replicaWait?.end()
            call.session.replicaWait = self
            noteProgress()
        }
        if isReady || request.maxWaitMilliseconds <= 0 { return gather() }
        for topic in request.topics {
            guard let name = broker.topicName(topic, call.version) else { continue }
            for part in topic.partitions {
                guard let partition = broker.partitions[TopicPartition(name, part.partition)] else { continue }
                partition.waiting[number] = self
                standsIn.append(partition)
            }
        }
        broker.fetchWaits[number] = self
        let wait = min(Duration.milliseconds(Int(request.maxWaitMilliseconds)), BrokerSettings.fetchWaitMax)
        // By number, so that a fetch that was answered early is not kept until its time is over.
        broker.loop.schedule(after: wait) { [broker, number] in broker.fetchWaits[number]?.end() }
    }

    /// Something was appended to one of the partitions, or one has gone.
    func wake() { if isReady { end() } }

    /// Answers with what there is; the first of wake, timer and stop does.
    func end() {
        guard !isDone else { return }
        gather()
    }

    /// A follower's question says how far it has come, where it speaks of this term and its log does not part from the leader's.
    private func noteProgress() {
        guard let follower else { return }
        let alive = broker.machine.cluster.aliveSet.contains(follower)
        for topic in request.topics {
            guard let name = broker.topicName(topic, call.version) else { continue }
            for part in topic.partitions {
                guard let partition = broker.partitions[TopicPartition(name, part.partition)], refusal(part, partition) == nil, diverging(part, partition) == nil
                else { continue }
                broker.advanced(partition) { partition in
                    if let change = partition.fetched(by: follower, at: part.fetchOffset, alive: alive, now: broker.now) { broker.propose(change, of: partition) }
                }
            }
        }
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
        for topic in request.topics {
            guard let name = broker.topicName(topic, call.version) else { return true }
            for part in topic.partitions {
                guard let partition = broker.partitions[TopicPartition(name, part.partition)],
                    refusal(part, partition) == nil, diverging(part, partition) == nil
                else { return true }
                available += min(partition.availableBytes(from: part.fetchOffset, below: end(of: partition)), max(1, Int(part.partitionMaxBytes)))
            }
        }
        return available >= Int(request.minBytes)
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
        broker.fetchWaits[number] = nil
    }

    private func gather() {
        leave()
        guard !call.isAbandoned else { return call.replyNothing() }
        let answer = FetchAnswer(request)
        let gathering = Gathering { [self] in
            broker.fetchedBytes.add(Int64(answer.bytes))
            call.reply(.fetch(answer.response))
        }
        for (t, topic) in request.topics.enumerated() {
            let name = broker.topicName(topic, call.version)
            for (p, part) in topic.partitions.enumerated() {
                guard let name, let partition = broker.partitions[TopicPartition(name, part.partition)] else {
                    answer.refuse(t, p, missing(name.map { TopicPartition($0, part.partition) }))
                    continue
                }
                read(part, partition, answer, t, p, gathering)
            }
        }
        gathering.leave()
    }

    /// The code for a partition that is not here.
    private func missing(_ name: TopicPartition?) -> KafkaErrorCode {
        guard let name else { return call.version >= 13 ? .unknownTopicID : .unknownTopicOrPartition }
        do {
            _ = try broker.led(name).get()
            return .notLeaderOrFollower
        } catch { return error.code }
    }

    private func read(_ part: FetchRequest.Topic.Partition, _ partition: Partition, _ answer: FetchAnswer, _ t: Int, _ p: Int, _ gathering: Gathering) {
        answer.describe(t, p, partition)
        if let code = refusal(part, partition) { return answer.refuse(t, p, code) }
        if let diverging = diverging(part, partition) { return answer.part(t, p, diverging) }
        if let replica = nearerReplica(partition) { return answer.direct(t, p, replica) }
        let room = min(Int(part.partitionMaxBytes), answer.remaining)
        let visible = end(of: partition)
        if isolation == .readCommitted { answer.setAborted(t, p, []) }
        guard part.fetchOffset < visible, room > 0 || answer.bytes == 0 else { return }
        if let records = partition.tailRecords(from: part.fetchOffset, below: visible, maxBytes: max(0, room)) {
            // The first batch is handed out even if it is larger than the limits, or its reader would never get past it (KIP-74).
            guard records.readableBytes <= room || answer.bytes == 0 else { return }
            return hand(records, from: part.fetchOffset, partition, answer, t, p)
        }
        answer.setAside(room)
        gathering.enter()
        let log = partition.log
        let offset = part.fetchOffset
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let done: (Result<Bytes, any Error>) -> Void = { [self] result in
            switch result {
            case .success(let records): hand(records, from: offset, partition, answer, t, p)
            case .failure(let error):
                broker.log.error("a partition could not be read", metadata: ["partition": "\(partition.name)", "error": "\(error)"])
                answer.refuse(t, p, .kafkaStorageError)
            }
            gathering.leave()
        }
        partition.writer.disk.submit { [broker] in
            let result = Result { Self.visible(try log.read(from: offset, maxBytes: max(0, room)), below: visible) }
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
    private func hand(_ records: Bytes, from offset: Int64, _ partition: Partition, _ answer: FetchAnswer, _ t: Int, _ p: Int) {
        answer.set(t, p, records)
        guard isolation == .readCommitted, !partition.transactions.aborted.isEmpty, records.readableBytes > 0 else { return }
        answer.setAborted(t, p, partition.transactions.aborted(from: offset, below: Self.end(of: records)))
    }

    /// The offset behind the last batch.
    private static func end(of records: Bytes) -> Int64 {
        var place = records.readerIndex
        var end: Int64 = 0
        while let header = records.getSlice(at: place, length: RecordBatchFormat.headerBytes), let extent = BatchFraming.extent(header) {
            end = extent.nextOffset
            place += extent.bytes
        }
        return end
    }

    /// The leading batches that lie wholly below `end`: the log may hold some that are not durable yet.
    private static func visible(_ records: Bytes, below end: Int64) -> Bytes {
        var size = 0
        while let header = records.getSlice(at: records.readerIndex + size, length: RecordBatchFormat.headerBytes),
            let extent = BatchFraming.extent(header), extent.nextOffset <= end
        { size += extent.bytes }
        return records.getSlice(at: records.readerIndex, length: min(size, records.readableBytes)) ?? Bytes()
    }
}

/// A Fetch response while its parts come in.
private final class FetchAnswer {
    private(set) var response: FetchResponse
    private(set) var bytes = 0
    private(set) var remaining: Int

    init(_ request: FetchRequest) {
        remaining = min(Int(request.maxBytes), BrokerSettings.fetchBytesMax)
        response = FetchResponse(
            topics: request.topics.map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map { .init(partition: $0.partition, highWatermark: -1, records: Bytes()) })
            })
    }

    func describe(_ t: Int, _ p: Int, _ partition: Partition) {
        response.topics[t].partitions[p].highWatermark = partition.highWatermark
        response.topics[t].partitions[p].lastStableOffset = partition.lastStableOffset
        response.topics[t].partitions[p].logStartOffset = partition.startOffset
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
        bytes += max(1, room)
    }

    func set(_ t: Int, _ p: Int, _ records: Bytes) {
        response.topics[t].partitions[p].records = records
        bytes += records.readableBytes
        remaining -= records.readableBytes
    }
}
