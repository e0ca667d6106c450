// Topics named by id get their names on arrival: access rules, handlers and stored offsets know topics by name. An unknown id leaves the
// name empty and is refused with UNKNOWN_TOPIC_ID, so that a client with a deleted topic's id never meets a new topic of the same name.
// Source: KIP-516.
import Base
import BrokerCore
import KafkaWire

/// The topics of one API's requests.
struct TopicReferences<Request: KafkaRequest>: Sendable {
    /// The first version with topic ids in requests and responses.
    let firstVersionByID: Int16
    /// The first version in which a broker without the topic asks the controller first: another broker may have created it and said so to
    /// the client. nil for never.
    let waitsSince: Int16?
    /// Visits each topic's name and id.
    let visit: @Sendable (inout Request, (inout String, UUIDBytes) -> Void) -> Void

    /// Whether the request waits for a topic that is unknown here.
    func misses(_ broker: Broker, _ request: Request, _ call: Call) -> Bool {
        guard let waitsSince, call.version >= waitsSince else { return false }
        let isByID = call.version >= firstVersionByID
        var request = request
        var misses = false
        visit(&request) { name, id in misses = misses || (isByID ? broker.machine.topic(id: id) == nil : broker.machine.topics[name] == nil)
        }
        return misses
    }

    /// The request with its topics' names; nil if it names them itself.
    func named(_ broker: Broker, _ request: Request, _ call: Call) -> Request? {
        guard call.version >= firstVersionByID else { return nil }
        var request = request
        visit(&request) { name, id in name = broker.machine.topic(id: id)?.name ?? "" }
        return request
    }
}

extension Call {
    /// Whether this version of the request and its response name topics by id.
    var namesTopicsByID: Bool {
        switch header.apiNumber {
        case ProduceRequest.apiKey.rawValue, FetchRequest.apiKey.rawValue: version >= ProduceRequest.firstVersionByID
        case OffsetCommitRequest.apiKey.rawValue, OffsetFetchRequest.apiKey.rawValue: version >= OffsetCommitRequest.firstVersionByID
        default: false
        }
    }

    /// Whether the request named this topic by an unknown id.
    func isUnknownID(_ name: String) -> Bool { name.isEmpty && namesTopicsByID }
}

// A fetch looks its topics up as it reads them, since its session names most of them.

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
        TopicReferences(firstVersionByID: OffsetCommitRequest.firstVersionByID, waitsSince: OffsetCommitRequest.firstVersionByID) {
            request, visit in
            for g in request.groups.indices {
                guard var topics = request.groups[g].topics else { continue }
                for t in topics.indices { visit(&topics[t].name, topics[t].topicID) }
                request.groups[g].topics = topics
            }
        }
    }
}
