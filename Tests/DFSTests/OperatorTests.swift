// What operators meet: the file of datanodes that leave, safe mode's rule, trash, the texts of fsck and /jmx.
import Base
import HadoopNet
import HadoopWire
import Testing

@testable import DFSCore
@testable import NamenodeService

@Suite struct OperatorTests {
    // MARK: datanodes that leave

    private func record(_ host: String, _ port: UInt32 = 9866) -> DatanodeRecord {
        DatanodeRecord(
            uuid: "u-\(host)", storageID: "s", address: host, hostName: host + ".example", transferPort: port, infoPort: 1, ipcPort: 2,
            rack: "/r")
    }

    @Test func linesNameDatanodesByHostPortOrNumber() throws {
        let hosts = try DatanodeHosts.parse(
            """
            # two that leave
            10.0.0.1
              b.example:9866   # by name

            u-c maintenance
            d maintenance 5000\r
            """, "hosts")
        let now = WallTime(milliseconds: 4000)
        #expect(hosts.duty(of: record("10.0.0.1", 77), now: now) == .leaving)
        #expect(hosts.duty(of: record("b"), now: now) == .leaving && hosts.duty(of: record("b", 77), now: now) == .inService)
        #expect(hosts.duty(of: record("c"), now: now) == .resting(until: nil))
        #expect(hosts.duty(of: record("d"), now: now).isResting)
        #expect(hosts.duty(of: record("d"), now: WallTime(milliseconds: 6000)) == .inService, "the rest is over")
        #expect(hosts.duty(of: record("10.0.0.11"), now: now) == .inService)
    }

