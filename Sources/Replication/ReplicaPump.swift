// The replica pump: drains arrivals, steps consensus, and returns the records, messages, answers and rows, all synchronously. It owns the
// consensus node and the service's state machine; disk, tables, clock and network are its owner's (ReplicaHost, or the
// simulator). Nothing is answered before the record that decides it is durable.
import Base
import Collections
import Consensus
import Storage

/// A state machine behind a replicated log. Not copyable, so that a look at a part of it borrows: a getter of generic code would copy the
/// whole first, with every reference in the state, for each request. hot: measured by `platform-bench coord`.
package struct ReplicaPump<Machine: StateMachine>: ~Copyable {
    package private(set) var machine: Machine
    package private(set) var node: PaxosNode
    package let limits: ReplicaLimits
    /// The last executed slot.
    package private(set) var applied: Slot
    private var backlog: TableBacklog
    private var ledger: ReplicaLedger
    private var proposals: ProposalQueue
    private var intake = LeaderIntake()
    private var reads: ReadBarriers
    private var inFlight: PersistBatch?
    private var pendingRecords: [AcceptorRecord] = []
    /// Decided entries that still have to be executed, in slot order.
    private var decided = Deque<LogEntry>()
    private var outbox: [Outgoing] = []
    /// The peer whose tables this replica wants, until it has them.
    package private(set) var wantsTablesOf: NodeID?
    package private(set) var halt = Halt()
    private var term: Term

    /// The reason why the replica refuses proposals.
    package struct Halt: Sendable {
        /// For good, until a restart.
        package fileprivate(set) var stopped: ReplicaRefusal?
        /// While the disk takes nothing.
        package fileprivate(set) var stalled: StorageError?
    }

    /// Leader and ballot as last seen, and the time since which there is none.
    private struct Term: Sendable {
        var leader: NodeID?
        var ballot = Ballot.none
        var leaderlessSince: Instant?
    }

    /// `machine` and `ledger` as loaded from tables that are complete up to `applied`. With `awaitsTables` they are empty and `applied` is
    /// where the log begins. `acceptor` as recovered from the log, which records the `start`th start.
    package init(
        machine: Machine, ledger: ReplicaLedger, acceptor: Acceptor, applied: Slot, awaitsTables: Bool = false,
        membership: Membership = .alone,
        start: Int64, now: Instant, seed: UInt64 = 1, limits: ReplicaLimits = .init(), options: PaxosOptions = .init()
    ) {
        self.machine = machine
        self.ledger = ledger
        self.limits = limits
        self.applied = applied
        backlog = TableBacklog(saved: applied)
        proposals = ProposalQueue(node: membership.id, start: start)
        reads = ReadBarriers(start: start)
        node = PaxosNode(
            membership.origin, recorded: ledger.roster, acceptor: acceptor, applied: applied, awaitsTables: awaitsTables, now: now,
            seed: seed,
            options: options)
        term = Term(leaderlessSince: now)
    }

    /// The number of the next start, after every known one.
    package static func nextStart(_ acceptor: Acceptor, _ ledger: ReplicaLedger, _ id: NodeID) -> Int64 {
        max(acceptor.incarnation, ProposalQueue.start(of: ledger.origins.incarnation(of: id))) &+ 1
    }

    package var isAlone: Bool { node.standsAlone }
    /// The members as of the last decided slot; nil while a newcomer does not know them.
    package var roster: Roster? { node.roster }
    package var isLeading: Bool { node.isLeading }
    /// Whether the state here is empty until a peer's tables come.
    package var awaitsTables: Bool { node.awaitsTables }
    package var leader: NodeID? { node.leader }
    package var pendingCount: Int { proposals.count }
    package var stopped: ReplicaRefusal? { halt.stopped }
    package var stalled: StorageError? { halt.stalled }
    package var saved: Slot { backlog.saved }
    /// The time since which no leader is known; nil while one is.
    package var leaderlessSince: Instant? { term.leaderlessSince }
    /// The time of the next `tick`.
    package var nextDeadline: Instant? { node.nextDeadline }

    // MARK: input

    /// Begins a leadership. The log's entries beyond the tables are executed before anything new.
    package mutating func campaign(now: Instant) { step(.campaign, now) }

    /// Queues a command; with the next `pump` it gets its slot, or goes to the leader.
    package mutating func propose(_ command: Machine.Command) -> Result<ProposalID, ReplicaRefusal> {
        if let stopped { return .failure(stopped) }
        if let stalled { return .failure(.storage(stalled)) }
        guard !awaitsTables else { return .failure(.notLeading) }
        guard pendingCount < limits.pendingProposalsMax, applied.rawValue - saved.rawValue < limits.tableLagSlotsMax else {
            return .failure(.busy)
        }
        let bytes: Bytes
        do { bytes = try Machine.encode(command) } catch { preconditionFailure("a command of ours can always be encoded: \(error)") }
        guard bytes.readableBytes <= limits.commandBytesMax else { return .failure(.tooLarge(bytes: bytes.readableBytes)) }
        let entry = proposals.add(command, bytes)
        if node.isLeading { intake.addOwn(entry.proposal) }
        return .success(entry.id)
    }

    /// Asks for the slot from which on a read sees everything acknowledged before now; `takeReadable` reports it.
    package mutating func readBarrier(now: Instant) -> ReadToken {
        let token = reads.add(now)
        step(.read(token), now)
        return token
    }

    package mutating func receive(_ message: PeerMessage, from: NodeID, now: Instant) {
        switch message {
        case .paxos(let message): step(.received(Envelope(from: from, to: node.id, takesEntries ? message : message.withoutEntries)), now)
        case .forward(let batch, let restart):
            if node.isLeading { intake.add(batch, restart: restart, from: from, room: limits.pendingProposalsMax) }
        case .service, .tablesRequest, .tablesChunk, .changeMembers, .membersAnswer, .refusedCommands, .executed:
            preconditionFailure("the host keeps these to itself")
        }
    }

    /// No entries while the disk is full, nor beyond a bounded number that waits for tables.
    private var takesEntries: Bool { stalled == nil && !(awaitsTables && decided.count >= limits.tableLagSlotsMax) }

    package mutating func connected(_ peer: NodeID, now: Instant) {
        step(.connected(peer), now)
        guard peer == node.leader else { return }
        proposals.resend()
        askAgain(now)
    }

    package mutating func disconnected(_ peer: NodeID, now: Instant) { step(.disconnected(peer), now) }

    /// Time has passed: runs elections and heartbeats, and resends lost messages.
    package mutating func tick(now: Instant) {
        guard stopped == nil, !isAlone else { return }
        if stalled == nil { step(.tick, now) }
        proposals.resendIfStuck(now: now, patience: limits.forwardPatience)
        for token in reads.stuck(now: now, patience: limits.forwardPatience) { step(.read(token), now) }
    }

    private mutating func step(_ event: PaxosEvent, _ now: Instant) {
        take(node.step(event, now: now), now)
    }

    private mutating func take(_ effects: PaxosEffects, _ now: Instant) {
        pendingRecords += effects.append
        decided.append(contentsOf: effects.committed)
        for envelope in effects.messages { outbox.append(Outgoing(to: envelope.to, .paxos(envelope.message))) }
        for readable in effects.readable { reads.answered(readable.token, readable.slot) }
        // A leader has every decided entry; a replica without tables asks it for its tables unprompted.
        if let peer = effects.fetchTables ?? (awaitsTables ? node.leader : nil) { wantsTablesOf = peer }
        noteTerm(now)
    }

    private mutating func noteTerm(_ now: Instant) {
        let leader = node.leader
        let ballot = node.term
        guard leader != term.leader || ballot != term.ballot else { return }
        term = Term(leader: leader, ballot: ballot, leaderlessSince: leader == nil ? term.leaderlessSince ?? now : nil)
        intake.removeAll()
        proposals.resend()
        askAgain(now)
        if node.isLeading { for proposal in proposals.all { intake.addOwn(proposal) } }
    }

    /// Repeats to the present leader the queries that went to another one, or to none.
    private mutating func askAgain(_ now: Instant) {
        guard node.leader != nil else { return }
        for token in reads.open { step(.read(token), now) }
    }

    // MARK: output

    /// Gives queued commands their slots and hands out the next batch, if none is under way. The owner makes it durable and reports by
    /// `persisted`, `persistStalled` or `persistFailed`.
    package mutating func pump(time: WallTime, now: Instant) -> PersistBatch? {
        guard stopped == nil, inFlight == nil else { return nil }
        if node.wantsRosterRecord { step(.recordRoster(time), now) }
        if node.takesProposals {
            let room = limits.undecidedSlotsMax - Int(node.proposer.nextSlot.rawValue - node.committed.rawValue)
            let batch = intake.take(room)
            if !batch.isEmpty { step(.propose(batch, time: time), now) }
        }
        guard !pendingRecords.isEmpty else { return nil }
        let batch = PersistBatch(records: pendingRecords)
        pendingRecords.removeAll(keepingCapacity: true)
        inFlight = batch
        return batch
    }

    /// All messages for the peers since the last call, in order. Call it when no more events come at present.
    package mutating func takeMessages(now: Instant) -> [Outgoing] {
        guard !isAlone else { return [] }
        step(.flush, now)
        if !node.isLeading, let leader = node.leader {
            while let message = proposals.nextForward(now: now) { outbox.append(Outgoing(to: leader, message)) }
        }
        defer { outbox.removeAll(keepingCapacity: true) }
        return outbox
    }

    /// Reads that may be served now.
    package mutating func takeReadable() -> [ReadToken] { awaitsTables ? [] : reads.take(applied: applied) }

    /// The batch under way is durable. `executeNext` executes the decided commands, `pump` hands out the next batch.
    package mutating func persisted(now: Instant) {
        guard let batch = inFlight else { preconditionFailure("only a batch under way becomes durable") }
        inFlight = nil
        halt.stalled = nil
        step(.durable(batch.notice), now)
    }

    /// Executes the next decided command; nil if there is none. One at a time, so that a reader can see the state between two commands.
    /// Waits while the tables lag too far behind, or are missing. A command that `admits` rejects changes nothing.
    package mutating func executeNext(now: Instant, admits: (Slot, Bytes) -> Bool = { _, _ in true }) -> Executed<Machine.Outcome>? {
        guard !awaitsTables else { return nil }
        while applied.rawValue - saved.rawValue <= limits.tableLagSlotsMax, let entry = decided.popFirst() {
            precondition(entry.slot == applied.next, "slots are executed in order: \(entry.slot) after \(applied)")
            applied = entry.slot
            if entry.isRoster {
                if let outcome = executeRoster(entry) { return Executed(slot: entry.slot, proposal: nil, outcome: outcome) }
                continue
            }
            guard ledger.origins.admit(entry.origin) else { continue }
            backlog.originsChanged = backlog.originsChanged || entry.origin != .none
            let own = proposals.executed(entry.origin, now: now)
            backlog.bytes += entry.command.readableBytes
            guard entry.command.readableBytes > 0, admits(entry.slot, entry.command) else { continue }
            // Own proposals are still in memory; those of peers are decoded.
            let command = own.map { unsafeDowncast($0.command, to: Boxed<Machine.Command>.self).value } ?? Self.command(of: entry)  // only `propose` adds, and of this type
            let outcome = machine.apply(command, at: ApplyPosition(slot: entry.slot, time: entry.time), rows: &backlog.rows)
            return Executed(slot: entry.slot, proposal: own?.id, outcome: outcome)
        }
        return nil
    }

    private mutating func executeRoster(_ entry: LogEntry) -> Machine.Outcome? {
        let roster = entry.roster
        ledger.adopt(roster, &backlog.rows)
        return machine.noteMembers(roster, at: ApplyPosition(slot: entry.slot, time: entry.time), rows: &backlog.rows)
    }

    // MARK: members

    package mutating func describe(card: String) { node.describe(card: card) }

    /// Proposes other members in place of those of `version`; only a leader does.
    package mutating func changeMembers(_ members: [Member], from version: Int64, time: WallTime, now: Instant) -> Result<
        Slot, RosterRefusal
    > {
        guard stopped == nil, stalled == nil else { return .failure(.notLeading) }
        let (result, effects) = node.change(to: members, from: version, time: time, now: now)
        take(effects, now)
        return result
    }

    /// The members as of the last executed slot; nil while the log has named none.
    package var executedRoster: Roster? { ledger.roster }

    private static func command(of entry: LogEntry) -> Machine.Command {
        do { return try Machine.decode(entry.command) } catch {
            preconditionFailure("the log holds a command that this version cannot read (slot \(entry.slot)): \(error)")
        }
    }

    // MARK: a disk that fails

    /// The disk refused the batch under way before any of it was written (it is full). The batch stays under way, for another attempt;
    /// until then new proposals are refused. Alone, its commands are withdrawn and their proposals refused, as are the waiting ones: no
    /// client hangs on a full disk, and a refused command is never executed. With peers another replica leads meanwhile; the fate of the
    /// proposals is unknown.
    package mutating func persistStalled(_ error: StorageError, now: Instant) -> (
        batch: PersistBatch, refused: [ProposalID], refusal: ReplicaRefusal
    ) {
        guard var batch = inFlight else { preconditionFailure("only a batch under way can stall") }
        halt.stalled = error
        guard isAlone else {
            step(.stepDown, now)
            intake.removeAll()
            return (batch, proposals.abandonAll(), .notLeading)
        }
        var used: Int64 = 0
        for (place, record) in batch.records.enumerated() {
            guard case .accept(let entry) = record, entry.origin.incarnation == proposals.life else { continue }
            used = entry.origin.sequence
            batch.records[place] = node.withdraw(entry.slot)
        }
        intake.removeAll()
        inFlight = batch
        return (batch, proposals.withdrawAll(used: used), .storage(error))
    }

    /// The batch under way may or may not be on disk and cannot be made durable: the replica stops for good, and only a restart
    /// that reads the log again can tell what lasted. Returns the proposals whose fate is unknown.
    package mutating func persistFailed(_ error: StorageError, now: Instant) -> [ProposalID] {
        inFlight = nil
        return stopForGood(error, now: now)
    }

    /// The tables are damaged and cannot follow the log. The log is whole, and the batch under way may still end.
    package mutating func tablesFailed(_ error: StorageError, now: Instant) -> [ProposalID] {
        stopped == nil ? stopForGood(error, now: now) : []
    }

    /// The tables are damaged, and other replicas have theirs: gives up the executed state and restarts from the tables of another one.
    /// Promises and accepted entries stay. Returns the proposals whose fate is unknown.
    package mutating func loseTables(now: Instant) -> [ProposalID] {
        if case .storage(let error)? = stopped, error.isDamage { halt.stopped = nil }
        step(.lostTables, now)
        (machine, ledger) = (Machine(), ReplicaLedger())
        applied = node.acceptor.trimmedThrough
        backlog = TableBacklog(saved: applied)
        decided = Deque(node.acceptor.suffix(from: applied.next).prefix { $0.slot <= node.committed })
        return proposals.abandonAll()
    }

    private mutating func stopForGood(_ error: StorageError, now: Instant) -> [ProposalID] {
        halt.stopped = .storage(error)
        if !isAlone { step(.stepDown, now) }
        return proposals.abandonAll()
    }

    /// Without a leader: gives up the waiting proposals; their fate is unknown.
    package mutating func abandonProposals() -> [ProposalID] { proposals.abandonAll() }

    /// Gives up the waiting reads: no answer will come here.
    package mutating func abandonReads() -> [ReadToken] { reads.removeAll() }

    // MARK: tables

    /// Takes the rows that the tables lack, with the slot that they lead to; the caller stores both in one transaction.
    package mutating func takeUnsaved() -> (changes: [RowChanges.Change], applied: Slot)? {
        guard applied > saved else { return nil }
        machine.completeRows(&backlog.rows)
        return (backlog.take(ledger), applied)
    }

    /// The tables are complete up to `slot`: for a peer behind the retained entries they are the shorter way.
    package mutating func tablesSaved(through slot: Slot, now: Instant) {
        backlog.saved = slot
        if !isAlone { step(.forget(retained(below: slot)), now) }
    }

    /// The tables hold `slot` durably. Returns the slot up to which the log is no longer needed, and the records to write again before the
    /// trim. With peers some of the log is kept, for lagging ones.
    package mutating func checkpointed(_ slot: Slot, now: Instant) -> (through: Slot, keep: [AcceptorRecord]) {
        let through = isAlone ? slot : retained(below: slot)
        step(.forget(through), now)
        var keep: [AcceptorRecord] = [.promise(node.acceptor.promised), .began(incarnation: ProposalQueue.start(of: proposals.life))]
        if node.acceptor.directory != 0 { keep.append(.directory(node.acceptor.directory)) }
        if let founded = node.acceptor.founded { keep.append(.founded(founded)) }
        if through > .zero { keep.append(.installed(through)) }
        return (through, keep)
    }

    /// The slot up to which no entries are kept for lagging replicas; the tables are complete up to `slot`.
    private func retained(below slot: Slot) -> Slot {
        min(slot, node.acceptor.surplus(beyond: limits.retainedSlots, bytes: limits.retainedBytes))
    }

    /// Bytes of commands executed since the last call.
    package mutating func takeExecutedBytes() -> Int {
        defer { backlog.bytes = 0 }
        return backlog.bytes
    }

    /// Whether tables through `slot` are ahead of the state here.
    package func isServed(byTablesThrough slot: Slot) -> Bool { awaitsTables ? slot >= applied : slot > applied }

    /// Ends the request for tables; it is repeated if the need persists.
    package mutating func dropTransfer() { wantsTablesOf = nil }

    /// Continues from a peer's tables, taken over and complete up to `slot`. Returns the proposals that were executed elsewhere and whose
    /// outcome is therefore unknown.
    package mutating func install(_ machine: Machine, _ ledger: ReplicaLedger, through slot: Slot, now: Instant) -> [ProposalID] {
        precondition(isServed(byTablesThrough: slot), "tables that lead back are not taken over")
        dropTransfer()
        self.machine = machine
        self.ledger = ledger
        applied = slot
        backlog = TableBacklog(saved: slot)
        while let first = decided.first, first.slot <= slot { decided.removeFirst() }
        step(.installed(slot, ledger.roster), now)
        return proposals.abandonAll()
    }
}
