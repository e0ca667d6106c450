// Fetch sessions (KIP-227): the partitions of a client or a follower, kept between its fetches, so that it states only changes. A session
// stands in its partitions for its whole life and examines only the partitions with reported news; idle partitions cost a fetch nothing.
// Used on the loop.
import Base
import BrokerCore
import KafkaWire

/// The waiters of a partition, woken when it has more records or is gone.
protocol FetchWaiter: AnyObject {
    /// Waiters are woken in the order of their numbers.
    var number: Int { get }
    func wake()
}

/// One partition of a session.
final class FetchSessionPart: FetchWaiter {
    let number: Int
    let topic: FetchRequest.Topic
    var wanted: FetchRequest.Topic.Partition
    /// The last answer to the client.
    var told: FetchResponse.Topic.Partition?
    fileprivate var isPending = false
    fileprivate var standsIn: Partition?
    private unowned let session: FetchSession

    fileprivate init(_ session: FetchSession, number: Int, topic: FetchRequest.Topic, wanted: FetchRequest.Topic.Partition) {
        self.session = session
        self.number = number
        self.topic = topic
        self.wanted = wanted
    }

    func wake() { session.note(self) }

    /// Whether an answer has more than the client knows.
    func isNews(_ answer: FetchResponse.Topic.Partition) -> Bool {
        guard let told, answer.errorCode == .none, answer.records?.count ?? 0 == 0, !answer.sendsElsewhere else { return true }
        return (told.highWatermark, told.lastStableOffset, told.logStartOffset) != (
            answer.highWatermark, answer.lastStableOffset, answer.logStartOffset
        )
    }

    fileprivate func leave() {
        standsIn?.waiting[number] = nil
        standsIn = nil
    }
}

/// The partitions of one client or follower.
final class FetchSession {
    let id: Int32
    /// The follower's broker id; nil for a consumer.
    let follower: Int32?
    /// Whether topics are named by id.
    let namesByID: Bool
    /// Whether the first answer, with all partitions, is still outstanding.
    var isFresh = true
    private let broker: Broker
    private var parts: [Place: FetchSessionPart] = [:]
    /// Partitions that have news, or may have; in the order of examination.
    private var pending: [FetchSessionPart] = []
    /// The fetch that waits for news.
    weak var wait: FetchWait?
    private var nextProgress = Instant.zero
    /// Interval at which a follower's fetch counts for the partitions that it does not name.
    private static let progressInterval = Duration.milliseconds(100)

    private struct Place: Hashable {
        @ExactText var name: String
        var id: UUIDBytes
        var partition: Int32
    }

    fileprivate init(_ broker: Broker, id: Int32, follower: Int32?, namesByID: Bool) {
        self.broker = broker
        self.id = id
        self.follower = follower
        self.namesByID = namesByID
    }

    var partCount: Int { parts.count }
    /// Memory reserved for the session, in bytes.
    private var heldBytes = 0

    /// Applies a fetch's changes if there is memory for its new partitions; false if there is not.
    fileprivate func take(_ request: FetchRequest, _ call: Call) -> Bool {
        let before = parts.count
        take(request)
        guard follower == nil, parts.count > before else { return true }
        let cost = (parts.count - before) * Self.partBytes + call.frameBytes
        guard broker.memory.fetchSessions.take(cost) else { return false }
        heldBytes += cost
        return true
    }

    /// Overhead of a partition of a session beside its name, about, in bytes.
    private static let partBytes = 256

    /// Applies a fetch's changes: new partitions, new offsets, and partitions that are no longer read.
    private func take(_ request: FetchRequest) {
        for topic in request.topics {
            for wanted in topic.partitions { set(FetchRequest.Topic(name: topic.name, topicID: topic.topicID), wanted) }
        }
        for topic in request.forgottenTopics {
            for partition in topic.partitions {
                parts.removeValue(forKey: Place(name: topic.name, id: topic.topicID, partition: partition)).map(forget)
            }
        }
    }

    private func set(_ topic: FetchRequest.Topic, _ wanted: FetchRequest.Topic.Partition) {
        let place = Place(name: topic.name, id: topic.topicID, partition: wanted.partition)
        if let known = parts[place] {
            known.wanted = wanted
            return note(known)
        }
        let part = FetchSessionPart(self, number: broker.takeNumber(), topic: topic, wanted: wanted)
        parts[place] = part
        note(part)
    }

