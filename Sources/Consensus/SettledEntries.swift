// Decided entries for replicas that lag, packed: an entry as received costs several times its command, in an allocation of its own or in
// the socket's whole buffer. Source: none; Acceptor decides which entries are kept.
import Base
import Collections

/// Consecutive entries, appended at one end and forgotten at the other.
struct SettledEntries: Sendable {
    /// All of an entry but its slot and its command. 64 bytes.
    private struct Head: Sendable {
        var ballot: Ballot
        var time: WallTime
        var origin: Origin
        var isRoster: Bool
        /// The end of its command in the run's bytes.
        var end: Int
    }
    private struct Run: Sendable {
        let first: Slot
        var heads: [Head] = []
        var commands: [UInt8] = []
        var next: Slot { Slot(first.rawValue + Int64(heads.count)) }
    }
    private var runs = Deque<Run>()
    /// The first slot held, or the next one if there is none.
    private(set) var first = Slot(1)
    /// The slot after the last one.
    private(set) var next = Slot(1)

    /// Entries are given back by whole runs, so these are small: entries in a run, and bytes of commands after which no more are added.
    private static let runEntriesMax = 256
    private static let runBytesMax = 64 << 10

    var isEmpty: Bool { first == next }

    /// Restarts behind a slot; must be empty.
    mutating func begin(after slot: Slot) {
        precondition(isEmpty, "entries that are held stay in their row")
        (first, next) = (slot.next, slot.next)
    }

    mutating func append(_ entry: LogEntry) {
        precondition(entry.slot == next, "entries are settled in order")
        if runs.last.map({ $0.heads.count >= Self.runEntriesMax || $0.commands.count >= Self.runBytesMax }) ?? true { addRun() }
        let place = runs.count - 1
        entry.command.withUnsafeReadableBytes { runs[place].commands.append(contentsOf: $0) }  // copied within the call
        runs[place].heads.append(
            Head(ballot: entry.ballot, time: entry.time, origin: entry.origin, isRoster: entry.isRoster, end: runs[place].commands.count))
        next = next.next
    }

    private mutating func addRun() {
        // A run that is full needs no room to grow.
        if let last = runs.indices.last { runs[last].commands = runs[last].commands.withUnsafeBufferPointer { Array($0) } }
        var run = Run(first: next)
        run.heads.reserveCapacity(Self.runEntriesMax)
        runs.append(run)
    }

    /// The entry in a held slot.
    func entry(at slot: Slot) -> LogEntry? {
        guard slot >= first, slot < next else { return nil }
        // The last run that begins at or before the slot.
        var (low, high) = (0, runs.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if runs[middle].first <= slot { low = middle } else { high = middle }
        }
        let run = runs[low]
        let place = Int(slot.rawValue - run.first.rawValue)
        let head = run.heads[place]
        let command = Bytes(bytes: run.commands[(place == 0 ? 0 : run.heads[place - 1].end)..<head.end])
        return LogEntry(slot: slot, ballot: head.ballot, time: head.time, origin: head.origin, command: command, isRoster: head.isRoster)
    }

    /// The highest slot through which entries may be forgotten so that `count` of them stay, or fewer if those have more than `bytes` of
    /// commands, to within a run.
    func surplus(beyond count: Int64, bytes: Int) -> Slot {
        let least = max(first.rawValue, next.rawValue - count) - 1
        var held = 0
        for run in runs.reversed() where run.next.rawValue - 1 > least {
            if held >= bytes { return Slot(run.next.rawValue - 1) }
            held += run.commands.count
        }
        return Slot(least)
    }

    mutating func trim(through slot: Slot) {
        guard slot >= first else { return }
        first = min(slot.next, next)
        while let run = runs.first, run.next <= first { runs.removeFirst() }
    }
}
