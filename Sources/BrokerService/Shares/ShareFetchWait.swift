// A ShareFetch from its arrival to its answer: applies the member's acknowledgements first, then acquires free records, or waits for them
// without a thread. Records go out verbatim; the answer lists the acquired ones beside them. Used on the loop only.
import Base
import BrokerCore
import KafkaWire

/// One ShareFetch.
final class ShareFetchWait: FetchWaiter, @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; closures carry the reference back there.
    let number: Int
    private let broker: Broker
    private let request: ShareFetchRequest
    private var call: Call
    private let session: ShareSession
    private let config: ShareGroupConfig
    private let isolation: IsolationLevel
    /// The end of the wait.
    private let deadline: Instant
    private var answer = ShareAnswer()
    private var standsIn: [Partition] = []
    private var standsInShared: [SharedPartition] = []
    private var isWaiting = false
    private var isEnding = false
    private var isAnswered = false
    /// Pending acknowledgements, plus one for the fetch itself.
    private var open = 1
    // The current round of reads: the next partition, and the room that is left.
    private var next = 0
    private var recordsLeft: Int64 = 0
    private var bytesLeft = 0
    /// Whether a read found no records where some should be: another read would find none either.
    private var hasStalled = false

    init(_ broker: Broker, _ request: ShareFetchRequest, _ call: Call, _ session: ShareSession) {
        number = broker.takeNumber()
        self.broker = broker
        self.request = request
        self.call = call
        self.session = session
        config = broker.machine.shareConfig(of: session.group)
        isolation = config.readsCommitted ? .readCommitted : .readUncommitted
        deadline = broker.now + min(.milliseconds(Int(max(0, request.maxWaitMilliseconds))), BrokerSettings.fetchWaitMax)
    }

    func begin() {
        let review = ShareAcknowledgements(
            broker: broker, call: call, session: session, config: config, mayRenew: call.version >= 2 && request.isRenewAck)
        for topic in request.topics {
            for part in topic.partitions where !part.acknowledgementBatches.isEmpty {
                let place = ShareSession.Part(topicID: topic.topicID, partition: part.partition)
                open += 1
                review.take(place, part.acknowledgementBatches) { [self] code in
                    answer.acknowledged(place, code)
                    leaveOne()
                }
            }
        }
        if request.shareSessionEpoch == ShareSessions.final {
            broker.shareSessions.end(session)
            return leaveOne()
        }
        guard request.maxRecords > 0, !request.isRenewAck else { return leaveOne() }
        isReady || request.maxWaitMilliseconds <= 0 ? gather() : wait()
    }

    private func leaveOne() {
        open -= 1
        guard open == 0, !isAnswered else { return }
        isAnswered = true
        broker.shareSessions.waits[number] = nil
        guard !call.isAbandoned else { return call.replyNothing() }
        broker.metrics.fetchedBytes.add(Int64(answer.bytes))
        broker.quotas.fetched(answer.bytes, &call)
        call.reply(answer.response(lock: config.limits.lockDuration, broker, call))
    }

    // MARK: waiting

    private func wait() {
        isWaiting = true
        session.wait = self
        let isFirst = broker.shareSessions.waits.updateValue(self, forKey: number) == nil
        for part in session.parts {
            switch find(part) {
            case .ready(let shared), .opening(let shared):
                shared.waiting[number] = self
                standsInShared.append(shared)
                stand(in: shared.partition)
            case .waiting(let partition): stand(in: partition)
            case .refused: break
            }
        }
        guard isFirst else { return }
        // By number, so that the timer does not retain a fetch that was answered early.
        broker.loop.schedule(after: max(.milliseconds(1), deadline - broker.now)) { [broker, number] in
            broker.shareSessions.waits[number]?.end()
        }
    }

    private func stand(in partition: Partition) {
        partition.waiting[number] = self
        standsIn.append(partition)
    }

    private func leave() {
        isWaiting = false
        for partition in standsIn { partition.waiting[number] = nil }
        for shared in standsInShared { shared.waiting[number] = nil }
        standsIn = []
        standsInShared = []
    }

    /// A partition got, freed or lost records.
    func wake() {
        guard isWaiting else { return }
        if isReady { return gather() }
        // Partitions may have appeared since the wait began; the fetch stands in them from now on.
        leave()
        wait()
    }

    /// Answers with the available records: the wait is over, or the member has sent another request.
    func end() {
        guard isWaiting else { return }
        isEnding = true
        gather()
    }

    /// Whether there are records to acquire, or an error to answer.
    private var isReady: Bool {
        session.parts.contains { part in
            switch find(part) {
            case .ready(let shared):
                !shared.isReading && shared.leadership.state.nextOffset(below: shared.partition.end(of: isolation)) != nil
            case .opening, .waiting: false
            case .refused: true
            }
        }
    }

    private func find(_ part: ShareSession.Part) -> SharedPartitions.Found {
        guard let name = broker.machine.topic(id: part.topicID)?.name else { return .refused(.unknownTopicID) }
        guard AccessReview(broker: broker, call: call).may(.read, .topic, name) else { return .refused(.topicAuthorizationFailed) }
        return broker.sharedPartitions.find(session.group, TopicPartition(name, part.partition), config)
    }

    // MARK: reading

    private func gather() {
        leave()
        next = 0
        recordsLeft = Int64(request.maxRecords)
        bytesLeft = min(max(1, Int(request.maxBytes)), broker.quotas.fetchBytesMax(call), BrokerSettings.fetchBytesMax)
        readOn()
    }

    /// Examines one partition after another, until the answer is full or a read goes to the disk, which returns here.
    private func readOn() {
        while next < session.parts.count, recordsLeft > 0, bytesLeft > 0, !call.isAbandoned, !session.isEnded {
            let part = session.parts[(session.turn + next) % session.parts.count]
            next += 1
            switch find(part) {
            case .refused(let code): answer.refuse(part, code)
            case .opening, .waiting: break
            case .ready(let shared):
                let visible = shared.partition.end(of: isolation)
                guard !shared.isReading, let offset = shared.leadership.state.nextOffset(below: visible) else { continue }
                if let records = shared.partition.tailRecords(from: offset, below: visible, maxBytes: bytesLeft)?.records.bytes {
                    take(records, from: offset, shared, part)
                } else {
                    return readFromDisk(shared, part, offset, visible)
                }
            }
        }
        guard answer.isEmpty, !hasStalled, !isEnding, broker.now < deadline, !broker.isStopping, !call.isAbandoned, !session.isEnded else {
            return leaveOne()
        }
        // Another member has acquired the records, or they held none for consumers.
        isReady ? gather() : wait()
    }

    private func readFromDisk(_ shared: SharedPartition, _ part: ShareSession.Part, _ offset: Int64, _ visible: Int64) {
        shared.isReading = true
        let log = shared.partition.log
        let bytesMax = bytesLeft
        // Made and called on the loop; the disk thread only carries it back.
        nonisolated(unsafe) let done: (Result<Bytes, any Error>) -> Void = { [self] result in
            shared.isReading = false
            switch result {
            case .success(let records): take(records, from: offset, shared, part)
            case .failure(let error):
                broker.log.error("a partition could not be read", metadata: ["partition": "\(shared.partition.name)", "error": "\(error)"])
                answer.refuse(part, .kafkaStorageError)
            }
            shared.wake()
            readOn()
        }
        shared.partition.writer.disk.submit { [broker] in
            let result = Result { try log.read(from: offset, below: visible, maxBytes: bytesMax) }
            broker.loop.execute { done(result) }
        }
    }

    /// Acquires the free ones among the records read, and puts them into the answer.
    private func take(_ records: Bytes, from offset: Int64, _ shared: SharedPartition, _ part: ShareSession.Part) {
        // A closed connection or an ended session acquires nothing; nor does a fetch at a former leader.
        guard !call.isAbandoned, !session.isEnded, case .ready(let present) = find(part), present === shared else { return }
        let batches = ShareReading(records, from: offset, shared.partition, isolation)
        guard !batches.batches.isEmpty else {
            hasStalled = true
            return
        }
        let acquired = shared.leadership.state.acquire(
            session.member, batches.batches, from: offset, recordsMax: recordsLeft, isExact: request.shareAcquireMode == Self.recordLimit,
            now: broker.now)
        broker.sharedPartitions.note(shared)
        guard let last = acquired.last?.last else { return }
        broker.sharedPartitions.acquired()
        recordsLeft -= acquired.reduce(0) { $0 + $1.last - $1.first + 1 }
        let handed = batches.records(through: last)
        bytesLeft -= handed.readableBytes
        answer.hand(part, handed, acquired)
    }

    /// The mode that never acquires more than the wanted number of records.
    private static let recordLimit: Int8 = 1
}

