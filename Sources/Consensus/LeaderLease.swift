// Both sides of the lease on a monotonic clock. A leader knows until when no other can have been elected; a follower knows until when it
// must not help to elect another. After a restart a follower keeps still for a whole grant, since its grants are forgotten.
// Source: Gray and Cheriton, "Leases", 1989; Chandra, Griesemer and Redstone, "Paxos Made Live", 2007, section 5.2.
import Base

/// The leader's side: when each member last answered a probe, by the leader's own clock.
struct LeaderLease: Sendable {
    /// The time at which the answered probe was sent, in the order of `members`.
    private var answered: [Instant]
    private var members: [NodeID]
    private var quorum: Int { members.count / 2 + 1 }

    init(members: [NodeID], now: Instant) {
        self.members = members
        answered = members.map { _ in now }
    }

    /// A new leadership: without answers yet, a promise counts as the answer to a probe at `since`.
    mutating func begin(_ members: [NodeID], since: Instant) {
        self.members = members
        answered = members.map { _ in since }
    }

    mutating func noteAnswer(_ node: NodeID, probe: Instant) {
        guard let place = members.firstIndex(of: node) else { return }
        answered[place] = max(answered[place], probe)
    }

    /// The latest time of which a quorum, `node` itself included, has said that it was led by this leader.
    func quorumContact(of node: NodeID, now: Instant) -> Instant {
        var times = answered
        if let place = members.firstIndex(of: node) { times[place] = now }
        return times.sorted(by: >)[quorum - 1]
    }
}

/// The follower's side: until when another leader gets no promise.
struct LeaseGrant: Sendable {
    private(set) var holder: NodeID?
    private(set) var until: Instant

    /// Right after a start any replica may hold a full grant.
    init(until: Instant) { self.until = until }

    mutating func extend(to node: NodeID, until: Instant) {
        holder = node
        self.until = max(self.until, until)
    }

    /// The holder has given up its office for good.
    mutating func end(_ now: Instant) { (holder, until) = (nil, now) }

    func forbids(_ candidate: NodeID, now: Instant) -> Bool { now < until && candidate != holder }
}
