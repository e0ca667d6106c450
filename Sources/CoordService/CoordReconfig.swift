// The request that changes the members of an ensemble. Checked here in ZooKeeper's order once this server has caught up, then proposed by
// the leader, which refuses what would cost the quorum; answered with `/zookeeper/config` when it is executed here.
import Base
import CoordCore
import Replication
import ZooKeeperWire

extension CoordDoor {
    static let configPath = "/zookeeper/config"

    /// Changes the members; `done` gets nil if it is not known what became of it.
    func reconfigure(_ request: ReconfigRequest, _ identities: [Identity], _ done: @escaping (CoordAnswer?) -> Void) {
        guard settings.allowsReconfig else { return done(.refused(.reconfigDisabled)) }
        guard settings.ensemble != nil else {
            log.notice("a reconfig was refused: this server stands alone; started with --id and --peers that name it only, it can grow")
            return done(.refused(.unimplemented))
        }
        replica.afterBarrier { reached in
            guard reached, let roster = self.replica.roster else { return done(nil) }
            switch self.wanted(request, roster, identities) {
            case .failure(let refusal): done(.refused(refusal.code))
            case .success(let members):
                self.log.notice(
                    "the members are to change",
                    metadata: ["version": "\(roster.version)", "members": "\(MemberText.config(Roster(members: members)))"])
                self.replica.changeMembers(members, from: roster.version) { done(self.answer($0)) }
            }
        }
    }

    private struct Refused: Error {
        var code: ZKErrorCode
        init(_ code: ZKErrorCode) { self.code = code }
    }

    /// The members that the request asks for, if its caller may ask for that.
    private func wanted(_ request: ReconfigRequest, _ roster: Roster, _ identities: [Identity]) -> Result<[Member], Refused> {
        guard request.configID == -1 || request.configID == roster.version else { return .failure(Refused(.badVersion)) }
        let members: [Member]
        do {
            members =
                if let list = request.members { try MemberText.members(list) } else {
                    try MemberText.members(roster.members, joining: request.joining, leaving: request.leaving)
                }
        } catch { return .failure(Refused(.badArguments)) }
        // As ZooKeeper does by default: an ensemble does not shrink to one voter by mistake.
        let voters = members.filter(\.isVoter).count
        guard voters > 1 || (voters == 1 && roster.voters.count == 1) else { return .failure(Refused(.badArguments)) }
        guard let node = machine.tree.outline(Self.configPath), AccessControl.allows(node.acl, .write, to: identities) else {
            return .failure(Refused(.noAuth))
        }
        return .success(members)
    }

    private func answer(_ result: Result<Roster, RosterRefusal>) -> CoordAnswer? {
        switch result {
        case .failure(.notLeading): return nil
        case .failure(let refusal): return .refused(refusal.code)
        case .success(let roster):
            let stat = machine.tree.outline(Self.configPath)?.status.record ?? StatRecord()
            return .node(GetDataResponse(data: Bytes(string: MemberText.config(roster)), stat: stat))
        }
    }
}

extension RosterRefusal {
    var code: ZKErrorCode {
        switch self {
        case .notLeading: .connectionLoss
        case .inProgress: .reconfigInProgress
        case .versionDiffers: .badVersion
        case .quorumOutOfReach: .newConfigNoQuorum
        case .noVoters: .badArguments
        }
    }
}
