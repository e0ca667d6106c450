// OffsetForLeaderEpoch and OffsetDelete: offset requests of administrators and careful consumers.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    /// Answers the end offsets of epochs, by which a reader detects truncated records.
    func offsetForLeaderEpoch(_ request: OffsetForLeaderEpochRequest, _ call: Call) {
        let topics = request.topics.map { topic in
            OffsetForLeaderEpochResponse.Topic(
                topic: topic.topic,
                partitions: topic.partitions.map { part in
                    let partition: Partition
                    do throws(KafkaErrorCode.Refusal) { partition = try led(TopicPartition(topic.topic, part.partition)).get() } catch {
                        return .init(errorCode: error.code, partition: part.partition)
                    }
                    if let code = partition.refusal(ofEpoch: part.currentLeaderEpoch) {
                        return .init(errorCode: code, partition: part.partition)
                    }
                    guard let end = partition.epochs.end(of: part.leaderEpoch, logEnd: partition.highWatermark) else {
                        return .init(partition: part.partition)
                    }
                    return .init(partition: part.partition, leaderEpoch: end.epoch, endOffset: end.endOffset)
                })
        }
        call.reply(OffsetForLeaderEpochResponse(topics: topics))
    }

    func offsetDelete(_ request: OffsetDeleteRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        let names = request.topics.flatMap { topic in topic.partitions.map { TopicPartition(topic.name, $0.partition) } }
        guard let kind = kind(of: group), kind != .share else {
            return call.reply(OffsetDeleteResponse(errorCode: .groupIDNotFound))
        }
        guard let subscribed = subscribedTopics(of: group) else {
            return call.reply(OffsetDeleteResponse(errorCode: .nonEmptyGroup))
        }
        let gone = names.filter { !subscribed.contains($0.topic) && machine.topics[$0.topic] != nil }
        func reply(_ failure: KafkaErrorCode?) {
            call.reply(
                OffsetDeleteResponse(
                    topics: request.topics.map { topic in
                        let code: KafkaErrorCode =
                            subscribed.contains(topic.name)
                            ? .groupSubscribedToTopic : machine.topics[topic.name] == nil ? .unknownTopicOrPartition : failure ?? .none
                        return .init(name: topic.name, partitions: topic.partitions.map { .init(partition: $0.partition, errorCode: code) })
                    }))
        }
        guard !gone.isEmpty else { return reply(nil) }
        replica.propose(.deleteOffsets(group: group, gone)) { result in
            if case .failure = result { reply(.coordinatorNotAvailable) } else { reply(nil) }
        }
    }

    /// The topics that the members read; nil if unknown.
    private func subscribedTopics(of group: GroupID) -> Set<String>? {
        if let assigned = consumerGroups.groups[group] { return Set(assigned.members.flatMap { $0.topics + $0.target.map(\.topic) }) }
        guard let group = coordinator.groups[group], group.memberCount > 0 else { return [] }
        guard group.protocolType == ConsumerProtocol.name else { return nil }
        var topics: Set<String> = []
        for member in group.members {
            for one in member.protocols {
                // A member with an unreadable subscription may read any topic.
                guard let subscription = try? ConsumerProtocol.decode(ConsumerSubscription.self, one.metadata) else { return nil }
                topics.formUnion(subscription.topics)
            }
        }
        return topics
    }
}
