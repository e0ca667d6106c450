// A group whose partitions the coordinator assigns under random faults, and the same with rules broken on purpose.
import Simulator
import Testing

@Suite struct ConsumerGroupRunTests {
    @Test("committed offsets never go back, partitions have one holder, and the members come together", arguments: [3, 5])
    func aGroupHolds(_ brokers: Int) throws {
        var total = ConsumerGroupSummary()
        for seed in UInt64(1)...12 {
            var run = ConsumerGroupRun(seed: seed, brokers: brokers)
            let summary = try run.run(steps: 40_000)
            total.commits += summary.commits
            total.epochs = max(total.epochs, summary.epochs)
            total.refusedCommits += summary.refusedCommits
            total.fencedMembers += summary.fencedMembers
            total.adoptions += summary.adoptions
            total.crashes += summary.crashes
        }
        // The runs are of no use unless the rare things happened.
        #expect(total.commits > 500 && total.epochs > 5 && total.crashes > 100, "\(total)")
        #expect(total.refusedCommits > 0 && total.fencedMembers > 20 && total.adoptions > 20, "\(total)")
    }

    @Test(arguments: ConsumerGroupFlaw.allCases.filter { $0 != .none })
    func aBrokenRuleIsNoticed(_ flaw: ConsumerGroupFlaw) {
        let isNoticed = (UInt64(1)...60).contains { seed in
            var run = ConsumerGroupRun(seed: seed, brokers: 3, flaw: flaw)
            do {
                _ = try run.run(steps: 40_000)
                return false
            } catch { return true }
        }
        #expect(isNoticed)
    }

    @Test func equalSeedsGiveEqualRuns() throws {
        var (first, second) = (ConsumerGroupRun(seed: 9, brokers: 3), ConsumerGroupRun(seed: 9, brokers: 3))
        #expect(try first.run(steps: 5000) == second.run(steps: 5000))
    }
}
