// DescribeGroups, ListGroups and DeleteGroups: groups with members, and those of which only committed offsets are left.
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
        call.reply(.describeGroups(DescribeGroupsResponse(groups: request.groups.map { describe(GroupID($0), call.version) })))
    }

    /// From this version of DescribeGroups on a group that is not there is an error (KIP-1043), which clients before took for the group's failure.
    private static var firstVersionThatMisses: Int16 { 6 }

    private func describe(_ id: GroupID, _ version: Int16) -> DescribeGroupsResponse.Group {
        // The classic answer has no room for such a group; ConsumerGroupDescribe has.
        if consumerGroups.groups[id] != nil || isShared(id) {
            let message = version >= Self.firstVersionThatMisses ? "group '\(id.rawValue)' is not of the classic type" : nil
            return .init(errorCode: .groupIDNotFound, errorMessage: message, groupID: id.rawValue, groupState: Self.deadState)
        }
        guard let group = coordinator.groups[id] else {
            guard machine.offsets[id] == nil else { return .init(groupID: id.rawValue, groupState: Self.emptyState) }
            guard version >= Self.firstVersionThatMisses else { return .init(groupID: id.rawValue, groupState: Self.deadState) }
            return .init(
                errorCode: .groupIDNotFound, errorMessage: "there is no group '\(id.rawValue)'; groups come with their first member or commit",
                groupID: id.rawValue, groupState: Self.deadState)
        }
        let isStable = group.phase == .stable
        return .init(
            groupID: id.rawValue, groupState: group.phase.rawValue, protocolType: group.protocolType ?? "",
            protocolName: isStable ? group.protocolName ?? "" : "",
            members: group.members.map { member in
                .init(
                    memberID: member.id.rawValue, groupInstanceID: member.instance, clientID: member.clientID, clientHost: member.clientHost,
                    memberMetadata: isStable ? member.metadata(of: group.protocolName) : Bytes(), memberAssignment: isStable ? member.assignment : Bytes())
            })
    }

    private func isShared(_ id: GroupID) -> Bool { shareGroups.groups[id] != nil || machine.isShareGroup(id) }

    func listGroups(_ request: ListGroupsRequest, _ call: Call) {
        let ids = Set(coordinator.groups.keys).union(consumerGroups.groups.keys).union(machine.offsets.keys)
            .union(shareGroups.groups.keys).union(machine.shares.keys).filter { coordinates($0.rawValue) }.sorted()
        var response = ListGroupsResponse()
        for id in ids {
            let group = coordinator.groups[id]
            let assigned = consumerGroups.groups[id]
            let state = assigned?.phase.rawValue ?? shareGroups.groups[id]?.phase.rawValue ?? group?.phase.rawValue ?? Self.emptyState
            let type = isShared(id) ? Self.shareType : assigned == nil ? Self.classicType : Self.consumerType
            guard request.statesFilter.isEmpty || request.statesFilter.contains(where: { $0.lowercased() == state.lowercased() }),
                request.typesFilter.isEmpty || request.typesFilter.contains(where: { $0.lowercased() == type })
            else { continue }
            response.groups.append(
                .init(groupID: id.rawValue, protocolType: type == Self.classicType ? group?.protocolType ?? "" : type, groupState: state, groupType: type))
        }
        call.reply(.listGroups(response))
    }

    func deleteGroups(_ request: DeleteGroupsRequest, _ call: Call) {
        var results = request.groups.map { DeleteGroupsResponse.Result(groupID: $0) }
        let gathering = Gathering { call.reply(.deleteGroups(DeleteGroupsResponse(results: results))) }
        for (index, name) in request.groups.enumerated() {
            let id = GroupID(name)
            if coordinator.groups[id] != nil || consumerGroups.groups[id] != nil || shareGroups.groups[id] != nil {
                results[index].errorCode = .nonEmptyGroup
                continue
            }
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
