// Who may do what: one table from requests to what they need, looked up before any handler runs. A request that needs nothing of its own is named as
// such, so that the switch is complete and a request without an entry cannot exist. Requests about several resources go on with
// those that are allowed; the others are answered with the protocol's error. Source: Kafka documentation, "Authorization and ACLs".
import Base
import BrokerCore
import KafkaWire
import NetKit

/// What becomes of a request.
enum AccessVerdict {
    case allowed
    case refused(ResponseBody)
    /// Goes on with less; the answer is amended by what was left out.
    case trimmed(RequestBody, (inout ResponseBody) -> Void)
}

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

    func split<T>(_ items: [T], _ operation: AccessOperation, _ kind: ResourceKind, _ name: (T) -> String) -> (kept: [T], denied: [T]) {
        let kept = items.filter { may(operation, kind, name($0)) }
        return kept.count == items.count ? (items, []) : (kept, items.filter { !may(operation, kind, name($0)) })
    }

    /// The entry of the table.
    func verdict(_ body: RequestBody) -> AccessVerdict {
        switch body {
        // Logging in, and what every client must know to find its way.
        case .apiVersions, .saslHandshake, .saslAuthenticate, .describeCluster: return .allowed
        // Everybody who has logged in has tokens; whose they are is looked at by their handlers.
        case .createDelegationToken, .renewDelegationToken, .expireDelegationToken, .describeDelegationToken: return .allowed
        case .produce(let request): return produce(request)
        // Asked for each partition as it is read, since most of them are named by the session and not by the request.
        case .fetch: return .allowed
        // Asked for each topic before pages are cut, since the place where the next page begins is a topic's name.
        case .describeTopicPartitions: return .allowed
        case .listOffsets(let request): return listOffsets(request)
        case .metadata(let request): return metadata(request)
        case .offsetForLeaderEpoch(let request): return offsetForLeaderEpoch(request)
        case .describeProducers(let request): return describeProducers(request)
        case .findCoordinator, .offsetCommit, .offsetFetch, .joinGroup, .heartbeat, .leaveGroup, .syncGroup, .describeGroups, .listGroups, .deleteGroups,
            .offsetDelete, .consumerGroupHeartbeat, .consumerGroupDescribe:
            return groupVerdict(body)
        case .shareGroupHeartbeat, .shareGroupDescribe, .shareFetch, .shareAcknowledge, .describeShareGroupOffsets, .alterShareGroupOffsets,
            .deleteShareGroupOffsets:
            return shareVerdict(body)
        case .initProducerID, .addPartitionsToTxn, .addOffsetsToTxn, .endTxn, .txnOffsetCommit, .describeTransactions, .listTransactions:
            return transactionVerdict(body)
        case .createTopics, .deleteTopics, .createPartitions, .deleteRecords, .describeConfigs, .alterConfigs, .incrementalAlterConfigs:
            return topicAdminVerdict(body)
        case .describeLogDirs: return mayOnCluster(.describe) ? .allowed : .refused(.describeLogDirs(.init(errorCode: .clusterAuthorizationFailed)))
        case .writeTxnMarkers(let request):
            return mayOnCluster(.alter) || mayOnCluster(.clusterAction) ? .allowed : .refused(.writeTxnMarkers(request.answered(.clusterAuthorizationFailed)))
        case .listConfigResources:
            return mayOnCluster(.describeConfigs) ? .allowed : .refused(.listConfigResources(.init(errorCode: .clusterAuthorizationFailed)))
        case .electLeaders: return mayOnCluster(.alter) ? .allowed : .refused(.electLeaders(.init(errorCode: .clusterAuthorizationFailed)))
        case .alterPartitionReassignments: return mayOnCluster(.alter) ? .allowed : .refused(.alterPartitionReassignments(.init(errorCode: .clusterAuthorizationFailed)))
        case .listPartitionReassignments: return mayOnCluster(.describe) ? .allowed : .refused(.listPartitionReassignments(.init(errorCode: .clusterAuthorizationFailed)))
        case .describeQuorum: return mayOnCluster(.describe) ? .allowed : .refused(.describeQuorum(.init(errorCode: .clusterAuthorizationFailed)))
        case .unregisterBroker: return mayOnCluster(.alter) ? .allowed : .refused(.unregisterBroker(.init(errorCode: .clusterAuthorizationFailed)))
        case .addRaftVoter: return mayOnCluster(.alter) ? .allowed : .refused(.addRaftVoter(.init(errorCode: .clusterAuthorizationFailed)))
        case .removeRaftVoter: return mayOnCluster(.alter) ? .allowed : .refused(.removeRaftVoter(.init(errorCode: .clusterAuthorizationFailed)))
        case .describeAcls: return mayOnCluster(.describe) ? .allowed : .refused(.describeAcls(.init(errorCode: .clusterAuthorizationFailed)))
        case .createAcls(let request):
            let refused = CreateAclsResponse.Result(errorCode: .clusterAuthorizationFailed)
            return mayOnCluster(.alter) ? .allowed : .refused(.createAcls(.init(results: request.creations.map { _ in refused })))
        case .deleteAcls(let request):
            let refused = DeleteAclsResponse.FilterResult(errorCode: .clusterAuthorizationFailed)
            return mayOnCluster(.alter) ? .allowed : .refused(.deleteAcls(.init(filterResults: request.filters.map { _ in refused })))
        case .describeClientQuotas:
            return mayOnCluster(.describeConfigs) ? .allowed : .refused(.describeClientQuotas(.init(errorCode: .clusterAuthorizationFailed)))
        case .alterClientQuotas(let request):
            let refused = request.entries.map { AlterClientQuotasResponse.Entry(errorCode: .clusterAuthorizationFailed, entity: $0.entity) }
            return mayOnCluster(.alterConfigs) ? .allowed : .refused(.alterClientQuotas(.init(entries: refused)))
        case .describeUserScramCredentials:
            return mayOnCluster(.describe) ? .allowed : .refused(.describeUserScramCredentials(.init(errorCode: .clusterAuthorizationFailed)))
        case .alterUserScramCredentials(let request):
            let users = request.deletions.map(\.name) + request.upsertions.map(\.name)
            let refused = users.map { AlterUserScramCredentialsResponse.Result(user: $0, errorCode: .clusterAuthorizationFailed) }
            return mayOnCluster(.alter) ? .allowed : .refused(.alterUserScramCredentials(.init(results: refused)))
        }
    }

    // MARK: records

    private func produce(_ request: ProduceRequest) -> AccessVerdict {
        let wrongTransaction = request.transactionalID.map { !may(.write, .transactionalID, $0) } ?? false
        let (kept, denied) = wrongTransaction ? ([], request.topics) : splitTopics(request.topics, .write, \.name)
        guard !denied.isEmpty else { return .allowed }
        let code: KafkaErrorCode = wrongTransaction ? .transactionalIDAuthorizationFailed : .topicAuthorizationFailed
        var trimmed = request
        trimmed.topics = kept
        return .trimmed(.produce(trimmed)) { body in
            guard case .produce(var response) = body else { return }
            response.topics += denied.map { topic in
                .init(
                    name: topic.name, topicID: topic.topicID,
                    partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code, baseOffset: -1) })
            }
            body = .produce(response)
        }
    }

    private func listOffsets(_ request: ListOffsetsRequest) -> AccessVerdict {
        let (kept, denied) = split(request.topics, .describe, .topic, \.name)
        guard !denied.isEmpty else { return .allowed }
        var trimmed = request
        trimmed.topics = kept
        return .trimmed(.listOffsets(trimmed)) { body in
            guard case .listOffsets(var response) = body else { return }
            response.topics += denied.map { topic in
                .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: .topicAuthorizationFailed) })
            }
            body = .listOffsets(response)
        }
    }

    // MARK: topics

    /// Topics that may not be seen are refused by name, and left out where nobody named them.
    private func metadata(_ request: MetadataRequest) -> AccessVerdict {
        var trimmed = request
        var denied: [MetadataRequest.Topic] = []
        if let topics = request.topics {
            (trimmed.topics, denied) = split(topics, .describe, .topic) { $0.name ?? broker.machine.topic(id: $0.topicID)?.name ?? "" }
            let canCreate = mayOnCluster(.create)
            if !canCreate, trimmed.topics?.contains(where: { $0.name.map { !may(.create, .topic, $0) && broker.machine.topics[$0] == nil } ?? false }) == true {
                trimmed.allowAutoTopicCreation = false
                if call.version < 4 { trimmed.topics?.removeAll { $0.name.map { broker.machine.topics[$0] == nil } ?? false } }
            }
        }
        return .trimmed(.metadata(trimmed)) { body in
            guard case .metadata(var response) = body else { return }
            response.topics.removeAll { topic in topic.errorCode == .none && topic.name.map { !maySee(.topic, $0) } ?? false }
            response.topics += denied.map { .init(errorCode: .topicAuthorizationFailed, name: $0.name ?? "", topicID: $0.topicID) }
            body = .metadata(response)
        }
    }

    private func offsetForLeaderEpoch(_ request: OffsetForLeaderEpochRequest) -> AccessVerdict {
        let (kept, denied) = split(request.topics, .describe, .topic, \.topic)
        guard !denied.isEmpty else { return .allowed }
        var trimmed = request
        trimmed.topics = kept
        return .trimmed(.offsetForLeaderEpoch(trimmed)) { body in
            guard case .offsetForLeaderEpoch(var response) = body else { return }
            response.topics += denied.map { topic in
                .init(topic: topic.topic, partitions: topic.partitions.map { .init(errorCode: .topicAuthorizationFailed, partition: $0.partition) })
            }
            body = .offsetForLeaderEpoch(response)
        }
    }

    private func describeProducers(_ request: DescribeProducersRequest) -> AccessVerdict {
        let (kept, denied) = split(request.topics, .read, .topic, \.name)
        guard !denied.isEmpty else { return .allowed }
        return .trimmed(.describeProducers(.init(topics: kept))) { body in
            guard case .describeProducers(var response) = body else { return }
            response.topics += denied.map { topic in
                .init(name: topic.name, partitions: topic.partitionIndexes.map { .init(partition: $0, errorCode: .topicAuthorizationFailed) })
            }
            body = .describeProducers(response)
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
