// The namenode's cores with datanodes, writers and readers under random faults, and the same with rules broken on purpose.
import Simulator
import Testing

@Suite struct DFSRunTests {
    @Test(
        "acknowledged bytes outlive every fault but rot, no reader gets a wrong one, and blocks get their copies back", arguments: [3, 5])
    func theNamenodeHolds(_ datanodes: Int) throws {
        var total = DFSSummary()
        for seed in UInt64(1)...10 {
            var run = DFSRun(seed: seed, datanodes: datanodes)
            total.add(try run.run(steps: 4000))
        }
        // The runs are of no use unless the rare things happened.
        #expect(
            total.files.closed > 500 && total.files.recovered > 80 && total.pipelines.rebuilt > 100 && total.reads.done > 2000, "\(total)")
        #expect(total.copies > 150 && total.deletions.all > 1000 && total.deletions.stale > 20 && total.reads.damageSeen > 20, "\(total)")
        #expect(total.faults.crashes > 30 && total.faults.namenodeStarts > 10 && total.faults.lostMessages > 300, "\(total)")
        #expect(total.pipelines.full > 50, "\(total)")
    }

    @Test(arguments: DFSFlaw.allCases.filter { $0 != .none })
    func aBrokenRuleIsNoticed(_ flaw: DFSFlaw) {
        let isNoticed = (UInt64(1)...60).contains { seed in
            var run = DFSRun(seed: seed, datanodes: 3, flaw: flaw)
            do {
                _ = try run.run(steps: 4000)
                return false
            } catch { return true }
        }
        #expect(isNoticed)
    }

    @Test func equalSeedsGiveEqualRuns() throws {
        var (first, second) = (DFSRun(seed: 9, datanodes: 3), DFSRun(seed: 9, datanodes: 3))
        #expect(try "\(first.run(steps: 3000))" == "\(second.run(steps: 3000))")
    }
}
