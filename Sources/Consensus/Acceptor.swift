// The acceptor's role: promise, accept, remember. It answers only what its records make durable, so its replies travel behind them. It
// keeps the accepted entries above the last trimmed slot in memory, those that are decided packed; recovery reads them back from the log.
import Base
import Collections

/// One replica's promises and accepted entries.
package struct Acceptor: Sendable {
    package private(set) var promised = Ballot.none
    /// The last life that this replica began.
    package private(set) var incarnation: Int64 = 0
    /// The number of the data directory; zero if its log was begun before directories had numbers.
    package private(set) var directory: Int64 = 0
    /// The members that the group was founded with, if this replica was one of them.
    package private(set) var founded: Roster?
    /// Decided entries above the trim point. Another ballot can only bring the same values.
    private var settled = SettledEntries()
    /// Accepted entries by slot, contiguous, behind those.
    private var entries = Deque<LogEntry>()

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
            if entries.isEmpty, settled.isEmpty, entry.slot > openSlot { settled.begin(after: Slot(entry.slot.rawValue - 1)) }
            keep(entry)
        }
    }

    /// The slot of the first entry that is not settled.
    private var openSlot: Slot { settled.next }
    package var lastSlot: Slot { Slot(openSlot.rawValue + Int64(entries.count) - 1) }
    /// Whether nothing was ever promised or accepted here.
    package var isUntouched: Bool { promised == .none && lastSlot == .zero }
    /// Entries up to here are no longer held.
    package var trimmedThrough: Slot { Slot(settled.first.rawValue - 1) }

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

    /// Follows a leader of a higher ballot without a promise. The accepted entries make this durable.
    mutating func follow(_ ballot: Ballot) { promised = max(promised, ballot) }

    /// The records that accept `batch`; nil if a higher ballot was promised.
    mutating func accept(_ ballot: Ballot, _ batch: [LogEntry]) -> [AcceptorRecord]? {
        guard ballot >= promised else { return nil }
        promised = ballot
        for entry in batch { keep(entry) }
        return batch.map { .accept($0) }
    }

    /// Takes the command out of an entry that reached no disk and no peer; the slot and its origin stay. Returns the new record.
    mutating func blank(_ slot: Slot) -> AcceptorRecord? {
        let place = Int(slot.rawValue - openSlot.rawValue)
        guard entries.indices.contains(place) else { return nil }
        entries[place].command = Bytes()
        return .accept(entries[place])
    }

    private mutating func keep(_ entry: LogEntry) {
        let place = Int(entry.slot.rawValue - openSlot.rawValue)
        if place < 0 { return }
        precondition(place <= entries.count, "slots are accepted without gaps")
        if place == entries.count { entries.append(entry) } else { entries[place] = entry }
    }

    /// The accepted entry in a slot above the trim point.
    package func entry(at slot: Slot) -> LogEntry? {
        let place = Int(slot.rawValue - openSlot.rawValue)
        if place < 0 { return settled.entry(at: slot) }
        return place < entries.count ? entries[place] : nil
    }

    /// Everything that is held from `slot` on.
    package func suffix(from slot: Slot) -> [LogEntry] {
        chunk(from: max(slot, trimmedThrough.next), through: lastSlot, bytesMax: .max)
    }

    /// Entries from `slot` up to `last`, as many as fit in `bytesMax`, but at least one if there is one.
    func chunk(from slot: Slot, through last: Slot, bytesMax: Int) -> [LogEntry] {
        precondition(slot > trimmedThrough, "trimmed slots cannot be sent")
        var chunk: [LogEntry] = []
        var bytes = 0
        var slot = slot
        while slot <= last, bytes < bytesMax, let entry = entry(at: slot) {
            chunk.append(entry)
            bytes += entry.sizeBytes
            slot = slot.next
        }
        return chunk
    }

    /// Entries up to `slot` are decided and handed out: they are kept for others only.
    mutating func settle(through slot: Slot) {
        while openSlot <= slot, let entry = entries.popFirst() { settled.append(entry) }
    }

    /// Up to where decided entries may be forgotten so that `slots` of them stay, or fewer if those have more than `bytes` of commands.
    package func surplus(beyond slots: Int64, bytes: Int) -> Slot { settled.surplus(beyond: slots, bytes: bytes) }

    /// Forgets entries up to `slot`, which a peer that still wants them finds in the tables.
    mutating func trim(through slot: Slot) {
        settled.trim(through: slot)
        while openSlot <= slot, !entries.isEmpty {
            entries.removeFirst()
            settled.begin(after: openSlot)
        }
    }

    /// The tables hold everything up to `slot`, whether it was accepted here or not.
    mutating func skip(through slot: Slot) {
        trim(through: slot)
        if entries.isEmpty, settled.isEmpty, openSlot <= slot { settled.begin(after: slot) }
    }
}
