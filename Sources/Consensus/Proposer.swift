// The proposer's role: one Prepare per leadership, then a slot for every command. It adopts the highest accepted value of each open
// slot before it proposes anything of its own, so a decided value is never lost.
import Base

/// Where a node stands as proposer.
package struct Proposer: Sendable {
    package enum Phase: Sendable, Equatable {
        case following
        /// Promises collected so far, the own one included once it is durable.
        case preparing(promises: Set<NodeID>)
        case leading
    }

    package private(set) var phase = Phase.following
    package private(set) var ballot = Ballot.none
    package private(set) var nextSlot = Slot(1)
    /// Highest-ballot entry per open slot, gathered from promises.
    private var adopted: [LogEntry] = []
    private var lastTime = WallTime.zero

    package init() {}

    /// Opens a leadership above everything seen.
    mutating func prepare(above seen: Ballot, node: NodeID) -> Ballot {
        ballot = max(seen, ballot).successor(for: node)
        phase = .preparing(promises: [])
        adopted = []
        return ballot
    }

    /// Counts a promise. Returns the entries to re-propose once a quorum is there; they start right after `committed`.
    mutating func promised(
        by node: NodeID, _ promisedBallot: Ballot, accepted: [LogEntry], quorum: Int, committed: Slot
    ) -> [LogEntry]? {
        guard promisedBallot == ballot, case .preparing(var promises) = phase else { return nil }
        promises.insert(node)
        adopt(accepted.filter { $0.slot > committed })
        guard promises.count >= quorum else {
            phase = .preparing(promises: promises)
            return nil
        }
        phase = .leading
        return openSlots(after: committed)
    }

    private mutating func adopt(_ accepted: [LogEntry]) {
        for entry in accepted {
            if let place = adopted.firstIndex(where: { $0.slot == entry.slot }) {
                if adopted[place].ballot < entry.ballot { adopted[place] = entry }
            } else {
                adopted.append(entry)
            }
        }
    }

    /// The adopted entries under the new ballot, holes filled with no-ops.
    private mutating func openSlots(after committed: Slot) -> [LogEntry] {
        adopted.sort { $0.slot < $1.slot }
        nextSlot = committed.next
        var entries: [LogEntry] = []
        for entry in adopted {
            while nextSlot < entry.slot {
                entries.append(LogEntry(slot: nextSlot, ballot: ballot, time: lastTime, command: Bytes()))
                nextSlot = nextSlot.next
            }
            lastTime = max(lastTime, entry.time)
            entries.append(LogEntry(slot: entry.slot, ballot: ballot, time: entry.time, command: entry.command))
            nextSlot = nextSlot.next
        }
        adopted = []
        return entries
    }

    /// Gives a command its slot and time. Only a leader proposes. Time never runs backwards in the log.
    mutating func propose(_ command: Bytes, time: WallTime) -> LogEntry {
        precondition(phase == .leading, "only a leader gives out slots")
        lastTime = max(lastTime, time)
        defer { nextSlot = nextSlot.next }
        return LogEntry(slot: nextSlot, ballot: ballot, time: lastTime, command: command)
    }

    /// A higher ballot exists: this node no longer leads.
    mutating func stepDown() { phase = .following }

    /// The log's time does not run backwards over a restart either.
    mutating func observe(_ time: WallTime) { lastTime = max(lastTime, time) }
}