    private func forget(_ part: FetchSessionPart) {
        part.leave()
        if part.isPending { pending.removeAll { $0 === part } }
    }

    /// Marks a partition as possibly changed.
    func note(_ part: FetchSessionPart) {
        if !part.isPending {
            part.isPending = true
            pending.append(part)
        }
        wait?.wake()
    }

    /// The partitions to examine, which stay marked.
    var pendingTopics: [FetchRequest.Topic] { Self.topics(pending) }

    /// Takes the partitions to examine. The caller returns those with more news.
    func takePending() -> (topics: [FetchRequest.Topic], parts: [[FetchSessionPart]]) {
        let taken = pending
        pending = []
        for part in taken { part.isPending = false }
        var grouped: [[FetchSessionPart]] = []
        for part in taken {
            if let last = grouped.last?.last, last.topic == part.topic {
                grouped[grouped.count - 1].append(part)
            } else {
                grouped.append([part])
            }
        }
        return (Self.topics(taken), grouped)
    }

    /// Marks taken partitions again, since they were not answered.
    func giveBack(_ parts: [[FetchSessionPart]]) {
        let later = pending
        pending = []
        for part in later { part.isPending = false }
        for part in parts.joined() where self.parts[Self.place(part)] === part { note(part) }
        for part in later { note(part) }
    }

    private static func place(_ part: FetchSessionPart) -> Place {
        Place(name: part.topic.name, id: part.topic.topicID, partition: part.wanted.partition)
    }

    /// Registers the session in every partition to examine.
    func standInPartitions(_ find: (FetchSessionPart) -> Partition?) {
        for part in pending { if let partition = find(part) { stand(part, in: partition) } }
    }

    /// Registers a part of the session in its partition, which wakes it.
    func stand(_ part: FetchSessionPart, in partition: Partition) {
        guard part.standsIn !== partition else { return }
        part.leave()
        part.standsIn = partition
        partition.waiting[part.number] = part
    }

    /// Leaves in the answer only news for the client, and marks the partitions with more news for the next fetch.
    func tell(_ parts: [[FetchSessionPart]], _ response: inout FetchResponse, _ isolation: IsolationLevel) {
        response.sessionID = id
        var served: [FetchSessionPart] = []
        for (t, row) in parts.enumerated() {
            var news: [FetchResponse.Topic.Partition] = []
            for (part, answer) in zip(row, response.topics[t].partitions) {
                if isFresh || part.isNews(answer) { news.append(answer) }
                let hasRecords = answer.records?.count ?? 0 > 0
                part.told = answer
                part.told?.records = nil
                // Served partitions go last, otherwise a busy one would keep the others from the client.
                if hasRecords {
                    served.append(part)
                } else {
                    lookAgain(part, answer.errorCode != .none || answer.sendsElsewhere, isolation)
                }
            }
            response.topics[t].partitions = news
        }
        for part in served { lookAgain(part, false, isolation) }
        response.topics.removeAll { $0.partitions.isEmpty }
        isFresh = false
    }

    private func lookAgain(_ part: FetchSessionPart, _ isRefused: Bool, _ isolation: IsolationLevel) {
        guard parts[Self.place(part)] === part else { return part.leave() }
        if isRefused || part.standsIn.map({ part.wanted.fetchOffset < end(of: $0, isolation) }) ?? true { note(part) }
    }

    /// Joins runs of partitions of one topic; keeps the order, so that the last served ones come last.
    private static func topics(_ parts: [FetchSessionPart]) -> [FetchRequest.Topic] {
        var topics: [FetchRequest.Topic] = []
        for part in parts {
            if let last = topics.last, last.name == part.topic.name, last.topicID == part.topic.topicID {
                topics[topics.count - 1].partitions.append(part.wanted)
            } else {
                topics.append(FetchRequest.Topic(name: part.topic.name, topicID: part.topic.topicID, partitions: [part.wanted]))
            }
        }
        return topics
    }

    /// A follower's fetch counts for the partitions that it does not name too: their positions are unchanged, in the term that the follower
    /// knows.
    func noteProgress(now: Instant, _ note: (Partition, FetchRequest.Topic.Partition) -> Void) {
        guard now >= nextProgress else { return }
        nextProgress = now + Self.progressInterval
        for part in parts.values {
            guard let partition = part.standsIn, partition.leads, partition.term == part.wanted.currentLeaderEpoch else { continue }
            note(partition, part.wanted)
        }
    }