    @Test func hdfsJSONNamesDatanodes() throws {
        let hosts = try DatanodeHosts.parse(
            """
             [{"hostName": "a"}, {"hostName": "b", "port": 9866, "adminState": "DECOMMISSIONED"},
              {"hostName": "c", "adminState": "IN_MAINTENANCE", "maintenanceExpireTimeInMS": 10}]
            """, "hosts")
        #expect(
            hosts.entries == [
                .init(name: "b", port: 9866, duty: .leaving), .init(name: "c", duty: .resting(until: WallTime(milliseconds: 10))),
            ])
    }

    @Test(arguments: [
        "a:b", "a:99999", "a leaving", "a maintenance soon", "a maintenance 1 2", "[{\"hostName\": \"a\", \"adminState\": \"GONE\"}]",
        "[{}]", "{",
    ]) func aWrongFileIsRefused(_ text: String) { #expect(throws: JavaException.self) { try DatanodeHosts.parse(text, "hosts") } }

    // MARK: safe mode

    private func health(_ total: Int, missing: Int) -> BlockHealth { BlockHealth(total: total, missing: missing) }

    @Test func safeModeEndsAtItsThreshold() {
        let rule = SafeModeRule(thousandths: 999, datanodes: 1)
        #expect(!rule.isMet(health(2000, missing: 3), datanodes: 1) && rule.isMet(health(2000, missing: 2), datanodes: 1))
        #expect(!rule.isMet(health(2000, missing: 2), datanodes: 0) && rule.isMet(health(0, missing: 0), datanodes: 1))
        #expect(!rule.isMet(health(3, missing: 1), datanodes: 1), "one of three is below the threshold")
        #expect(!SafeModeRule(thousandths: 1001).isMet(health(10, missing: 0), datanodes: 9), "only an operator ends it")
        #expect(SafeModeRule(thousandths: 0).isMet(health(10, missing: 10), datanodes: 0))
        let text = rule.text(health(10, missing: 10), datanodes: 0)
        #expect(text.contains("needs additional 10 blocks to reach the threshold 0.999 of total blocks 10."))
        #expect(text.contains("The number of live datanodes 0 needs an additional 1 live datanodes"))
    }

    // MARK: trash

    @Test func checkpointsAreNamedByTheirTime() {
        let now = WallTime(milliseconds: 1_780_000_000_000)
        let name = TrashCheckpoint.name(now)
        #expect(name.utf8.count == 12 && TrashCheckpoint.time(name) == now && TrashCheckpoint.time(name + "-12") == now)
        for other in ["Current", "", "26113018373", "261330183733", name + "x", name + "-", name + "-a", "\u{FF12}\u{FF16}1130183733"] {
            #expect(TrashCheckpoint.time(other) == nil, "\(other)")
        }
        #expect(TrashCheckpoint.fresh(now, among: [name, name + "-1"]) == name + "-2")
        let later = WallTime(milliseconds: now.milliseconds + 60_000)
        #expect(TrashCheckpoint.expired([name, "Current"], now: later, interval: 60_000).isEmpty)
        #expect(TrashCheckpoint.expired([name, "Current"], now: later, interval: 59_999) == [name])
    }

    @Test func trashesAreEmptiedAtTheEndOfEachInterval() {
        var schedule = TrashSchedule(interval: 60_000, every: 0)
        let due = [10_000, 59_999, 60_000, 61_000, 119_000, 125_000, 130_000].map { schedule.isDue(WallTime(milliseconds: $0)) }
        #expect(due == [false, false, true, false, false, true, false])
        var none = TrashSchedule(interval: 0, every: 5)
        #expect([0, 1_000_000].map { none.isDue(WallTime(milliseconds: $0)) } == [false, false])
        var back = TrashSchedule(interval: 60_000, every: 1000)
        let found = [500_500, 1500].map { back.isDue(WallTime(milliseconds: $0)) }
        #expect(back.every == 1000 && found == [false, true], "a clock that was set back does not stop it")
    }

    // MARK: pages

    @Test func fsckCountsAndTellsAsHDFS() {
        var choices = FsckReport.Choices()
        (choices.files, choices.blocks) = (true, true)
        var report = FsckReport(choices, poolID: "BP")
        var part = report
        let block = Block(id: BlockID(7), generation: Generation(1001), lengthBytes: 10)
        let file = FileContent(replication: 2, blockSizeBytes: 1 << 20, blocks: [block])
        part.add(directory: "/d")
        part.add(file: "/d/a", file, [.init(block: block, nodes: [record("a"), record("b")], isCorrupt: false, isUnder: false, live: 2)])
        part.add(file: "/d/b", file, [.init(block: block, nodes: [record("a")], isCorrupt: false, isUnder: true, live: 1)])
        report.add(part)
        #expect(report.isHealthy)
        let text = report.take()
        #expect(text.contains("/d <dir>\n/d/a 10 bytes, replicated: replication=2, 1 block(s):  OK\n0. BP:blk_7_1001 len=10 Live_repl=2\n"))
        #expect(text.contains("/d/b:  Under replicated BP:blk_7_1001. Target Replicas is 2 but found 1 live replica(s).\n"))
        report.add(file: "/d/c", file, [.init(block: block, nodes: [], isCorrupt: false, isUnder: true, live: 0)])
        #expect(!report.isHealthy && report.take().contains("/d/c: MISSING 1 blocks of total size 10 B.\n"))
        let sums = report.summary(datanodes: 2, racks: 1, replication: 2, queued: 0)
        for line in [
            "Status: CORRUPT", " Total dirs:\t\t\t1", " Total files:\t3", " Total blocks (validated):\t3 (avg. block size 10 B)",
            " Under-replicated blocks:\t1 (33.333332 %)", " Average block replication:\t1.0", " Missing blocks:\t\t1",
        ] { #expect(sums.contains(line + "\n"), "\(line)\n\(sums)") }
    }

    @Test func namesOfBeansAreMatchedWithStars() {
        func matches(_ text: String, _ pattern: String) -> Bool { JMXPage.matches(Array(text.utf8)[...], Array(pattern.utf8)[...]) }
        let name = "Hadoop:service=NameNode,name=FSNamesystem"
        for pattern in ["*:*", name, "Hadoop:*", "Hadoop:service=*,name=FSNamesystem", "H?doop:*name=*system"] {
            #expect(matches(name, pattern), "\(pattern)")
        }
        for pattern in ["", "java.lang:*", name + "State", "Hadoop:service=DataNode,*"] { #expect(!matches(name, pattern), "\(pattern)") }
        #expect(!matches(String(repeating: "a", count: 5000), String(repeating: "*a", count: 2000) + "b"))
    }
}
