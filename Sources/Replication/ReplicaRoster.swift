// Changes of the members for the host: requested from the leader, wherever that is, and ended when this replica has executed the change's
// slot. The service learns of each change of the members.
import Base
import Consensus

/// A change requested here and not ended.
struct MemberChange {
    var token: Int64
    var since: Instant
    /// The change's slot.
    var slot: Slot?
    var completion: (Result<Roster, RosterRefusal>) -> Void
}

extension ReplicaHost {
    /// How long a change may take before it is given up; then its outcome is unknown.
    private static var changePatience: Duration { .seconds(8) }

    /// The members as of the last executed slot, or of the founding; nil while a newcomer does not know them.
    package var roster: Roster? { pump.executedRoster ?? pump.roster }

    /// Numbers of voters, observers and visitors that keep up with this leader, without itself.
    package var synced: (voters: Int, observers: Int, visitors: Int) { pump.node.synced(now: time.now()) }

    /// Sets this replica's description of itself, before its first message.
    package func describe(card: String) { pump.describe(card: card) }

    /// Addresses of the group's replicas: its members, and those reported by peers.
    package var reachable: [Member] {
        let members = roster?.members ?? []
        return members + (pump.node.heardOf?.members ?? []).filter { other in !members.contains { $0.id == other.id } }
    }

    /// Proposes other members in place of those of `version`; `completion` runs on the loop with the new roster, or the reason of the
    /// refusal. `notLeading` means that no leader was reached, or that it was lost: then the outcome is unknown.
    package func changeMembers(_ members: [Member], from version: Int64, _ completion: @escaping (Result<Roster, RosterRefusal>) -> Void) {
        precondition(loop.isCurrent, "changes are asked for on the replica's loop")
        guard memberChange == nil else { return completion(.failure(.inProgress)) }
        guard !isStopping, let leader else { return completion(.failure(.notLeading)) }
        let token = time.now().nanoseconds
        memberChange = MemberChange(token: token, since: time.now(), completion: completion)
        if leader == id {
            propose(members, version) { self.changeAnswered(token, $0, $1) }
        } else {
            send(.changeMembers(token: token, version: version, members: members), to: leader)
        }
        scheduleSettle()
    }

    private func propose(_ members: [Member], _ version: Int64, _ answer: (Slot, RosterRefusal?) -> Void) {
        switch pump.changeMembers(members, from: version, time: time.wallTime(), now: time.now()) {
        case .success(let slot): answer(slot, nil)
        case .failure(let refusal): answer(.zero, refusal)
        }
    }

    func answerChange(_ token: Int64, _ version: Int64, _ members: [Member], to peer: NodeID) {
        propose(members, version) { send(.membersAnswer(token: token, slot: $0, refusal: $1), to: peer) }
    }

    func changeAnswered(_ token: Int64, _ slot: Slot, _ refusal: RosterRefusal?) {
        guard memberChange?.token == token, memberChange?.slot == nil else { return }
        if let refusal { return endChange(.failure(refusal)) }
        memberChange?.slot = slot
    }

    private func endChange(_ result: Result<Roster, RosterRefusal>) {
        guard let change = memberChange else { return }
        memberChange = nil
        change.completion(result)
    }

    func driveChange(_ now: Instant) {
        if let change = memberChange, now - change.since > Self.changePatience { endChange(.failure(.notLeading)) }
    }

    /// Ends the waiting change once its slot is executed, and reports the difference to the service.
    func noteRoster() {
        if let slot = memberChange?.slot, pump.applied >= slot {
            if let roster = pump.executedRoster, roster.version == slot.rawValue {
                endChange(.success(roster))
            } else {
                endChange(.failure(.notLeading))
            }
        }
        let standing = pump.node.standing
        guard pump.roster != lastRoster || standing != lastStanding || pump.node.heardOf != lastHeardOf else { return }
        lastHeardOf = pump.node.heardOf
        if standing == .guest, lastStanding == .voter || lastStanding == .observer { fail(pump.abandonProposals(), .notLeading) }
        (lastRoster, lastStanding) = (pump.roster, standing)
        events.onMembers()
    }
}
