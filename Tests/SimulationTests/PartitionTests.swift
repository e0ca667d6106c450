// Replicas of a partition under random faults, and the same with rules broken on purpose: the laws that hold must also be able to fail.
import Simulator
import Testing

@Suite struct PartitionTests {
    @Test("replicas keep what was acknowledged and what readers saw", arguments: [3, 5])
    func replicasKeepTheirPromises(_ brokers: Int) throws {
        var total = PartitionSummary()
        for seed in UInt64(1)...24 {
            var run = PartitionRun(seed: seed, brokers: brokers)
            let summary = try run.run(steps: 3000)
            total.acknowledged += summary.acknowledged
            total.terms = max(total.terms, summary.terms)
            total.truncations += summary.truncations
            total.crashes += summary.crashes
        }
        // The runs are of no use unless the rare things happened.
        #expect(total.acknowledged > 100, "\(total)")
        #expect(total.terms > 5, "\(total)")
        #expect(total.truncations > 0, "\(total)")
        #expect(total.crashes > 100, "\(total)")
    }

    @Test(arguments: PartitionFlaw.allCases.filter { $0 != .none })
    func aBrokenRuleIsNoticed(_ flaw: PartitionFlaw) {
        let isNoticed = (UInt64(1)...60).contains { seed in
            var run = PartitionRun(seed: seed, brokers: 3, flaw: flaw)
            do {
                _ = try run.run(steps: 3000)
                return false
            } catch { return true }
        }
        #expect(isNoticed)
    }

    @Test func equalSeedsGiveEqualRuns() throws {
        var (first, second) = (PartitionRun(seed: 9, brokers: 3), PartitionRun(seed: 9, brokers: 3))
        #expect(try first.run(steps: 2000) == second.run(steps: 2000))
    }
}
