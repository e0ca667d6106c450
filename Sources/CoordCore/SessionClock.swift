// The leader's clock over sessions: when each was last heard from, and which have been silent for too long. Volatile: after a
// restart every session gets its whole timeout again.
import Base
import Collections

/// Decides which sessions have expired.
package struct SessionClock: Sendable {
    private struct Entry: Sendable {
        var timeout: Duration
        var deadline: Instant
    }
    private var entries = OrderedDictionary<SessionID, Entry>()
    package init() {}

    package mutating func watch(_ id: SessionID, timeout: Duration, now: Instant) {
        entries[id] = Entry(timeout: timeout, deadline: now + timeout)
    }

    /// When sessions end if they stay silent, in order of time, for reports.
    package var deadlines: [(time: Instant, sessions: [SessionID])] {
        var found: [(time: Instant, sessions: [SessionID])] = []
        for (id, entry) in entries.elements.sorted(by: { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }) {
            if found.last?.time == entry.deadline {
                found[found.count - 1].sessions.append(id)
            } else {
                found.append((entry.deadline, [id]))
            }
        }
        return found
    }

    /// The session said something.
    package mutating func touch(_ id: SessionID, now: Instant) {
        guard let timeout = entries[id]?.timeout else { return }
        entries[id]?.deadline = now + timeout
    }

    package mutating func forget(_ id: SessionID) {
        entries.removeUnordered(id)
    }

    /// The server itself did not listen for so long: that time counts as no session's silence.
    package mutating func postpone(by pause: Duration) {
        for place in entries.values.indices { entries.values[place].deadline = entries.values[place].deadline + pause }
    }

    /// The sessions whose time is up; each is reported once and no longer watched.
    package mutating func expire(now: Instant) -> [SessionID] {
        let expired = entries.filter { $0.value.deadline <= now }.map(\.key)
        for id in expired { forget(id) }
        return expired
    }
}
