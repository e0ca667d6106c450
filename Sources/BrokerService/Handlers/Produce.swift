// Produce: checks batch headers here, then checksums and records on the disk thread; compressed batches are checked earlier, on threads for
// that. Batches are stored as received. The answer waits until all batches of the request are durable (or written, if the broker syncs at
// intervals).
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func produce(_ request: ProduceRequest, _ call: Call) {
        memory.hold(call)
        let answer = ProduceAnswer(request)
        let acks = request.acks
        let gathering = Gathering { [self] in
            memory.release(call)
            finish(answer, acks: acks, call)
        }
        for (t, topic) in request.topics.enumerated() {
            for (p, part) in topic.partitions.enumerated() {
                let name = TopicPartition(topic.name, part.partition)
                switch admit(part.records, name, request, call) {
                case .failure(let refusal): answer.refuse(t, p, refusal)
                case .success(let (partition, batch)):
                    gathering.enter()
                    let end = Int64(batch.lastOffsetDelta) + 1
                    let deadline = now + .milliseconds(Int(request.timeoutMilliseconds))
                    let done: (AppendOutcome) -> Void = { outcome in
                        answer.set(t, p, outcome, partition)
                        guard acks == Self.allInSync, let first = outcome.offset else { return gathering.leave() }
                        partition.whenReplicated(first + end, until: deadline) { code in
                            if code != .none { answer.refuse(t, p, .init(code, nil)) }
                            gathering.leave()
                        }
                    }
                    opened(batch, partition, call) { [self] batch, rules in
                        guard batch.isTransactional else { return append(batch, to: partition, rules, done) }
                        enterTransaction(batch, partition, request, call) { [self] refusal in
                            guard let refusal else { return append(batch, to: partition, rules, done) }
                            answer.refuse(t, p, refusal)
                            gathering.leave()
                        }
                    } refused: { refusal in
                        done(.refused(refusal))
                    }
                }
            }
        }
        gathering.leave()
    }

    /// The acks value for all in-sync replicas.
    private static var allInSync: Int16 { -1 }

    /// Passes the batch on with the rules that its records must still meet: none for a batch that is compressed or to be compressed, which
    /// is checked before.
    private func opened(
        _ batch: RecordBatch, _ partition: Partition, _ call: Call, _ next: @escaping (RecordBatch, RecordRules?) -> Void,
        refused: @escaping (RecordRefusal) -> Void
    ) {
        let rules = RecordRules(partition.config, now: time.wallTime())
        let isPlain = batch.codecNumber == Compression.none.rawValue && !rules.recompresses(batch)
        if isPlain, !checks.holds(call.session) { return next(batch, rules) }
        checks.check(batch, rules, isPassedOn: isPlain, of: call.session) { result in
            switch result {
            case .success(let checked): next(checked, isPlain ? rules : nil)
            case .failure(let refusal): refused(refusal)
            }
        }
    }

    private func append(
        _ batch: RecordBatch, to partition: Partition, _ rules: RecordRules?, _ completion: @escaping (AppendOutcome) -> Void
    ) {
        let logAppendTime = partition.config.timestampType == .logAppendTime ? time.wallTime().milliseconds : nil
        partition.writer.append(
            AppendJob(
                partition: partition, log: partition.log, payload: AppendPayload(batch, logAppendTime: logAppendTime, rules: rules),
                term: partition.term,
                mustSync: flushing.mustSync(batch, partition), completion: completion))
    }

    /// The partition and the batch, or the refusal. Makes all checks that need the header alone.
    private func admit(
        _ records: Bytes?, _ name: TopicPartition, _ request: ProduceRequest, _ call: Call
    ) -> Result<(Partition, RecordBatch), ProduceRefusal> {
        guard (-1...1).contains(request.acks) else {
            return .failure(.init(.invalidRequiredAcks, "acks is \(request.acks); possible are 0, 1 and -1 (all)"))
        }
        guard !call.isUnknownID(name.topic) else {
            return .failure(
                .init(.unknownTopicID, "no topic has this id; ask for metadata again, the topic may have been deleted and made anew"))
        }
        guard !InternalTopic.isName(name.topic) else { return .failure(.init(.invalidTopic, InternalTopic.refusal(name.topic))) }
        let partition: Partition
        do { partition = try led(name).get() } catch { return .failure(.init(error.code, nil)) }
        if request.acks == Self.allInSync, partition.inSyncCount < partition.minInSync {
            return .failure(
                .init(
                    .notEnoughReplicas, "\(partition.inSyncCount) replicas are in sync, min.insync.replicas asks for \(partition.minInSync)"
                ))
        }
        if request.acks == Self.allInSync, isCutOff, partition.misses(BrokerSettings.electionPatience, now: now) {
            return .failure(.init(.notLeaderOrFollower, "this broker is cut off from the others, which may have another leader by now"))
        }
        if let failure = partition.failure { return .failure(.init(.kafkaStorageError, failure)) }
        guard let records, records.readableBytes > 0 else { return .failure(.init(.invalidRecord, "there is no record batch")) }
        do {
            let batch = try RecordBatch(records)
            if let refusal = refusal(of: batch, records, partition, version: call.version) { return .failure(refusal) }
            return .success((partition, batch))
        } catch {
            if case .unknownTag("magic", let magic) = error {
                return .failure(
                    .init(
                        .unsupportedForMessageFormat,
                        "message format \(magic) is not served; batches of format 2 are (Kafka 0.11 and later)"))
            }
            return .failure(.init(.corruptMessage, "\(error)"))
        }
    }

    private func refusal(of batch: RecordBatch, _ records: Bytes, _ partition: Partition, version: Int16) -> ProduceRefusal? {
        guard batch.sizeBytes == records.readableBytes else {
            return .init(.invalidRecord, "a Produce carries exactly one record batch per partition")
        }
        guard Int64(batch.sizeBytes) <= partition.config.maxMessageBytes else {
            return .init(
                .messageTooLarge, "the batch has \(batch.sizeBytes) bytes, max.message.bytes is \(partition.config.maxMessageBytes)")
        }
        guard batch.recordCount > 0, batch.lastOffsetDelta == batch.recordCount - 1 else {
            return .init(.invalidRecord, "the batch counts \(batch.recordCount) records and numbers them to \(batch.lastOffsetDelta)")
        }
        guard batch.baseOffset == 0 else {
            return .init(
                .invalidRecord,
                "the batch begins at offset \(batch.baseOffset); a producer numbers its records from 0, the log gives them their offsets")
        }
        guard let codec = Compression(rawValue: batch.codecNumber) else {
            return .init(.unsupportedCompressionType, "there is no compression codec \(batch.codecNumber)")
        }
        guard codec != .zstd || version >= Self.firstVersionOfZstd else {
            return .init(.unsupportedCompressionType, "zstd needs Produce \(Self.firstVersionOfZstd), and this is \(version)")
        }
        guard !batch.hasLogAppendTime else {
            return .init(.invalidTimestamp, "the batch says that its time is the log's (LogAppendTime), which is for brokers to say")
        }
        guard !batch.isControl else { return .init(.invalidRecord, "control batches are written by brokers only") }
        return nil
    }

    /// The first version whose clients know the codec (KIP-110).
    private static var firstVersionOfZstd: Int16 { 7 }

    private func finish(_ answer: ProduceAnswer, acks: Int16, _ call: Call) {
        guard acks == 0 else {
            var response = answer.response
            if answer.hasError { response.nameLeaders(self, call) }
            return call.reply(response)
        }
        // The client reads no errors here, nor the topics that access rules left out. The broker closes the connection, like Kafka, so that
        // the client asks for metadata again; its later requests on the connection get no answer.
        guard !answer.hasError, !call.isAmended else { return call.session.close() }
        call.replyNothing()
    }
}

