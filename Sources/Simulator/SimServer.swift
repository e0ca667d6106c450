// One machine of a simulated cluster: a disk and tables that outlive its lives, and a replica while it runs. It does what ReplicaHost does,
// with the cluster's events in place of threads.
import Base
import Consensus
import CoordCore
import Replication
import Storage

/// What a cluster run breaks on purpose, to see whether the checks notice.
package enum Flaw: String, CaseIterable, Sendable {
    case none
    /// Records are taken for durable as soon as they are handed to the disk.
    case acknowledgesBeforeSync
    /// Reads are answered from the state at hand.
    case readsWithoutBarrier
    /// Tables are read without their checksums.
    case readsDamagedTables
}

/// A simulated machine.
final class SimServer {
    let index: Int
    var disk = SimDisk()
    var tables = SimTables(tables: schemas)
    /// Once, its disk was replaced by an empty one.
    var lostDisk = false
    /// Its tables were damaged, and no others are in their place yet.
    var lacksTables = false
    /// The part that it played when last looked at.
    var standing: Standing?
    static var schemas: [TableSchema] { SimReplica<CoordMachine>.schemas }
    /// Nil while the machine is down.
    var replica: SimReplica<CoordMachine>?
    /// Counts starts, so that what was scheduled for an earlier life is dropped.
    var life = 0
    /// Nothing happens here before this time: the process is stopped.
    var pausedUntil: Int64 = 0
    /// What the calendar's clock is off by, in milliseconds.
    var wallOffset: Int64 = 0
    /// How much the monotonic clock runs faster, in millionths.
    var driftPPM: Int64 = 0
    /// How long a write with its sync takes at most, in nanoseconds.
    var diskDelay: Int64 = 2_000_000
    /// Writes that the disk has and that are not durable yet, in order; only with `acknowledgesBeforeSync`.
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
    /// When the cluster's clock shows what this machine's shows as `instant`.
    func simulated(_ instant: Instant) -> Int64 {
        let near = instant.nanoseconds - instant.nanoseconds / 1_000_000 * driftPPM
        return near + instant.nanoseconds - monotonic(near).nanoseconds
    }

    /// Starts among those who found, or founded, the group.
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

    /// Power fails, perhaps in the middle of a write.
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
