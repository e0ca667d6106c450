// The shell around a pump: carries its batches to the disk thread, its rows to the table thread and its results to whoever waits,
// all on one service loop. It decides nothing. Every member is used on the loop only, but for `open` and `stop`.
import Base
import Consensus
import Logging
import MetaStore
import Storage
import Synchronization

/// What a replica found when it opened its directory.
package struct ReplicaRecovery: Sendable {
    /// The slot up to which the tables were complete.
    package var tables = Slot.zero
    /// The last slot in the log; the difference was executed again.
    package var log = Slot.zero
    package var logReport = LogRecoveryReport()

    package init(tables: Slot, log: Slot, logReport: LogRecoveryReport) {
        self.tables = tables
        self.log = log
        self.logReport = logReport
    }
}

/// One service's replicated state, open for business.
package final class ReplicaHost<Machine: StateMachine & Sendable>: @unchecked Sendable {
    // Safe to share: `pump`, `completions` and the flags are touched on `loop` only (checked); `acceptorLog` on `disk`, `tables` on `tableThread`.
    package typealias Completion = (Result<Machine.Outcome, ReplicaRefusal>) -> Void

    private var pump: ReplicaPump<Machine>
    private let loop: any ServiceLoop
    private let time: any TimeSource
    private let acceptorLog: AcceptorLog
    private let tables: any TableStore
    private let disk: DiskThread
    private let tableThread: DiskThread
    private let log: Logger
    private var completions = LookupTable<ProposalID, Completion>()
    private var flushScheduled = false
    private var savingRows = false
    private var saveScheduled = false
    private var slotsSinceCheckpoint: Int64 = 0
    private var stopping = false
    package let recovery: ReplicaRecovery
    private let health = Mutex<String?>("it does not lead yet")
    private let room: WriteHealth
    /// Runs on the loop after every executed command, before the next one is executed and before the proposal's own completion.
    package var onExecuted: (Machine.Outcome) -> Void = { _ in }

    /// How long rows may wait before they go to the tables.
    private static var saveDelay: Duration { .milliseconds(200) }
    /// Slots between two checkpoints of the tables, after each of which the log is trimmed.
    private static var checkpointSlots: Int64 { 50_000 }
    /// How often, a millisecond apart, a stop looks whether the work under way has ended.
    private static var drainTriesMax: Int { 1000 }
    /// How long a replica whose disk is full waits before it tries again.
    private static var stallRetry: Duration { .milliseconds(500) }

    private init(_ opened: Opened, directory: String, loop: any ServiceLoop, time: any TimeSource, disk: DiskThread, tableThread: DiskThread, log: Logger) {
        pump = opened.pump
        recovery = opened.recovery
        acceptorLog = opened.log
        tables = opened.tables
        self.loop = loop
        self.time = time
        self.disk = disk
        self.tableThread = tableThread
        self.log = log
        room = WriteHealth(directory: directory, thread: disk, loop: loop)
    }

    private struct Opened: @unchecked Sendable {  // handed over once, from the thread that opened to the host
        var pump: ReplicaPump<Machine>
        var log: AcceptorLog
        var tables: SQLiteTableStore
        var recovery: ReplicaRecovery
    }

    /// Opens the replica in `directory` (`meta.sqlite` and `log/`), executes what the log holds beyond the tables, and leads.
    package static func open(
        directory: String, name: String, loop: any ServiceLoop, time: any TimeSource, log: Logger, limits: ReplicaLimits = .init(),
        files: RealFileSystem = RealFileSystem()
    ) async throws -> ReplicaHost {
        let disk = DiskThread(name: name + "-log")
        let tableThread = DiskThread(name: name + "-tables")
        do {
            let opened = try await disk.run { try load(directory, limits, files) }
            let host = ReplicaHost(opened, directory: directory, loop: loop, time: time, disk: disk, tableThread: tableThread, log: log)
            try await host.lead()
            return host
        } catch {
            disk.stop()
            tableThread.stop()
            throw error
        }
    }

    private static func load(_ directory: String, _ limits: ReplicaLimits, _ files: RealFileSystem) throws -> Opened {
        try files.makeDirectory(directory)
        let tables = try SQLiteTableStore(path: directory + "/meta.sqlite", tables: Machine.tables)
        let applied = try tables.appliedSlot()
        var machine = Machine()
        for table in Machine.tables {
            try tables.forEachRow(of: table) { (row: Row) throws(StateCorruption) in try machine.load(row, of: table) }
        }
        try machine.finishLoading(applied: applied)
        let log = try AcceptorLog(files: files, directory: directory + "/log")
        let acceptor = try log.recover(applied: applied)
        let recovery = ReplicaRecovery(tables: applied, log: max(applied, acceptor.lastSlot), logReport: log.recovery)
        return Opened(pump: ReplicaPump(machine: machine, acceptor: acceptor, applied: applied, limits: limits), log: log, tables: tables, recovery: recovery)
    }

    /// Campaigns and waits until the log is executed to its end.
    private func lead() async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            loop.execute {
                self.whenLeading = { continuation.resume(with: $0) }
                self.persist(self.pump.campaign())
            }
        }
    }

    private var whenLeading: ((Result<Void, any Error>) -> Void)?

    /// The state, for reads on the loop.
    package var machine: Machine {
        _read {
            assert(loop.isCurrent, "a replica's state is read on its loop")
            yield pump.machine
        }
    }

    package var appliedSlot: Slot { pump.applied }
    package var isLeading: Bool { pump.isLeading && pump.stopped == nil }
    /// Why writes are refused at present, if they are.
    package var writeRefusal: ReplicaRefusal? { pump.stopped ?? pump.stalled.map { .storage($0) } }

    /// Why this replica takes no writes at present, or nil; may be asked from any thread.
    package var trouble: String? { health.withLock { $0 } ?? room.trouble }

    private func noteHealth() {
        let reason: String? =
            switch writeRefusal {
            case .storage(let error)? where error.cause == .noSpace: "the disk is full (\(error))"
            case .storage(let error)?: "its log cannot be made durable, and only a restart tells what lasted (\(error))"
            case let refusal?: "writes are refused (\(refusal))"
            case nil: stopping ? "it is stopping" : pump.isLeading ? nil : "it does not lead"
            }
        health.withLock { $0 = reason }
    }

    /// Proposes a command; `completion` runs on the loop once it is durable and executed, or with the reason why not.
    package func propose(_ command: Machine.Command, _ completion: @escaping Completion) {
        precondition(loop.isCurrent, "proposals are made on the replica's loop")
        guard !stopping else { return completion(.failure(.notLeading)) }
        switch pump.propose(command) {
        case .failure(let refusal): completion(.failure(refusal))
        case .success(let id):
            completions[id] = completion
            scheduleFlush()
        }
    }

    /// The same for callers elsewhere.
    package func propose(_ command: Machine.Command) async throws(ReplicaRefusal) -> Machine.Outcome {
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Machine.Outcome, ReplicaRefusal>, Never>) in
            loop.execute { self.propose(command) { continuation.resume(returning: $0) } }
        }
        return try result.get()
    }

    /// Reads the state on the loop, for callers elsewhere.
    package func read<T: Sendable>(_ body: @escaping @Sendable (borrowing Machine) -> T) async -> T {
        await withCheckedContinuation { continuation in
            loop.execute { continuation.resume(returning: body(self.pump.machine)) }
        }
    }

    private func scheduleFlush() {
        guard !flushScheduled else { return }
        flushScheduled = true
        loop.execute {
            self.flushScheduled = false
            self.persist(self.pump.pump(time: self.time.wallTime()))
        }
    }

    private func persist(_ batch: PersistBatch?) {
        guard let batch else { return }
        disk.submit {
            let result = Result { () throws(StorageError) in try self.acceptorLog.persist(batch) }
            self.loop.execute { self.persistEnded(result) }
        }
    }

    /// Starts the next batch first, so that the disk works while the commands of this one are executed.
    private func advance() {
        pump.persisted()
        persist(pump.pump(time: time.wallTime()))
        while let executed = pump.executeNext() {
            onExecuted(executed.outcome)
            if let proposal = executed.proposal { completions.remove(proposal)?(.success(executed.outcome)) }
        }
        if pump.applied > pump.saved { scheduleSave() }
        noteHealth()
        if let whenLeading, pump.isLeading, pump.applied >= recovery.log {
            self.whenLeading = nil
            whenLeading(.success(()))
        }
    }

    private func persistEnded(_ result: Result<Void, StorageError>) {
        switch result {
        case .success: advance()
        case .failure(let error) where error.cause == .noSpace:
            log.error("the disk is full: writes are refused until there is room", metadata: ["error": "\(error)"])
            room.note(error)
            let (batch, refused) = pump.persistStalled(error)
            for id in refused { completions.remove(id)?(.failure(.storage(error))) }
            noteHealth()
            loop.schedule(after: Self.stallRetry) { if !self.stopping { self.persist(batch) } }
        case .failure(let error):
            log.critical("the log cannot be made durable: this replica stops taking writes until it is restarted", metadata: ["error": "\(error)"])
            for id in pump.persistFailed(error) { completions.remove(id)?(.failure(.storage(error))) }
            noteHealth()
            whenLeading?(.failure(error))
            whenLeading = nil
        }
    }

    // MARK: rows to the tables, behind the log

    private func scheduleSave() {
        guard !saveScheduled, !savingRows, !stopping else { return }
        saveScheduled = true
        loop.schedule(after: Self.saveDelay) {
            self.saveScheduled = false
            self.save()
        }
    }

    private func save() {
        guard !savingRows, !stopping, let batch = pump.takeUnsaved() else { return }
        savingRows = true
        slotsSinceCheckpoint += batch.applied.rawValue - pump.saved.rawValue
        store(batch)
    }

    private func store(_ batch: (changes: [RowChanges.Change], applied: Slot)) {
        let checkpoint = slotsSinceCheckpoint >= Self.checkpointSlots
        tableThread.submit {
            let result = Result { () throws(StorageError) -> Slot? in
                try self.tables.commit(batch.changes, applied: batch.applied)
                return checkpoint ? try self.tables.checkpoint() : nil
            }
            self.loop.execute { self.saveEnded(batch, result) }
        }
    }

    private func saveEnded(_ batch: (changes: [RowChanges.Change], applied: Slot), _ result: Result<Slot?, StorageError>) {
        switch result {
        case .success(let checkpoint):
            savingRows = false
            pump.tablesSaved(through: batch.applied)
            if let checkpoint {
                slotsSinceCheckpoint = 0
                trimLog(checkpoint)
            }
            if pump.applied > pump.saved { scheduleSave() }
        case .failure(let error):
            log.error("the tables refused rows, trying again", metadata: ["error": "\(error)"])
            loop.schedule(after: Self.stallRetry) { if !self.stopping { self.store(batch) } }
        }
    }

    private func trimLog(_ slot: Slot) {
        let promise = pump.checkpointed(slot)
        disk.submit {
            do { try self.acceptorLog.trim(through: slot, promise: promise) } catch {
                self.log.warning("the log could not be trimmed", metadata: ["error": "\(error)"])
            }
        }
    }

    // MARK: the end

    /// Refuses new proposals, makes what is under way durable, writes the tables and closes. Ends within the disk's own time.
    package func stop() async {
        let rest = await withCheckedContinuation { (continuation: CheckedContinuation<(changes: [RowChanges.Change], applied: Slot)?, Never>) in
            loop.execute { self.drainThenStop(continuation, Self.drainTriesMax) }
        }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            tableThread.submit {
                self.closeTables(rest)
                continuation.resume()
            }
        }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            disk.submit {
                do { try self.acceptorLog.close() } catch { self.log.error("the log did not close cleanly", metadata: ["error": "\(error)"]) }
                continuation.resume()
            }
        }
        room.stop()
        disk.stop()
        tableThread.stop()
    }

    /// Waits for the batch under way and the rows under way. Rows that the tables do not take in time stay out of them, and
    /// so do the later ones: the log brings both back.
    private func drainThenStop(_ continuation: CheckedContinuation<(changes: [RowChanges.Change], applied: Slot)?, Never>, _ triesLeft: Int) {
        if (pump.pendingCount > 0 && writeRefusal == nil) || savingRows, triesLeft > 0 {
            return loop.schedule(after: .milliseconds(1)) { self.drainThenStop(continuation, triesLeft - 1) }
        }
        stopping = true
        noteHealth()
        continuation.resume(returning: savingRows ? nil : pump.takeUnsaved())
    }

    private func closeTables(_ rest: (changes: [RowChanges.Change], applied: Slot)?) {
        do {
            if let rest { try tables.commit(rest.changes, applied: rest.applied) }
            _ = try tables.checkpoint()
            try (tables as? SQLiteTableStore)?.close()
        } catch { log.error("the tables did not close cleanly; the log will bring them up to date", metadata: ["error": "\(error)"]) }
    }
}
