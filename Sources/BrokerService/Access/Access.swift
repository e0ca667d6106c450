// The questions that a request asks of the access rules, for one connection, and the reviews of requests about records and topics. The right of each request is a
// column of the API table; see AccessRight. Source: Kafka documentation, "Authorization and ACLs".
import Base
import BrokerCore
import KafkaWire
import NetKit

/// The questions that one request asks, for one connection.
struct AccessReview {
    let broker: Broker
    let call: Call

    /// The one cluster, as Kafka names it.
    static let clusterName = "kafka-cluster"

    func may(_ operation: AccessOperation, _ kind: ResourceKind, _ name: String) -> Bool {
        broker.mayDo(operation, kind, name, principal: call.session.principal, host: call.session.remote?.host ?? "")
    }

    /// The same of what the client did not name: an answer that leaves it out is none that anybody has to hear of.
    func maySee(_ kind: ResourceKind, _ name: String) -> Bool {
        broker.mayDo(.describe, kind, name, principal: call.session.principal, host: call.session.remote?.host ?? "", isNamed: false)
    }

    func mayOnCluster(_ operation: AccessOperation) -> Bool { may(operation, .cluster, Self.clusterName) }

    /// A topic by an id that nobody knows passes: its handler says so.
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

    /// Topics that may not be seen are refused by name, and left out where nobody named them.
    func metadata(_ request: MetadataRequest) -> AccessVerdict<MetadataRequest> {
        var trimmed = request
        var denied = MetadataRequest(topics: [])
        if let topics = request.topics {
            func isVisible(_ topic: MetadataRequest.Topic) -> Bool { may(.describe, .topic, topic.name ?? broker.topicName(id: topic.topicID) ?? "") }
            let kept = topics.filter(isVisible)
            (trimmed.topics, denied.topics) = (kept, kept.count == topics.count ? [] : topics.filter { !isVisible($0) })
            let canCreate = mayOnCluster(.create)
            if !canCreate, kept.contains(where: { $0.name.map { !may(.create, .topic, $0) && broker.machine.topics[$0] == nil } ?? false }) {
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

extension Broker {
    /// Super users may do everything; without enforcement everybody may.
    /// What is denied is logged where the client named it, and not more often than `DenialLog` allows.
    func mayDo(_ operation: AccessOperation, _ kind: ResourceKind, _ name: String, principal: String, host: String, isNamed: Bool = true) -> Bool {
        guard settings.enforcesAccess, !settings.superUsers.contains(principal) else { return true }
        let isKept = name.utf8.count <= Self.accessNameBytesMax
        let question = AccessQuestion(operation: operation, kind: kind, name: name, principal: principal, host: host)
        if isKept, let known = accessAnswers[question] { return known }
        let answer = machine.accessRules.allows(principal, from: host, operation, kind, name)
        if accessAnswers.count >= Self.accessAnswersMax { accessAnswers = [:] }
        if isKept { accessAnswers[question] = answer }
        if !answer, isNamed, let suppressed = denials.take(now) {
            log.notice("access denied", metadata: [
                "principal": "\(principal)", "host": "\(host)", "operation": "\(operation)", "resource": "\(kind) \(DenialLog.shown(name))", "notLogged": "\(suppressed)",
            ])
        }
        return answer
    }

    /// Answers that are remembered until a rule changes, and the longest name of which they are, in bytes: longer names are nobody's.
    private static var accessAnswersMax: Int { 50_000 }
    private static var accessNameBytesMax: Int { 255 }
}

/// Keeps the log readable, and the disk free, whatever clients ask for.
struct DenialLog {
    private var second = Instant.zero
    private var lines = 0
    private var suppressed = 0

    /// Lines in a second.
    private static let linesMax = 50
    private static let nameBytesMax = 255

    /// How many denials went without a line since the last one; nil if this one does too.
    mutating func take(_ now: Instant) -> Int? {
        if now - second >= .seconds(1) { (second, lines) = (now, 0) }
        guard lines < Self.linesMax else {
            suppressed += 1
            return nil
        }
        lines += 1
        defer { suppressed = 0 }
        return suppressed
    }

    /// A name as far as it is worth a line.
    static func shown(_ name: String) -> String {
        guard name.utf8.count > nameBytesMax else { return JSONText.quoted(name) }
        return JSONText.quoted(String(decoding: name.utf8.prefix(nameBytesMax), as: UTF8.self)) + " and \(name.utf8.count - nameBytesMax) bytes more"
    }
}

/// A question that was answered before.
struct AccessQuestion: Hashable {
    var operation: AccessOperation
    var kind: ResourceKind
    var name: String
    var principal: String
    var host: String
}
