// A partition leader's view of its followers: the progress of each, the replicas in sync, and the end of the records that all of those
// have (the high watermark). Event and `now` in, changes to propose out. Source: Kafka's replication design, KIP-497.
import Base

/// One term of one leader.
package struct PartitionLeadership: Sendable {
    private struct Follower {
        /// Everything below is durable there.
        var nextOffset: Int64 = -1
        var lastFetch: Instant
        /// The leader's log end at its last fetch.
        var endAtLastFetch: Int64 = .max
        /// When it last had everything in the leader's log.
        var caughtUp: Instant
    }

    package let broker: Int32
    package let epoch: Int32
    package private(set) var state: PartitionState
    package private(set) var highWatermark: Int64
    /// The log's end: everything below is durable here.
    package private(set) var logEnd: Int64
    /// The log's end when this term began; records below may have been acknowledged by earlier leaders.
    package let termStart: Int64
    private var followers: [Int32: Follower] = [:]
    /// The last proposed change, undecided, with the version it is based on.
    private var proposed: (inSync: [Int32], version: Int32)?
    /// Replicas that proposals of unknown fate may still bring in sync; a new version of the state ends that.
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

    /// Whether the high watermark covers everything from before the term: until then, a reported end could be too low.
    package var knowsEnd: Bool { highWatermark >= termStart }
    package var inSyncCount: Int { state.inSync.count }

    /// Advances the high watermark to the lowest log end of the replicas that are, or may already be, in sync.
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

    /// A follower fetches from `offset`: it has everything below. Returns a change to propose if the follower is now in sync.
    package mutating func fetched(by replica: Int32, at offset: Int64, alive: Bool, now: Instant) -> InSyncChange? {
        guard var follower = followers[replica] else { return nil }
        if offset >= logEnd {
            follower.caughtUp = now
        } else if offset >= follower.endAtLastFetch {
            follower.caughtUp = max(follower.caughtUp, follower.lastFetch)
        }
        follower.nextOffset = offset
        follower.lastFetch = now
        follower.endAtLastFetch = logEnd
        followers[replica] = follower
        advance()
        guard alive, !state.inSync.contains(replica), proposed == nil, offset >= highWatermark, offset >= termStart else { return nil }
        return propose(state.inSync + [replica])
    }

    /// Drops followers from the in-sync replicas that have lacked records for longer than `lagMax`. After a proposal of unknown fate the
    /// known state is proposed again: once that is decided, the other is too late.
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
            topicID: UUIDBytes(), partition: 0, leader: broker, leaderEpoch: epoch, version: state.version,
            inSync: state.replicas.filter(inSync.contains))
    }

    /// A proposal was executed here, decided or refused, or its fate is unknown.
    package mutating func proposalEnded(isKnown: Bool) {
        if !isKnown, let proposed, proposed.version == state.version {
            uncertain += proposed.inSync.filter { !state.inSync.contains($0) && !uncertain.contains($0) }
        }
        proposed = nil
    }

    /// Takes the decided state of the same term.
    package mutating func decided(_ state: PartitionState, now: Instant) {
        if state.version != self.state.version { uncertain = [] }
        self.state = state
        for replica in state.replicas where replica != broker && followers[replica] == nil {
            followers[replica] = Follower(lastFetch: now, caughtUp: now)
        }
        for replica in followers.keys where !state.replicas.contains(replica) { followers[replica] = nil }
        advance()
    }

    /// Each follower's progress.
    package var progress: [(broker: Int32, nextOffset: Int64, lastFetch: Instant, caughtUp: Instant)] {
        followers.sorted { $0.key < $1.key }.map { ($0.key, $0.value.nextOffset, $0.value.lastFetch, $0.value.caughtUp) }
    }
}
