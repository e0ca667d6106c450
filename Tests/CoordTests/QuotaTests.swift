// Quotas: what is counted, what is refused, and that a refused multi leaves the counts as they were.
import Base
import CoordCore
import Testing

@Suite struct QuotaTests {
    /// A tree with `/q` and `/q/a` of 2 bytes, under a quota.
    private func bench(_ limits: String) -> Bench {
        var bench = Bench()
        _ = bench.write(Bench.create("/q"), Bench.create("/q/a"))
        _ = bench.write(.setData(path: "/q", data: nil, version: -1), .setData(path: "/q/a", data: Bytes(string: "12"), version: -1))
        _ = bench.write(
            Bench.create("/zookeeper/quota/q"),
            .create(
                path: "/zookeeper/quota/q/zookeeper_limits", data: Bytes(string: limits), acl: [.open], ephemeral: false, sequential: false),
            Bench.create("/zookeeper/quota/q/zookeeper_stats"))
        return bench
    }
    private func used(_ bench: Bench) -> String { bench.machine.tree.node("/zookeeper/quota/q/zookeeper_stats")?.data?.text ?? "none" }
    private func enforced(_ bench: inout Bench, _ operations: CoordOperation...) -> CoordRefusal? {
        refusal(bench.run(.write(SessionID(1), withinQuota: true, identities: [], operations: operations)))
    }
    private func create(_ path: String, bytes: Int) -> CoordOperation {
        .create(path: path, data: Bytes(repeating: 7, count: bytes), acl: [.open], ephemeral: false, sequential: false)
    }

    @Test func limitsAreReadInZooKeepersForms() {
        let figures = QuotaFigures(text: "count=3,bytes=100=;byteHardLimit=200;countHardLimit=4")
        #expect((figures.count, figures.bytes, figures.countHard, figures.bytesHard) == (3, 100, 4, 200))
        #expect(QuotaFigures(text: "count=1,bytes=-1").countHard == -1)
        #expect(QuotaFigures(text: "nonsense;count=x") == QuotaFigures())
    }

    @Test func whatIsBelowIsCountedAndKeptCurrent() {
        var bench = bench("count=10,bytes=100")
        #expect(used(bench) == "count=2,bytes=2")
        _ = bench.write(create("/q/b", bytes: 5), create("/other", bytes: 50))
        #expect(used(bench) == "count=3,bytes=7")
        _ = bench.write(.setData(path: "/q/b", data: Bytes(string: "1"), version: -1))
        #expect(used(bench) == "count=3,bytes=3")
        _ = bench.write(.delete(path: "/q/a", version: -1))
        #expect(used(bench) == "count=2,bytes=1")
        #expect(bench.machine.tree.node("/zookeeper/quota/q/zookeeper_stats")?.stat.version == 0)
    }

    @Test func hardLimitsRefuseWhereTheyAreEnforced() {
        var bench = bench("count=1,bytes=1=;byteHardLimit=6;countHardLimit=3")
        #expect(enforced(&bench, create("/q/b", bytes: 1)) == nil)
        #expect(enforced(&bench, create("/q/c", bytes: 1)) == .quotaExceeded)
        #expect(enforced(&bench, .setData(path: "/q/a", data: Bytes(repeating: 1, count: 9), version: -1)) == .quotaExceeded)
        #expect(enforced(&bench, .setData(path: "/q/a", data: nil, version: -1), .delete(path: "/q/b", version: -1)) == nil)
        #expect(
            refusal(bench.write(create("/q/d", bytes: 1000), create("/q/e", bytes: 0))) == nil, "a server that does not enforce counts only"
        )
        #expect(used(bench) == "count=4,bytes=1000")
    }

    @Test func aRefusedMultiLeavesTheCountsAsTheyWere() {
        var bench = bench("count=-1,bytes=-1")
        #expect(refusal(bench.write(create("/q/b", bytes: 5), .check(path: "/none", version: -1))) == .noNode)
        #expect(used(bench) == "count=2,bytes=2")
    }

    @Test func countsOfClientsWrapAroundAndEndNothing() {
        for stats in ["count=9223372036854775807,bytes=9223372036854775807", "count=-9223372036854775808,bytes=-9223372036854775808"] {
            var bench = bench("count=1,bytes=1=;byteHardLimit=9223372036854775807;countHardLimit=9223372036854775807")
            _ = bench.write(.setData(path: "/zookeeper/quota/q/zookeeper_stats", data: Bytes(string: stats), version: -1))
            #expect(enforced(&bench, create("/q/x", bytes: 7)) == nil)
            #expect(refusal(bench.write(.delete(path: "/q/x", version: -1))) == nil)
            #expect(refusal(bench.write(.delete(path: "/q/a", version: -1))) == nil)
        }
        var bench = bench("count=1,bytes=1")
        _ = bench.write(
            .setData(path: "/zookeeper/quota/q/zookeeper_stats", data: Bytes(string: "count=9223372036854775807,bytes=0"), version: -1))
        _ = bench.write(create("/q/x", bytes: 0))
        #expect(used(bench) == "count=-9223372036854775808,bytes=0")
    }

    @Test func timesOfNodesMayLieAnywhere() {
        var bench = Bench()
        for ttl in [1, NodeLife.ttlMillisecondsMax] {
            _ = bench.write(.createTTL(path: "/t\(ttl)", data: nil, acl: [.open], sequential: false, milliseconds: ttl))
        }
        for now in [Int64.min, -1, 0, .max] {
            #expect(bench.machine.tree.isDue("/t1", now: WallTime(milliseconds: now), unusedMilliseconds: .max) == (now == .max))
        }
    }

    @Test func aQuotaThatIsDeletedHoldsNoMore() {
        var bench = bench("count=-1,bytes=-1=;byteHardLimit=0;countHardLimit=0")
        #expect(enforced(&bench, create("/q/b", bytes: 0)) == .quotaExceeded)
        _ = bench.write(
            .delete(path: "/zookeeper/quota/q/zookeeper_limits", version: -1),
            .delete(path: "/zookeeper/quota/q/zookeeper_stats", version: -1), .delete(path: "/zookeeper/quota/q", version: -1))
        #expect(enforced(&bench, create("/q/b", bytes: 0)) == nil)
    }
}
