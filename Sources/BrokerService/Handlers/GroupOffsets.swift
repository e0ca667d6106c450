// OffsetCommit and OffsetFetch: the coordinator decides whether a member may commit; committed offsets are durable metadata before the
// answer.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func offsetCommit(_ request: OffsetCommitRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        let refusal = refusalToCommit(group, MemberID(request.memberID), request.groupInstanceID, request.generationID)
        var entries: [OffsetEntry] = []
        var response = OffsetCommitResponse()
        for topic in request.topics {
            var answered = OffsetCommitResponse.Topic(name: topic.name, topicID: topic.topicID)
            for part in topic.partitions {
                let code =
                    call.isUnknownID(topic.name)
                    ? .unknownTopicID
                    : refusal ?? problem(withOffsetOf: TopicPartition(topic.name, part.partition), metadata: part.committedMetadata)
                answered.partitions.append(.init(partition: part.partition, errorCode: code))
                guard code == .none else { continue }
                entries.append(
                    OffsetEntry(
                        topic: topic.name, partition: part.partition, offset: part.committedOffset, leaderEpoch: part.committedLeaderEpoch,
                        metadata: part.committedMetadata ?? ""))
            }
            response.topics.append(answered)
        }
        guard !entries.isEmpty else { return call.reply(response) }
        let number = commits.begin()
        replica.propose(
            isClustered ? .cluster(.commitOffsets(by: claim(of: group), group: group, entries)) : .commitOffsets(group: group, entries)
        ) { [self] result in
            switch result {
            case .success(.refused(let refusal)): response.refuseCommitted(refusal.code)
            case .success: break
            case .failure: response.refuseCommitted(.coordinatorNotAvailable)
            }
            call.reply(response)
            for fetch in commits.end(number) { fetch() }
        }
    }

    func problem(withOffsetOf place: TopicPartition, metadata: String?) -> KafkaErrorCode {
        guard let known = machine.topics[place.topic], place.partition >= 0, place.partition < known.partitions else {
            return .unknownTopicOrPartition
        }
        return (metadata?.utf8.count ?? 0) > BrokerSettings.offsetMetadataBytesMax ? .offsetMetadataTooLarge : .none
    }

    func offsetFetch(_ request: OffsetFetchRequest, _ call: Call) {
        if !commits.waits({ [self] in fetchOffsets(request, call) }) { fetchOffsets(request, call) }
    }

    private func fetchOffsets(_ request: OffsetFetchRequest, _ call: Call) {
        guard isClustered else { return answer(request, call) }
        // The previous coordinator may have acknowledged a commit that is not executed here yet.
        replica.afterBarrier { [self] isReadable in
            if isReadable { return answer(request, call) }
            let code = KafkaErrorCode.coordinatorLoadInProgress
            var refused = request.refused(code)
            refused.groups = request.groups.map { .init(groupID: $0.groupID, errorCode: code) }
            call.reply(refused)
        }
    }

    private func answer(_ request: OffsetFetchRequest, _ call: Call) {
        guard call.version < 8 else {
            let groups = request.groups.map { group in
                let id = GroupID(group.groupID)
                if let code = refusalToFetchOffsets(id, group.memberID.map(MemberID.init), group.memberEpoch) {
                    return OffsetFetchResponse.Group(groupID: group.groupID, errorCode: code)
                }
                return OffsetFetchResponse.Group(
                    groupID: group.groupID, topics: committed(id, group.topics, stable: request.requireStable, call))
            }
            return call.reply(OffsetFetchResponse(groups: groups))
        }
        let topics = committed(GroupID(request.groupID), request.topics, stable: request.requireStable, call)
        call.reply(OffsetFetchResponse(topics: topics))
    }

    /// The offsets of the requested topics, or of all. A partition without a commit has -1 and no error. With `stable`, an offset that an
    /// open transaction may change is refused.
    private func committed(_ group: GroupID, _ topics: [OffsetFetchRequest.Topic]?, stable: Bool, _ call: Call) -> [OffsetFetchResponse
        .Topic]
    {
        let table = machine.offsets[group]
        let staged = stable ? machine.stagedPartitions(of: group) : []
        func answer(_ place: TopicPartition, _ offset: CommittedOffset?) -> OffsetFetchResponse.Topic.Partition {
            if staged.contains(place) {
                return .init(
                    partition: place.partition, committedOffset: -1, committedLeaderEpoch: -1, metadata: "",
                    errorCode: .unstableOffsetCommit)
            }
            return Self.answer(place.partition, offset)
        }
        guard let topics else {
            var all: [OffsetFetchResponse.Topic] = []
            for (place, offset) in table?.entries ?? [] {
                let id = machine.topics[place.topic]?.id
                // A topic without an id cannot be named by id.
                if id == nil, call.namesTopicsByID { continue }
                if all.last?.name != place.topic { all.append(.init(name: place.topic, topicID: id ?? UUIDBytes())) }
                all[all.count - 1].partitions.append(answer(place, offset))
            }
            return all
        }
        return topics.map { topic in
            .init(
                name: topic.name, topicID: topic.topicID,
                partitions: topic.partitions.map { number in
                    guard !call.isUnknownID(topic.name) else {
                        return .init(partition: number, committedOffset: -1, metadata: "", errorCode: .unknownTopicID)
                    }
                    let place = TopicPartition(topic.name, number)
                    return answer(place, table?[place])
                })
        }
    }

    private static func answer(_ partition: Int32, _ offset: CommittedOffset?) -> OffsetFetchResponse.Topic.Partition {
        .init(
            partition: partition, committedOffset: offset?.offset ?? -1, committedLeaderEpoch: offset?.leaderEpoch ?? -1,
            metadata: offset?.metadata ?? "")
    }
}

extension OffsetCommitResponse {
    /// Answers every partition of a failed commit with `code`.
    fileprivate mutating func refuseCommitted(_ code: KafkaErrorCode) {
        for t in topics.indices {
            for p in topics[t].partitions.indices where topics[t].partitions[p].errorCode == .none {
                topics[t].partitions[p].errorCode = code
            }
        }
    }
}
