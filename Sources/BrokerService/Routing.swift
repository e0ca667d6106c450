// Which broker must answer: requests about a group or a transactional id belong to its coordinator. Who asks another broker is told so, in the words of its
// request, and asks who the coordinator is. So is everybody by a broker that was cut off.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    /// Whether this broker is alone with what it knows: of no controller for longer than an election takes. Others may coordinate by now what it did, and
    /// a client that hears so from it looks among them.
    var isCutOff: Bool { isClustered && replica.leaderlessSince.map { now - $0 > BrokerSettings.electionPatience } ?? false }

    private func answersFor(_ name: String) -> Bool { !isCutOff && coordinates(name) }

    /// The refusal for a request that belongs to another broker; nil if it belongs here.
    func misrouted(_ body: RequestBody, _ call: Call) -> ResponseBody? {
        guard isClustered else { return nil }
        let code = KafkaErrorCode.notCoordinator
        switch body {
        case .joinGroup(let request):
            return answersFor(request.groupID) ? nil : .joinGroup(.init(errorCode: code, protocolName: "", memberID: request.memberID))
        case .syncGroup(let request): return answersFor(request.groupID) ? nil : .syncGroup(.init(errorCode: code))
        case .heartbeat(let request): return answersFor(request.groupID) ? nil : .heartbeat(.init(errorCode: code))
        case .leaveGroup(let request): return answersFor(request.groupID) ? nil : .leaveGroup(.init(errorCode: code))
        case .consumerGroupHeartbeat(let request): return answersFor(request.groupID) ? nil : .consumerGroupHeartbeat(.init(errorCode: code))
        case .offsetCommit(let request): return answersFor(request.groupID) ? nil : .offsetCommit(request.refused(code))
        case .txnOffsetCommit(let request): return answersFor(request.groupID) ? nil : .txnOffsetCommit(request.refused(code))
        case .offsetFetch(let request): return misrouted(request, code, call)
        case .offsetDelete(let request): return answersFor(request.groupID) ? nil : .offsetDelete(.init(errorCode: code))
        case .describeGroups(let request):
            guard !request.groups.allSatisfy(answersFor) else { return nil }
            return .describeGroups(.init(groups: request.groups.map { .init(errorCode: code, groupID: $0) }))
        case .consumerGroupDescribe(let request):
            guard !request.groupIDs.allSatisfy(answersFor) else { return nil }
            return .consumerGroupDescribe(.init(groups: request.groupIDs.map { .init(errorCode: code, groupID: $0) }))
        case .shareGroupHeartbeat(let request): return answersFor(request.groupID) ? nil : .shareGroupHeartbeat(.init(errorCode: code))
        case .shareGroupDescribe(let request):
            guard !request.groupIDs.allSatisfy(answersFor) else { return nil }
            return .shareGroupDescribe(.init(groups: request.groupIDs.map { .init(errorCode: code, groupID: $0) }))
        case .describeShareGroupOffsets(let request):
            guard !request.groups.allSatisfy({ answersFor($0.groupID) }) else { return nil }
            return .describeShareGroupOffsets(.init(groups: request.groups.map { .init(groupID: $0.groupID, errorCode: code) }))
        case .alterShareGroupOffsets(let request): return answersFor(request.groupID) ? nil : .alterShareGroupOffsets(.init(errorCode: code))
        case .deleteShareGroupOffsets(let request): return answersFor(request.groupID) ? nil : .deleteShareGroupOffsets(.init(errorCode: code))
        case .deleteGroups(let request):
            guard !request.groups.allSatisfy(answersFor) else { return nil }
            return .deleteGroups(.init(results: request.groups.map { .init(groupID: $0, errorCode: code) }))
        default: return misroutedTransaction(body, code)
        }
    }

    private func misrouted(_ request: OffsetFetchRequest, _ code: KafkaErrorCode, _ call: Call) -> ResponseBody? {
        guard call.version >= 8 else { return answersFor(request.groupID) ? nil : .offsetFetch(request.refused(code)) }
        guard !request.groups.allSatisfy({ answersFor($0.groupID) }) else { return nil }
        return .offsetFetch(.init(groups: request.groups.map { .init(groupID: $0.groupID, errorCode: code) }))
    }

    private func misroutedTransaction(_ body: RequestBody, _ code: KafkaErrorCode) -> ResponseBody? {
        switch body {
        case .initProducerID(let request):
            guard let name = request.transactionalID, !answersFor(name) else { return nil }
            return .initProducerID(.init(errorCode: code, producerEpoch: -1))
        case .addPartitionsToTxn(let request):
            guard !answersFor(request.transactionalID) else { return nil }
            let results = request.topics.map { topic in
                AddPartitionsToTxnResponse.TopicResult(name: topic.name, resultsByPartition: topic.partitions.map { .init(partition: $0, errorCode: code) })
            }
            return .addPartitionsToTxn(.init(resultsByTopic: results))
        case .addOffsetsToTxn(let request): return answersFor(request.transactionalID) ? nil : .addOffsetsToTxn(.init(errorCode: code))
        case .endTxn(let request): return answersFor(request.transactionalID) ? nil : .endTxn(.init(errorCode: code))
        case .describeTransactions(let request):
            guard !request.transactionalIDs.allSatisfy(answersFor) else { return nil }
            return .describeTransactions(.init(transactionStates: request.transactionalIDs.map { .init(errorCode: code, transactionalID: $0) }))
        default: return nil
        }
    }
}

extension OffsetFetchRequest {
    /// Before version 2 an answer has no place for an error but in its partitions (KAFKA-19439). Later ones ignore what they say.
    func refused(_ code: KafkaErrorCode) -> OffsetFetchResponse {
        OffsetFetchResponse(
            topics: (topics ?? []).map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map { .init(partition: $0, committedOffset: -1, metadata: "", errorCode: code) })
            }, errorCode: code)
    }
}

extension OffsetCommitRequest {
    fileprivate func refused(_ code: KafkaErrorCode) -> OffsetCommitResponse {
        OffsetCommitResponse(
            topics: topics.map { topic in
                .init(name: topic.name, topicID: topic.topicID, partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code) })
            })
    }
}

extension TxnOffsetCommitRequest {
    fileprivate func refused(_ code: KafkaErrorCode) -> TxnOffsetCommitResponse {
        TxnOffsetCommitResponse(topics: topics.map { topic in .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code) }) })
    }
}
