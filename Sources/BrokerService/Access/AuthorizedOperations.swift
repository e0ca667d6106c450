// The client's authorized operations on the resources of a response, where the request asks for them: one bit per operation, by its number
// on the wire. Source: KIP-430.
import Base
import BrokerCore
import KafkaWire

extension AccessReview {
    /// The operations on a kind of resource, as Kafka counts them.
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
            bits
                | (broker.access.allows(operation, kind, name, principal: principal, host: host, isNamed: false)
                    ? 1 << Int32(operation.rawValue) : 0)
        }
    }

    func clusterOperations() -> Int32 { bits(.cluster, Self.clusterName) }
    func topicOperations(_ name: String) -> Int32 { bits(.topic, name) }
    func groupOperations(_ name: String) -> Int32 { bits(.group, name) }
}

/// The authorized operations in the responses of one API.
struct OperationsColumn<Request: KafkaRequest>: Sendable {
    /// Whether a request asks for them.
    let isAsked: @Sendable (Request) -> Bool
    let add: @Sendable (AccessReview, Request, inout Request.Response) -> Void
}

extension OperationsColumn<MetadataRequest> {
    static var metadata: Self {
        Self {
            $0.includeClusterAuthorizedOperations || $0.includeTopicAuthorizedOperations
        } add: { review, request, response in
            if request.includeClusterAuthorizedOperations { response.clusterAuthorizedOperations = review.clusterOperations() }
            guard request.includeTopicAuthorizedOperations else { return }
            for index in response.topics.indices where response.topics[index].errorCode == .none {
                response.topics[index].topicAuthorizedOperations = review.topicOperations(response.topics[index].name ?? "")
            }
        }
    }
}

extension OperationsColumn<DescribeTopicPartitionsRequest> {
    static var topicPartitions: Self {
        Self { _ in
            true
        } add: { review, _, response in
            for index in response.topics.indices where response.topics[index].errorCode == .none {
                response.topics[index].topicAuthorizedOperations = review.topicOperations(response.topics[index].name ?? "")
            }
        }
    }
}

extension OperationsColumn<DescribeClusterRequest> {
    static var cluster: Self {
        Self {
            $0.includeClusterAuthorizedOperations
        } add: { review, _, response in
            response.clusterAuthorizedOperations = review.clusterOperations()
        }
    }
}

extension OperationsColumn<DescribeGroupsRequest> {
    static var groups: Self {
        Self {
            $0.includeAuthorizedOperations
        } add: { review, _, response in
            for index in response.groups.indices where response.groups[index].errorCode == .none {
                response.groups[index].authorizedOperations = review.groupOperations(response.groups[index].groupID)
            }
        }
    }
}

extension OperationsColumn<ConsumerGroupDescribeRequest> {
    static var consumerGroups: Self {
        Self {
            $0.includeAuthorizedOperations
        } add: { review, _, response in
            for index in response.groups.indices where response.groups[index].errorCode == .none {
                response.groups[index].authorizedOperations = review.groupOperations(response.groups[index].groupID)
            }
        }
    }
}

extension OperationsColumn<ShareGroupDescribeRequest> {
    static var shareGroups: Self {
        Self {
            $0.includeAuthorizedOperations
        } add: { review, _, response in
            for index in response.groups.indices where response.groups[index].errorCode == .none {
                response.groups[index].authorizedOperations = review.groupOperations(response.groups[index].groupID)
            }
        }
    }
}