    /// The end of the reader's range: followers get everything.
    private func end(of partition: Partition, _ isolation: IsolationLevel) -> Int64 {
        follower == nil ? partition.end(of: isolation) : partition.logEnd
    }

    fileprivate func close() {
        wait?.end()
        broker.memory.fetchSessions.giveBack(heldBytes)
        heldBytes = 0
        for part in parts.values { part.leave() }
        parts = [:]
        pending = []
    }
}

/// The open sessions of a broker.
final class FetchSessions {
    private unowned let broker: Broker
    private var table: FetchSessionTable
    private var sessions: [Int32: FetchSession] = [:]
    /// The followers' connections.
    private var owners: [Int32: BrokerSession] = [:]
    private var random = SystemRandomNumberGenerator()

    /// Epochs that do not number a session's fetches.
    private static let opening: Int32 = 0
    private static let sessionless: Int32 = -1

    init(_ broker: Broker) {
        self.broker = broker
        table = FetchSessionTable(slots: broker.settings.fetchSessionsMax, evictionAge: BrokerSettings.fetchSessionEvictionAge)
    }

    /// A fetch's session, nil for none.
    func session(of request: FetchRequest, _ call: Call) throws(FetchSessionRefusal) -> FetchSession? {
        let owner = Self.owner(call)
        if request.sessionEpoch == Self.opening || request.sessionEpoch == Self.sessionless {
            if request.sessionID != 0, table.close(request.sessionID, owner: owner) {
                sessions.removeValue(forKey: request.sessionID)?.close()
            }
            return request.sessionEpoch == Self.opening ? open(request, owner, call) : nil
        }
        if let refusal = table.use(request.sessionID, epoch: request.sessionEpoch, owner: owner, now: broker.now) { throw refusal }
        guard let session = sessions[request.sessionID] else { throw .unknownID }
        guard session.namesByID == call.namesTopicsByID else { throw .otherNaming }
        // One fetch at a time: the previous one is answered with the available records.
        session.wait?.end()
        guard session.take(request, call) else {
            end(session)
            throw .unknownID
        }
        guard session.partCount > 0 else {
            table.close(session.id, owner: owner)
            sessions.removeValue(forKey: session.id)?.close()
            return nil
        }
        table.resize(session.id, partitions: session.partCount)
        return session
    }

    /// The owner of a session. A follower's session belongs to its connection, so that one from before a restart has no owner.
    private static func owner(_ call: Call) -> String {
        call.session.peer.map { "broker \($0) \(ObjectIdentifier(call.session).hashValue)" } ?? call.session.principal
    }

    /// Ends a session that is unknown to its client.
    func end(_ session: FetchSession) {
        owners[session.id] = nil
        table.end(session.id)
        sessions.removeValue(forKey: session.id)?.close()
    }

    /// Ends the sessions of a follower's closed connection.
    func connectionClosed(_ peer: BrokerSession) {
        for (id, owner) in owners where owner === peer {
            owners[id] = nil
            table.end(id)
            sessions.removeValue(forKey: id)?.close()
        }
    }

    private func open(_ request: FetchRequest, _ owner: String, _ call: Call) -> FetchSession? {
        let count = request.topics.reduce(0) { $0 + $1.partitions.count }
        guard count > 0, count <= BrokerMachine.partitionsMax else { return nil }
        var id: Int32
        repeat { id = Int32.random(in: 1...Int32.max, using: &random) } while table.isOpen(id)
        guard case .opened(let evicted) = table.open(id, owner: owner, partitions: count, isReplica: call.session.isPeer, now: broker.now)
        else { return nil }
        if let evicted {
            owners[evicted] = nil
            sessions.removeValue(forKey: evicted)?.close()
        }
        if call.session.isPeer { owners[id] = call.session }
        let session = FetchSession(broker, id: id, follower: call.session.peer, namesByID: call.namesTopicsByID)
        sessions[id] = session
        guard session.take(request, call) else {
            end(session)
            return nil
        }
        return session
    }
}

extension FetchResponse.Topic.Partition {
    /// Whether the answer sends the reader to another offset or broker.
    fileprivate var sendsElsewhere: Bool { preferredReadReplica >= 0 || diverging != nil }
}
