// The part of the access table that is about groups and transactions; see Access.
import Base
import BrokerCore
import KafkaWire

extension AccessReview {
    func groupVerdict(_ body: RequestBody) -> AccessVerdict {
        let denied = KafkaErrorCode.groupAuthorizationFailed
        switch body {
        case .findCoordinator(let request): return findCoordinator(request)
        case .joinGroup(let request):
            return may(.read, .group, request.groupID) ? .allowed : .refused(.joinGroup(.init(errorCode: denied, protocolName: "", memberID: request.memberID)))
        case .syncGroup(let request): return may(.read, .group, request.groupID) ? .allowed : .refused(.syncGroup(.init(errorCode: denied)))
        case .heartbeat(let request): return may(.read, .group, request.groupID) ? .allowed : .refused(.heartbeat(.init(errorCode: denied)))
        case .leaveGroup(let request): return may(.read, .group, request.groupID) ? .allowed : .refused(.leaveGroup(.init(errorCode: denied)))
        case .offsetCommit(let request): return offsetCommit(request)
        case .offsetFetch(let request): return offsetFetch(request)
        case .describeGroups(let request):
            let (kept, refused) = split(request.groups, .describe, .group) { $0 }
            guard !refused.isEmpty else { return .allowed }
            var trimmed = request
            trimmed.groups = kept
            return .trimmed(.describeGroups(trimmed)) { body in
                guard case .describeGroups(var response) = body else { return }
                response.groups += refused.map { .init(errorCode: denied, groupID: $0) }
                body = .describeGroups(response)
            }
        case .listGroups(let request):
            return .trimmed(.listGroups(request)) { body in
                guard case .listGroups(var response) = body, !mayOnCluster(.describe) else { return }
                response.groups.removeAll { !maySee(.group, $0.groupID) }
                body = .listGroups(response)
            }
        case .deleteGroups(let request):
            let (kept, refused) = split(request.groups, .delete, .group) { $0 }
            guard !refused.isEmpty else { return .allowed }
            return .trimmed(.deleteGroups(.init(groups: kept))) { body in
                guard case .deleteGroups(var response) = body else { return }
                response.results += refused.map { .init(groupID: $0, errorCode: denied) }
                body = .deleteGroups(response)
            }
        case .consumerGroupHeartbeat(let request):
            guard may(.read, .group, request.groupID) else { return .refused(.consumerGroupHeartbeat(.init(errorCode: denied))) }
            let allowed = (request.subscribedTopicNames ?? []).allSatisfy { may(.describe, .topic, $0) }
            return allowed ? .allowed : .refused(.consumerGroupHeartbeat(.init(errorCode: .topicAuthorizationFailed)))
        case .consumerGroupDescribe(let request):
            let (kept, refused) = split(request.groupIDs, .describe, .group) { $0 }
            var trimmed = request
            trimmed.groupIDs = kept
            return .trimmed(.consumerGroupDescribe(trimmed)) { body in
                guard case .consumerGroupDescribe(var response) = body else { return }
                response.groups = response.groups.map { group in
                    let topics = group.members.flatMap { $0.subscribedTopicNames + ($0.assignment.topicPartitions + $0.targetAssignment.topicPartitions).map(\.topicName) }
                    guard topics.contains(where: { !maySee(.topic, $0) }) else { return group }
                    return .init(errorCode: .topicAuthorizationFailed, errorMessage: Self.hiddenTopic, groupID: group.groupID)
                }
                response.groups += refused.map { .init(errorCode: denied, groupID: $0) }
                body = .consumerGroupDescribe(response)
            }
        case .offsetDelete(let request):
            guard may(.delete, .group, request.groupID) else { return .refused(.offsetDelete(.init(errorCode: denied))) }
            let allowed = request.topics.allSatisfy { may(.read, .topic, $0.name) }
            return allowed ? .allowed : .refused(.offsetDelete(.init(errorCode: .topicAuthorizationFailed)))
        default: preconditionFailure("the table sends only requests about groups here")
        }
    }

    /// Each key by itself, where there can be several.
    private func findCoordinator(_ request: FindCoordinatorRequest) -> AccessVerdict {
        let transaction: Int8 = 1
        let isTransaction = request.keyType == transaction
        let (kept, refused) = split(call.version >= 4 ? request.coordinatorKeys : [request.key], .describe, isTransaction ? .transactionalID : .group) { $0 }
        guard !refused.isEmpty else { return .allowed }
        let code = isTransaction ? KafkaErrorCode.transactionalIDAuthorizationFailed : .groupAuthorizationFailed
        guard call.version >= 4 else { return .refused(.findCoordinator(.init(errorCode: code, nodeID: -1, host: "", port: -1))) }
        var trimmed = request
        trimmed.coordinatorKeys = kept
        return .trimmed(.findCoordinator(trimmed)) { body in
            guard case .findCoordinator(var response) = body else { return }
            response.coordinators += refused.map { FindCoordinatorResponse.Coordinator(key: $0, nodeID: -1, host: "", port: -1, errorCode: code) }
            body = .findCoordinator(response)
        }
    }

    /// Why a group is not shown to somebody who may see it: its members read what they may not see.
    static let hiddenTopic = "the group's members read topics that the client may not see"

