// One term of a share partition's leader: its record states, the stored revision, and the requests that wait for a store. No request is
// answered before its store: a consumer's acknowledged records must not come again. Event in; writes and answers out.
import Base

/// A share partition at its leader; `Waiter` is a request that waits for a store.
package struct ShareLeadership<Waiter> {
    /// The term of the partition in which this was made; worthless in any other term.
    package let term: Int32
    /// The stored and known write; 0 until there is one. No consumer gets records before that.
    package private(set) var revision: Int64
    package var state: SharePartition
    /// The waiters of the next write.
    private var unstored: [Waiter] = []
    /// The waiters of the write under way; nil if there is none.
    private var underWay: [Waiter]?

    package init(term: Int32, revision: Int64, _ state: SharePartition) {
        self.term = term
        self.revision = revision
        self.state = state
    }

    package var isReady: Bool { revision != 0 }

    /// Takes a consumer's acknowledgements. True if the request can be answered at once, since nothing is to be stored; else `waiter`
    /// comes back later.
    package mutating func acknowledge(
        _ member: MemberID, _ ranges: [ShareAcknowledgementRange], now: Instant, _ waiter: Waiter
    ) throws(ShareRefusal) -> Bool {
        try state.acknowledge(member, ranges, now: now)
        if state.hasChanged {
            unstored.append(waiter)
        } else if underWay != nil {
            // It may repeat acknowledgements that are being written.
            underWay?.append(waiter)
        } else {
            return true
        }
        return false
    }

    /// The next write. One write is under way at a time; `stored` or `failed` ends it.
    package mutating func beginWrite() -> StoredShare {
        precondition(underWay == nil, "one write of a share partition is under way at a time")
        underWay = unstored
        unstored = []
        return state.takeChange()
    }

    /// The write is stored as this revision; returns its waiters.
    package mutating func stored(as revision: Int64) -> [Waiter] {
        self.revision = revision
        return endWrite()
    }

    /// The write was refused, or its fate is unknown: this term's state is worthless from now on. Returns the write's waiters.
    package mutating func failed() -> [Waiter] { endWrite() }

    private mutating func endWrite() -> [Waiter] {
        let waiters = underWay ?? []
        underWay = nil
        return waiters
    }

    /// There is no next write. Returns its waiters; those of the write under way wait for its end.
    package mutating func giveUp() -> [Waiter] {
        let waiters = unstored
        unstored = []
        return waiters
    }
}