/// The reason for refusing a batch.
struct ProduceRefusal: Error {
    var code: KafkaErrorCode
    var message: String?
    init(_ code: KafkaErrorCode, _ message: String?) {
        self.code = code
        self.message = message
    }
}

/// A Produce response under assembly.
private final class ProduceAnswer {
    private(set) var response: ProduceResponse
    private(set) var hasError = false

    init(_ request: ProduceRequest) {
        response = ProduceResponse(
            topics: request.topics.map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map { .init(partition: $0.partition, baseOffset: -1) })
            })
    }

    func refuse(_ t: Int, _ p: Int, _ refusal: ProduceRefusal) {
        hasError = true
        response.topics[t].partitions[p].errorCode = refusal.code
        response.topics[t].partitions[p].errorMessage = refusal.message
    }

    func set(_ t: Int, _ p: Int, _ outcome: AppendOutcome, _ partition: Partition) {
        response.topics[t].partitions[p].errorCode = outcome.code
        response.topics[t].partitions[p].logStartOffset = partition.startOffset
        switch outcome {
        case .appended(let baseOffset, let logAppendTime):
            response.topics[t].partitions[p].baseOffset = baseOffset
            response.topics[t].partitions[p].logAppendTimeMilliseconds = logAppendTime ?? -1
        case .duplicate(let baseOffset): response.topics[t].partitions[p].baseOffset = baseOffset
        case .replicated: break
        case .refused(let refusal):
            hasError = true
            response.topics[t].partitions[p].errorMessage = refusal.message
            response.topics[t].partitions[p].recordErrors = refusal.errors.map {
                .init(batchIndex: $0.index, batchIndexErrorMessage: $0.message)
            }
        case .corrupt, .outOfOrder, .staleEpoch, .notLeader, .notNext, .failed: hasError = true
        }
        if case .failed(let error) = outcome { response.topics[t].partitions[p].errorMessage = error.description }
    }
}