    private func offsetCommit(_ request: OffsetCommitRequest) -> AccessVerdict {
        let mayCommit = may(.read, .group, request.groupID)
        let (kept, denied) = mayCommit ? splitTopics(request.topics, .read, \.name) : ([], request.topics)
        guard !denied.isEmpty else { return .allowed }
        let code: KafkaErrorCode = mayCommit ? .topicAuthorizationFailed : .groupAuthorizationFailed
        var trimmed = request
        trimmed.topics = kept
        return .trimmed(.offsetCommit(trimmed)) { body in
            guard case .offsetCommit(var response) = body else { return }
            response.topics += denied.map { topic in
                .init(name: topic.name, topicID: topic.topicID, partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code) })
            }
            body = .offsetCommit(response)
        }
    }

    /// Topics that may not be seen are refused by name, and left out where nobody named them.
    private func offsetFetch(_ request: OffsetFetchRequest) -> AccessVerdict {
        let denied = KafkaErrorCode.groupAuthorizationFailed
        guard call.version >= 8 || may(.describe, .group, request.groupID) else { return .refused(.offsetFetch(request.refused(denied))) }
        var trimmed = request
        let (kept, refused) = split(request.groups, .describe, .group, \.groupID)
        trimmed.groups = kept
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
        return .trimmed(.offsetFetch(trimmed)) { body in
            guard case .offsetFetch(var response) = body else { return }
            response.topics = shown(response.topics, named: request.topics != nil)
            for (group, asked) in zip(response.groups.indices, kept) {
                response.groups[group].topics = shown(response.groups[group].topics, named: asked.topics != nil)
            }
            response.groups += refused.map { .init(groupID: $0.groupID, errorCode: denied) }
            body = .offsetFetch(response)
        }
    }

    func transactionVerdict(_ body: RequestBody) -> AccessVerdict {
        let denied = KafkaErrorCode.transactionalIDAuthorizationFailed
        switch body {
        case .initProducerID(let request):
            if let name = request.transactionalID {
                return may(.write, .transactionalID, name) ? .allowed : .refused(.initProducerID(.init(errorCode: denied, producerEpoch: -1)))
            }
            let rules = broker.machine.accessRules
            let canWrite = mayOnCluster(.idempotentWrite) || rules.allowsSome(call.session.principal, from: call.session.remote?.host ?? "", .write, .topic)
            return canWrite ? .allowed : .refused(.initProducerID(.init(errorCode: .clusterAuthorizationFailed, producerEpoch: -1)))
        case .addPartitionsToTxn(let request):
            let mayWrite = may(.write, .transactionalID, request.transactionalID)
            guard !mayWrite || !request.topics.allSatisfy({ may(.write, .topic, $0.name) }) else { return .allowed }
            let results = request.topics.map { topic in
                let code: KafkaErrorCode = !mayWrite ? denied : may(.write, .topic, topic.name) ? .operationNotAttempted : .topicAuthorizationFailed
                return AddPartitionsToTxnResponse.TopicResult(name: topic.name, resultsByPartition: topic.partitions.map { .init(partition: $0, errorCode: code) })
            }
            return .refused(.addPartitionsToTxn(.init(resultsByTopic: results)))
        case .addOffsetsToTxn(let request):
            guard may(.write, .transactionalID, request.transactionalID) else { return .refused(.addOffsetsToTxn(.init(errorCode: denied))) }
            return may(.read, .group, request.groupID) ? .allowed : .refused(.addOffsetsToTxn(.init(errorCode: .groupAuthorizationFailed)))
        case .endTxn(let request): return may(.write, .transactionalID, request.transactionalID) ? .allowed : .refused(.endTxn(.init(errorCode: denied)))
        case .txnOffsetCommit(let request):
            let mayWrite = may(.write, .transactionalID, request.transactionalID)
            let mayRead = may(.read, .group, request.groupID) && request.topics.allSatisfy { may(.read, .topic, $0.name) }
            guard !mayWrite || !mayRead else { return .allowed }
            let code = mayWrite ? (may(.read, .group, request.groupID) ? KafkaErrorCode.topicAuthorizationFailed : .groupAuthorizationFailed) : denied
            return .refused(
                .txnOffsetCommit(
                    .init(topics: request.topics.map { topic in .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code) }) })))
        case .describeTransactions(let request):
            let (kept, refused) = split(request.transactionalIDs, .describe, .transactionalID) { $0 }
            guard !refused.isEmpty else { return .allowed }
            return .trimmed(.describeTransactions(.init(transactionalIDs: kept))) { body in
                guard case .describeTransactions(var response) = body else { return }
                response.transactionStates += refused.map { .init(errorCode: denied, transactionalID: $0) }
                body = .describeTransactions(response)
            }
        case .listTransactions(let request):
            return .trimmed(.listTransactions(request)) { body in
                guard case .listTransactions(var response) = body else { return }
                response.transactionStates.removeAll { !maySee(.transactionalID, $0.transactionalID) }
                body = .listTransactions(response)
            }
        default: preconditionFailure("the table sends only requests about transactions here")
        }
    }
}
