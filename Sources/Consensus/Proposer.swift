// The proposer's role: one Prepare per leadership, then a slot for every command. It adopts the highest accepted value of each open
// slot before it proposes anything of its own, so a decided value is never lost.
import Base

/// The state of a node as proposer.
package struct Proposer: Sendable {
    package enum Phase: Sendable, Equatable {
        case following
        /// Whole promises collected so far, the own one included once it is durable.
        case preparing(promises: [NodeID])
        case leading
    }

    package private(set) var phase = Phase.following
    package private(set) var ballot = Ballot.none
    package private(set) var nextSlot = Slot(1)
    /// The last slot adopted from an earlier leadership: once it is decided, this one is established.
    package private(set) var adoptedThrough = Slot.zero
    /// Highest-ballot entry per open slot, gathered from promises.
    private var adopted = LookupTable<Slot, LogEntry>()
    /// For each member, the slot up to which its promise has arrived; a promise comes in chunks.
    private var arrived = LookupTable<NodeID, Slot>()
    private var lastTime = WallTime.zero

    package init() {}

    /// Opens a leadership above everything seen, over the slots that follow `committed`.
    mutating func prepare(above seen: Ballot, node: NodeID, committed: Slot) -> Ballot {
        ballot = max(seen, ballot).successor(for: node)
        phase = .preparing(promises: [])
        adopted.removeAll()
        arrived.removeAll()
        adoptedThrough = committed
        return ballot
    }

    /// Takes one chunk of a promise, which covers the slots after `previous`; `isLast` ends it. Returns the entries to re-propose once a
    /// quorum has promised; they start right after `committed`. A chunk that does not follow the one before is passed over.
    mutating func promised(
        by node: NodeID, _ promisedBallot: Ballot, previous: Slot, accepted: [LogEntry], isLast: Bool, quorum: Int, committed: Slot
    ) -> [LogEntry]? {
        guard promisedBallot == ballot, case .preparing(var promises) = phase, !promises.contains(node) else { return nil }
        guard previous == arrived[node] ?? committed else { return nil }
        adopt(accepted, after: committed)
        arrived[node] = accepted.last?.slot ?? previous
        guard isLast else { return nil }
        promises.append(node)
        phase = promises.count >= quorum ? .leading : .preparing(promises: promises)
        return phase == .leading ? openSlots(after: committed) : nil
    }

    private mutating func adopt(_ accepted: [LogEntry], after committed: Slot) {
        for entry in accepted where entry.slot > committed {
            if let held = adopted[entry.slot], held.ballot >= entry.ballot { continue }
            adopted[entry.slot] = entry
            adoptedThrough = max(adoptedThrough, entry.slot)
        }
    }

    /// The adopted entries under the new ballot, holes filled with no-ops.
    private mutating func openSlots(after committed: Slot) -> [LogEntry] {
        var entries: [LogEntry] = []
        nextSlot = committed.next
        while nextSlot <= adoptedThrough {
            // The members of a roster decide the slots behind it: these promises do not cover them.
            if entries.last?.isRoster == true {
                adoptedThrough = Slot(nextSlot.rawValue - 1)
                break
            }
            let entry = adopted[nextSlot] ?? LogEntry(slot: nextSlot, ballot: ballot, time: lastTime, command: Bytes())
            lastTime = max(lastTime, entry.time)
            entries.append(entry.under(ballot))
            nextSlot = nextSlot.next
        }
        adopted.removeAll()
        return entries
    }

    /// Gives a command its slot and time. Only a leader proposes. Time never runs backwards in the log.
    mutating func propose(_ proposal: Proposal, time: WallTime) -> LogEntry {
        precondition(phase == .leading, "only a leader gives out slots")
        lastTime = max(lastTime, time)
        defer { nextSlot = nextSlot.next }
        return LogEntry(slot: nextSlot, ballot: ballot, time: lastTime, origin: proposal.origin, command: proposal.command)
    }

    /// Gives a slot to a roster. One with other members carries the slot as its version.
    mutating func propose(_ roster: Roster, isChange: Bool, time: WallTime) -> LogEntry {
        var roster = roster
        if isChange { roster.version = nextSlot.rawValue }
        let command: Bytes
        do { command = try roster.encoded(as: DurableDialect.self) } catch {
            preconditionFailure("a roster of ours can always be encoded: \(error)")
        }
        var entry = propose(Proposal(origin: .none, command: command), time: time)
        entry.isRoster = true
        return entry
    }

    /// A higher ballot exists, or the quorum is out of reach: this node no longer leads.
    mutating func stepDown() { phase = .following }

    /// The log's time does not run backwards over a change of leader or a restart either.
    mutating func observe(_ time: WallTime) { lastTime = max(lastTime, time) }
}
