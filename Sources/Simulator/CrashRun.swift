// One seeded life of a replica: commands, saves, checkpoints and power cuts, checked after every restart. Laws: no acknowledged command is
// lost, the recovered state equals the log executed from the start (load(tables(apply(log))) == apply(log)), and equal seeds give equal
// traces.
import Base
import Replication

/// A broken law, with the seed that breaks it.
package struct LawBroken: Error, CustomStringConvertible {
    package var description: String
    init(_ seed: UInt64, _ text: String) { description = "seed \(seed): \(text)" }
}

/// The results of a run.
package struct RunSummary: Equatable, Sendable {
    package var trace: UInt32 = 0
    package var acknowledged = 0
    package var crashes = 0
    package var cutTails = 0
}

/// A random life of `Machine`; `makeCommand` draws its commands.
package struct CrashRun<Machine: StateMachine> where Machine.Command: Equatable {
    private let seed: UInt64
    private var random: Prng
    private let makeCommand: (inout Prng) -> Machine.Command
    private var disk = SimDisk()
    private var tables = SimTables(tables: SimReplica<Machine>.schemas)
    /// Every command known to be in the log, by slot.
    private var history: [(command: Machine.Command, time: WallTime)] = []
    private var acknowledged = 0
    private var clock: Int64 = 1_000_000
    private var summary = RunSummary()

    package init(seed: UInt64, makeCommand: @escaping (inout Prng) -> Machine.Command) {
        self.seed = seed
        random = Prng(seed: seed)
        self.makeCommand = makeCommand
    }

    /// Runs `lives` lives of at most `steps` steps each.
    package mutating func run(lives: Int, steps: Int) throws -> RunSummary {
        for life in 0..<lives {
            disk.faults.crashAtOperation = life == lives - 1 ? nil : disk.operations + 1 + random.below(40 + steps)
            try liveOnce(steps)
            let wasCrash = disk.hasCrashed
            summary.crashes += wasCrash ? 1 : 0
            disk = disk.afterCrash(&random)
            tables = tables.afterCrash(&random)
            try check()
        }
        summary.acknowledged = acknowledged
        return summary
    }

    private mutating func note(_ text: String) { summary.trace = CRC32C.checksum(Bytes(string: text), seed: summary.trace) }

    private mutating func liveOnce(_ steps: Int) throws {
        do {
            let replica = try SimReplica<Machine>.open(disk, tables, time: WallTime(milliseconds: clock))
            forgetBeyond(replica.pump.applied)
            for _ in 0..<steps { try step(replica) }
        } catch let error as StorageError {
            guard disk.hasCrashed else { throw LawBroken(seed, "the disk failed without a crash: \(error)") }
            note("crash")
        }
    }

    /// Forgets commands that were written but lost, with their slots.
    private mutating func forgetBeyond(_ slot: Slot) {
        if history.count > Int(slot.rawValue) { history.removeLast(history.count - Int(slot.rawValue)) }
    }

    private mutating func step(_ replica: SimReplica<Machine>) throws {
        clock += Int64(random.below(50))
        switch random.below(10) {
        case 0: try replica.save(checkpoint: false)
        case 1: try replica.save(checkpoint: true)
        default: try propose(replica)
        }
    }

    private mutating func propose(_ replica: SimReplica<Machine>) throws {
        let time = WallTime(milliseconds: clock)
        for _ in 0...random.below(4) {
            let command = makeCommand(&random)
            guard case .success = replica.pump.propose(command) else { throw LawBroken(seed, "a proposal was refused without a reason") }
            history.append((command, time))
        }
        var outcomes: [String] = []
        var last = Slot.zero
        try replica.drain(time: time) { executed in
            outcomes.append("\(executed.slot) \(executed.outcome)")
            last = executed.slot
        }
        for line in outcomes { note(line) }
        acknowledged = max(acknowledged, Int(last.rawValue))
    }

    /// Recovers once more and compares with the log executed from the start.
    private mutating func check() throws {
        let replica: SimReplica<Machine>
        do { replica = try SimReplica<Machine>.open(disk, tables, time: WallTime(milliseconds: clock)) } catch {
            throw LawBroken(seed, "recovery failed: \(error)")
        }
        let applied = Int(replica.pump.applied.rawValue)
        guard applied >= acknowledged else { throw LawBroken(seed, "slot \(acknowledged) was acknowledged, but only \(applied) came back") }
        guard applied <= history.count else {
            throw LawBroken(seed, "slot \(applied) came back, but only \(history.count) were ever written")
        }
        forgetBeyond(replica.pump.applied)
        try compare(replica)
    }

    private mutating func compare(_ recovered: SimReplica<Machine>) throws {
        var reference = Machine()
        var expected = SimTables.State()
        for (place, entry) in history.enumerated() {
            var rows = RowChanges()
            _ = reference.apply(entry.command, at: ApplyPosition(slot: Slot(Int64(place + 1)), time: entry.time), rows: &rows)
            reference.completeRows(&rows)
            for change in rows.changes { SimTables.apply(change, Machine.tables, to: &expected) }
        }
        try recovered.save(checkpoint: false)
        guard
            Self.nonEmpty(tables.state.rows.filter { row in !ReplicaLedger.schemas.contains { $0.name == row.key } })
                == Self.nonEmpty(expected.rows)
        else { throw LawBroken(seed, "the recovered tables differ from the log's") }
        var machine = Machine()
        for table in Machine.tables {
            try tables.forEachRow(of: table) { (row: Row) throws(StateCorruption) in try machine.load(row, of: table) }
        }
        try machine.finishLoading(applied: recovered.pump.applied)
        try compareOnward(&machine, &reference, from: recovered.pump.applied)
    }

    private static func nonEmpty(_ rows: [String: [Row: Row]]) -> [String: [Row: Row]] { rows.filter { !$0.value.isEmpty } }

    /// Checks that two machines in the same state answer every command alike.
    private mutating func compareOnward(_ left: inout Machine, _ right: inout Machine, from slot: Slot) throws {
        var probe = random
        var slot = slot
        for _ in 0..<20 {
            slot = slot.next
            let command = makeCommand(&probe)
            let position = ApplyPosition(slot: slot, time: WallTime(milliseconds: clock))
            var (leftRows, rightRows) = (RowChanges(), RowChanges())
            let (one, other) = (left.apply(command, at: position, rows: &leftRows), right.apply(command, at: position, rows: &rightRows))
            left.completeRows(&leftRows)
            right.completeRows(&rightRows)
            guard "\(one)" == "\(other)", leftRows.changes == rightRows.changes else {
                throw LawBroken(seed, "the loaded machine answers \(command) with \(one), the one that executed the log with \(other)")
            }
        }
    }
}
