// Transactions under random faults, and the same with rules broken on purpose: the laws that hold must also be able to fail.
import Simulator
import Testing

@Suite struct TransactionRunTests {
    @Test("a transaction is seen whole or not at all", arguments: [3, 5])
    func transactionsAreWhole(_ brokers: Int) throws {
        var total = TransactionSummary()
        for seed in UInt64(1)...10 {
            var run = TransactionRun(seed: seed, brokers: brokers)
            let summary = try run.run(steps: 12000)
            total.committed += summary.committed
            total.aborted += summary.aborted
            total.crashes += summary.crashes
            total.repeatedMarkers += summary.repeatedMarkers
            total.refusedRepetitions += summary.refusedRepetitions
        }
        // The runs are of no use unless the rare things happened.
        #expect(total.committed > 30 && total.aborted > 30 && total.crashes > 30, "\(total)")
        #expect(total.repeatedMarkers > 0 && total.refusedRepetitions > 0, "\(total)")
    }

    @Test(arguments: TransactionFlaw.allCases.filter { $0 != .none })
    func aBrokenRuleIsNoticed(_ flaw: TransactionFlaw) {
        let isNoticed = (UInt64(1)...50).contains { seed in
            var run = TransactionRun(seed: seed, brokers: 3, flaw: flaw)
            do {
                _ = try run.run(steps: 12000)
                return false
            } catch { return true }
        }
        #expect(isNoticed)
    }

    @Test func equalSeedsGiveEqualRuns() throws {
        var (first, second) = (TransactionRun(seed: 9, brokers: 3), TransactionRun(seed: 9, brokers: 3))
        #expect(try first.run(steps: 3000) == second.run(steps: 3000))
    }
}
