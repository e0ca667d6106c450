// One machine of a simulated cluster: a disk and tables that outlive its lives, and a replica while it runs. It does the work of
// ReplicaHost, with the cluster's events in place of threads.
import Base
import Consensus
import CoordCore
import Replication
import Storage

/// A rule that a cluster run breaks on purpose, to check that the laws notice.
package enum Flaw: String, CaseIterable, Sendable {
    case none
    /// Records count as durable as soon as the disk has got them.
    case acknowledgesBeforeSync
    /// Reads are answered from the present state without a barrier.
    case readsWithoutBarrier
    /// Tables are read without their checksums.
    case readsDamagedTables
}

/// A simulated machine.
final class SimServer {
    let index: Int
    var disk = SimDisk()
    var tables = SimTables(tables: schemas)
    /// Whether its disk was replaced by an empty one.
    var lostDisk = false
    /// Whether its tables were damaged and are not replaced yet.
    var lacksTables = false
    /// Its standing at the last look.
    var standing: Standing?
    static var schemas: [TableSchema] { SimReplica<CoordMachine>.schemas }
    /// Nil while the machine is down.
    var replica: SimReplica<CoordMachine>?
    /// Counts starts, so that events scheduled for an earlier life are dropped.
    var life = 0
    /// The process is stopped until this time.
    var pausedUntil: Int64 = 0
    /// The error of the calendar's clock, in milliseconds.
    var wallOffset: Int64 = 0
    /// The drift of the monotonic clock, in millionths; positive if it runs fast.
    var driftPPM: Int64 = 0
    /// The longest duration of a write with its sync, in nanoseconds.
    var diskDelay: Int64 = 2_000_000
    /// Writes on the disk that are not durable yet, in order; only with `acknowledgesBeforeSync`.
    var unsynced: [PersistBatch] = []
    var inFlight: PersistBatch?
    /// Power fails in the middle of the next write.
    var crashesInWrite = false
    var tickScheduledAt: Int64 = .max
    var transferUnderWay = false
    var proposals = LookupTable<ProposalID, Int>()
    var reads = LookupTable<ReadToken, Int>()

    init(index: Int) { self.index = index }

    var id: NodeID { NodeID(Int64(index + 1)) }

    func monotonic(_ time: Int64) -> Instant { Instant(nanoseconds: time + time / 1_000_000 * driftPPM) }
    func wall(_ time: Int64) -> WallTime { WallTime(milliseconds: 1_700_000_000_000 + time / 1_000_000 + wallOffset) }
    /// The cluster's time at which this machine's clock shows `instant`.
    func simulated(_ instant: Instant) -> Int64 {
        let near = instant.nanoseconds - instant.nanoseconds / 1_000_000 * driftPPM
        return near + instant.nanoseconds - monotonic(near).nanoseconds
    }

    /// Starts with the founders of the group.
    func start(_ founders: [NodeID], seed: UInt64, time: Int64) throws {
        var options = SimReplicaOptions()
        options.membership = Membership(founding: Member(id: id), with: founders)
        options.seed = seed
        options.limits.retainedSlots = 40
        options.limits.forwardPatience = .milliseconds(700)
        options.heals = tables.checksPages
        replica = try SimReplica<CoordMachine>.recover(disk, tables, now: monotonic(time), options: options)
        life += 1
        inFlight = nil
        unsynced = []
        tickScheduledAt = .max
        transferUnderWay = false
    }

    /// Cuts the power, perhaps in the middle of a write.
    func crash(_ random: inout Prng) {
        if let inFlight, let log = replica?.log, random.chance(1, in: 2) {
            disk.faults.crashAtOperation = disk.operations + 1 + random.below(3)
            // The power fails in the middle of this: that it throws is the point.
            try? log.persist(inFlight)
        }
        replica = nil
        standing = nil
        disk = disk.afterCrash(&random)
        tables = tables.afterCrash(&random)
        proposals.removeAll()
        reads.removeAll()
    }
}
