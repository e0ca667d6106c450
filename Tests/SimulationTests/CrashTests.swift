// Seeded lives of every service's replica. A failing seed is printed with what broke; run it alone with
// `PLATFORM_SIM_SEED=n swift test --filter CrashTests`, and add it to `keptSeeds` once it is mended.
import Base
import BrokerCore
import CoordCore
import DFSCore
import Foundation
import Simulator
import Testing

/// Seeds that once failed; they stay for ever.
private let keptSeeds: [UInt64] = [6, 8, 9]

private var seeds: [UInt64] {
    let environment = ProcessInfo.processInfo.environment
    if let one = environment["PLATFORM_SIM_SEED"].flatMap(UInt64.init) { return [one] }
    return keptSeeds + (1...UInt64(environment["PLATFORM_SIM_SEEDS"].flatMap(Int.init) ?? 50)).map { $0 }
}

@Suite struct CrashTests {
    @Test func coordSurvivesPowerCutsWithNothingAcknowledgedLost() throws {
        var crashes = 0
        for seed in seeds {
            var run = CrashRun<CoordMachine>(seed: seed, makeCommand: Workloads.coord)
            crashes += try run.run(lives: 8, steps: 60).crashes
        }
        #expect(crashes > seeds.count)
    }

    @Test func theBrokersMetadataSurvivesPowerCutsWithNothingAcknowledgedLost() throws {
        for seed in seeds {
            var run = CrashRun<BrokerMachine>(seed: seed, makeCommand: Workloads.broker)
            _ = try run.run(lives: 8, steps: 60)
        }
    }

    @Test func dfsSurvivesPowerCutsWithNothingAcknowledgedLost() throws {
        for seed in seeds {
            var run = CrashRun<DFSMachine>(seed: seed, makeCommand: Workloads.dfs)
            _ = try run.run(lives: 8, steps: 60)
        }
    }

    @Test func readsOfTwoLivesAreNeverTakenForEachOther() throws {
        let (disk, tables) = (SimDisk(), SimTables(tables: SimReplica<CoordMachine>.schemas))
        let first = try SimReplica<CoordMachine>.recover(disk, tables, now: .zero)
        let second = try SimReplica<CoordMachine>.recover(disk, tables, now: .zero)
        #expect(first.pump.readBarrier(now: .zero) != second.pump.readBarrier(now: .zero))
    }

    @Test func equalSeedsGiveEqualTraces() throws {
        for seed in seeds.prefix(10) {
            var (first, second) = (
                CrashRun<CoordMachine>(seed: seed, makeCommand: Workloads.coord),
                CrashRun<CoordMachine>(seed: seed, makeCommand: Workloads.coord)
            )
            #expect(try first.run(lives: 4, steps: 40) == second.run(lives: 4, steps: 40))
        }
    }
}
