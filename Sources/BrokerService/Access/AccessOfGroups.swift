// The reviews of requests about groups and transactions; see AccessRight.
import Base
import BrokerCore
import KafkaWire

extension AccessReview {
    /// The reason for hiding a group from a client that may see it: its members read topics that the client may not see.
    static let hiddenTopic = "the group's members read topics that the client may not see"

    // MARK: groups

    func listGroups(_ request: ListGroupsRequest) -> AccessVerdict<ListGroupsRequest> {
        .trimmed(request) { response in
            guard !mayOnCluster(.describe) else { return }
            response.groups.removeAll { !maySee(.group, $0.groupID) }
        }
    }

    func consumerGroupHeartbeat(_ request: ConsumerGroupHeartbeatRequest) -> AccessVerdict<ConsumerGroupHeartbeatRequest> {
        if let code = code(.read, .group, request.groupID) { return .refused(request.refused(code)) }
        let isAllowed = (request.subscribedTopicNames ?? []).allSatisfy { may(.describe, .topic, $0) }
        return verdict(request, isAllowed ? nil : .topicAuthorizationFailed)
    }

    func consumerGroupDescribe(_ request: ConsumerGroupDescribeRequest) -> AccessVerdict<ConsumerGroupDescribeRequest> {
        trimmed(request, \.groupIDs, \.groups, code: { code(.describe, .group, $0) }) { response in
            response.groups = response.groups.map { group in
                let topics = group.members.flatMap {
                    $0.subscribedTopicNames + ($0.assignment.topicPartitions + $0.targetAssignment.topicPartitions).map(\.topicName)
                }
                guard topics.contains(where: { !maySee(.topic, $0) }) else { return group }
                return .init(errorCode: .topicAuthorizationFailed, errorMessage: Self.hiddenTopic, groupID: group.groupID)
            }
        }
    }

    func offsetDelete(_ request: OffsetDeleteRequest) -> AccessVerdict<OffsetDeleteRequest> {
        if let code = code(.delete, .group, request.groupID) { return .refused(request.refused(code)) }
        let isAllowed = request.topics.allSatisfy { may(.read, .topic, $0.name) }
        return verdict(request, isAllowed ? nil : .topicAuthorizationFailed)
    }

    /// Each key on its own, from the version with several keys on.
    func findCoordinator(_ request: FindCoordinatorRequest) -> AccessVerdict<FindCoordinatorRequest> {
        let transaction: Int8 = 1
        let kind: ResourceKind = request.keyType == transaction ? .transactionalID : .group
        guard call.version < 4 else { return trimmed(request, \.coordinatorKeys, \.coordinators) { code(.describe, kind, $0) } }
        return verdict(request, code(.describe, kind, request.key))
    }

    func offsetCommit(_ request: OffsetCommitRequest) -> AccessVerdict<OffsetCommitRequest> {
        let denial = code(.read, .group, request.groupID)
        return trimmed(request, \.topics, \.topics) { topic in denial ?? (mayTopic(.read, topic.name) ? nil : .topicAuthorizationFailed) }
    }

    /// Denied topics are refused by name, and left out where the client named no topics.
    func offsetFetch(_ request: OffsetFetchRequest) -> AccessVerdict<OffsetFetchRequest> {
        if call.version < 8, let code = code(.describe, .group, request.groupID) { return .refused(request.refused(code)) }
        func shown(_ topics: [OffsetFetchResponse.Topic], named: Bool) -> [OffsetFetchResponse.Topic] {
            guard named else { return topics.filter { call.isUnknownID($0.name) || maySee(.topic, $0.name) } }
            return topics.map { topic in
                guard !mayTopic(.describe, topic.name) else { return topic }
                let code = KafkaErrorCode.topicAuthorizationFailed
                return .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map { .init(partition: $0.partition, committedOffset: -1, metadata: "", errorCode: code) })
            }
        }
        let kept = request.groups.filter { may(.describe, .group, $0.groupID) }
        return trimmed(request, \.groups, \.groups, code: { code(.describe, .group, $0.groupID) }) { response in
            response.topics = shown(response.topics, named: request.topics != nil)
            for (group, asked) in zip(response.groups.indices, kept) {
                response.groups[group].topics = shown(response.groups[group].topics, named: asked.topics != nil)
            }
        }
    }

    // MARK: transactions

    func initProducerID(_ request: InitProducerIDRequest) -> AccessVerdict<InitProducerIDRequest> {
        if let name = request.transactionalID { return verdict(request, code(.write, .transactionalID, name)) }
        let rules = broker.machine.accessRules
        let canWrite =
            mayOnCluster(.idempotentWrite)
            || rules.allowsSome(call.session.principal, from: call.session.remote?.host ?? "", .write, .topic)
        return canWrite ? .allowed : .refused(request.refused(.clusterAuthorizationFailed))
    }

    func addPartitionsToTxn(_ request: AddPartitionsToTxnRequest) -> AccessVerdict<AddPartitionsToTxnRequest> {
        if let code = code(.write, .transactionalID, request.transactionalID) { return .refused(request.refused(code)) }
        guard !request.topics.allSatisfy({ may(.write, .topic, $0.name) }) else { return .allowed }
        let results = request.topics.map { topic in
            let code: KafkaErrorCode = may(.write, .topic, topic.name) ? .operationNotAttempted : .topicAuthorizationFailed
            return AddPartitionsToTxnResponse.TopicResult(
                name: topic.name, resultsByPartition: topic.partitions.map { .init(partition: $0, errorCode: code) })
        }
        return .refused(AddPartitionsToTxnResponse(resultsByTopic: results))
    }

    func addOffsetsToTxn(_ request: AddOffsetsToTxnRequest) -> AccessVerdict<AddOffsetsToTxnRequest> {
        let denial = code(.write, .transactionalID, request.transactionalID) ?? code(.read, .group, request.groupID)
        return verdict(request, denial)
    }

    func txnOffsetCommit(_ request: TxnOffsetCommitRequest) -> AccessVerdict<TxnOffsetCommitRequest> {
        let denial =
            code(.write, .transactionalID, request.transactionalID) ?? code(.read, .group, request.groupID)
            ?? (request.topics.allSatisfy { may(.read, .topic, $0.name) } ? nil : .topicAuthorizationFailed)
        return verdict(request, denial)
    }

    func listTransactions(_ request: ListTransactionsRequest) -> AccessVerdict<ListTransactionsRequest> {
        .trimmed(request) { response in response.transactionStates.removeAll { !maySee(.transactionalID, $0.transactionalID) } }
    }

    func writeTxnMarkers(_ request: WriteTxnMarkersRequest) -> AccessVerdict<WriteTxnMarkersRequest> {
        mayOnCluster(.alter) || mayOnCluster(.clusterAction) ? .allowed : .refused(request.refused(.clusterAuthorizationFailed))
    }
}
