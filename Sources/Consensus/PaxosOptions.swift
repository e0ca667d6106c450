// Times and sizes of consensus. Safety and the length of an outage rest on the relations between them, so they are checked once, here.
import Base

package struct PaxosOptions: Sendable {
    /// The longest silence of a leader.
    package var heartbeat = Duration.milliseconds(50)
    /// How long after its question a leader with a quorum's answers may serve reads from its own state.
    package var lease = Duration.milliseconds(200)
    /// How long a replica that has heard a leader promises nothing to another one. It exceeds `lease` by more than clocks may drift apart
    /// in that time, and begins later.
    package var grant = Duration.milliseconds(250)
    /// Silence after which a replica begins an election; the real time is drawn between this and twice this.
    package var electionTimeout = Duration.milliseconds(400)
    /// Limit of a follower's outstanding entries, in slots: bounds the bytes in its connection.
    package var windowSlots: Int64 = 8192
    /// Size limit of the entries in one message, in bytes.
    package var chunkBytes = 1 << 20
    /// How far a candidate may be behind this replica's own decisions, in slots; bounds the size of a promise.
    package var candidateLagSlots: Int64 = 4096
    /// How far a new voter may be behind the leader, in slots: a change of members must not cost the quorum.
    package var voterLagSlots: Int64 = 1000

    package init() {}

    func check() {
        precondition(lease < grant && grant < electionTimeout, "a lease ends before its grants, and grants before elections")
        precondition(heartbeat * 3 <= lease, "a lease outlasts the loss of a heartbeat")
    }
}

/// The source of a replica's group if neither its log nor its tables name one.
package struct GroupOrigin: Sendable, Equatable {
    package var me: Member
    /// The members, settled elsewhere; nil if the replicas find them by themselves.
    package var settled: Roster?
    /// The founders of the group, or the replicas that a newcomer asks.
    package var named: [NodeID] = []
    /// A quorum of one that stays one.
    package var standsAlone = false

    /// Members settled elsewhere; all of them count as remembering their promises.
    package static func settled(_ id: NodeID, _ members: [NodeID]) -> GroupOrigin {
        precondition(members.contains(id), "a node is a member of its own quorum")
        return GroupOrigin(me: Member(id: id), settled: Roster(members: members.map { Member(id: $0) }), standsAlone: members == [id])
    }

    /// A replica that founds a group with others, or joins theirs. `members` are left from an earlier version, or from the time when the
    /// replica stood alone.
    package static func founding(_ me: Member, with others: [NodeID], members: [Member]? = nil) -> GroupOrigin {
        GroupOrigin(me: me, settled: members.map { Roster(members: $0) }, named: others)
    }
}

extension Roster {
    /// A group that begins with one replica has its directory's number.
    func numbered(_ me: Member) -> Roster {
        guard members.map(\.id) == [me.id], members[0].address != "" else { return self }
        return Roster(group: me.directory, members: [me])
    }
}
