// DescribeShareGroupOffsets, AlterShareGroupOffsets and DeleteShareGroupOffsets: the start offsets of share groups. They can be altered
// while a group has no members; the partitions' leaders then restart from the stored offsets.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func describeShareGroupOffsets(_ request: DescribeShareGroupOffsetsRequest, _ call: Call) {
        var request = request
        for index in request.groups.indices where request.groups[index].topics == nil {
            let read = machine.shares[GroupID(request.groups[index].groupID)]?.keys ?? []
            request.groups[index].topics = byTopic(read).map { .init(topicName: $0.topic.name, partitions: $0.partitions) }
        }
        let places = request.groups.flatMap { asked in
            (asked.topics ?? []).flatMap { topic in topic.partitions.map { TopicPartition(topic.topicName, $0) } }.filter {
                machine.share(GroupID(asked.groupID), $0) != nil
            }
        }
        ends(of: Set(places).sorted()) { [self] ends in
            let groups = request.groups.map { asked -> DescribeShareGroupOffsetsResponse.Group in
                let group = GroupID(asked.groupID)
                guard isShareGroup(group) else {
                    return .init(groupID: asked.groupID, errorCode: .groupIDNotFound, errorMessage: "there is no share group '\(group)'")
                }
                return .init(groupID: asked.groupID, topics: (asked.topics ?? []).map { describe($0, group, ends) })
            }
            call.reply(DescribeShareGroupOffsetsResponse(groups: groups))
        }
    }

    private func isShareGroup(_ group: GroupID) -> Bool { shareGroups.groups[group] != nil || machine.isShareGroup(group) }

    private func describe(_ asked: DescribeShareGroupOffsetsRequest.Topic, _ group: GroupID, _ ends: [TopicPartition: Int64])
        -> DescribeShareGroupOffsetsResponse.Topic
    {
        let topic = machine.topics[asked.topicName]
        return .init(
            topicName: asked.topicName, topicID: topic?.id ?? UUIDBytes(),
            partitions: asked.partitions.map { number in
                let place = TopicPartition(asked.topicName, number)
                guard let topic, number >= 0, number < topic.partitions else {
                    return .init(
                        partition: number, startOffset: -1, errorCode: .unknownTopicOrPartition,
                        errorMessage: "there is no partition '\(place)'")
                }
                guard let record = machine.share(group, place) else { return .init(partition: number, startOffset: -1, leaderEpoch: 0) }
                return .init(
                    partition: number, startOffset: record.share.start, leaderEpoch: record.leaderEpoch,
                    lag: ends[place].map { max(0, $0.subtractingClamped(record.share.start).subtractingClamped(record.share.doneCount)) }
                        ?? -1)
            })
    }

    func alterShareGroupOffsets(_ request: AlterShareGroupOffsetsRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        var response = AlterShareGroupOffsetsResponse()
        var starts: [PartitionOffset] = []
        for topic in request.topics {
            let known = machine.topics[topic.name]
            var answered = AlterShareGroupOffsetsResponse.Topic(topicName: topic.name, topicID: known?.id ?? UUIDBytes())
            for part in topic.partitions {
                let isKnown = known.map { part.partition >= 0 && part.partition < $0.partitions } ?? false
                let code: KafkaErrorCode = !isKnown ? .unknownTopicOrPartition : part.startOffset < 0 ? .invalidRequest : .none
                answered.partitions.append(.init(partition: part.partition, errorCode: code))
                if code == .none { starts.append(PartitionOffset(TopicPartition(topic.name, part.partition), part.startOffset)) }
            }
            response.topics.append(answered)
        }
        reset(group, .setStarts(group, starts)) { code, message in
            call.reply(code == .none ? response : AlterShareGroupOffsetsResponse(errorCode: code, errorMessage: message))
        }
    }

    func deleteShareGroupOffsets(_ request: DeleteShareGroupOffsetsRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        let names = request.topics.map(\.topicName)
        let response = DeleteShareGroupOffsetsResponse(
            topics: names.map { name in
                let topic = machine.topics[name]
                return .init(topicName: name, topicID: topic?.id ?? UUIDBytes(), errorCode: topic == nil ? .unknownTopicOrPartition : .none)
            })
        reset(group, .forget(group, topics: names)) { code, message in
            call.reply(code == .none ? response : DeleteShareGroupOffsetsResponse(errorCode: code, errorMessage: message))
        }
    }

    private func reset(_ group: GroupID, _ command: ShareCommand, _ done: @escaping (KafkaErrorCode, String?) -> Void) {
        guard isShareGroup(group) else { return done(.groupIDNotFound, "there is no share group '\(group)'") }
        guard !hasMembers(group) else { return done(.nonEmptyGroup, BrokerRefusal.groupNotEmpty(group).message) }
        replica.propose(.share(command)) { [self] result in
            switch result {
            case .success(.sharesReset(let group, let places)):
                // In a cluster every broker does this when it executes the command.
                if !isClustered { sharedPartitions.reset(group, places) }
                done(.none, nil)
            case .success(.refused(let refusal)): done(refusal.code, refusal.message)
            case .success, .failure: done(.coordinatorNotAvailable, nil)
            }
        }
    }
}
