// Administration of a running cluster: settings of topics and brokers, deletion of records, offsets of groups.
import Base
import KafkaWire

/// A setting in force, with the source of its value.
package struct KafkaSetting: Sendable, Equatable {
    package var name: String
    package var value: String
    package var origin: String
    package var isReadOnly: Bool
}

/// An owner of settings.
package enum KafkaSettingsOwner: Sendable, Equatable {
    case topic(String)
    /// A broker by its number, or all of them.
    case broker(String)

    var kind: Int8 { if case .topic = self { 2 } else { 4 } }
    var name: String {
        switch self {
        case .topic(let name), .broker(let name): name
        }
    }
    var text: String {
        switch self {
        case .topic(let name): "topic '\(name)'";
        case .broker(let name): name.isEmpty ? "the brokers" : "broker \(name)"
        }
    }
}

extension KafkaClient {
    private static let origins: [Int8: String] = [1: "topic", 2: "altered", 3: "altered", 4: "broker", 5: "default"]

    package func settings(of owner: KafkaSettingsOwner) async throws -> [KafkaSetting] {
        let request = DescribeConfigsRequest(resources: [.init(resourceType: owner.kind, resourceName: owner.name)])
        let answer = try await call(owner, request)
        guard let result = answer.results.first else { throw Self.mismatch }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(result.errorCode, doing: "asking for the settings of \(owner.text)", detail: result.errorMessage)
        }
        return result.configs.map {
            KafkaSetting(
                name: $0.name, value: $0.value ?? "", origin: Self.origins[$0.configSource] ?? "\($0.configSource)", isReadOnly: $0.readOnly
            )
        }.sorted { $0.name < $1.name }
    }

    /// A broker's settings go to that broker, all others to any broker.
    private func call<Request: KafkaRequest>(_ owner: KafkaSettingsOwner, _ request: Request) async throws -> Request.Response {
        guard case .broker(let name) = owner, !name.isEmpty else { return try await callAny(request) }
        guard let node = Int32(name), try await nodes().contains(node) else { throw KafkaFailure.unknownBroker(name) }
        return try await call(node, request)
    }

    /// Sets and removes settings, all or none.
    package func alter(_ owner: KafkaSettingsOwner, set: [(name: String, value: String)], remove: [String]) async throws {
        if !remove.isEmpty {
            // A broker takes an unknown name for one that is removed already.
            let known = Set(try await settings(of: owner).map(\.name))
            if let unknown = remove.first(where: { !known.contains($0) }) {
                throw KafkaFailure.refused(.invalidConfig, doing: "altering \(owner.text)", detail: "it has no setting '\(unknown)'")
            }
        }
        let (setting, deleting): (Int8, Int8) = (0, 1)
        let configs =
            set.map { IncrementalAlterConfigsRequest.Resource.Config(name: $0.name, configOperation: setting, value: $0.value) }
            + remove.map { IncrementalAlterConfigsRequest.Resource.Config(name: $0, configOperation: deleting) }
        let request = IncrementalAlterConfigsRequest(resources: [
            .init(resourceType: owner.kind, resourceName: owner.name, configs: configs)
        ])
        let answer = try await call(owner, request)
        guard let result = answer.responses.first else { throw Self.mismatch }
        if case .topic(let name) = owner, result.errorCode == .unknownTopicOrPartition {
            throw KafkaFailure.unknownTopic(name, near: try await near(name))
        }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(result.errorCode, doing: "altering \(owner.text)", detail: result.errorMessage)
        }
    }

    /// Raises the number of partitions of a topic.
    package func growTopic(_ name: String, to partitions: Int32) async throws {
        let request = CreatePartitionsRequest(
            topics: [.init(name: name, count: partitions)], timeoutMilliseconds: Self.adminTimeoutMilliseconds)
        let controller = try await controller()
        let answer = try await call(controller, request)
        guard let result = answer.results.first else { throw Self.mismatch }
        if result.errorCode == .unknownTopicOrPartition { throw KafkaFailure.unknownTopic(name, near: try await near(name)) }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(
                result.errorCode, doing: "giving topic '\(name)' \(partitions) partitions", detail: result.errorMessage)
        }
    }

    private static let reasons: [KafkaErrorCode: String] = [
        .policyViolation: "the topic is compacted only (cleanup.policy), and keeps the newest record of each key",
        .offsetOutOfRange: "the offset is behind the partition's end",
    ]

    /// Deletes records below an offset; returns the new beginning of the partition.
    package func deleteRecords(of topic: String, _ partition: Int32, below offset: Int64) async throws -> Int64 {
        let request = DeleteRecordsRequest(
            topics: [.init(name: topic, partitions: [.init(partition: partition, offset: offset)])],
            timeoutMilliseconds: Self.adminTimeoutMilliseconds)
        let node = try await leader(of: topic, partition)
        let answer = try await call(node, request)
        guard let result = answer.topics.first?.partitions.first else { throw Self.mismatch }
        guard result.errorCode == .none else {
            throw KafkaFailure.refused(
                result.errorCode, doing: "deleting records of '\(topic)' partition \(partition)", detail: Self.reasons[result.errorCode])
        }
        return result.lowWatermark
    }

    /// Sets the offsets of a group without members.
    package func setOffsets(of group: String, _ offsets: [(topic: String, partition: Int32, offset: Int64)]) async throws {
        let offsets = offsets.sorted { ($0.topic, $0.partition) < ($1.topic, $1.partition) }
        let coordinator = try await coordinator(of: group)
        if try await shareGroup(group, coordinator) != nil { return try await setShareOffsets(of: group, coordinator, offsets) }
        var topics: [OffsetCommitRequest.Topic] = []
        for one in offsets {
            if topics.last?.name != one.topic { topics.append(.init(name: one.topic)) }
            topics[topics.count - 1].partitions.append(.init(partition: one.partition, committedOffset: one.offset, committedMetadata: ""))
        }
        let request = OffsetCommitRequest(groupID: group, topics: topics)
        let answer = try await call(coordinator, request, versionMax: Self.offsetCommitByName)
        for part in answer.topics.flatMap(\.partitions) where part.errorCode != .none {
            let detail =
                part.errorCode == .unknownMemberID ? "the group has members, which go on from their own offsets; stop them first" : nil
            throw KafkaFailure.refused(part.errorCode, doing: "setting the offsets of group '\(group)'", detail: detail)
        }
    }
}
