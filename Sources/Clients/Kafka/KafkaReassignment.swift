// Moves of partitions to other brokers: the targets, the start, the progress, and the rates that limit them. Works against a real Kafka as
// well: rates are set on each participating broker.
import Base
import KafkaWire

/// A partition and its target brokers, the preferred leader first.
package struct KafkaMove: Sendable, Equatable {
    package var topic: String
    package var partition: Int32
    /// Its present brokers.
    package var from: [Int32]
    package var to: [Int32]

    package init(topic: String, partition: Int32, from: [Int32], to: [Int32]) {
        self.topic = topic
        self.partition = partition
        self.from = from
        self.to = to
    }

    /// The moves that empty a broker of the topics `moving`: in each partition the broker with the fewest replicas of all `topics` so far
    /// takes its place. nil if some partition already lies on all remaining brokers.
    package static func away(from leaving: Int32, _ topics: [KafkaTopic], brokers: [Int32], moving: (KafkaTopic) -> Bool) -> [KafkaMove]? {
        let staying = brokers.filter { $0 != leaving }.sorted()
        var load = Dictionary(uniqueKeysWithValues: staying.map { ($0, 0) })
        for replica in topics.flatMap(\.partitions).flatMap(\.replicas) { load[replica]? += 1 }
        var moves: [KafkaMove] = []
        for topic in topics where moving(topic) {
            for part in topic.partitions where part.replicas.contains(leaving) {
                let free = staying.filter { !part.replicas.contains($0) }
                guard let next = free.min(by: { (load[$0] ?? 0, $0) < (load[$1] ?? 0, $1) }) else { return nil }
                load[next, default: 0] += 1
                moves.append(
                    KafkaMove(
                        topic: topic.name, partition: part.number, from: part.replicas, to: part.replicas.map { $0 == leaving ? next : $0 })
                )
            }
        }
        return moves
    }
}

/// A partition under reassignment.
package struct KafkaReassignment: Sendable, Equatable {
    package var topic: String
    package var partition: Int32
    package var replicas: [Int32]
    package var adding: [Int32]
    package var removing: [Int32]
}

extension KafkaClient {
    private static let throttledRates = ["leader.replication.throttled.rate", "follower.replication.throttled.rate"]
    private static let throttledReplicas = (
        leader: "leader.replication.throttled.replicas", follower: "follower.replication.throttled.replicas"
    )

    /// Starts the moves.
    package func reassign(_ moves: [KafkaMove]) async throws {
        try await alterReassignments(moves.map { ($0.topic, $0.partition, $0.to) }, "moving")
    }

    /// Cancels reassignments under way.
    package func cancel(_ reassignments: [KafkaReassignment]) async throws {
        try await alterReassignments(reassignments.map { ($0.topic, $0.partition, nil) }, "taking back the move of")
    }

    private func alterReassignments(_ parts: [(topic: String, partition: Int32, replicas: [Int32]?)], _ doing: String) async throws {
        var request = AlterPartitionReassignmentsRequest()
        for part in parts.sorted(by: { ($0.topic, $0.partition) < ($1.topic, $1.partition) }) {
            if request.topics.last?.name != part.topic { request.topics.append(.init(name: part.topic)) }
            request.topics[request.topics.count - 1].partitions.append(.init(partition: part.partition, replicas: part.replicas))
        }
        let controller = try await controller()
        let answer = try await call(controller, request)
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "\(doing) partitions", detail: answer.errorMessage)
        }
        for topic in answer.responses {
            for part in topic.partitions where part.errorCode != .none {
                throw KafkaFailure.refused(
                    part.errorCode, doing: "\(doing) '\(topic.name)' partition \(part.partition)", detail: part.errorMessage)
            }
        }
    }

    package func reassignments() async throws -> [KafkaReassignment] {
        let controller = try await controller()
        let answer = try await call(controller, ListPartitionReassignmentsRequest())
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "listing partitions on their way", detail: answer.errorMessage)
        }
        return answer.topics.flatMap { topic in
            topic.partitions.map {
                KafkaReassignment(
                    topic: topic.name, partition: $0.partition, replicas: $0.replicas, adding: $0.adding, removing: $0.removing)
            }
        }
    }

    /// Limits the replicas that these moves add to a rate in bytes a second, on each sending and receiving broker.
    package func throttle(_ moves: [KafkaMove], rate: Int64) async throws {
        for (topic, parts) in Dictionary(grouping: moves, by: \.topic).sorted(by: { $0.key < $1.key }) {
            func list(_ brokers: (KafkaMove) -> [Int32]) -> String {
                parts.sorted { $0.partition < $1.partition }.flatMap { move in brokers(move).map { "\(move.partition):\($0)" } }.joined(
                    separator: ",")
            }
            try await alter(
                .topic(topic),
                set: [
                    (Self.throttledReplicas.leader, list(\.from)),
                    (Self.throttledReplicas.follower, list { move in move.to.filter { !move.from.contains($0) } }),
                ], remove: [])
        }
        // An absent broker sends nothing; its absence may be why the partitions move.
        let present = Set(try await nodes())
        for broker in Set(moves.flatMap { $0.from + $0.to }).intersection(present).sorted() {
            try await alter(.broker("\(broker)"), set: Self.throttledRates.map { ($0, "\(rate)") }, remove: [])
        }
    }

    /// Lifts every rate and clears the lists of throttled replicas of these topics; all topics if nil.
    package func unthrottle(_ topics: [String]? = nil) async throws {
        for topic in try await cluster(topics: topics).topics {
            let stated = try await settings(of: .topic(topic.name)).filter { $0.origin == "topic" }.map(\.name)
            let names = [Self.throttledReplicas.leader, Self.throttledReplicas.follower].filter(stated.contains)
            if !names.isEmpty { try await alter(.topic(topic.name), set: [], remove: names) }
        }
        for broker in try await nodes().map({ KafkaSettingsOwner.broker("\($0)") }) {
            // Kafka lists these settings only where they are set.
            let stated = try await settings(of: broker).map(\.name)
            let rates = Self.throttledRates.filter(stated.contains)
            if !rates.isEmpty { try await alter(broker, set: [], remove: rates) }
        }
    }
}
