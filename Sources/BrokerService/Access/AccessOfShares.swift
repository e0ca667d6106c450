// The reviews of requests about share groups; see AccessRight. Source: KIP-932, "Security".
import Base
import BrokerCore
import KafkaWire

extension AccessReview {
    func shareGroupHeartbeat(_ request: ShareGroupHeartbeatRequest) -> AccessVerdict<ShareGroupHeartbeatRequest> {
        if let code = code(.read, .group, request.groupID) { return .refused(request.refused(code)) }
        let isAllowed = (request.subscribedTopicNames ?? []).allSatisfy { may(.describe, .topic, $0) }
        return verdict(request, isAllowed ? nil : .topicAuthorizationFailed)
    }

    func shareGroupDescribe(_ request: ShareGroupDescribeRequest) -> AccessVerdict<ShareGroupDescribeRequest> {
        trimmed(request, \.groupIDs, \.groups, code: { code(.describe, .group, $0) }) { response in
            response.groups = response.groups.map { group in
                let topics = group.members.flatMap { $0.subscribedTopicNames + $0.assignment.topicPartitions.map(\.topicName) }
                guard topics.contains(where: { !maySee(.topic, $0) }) else { return group }
                return .init(errorCode: .topicAuthorizationFailed, errorMessage: Self.hiddenTopic, groupID: group.groupID)
            }
        }
    }

    /// Leaves denied topics out, as if the group had never read them.
    func describeShareGroupOffsets(_ request: DescribeShareGroupOffsetsRequest) -> AccessVerdict<DescribeShareGroupOffsetsRequest> {
        trimmed(request, \.groups, \.groups, code: { code(.describe, .group, $0.groupID) }) { response in
            for group in response.groups.indices { response.groups[group].topics.removeAll { !maySee(.topic, $0.topicName) } }
        }
    }

    func alterShareGroupOffsets(_ request: AlterShareGroupOffsetsRequest) -> AccessVerdict<AlterShareGroupOffsetsRequest> {
        if let code = code(.read, .group, request.groupID) { return .refused(request.refused(code)) }
        let refused = request.topics.filter { !may(.read, .topic, $0.name) }
        guard !refused.isEmpty else { return .allowed }
        var rest = request
        rest.topics.removeAll { !may(.read, .topic, $0.name) }
        return .trimmed(rest) { response in
            response.topics += refused.map { topic in
                .init(
                    topicName: topic.name,
                    partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: .topicAuthorizationFailed) })
            }
        }
    }

    func deleteShareGroupOffsets(_ request: DeleteShareGroupOffsetsRequest) -> AccessVerdict<DeleteShareGroupOffsetsRequest> {
        if let code = code(.delete, .group, request.groupID) { return .refused(request.refused(code)) }
        let refused = request.topics.filter { !may(.read, .topic, $0.topicName) }
        guard !refused.isEmpty else { return .allowed }
        var rest = request
        rest.topics.removeAll { !may(.read, .topic, $0.topicName) }
        return .trimmed(rest) { $0.topics += refused.map { .init(topicName: $0.topicName, errorCode: .topicAuthorizationFailed) } }
    }
}
