// Topics that a request names by id get their names at the door: access rules, handlers and what is stored know topics by name. An id that nobody knows leaves the
// name empty and is refused with UNKNOWN_TOPIC_ID, so that a client that still speaks of a deleted topic never meets a new one of the same name. Source: Kafka KIP-516.
import Base
import BrokerCore
import KafkaWire

extension Call {
    /// Whether topics are named by id in this version of this request and of its answer.
    var namesTopicsByID: Bool {
        switch ApiKey(rawValue: header.apiNumber) {
        case .produce, .fetch: version >= 13
        case .offsetCommit, .offsetFetch: version >= 10
        default: false
        }
    }

    /// Whether a topic of this request was named by an id that nobody knows.
    func isUnknownID(_ name: String) -> Bool { name.isEmpty && namesTopicsByID }
}

extension Broker {
    /// The request with the names of its topics. A fetch looks its topics up as it reads them, since most are named by its session.
    func naming(_ body: RequestBody, _ call: Call) -> RequestBody {
        guard call.namesTopicsByID else { return body }
        func name(_ id: UUIDBytes) -> String { machine.topic(id: id)?.name ?? "" }
        switch body {
        case .produce(var request):
            for t in request.topics.indices { request.topics[t].name = name(request.topics[t].topicID) }
            return .produce(request)
        case .offsetCommit(var request):
            for t in request.topics.indices { request.topics[t].name = name(request.topics[t].topicID) }
            return .offsetCommit(request)
        case .offsetFetch(var request):
            for g in request.groups.indices {
                let topics = request.groups[g].topics
                request.groups[g].topics = topics?.map { .init(name: name($0.topicID), topicID: $0.topicID, partitions: $0.partitions) }
            }
            return .offsetFetch(request)
        default: return body
        }
    }

    /// Whether offsets are asked for or committed of a topic that is not known here: another broker may have made it and told its client so.
    func missesTopic(_ body: RequestBody, _ call: Call) -> Bool {
        func misses(_ id: UUIDBytes) -> Bool { machine.topic(id: id) == nil }
        switch body {
        case .offsetFetch(let request) where call.namesTopicsByID:
            return request.groups.contains { group in group.topics?.contains { misses($0.topicID) } ?? false }
        case .offsetCommit(let request):
            return request.topics.contains { call.namesTopicsByID ? misses($0.topicID) : machine.topics[$0.name] == nil }
        case .txnOffsetCommit(let request): return request.topics.contains { machine.topics[$0.name] == nil }
        default: return false
        }
    }
}
