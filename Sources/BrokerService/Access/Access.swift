// The access questions of a request on one connection, and the reviews of requests about records and topics. The right of each request is a
// column of the API table; see AccessRight. Source: Kafka documentation, "Authorization and ACLs".
import Base
import BrokerCore
import KafkaWire
import NetKit

/// The access questions of one request on one connection.
struct AccessReview {
    let broker: Broker
    let call: Call

    /// Kafka's name of the cluster resource.
    static let clusterName = "kafka-cluster"

    func may(_ operation: AccessOperation, _ kind: ResourceKind, _ name: String) -> Bool {
        broker.access.allows(operation, kind, name, principal: call.session.principal, host: call.session.remote?.host ?? "")
    }

    /// The same for a resource that the client did not name: its absence from the answer is not logged as a denial.
    func maySee(_ kind: ResourceKind, _ name: String) -> Bool {
        broker.access.allows(
            .describe, kind, name, principal: call.session.principal, host: call.session.remote?.host ?? "", isNamed: false)
    }

    func mayOnCluster(_ operation: AccessOperation) -> Bool { may(operation, .cluster, Self.clusterName) }

    /// An unknown topic id passes: the handler answers it.
    func mayTopic(_ operation: AccessOperation, _ name: String) -> Bool { call.isUnknownID(name) || may(operation, .topic, name) }

    func splitTopics<T>(_ items: [T], _ operation: AccessOperation, _ name: (T) -> String) -> (kept: [T], denied: [T]) {
        (items.filter { mayTopic(operation, name($0)) }, items.filter { !mayTopic(operation, name($0)) })
    }

    // MARK: records

    func produce(_ request: ProduceRequest) -> AccessVerdict<ProduceRequest> {
        let isWrongTransaction = request.transactionalID.map { !may(.write, .transactionalID, $0) } ?? false
        let (kept, denied) = isWrongTransaction ? ([], request.topics) : splitTopics(request.topics, .write, \.name)
        guard !denied.isEmpty else { return .allowed }
        var (rest, refused) = (request, request)
        (rest.topics, refused.topics) = (kept, denied)
        let response = refused.refused(isWrongTransaction ? .transactionalIDAuthorizationFailed : .topicAuthorizationFailed)
        return .trimmed(rest) { $0.topics += response.topics }
    }

    // MARK: topics

    /// Denied topics are refused by name, and left out where the client named no topics.
    func metadata(_ request: MetadataRequest) -> AccessVerdict<MetadataRequest> {
        var trimmed = request
        var denied = MetadataRequest(topics: [])
        if let topics = request.topics {
            func isVisible(_ topic: MetadataRequest.Topic) -> Bool {
                may(.describe, .topic, topic.name ?? broker.topicName(id: topic.topicID) ?? "")
            }
            let kept = topics.filter(isVisible)
            (trimmed.topics, denied.topics) = (kept, kept.count == topics.count ? [] : topics.filter { !isVisible($0) })
            let canCreate = mayOnCluster(.create)
            if !canCreate, kept.contains(where: { $0.name.map { !may(.create, .topic, $0) && broker.machine.topics[$0] == nil } ?? false })
            {
                trimmed.allowAutoTopicCreation = false
                if call.version < 4 { trimmed.topics?.removeAll { $0.name.map { broker.machine.topics[$0] == nil } ?? false } }
            }
        }
        let refused = denied.refused(.topicAuthorizationFailed).topics
        return .trimmed(trimmed) { response in
            response.topics.removeAll { topic in topic.errorCode == .none && topic.name.map { !maySee(.topic, $0) } ?? false }
            response.topics += refused
        }
    }
}
