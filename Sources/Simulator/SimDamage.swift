// Bits that flip at rest, while a machine is down: in a segment of its log that was durable as a whole, or in a row of its tables. Neither may be served: the
// replica does not start over it. Somebody puts the right bits back after a while, as from a copy of the disk.
import Base
import Storage

extension ClusterRun {
    /// A bit flipped anywhere in a segment that a later one follows must keep a replica from starting. The bit is put back afterwards.
    mutating func checkDamageIsRefused(_ index: Int) throws {
        guard !healed, damageRandom.chance(1, in: 4), let path = servers[index].disk.damageableLog(), plan.flaw == .none else { return }
        guard let size = servers[index].disk.sizeOf(path), size > 0 else { return }
        let (offset, bit) = (damageRandom.below(size), damageRandom.below(8))
        servers[index].disk.flipBit(in: path, atByte: offset, bit: bit)
        defer { servers[index].disk.flipBit(in: path, atByte: offset, bit: bit) }
        do {
            let trial = SimServer(index: index)
            (trial.disk, trial.tables) = (servers[index].disk.copy(), servers[index].tables)
            try trial.start(founders, seed: 1, time: time)
        } catch let error as StorageError {
            guard case .corrupt = error.cause else { throw broken("damage was reported as \(error)") }
            summary.probes.insert(.damageRefused)
            return
        }
        throw broken("replica \(index + 1) started over a log with bit \(bit) of byte \(offset) of \(size) in \(path) flipped")
    }

    /// Flips a bit in the tables now and then; what they were before, if it did.
    mutating func damageTables(_ index: Int) -> SimTables? {
        guard !healed, plan.flaw == .none || plan.flaw == .readsDamagedTables else { return nil }
        // Rare, so that the other faults find replicas to strike; often where it is to be noticed.
        guard damageRandom.chance(1, in: plan.flaw == .none ? 20 : 2) else { return nil }
        let sound = servers[index].tables
        guard let damaged = sound.withFlippedBit(&damageRandom) else { return nil }
        damaged.checksPages = plan.flaw != .readsDamagedTables
        servers[index].tables = damaged
        return sound
    }

    /// The replica stays down until the tables are as they were.
    mutating func mendTables(_ index: Int, _ sound: SimTables) {
        summary.probes.insert(.damagedTablesRefused)
        servers[index].tables = sound
        schedule(.start(index), after: Int64(500_000_000 + damageRandom.below(4_000_000_000)))
    }
}
