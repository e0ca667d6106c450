// One term of a share partition's leader: what it knows of the records, which write of that is stored, and who waits until what it did is. It never
// answers before: what a consumer was told to be done with must not come again. Event in; what is to be written, and whom to answer, out.
import Base

/// A share partition at its leader; `Waiter` is whoever is to hear that something is stored.
package struct ShareLeadership<Waiter> {
    /// The term of the partition in which this was made; it is worth nothing in another one.
    package let term: Int32
    /// The write that is stored and known here; 0 until there is one, and nobody is given anything before that.
    package private(set) var revision: Int64
    package var state: SharePartition
    /// Those who wait for the next write.
    private var unstored: [Waiter] = []
    /// Those who wait for the write that is under way; nil if none is.
    private var underWay: [Waiter]?

    package init(term: Int32, revision: Int64, _ state: SharePartition) {
        self.term = term
        self.revision = revision
        self.state = state
    }

    package var isReady: Bool { revision != 0 }

    /// Takes what a consumer says of its records. True if it can be answered at once, since nothing is to be stored; else `waiter` is heard of again.
    package mutating func acknowledge(
        _ member: MemberID, _ ranges: [ShareAcknowledgementRange], now: Instant, _ waiter: Waiter
    ) throws(ShareRefusal) -> Bool {
        try state.acknowledge(member, ranges, now: now)
        if state.hasChanged {
            unstored.append(waiter)
        } else if underWay != nil {
            // It may have said again what is being written.
            underWay?.append(waiter)
        } else {
            return true
        }
        return false
    }

    /// What is to be written now. One write is under way at a time; `stored` or `failed` ends it.
    package mutating func beginWrite() -> StoredShare {
        precondition(underWay == nil, "one write of a share partition is under way at a time")
        underWay = unstored
        unstored = []
        return state.takeChange()
    }

    /// The write is stored, as this revision; returns who waited for it.
    package mutating func stored(as revision: Int64) -> [Waiter] {
        self.revision = revision
        return endWrite()
    }

    /// The write was refused, or nobody knows what became of it: this is worth nothing any more. Returns who waited for it.
    package mutating func failed() -> [Waiter] { endWrite() }

    private mutating func endWrite() -> [Waiter] {
        let waiters = underWay ?? []
        underWay = nil
        return waiters
    }

    /// There is no next write. Returns who waited for it; those of a write that is under way hear how that ends.
    package mutating func giveUp() -> [Waiter] {
        let waiters = unstored
        unstored = []
        return waiters
    }
}
