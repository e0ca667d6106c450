// A share group under random faults, and the same with rules broken on purpose.
import Simulator
import Testing

@Suite struct ShareRunTests {
    @Test("every record comes to its end, what was confirmed does not come again, and no record has two holders", arguments: [3, 5])
    func aShareGroupHolds(_ brokers: Int) throws {
        var total = ShareSummary()
        for seed in UInt64(1)...9 {
            var run = ShareRun(seed: seed, brokers: brokers)
            let summary = try run.run(steps: 30_000)
            total.given += summary.given
            total.confirmed += summary.confirmed
            total.refusedAcknowledgements += summary.refusedAcknowledgements
            total.writes += summary.writes
            total.refusedWrites += summary.refusedWrites
            total.lostWrites += summary.lostWrites
            total.givenByDeposed += summary.givenByDeposed
            total.resets += summary.resets
            total.crashes += summary.crashes
            total.terms = max(total.terms, summary.terms)
        }
        // The runs are of no use unless the rare things happened.
        #expect(total.given > 5000 && total.confirmed > 2000 && total.writes > 2000 && total.crashes > 60 && total.terms > 8, "\(total)")
        #expect(
            total.refusedAcknowledgements > 50 && total.refusedWrites > 15 && total.lostWrites > 50 && total.givenByDeposed > 20
                && total.resets > 5, "\(total)")
    }

    @Test(arguments: ShareFlaw.allCases.filter { $0 != .none })
    func aBrokenRuleIsNoticed(_ flaw: ShareFlaw) {
        let isNoticed = (UInt64(1)...60).contains { seed in
            var run = ShareRun(seed: seed, brokers: 3, flaw: flaw)
            do {
                _ = try run.run(steps: 30_000)
                return false
            } catch { return true }
        }
        #expect(isNoticed)
    }

    @Test func equalSeedsGiveEqualRuns() throws {
        var (first, second) = (ShareRun(seed: 9, brokers: 3), ShareRun(seed: 9, brokers: 3))
        #expect(try first.run(steps: 5000) == second.run(steps: 5000))
    }
}
