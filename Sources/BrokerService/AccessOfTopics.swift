// The part of the access table that is about making, deleting and altering topics and settings; see Access.
import Base
import BrokerCore
import KafkaWire

extension AccessReview {
    func topicAdminVerdict(_ body: RequestBody) -> AccessVerdict {
        let denied = KafkaErrorCode.topicAuthorizationFailed
        switch body {
        case .createTopics(let request):
            guard !mayOnCluster(.create) else { return .allowed }
            let (kept, refused) = split(request.topics, .create, .topic, \.name)
            guard !refused.isEmpty else { return .allowed }
            var trimmed = request
            trimmed.topics = kept
            return .trimmed(.createTopics(trimmed)) { body in
                guard case .createTopics(var response) = body else { return }
                response.topics += refused.map { .init(name: $0.name, errorCode: denied) }
                body = .createTopics(response)
            }
        case .deleteTopics(let request): return deleteTopics(request)
        case .createPartitions(let request):
            let (kept, refused) = split(request.topics, .alter, .topic, \.name)
            guard !refused.isEmpty else { return .allowed }
            var trimmed = request
            trimmed.topics = kept
            return .trimmed(.createPartitions(trimmed)) { body in
                guard case .createPartitions(var response) = body else { return }
                response.results += refused.map { .init(name: $0.name, errorCode: denied) }
                body = .createPartitions(response)
            }
        case .deleteRecords(let request):
            let (kept, refused) = split(request.topics, .delete, .topic, \.name)
            guard !refused.isEmpty else { return .allowed }
            var trimmed = request
            trimmed.topics = kept
            return .trimmed(.deleteRecords(trimmed)) { body in
                guard case .deleteRecords(var response) = body else { return }
                response.topics += refused.map { topic in
                    .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition, lowWatermark: -1, errorCode: denied) })
                }
                body = .deleteRecords(response)
            }
        case .describeConfigs(let request):
            let refused = request.resources.filter { !maySettings(.describeConfigs, $0.resourceType, $0.resourceName) }
            guard !refused.isEmpty else { return .allowed }
            var trimmed = request
            trimmed.resources.removeAll { !maySettings(.describeConfigs, $0.resourceType, $0.resourceName) }
            return .trimmed(.describeConfigs(trimmed)) { body in
                guard case .describeConfigs(var response) = body else { return }
                response.results += refused.map {
                    .init(errorCode: refusalCode($0.resourceType), resourceType: $0.resourceType, resourceName: $0.resourceName)
                }
                body = .describeConfigs(response)
            }
        case .alterConfigs(let request):
            let refused = request.resources.filter { !maySettings(.alterConfigs, $0.resourceType, $0.resourceName) }
            guard !refused.isEmpty else { return .allowed }
            var trimmed = request
            trimmed.resources.removeAll { !maySettings(.alterConfigs, $0.resourceType, $0.resourceName) }
            return .trimmed(.alterConfigs(trimmed)) { body in
                guard case .alterConfigs(var response) = body else { return }
                response.responses += refused.map {
                    .init(errorCode: refusalCode($0.resourceType), resourceType: $0.resourceType, resourceName: $0.resourceName)
                }
                body = .alterConfigs(response)
            }
        case .incrementalAlterConfigs(let request): return incrementalAlterConfigs(request)
        default: preconditionFailure("the table sends only requests about topics and settings here")
        }
    }

    private func incrementalAlterConfigs(_ request: IncrementalAlterConfigsRequest) -> AccessVerdict {
        let refused = request.resources.filter { !maySettings(.alterConfigs, $0.resourceType, $0.resourceName) }
        guard !refused.isEmpty else { return .allowed }
        var trimmed = request
        trimmed.resources.removeAll { !maySettings(.alterConfigs, $0.resourceType, $0.resourceName) }
        return .trimmed(.incrementalAlterConfigs(trimmed)) { body in
            guard case .incrementalAlterConfigs(var response) = body else { return }
            response.responses += refused.map {
                .init(errorCode: refusalCode($0.resourceType), resourceType: $0.resourceType, resourceName: $0.resourceName)
            }
            body = .incrementalAlterConfigs(response)
        }
    }

    private func deleteTopics(_ request: DeleteTopicsRequest) -> AccessVerdict {
        let asked = call.version >= 6 ? request.topics : request.topicNames.map { .init(name: $0) }
        let names = asked.map { $0.name ?? broker.machine.topic(id: $0.topicID)?.name ?? "" }
        guard !names.allSatisfy({ may(.delete, .topic, $0) }) else { return .allowed }
        var trimmed = request
        let allowed = zip(asked, names).filter { may(.delete, .topic, $0.1) }
        trimmed.topics = allowed.map(\.0)
        trimmed.topicNames = allowed.map(\.1)
        let refused = zip(asked, names).filter { !may(.delete, .topic, $0.1) }
        return .trimmed(.deleteTopics(trimmed)) { body in
            guard case .deleteTopics(var response) = body else { return }
            response.responses += refused.map { .init(name: $0.0.name, topicID: $0.0.topicID, errorCode: .topicAuthorizationFailed) }
            body = .deleteTopics(response)
        }
    }

    private func maySettings(_ operation: AccessOperation, _ kind: Int8, _ name: String) -> Bool {
        switch kind {
        case ConfigResource.topic: may(operation, .topic, name)
        case ConfigResource.group: may(operation, .group, name)
        default: mayOnCluster(operation)
        }
    }

    private func refusalCode(_ kind: Int8) -> KafkaErrorCode {
        switch kind {
        case ConfigResource.topic: .topicAuthorizationFailed
        case ConfigResource.group: .groupAuthorizationFailed
        default: .clusterAuthorizationFailed
        }
    }
}
