// DescribeGroups, ListGroups and DeleteGroups: groups with and without members.
import Base
import BrokerCore
import KafkaWire

extension Broker {
    private static var emptyState: String { Group.Phase.empty.rawValue }
    private static var deadState: String { "Dead" }
    private static var classicType: String { "classic" }
    private static var consumerType: String { "consumer" }
    private static var shareType: String { "share" }

    func describeGroups(_ request: DescribeGroupsRequest, _ call: Call) {
        call.reply(DescribeGroupsResponse(groups: request.groups.map { describe(GroupID($0), call.version) }))
    }

    /// The first version of DescribeGroups with an error for a missing group (KIP-1043), which earlier clients took for the group's
    /// failure.
    private static var firstVersionThatMisses: Int16 { 6 }

    private func describe(_ id: GroupID, _ version: Int16) -> DescribeGroupsResponse.Group {
        // The classic answer cannot describe such a group; ConsumerGroupDescribe can.
        let kind = kind(of: id)
        if let kind, kind != .classic {
            let message = version >= Self.firstVersionThatMisses ? "group '\(id.rawValue)' is not of the classic type" : nil
            return .init(errorCode: .groupIDNotFound, errorMessage: message, groupID: id.rawValue, groupState: Self.deadState)
        }
        guard let group = classicGroup(id) else {
            guard kind == nil else { return .init(groupID: id.rawValue, groupState: Self.emptyState) }
            guard version >= Self.firstVersionThatMisses else { return .init(groupID: id.rawValue, groupState: Self.deadState) }
            return .init(
                errorCode: .groupIDNotFound,
                errorMessage: "there is no group '\(id.rawValue)'; groups come with their first member or commit",
                groupID: id.rawValue, groupState: Self.deadState)
        }
        let isStable = group.phase == .stable
        return .init(
            groupID: id.rawValue, groupState: group.phase.rawValue, protocolType: group.protocolType ?? "",
            protocolName: isStable ? group.protocolName ?? "" : "",
            members: group.members.map { member in
                .init(
                    memberID: member.id.rawValue, groupInstanceID: member.instance, clientID: member.clientID,
                    clientHost: member.clientHost,
                    memberMetadata: isStable ? member.metadata(of: group.protocolName) : Bytes(),
                    memberAssignment: isStable ? member.assignment : Bytes())
            })
    }

    func listGroups(_ request: ListGroupsRequest, _ call: Call) {
        let ids = Set(coordinator.groups.keys).union(consumerGroups.groups.keys).union(machine.offsets.keys)
            .union(shareGroups.groups.keys).union(machine.shares.keys).union(machine.groups.keys).filter { coordinates($0.rawValue) }
            .sorted()
        var response = ListGroupsResponse()
        for id in ids {
            let (type, state) = typeAndState(of: id)
            guard request.statesFilter.isEmpty || request.statesFilter.contains(where: { $0.lowercased() == state.lowercased() }),
                request.typesFilter.isEmpty || request.typesFilter.contains(where: { $0.lowercased() == type })
            else { continue }
            response.groups.append(
                .init(
                    groupID: id.rawValue, protocolType: type == Self.classicType ? classicGroup(id)?.protocolType ?? "" : type,
                    groupState: state, groupType: type))
        }
        call.reply(response)
    }

    private func typeAndState(of id: GroupID) -> (type: String, state: String) {
        switch kind(of: id) {
        case .consumer: (Self.consumerType, consumerGroups.groups[id]?.phase.rawValue ?? Self.emptyState)
        case .share: (Self.shareType, shareGroups.groups[id]?.phase.rawValue ?? Self.emptyState)
        case .classic, nil: (Self.classicType, coordinator.groups[id]?.phase.rawValue ?? Self.emptyState)
        }
    }

    func deleteGroups(_ request: DeleteGroupsRequest, _ call: Call) {
        var results = request.groups.map { DeleteGroupsResponse.Result(groupID: $0) }
        let gathering = Gathering { call.reply(DeleteGroupsResponse(results: results)) }
        for (index, name) in request.groups.enumerated() {
            let id = GroupID(name)
            guard !hasMembers(id) else {
                results[index].errorCode = .nonEmptyGroup
                continue
            }
            carryOut(coordinator.forget(id))
            consumerGroups.forget(id)
            shareGroups.forget(id)
            gathering.enter()
            replica.propose(.deleteGroup(id)) { [self] result in
                switch result {
                case .success(.refused(let refusal)): results[index].errorCode = refusal.code
                case .success(.sharesReset(let group, let places)): if !isClustered { sharedPartitions.reset(group, places) }
                case .success: break
                case .failure: results[index].errorCode = .coordinatorNotAvailable
                }
                gathering.leave()
            }
        }
        gathering.leave()
    }
}
