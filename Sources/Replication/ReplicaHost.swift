// The shell around a pump: carries its batches to the disk thread, its rows to the table thread, its messages to the peers and its results
// to their callers, all on one service loop. It decides nothing. Every member is used on the loop only, except `open` and `stop`.
import Base
import Collections
import Consensus
import Logging
import MetaStore
import Storage
import Synchronization

/// One service's replicated state, ready for use.
package final class ReplicaHost<Machine: StateMachine & Sendable>: @unchecked Sendable {
    // Safe to share: `pump`, `completions` and the flags are touched on `loop` only (checked); `acceptorLog` on `disk`, `tables` on
    // `tableThread`.
    package typealias Completion = (Result<Machine.Outcome, ReplicaRefusal>) -> Void

    var pump: ReplicaPump<Machine>
    let loop: any ServiceLoop
    let time: any TimeSource
    private let acceptorLog: AcceptorLog
    let heals: Bool
    /// The damage of the tables, until they are replaced.
    var tableDamage: StorageError?
    /// Whether the damage was found in this life and the damaged file is still in place.
    var damageIsSeen = false
    let tableFile: TableFile<Machine>
    let execution: ExecutionGuard
    private let disk: DiskThread
    let log: Logger
    /// The waiting proposals, in the order of their making, which is that of their ends.
    private var waiting = Deque<WaitingProposal>()
    private var readers = LookupTable<ReadToken, (Bool) -> Void>()
    private var settleScheduled = false
    /// Whether decided commands are left for the next turn.
    private var goesOnNextTurn = false
    private var stopping = false
    var saving = Saving()
    var transfer = TableTransfer()
    var memberChange: MemberChange?
    var lastRoster: Roster?
    var lastHeardOf: Roster?
    var lastStanding: Standing?
    private var whenLeading: ((Result<Void, any Error>) -> Void)?
    private var lastLeader: NodeID?
    package let recovery: ReplicaRecovery
    private var serviceTrouble: String?
    private let health = Mutex<String?>("no leader is known yet")
    private let room: WriteHealth
    /// Callbacks to the service; all on the loop.
    package var events = ReplicaEvents<Machine.Outcome>()

    private final class BoxedCompletion {
        let call: Completion
        init(_ call: @escaping Completion) { self.call = call }
    }

    /// The progress of rows on their way to the tables.
    struct Saving {
        var underWay = false
        var scheduled = false
        var slotsSinceCheckpoint: Int64 = 0
        var bytesSinceCheckpoint = 0
        var rowsSinceCheckpoint = 0
    }

    /// Limit of the checks, a millisecond apart, whether the work under way at a stop has ended.
    private static var drainTriesMax: Int { 1000 }
    /// The wait before a replica with a full disk tries again.
    static var stallRetry: Duration { .milliseconds(500) }
    /// How long the loop executes commands before it returns to its connections.
    private static var turnMax: Duration { .milliseconds(10) }
    /// The precision of a replica's timers with peers.
    private static var tickEvery: Duration { .milliseconds(10) }
    /// How long proposals wait for a leader before they are refused.
    private static var leaderlessMax: Duration { .seconds(4) }

    private init(_ opened: Opened, _ options: ReplicaOptions, loop: any ServiceLoop, time: any TimeSource, log: Logger) {
        let state = opened.state
        pump = ReplicaPump(
            machine: state.machine, ledger: state.ledger, acceptor: opened.beginning.acceptor, applied: opened.beginning.applied,
            awaitsTables: opened.beginning.awaitsTables, membership: options.membership, start: opened.start, now: time.now(),
            seed: opened.seed,
            limits: options.limits, options: options.paxos)
        recovery = opened.recovery
        heals = options.heals
        tableDamage = opened.damage
        acceptorLog = opened.log
        tableFile = opened.tables
        execution = opened.execution
        disk = opened.disk
        self.loop = loop
        self.time = time
        self.log = log
        room = WriteHealth(directory: options.directory, thread: disk, loop: loop)
    }

    private struct Opened: @unchecked Sendable {  // handed over once, from the thread that opened to the host
        var state: TableFile<Machine>.Loaded
        var beginning: ReplicaBeginning
        /// The damage of the tables set aside.
        var damage: StorageError?
        /// The number of this start.
        var start: Int64
        var seed: UInt64
        var log: AcceptorLog
        var tables: TableFile<Machine>
        var recovery: ReplicaRecovery
        var execution: ExecutionGuard
        var disk: DiskThread
    }

    /// Opens the replica. Alone it executes the log's entries beyond the tables, and leads, before this returns; with peers it begins to
    /// follow or an election, and `events` report the rest.
    package static func open(_ options: ReplicaOptions, loop: any ServiceLoop, time: any TimeSource, log: Logger) async throws
        -> ReplicaHost
    {
        let disk = DiskThread(name: options.name + "-log")
        let tableThread = DiskThread(name: options.name + "-tables")
        do {
            let opened = try await disk.run { try load(options, time, disk, tableThread) }
            let host = ReplicaHost(opened, options, loop: loop, time: time, log: log)
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                loop.execute {
                    host.reportHealing()
                    continuation.resume()
                }
            }
            if host.pump.isAlone { try await host.lead() } else { loop.execute { host.tick() } }
            return host
        } catch {
            disk.stop()
            tableThread.stop()
            throw error
        }
    }

    private static func load(_ options: ReplicaOptions, _ time: any TimeSource, _ disk: DiskThread, _ tableThread: DiskThread) throws
        -> Opened
    {
        let files = options.files
        try files.makeDirectory(options.directory)
        let found = try openTables(options, tableThread)
        let log = try AcceptorLog(files: files, directory: options.directory + "/log")
        var beginning = try log.recover(tables: found.map(\.state.applied), membership: options.membership, heals: options.heals)
        var damage: StorageError?
        if case .failure(let error) = found {
            damage = error
            try TableFile<Machine>.setAside(options.directory, files)
        }
        let tables =
            try damage == nil ? found.get().tables : TableFile<Machine>(directory: options.directory, files: files, thread: tableThread)
        // Tables that end too early are of no use.
        let isEmpty = damage != nil || beginning.awaitsTables
        let state = isEmpty ? TableFile<Machine>.Loaded(machine: Machine(), ledger: ReplicaLedger(), applied: .zero) : try found.get().state
        let recovery = ReplicaRecovery(
            tables: beginning.applied, log: max(beginning.applied, beginning.acceptor.lastSlot), logReport: log.recovery)
        let execution = try ExecutionGuard(options.directory, files)
        try execution.check(applied: beginning.applied, directory: options.directory, entry: beginning.acceptor.entry) { printed($0) }
        let id = options.membership.id
        let start = ReplicaPump<Machine>.nextStart(beginning.acceptor, state.ledger, id)
        try log.begin(start: start, acceptor: &beginning.acceptor, applied: beginning.applied, directory: Int64.random(in: 1 ... .max))
        let seed = UInt64(bitPattern: time.wallTime().milliseconds) ^ UInt64(bitPattern: id.rawValue << 48)
        return Opened(
            state: state, beginning: beginning, damage: damage, start: start, seed: seed, log: log, tables: tables, recovery: recovery,
            execution: execution,
            disk: disk)
    }

    /// A command in readable form, cut if it is long.
    private static func printed(_ command: Bytes) -> String {
        do { return String(try Machine.decode(command).printed().unicodeScalars.prefix(500)) } catch {
            return "it cannot be read (\(error))"
        }
    }

    /// Campaigns and waits until the log is executed to its end.
    private func lead() async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.execute {
                self.whenLeading = { continuation.resume(with: $0) }
                self.pump.campaign(now: self.time.now())
                self.settle()
            }
        }
    }

    private func tick() {
        guard !stopping else { return }
        let now = time.now()
        pump.tick(now: now)
        if let since = pump.leaderlessSince, now - since > Self.leaderlessMax, pump.pendingCount > 0 {
            fail(pump.abandonProposals(), .notLeading)
        }
        driveHealing()
        driveTransfer(now)
        driveChange(now)
        settle()
        loop.schedule(after: Self.tickEvery) { self.tick() }
    }

    // MARK: state, on the loop

    /// The state, for reads on the loop.
    package var machine: Machine {
        _read {
            assert(loop.isCurrent, "a replica's state is read on its loop")
            yield pump.machine
        }
    }

    package var appliedSlot: Slot { pump.applied }
    package var isLeading: Bool { pump.isLeading && pump.stopped == nil }
    /// Whether the state here is empty until another replica's tables arrive: it then serves no reads.
    package var awaitsTables: Bool { pump.awaitsTables }
    package var leader: NodeID? { pump.leader }
    /// The time since which no leader is known here; nil while one is.
    package var leaderlessSince: Instant? { pump.leaderlessSince }
    package var id: NodeID { pump.node.id }
    /// This replica's part in the group.
    package var standing: Standing { pump.node.standing }
    /// The reason why writes are refused at present, or nil.
    package var writeRefusal: ReplicaRefusal? { pump.stopped ?? pump.stalled.map { .storage($0) } }

    /// The reason why this replica serves no requests at present, or nil; safe from any thread.
    package var trouble: String? { health.withLock { $0 } ?? room.trouble }

    private var leaderTrouble: String? {
        pump.leader == nil ? strangerTrouble ?? "no leader is known: fewer than half of the replicas can be reached" : nil
    }

    /// The service's reason not to serve, or nil.
    package func note(trouble: String?) {
        serviceTrouble = trouble
        noteHealth()
    }

    private func noteHealth() {
        let reason: String? =
            switch writeRefusal {
            case .storage(let error)? where error.cause == .noSpace: "the disk is full (\(error))"
            case .storage(let error)? where error.isDamage: "its tables are damaged, and it takes no writes (\(error))"
            case .storage(let error)?: "its log cannot be made durable, and only a restart tells what lasted (\(error))"
            case let refusal?: "writes are refused (\(refusal))"
            case nil: stopping ? "it is stopping" : tableTrouble ?? serviceTrouble ?? leaderTrouble
            }
        health.withLock { $0 = reason }
    }

    // MARK: proposals and reads

    /// Proposes a command; `completion` runs on the loop once it is durable and executed here, or with the reason of its refusal.
    package func propose(_ command: Machine.Command, _ completion: @escaping Completion) {
        precondition(loop.isCurrent, "proposals are made on the replica's loop")
        guard !stopping else { return completion(.failure(.notLeading)) }
        if let since = pump.leaderlessSince, !pump.isAlone, time.now() - since > Self.leaderlessMax {
            return completion(.failure(.notLeading))
        }
        switch pump.propose(command) {
        case .failure(let refusal): completion(.failure(refusal))
        case .success(let id):
            waiting.append(WaitingProposal(id: id, completion: BoxedCompletion(completion)))
            scheduleSettle()
        }
    }

    /// The same for callers outside the loop.
    package func propose(_ command: Machine.Command) async throws(ReplicaRefusal) -> Machine.Outcome {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Machine.Outcome, ReplicaRefusal>, Never>) in
            loop.execute { self.propose(command) { continuation.resume(returning: $0) } }
        }
        return try result.get()
    }

    /// Reads the state on the loop, for callers outside it.
    package func read<T: Sendable>(_ body: @escaping @Sendable (borrowing Machine) -> T) async -> T {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body(self.pump.machine)) }
        }
    }

    /// Calls `body` on the loop once the state here holds everything acknowledged anywhere before this call; with false if the replica
    /// stops.
    package func afterBarrier(_ body: @escaping (Bool) -> Void) {
        guard !stopping, pump.stopped == nil, !pump.awaitsTables else { return body(false) }
        readers[pump.readBarrier(now: time.now())] = body
        scheduleSettle()
    }

    /// Ends the waiting reads: no answer can come any more.
    func endReaders() {
        for token in pump.abandonReads() { readers.remove(token)?(false) }
    }

    func fail(_ proposals: [ProposalID], _ refusal: ReplicaRefusal) {
        for id in proposals { takeCompletion(id)?(.failure(refusal)) }
    }

    private func takeCompletion(_ id: ProposalID) -> Completion? {
        guard let first = waiting.first, first.id == id else {
            precondition(waiting.first.map { $0.id > id } ?? true, "proposals end in their order")
            return nil
        }
        waiting.removeFirst()
        return unsafeDowncast(first.completion, to: BoxedCompletion.self).call  // only `propose` adds, and of this type
    }

    // MARK: peers

    /// A frame of a peer, in order.
    package func received(_ frame: Bytes, from peer: NodeID) throws(WireError) {
        // To its peers, a stopping replica is gone.
        guard !stopping else { return }
        let message = try PeerMessage(decoding: frame, as: DurableDialect.self)
        if case .refusedCommands(let commands) = message { learn(commands, from: peer) }
        guard execution.strangers[peer] == nil else { return }
        switch message {
        case .refusedCommands: break
        case .executed(let command): part(from: peer, Stranger(command: command, isRefusedHere: true))
        case .service(let bytes): events.onService(bytes, peer)
        case .tablesRequest(let slot, let offset): serveTables(slot, offset, to: peer)
        case .tablesChunk(let slot, let offset, let total, let bytes): takeChunk(slot, offset, total, bytes, from: peer)
        case .changeMembers(let token, let version, let members): answerChange(token, version, members, to: peer)
        case .membersAnswer(let token, let slot, let refusal): changeAnswered(token, slot, refusal)
        case .paxos(let message) where !message.isPlausible: throw .overLimit("slot or round of a peer", 1 << 62)
        case let message: pump.receive(message, from: peer, now: time.now())
        }
        scheduleSettle()
    }

    package func peerConnected(_ peer: NodeID) {
        tellRefusedCommands(to: peer)
        pump.connected(peer, now: time.now())
        scheduleSettle()
    }

    package func peerDisconnected(_ peer: NodeID) {
        execution.strangers[peer] = nil
        pump.disconnected(peer, now: time.now())
        scheduleSettle()
    }

    /// Sends the service's own bytes to the same service of a peer, if there is a connection.
    package func sendService(_ bytes: Bytes, to peer: NodeID) { send(.service(bytes), to: peer) }

    func send(_ message: PeerMessage, to peer: NodeID) {
        let frame: Bytes
        do { frame = try message.encoded(as: DurableDialect.self) } catch {
            preconditionFailure("a message of ours can always be encoded: \(error)")
        }
        events.send(frame, peer)
    }

    // MARK: the loop's turn

    func scheduleSettle() {
        guard !settleScheduled else { return }
        settleScheduled = true
        loop.execute {
            self.settleScheduled = false
            self.settle()
        }
    }

    /// Starts the next batch and sends the peers' messages first, so that disk and network work during the execution of decided commands.
    private func settle() {
        // The log and the tables are being closed.
        guard !stopping else { return }
        let now = time.now()
        persist(pump.pump(time: time.wallTime(), now: now))
        for outgoing in pump.takeMessages(now: now) { send(outgoing.message, to: outgoing.to) }
        executeDecided(until: now + Self.turnMax)
        noteRoster()
        for token in pump.takeReadable() { readers.remove(token)?(true) }
        if pump.applied > pump.saved { scheduleSave() }
        noteLeader()
        noteHealth()
        if let whenLeading, pump.isLeading, pump.applied >= recovery.log {
            self.whenLeading = nil
            whenLeading(.success(()))
        }
    }

    /// Executes decided commands. The rest follows in the loop's next turn, ahead of everything else.
    private func executeDecided(until end: Instant) {
        guard !goesOnNextTurn, !execute(until: end) else { return }
        goesOnNextTurn = true
        loop.executeNextTurn {
            self.goesOnNextTurn = false
            self.settle()
        }
    }

    /// Executes decided commands, but begins none after `end`; false if there are more. Reads and other connections have their turn in
    /// between.
    private func execute(until end: Instant) -> Bool {
        var now = time.now()
        // The state here must not overtake a copy on its way into place.
        while transfer.incoming?.isAdopting != true, let executed = pump.executeNext(now: now, admits: execution.begins) {
            execution.ended()
            events.onExecuted(executed.outcome)
            if let proposal = executed.proposal { takeCompletion(proposal)?(.success(executed.outcome)) }
            now = time.now()
            if now > end { return false }
        }
        return true
    }

    private func noteLeader() {
        guard pump.leader != lastLeader else { return }
        lastLeader = pump.leader
        events.onLeader(pump.leader)
    }

    private func persist(_ batch: PersistBatch?) {
        guard let batch else { return }
        disk.submit {
            let result = Result { () throws(StorageError) in try self.acceptorLog.persist(batch) }
            self.loop.execute { self.persistEnded(result) }
        }
    }

    private func persistEnded(_ result: Result<Void, StorageError>) {
        switch result {
        case .success:
            pump.persisted(now: time.now())
            settle()
        case .failure(let error) where error.cause == .noSpace:
            // Decided commands are executed before any refusal.
            _ = execute(until: Instant(nanoseconds: .max))
            log.error("the disk is full: writes are refused until there is room", metadata: ["error": "\(error)"])
            room.note(error)
            let stalled = pump.persistStalled(error, now: time.now())
            fail(stalled.refused, stalled.refusal)
            noteHealth()
            loop.schedule(after: Self.stallRetry) { if !self.stopping { self.persist(stalled.batch) } }
        case .failure(let error):
            log.critical(
                "the log cannot be made durable: this replica stops taking writes until it is restarted", metadata: ["error": "\(error)"])
            fail(pump.persistFailed(error, now: time.now()), .storage(error))
            noteHealth()
            whenLeading?(.failure(error))
            whenLeading = nil
        }
    }

    func trimLog(_ slot: Slot) {
        guard !stopping else { return }
        let (through, keep) = pump.checkpointed(slot, now: time.now())
        disk.submit {
            do { try self.acceptorLog.trim(through: through, keep: keep) } catch {
                self.log.warning("the log could not be trimmed", metadata: ["error": "\(error)"])
            }
        }
    }

    var isStopping: Bool { stopping }

    // MARK: the end

    /// Refuses new proposals, makes those under way durable, writes the tables and closes. Ends within the disk's own time.
    package func stop() async {
        let rest = await withCheckedContinuation {
            (continuation: CheckedContinuation<(changes: [RowChanges.Change], applied: Slot)?, Never>) in
            loop.execute { self.drainThenStop(continuation, Self.drainTriesMax) }
        }
        do { try await tableFile.close(rest) } catch {
            log.error("the tables did not close cleanly; the log will bring them up to date", metadata: ["error": "\(error)"])
        }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            disk.submit {
                do { try self.acceptorLog.close() } catch {
                    self.log.error("the log did not close cleanly", metadata: ["error": "\(error)"])
                }
                continuation.resume()
            }
        }
        room.stop()
        disk.stop()
    }

    /// Waits for the batch and the rows under way. Late rows, and those behind them, stay out of the tables: the log restores them.
    private func drainThenStop(_ continuation: CheckedContinuation<(changes: [RowChanges.Change], applied: Slot)?, Never>, _ triesLeft: Int)
    {
        if (pump.pendingCount > 0 && writeRefusal == nil && pump.leader != nil) || saving.underWay, triesLeft > 0 {
            return loop.schedule(after: .milliseconds(1)) { self.drainThenStop(continuation, triesLeft - 1) }
        }
        stopping = true
        noteHealth()
        fail(pump.abandonProposals(), .notLeading)
        continuation.resume(returning: saving.underWay || damageIsSeen ? nil : pump.takeUnsaved())
    }
}
