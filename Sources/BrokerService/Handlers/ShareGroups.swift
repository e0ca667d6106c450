// ShareGroupHeartbeat and ShareGroupDescribe: the members of share groups. Topics are ids on the wire and names inside.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func shareGroupHeartbeat(_ request: ShareGroupHeartbeatRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        let beat = ShareHeartbeat(
            member: MemberID(request.memberID), epoch: request.memberEpoch, rack: request.rackID, clientID: call.clientID,
            clientHost: "/" + (call.session.remote?.host ?? ""), topics: request.subscribedTopicNames)
        guard gives(group, to: .share) else {
            return call.reply(
                ShareGroupHeartbeatResponse(errorCode: .groupIDNotFound, errorMessage: "'\(group)' is a group of another kind"))
        }
        do throws(ConsumerGroupRefusal) {
            let config = machine.shareConfig(of: group)
            let orders = try shareGroups.heartbeat(
                group, beat, stored: machine.groups[group], topics: machine.topics, session: config.sessionTimeout, now: now)
            carryOut([])
            let response = ShareGroupHeartbeatResponse(
                memberID: orders.member.rawValue, memberEpoch: orders.epoch,
                heartbeatIntervalMilliseconds: Int32(config.heartbeatInterval.inMilliseconds),
                assignment: orders.assignment.map {
                    .init(topicPartitions: byTopic($0).map { .init(topicID: $0.topic.id, partitions: $0.partitions) })
                })
            storeShareGroups { refusal in
                call.reply(
                    refusal.map {
                        ShareGroupHeartbeatResponse(errorCode: $0.code, errorMessage: "the group's state cannot be stored at present")
                    } ?? response)
            }
        } catch {
            call.reply(ShareGroupHeartbeatResponse(errorCode: error.code, errorMessage: error.message))
        }
    }

    func shareGroupDescribe(_ request: ShareGroupDescribeRequest, _ call: Call) {
        let groups = request.groupIDs.map { name -> ShareGroupDescribeResponse.Group in
            let id = GroupID(name)
            guard let group = shareGroup(id) else {
                guard machine.shares[id] != nil else {
                    return .init(
                        errorCode: .groupIDNotFound, errorMessage: "there is no share group '\(name)'", groupID: name, groupState: "Dead")
                }
                return .init(groupID: name, groupState: ConsumerGroup.Phase.empty.rawValue, assignorName: ShareGroup.assignor)
            }
            return .init(
                groupID: name, groupState: group.phase.rawValue, groupEpoch: group.epoch, assignmentEpoch: group.epoch,
                assignorName: ShareGroup.assignor,
                members: group.members.map { member in
                    .init(
                        memberID: member.id.rawValue, rackID: member.rack, memberEpoch: member.epoch, clientID: member.clientID,
                        clientHost: member.clientHost,
                        subscribedTopicNames: member.topics,
                        assignment: .init(
                            topicPartitions: byTopic(member.assigned).map {
                                .init(topicID: $0.topic.id, topicName: $0.topic.name, partitions: $0.partitions)
                            }))
                })
        }
        call.reply(ShareGroupDescribeResponse(groups: groups))
    }
}
