// Copies topics from one cluster to another, ours or a real Kafka: partitions, keys, values, headers and times stay the same. The position
// is kept as the committed offsets of a group in the source, after the records are durable in the target: a killed copy repeats a little
// and loses nothing.
import Base
import KafkaWire

/// The copy of one topic.
package struct MirroredTopic: Sendable, Equatable {
    package var name: String
    package var partitions = 0
    package var records = 0
    /// Settings unknown to the target.
    package var settingsLeftOut: [String] = []
}

extension KafkaClient {
    /// Whether both are clients of one cluster: with the same id, and a broker at the same address.
    package func isOfOneCluster(with other: KafkaClient) async throws -> Bool {
        let (here, there) = (try await cluster(topics: []), try await other.cluster(topics: []))
        return here.clusterID == there.clusterID && here.brokers.contains { one in there.brokers.contains { $0.address == one.address } }
    }
}

/// A copy under way.
package struct KafkaMirror: Sendable {
    private let source: KafkaClient
    private let target: KafkaClient
    private let group: String
    private var topics: [(state: MirroredTopic, next: [Int32: Int64], ends: [Int32: Int64])] = []

    /// The wait of one round for records, over all topics.
    private static let roundWait = Duration.milliseconds(500)

    package init(from source: KafkaClient, to target: KafkaClient, group: String) {
        self.source = source
        self.target = target
        self.group = group
    }

    package var progress: [MirroredTopic] { topics.map(\.state) }

    /// Adds a topic: creates it in the target if it is missing there, and resumes at the committed position.
    package mutating func add(_ name: String) async throws {
        let partitions = try await source.topic(name).partitions.map(\.number)
        var state = MirroredTopic(name: name, partitions: partitions.count)
        if let there = try await target.cluster().topics.first(where: { $0.name == name }) {
            guard there.partitions.count >= partitions.count else {
                throw KafkaFailure.refused(
                    .invalidPartitions, doing: "copying '\(name)'",
                    detail: "it has \(partitions.count) partitions, and in the target only \(there.partitions.count); add some there first")
            }
        } else {
            state.settingsLeftOut = try await make(name, partitions.count)
        }
        let known = try await source.committedOffsets(of: group, name)
        var (next, ends): ([Int32: Int64], [Int32: Int64]) = ([:], [:])
        for partition in partitions {
            let earliest = try await source.offset(of: name, partition, at: KafkaClient.earliest) ?? 0
            next[partition] = max(known[partition] ?? 0, earliest)
            ends[partition] = try await source.offset(of: name, partition, at: KafkaClient.latest) ?? 0
        }
        topics.append((state, next, ends))
    }

    /// Creates the topic with its explicit settings; returns those that the target refuses.
    private func make(_ name: String, _ partitions: Int) async throws -> [String] {
        let stated = try await source.settings(of: .topic(name)).filter { $0.origin == "topic" }.map { (name: $0.name, value: $0.value) }
        do {
            try await target.createTopic(name, partitions: Int32(partitions), configs: stated)
            return []
        } catch KafkaFailure.refused(.invalidConfig, _, _) {
            try await target.createTopic(name, partitions: Int32(partitions))
            var refused: [String] = []
            for setting in stated {
                do { try await target.alter(.topic(name), set: [setting], remove: []) } catch KafkaFailure.refused(_, _, _) {
                    refused.append(setting.name)
                }
            }
            return refused
        }
    }

    /// Whether the copy has reached the ends that the topics had when they were added.
    package var isCaughtUp: Bool {
        topics.allSatisfy { topic in topic.next.allSatisfy { $0.value >= topic.ends[$0.key] ?? 0 } }
    }

    /// Copies the available records of each topic once; waits a little if there are none.
    package mutating func round() async throws {
        for place in topics.indices {
            let topic = topics[place]
            let (records, next) = try await source.fetch(
                topic.state.name, from: topic.next, maxWait: Self.roundWait / max(1, topics.count), committedOnly: true)
            let outgoing = records.map { one in
                OutgoingRecord(
                    key: one.record.key, value: one.record.value, headers: one.record.headers.map { ($0.name, $0.value) },
                    timestamp: one.record.timestamp, partition: one.partition)
            }
            if !outgoing.isEmpty { _ = try await target.produce(topic.state.name, outgoing) }
            let moved = next.filter { topic.next[$0.key] != $0.value }
            if !moved.isEmpty { try await source.setOffsets(of: group, moved.map { (topic.state.name, $0.key, $0.value) }) }
            topics[place].next = next
            topics[place].state.records += outgoing.count
        }
    }
}
