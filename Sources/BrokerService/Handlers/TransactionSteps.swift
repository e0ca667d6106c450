// AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit and EndTxn: the steps of a transaction, each answered once it is durable. The answer
// to EndTxn waits until every partition has the outcome, so that later readers of committed records see all of them.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func addPartitionsToTxn(_ request: AddPartitionsToTxnRequest, _ call: Call) {
        let names = request.topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.name, $0) } }
        // A request may name a hundred thousand.
        let missing = Set(
            names.filter { name in
                isClustered ? !(0..<(machine.topics[name.topic]?.partitions ?? 0)).contains(name.partition) : partitions[name] == nil
            })
        func reply(_ code: (TopicPartition) -> KafkaErrorCode) {
            call.reply(
                AddPartitionsToTxnResponse(
                    resultsByTopic: request.topics.map { topic in
                        .init(
                            name: topic.name,
                            resultsByPartition: topic.partitions.map {
                                .init(partition: $0, errorCode: code(TopicPartition(topic.name, $0)))
                            })
                    }))
        }
        guard missing.isEmpty else { return reply { missing.contains($0) ? .unknownTopicOrPartition : .operationNotAttempted } }
        let producer = ProducerIdentity(request.producerID, request.producerEpoch)
        if let known = machine.transactions[request.transactionalID], known.phase == .ongoing, known.producer == producer,
            Set(names).isSubset(of: known.content.partitions)
        {
            return reply { _ in .none }
        }
        coordinate(TransactionCommand(request.transactionalID, producer, .addPartitions(names))) { result in
            switch result {
            case .success: reply { _ in .none }
            case .failure(let refusal): reply { _ in refusal.transactionCode(fencedSince: 2, call.version) }
            }
        }
    }

    func addOffsetsToTxn(_ request: AddOffsetsToTxnRequest, _ call: Call) {
        func reply(_ code: KafkaErrorCode) { call.reply(AddOffsetsToTxnResponse(errorCode: code)) }
        guard !request.groupID.isEmpty else { return reply(.invalidGroupID) }
        let producer = ProducerIdentity(request.producerID, request.producerEpoch)
        coordinate(TransactionCommand(request.transactionalID, producer, .addGroup(GroupID(request.groupID)))) { result in
            switch result {
            case .success: reply(.none)
            case .failure(let refusal): reply(refusal.transactionCode(fencedSince: 2, call.version))
            }
        }
    }

    func txnOffsetCommit(_ request: TxnOffsetCommitRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        let refusal = refusalToStage(request, group)
        var entries: [OffsetEntry] = []
        var response = TxnOffsetCommitResponse()
        for topic in request.topics {
            var answered = TxnOffsetCommitResponse.Topic(name: topic.name)
            for part in topic.partitions {
                let code = refusal ?? problem(withOffsetOf: TopicPartition(topic.name, part.partition), metadata: part.committedMetadata)
                answered.partitions.append(.init(partition: part.partition, errorCode: code))
                guard code == .none else { continue }
                entries.append(
                    OffsetEntry(
                        topic: topic.name, partition: part.partition, offset: part.committedOffset, leaderEpoch: part.committedLeaderEpoch,
                        metadata: part.committedMetadata ?? ""))
            }
            response.topics.append(answered)
        }
        guard !entries.isEmpty else { return call.reply(response) }
        let producer = ProducerIdentity(request.producerID, request.producerEpoch)
        let joins = call.version >= Self.firstVersionThatJoinsGroups
        let command = TransactionCommand(request.transactionalID, producer, .stageOffsets(group, entries, joining: joins))
        change(isClustered ? .cluster(.stage(by: claim(of: group), group, command)) : .transaction(command)) { result in
            // No version of this request has PRODUCER_FENCED.
            if case .failure(let refusal) = result {
                let code = refusal.transactionCode(fencedSince: .max, call.version)
                response.refuseStaged(
                    code == .invalidTransactionState && call.version >= Self.firstVersionThatAborts ? .transactionAbortable : code)
            }
            call.reply(response)
        }
    }

    /// The first version of TxnOffsetCommit in which the group joins the transaction implicitly (KIP-890).
    private static var firstVersionThatJoinsGroups: Int16 { 5 }
    /// The first version of TxnOffsetCommit whose clients can be asked to abort the transaction and continue with the next one.
    private static var firstVersionThatAborts: Int16 { 4 }

    /// The error of a producer that names a member and is none; older clients name no member.
    private func refusalToStage(_ request: TxnOffsetCommitRequest, _ group: GroupID) -> KafkaErrorCode? {
        guard !request.groupID.isEmpty else { return .invalidGroupID }
        guard request.generationID >= 0 || !request.memberID.isEmpty || request.groupInstanceID != nil else { return nil }
        return refusalToCommit(group, MemberID(request.memberID), request.groupInstanceID, request.generationID)
    }

    func endTxn(_ request: EndTxnRequest, _ call: Call) {
        let producer = ProducerIdentity(request.producerID, request.producerEpoch)
        let epoch: EpochChange = call.version >= Self.firstVersionThatRaisesEpochs ? .raised : .kept
        decide(request.transactionalID, producer, commits: request.committed, epoch) { result in
            switch result {
            case .success(let transaction):
                call.reply(EndTxnResponse(producerID: transaction.producer.id, producerEpoch: transaction.producer.epoch))
            case .failure(let refusal): call.reply(EndTxnResponse(errorCode: refusal.transactionCode(fencedSince: 2, call.version)))
            }
        }
    }

    /// The first version of EndTxn with an epoch per transaction (KIP-890).
    private static var firstVersionThatRaisesEpochs: Int16 { 5 }
}

extension TxnOffsetCommitResponse {
    /// Answers every partition with `code`: the offsets were not staged.
    fileprivate mutating func refuseStaged(_ code: KafkaErrorCode) {
        for t in topics.indices {
            for p in topics[t].partitions.indices where topics[t].partitions[p].errorCode == .none {
                topics[t].partitions[p].errorCode = code
            }
        }
    }
}
