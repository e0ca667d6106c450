// A replica on a simulated machine: the real pump, the real consensus and the real log, over a disk and tables that can lose power.
// Opening is what ReplicaHost does, step for step, without its threads.
import Base
import Consensus
import Replication
import Storage

/// A running simulated replica.
package struct SimReplica<Machine: StateMachine> {
    package var pump: ReplicaPump<Machine>
    private let log: AcceptorLog
    private let tables: SimTables

    /// Recovers from disk and tables, and leads. Throws what the disk throws.
    package static func open(_ disk: SimDisk, _ tables: SimTables, time: WallTime) throws -> SimReplica {
        var machine = Machine()
        let applied = tables.appliedSlot()
        for table in Machine.tables { try tables.forEachRow(of: table) { (row: Row) throws(StateCorruption) in try machine.load(row, of: table) } }
        try machine.finishLoading(applied: applied)
        let log = try AcceptorLog(files: disk, directory: "/log", options: SegmentLogOptions(segmentBytesMax: 4096))
        let acceptor = try log.recover(applied: applied)
        var replica = SimReplica(pump: ReplicaPump(machine: machine, acceptor: acceptor, applied: applied), log: log, tables: tables)
        var batch = replica.pump.campaign()
        while let next = batch {
            try replica.log.persist(next)
            replica.pump.persisted()
            while replica.pump.executeNext() != nil {}
            batch = replica.pump.pump(time: time)
        }
        return replica
    }

    /// Writes what is queued and returns what was executed, in order. Throws if the disk does; what was executed before is lost with it, as it would
    /// be for a client whose server died.
    package mutating func drain(time: WallTime, executed: (Executed<Machine.Outcome>) -> Void) throws(StorageError) {
        while let batch = pump.pump(time: time) {
            try log.persist(batch)
            pump.persisted()
            while let next = pump.executeNext() { executed(next) }
        }
    }

    /// Brings the tables up to date; with `checkpoint` they become durable and the log is trimmed.
    package mutating func save(checkpoint: Bool) throws(StorageError) {
        if let (changes, applied) = pump.takeUnsaved() {
            tables.commit(changes, applied: applied)
            pump.tablesSaved(through: applied)
        }
        guard checkpoint else { return }
        let slot = tables.checkpoint()
        try log.trim(through: slot, promise: pump.checkpointed(slot))
    }
}
