// Which fetch sessions there are (KIP-227): ids, epochs, who may be put out for whom. What a session reads is not known here, only how many partitions
// it has. Plain values; time is an argument, ids are drawn by the caller. Source: KIP-227, "Fetch Session Caching".
import Base

/// Why a fetch in a session is refused.
package enum FetchSessionRefusal: Error, Sendable, Equatable {
    case unknownID
    case wrongEpoch
    /// The session names topics by id and the fetch by name, or the other way about.
    case otherNaming
}

/// What became of the wish for a session.
package enum FetchSessionOpening: Sendable, Equatable {
    /// `evicted` made room for it.
    case opened(evicted: Int32?)
    /// Every place is taken by somebody who needs it as much.
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
    /// A session that was not used for this long can be put out by any other; one that is older, by a larger one.
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

    /// Who has to go for a session of this many partitions: who was idle for long, else a smaller one that has had its time. Replicas go for replicas only.
    private func victim(_ partitions: Int, _ isReplica: Bool, _ now: Instant) -> Int32? {
        guard slots > 0, let oldest = entries.entries.min(by: { ($0.value.used, $0.key) < ($1.value.used, $1.key) }) else { return nil }
        if now - oldest.value.used > evictionAge { return oldest.key }
        let candidates = entries.entries.filter { _, one in
            if isReplica != one.isReplica { return isReplica }
            return one.partitions < partitions && (isReplica || now - one.opened > evictionAge)
        }
        return candidates.min { ($0.value.isReplica ? 1 : 0, $0.value.partitions, $0.key) < ($1.value.isReplica ? 1 : 0, $1.value.partitions, $1.key) }?.key
    }

    /// Takes a fetch of a session; after it the next epoch is expected.
    package mutating func use(_ id: Int32, epoch: Int32, owner: String, now: Instant) -> FetchSessionRefusal? {
        // Somebody else's session is not even told of.
        guard let entry = entries[id], entry.owner == owner else { return .unknownID }
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

    /// Nobody uses the session any more.
    package mutating func end(_ id: Int32) { entries[id] = nil }

    /// False if there is no such session of this owner.
    @discardableResult package mutating func close(_ id: Int32, owner: String) -> Bool {
        guard let entry = entries[id], entry.owner == owner else { return false }
        entries[id] = nil
        return true
    }
}
