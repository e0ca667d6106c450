// The table of fetch sessions (KIP-227): ids, epochs, and the choice of the session to evict. Of a session's partitions it knows only
// the number. Plain values; time is an argument, the caller draws the ids. Source: KIP-227, "Fetch Session Caching".
import Base

/// Why a fetch in a session is refused.
package enum FetchSessionRefusal: Error, Sendable, Equatable {
    case unknownID
    case wrongEpoch
    /// The session names topics by id and the fetch by name, or the reverse.
    case otherNaming
}

/// The outcome of a request for a session.
package enum FetchSessionOpening: Sendable, Equatable {
    /// `evicted` made room for it.
    case opened(evicted: Int32?)
    /// All slots are taken by sessions that cannot be evicted for this one.
    case full
}

/// The open sessions, at most `slots` of them.
package struct FetchSessionTable: Sendable {
    private struct Entry: Sendable {
        var owner: String
        /// The epoch that the next fetch has to carry.
        var epoch: Int32
        var partitions: Int
        var isReplica: Bool
        var opened: Instant
        var used: Instant
    }

    private var entries = SortedTable<Int32, Entry>()
    private let slots: Int
    /// Any session can evict one that was idle for this long; a larger session can evict one that is older than this.
    private let evictionAge: Duration

    package init(slots: Int, evictionAge: Duration) {
        self.slots = slots
        self.evictionAge = evictionAge
    }

    package var count: Int { entries.count }
    package func isOpen(_ id: Int32) -> Bool { entries[id] != nil }

    /// Opens a session under an id that is not in use.
    package mutating func open(_ id: Int32, owner: String, partitions: Int, isReplica: Bool, now: Instant) -> FetchSessionOpening {
        precondition(entries[id] == nil, "a session's id is not in use yet")
        var evicted: Int32?
        if entries.count >= slots {
            guard let victim = victim(partitions, isReplica, now) else { return .full }
            entries[victim] = nil
            evicted = victim
        }
        entries[id] = Entry(owner: owner, epoch: 1, partitions: partitions, isReplica: isReplica, opened: now, used: now)
        return .opened(evicted: evicted)
    }

    /// The session to evict for one of this many partitions: the longest idle one if idle for long enough. Else the smallest candidate,
    /// consumers' sessions first: for a replica any consumer's or a smaller replica's, for a consumer a smaller consumer's that has had
    /// its time.
    private func victim(_ partitions: Int, _ isReplica: Bool, _ now: Instant) -> Int32? {
        guard slots > 0, let oldest = entries.entries.min(by: { ($0.value.used, $0.key) < ($1.value.used, $1.key) }) else { return nil }
        if now - oldest.value.used > evictionAge { return oldest.key }
        let candidates = entries.entries.filter { _, one in
            if isReplica != one.isReplica { return isReplica }
            return one.partitions < partitions && (isReplica || now - one.opened > evictionAge)
        }
        return candidates.min {
            ($0.value.isReplica ? 1 : 0, $0.value.partitions, $0.key) < ($1.value.isReplica ? 1 : 0, $1.value.partitions, $1.key)
        }?.key
    }

    /// Takes a fetch of a session and expects the next epoch from then on.
    package mutating func use(_ id: Int32, epoch: Int32, owner: String, now: Instant) -> FetchSessionRefusal? {
        // The existence of another owner's session stays hidden.
        guard let entry = entries[id], entry.owner.hasSameBytes(as: owner) else { return .unknownID }
        guard entry.epoch == epoch else { return .wrongEpoch }
        entries.update(id) { one in
            // After the greatest epoch comes 1: 0 opens sessions.
            one.epoch = epoch == .max ? 1 : epoch + 1
            one.used = now
        }
        return nil
    }

    /// The session reads this many partitions now.
    package mutating func resize(_ id: Int32, partitions: Int) { entries.update(id) { $0.partitions = partitions } }

    /// Drops a session that is not used any more.
    package mutating func end(_ id: Int32) { entries[id] = nil }

    /// False if there is no such session of this owner.
    @discardableResult package mutating func close(_ id: Int32, owner: String) -> Bool {
        guard let entry = entries[id], entry.owner.hasSameBytes(as: owner) else { return false }
        entries[id] = nil
        return true
    }
}
