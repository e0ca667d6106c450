// The replica pump: drains what arrived, steps consensus, and says what to write, answer and store, all synchronously. It owns the
// consensus node and the service's state machine; disk, tables, clock and network are its owner's (ReplicaHost, or the
// simulator). Nothing is answered before the record that decides it is durable.
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
    package init() {}
}

/// Why a proposal has no outcome.
package enum ReplicaRefusal: Error, Sendable, Equatable {
    /// Too many proposals wait already; retry later.
    case busy
    /// This replica does not lead, or has stopped; whether the command was executed is not known.
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
    package var records: [AcceptorRecord]
    package var ballot: Ballot
    package var promised: Ballot?
    package var lastSlot: Slot?
}

/// A state machine behind a replicated log.
package struct ReplicaPump<Machine: StateMachine> {
    package private(set) var machine: Machine
    package private(set) var node: PaxosNode
    package let limits: ReplicaLimits
    /// The last executed slot.
    package private(set) var applied: Slot
    /// What the tables lack, in order.
    package private(set) var unsaved = RowChanges()
    /// The slot up to which the tables are complete.
    package private(set) var saved: Slot
    private var queue: [(id: ProposalID, command: Bytes)] = []
    private var waiting = LookupTable<Slot, ProposalID>()
    private var waitingCount = 0
    private var nextProposal: Int64 = 1
    private var inFlight: PersistBatch?
    private var pendingRecords: [AcceptorRecord] = []
    /// Decided entries that still have to be executed, in slot order.
    private var decided = Deque<LogEntry>()
    package private(set) var stopped: ReplicaRefusal?
    /// Why the disk takes nothing at present.
    package private(set) var stalled: StorageError?

    /// `machine` as loaded from tables that are complete up to `applied`; `acceptor` as recovered from the log.
    package init(machine: Machine, acceptor: Acceptor, applied: Slot, id: NodeID = NodeID(1), members: [NodeID] = [NodeID(1)], limits: ReplicaLimits = .init()) {
        self.machine = machine
        self.limits = limits
        self.applied = applied
        saved = applied
        node = PaxosNode(id: id, members: members, acceptor: acceptor, applied: applied)
    }

    package var isLeading: Bool { node.isLeading }
    package var pendingCount: Int { waitingCount + queue.count }

    /// Begins a leadership. Entries that the log holds beyond the tables are executed before anything new.
    package mutating func campaign() -> PersistBatch? {
        absorb(node.step(.campaign))
        return pump(time: .zero)
    }

    /// Queues a command; it is written with the next batch, at the next `pump`.
    package mutating func propose(_ command: Machine.Command) -> Result<ProposalID, ReplicaRefusal> {
        if let stopped { return .failure(stopped) }
        if let stalled { return .failure(.storage(stalled)) }
        guard pendingCount < limits.pendingProposalsMax else { return .failure(.busy) }
        guard applied.rawValue - saved.rawValue < limits.tableLagSlotsMax else { return .failure(.busy) }
        let bytes: Bytes
        do { bytes = try command.encoded(as: DurableDialect.self) } catch { preconditionFailure("a command of ours can always be encoded: \(error)") }
        guard bytes.readableBytes <= limits.commandBytesMax else { return .failure(.tooLarge(bytes: bytes.readableBytes)) }
        let id = ProposalID(nextProposal)
        nextProposal += 1
        queue.append((id, bytes))
        return .success(id)
    }

    /// Gives queued commands their slots and hands out the next batch, if none is under way: to be appended and made durable, then
    /// reported by `persisted`, `persistStalled` or `persistFailed`.
    package mutating func pump(time: WallTime) -> PersistBatch? {
        guard stopped == nil, inFlight == nil else { return nil }
        if node.isLeading, !queue.isEmpty {
            var slot = node.proposer.nextSlot
            for proposal in queue {
                waiting[slot] = proposal.id
                slot = slot.next
            }
            waitingCount += queue.count
            absorb(node.step(.propose(queue.map(\.command), time: time)))
            queue.removeAll(keepingCapacity: true)
        }
        return nextBatch()
    }

    private mutating func nextBatch() -> PersistBatch? {
        guard !pendingRecords.isEmpty else { return nil }
        var batch = PersistBatch(records: pendingRecords, ballot: node.acceptor.promised)
        for record in pendingRecords {
            switch record {
            case .promise(let ballot): batch.promised = ballot
            case .accept(let entry): batch.lastSlot = entry.slot
            }
        }
        pendingRecords.removeAll(keepingCapacity: true)
        inFlight = batch
        return batch
    }

    private mutating func absorb(_ effects: PaxosEffects) {
        precondition(effects.messages.isEmpty, "a quorum of one sends no messages")
        pendingRecords += effects.append
        decided.append(contentsOf: effects.committed)
    }

    /// The batch under way is durable. What that decides is executed by `executeNext`, what comes next is handed out by `pump`.
    package mutating func persisted() {
        guard let batch = inFlight else { preconditionFailure("only a batch under way becomes durable") }
        inFlight = nil
        stalled = nil
        if let ballot = batch.promised { absorb(node.step(.promiseDurable(ballot))) }
        if let slot = batch.lastSlot { absorb(node.step(.entriesDurable(batch.ballot, through: slot))) }
    }

    /// Executes the next decided command; nil if there is none. One at a time, so that a reader can look at the state between two commands.
    package mutating func executeNext() -> Executed<Machine.Outcome>? {
        while let entry = decided.popFirst() {
            precondition(entry.slot == applied.next, "slots are executed in order: \(entry.slot) after \(applied)")
            applied = entry.slot
            guard entry.command.readableBytes > 0 else { continue }
            let command: Machine.Command
            do { command = try Machine.Command(decoding: entry.command, as: DurableDialect.self) } catch {
                preconditionFailure("the log holds a command that this version cannot read (slot \(entry.slot)): \(error)")
            }
            let outcome = machine.apply(command, at: ApplyPosition(slot: entry.slot, time: entry.time), rows: &unsaved)
            let proposal = waiting.remove(entry.slot)
            if proposal != nil { waitingCount -= 1 }
            return Executed(slot: entry.slot, proposal: proposal, outcome: outcome)
        }
        return nil
    }

    /// The disk refused the batch under way before any of it was written (it is full). Its commands are taken out and their proposals refused,
    /// as are those that wait: nobody hangs on a full disk, and what was refused is never executed. What is left of the batch stays under way,
    /// to be tried again; until then new proposals are refused.
    package mutating func persistStalled(_ error: StorageError) -> (batch: PersistBatch, refused: [ProposalID]) {
        guard var batch = inFlight else { preconditionFailure("only a batch under way can stall") }
        stalled = error
        var refused: [ProposalID] = []
        for (place, record) in batch.records.enumerated() {
            guard case .accept(let entry) = record, let proposal = waiting.remove(entry.slot) else { continue }
            waitingCount -= 1
            refused.append(proposal)
            batch.records[place] = node.withdraw(entry.slot)
        }
        refused += queue.map(\.id)
        queue.removeAll()
        inFlight = batch
        return (batch, refused)
    }

    /// The batch under way may or may not be on disk and cannot be made durable: the replica stops for good, and only a restart
    /// that reads the log again can tell what lasted. Returns the proposals whose fate is unknown.
    package mutating func persistFailed(_ error: StorageError) -> [ProposalID] {
        inFlight = nil
        stopped = .storage(error)
        let lost = queue.map(\.id)
        queue.removeAll()
        return lost
    }

    /// Takes the rows that the tables lack, with the slot that they lead to; the caller stores both in one transaction.
    package mutating func takeUnsaved() -> (changes: [RowChanges.Change], applied: Slot)? {
        guard applied > saved else { return nil }
        let changes = unsaved.changes
        unsaved = RowChanges()
        return (changes, applied)
    }

    /// The tables are complete up to `slot`.
    package mutating func tablesSaved(through slot: Slot) { saved = slot }

    /// The tables hold `slot` durably: the log below is not needed. Returns the promise to write anew before the log is trimmed.
    package mutating func checkpointed(_ slot: Slot) -> AcceptorRecord {
        absorb(node.step(.checkpointed(slot)))
        return .promise(node.acceptor.promised)
    }
}
