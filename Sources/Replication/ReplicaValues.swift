// The small values around a pump: limits, refusals, batches, and the pump's own parts. Each is owned by one pump.
import Base
import Collections
import Consensus
import Storage

/// Limits of a replica.
package struct ReplicaLimits: Sendable {
    /// Proposals that wait for their outcome; above this a proposal is refused. Bounds memory and queueing time.
    package var pendingProposalsMax = 65_536
    /// A command's size in bytes; larger ones are the service's refusal to make, this is the last guard.
    package var commandBytesMax = 16 << 20
    /// Slots that the tables may lag behind the log. Bounds replay after a crash.
    package var tableLagSlotsMax: Int64 = 100_000
    /// Slots given out and not yet decided; bounds what a new leader must take over.
    package var undecidedSlotsMax = 65_536
    /// Decided slots that are held for replicas that lag, in the log and in memory, where each takes 64 bytes more than its command.
    package var retainedSlots: Int64 = 25_000
    /// Bytes of commands among them.
    package var retainedBytes = 32 << 20
    /// How long a proposal that was sent to the leader, or a read, waits before it is sent again.
    package var forwardPatience = Duration.seconds(4)
    package init() {}
}

/// Who this replica is, and whom it begins with. Once the log holds a roster, that counts.
package struct Membership: Sendable, Equatable {
    package var id: NodeID
    package var members: [NodeID]
    let origin: GroupOrigin

    /// Members that are settled elsewhere, all of which are taken to remember what they promised.
    package init(id: NodeID, members: [NodeID]) {
        self.id = id
        self.members = members
        origin = .settled(id, members)
    }

    /// A replica that founds a group with others when all of them have begun with empty directories, or else joins the one that they belong
    /// to. `members` are those that a directory from before groups were founded is known to belong to.
    package init(founding me: Member, with others: [NodeID], members: [Member]? = nil) {
        id = me.id
        self.members = others.filter { $0 != me.id } + [me.id]
        origin = .founding(me, with: others, members: members)
    }

    package static let alone = Membership(id: NodeID(1), members: [NodeID(1)])
}

/// Why a proposal has no outcome.
package enum ReplicaRefusal: Error, Sendable, Equatable {
    /// Too many proposals wait already; retry later.
    case busy
    /// No leader could be reached, or this replica has stopped; whether the command was executed is not known.
    case notLeading
    /// The disk refused the write (full, for example); the command was not executed.
    case storage(StorageError)
    case tooLarge(bytes: Int)
}

/// A command that was executed, with the proposal that waits for it, if it was made here.
package struct Executed<Outcome: Sendable>: Sendable {
    package var slot: Slot
    package var proposal: ProposalID?
    package var outcome: Outcome
}

/// Records for the log that become durable together.
package struct PersistBatch: Sendable {
    package internal(set) var records: [AcceptorRecord]

    package init(records: [AcceptorRecord]) { self.records = records }

    /// The effects of their durability.
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

    /// The highest slot that the log is complete to once the batch is in it.
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
    /// Bytes of commands that were executed.
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

    /// Takes a follower's batch if it goes on where the one before ended, or starts over. Above `room` it is dropped and will be sent
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

/// Reads that wait until this replica has executed what was acknowledged before they were asked for.
struct ReadBarriers: Sendable {
    private struct Barrier: Sendable {
        var token: ReadToken
        var askedAt: Instant
        var slot: Slot?
    }
    private var barriers: [Barrier] = []
    private var nextToken: Int64

    /// Tokens of one start are not those of another: an answer that a leader owes to the life before must not release a read of this one.
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

    /// Those without an answer.
    var open: [ReadToken] { barriers.filter { $0.slot == nil }.map(\.token) }

    /// Those without an answer for `patience`; they are asked again.
    mutating func stuck(now: Instant, patience: Duration) -> [ReadToken] {
        var stuck: [ReadToken] = []
        for place in barriers.indices where barriers[place].slot == nil && now - barriers[place].askedAt > patience {
            barriers[place].askedAt = now
            stuck.append(barriers[place].token)
        }
        return stuck
    }
}
