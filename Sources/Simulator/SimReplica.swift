// A replica on a simulated machine: the real pump, the real consensus and the real log, over a disk and tables that can lose power.
// Opening does the same steps as ReplicaHost, without its threads.
import Base
import Consensus
import Replication
import Storage

/// The settings of a simulated replica.
package struct SimReplicaOptions {
    package var membership = Membership.alone
    package var seed: UInt64 = 1
    package var limits = ReplicaLimits()
    package var paxos = PaxosOptions()
    /// Whether damaged tables are replaced by another replica's.
    package var heals = false
    package init() {}
}

/// A running simulated replica.
package final class SimReplica<Machine: StateMachine> {
    package var pump: ReplicaPump<Machine>
    let log: AcceptorLog
    private let tables: SimTables

    private init(pump: consuming ReplicaPump<Machine>, log: AcceptorLog, tables: SimTables) {
        self.pump = pump
        self.log = log
        self.tables = tables
    }

    /// The schemas of a replica's tables.
    package static var schemas: [TableSchema] { Machine.tables + ReplicaLedger.schemas }

    /// Recovers from disk and tables. Throws the disk's errors, and the tables' damage unless `heals`.
    package static func recover(_ disk: SimDisk, _ tables: SimTables, now: Instant, options: SimReplicaOptions = .init()) throws
        -> SimReplica
    {
        let found: Result<(Machine, ReplicaLedger), StorageError>
        do { found = .success(try load(tables)) } catch let error as StorageError where error.isDamage && options.heals {
            found = .failure(error)
        }
        let log = try AcceptorLog(files: disk, directory: "/log", options: SegmentLogOptions(segmentBytesMax: 10_000))
        var beginning = try log.recover(
            tables: found.map { _ in tables.appliedSlot() }, membership: options.membership, heals: options.heals)
        if case .failure = found { tables.setAside() }
        let (machine, ledger) = beginning.awaitsTables ? (Machine(), ReplicaLedger()) : try load(tables)
        let applied = beginning.applied
        let start = ReplicaPump<Machine>.nextStart(beginning.acceptor, ledger, options.membership.id)
        try log.begin(start: start, acceptor: &beginning.acceptor, applied: applied, directory: Int64(options.seed >> 1) | 1)
        let pump = ReplicaPump(
            machine: machine, ledger: ledger, acceptor: beginning.acceptor, applied: applied, awaitsTables: beginning.awaitsTables,
            membership: options.membership, start: start, now: now, seed: options.seed, limits: options.limits, options: options.paxos)
        return SimReplica(pump: pump, log: log, tables: tables)
    }

    static func load(_ tables: SimTables) throws -> (Machine, ReplicaLedger) {
        var machine = Machine()
        var ledger = ReplicaLedger()
        for table in Machine.tables {
            try tables.forEachRow(of: table) { (row: Row) throws(StateCorruption) in try machine.load(row, of: table) }
        }
        for table in ReplicaLedger.schemas {
            try tables.forEachRow(of: table) { (row: Row) throws(StateCorruption) in try ledger.load(row, of: table) }
        }
        try machine.finishLoading(applied: tables.appliedSlot())
        return (machine, ledger)
    }

    /// Recovers a replica without peers, and leads.
    package static func open(_ disk: SimDisk, _ tables: SimTables, time: WallTime) throws -> SimReplica {
        let replica = try recover(disk, tables, now: .zero)
        replica.pump.campaign(now: .zero)
        try replica.drain(time: time) { _ in }
        return replica
    }

    /// Writes the queued commands and reports executed ones, in order. Throws if the disk does; earlier results of the call are lost then,
    /// as for a client whose server died. For replicas without peers.
    package func drain(time: WallTime, executed: (Executed<Machine.Outcome>) -> Void) throws(StorageError) {
        while let batch = pump.pump(time: time, now: .zero) {
            try log.persist(batch)
            pump.persisted(now: .zero)
            while let next = pump.executeNext(now: .zero) { executed(next) }
        }
    }

    /// Brings the tables up to date; with `checkpoint` they become durable and the log is trimmed.
    package func save(checkpoint: Bool, now: Instant = .zero) throws(StorageError) {
        if let (changes, applied) = pump.takeUnsaved() {
            tables.commit(changes, applied: applied)
            pump.tablesSaved(through: applied, now: now)
        }
        guard checkpoint else { return }
        let (through, keep) = pump.checkpointed(tables.checkpoint(), now: now)
        try log.trim(through: through, keep: keep)
    }
}