/// Records as read, with their metadata for a share group.
private struct ShareReading {
    private let bytes: Bytes
    private(set) var batches: [ShareBatch] = []
    private var ends: [Int] = []

    init(_ bytes: Bytes, from offset: Int64, _ partition: Partition, _ isolation: IsolationLevel) {
        self.bytes = bytes
        var place = bytes.readerIndex
        let aborted = isolation == .readCommitted ? partition.transactions.aborted(from: offset, below: partition.lastStableOffset) : []
        while let header = bytes.getSlice(at: place, length: RecordBatchFormat.headerBytes), let fields = RecordBatch.peek(header) {
            let isAborted = fields.isTransactional && aborted.contains { $0.covers(fields) }
            batches.append(
                ShareBatch(
                    first: fields.baseOffset, last: fields.baseOffset + Int64(fields.lastOffsetDelta),
                    isSkipped: fields.isControl || isAborted))
            place += fields.sizeBytes
            ends.append(place)
        }
    }

    /// The batches up to the one that contains `offset`.
    func records(through offset: Int64) -> Bytes {
        guard let end = zip(batches, ends).first(where: { $0.0.last >= offset })?.1 else { return bytes }
        return bytes.getSlice(at: bytes.readerIndex, length: min(end, bytes.writerIndex) - bytes.readerIndex) ?? bytes
    }
}

