// What a partition's leader knows of its followers while it leads: how far each has come, who is in sync, and up to where every record is on all of
// those (the high watermark). Event and `now` in, what is to be proposed out. Source: Kafka's replication design, KIP-497.
import Base

/// One term of one leader.
package struct PartitionLeadership: Sendable {
    private struct Follower {
        /// Everything below is durable there.
        var nextOffset: Int64 = -1
        var lastFetch: Instant
        /// The end of the log here when it fetched last.
        var endAtLastFetch: Int64 = .max
        /// When it last had everything that was here.
        var caughtUp: Instant
    }

    package let broker: Int32
    package let epoch: Int32
    package private(set) var state: PartitionState
    package private(set) var highWatermark: Int64
    /// The end of the log: everything below is durable here.
    package private(set) var logEnd: Int64
    /// Where the log ended when this term began; below lies what earlier leaders may have acknowledged.
    package let termStart: Int64
    private var followers: [Int32: Follower] = [:]
    /// The change that was proposed last and is not decided, and the version that it starts from.
    private var proposed: (inSync: [Int32], version: Int32)?
    /// Replicas that proposals of unknown fate may yet bring in sync; another version of the state ends that.
    private var uncertain: [Int32] = []

    package init(broker: Int32, state: PartitionState, logEnd: Int64, highWatermark: Int64, now: Instant) {
        self.broker = broker
        epoch = state.leaderEpoch
        self.state = state
        self.logEnd = logEnd
        self.highWatermark = min(highWatermark, logEnd)
        termStart = logEnd
        for replica in state.replicas where replica != broker { followers[replica] = Follower(lastFetch: now, caughtUp: now) }
        advance()
    }

    /// Whether the high watermark covers everything that was there when the term began: before that, an end told to a reader could be too low.
    package var knowsEnd: Bool { highWatermark >= termStart }
    package var inSyncCount: Int { state.inSync.count }

    /// The high watermark is what those have who are in sync, or may be already without its being known here.
    private mutating func advance() {
        var lowest = logEnd
        func count(_ replicas: [Int32]) {
            for replica in replicas where replica != broker { lowest = min(lowest, followers[replica]?.nextOffset ?? -1) }
        }
        count(state.inSync)
        count(uncertain)
        if let proposed { count(proposed.inSync) }
        highWatermark = max(highWatermark, lowest)
    }

    /// Records up to `end` are durable here.
    package mutating func appended(to end: Int64) {
        logEnd = max(logEnd, end)
        advance()
    }

    package func isReplica(_ broker: Int32) -> Bool { followers[broker] != nil }

    /// A follower asks for what comes at `offset`: it has everything below. The answer is a change to be proposed, if the follower is in sync now.
    package mutating func fetched(by replica: Int32, at offset: Int64, alive: Bool, now: Instant) -> InSyncChange? {
        guard var follower = followers[replica] else { return nil }
        if offset >= logEnd { follower.caughtUp = now } else if offset >= follower.endAtLastFetch { follower.caughtUp = max(follower.caughtUp, follower.lastFetch) }
        follower.nextOffset = offset
        follower.lastFetch = now
        follower.endAtLastFetch = logEnd
        followers[replica] = follower
        advance()
        guard alive, !state.inSync.contains(replica), proposed == nil, offset >= highWatermark, offset >= termStart else { return nil }
        return propose(state.inSync + [replica])
    }

    /// Followers that have not had everything for longer than `lagMax` are not in sync any more. After a proposal of unknown fate the state as it is known
    /// is proposed again: once that is decided, the other is too late.
    package mutating func check(now: Instant, lagMax: Duration) -> InSyncChange? {
        guard proposed == nil else { return nil }
        let kept = state.inSync.filter { replica in
            replica == broker || followers[replica].map { $0.nextOffset >= logEnd || now - $0.caughtUp <= lagMax } ?? false
        }
        return kept.count < state.inSync.count || !uncertain.isEmpty ? propose(kept) : nil
    }

    private mutating func propose(_ inSync: [Int32]) -> InSyncChange {
        proposed = (inSync, state.version)
        return InSyncChange(
            topicID: UUIDBytes(), partition: 0, leader: broker, leaderEpoch: epoch, version: state.version, inSync: state.replicas.filter(inSync.contains))
    }

    /// The change was decided or refused and that was executed here, or its fate is not known.
    package mutating func proposalEnded(isKnown: Bool) {
        if !isKnown, let proposed, proposed.version == state.version { uncertain += proposed.inSync.filter { !state.inSync.contains($0) && !uncertain.contains($0) } }
        proposed = nil
    }

    /// The state as it was decided, in the same term.
    package mutating func decided(_ state: PartitionState, now: Instant) {
        if state.version != self.state.version { uncertain = [] }
        self.state = state
        for replica in state.replicas where replica != broker && followers[replica] == nil { followers[replica] = Follower(lastFetch: now, caughtUp: now) }
        for replica in followers.keys where !state.replicas.contains(replica) { followers[replica] = nil }
        advance()
    }

    /// How far each follower has come, for those who look.
    package var progress: [(broker: Int32, nextOffset: Int64, lastFetch: Instant, caughtUp: Instant)] {
        followers.sorted { $0.key < $1.key }.map { ($0.key, $0.value.nextOffset, $0.value.lastFetch, $0.value.caughtUp) }
    }
}
