// Share groups (KIP-932) for an administrator: their members, their positions, and the resetting of positions.
import Base
import KafkaWire

extension KafkaClient {
    /// nil if there is no share group of this name, or the broker does not know share groups.
    func shareGroup(_ name: String, _ node: Int32) async throws -> KafkaGroup? {
        let answer: ShareGroupDescribeResponse
        do { answer = try await call(node, ShareGroupDescribeRequest(groupIDs: [name])) } catch KafkaFailure.notServed { return nil }
        guard let found = answer.groups.first else { throw Self.mismatch }
        if found.errorCode == .groupIDNotFound || found.errorCode == .unsupportedVersion { return nil }
        guard found.errorCode == .none else {
            throw KafkaFailure.refused(found.errorCode, doing: "describing group '\(name)'", detail: found.errorMessage)
        }
        var group = KafkaGroup(name: name, kind: "share", state: found.groupState)
        group.members = found.members.map { member in
            KafkaGroup.Member(
                id: member.memberID, clientID: member.clientID, host: member.clientHost,
                assignment: member.assignment.topicPartitions.map {
                    ConsumerAssignment.Topic(name: $0.topicName, partitions: $0.partitions)
                })
        }
        group.offsets = try await shareOffsets(name, node)
        return group
    }

    private func shareOffsets(_ name: String, _ node: Int32) async throws -> [KafkaGroup.Offset] {
        let request = DescribeShareGroupOffsetsRequest(groups: [.init(groupID: name)])
        let answer = try await call(node, request)
        guard let found = answer.groups.first else { throw Self.mismatch }
        guard found.errorCode == .none else {
            throw KafkaFailure.refused(found.errorCode, doing: "asking for the offsets of group '\(name)'", detail: found.errorMessage)
        }
        var offsets: [KafkaGroup.Offset] = []
        var silent: [Int32: String] = [:]
        for topic in found.topics {
            for part in topic.partitions where part.errorCode == .none && part.startOffset >= 0 {
                let end = try await end(of: topic.topicName, part.partition, &silent)
                offsets.append(
                    .init(
                        topic: topic.topicName, partition: part.partition, committed: part.startOffset, end: end,
                        lag: part.lag >= 0 ? part.lag : nil))
            }
        }
        return offsets
    }

    /// Sets the offsets from which a share group without members reads on.
    func setShareOffsets(of group: String, _ node: Int32, _ offsets: [(topic: String, partition: Int32, offset: Int64)]) async throws {
        var topics: [AlterShareGroupOffsetsRequest.Topic] = []
        for one in offsets {
            if topics.last?.name != one.topic { topics.append(.init(name: one.topic)) }
            topics[topics.count - 1].partitions.append(.init(partition: one.partition, startOffset: one.offset))
        }
        let request = AlterShareGroupOffsetsRequest(groupID: group, topics: topics)
        let answer = try await call(node, request)
        guard answer.errorCode == .none else {
            throw KafkaFailure.refused(answer.errorCode, doing: "setting the offsets of group '\(group)'", detail: answer.errorMessage)
        }
        for part in answer.topics.flatMap(\.partitions) where part.errorCode != .none {
            throw KafkaFailure.refused(part.errorCode, doing: "setting the offsets of group '\(group)'", detail: part.errorMessage)
        }
    }
}
