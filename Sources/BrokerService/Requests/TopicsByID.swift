// Topics that a request names by id get their names at the door: access rules, handlers and stored offsets know topics by name. An unknown id leaves the
// name empty and is refused with UNKNOWN_TOPIC_ID, so that a client that still speaks of a deleted topic never meets a new one of the same name. Source: KIP-516.
import Base
import BrokerCore
import KafkaWire

/// The topics of one API's requests.
struct TopicReferences<Request: KafkaRequest>: Sendable {
    /// From this version on requests and responses name topics by id.
    let firstVersionByID: Int16
    /// From this version on a broker that does not know a topic asks the controller first: another one may have made it and told the client so. nil for never.
    let waitsSince: Int16?
    /// Visits each topic's name and id.
    let visit: @Sendable (inout Request, (inout String, UUIDBytes) -> Void) -> Void

    /// Whether a topic of the request is not known here and to be waited for.
    func misses(_ broker: Broker, _ request: Request, _ call: Call) -> Bool {
        guard let waitsSince, call.version >= waitsSince else { return false }
        let isByID = call.version >= firstVersionByID
        var request = request
        var misses = false
        visit(&request) { name, id in misses = misses || (isByID ? broker.machine.topic(id: id) == nil : broker.machine.topics[name] == nil) }
        return misses
    }

    /// The request with the names of its topics; nil if it has them already.
    func named(_ broker: Broker, _ request: Request, _ call: Call) -> Request? {
        guard call.version >= firstVersionByID else { return nil }
        var request = request
        visit(&request) { name, id in name = broker.machine.topic(id: id)?.name ?? "" }
        return request
    }
}

extension Call {
    /// Whether topics are named by id in this version of this request and of its response.
    var namesTopicsByID: Bool {
        switch header.apiNumber {
        case ProduceRequest.apiKey.rawValue, FetchRequest.apiKey.rawValue: version >= ProduceRequest.firstVersionByID
        case OffsetCommitRequest.apiKey.rawValue, OffsetFetchRequest.apiKey.rawValue: version >= OffsetCommitRequest.firstVersionByID
        default: false
        }
    }

    /// Whether a topic of this request was named by an id that nobody knows.
    func isUnknownID(_ name: String) -> Bool { name.isEmpty && namesTopicsByID }
}

// A fetch looks its topics up as it reads them, since most are named by its session.

extension ProduceRequest {
    static var firstVersionByID: Int16 { 13 }

    static var topicReferences: TopicReferences<Self> {
        TopicReferences(firstVersionByID: firstVersionByID, waitsSince: nil) { request, visit in
            for t in request.topics.indices { visit(&request.topics[t].name, request.topics[t].topicID) }
        }
    }
}

extension OffsetCommitRequest {
    static var firstVersionByID: Int16 { 10 }

    static var topicReferences: TopicReferences<Self> {
        TopicReferences(firstVersionByID: firstVersionByID, waitsSince: 0) { request, visit in
            for t in request.topics.indices { visit(&request.topics[t].name, request.topics[t].topicID) }
        }
    }
}

extension TxnOffsetCommitRequest {
    static var topicReferences: TopicReferences<Self> {
        TopicReferences(firstVersionByID: .max, waitsSince: 0) { request, visit in
            for t in request.topics.indices { visit(&request.topics[t].name, UUIDBytes()) }
        }
    }
}

extension OffsetFetchRequest {
    static var topicReferences: TopicReferences<Self> {
        TopicReferences(firstVersionByID: OffsetCommitRequest.firstVersionByID, waitsSince: OffsetCommitRequest.firstVersionByID) { request, visit in
            for g in request.groups.indices {
                guard var topics = request.groups[g].topics else { continue }
                for t in topics.indices { visit(&topics[t].name, topics[t].topicID) }
                request.groups[g].topics = topics
            }
        }
    }
}