extension AbortedTransaction {
    /// Whether a batch belongs to the transaction.
    fileprivate func covers(_ batch: RecordBatchFields) -> Bool {
        producerID == batch.producerID && firstOffset <= batch.baseOffset && batch.baseOffset <= lastOffset
    }
}

/// A ShareFetch response under assembly.
private struct ShareAnswer {
    private var parts: [ShareSession.Part] = []
    private var found: [ShareSession.Part: ShareFetchResponse.Partition] = [:]
    private(set) var bytes = 0
    /// Whether no records were acquired and nothing was refused.
    private(set) var isEmpty = true

    private mutating func change(_ part: ShareSession.Part, _ body: (inout ShareFetchResponse.Partition) -> Void) {
        if found[part] == nil {
            parts.append(part)
            // Not null: librdkafka takes null for damage.
            found[part] = .init(partition: part.partition, records: Bytes())
        }
        body(&found[part]!)
    }

    mutating func acknowledged(_ part: ShareSession.Part, _ code: KafkaErrorCode) { change(part) { $0.acknowledgeErrorCode = code } }

    mutating func refuse(_ part: ShareSession.Part, _ code: KafkaErrorCode) {
        isEmpty = false
        change(part) { $0.errorCode = code }
    }

    mutating func hand(_ part: ShareSession.Part, _ records: Bytes, _ acquired: [AcquiredRecords]) {
        isEmpty = false
        bytes += records.readableBytes
        change(part) { answer in
            answer.records = records
            answer.acquiredRecords = acquired.map { .init(firstOffset: $0.first, lastOffset: $0.last, deliveryCount: $0.delivery) }
        }
    }

    func response(lock: Duration, _ broker: Broker, _ call: Call) -> ShareFetchResponse {
        var response = ShareFetchResponse(acquisitionLockMilliseconds: Int32(lock.inMilliseconds))
        var topics: [UUIDBytes: Int] = [:]
        var leaders = CurrentLeaders(broker, call)
        for part in parts {
            guard var one = found[part] else { continue }
            one.currentLeader = leaders.leader(of: part, one.errorCode == .none ? one.acknowledgeErrorCode : one.errorCode)
            let place = topics[part.topicID] ?? response.topics.count
            topics[part.topicID] = place
            if place == response.topics.count { response.topics.append(.init(topicID: part.topicID)) }
            response.topics[place].partitions.append(one)
        }
        response.nodeEndpoints = leaders.endpoints
        return response
    }
}
