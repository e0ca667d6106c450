// A replica's own proposals from their making to their execution here, and the part already sent to the present leader. They keep their
// order through every change of leader: after one, all are sent again from the first, and the origin's rule drops the repeated ones.
import Base
import Collections
import Consensus

struct ProposalQueue: Sendable {
    struct Entry: Sendable {
        var id: ProposalID
        /// Boxed, since a queue of the machine's own type would not be compiled for it: hot, `platform-bench coord`.
        var command: any AnyObject & Sendable
        var proposal: Proposal
    }
    private let node: NodeID
    /// This replica's life; see `Origin`. A start begins one, and so does giving up the waiting proposals.
    private(set) var life: Int64
    private var nextSequence: Int64 = 1
    private var nextID: Int64 = 1
    private var entries = Deque<Entry>()
    /// How many of the first entries were sent to the present leader.
    private var sent = 0
    private var lastProgress = Instant.zero

    /// Bits for the lives within one start of the process.
    private static var livesPerStartBits: Int64 { 20 }
    /// Limit of the proposals in one message.
    private static var forwardMax: Int { 1024 }
    /// Limit of the bytes of commands in one message.
    private static var forwardBytesMax: Int { 1 << 20 }

    init(node: NodeID, start: Int64) {
        self.node = node
        life = start << Self.livesPerStartBits
    }

    /// The number of a life's start.
    static func start(of life: Int64) -> Int64 { life >> livesPerStartBits }

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    var all: [Proposal] { entries.map(\.proposal) }

    mutating func add(_ command: some Sendable, _ bytes: Bytes) -> Entry {
        let origin = Origin(node: node, incarnation: life, sequence: nextSequence)
        let entry = Entry(id: ProposalID(nextID), command: Boxed(command), proposal: Proposal(origin: origin, command: bytes))
        nextID += 1
        nextSequence += 1
        entries.append(entry)
        return entry
    }

    /// A command of `origin` was executed: returns its proposal, if it was made here.
    mutating func executed(_ origin: Origin, now: Instant) -> Entry? {
        guard !entries.isEmpty, entries[0].proposal.origin == origin else { return nil }
        sent = max(0, sent - 1)
        lastProgress = now
        return entries.removeFirst()
    }

    /// Withdraws all proposals. Those without a slot leave no trace; `used` is the last one with a slot.
    mutating func withdrawAll(used: Int64) -> [ProposalID] {
        defer {
            nextSequence = max(used + 1, entries.first?.proposal.origin.sequence ?? nextSequence)
            entries.removeAll()
            sent = 0
        }
        return entries.map(\.id)
    }

    /// Gives up all proposals: sent ones may still be executed, later ones begin a new row.
    mutating func abandonAll() -> [ProposalID] {
        defer {
            entries.removeAll()
            sent = 0
            life += 1
            nextSequence = 1
        }
        return entries.map(\.id)
    }

    /// Another leader, or a new connection to it: resends everything.
    mutating func resend() { sent = 0 }

    /// Resends everything after `patience` without an execution.
    mutating func resendIfStuck(now: Instant, patience: Duration) {
        if !entries.isEmpty, sent > 0, now - lastProgress > patience { sent = 0 }
    }

    /// The next message to the leader; nil if it has everything.
    mutating func nextForward(now: Instant) -> PeerMessage? {
        guard sent < entries.count else { return nil }
        let restart = sent == 0
        var proposals: [Proposal] = []
        var bytes = 0
        while sent < entries.count, proposals.count < Self.forwardMax, bytes < Self.forwardBytesMax {
            proposals.append(entries[sent].proposal)
            bytes += entries[sent].proposal.command.readableBytes
            sent += 1
        }
        if restart { lastProgress = now }
        return .forward(proposals, restart: restart)
    }
}

/// A proposal and the completion that waits for it, boxed for the same reason.
struct WaitingProposal {
    var id: ProposalID
    var completion: AnyObject
}

/// A value whose type only its owner knows.
final class Boxed<Value: Sendable>: Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
