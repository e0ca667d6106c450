// The part of the access table that is about share groups; see Access. Source: KIP-932, "Security".
import Base
import BrokerCore
import KafkaWire

extension AccessReview {
    func shareVerdict(_ body: RequestBody) -> AccessVerdict {
        let denied = KafkaErrorCode.groupAuthorizationFailed
        switch body {
        case .shareGroupHeartbeat(let request):
            guard may(.read, .group, request.groupID) else { return .refused(.shareGroupHeartbeat(.init(errorCode: denied))) }
            let mayAll = (request.subscribedTopicNames ?? []).allSatisfy { may(.describe, .topic, $0) }
            return mayAll ? .allowed : .refused(.shareGroupHeartbeat(.init(errorCode: .topicAuthorizationFailed)))
        case .shareGroupDescribe(let request): return shareGroupDescribe(request)
        // Topics are asked about for each partition as it is read or acknowledged, since most of them are named by the session and not by the request.
        case .shareFetch(let request):
            return may(.read, .group, request.groupID ?? "") ? .allowed : .refused(.shareFetch(.init(errorCode: denied)))
        case .shareAcknowledge(let request):
            return may(.read, .group, request.groupID ?? "") ? .allowed : .refused(.shareAcknowledge(.init(errorCode: denied)))
        case .describeShareGroupOffsets(let request): return describeShareGroupOffsets(request)
        case .alterShareGroupOffsets(let request):
            guard may(.read, .group, request.groupID) else { return .refused(.alterShareGroupOffsets(.init(errorCode: denied))) }
            let (kept, refused) = split(request.topics, .read, .topic, \.topicName)
            guard !refused.isEmpty else { return .allowed }
            return .trimmed(.alterShareGroupOffsets(.init(groupID: request.groupID, topics: kept))) { body in
                guard case .alterShareGroupOffsets(var response) = body else { return }
                response.topics += refused.map { topic in
                    .init(topicName: topic.topicName, partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: .topicAuthorizationFailed) })
                }
                body = .alterShareGroupOffsets(response)
            }
        case .deleteShareGroupOffsets(let request):
            guard may(.delete, .group, request.groupID) else { return .refused(.deleteShareGroupOffsets(.init(errorCode: denied))) }
            let (kept, refused) = split(request.topics, .read, .topic, \.topicName)
            guard !refused.isEmpty else { return .allowed }
            return .trimmed(.deleteShareGroupOffsets(.init(groupID: request.groupID, topics: kept))) { body in
                guard case .deleteShareGroupOffsets(var response) = body else { return }
                response.topics += refused.map { .init(topicName: $0.topicName, errorCode: .topicAuthorizationFailed) }
                body = .deleteShareGroupOffsets(response)
            }
        default: preconditionFailure("the table sends only requests about share groups here")
        }
    }

    private func shareGroupDescribe(_ request: ShareGroupDescribeRequest) -> AccessVerdict {
        let (kept, refused) = split(request.groupIDs, .describe, .group) { $0 }
        var trimmed = request
        trimmed.groupIDs = kept
        return .trimmed(.shareGroupDescribe(trimmed)) { body in
            guard case .shareGroupDescribe(var response) = body else { return }
            response.groups = response.groups.map { group in
                let topics = group.members.flatMap { $0.subscribedTopicNames + $0.assignment.topicPartitions.map(\.topicName) }
                guard topics.contains(where: { !maySee(.topic, $0) }) else { return group }
                return .init(errorCode: .topicAuthorizationFailed, errorMessage: Self.hiddenTopic, groupID: group.groupID)
            }
            response.groups += refused.map { .init(errorCode: .groupAuthorizationFailed, groupID: $0) }
            body = .shareGroupDescribe(response)
        }
    }

    /// Topics that may not be seen are left out, as if the group had never read them.
    private func describeShareGroupOffsets(_ request: DescribeShareGroupOffsetsRequest) -> AccessVerdict {
        let (kept, refused) = split(request.groups, .describe, .group, \.groupID)
        return .trimmed(.describeShareGroupOffsets(.init(groups: kept))) { body in
            guard case .describeShareGroupOffsets(var response) = body else { return }
            for group in response.groups.indices { response.groups[group].topics.removeAll { !maySee(.topic, $0.topicName) } }
            response.groups += refused.map { .init(groupID: $0.groupID, errorCode: .groupAuthorizationFailed) }
            body = .describeShareGroupOffsets(response)
        }
    }
}
