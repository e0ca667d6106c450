// The small values around a pump: limits, refusals, batches, and the pump's own parts. Each is owned by one pump.
import Base
import Collections
import Consensus
import Storage

/// Limits of a replica.
package struct ReplicaLimits: Sendable {
    /// Limit of the waiting proposals; above it a proposal is refused. Bounds memory and queueing time.
    package var pendingProposalsMax = 65_536
    /// Size limit of a command in bytes, as a last guard; the service refuses larger ones itself.
    package var commandBytesMax = 16 << 20
    /// Slots that the tables may lag behind the log. Bounds replay after a crash.
    package var tableLagSlotsMax: Int64 = 100_000
    /// Limit of the assigned, undecided slots; bounds the work of a new leader.
    package var undecidedSlotsMax = 65_536
    /// Decided slots kept for lagging replicas, in the log and in memory, where each takes 64 bytes beside its command.
    package var retainedSlots: Int64 = 25_000
    /// Limit of the bytes of their commands.
    package var retainedBytes = 32 << 20
    /// How long a proposal sent to the leader, or a read, waits before it is sent again.
    package var forwardPatience = Duration.seconds(4)
    package init() {}
}

/// This replica's identity and initial members. A roster in the log takes precedence.
package struct Membership: Sendable, Equatable {
    package var id: NodeID
    package var members: [NodeID]
    let origin: GroupOrigin

    /// Members settled elsewhere; all of them count as remembering their promises.
    package init(id: NodeID, members: [NodeID]) {
        self.id = id
        self.members = members
        origin = .settled(id, members)
    }

    /// A replica that founds a group with others if all of them begin with empty directories, or else joins theirs. `members` are those of
    /// a directory from before groups were founded.
    package init(founding me: Member, with others: [NodeID], members: [Member]? = nil) {
        id = me.id
        self.members = others.filter { $0 != me.id } + [me.id]
        origin = .founding(me, with: others, members: members)
    }

    package static let alone = Membership(id: NodeID(1), members: [NodeID(1)])
}

/// The reason why a proposal has no outcome.
package enum ReplicaRefusal: Error, Sendable, Equatable {
    /// Too many proposals wait already; retry later.
    case busy
    /// No leader could be reached, or this replica has stopped; whether the command was executed is unknown.
    case notLeading
    /// The disk refused the write (full, for example); the command was not executed.
    case storage(StorageError)
    case tooLarge(bytes: Int)
}

/// An executed command, with its waiting proposal if it was made here.
package struct Executed<Outcome: Sendable>: Sendable {
    package var slot: Slot
    package var proposal: ProposalID?
    package var outcome: Outcome
}

/// Records for the log that become durable together.
package struct PersistBatch: Sendable {
    package internal(set) var records: [AcceptorRecord]

    package init(records: [AcceptorRecord]) { self.records = records }

    /// The notice of the batch's durability.
    var notice: DurableNotice {
        var notice = DurableNotice()
        // Of thousands of entries only the last one is looked at.
        var last: Int?
        for place in records.indices {
            switch records[place] {
            case .promise(let ballot): notice.promised = max(notice.promised ?? .none, ballot)
            case .accept: last = place
            case .founded: notice.founded = true
            case .began, .installed, .directory: break
            }
        }
        if let last, case .accept(let entry) = records[last] { (notice.accepted, notice.through) = (entry.ballot, entry.slot) }
        return notice
    }

    /// The slot through which the log is complete with the batch.
    var lastSlot: Slot {
        records.reduce(.zero) { highest, record in
            switch record {
            case .accept(let entry): max(highest, entry.slot)
            case .installed(let slot): max(highest, slot)
            case .promise, .began, .directory, .founded: highest
            }
        }
    }
}

/// The rows that the tables lack.
struct TableBacklog: Sendable {
    /// In order.
    var rows = RowChanges()
    var originsChanged = false
    /// Bytes of executed commands.
    var bytes = 0
    /// The slot up to which the tables are complete.
    var saved: Slot

    init(saved: Slot) { self.saved = saved }

    mutating func take(_ ledger: ReplicaLedger) -> [RowChanges.Change] {
        if originsChanged { ledger.origins.upserts(into: &rows) }
        defer {
            rows = RowChanges()
            originsChanged = false
        }
        return rows.changes
    }
}

/// Proposals that wait for a slot on the leader: its own and those of its followers, each in its row.
struct LeaderIntake: Sendable {
    private var queue = Deque<Proposal>()
    /// The last proposal taken from each follower in this term.
    private var last = LookupTable<NodeID, Origin>()

    mutating func addOwn(_ proposal: Proposal) { queue.append(proposal) }

    /// Takes a follower's batch if it continues the one before, or restarts. Above `room` the batch is dropped; the follower sends it
    /// again.
    mutating func add(_ batch: [Proposal], restart: Bool, from: NodeID, room: Int) {
        guard let first = batch.first, let end = batch.last, queue.count + batch.count <= room else { return }
        let goesOn = last[from].map { $0.incarnation == first.origin.incarnation && $0.sequence &+ 1 == first.origin.sequence } ?? false
        guard restart || goesOn, batch.allSatisfy({ $0.origin.node == from }) else { return }
        last[from] = end.origin
        queue.append(contentsOf: batch)
    }

    mutating func take(_ count: Int) -> [Proposal] {
        let taken = Array(queue.prefix(max(0, count)))
        queue.removeFirst(taken.count)
        return taken
    }

    mutating func removeAll() {
        queue.removeAll()
        last.removeAll()
    }
}

/// Reads that wait until this replica has executed everything acknowledged before their start.
struct ReadBarriers: Sendable {
    private struct Barrier: Sendable {
        var token: ReadToken
        var askedAt: Instant
        var slot: Slot?
    }
    private var barriers: [Barrier] = []
    private var nextToken: Int64

    /// Tokens differ between starts: a leader's late answer to the life before must not release a read of this one.
    init(start: Int64) { nextToken = start << 32 }

    mutating func add(_ now: Instant) -> ReadToken {
        let token = ReadToken(nextToken)
        nextToken += 1
        barriers.append(Barrier(token: token, askedAt: now))
        return token
    }

    mutating func answered(_ token: ReadToken, _ slot: Slot) {
        guard let place = barriers.firstIndex(where: { $0.token == token }), barriers[place].slot == nil else { return }
        barriers[place].slot = slot
    }

    mutating func take(applied: Slot) -> [ReadToken] {
        guard !barriers.isEmpty else { return [] }
        let ready = barriers.filter { $0.slot.map { $0 <= applied } ?? false }.map(\.token)
        if !ready.isEmpty { barriers.removeAll { $0.slot.map { $0 <= applied } ?? false } }
        return ready
    }

    mutating func removeAll() -> [ReadToken] {
        defer { barriers.removeAll() }
        return barriers.map(\.token)
    }

    /// Reads without an answer.
    var open: [ReadToken] { barriers.filter { $0.slot == nil }.map(\.token) }

    /// Reads without an answer for `patience`; they are asked again.
    mutating func stuck(now: Instant, patience: Duration) -> [ReadToken] {
        var stuck: [ReadToken] = []
        for place in barriers.indices where barriers[place].slot == nil && now - barriers[place].askedAt > patience {
            barriers[place].askedAt = now
            stuck.append(barriers[place].token)
        }
        return stuck
    }
}
