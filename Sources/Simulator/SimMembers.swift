// Membership changes in a cluster run: servers are added as observers or voters, removed, promoted and demoted through the log, leaders
// fall right in the middle of it, and now and then a disk is lost with all promises of its server.
import Base
import Consensus
import Replication

extension ClusterRun {
    /// Fewer would not survive the faults of a run, more would only make it slower.
    private static var votersAllowed: ClosedRange<Int> { 3...5 }

    /// Proposes a membership change to the leader.
    mutating func changeMembers() {
        guard let leader = leaderIndex, let roster = servers[leader].replica?.pump.roster, let members = drawMembers(roster) else { return }
        let (wall, now) = (servers[leader].wall(time), servers[leader].monotonic(time))
        switch servers[leader].replica?.pump.changeMembers(members, from: roster.version, time: wall, now: now) {
        case .failure(.quorumOutOfReach): summary.probes.insert(.changeRefused)
        case .success:
            summary.changes += 1
            if !members.contains(where: { $0.id == servers[leader].id && $0.isVoter }) { summary.probes.insert(.leaderRemoved) }
            if members.contains(where: { !$0.isVoter }) { summary.probes.insert(.observerAdded) }
            if random.chance(1, in: 2) { schedule(.fall(leader), after: Int64(random.below(6_000_000))) }
        case .failure, nil: break
        }
        // A tick without a due time does nothing; the turn after it sends the proposal.
        schedule(.tick(leader, life: servers[leader].life, due: -1), after: 0)
    }

    /// The present members with one difference; nil if the draw is not allowed.
    private mutating func drawMembers(_ roster: Roster) -> [Member]? {
        var members = roster.members
        let outsiders = servers.map(\.id).filter { roster[$0] == nil }
        let place = random.below(members.count)
        switch random.below(6) {
        case 0, 1:
            guard !outsiders.isEmpty else { return nil }
            members.append(Member(id: outsiders[random.below(outsiders.count)], isVoter: random.chance(1, in: 2)))
        case 2, 3:
            guard let observer = members.firstIndex(where: { !$0.isVoter }) else { return nil }
            members[observer].isVoter = true
        case 4: members.remove(at: place)
        default: members[place].isVoter = false
        }
        return Self.votersAllowed.contains(members.filter(\.isVoter).count) ? members : nil
    }

    /// Takes the leader down while its change is under way, if it still leads.
    mutating func fall(_ index: Int) {
        guard !healed, let replica = servers[index].replica, replica.pump.isLeading else { return }
        if !replica.pump.node.takesProposals { summary.probes.insert(.leaderFellInChange) }
        let lasting = Int64(300_000_000 + random.below(3_000_000_000))
        switch random.below(3) {
        case 0: takeDown(index, for: lasting)
        case 1: pause(index, for: lasting)
        default: cutOff(index, for: lasting)
        }
    }

    /// Loses a disk with everything on it, at most one in a run: more than half of the voters must keep theirs.
    mutating func loseDisk(_ index: Int) {
        guard plan.spares > 0, !servers.contains(where: { $0.lostDisk || $0.lacksTables }), servers[index].replica != nil else { return }
        takeDown(index, for: Int64(500_000_000 + random.below(2_000_000_000)))
        servers[index].lostDisk = true
        servers[index].disk = SimDisk()
        servers[index].tables = SimTables(tables: SimServer.schemas)
    }

    /// Gives up the clients' pending operations on a server that was removed from the group.
    mutating func noteStanding(_ index: Int) {
        guard let standing = servers[index].replica?.pump.node.standing, standing != servers[index].standing else { return }
        defer { servers[index].standing = standing }
        if standing == .stranger { summary.probes.insert(.strangerRefused) }
        guard standing == .guest, servers[index].standing == .voter || servers[index].standing == .observer else { return }
        summary.probes.insert(.memberRemoved)
        for id in servers[index].replica?.pump.abandonProposals() ?? [] {
            if let operation = servers[index].proposals.remove(id) { lose(operation) }
        }
    }
}
