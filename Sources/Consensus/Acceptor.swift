// The acceptor's role: promise, accept, remember. It answers only what its records make durable, so its replies travel behind them.
// It keeps the accepted entries above the last trimmed slot in memory; recovery reads them back from the log.
import Base
import Collections

/// One replica's memory of what it promised and accepted.
package struct Acceptor: Sendable {
    package private(set) var promised = Ballot.none
    /// The last life that this replica began.
    package private(set) var incarnation: Int64 = 0
    /// The number of the data directory; zero if its log was begun before directories had numbers.
    package private(set) var directory: Int64 = 0
    /// The members that the group was founded with, if this replica was one of them.
    package private(set) var founded: Roster?
    /// Accepted entries by slot, contiguous, above the trim point.
    private var entries = Deque<LogEntry>()
    private var firstSlot = Slot(1)

    package init() {}

    /// Takes back one durable record, in log order.
    package mutating func recover(_ record: AcceptorRecord) {
        switch record {
        case .promise(let ballot): promised = max(promised, ballot)
        case .began(let number): incarnation = max(incarnation, number)
        case .installed(let slot): skip(through: slot)
        case .directory(let number): directory = number
        case .founded(let roster): founded = roster
        case .accept(let entry):
            promised = max(promised, entry.ballot)
            if entries.isEmpty, entry.slot > firstSlot { firstSlot = entry.slot }
            keep(entry)
        }
    }

    package var lastSlot: Slot { Slot(firstSlot.rawValue + Int64(entries.count) - 1) }
    /// Whether nothing was ever promised or accepted here.
    package var isUntouched: Bool { promised == .none && lastSlot == .zero }
    /// Entries up to here are no longer held.
    package var trimmedThrough: Slot { Slot(firstSlot.rawValue - 1) }

    /// Whether `ballot` may be promised now; the caller makes the record durable before it answers.
    mutating func promise(_ ballot: Ballot) -> AcceptorRecord? {
        guard ballot > promised else { return nil }
        promised = ballot
        return .promise(ballot)
    }

    /// The record that founds the group here.
    mutating func found(_ roster: Roster) -> AcceptorRecord {
        founded = roster
        return .founded(roster)
    }

    /// Follows a leader of a higher ballot without having been asked for a promise. What it accepts makes this durable.
    mutating func follow(_ ballot: Ballot) { promised = max(promised, ballot) }

    /// The records that accept `batch`; nil if a higher ballot was promised.
    mutating func accept(_ ballot: Ballot, _ batch: [LogEntry]) -> [AcceptorRecord]? {
        guard ballot >= promised else { return nil }
        promised = ballot
        for entry in batch { keep(entry) }
        return batch.map { .accept($0) }
    }

    /// Takes the command out of an entry that reached no disk and no peer; the slot and its origin stay. Returns the record anew.
    mutating func blank(_ slot: Slot) -> AcceptorRecord? {
        let place = Int(slot.rawValue - firstSlot.rawValue)
        guard entries.indices.contains(place) else { return nil }
        entries[place].command = Bytes()
        return .accept(entries[place])
    }

    private mutating func keep(_ entry: LogEntry) {
        let place = Int(entry.slot.rawValue - firstSlot.rawValue)
        if place < 0 { return }
        precondition(place <= entries.count, "slots are accepted without gaps")
        if place == entries.count { entries.append(entry) } else { entries[place] = entry }
    }

    /// The accepted entry in a slot above the trim point.
    package func entry(at slot: Slot) -> LogEntry? {
        let place = Int(slot.rawValue - firstSlot.rawValue)
        return entries.indices.contains(place) ? entries[place] : nil
    }

    package func suffix(from slot: Slot) -> [LogEntry] {
        Array(entries.dropFirst(max(0, Int(slot.rawValue - firstSlot.rawValue))))
    }

    /// Entries from `slot` up to `last`, as many as fit in `bytesMax`, but at least one if there is one.
    func chunk(from slot: Slot, through last: Slot, bytesMax: Int) -> [LogEntry] {
        var chunk: [LogEntry] = []
        var bytes = 0
        var place = Int(slot.rawValue - firstSlot.rawValue)
        let end = min(entries.count, Int(last.rawValue - firstSlot.rawValue) + 1)
        precondition(place >= 0, "trimmed slots cannot be sent")
        while place < end, bytes < bytesMax {
            chunk.append(entries[place])
            bytes += entries[place].sizeBytes
            place += 1
        }
        return chunk
    }

    /// Forgets entries up to `slot`, which a checkpoint has made durable elsewhere.
    mutating func trim(through slot: Slot) {
        while firstSlot <= slot, !entries.isEmpty {
            entries.removeFirst()
            firstSlot = firstSlot.next
        }
    }

    /// The tables hold everything up to `slot`, whether it was accepted here or not.
    mutating func skip(through slot: Slot) {
        trim(through: slot)
        if entries.isEmpty { firstSlot = max(firstSlot, slot.next) }
    }
}
