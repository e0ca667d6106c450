// The ends of partitions that other brokers lead. A coordinator needs them for a group's lag, and its own replica, if it has one, learns of
// an end a moment late. There is at most one connection to each leader, and only while a question is open; a leader that does not answer in
// time is skipped.
import Base
import BrokerCore
import KafkaWire
import NetKit

/// The questions to one leader.
final class LeaderEnds: @unchecked Sendable {
    // Safe to share: every member is touched on the loop only; closures carry the reference back there.
    private final class Question {
        let places: [TopicPartition]
        private var done: (([TopicPartition: Int64]) -> Void)?

        init(_ places: [TopicPartition], _ done: @escaping ([TopicPartition: Int64]) -> Void) {
            self.places = places
            self.done = done
        }

        var isOpen: Bool { done != nil }

        func end(_ ends: [TopicPartition: Int64]) {
            let done = done
            self.done = nil
            done?(ends)
        }
    }

    private let leader: Int32
    private unowned let broker: Broker
    private unowned let member: ClusterMember
    private var stream: PeerStream?
    private var isConnecting = false
    /// Questions waiting for the connection, and sent questions.
    private var waiting: [Question] = []
    private var asked: [Question] = []

    /// The version of ListOffsets between brokers.
    private static let version: Int16 = 7
    /// A leader's time limit. The client's request waits that long.
    private static let patience = Duration.seconds(2)
    /// Most open questions to one leader; each is one client's request.
    private static let questionsMax = 100

    init(of leader: Int32, for broker: Broker, _ member: ClusterMember) {
        self.leader = leader
        self.broker = broker
        self.member = member
    }

    /// `done` gets the leader's ends; none if it does not answer.
    func ask(_ places: [TopicPartition], _ done: @escaping ([TopicPartition: Int64]) -> Void) {
        guard waiting.count + asked.count < Self.questionsMax else { return done([:]) }
        let question = Question(places, done)
        waiting.append(question)
        // Made and called on the loop.
        nonisolated(unsafe) let late = question
        broker.loop.schedule(after: Self.patience) { self.giveUp(late) }
        send()
    }

    private func giveUp(_ question: Question) {
        guard question.isOpen else { return }
        waiting.removeAll { $0 === question }
        question.end([:])
        stream?.close()
    }

    private func send() {
        guard let stream else { return connect() }
        let questions = waiting
        waiting = []
        for question in questions {
            asked.append(question)
            stream.ask(Self.request(question.places), version: Self.version) { [self] answer in
                asked.removeAll { $0 === question }
                question.end(Self.ends(answer))
                if asked.isEmpty, waiting.isEmpty { self.stream?.close() }
            }
        }
    }

    private static func request(_ places: [TopicPartition]) -> ListOffsetsRequest {
        let latest: Int64 = -1
        var request = ListOffsetsRequest()
        for place in places.sorted() {
            if request.topics.last?.name != place.topic { request.topics.append(.init(name: place.topic, partitions: [])) }
            request.topics[request.topics.count - 1].partitions.append(.init(partition: place.partition, timestamp: latest))
        }
        return request
    }

    private static func ends(_ answer: ListOffsetsResponse?) -> [TopicPartition: Int64] {
        guard let answer else { return [:] }
        var ends: [TopicPartition: Int64] = [:]
        for topic in answer.topics {
            for part in topic.partitions where part.errorCode == .none && part.offset >= 0 {
                ends[TopicPartition(topic.name, part.partition)] = part.offset
            }
        }
        return ends
    }

    // MARK: the connection

    private func connect() {
        guard !isConnecting else { return }
        isConnecting = true
        member.links.openStream(to: Int64(leader)) { frames in
            let stream = PeerStream(frames, clientID: "ends") { self.lost($0) }
            self.isConnecting = false
            self.stream = stream
            self.broker.loop.execute { self.send() }
            return stream
        } failed: {
            self.isConnecting = false
            let left = self.waiting
            self.waiting = []
            for question in left { question.end([:]) }
        }
    }

    private func lost(_ stream: PeerStream) {
        guard self.stream === stream else { return }
        self.stream = nil
        if !waiting.isEmpty, !broker.isStopping { connect() }
    }
}

extension Broker {
    /// The visible ends of partitions. Without the leader's answer the end comes from the replica here, or is missing.
    func ends(of places: [TopicPartition], _ done: @escaping ([TopicPartition: Int64]) -> Void) {
        var ends: [TopicPartition: Int64] = [:]
        var elsewhere: [Int32: [TopicPartition]] = [:]
        for place in places {
            if let partition = partitions[place] { ends[place] = partition.highWatermark }
            guard cluster != nil, let state = machine.cluster.partitions[place], state.leader >= 0, state.leader != settings.nodeID else {
                continue
            }
            if machine.cluster.aliveSet.contains(state.leader) { elsewhere[state.leader, default: []].append(place) }
        }
        let gathering = Gathering { done(ends) }
        for (leader, places) in elsewhere.sorted(by: { $0.key < $1.key }) {
            gathering.enter()
            cluster?.ends(at: leader).ask(places) { found in
                ends.merge(found) { $1 }
                gathering.leave()
            }
        }
        gathering.leave()
    }
}

extension ClusterMember {
    func ends(at leader: Int32) -> LeaderEnds {
        if let known = leaderEnds[leader] { return known }
        let made = LeaderEnds(of: leader, for: broker, self)
        leaderEnds[leader] = made
        return made
    }
}
