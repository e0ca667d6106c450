// ConsumerGroupHeartbeat and ConsumerGroupDescribe: groups whose partitions the coordinator assigns. Topics are ids on the wire and names
// inside.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func consumerGroupHeartbeat(_ request: ConsumerGroupHeartbeatRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        var beat = MemberHeartbeat(
            member: MemberID(request.memberID), epoch: request.memberEpoch, instance: request.instanceID, rack: request.rackID,
            clientID: call.clientID,
            clientHost: "/" + (call.session.remote?.host ?? ""),
            rebalanceTimeout: request.rebalanceTimeoutMilliseconds < 0 ? nil : .milliseconds(Int(request.rebalanceTimeoutMilliseconds)),
            topics: request.subscribedTopicNames, pattern: request.subscribedTopicRegex, assignor: request.serverAssignor,
            owned: request.topicPartitions.map { list in
                list.flatMap { topic in
                    // A deleted topic has no partitions to own.
                    machine.topic(id: topic.topicID).map { known in topic.partitions.map { TopicPartition(known.name, $0) } } ?? []
                }
            })
        let isByPattern =
            request.subscribedTopicRegex.map { !$0.isEmpty } ?? consumerGroups.groups[group]?.members.contains { $0.pattern != nil }
            ?? false
        if settings.access.enforcesRules, isByPattern { beat.hidden = hiddenTopics(call) }
        do throws(ConsumerGroupRefusal) {
            guard gives(group, to: .consumer) else { throw .otherProtocol }
            let orders = try consumerGroups.heartbeat(group, beat, stored: machine.groups[group], topics: machine.topics, now: now)
            carryOut([])
            let response = ConsumerGroupHeartbeatResponse(
                memberID: orders.member.rawValue, memberEpoch: orders.epoch,
                heartbeatIntervalMilliseconds: Int32(consumerGroups.settings.heartbeatInterval.inMilliseconds),
                assignment: orders.assignment.map { .init(topicPartitions: byTopicID($0)) })
            storeConsumerGroups { refusal in
                call.reply(
                    refusal.map {
                        ConsumerGroupHeartbeatResponse(errorCode: $0.code, errorMessage: "the group's state cannot be stored at present")
                    } ?? response)
            }
        } catch {
            call.reply(ConsumerGroupHeartbeatResponse(errorCode: error.code, errorMessage: error.message))
        }
    }

    /// Topics that the request does not name and the client may not see.
    private func hiddenTopics(_ call: Call) -> Set<String> {
        let review = AccessReview(broker: self, call: call)
        return Set(machine.topics.keys.filter { !review.maySee(.topic, $0) })
    }

    /// Partitions by topic, in the order of the names.
    func byTopic(_ partitions: [TopicPartition]) -> [(topic: TopicRecord, partitions: [Int32])] {
        var grouped: [(topic: TopicRecord, partitions: [Int32])] = []
        for partition in partitions.sorted() {
            guard let topic = machine.topics[partition.topic] else { continue }
            if grouped.last?.topic.name != topic.name { grouped.append((topic, [])) }
            grouped[grouped.count - 1].partitions.append(partition.partition)
        }
        return grouped
    }

    private func byTopicID(_ partitions: [TopicPartition]) -> [TopicPartitions] {
        byTopic(partitions).map { .init(topicID: $0.topic.id, partitions: $0.partitions) }
    }

    /// The member type of groups whose partitions the coordinator assigns.
    private static let speaksKIP848: Int8 = 1

    func consumerGroupDescribe(_ request: ConsumerGroupDescribeRequest, _ call: Call) {
        let groups = request.groupIDs.map { name -> ConsumerGroupDescribeResponse.Group in
            guard let group = consumerGroup(GroupID(name)) else {
                return .init(
                    errorCode: .groupIDNotFound, errorMessage: "there is no group '\(name)' of this kind", groupID: name, groupState: "Dead"
                )
            }
            func shares(_ partitions: [TopicPartition]) -> ConsumerGroupDescribeResponse.Assignment {
                .init(
                    topicPartitions: byTopic(partitions).map {
                        .init(topicID: $0.topic.id, topicName: $0.topic.name, partitions: $0.partitions)
                    })
            }
            return .init(
                groupID: name, groupState: group.phase.rawValue, groupEpoch: group.epoch, assignmentEpoch: group.epoch,
                assignorName: group.assignor.rawValue,
                members: group.members.map { member in
                    .init(
                        memberID: member.id.rawValue, instanceID: member.instance, rackID: member.rack, memberEpoch: member.epoch,
                        clientID: member.clientID,
                        clientHost: member.clientHost, subscribedTopicNames: member.topics, subscribedTopicRegex: member.pattern,
                        assignment: shares(member.assigned),
                        targetAssignment: shares(member.target), memberType: Self.speaksKIP848)
                })
        }
        call.reply(ConsumerGroupDescribeResponse(groups: groups))
    }

    /// The error of a commit by a member of either kind of group; nil if it may commit.
    func refusalToCommit(_ group: GroupID, _ member: MemberID, _ instance: String?, _ generation: Int32) -> KafkaErrorCode? {
        if machine.isShareGroup(group) { return .groupIDNotFound }
        if consumerGroups.groups[group] != nil { return consumerGroups.refusalToCommit(group, member: member, epoch: generation)?.code }
        // The group has no members left, so the client is none.
        if coordinator.groups[group] == nil, machine.groups[group] != nil { return generation < 0 ? nil : .unknownMemberID }
        return coordinator.refusalToCommit(group, member: member, instance: instance, generation: generation, now: now)?.code
    }

    /// The error of an offset fetch by a claimed member of a group (KIP-848); nil if it is allowed. Groups of other kinds allow it to every
    /// client.
    func refusalToFetchOffsets(_ group: GroupID, _ member: MemberID?, _ epoch: Int32) -> KafkaErrorCode? {
        if consumerGroups.groups[group] != nil { return consumerGroups.refusalToFetchOffsets(group, member: member, epoch: epoch)?.code }
        // The group has no members left, so the client is none.
        return machine.groups[group]?.kind == .consumer && (member != nil || epoch >= 0) ? .unknownMemberID : nil
    }
}

extension ConsumerGroupRefusal {
    var code: KafkaErrorCode {
        switch self {
        case .invalidRequest: .invalidRequest
        case .unknownMember: .unknownMemberID
        case .fencedEpoch: .fencedMemberEpoch
        case .staleEpoch: .staleMemberEpoch
        case .instanceInUse: .unreleasedInstanceID
        case .instanceFenced: .fencedInstanceID
        case .unknownAssignor: .unsupportedAssignor
        case .invalidPattern: .invalidRegularExpression
        case .groupFull: .groupMaxSizeReached
        case .otherProtocol: .inconsistentGroupProtocol
        }
    }

    var message: String? {
        switch self {
        case .invalidRequest(let reason): reason
        case .unknownMember: "the coordinator does not know this member; it has to join again"
        case .fencedEpoch: "the member's epoch is not the one that the coordinator knows; it has to join again"
        case .staleEpoch: "the member's epoch is not the present one"
        case .instanceInUse: "another member has this instance id"
        case .instanceFenced: "the member has another instance id"
        case .unknownAssignor(let name): "there is no assignor '\(name)'; there are uniform and range"
        case .invalidPattern(let pattern, let problem): "'\(pattern)' is no regular expression: \(problem)"
        case .groupFull: "there are too many members or groups"
        case .otherProtocol: "the group is of another kind"
        }
    }
}
