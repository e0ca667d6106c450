// What a client may do with what it is shown, where it asks for that: a bit for each operation, by its number on the wire. Source: KIP-430.
import Base
import BrokerCore
import KafkaWire

extension AccessReview {
    /// The operations that there are on a kind of resource, as Kafka counts them.
    private static func operations(on kind: ResourceKind) -> [AccessOperation] {
        switch kind {
        case .topic: [.read, .write, .create, .delete, .alter, .describe, .describeConfigs, .alterConfigs]
        case .group: [.read, .delete, .describe, .describeConfigs, .alterConfigs]
        case .cluster: [.create, .alter, .describe, .clusterAction, .describeConfigs, .alterConfigs, .idempotentWrite]
        case .transactionalID: [.write, .describe]
        }
    }

    private func bits(_ kind: ResourceKind, _ name: String) -> Int32 {
        let (principal, host) = (call.session.principal, call.session.remote?.host ?? "")
        return Self.operations(on: kind).reduce(0) { bits, operation in
            bits | (broker.mayDo(operation, kind, name, principal: principal, host: host, isNamed: false) ? 1 << Int32(operation.rawValue) : 0)
        }
    }

    private var clusterBits: Int32 { bits(.cluster, Self.clusterName) }

    /// Adds them to an answer.
    func addOperations(_ request: RequestBody, to body: inout ResponseBody) {
        switch (request, body) {
        case (.metadata(let asked), .metadata(var response)):
            if asked.includeClusterAuthorizedOperations { response.clusterAuthorizedOperations = clusterBits }
            if asked.includeTopicAuthorizedOperations {
                for index in response.topics.indices where response.topics[index].errorCode == .none {
                    response.topics[index].topicAuthorizedOperations = bits(.topic, response.topics[index].name ?? "")
                }
            }
            body = .metadata(response)
        case (.describeTopicPartitions, .describeTopicPartitions(var response)):
            for index in response.topics.indices where response.topics[index].errorCode == .none {
                response.topics[index].topicAuthorizedOperations = bits(.topic, response.topics[index].name ?? "")
            }
            body = .describeTopicPartitions(response)
        case (.describeCluster(let asked), .describeCluster(var response)) where asked.includeClusterAuthorizedOperations:
            response.clusterAuthorizedOperations = clusterBits
            body = .describeCluster(response)
        case (.describeGroups(let asked), .describeGroups(var response)) where asked.includeAuthorizedOperations:
            for index in response.groups.indices where response.groups[index].errorCode == .none {
                response.groups[index].authorizedOperations = bits(.group, response.groups[index].groupID)
            }
            body = .describeGroups(response)
        case (.consumerGroupDescribe(let asked), .consumerGroupDescribe(var response)) where asked.includeAuthorizedOperations:
            for index in response.groups.indices where response.groups[index].errorCode == .none {
                response.groups[index].authorizedOperations = bits(.group, response.groups[index].groupID)
            }
            body = .consumerGroupDescribe(response)
        case (.shareGroupDescribe(let asked), .shareGroupDescribe(var response)) where asked.includeAuthorizedOperations:
            for index in response.groups.indices where response.groups[index].errorCode == .none {
                response.groups[index].authorizedOperations = bits(.group, response.groups[index].groupID)
            }
            body = .shareGroupDescribe(response)
        default: break
        }
    }

    /// Whether an answer to this request may tell what its client may do.
    static func tellsOperations(_ body: RequestBody) -> Bool {
        switch body {
        case .metadata(let request): request.includeClusterAuthorizedOperations || request.includeTopicAuthorizedOperations
        case .describeTopicPartitions: true
        case .describeCluster(let request): request.includeClusterAuthorizedOperations
        case .describeGroups(let request): request.includeAuthorizedOperations
        case .consumerGroupDescribe(let request): request.includeAuthorizedOperations
        case .shareGroupDescribe(let request): request.includeAuthorizedOperations
        default: false
        }
    }
}
