// Share sessions (KIP-932): the partitions that a member of a share group reads here, kept between its requests. A session ends with its
// connection; the member's acquired records are free then. Used on the loop.
import Base
import BrokerCore
import KafkaWire
import NetKit

/// One member's session.
final class ShareSession {
    struct Part: Hashable {
        var topicID: UUIDBytes
        var partition: Int32
    }
    let group: GroupID
    let member: MemberID
    fileprivate let connection: ObjectIdentifier
    fileprivate var epoch: Int32 = 1
    /// In the order of the fetches that added them.
    fileprivate(set) var parts: [Part] = []
    private var known: Set<Part> = []
    fileprivate(set) var isEnded = false
    /// The first partition of the next fetch, so that each partition gets its turn.
    private(set) var turn = 0
    /// The waiting fetch.
    weak var wait: ShareFetchWait?

    private let memory: MemoryBudget
    /// Memory of a partition of a session, about, in bytes.
    private static let partBytes = 128

    fileprivate init(_ group: GroupID, _ member: MemberID, _ connection: BrokerSession, _ memory: MemoryBudget) {
        self.group = group
        self.member = member
        self.connection = ObjectIdentifier(connection)
        self.memory = memory
    }

    deinit { memory.giveBack(parts.count * Self.partBytes) }

    /// Applies a fetch's changes, all or none.
    fileprivate func take(_ request: ShareFetchRequest) throws(ShareSessionRefusal) {
        let forgotten = Set(
            request.forgottenTopics.flatMap { topic in topic.partitions.map { Part(topicID: topic.topicID, partition: $0) } })
        var next = forgotten.isEmpty ? parts : parts.filter { !forgotten.contains($0) }
        var added: Set<Part> = []
        for topic in request.topics {
            for part in topic.partitions {
                let place = Part(topicID: topic.topicID, partition: part.partition)
                guard !known.contains(place), !forgotten.contains(place), added.insert(place).inserted else { continue }
                next.append(place)
            }
        }
        guard next.count <= BrokerMachine.partitionsMax else { throw .tooManyPartitions }
        let more = (next.count - parts.count) * Self.partBytes
        if more > 0 {
            guard memory.take(more) else { throw .tooMany }
        } else {
            memory.giveBack(-more)
        }
        known.subtract(forgotten)
        known.formUnion(added)
        parts = next
        turn = parts.isEmpty ? 0 : (turn + 1) % parts.count
    }
}

/// The refusal of a request for a session; the handler maps each to a code.
enum ShareSessionRefusal: Error {
    case unknown, wrongEpoch, tooMany, tooManyPartitions

    var code: KafkaErrorCode {
        switch self {
        case .unknown: .shareSessionNotFound
        case .wrongEpoch: .invalidShareSessionEpoch
        case .tooMany: .shareSessionLimitReached
        case .tooManyPartitions: .invalidRequest
        }
    }
}

/// All share sessions of this broker.
final class ShareSessions {
    private struct Key: Hashable {
        var group: GroupID
        var member: MemberID
    }
    private unowned let broker: Broker
    private var sessions: [Key: ShareSession] = [:]
    /// Waiting fetches, by their number.
    var waits: [Int: ShareFetchWait] = [:]

    /// Most sessions (Kafka: group.share.max.share.sessions).
    static let sessionsMax = 2000
    /// The epoch of a request that begins a session, and of one that ends it.
    static let first: Int32 = 0
    static let final: Int32 = -1

    init(_ broker: Broker) { self.broker = broker }

    /// A fetch's session, with the fetch's changes applied.
    func session(of request: ShareFetchRequest, _ group: GroupID, _ member: MemberID, _ call: Call) throws(ShareSessionRefusal)
        -> ShareSession
    {
        guard request.shareSessionEpoch == Self.first else {
            let session = try session(group, member, epoch: request.shareSessionEpoch)
            guard request.shareSessionEpoch != Self.final else { return session }
            do { try session.take(request) } catch {
                // The refused request counts as not sent.
                session.epoch = request.shareSessionEpoch
                throw error
            }
            return session
        }
        let key = Key(group: group, member: member)
        guard sessions[key] != nil || sessions.count < Self.sessionsMax else { throw .tooMany }
        let session = ShareSession(group, member, call.session, broker.memory.fetchSessions)
        try session.take(request)
        // The member keeps its acquired records; only its previous session ends.
        sessions[key]?.isEnded = true
        sessions[key]?.wait?.end()
        sessions[key] = session
        return session
    }

    /// The session that a request continues or ends.
    func session(_ group: GroupID, _ member: MemberID, epoch: Int32) throws(ShareSessionRefusal) -> ShareSession {
        guard let session = sessions[Key(group: group, member: member)] else { throw .unknown }
        session.wait?.end()
        guard epoch != Self.final else { return session }
        guard epoch == session.epoch else { throw .wrongEpoch }
        session.epoch = epoch == .max ? 1 : epoch + 1
        return session
    }

    /// Ends a session and frees its member's acquired records.
    func end(_ session: ShareSession) {
        guard !session.isEnded else { return }
        session.isEnded = true
        sessions[Key(group: session.group, member: session.member)] = nil
        session.wait?.end()
        let places = session.parts.compactMap { part in
            broker.machine.topic(id: part.topicID).map { TopicPartition($0.name, part.partition) }
        }
        broker.sharedPartitions.release(session.group, session.member, places)
    }

    func connectionClosed(_ connection: BrokerSession) {
        guard !sessions.isEmpty else { return }
        let id = ObjectIdentifier(connection)
        for session in sessions.values.filter({ $0.connection == id }).sorted(by: { ($0.group, $0.member) < ($1.group, $1.member) }) {
            end(session)
        }
    }

    /// Answers the waiting fetches.
    func stop() { for wait in waits.values.sorted(by: { $0.number < $1.number }) { wait.end() } }
}
