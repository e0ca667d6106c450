// JoinGroup, SyncGroup, Heartbeat and LeaveGroup: translates requests into the coordinator's events, and its effects into responses.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    func joinGroup(_ request: JoinGroupRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        let session = Duration.milliseconds(Int(request.sessionTimeoutMilliseconds))
        // Version 0 has one timeout only.
        let rebalance = call.version >= 1 ? Duration.milliseconds(Int(request.rebalanceTimeoutMilliseconds)) : session
        let attempt = JoinAttempt(
            group: group, member: MemberID(request.memberID), instance: request.groupInstanceID, clientID: call.clientID,
            clientHost: "/" + (call.session.remote?.host ?? ""), protocolType: request.protocolType,
            protocols: request.protocols.map { ($0.name, $0.metadata.copied()) }, sessionTimeout: session, rebalanceTimeout: rebalance,
            wantsIDFirst: call.version >= 4)
        guard gives(group, to: .classic) else {
            return call.reply(Self.response(.inconsistentProtocol, MemberID(request.memberID)))
        }
        let token = token(for: call, in: group)
        carryOut(coordinator.join(attempt, stored: machine.groups[group], token: token, now: now))
    }

    static func response(_ joined: JoinedGroup) -> JoinGroupResponse {
        JoinGroupResponse(
            generationID: joined.generation, protocolType: joined.protocolType, protocolName: joined.protocolName,
            leader: joined.leader.rawValue,
            memberID: joined.member.rawValue,
            members: joined.members.map { .init(memberID: $0.member.rawValue, groupInstanceID: $0.instance, metadata: $0.metadata) })
    }

    static func response(_ refusal: GroupRefusal, _ member: MemberID) -> JoinGroupResponse {
        JoinGroupResponse(errorCode: refusal.code, protocolName: "", memberID: member.rawValue)
    }

    func syncGroup(_ request: SyncGroupRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        let token = token(for: call, in: group)
        carryOut(
            coordinator.sync(
                group, member: MemberID(request.memberID), instance: request.groupInstanceID, generation: request.generationID,
                protocolType: request.protocolType, protocolName: request.protocolName,
                assignments: request.assignments.map { (MemberID($0.memberID), $0.assignment) }, token: token, now: now))
    }

    static func response(_ synced: SyncedGroup) -> SyncGroupResponse {
        SyncGroupResponse(protocolType: synced.protocolType, protocolName: synced.protocolName, assignment: synced.assignment)
    }

    func heartbeat(_ request: HeartbeatRequest, _ call: Call) {
        let refusal = coordinator.heartbeat(
            GroupID(request.groupID), member: MemberID(request.memberID), instance: request.groupInstanceID,
            generation: request.generationID, now: now)
        call.reply(HeartbeatResponse(errorCode: refusal?.code ?? .none))
    }

    func leaveGroup(_ request: LeaveGroupRequest, _ call: Call) {
        let group = GroupID(request.groupID)
        guard call.version >= 3 else {
            let (refusal, effects) = coordinator.leave(group, member: MemberID(request.memberID), instance: nil, now: now)
            call.reply(LeaveGroupResponse(errorCode: refusal?.code ?? .none))
            return carryOut(effects)
        }
        if let assigned = consumerGroups.groups[group] { return removeMembers(request, of: assigned, call) }
        var response = LeaveGroupResponse()
        var effects: [GroupEffect] = []
        for member in request.members {
            let left = coordinator.leave(group, member: MemberID(member.memberID), instance: member.groupInstanceID, now: now)
            response.members.append(
                .init(memberID: member.memberID, groupInstanceID: member.groupInstanceID, errorCode: left.refusal?.code ?? .none))
            effects += left.effects
        }
        call.reply(response)
        carryOut(effects)
    }

    /// Members of a group whose partitions the broker assigns leave by heartbeat; administrators remove others by LeaveGroup, by their
    /// instance ids.
    private func removeMembers(_ request: LeaveGroupRequest, of group: ConsumerGroup, _ call: Call) {
        var instances: [String: MemberID] = [:]
        for member in group.members { if let instance = member.instance { instances[instance] = member.id } }
        let answers = request.members.map { one in
            let named = MemberID(one.memberID)
            var code = KafkaErrorCode.none
            do throws(ConsumerGroupRefusal) {
                guard let member = one.groupInstanceID.map({ instances[$0] }) ?? named else { throw .unknownMember }
                if one.groupInstanceID != nil && !one.memberID.isEmpty && member != named { throw .instanceFenced }
                let leaving = MemberHeartbeat(member: member, epoch: MemberHeartbeat.leaving)
                _ = try consumerGroups.heartbeat(GroupID(request.groupID), leaving, topics: machine.topics, now: now)
            } catch {
                code = error.code
            }
            return LeaveGroupResponse.Member(memberID: one.memberID, groupInstanceID: one.groupInstanceID, errorCode: code)
        }
        carryOut([])
        storeConsumerGroups { refusal in
            call.reply(refusal.map { LeaveGroupResponse(errorCode: $0.code) } ?? LeaveGroupResponse(members: answers))
        }
    }
}
