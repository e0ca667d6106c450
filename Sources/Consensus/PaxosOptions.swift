// Times and sizes of consensus. The relations between them are what safety and the outage after a lost leader rest on, so they are
// checked once, here.
import Base

package struct PaxosOptions: Sendable {
    /// How often a leader speaks when it has nothing to say.
    package var heartbeat = Duration.milliseconds(50)
    /// How long a leader that has heard from a quorum may answer reads from its own state, counted from when it asked.
    package var lease = Duration.milliseconds(200)
    /// How long a replica that has heard a leader promises nothing to another one. Longer than `lease`, by more than clocks may drift
    /// apart in that time, and counted from later.
    package var grant = Duration.milliseconds(250)
    /// Silence after which a replica looks for votes; the real time is drawn between this and twice this.
    package var electionTimeout = Duration.milliseconds(400)
    /// Entries that a follower may have outstanding, in slots: bounds what lies in its connection.
    package var windowSlots: Int64 = 8192
    /// Entries in one message, in bytes.
    package var chunkBytes = 1 << 20
    /// How far behind this replica's own decisions a candidate may be, in slots; bounds the size of a promise.
    package var candidateLagSlots: Int64 = 4096
    /// How far behind the leader a replica may be that begins to vote, in slots: a change of members must not cost the quorum.
    package var voterLagSlots: Int64 = 1000

    package init() {}

    func check() {
        precondition(lease < grant && grant < electionTimeout, "a lease ends before its grants, and grants before elections")
        precondition(heartbeat * 3 <= lease, "a lease outlasts the loss of a heartbeat")
    }
}

/// Where a replica takes its group from when neither its log nor its tables tell.
package struct GroupOrigin: Sendable, Equatable {
    package var me: Member
    /// The members as they were settled elsewhere; nil if they are found by the replicas themselves.
    package var settled: Roster?
    /// Those who found the group together, or whom a newcomer asks.
    package var named: [NodeID] = []
    /// A quorum of one that stays one.
    package var standsAlone = false

    /// Members that are settled elsewhere and are all taken to remember what they promised.
    package static func settled(_ id: NodeID, _ members: [NodeID]) -> GroupOrigin {
        precondition(members.contains(id), "a node is a member of its own quorum")
        return GroupOrigin(me: Member(id: id), settled: Roster(members: members.map { Member(id: $0) }), standsAlone: members == [id])
    }

    /// A replica that founds a group with others, or joins the one that they belong to. `members` are those that an earlier version, or its
    /// standing alone, has left it with.
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
