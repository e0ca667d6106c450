// When to look for votes, and the canvass before an election: a replica that comes back from a partition asks first whether a quorum misses
// its leader, and so does not topple a healthy one. Times are drawn from a seed. Source: Ongaro, "Consensus: Bridging Theory and
// Practice", 2014, section 9.6 (pre-vote).
import Base

struct Election: Sendable {
    /// When this replica acts if nothing is heard until then.
    private(set) var deadline: Instant
    /// The ballot that is being canvassed, with who would promise it.
    private(set) var canvass: (ballot: Ballot, grants: [NodeID])?
    /// The highest ballot of any message.
    private(set) var seen = Ballot.none
    private var random: Prng
    private let timeout: Duration

    init(seed: UInt64, timeout: Duration, now: Instant) {
        random = Prng(seed: seed)
        self.timeout = timeout
        deadline = now
        postpone(now)
    }

    mutating func postpone(_ now: Instant) { deadline = now + timeout + .nanoseconds(Int64(random.below(Int(timeout.inNanoseconds)))) }

    /// The leader's connection broke: look for votes as soon as it is allowed, each replica after a little time of its own.
    mutating func hasten(notBefore: Instant) {
        deadline = min(deadline, notBefore + .nanoseconds(Int64(random.below(Int(timeout.inNanoseconds / 8)))))
    }

    mutating func note(_ ballot: Ballot) { seen = max(seen, ballot) }

    mutating func begin(_ ballot: Ballot, self node: NodeID) { canvass = (ballot, [node]) }
    mutating func end() { canvass = nil }

    /// Counts a grant; the number of them so far.
    mutating func granted(by node: NodeID, _ ballot: Ballot) -> Int {
        guard var open = canvass, open.ballot == ballot else { return 0 }
        if !open.grants.contains(node) { open.grants.append(node) }
        canvass = open
        return open.grants.count
    }
}
