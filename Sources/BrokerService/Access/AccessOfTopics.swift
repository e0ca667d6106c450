// The reviews of requests that create, delete and alter topics and settings; see AccessRight.
import Base
import BrokerCore
import KafkaWire

extension AccessReview {
    /// A principal with the right to create on the cluster may create every topic.
    func createTopics(_ request: CreateTopicsRequest) -> AccessVerdict<CreateTopicsRequest> {
        guard !mayOnCluster(.create) else { return .allowed }
        return trimmed(request, \.topics, \.topics) { code(.create, .topic, $0.name) }
    }

    func deleteTopics(_ request: DeleteTopicsRequest) -> AccessVerdict<DeleteTopicsRequest> {
        let asked = call.version >= 6 ? request.topics : request.topicNames.map { .init(name: $0) }
        let names = asked.map { $0.name ?? broker.machine.topic(id: $0.topicID)?.name ?? "" }
        guard !names.allSatisfy({ may(.delete, .topic, $0) }) else { return .allowed }
        var trimmed = request
        let allowed = zip(asked, names).filter { may(.delete, .topic, $0.1) }
        trimmed.topics = allowed.map(\.0)
        trimmed.topicNames = allowed.map(\.1)
        let refused = DeleteTopicsRequest(topics: zip(asked, names).filter { !may(.delete, .topic, $0.1) }.map(\.0)).refused(
            .topicAuthorizationFailed)
        return .trimmed(trimmed) { $0.responses += refused.responses }
    }

    func describeConfigs(_ request: DescribeConfigsRequest) -> AccessVerdict<DescribeConfigsRequest> {
        trimmed(request, \.resources, \.results) { settingsCode(.describeConfigs, $0.resourceType, $0.resourceName) }
    }

    func alterConfigs(_ request: AlterConfigsRequest) -> AccessVerdict<AlterConfigsRequest> {
        trimmed(request, \.resources, \.responses) { settingsCode(.alterConfigs, $0.resourceType, $0.resourceName) }
    }

    func incrementalAlterConfigs(_ request: IncrementalAlterConfigsRequest) -> AccessVerdict<IncrementalAlterConfigsRequest> {
        trimmed(request, \.resources, \.responses) { settingsCode(.alterConfigs, $0.resourceType, $0.resourceName) }
    }

    private func settingsCode(_ operation: AccessOperation, _ type: Int8, _ name: String) -> KafkaErrorCode? {
        switch type {
        case ConfigResource.topic: code(operation, .topic, name)
        case ConfigResource.group: code(operation, .group, name)
        default: code(operation, .cluster, Self.clusterName)
        }
    }
}
