// A follower's fetch: all of its partitions at first, then, in a fetch session, only those with a changed position. Idle partitions then
// cost neither side anything. Without a session at the leader each fetch names every partition. Source: KIP-227.
import Base
import BrokerCore
import KafkaWire

/// A partition's part in the next fetch.
enum ReplicaWish {
    case wanted(_ topicID: UUIDBytes, FetchRequest.Topic.Partition, isThrottled: Bool)
    /// Held back by its rate; examined again for every fetch.
    case heldBack
    case notWanted
}

/// The follower's side of a fetch session.
struct ReplicaFetchSession {
    private struct Stated {
        var topicID: UUIDBytes
        var part: FetchRequest.Topic.Partition
    }
    private var id: Int32 = 0
    private var epoch = Self.opening
    /// The positions that the leader has.
    private var stated: [TopicPartition: Stated] = [:]
    /// Partitions whose position may have changed since.
    private var changed: Set<TopicPartition> = []
    /// Partitions under a rate.
    private var throttled: Set<TopicPartition> = []

    /// The epoch that opens a session.
    private static let opening: Int32 = 0

    /// Starts a new session with all followed partitions.
    mutating func begin(with followed: some Sequence<TopicPartition>) {
        (id, epoch) = (0, Self.opening)
        stated = [:]
        changed = Set(followed)
    }

    /// Marks a partition as possibly changed.
    mutating func lookAgain(_ name: TopicPartition) { changed.insert(name) }

    /// The term of a partition's last fetch.
    func askedTerm(of name: TopicPartition) -> Int32? { stated[name]?.part.currentLeaderEpoch }

    /// The next fetch; nil if no partition is wanted at present.
    mutating func question(from broker: Int32, _ wish: (TopicPartition) -> ReplicaWish) -> FetchRequest? {
        if epoch == Self.opening {
            changed.formUnion(stated.keys)
            stated = [:]
        }
        var request = FetchRequest(
            replicaID: broker, maxWaitMilliseconds: Int32(ClusterSettings.replicaFetchWait.inMilliseconds), minBytes: 1,
            maxBytes: Int32(ClusterSettings.replicaFetchBytesMax), sessionID: id, sessionEpoch: epoch)
        let looked = changed.union(throttled).sorted()
        changed = []
        throttled = []
        for name in looked {
            switch wish(name) {
            case .notWanted: forget(name, in: &request)
            case .heldBack:
                throttled.insert(name)
                forget(name, in: &request)
            case .wanted(let topicID, let part, let isThrottled):
                if isThrottled { throttled.insert(name) }
                state(name, topicID, part, in: &request)
            }
        }
        guard stated.isEmpty else { return request }
        // A session needs partitions.
        epoch = Self.opening
        return nil
    }

    private mutating func state(
        _ name: TopicPartition, _ topicID: UUIDBytes, _ part: FetchRequest.Topic.Partition, in request: inout FetchRequest
    ) {
        if let before = stated[name] {
            if before.topicID != topicID { forget(name, in: &request) } else if before.part == part { return }
        }
        stated[name] = Stated(topicID: topicID, part: part)
        if request.topics.last?.topicID != topicID { request.topics.append(.init(topicID: topicID)) }
        request.topics[request.topics.count - 1].partitions.append(part)
    }

    private mutating func forget(_ name: TopicPartition, in request: inout FetchRequest) {
        guard let before = stated.removeValue(forKey: name) else { return }
        if request.forgottenTopics.last?.topicID != before.topicID { request.forgottenTopics.append(.init(topicID: before.topicID)) }
        request.forgottenTopics[request.forgottenTopics.count - 1].partitions.append(name.partition)
    }

    /// Applies the leader's answer to the session; false for an error, after which the next fetch names every partition.
    mutating func isNext(_ answer: FetchResponse, _ followed: some Sequence<TopicPartition>) -> Bool {
        guard answer.errorCode == .none else {
            begin(with: followed)
            return false
        }
        id = answer.sessionID
        // After the greatest epoch comes 1: 0 opens sessions.
        epoch = id == 0 ? Self.opening : epoch == .max ? 1 : epoch + 1
        return true
    }
}
