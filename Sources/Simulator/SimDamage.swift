// Bits that flip at rest, while a machine is down: in a fully durable segment of its log, or in a row of its tables. A replica must not
// serve either. It does not start over a damaged log; with damaged tables it starts without them and takes over another replica's.
import Base
import Storage

extension ClusterRun {
    /// Checks that a flipped bit in any segment but the last keeps a replica from starting, whether its tables are sound or not. The bit is
    /// put back afterwards.
    mutating func checkDamageIsRefused(_ index: Int) throws {
        guard !healed, damageRandom.chance(1, in: 4), let path = servers[index].disk.damageableLog(), plan.flaw == .none else { return }
        guard let size = servers[index].disk.sizeOf(path), size > 0 else { return }
        let (offset, bit) = (damageRandom.below(size), damageRandom.below(8))
        servers[index].disk.flipBit(in: path, atByte: offset, bit: bit)
        defer { servers[index].disk.flipBit(in: path, atByte: offset, bit: bit) }
        let tables = damageRandom.chance(1, in: 2) ? servers[index].tables.withFlippedBit(&damageRandom) : nil
        let trial = SimServer(index: index)
        (trial.disk, trial.tables) = (servers[index].disk.copy(), tables ?? servers[index].tables.copy())
        do { try trial.start(founders, seed: 1, time: time) } catch let error as StorageError {
            guard error.isDamage else { throw broken("damage was reported as \(error)") }
            guard tables?.isDamaged != false else { throw broken("replica \(index + 1) set its tables aside although its log is damaged") }
            summary.probes.insert(tables == nil ? .damageRefused : .damageOfBothRefused)
            return
        }
        throw broken("replica \(index + 1) started over a log with bit \(bit) of byte \(offset) of \(size) in \(path) flipped")
    }

    /// Flips a bit in the tables now and then. A quorum always keeps its tables; otherwise state could be lost.
    mutating func damageTables(_ index: Int) {
        guard !healed, plan.flaw == .none || plan.flaw == .readsDamagedTables else { return }
        // Rare, so that the other faults find replicas to strike; frequent for a flaw that must be noticed and while logs are untrimmed.
        guard damageRandom.chance(1, in: plan.flaw != .none ? 2 : time < Self.youth ? 3 : 20), mayLoseTables(index) else { return }
        guard let damaged = servers[index].tables.withFlippedBit(&damageRandom) else { return }
        damaged.checksPages = plan.flaw != .readsDamagedTables
        servers[index].tables = damaged
        servers[index].lacksTables = damaged.checksPages
    }

    /// About how long logs stay untrimmed, in nanoseconds.
    private static var youth: Int64 { 20_000_000_000 }

    private func mayLoseTables(_ index: Int) -> Bool {
        let lacking = servers.indices.count { $0 != index && (servers[$0].lacksTables || servers[$0].lostDisk) }
        return lacking < (plan.spares == 0 ? (plan.nodes - 1) / 2 : 1)
    }

    /// Checks that a replica with damaged tables has started without them.
    mutating func checkTablesWereGivenUp(_ index: Int) throws {
        guard servers[index].lacksTables else { return }
        guard !servers[index].tables.isDamaged else { throw broken("replica \(index + 1) started over damaged tables") }
        guard servers[index].replica?.pump.awaitsTables == false else {
            if damageRandom.chance(1, in: 3) { servers[index].crashesInWrite = true }
            return
        }
        // Its log begins with the first slot, so that it needs no other replica's tables.
        servers[index].lacksTables = false
        summary.probes.insert(.tablesMadeFromLog)
    }
}
