// A consumer group under random faults, and the same with rules broken on purpose: the laws that hold must also be able to fail.
import Simulator
import Testing

@Suite struct GroupRunTests {
    @Test("committed offsets never go back, and the members come together", arguments: [3, 5])
    func aGroupHolds(_ brokers: Int) throws {
        var total = GroupSummary()
        for seed in UInt64(1)...12 {
            var run = GroupRun(seed: seed, brokers: brokers)
            let summary = try run.run(steps: 40_000)
            total.commits += summary.commits
            total.generations = max(total.generations, summary.generations)
            total.refusedCommits += summary.refusedCommits
            total.adoptions += summary.adoptions
            total.crashes += summary.crashes
        }
        // The runs are of no use unless the rare things happened.
        #expect(total.commits > 500 && total.generations > 5 && total.crashes > 100, "\(total)")
        #expect(total.refusedCommits > 0 && total.adoptions > 20, "\(total)")
    }

    @Test(arguments: GroupFlaw.allCases.filter { $0 != .none })
    func aBrokenRuleIsNoticed(_ flaw: GroupFlaw) {
        let isNoticed = (UInt64(1)...60).contains { seed in
            var run = GroupRun(seed: seed, brokers: 3, flaw: flaw)
            do {
                _ = try run.run(steps: 40_000)
                return false
            } catch { return true }
        }
        #expect(isNoticed)
    }

    @Test func equalSeedsGiveEqualRuns() throws {
        var (first, second) = (GroupRun(seed: 9, brokers: 3), GroupRun(seed: 9, brokers: 3))
        #expect(try first.run(steps: 5000) == second.run(steps: 5000))
    }
}
