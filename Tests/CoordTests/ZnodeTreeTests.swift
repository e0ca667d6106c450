// The tree's rules and the state machine around them.
import Base
import CoordCore
import Testing

@Suite struct ZnodeTreeTests {
    @Test(arguments: [
        ("", false), ("a", false), ("/", true), ("/a", true), ("/a/", false), ("//a", false), ("/a//b", false), ("/a/./b", false),
        ("/a/../b", false),
        ("/a\u{1}", false), ("/ä/漢", true), ("/\u{1f600}", false), ("/...", true),
    ])
    func pathsAreValidOrNot(path: String, valid: Bool) { #expect(ZnodePath.isValid(path) == valid) }

    @Test func aTrailingSlashIsAllowedWhereDigitsFollow() {
        var bench = Bench()
        _ = bench.write(Bench.create("/s"))
        #expect(told(bench.write(Bench.create("/s/", sequential: true))).first == "created /s/0000000000")
    }

    @Test func sequenceCountsEveryCreationAndNoDeletion() {
        var bench = Bench()
        _ = bench.write(Bench.create("/q"))
        _ = bench.write(Bench.create("/q/plain"))
        _ = bench.write(.delete(path: "/q/plain", version: -1))
        #expect(told(bench.write(Bench.create("/q/n", sequential: true))).first == "created /q/n0000000001")
    }

    @Test func aMultiThatFailsLeavesNoTraceButUsesAZxid() {
        var bench = Bench()
        _ = bench.write(Bench.create("/a"))
        let before = bench.tables
        let outcome = bench.write(Bench.create("/a/x"), .setData(path: "/a", data: nil, version: -1), .delete(path: "/none", version: -1))
        // The rows of what was touched may be written again, as they were.
        #expect(refusal(outcome) == .noNode && outcome.events.isEmpty && bench.tables == before)
        #expect(outcome.zxid == bench.machine.zxid)
        #expect(bench.machine.tree.node("/a/x") == nil)
        #expect(bench.machine.tree.node("/a")?.stat.childrenCreated == 0 && bench.machine.tree.node("/a")?.data == Bytes(string: "/a"))
    }

    @Test func aDeletedTreeIsRestoredWhenAMultiFails() {
        var bench = Bench()
        _ = bench.write(Bench.create("/a"), Bench.create("/a/b", ephemeral: true))
        #expect(
            refusal(bench.write(.delete(path: "/a/b", version: -1), .delete(path: "/a", version: -1), .check(path: "/a", version: 0)))
                == .noNode)
        #expect(bench.machine.tree.children(of: "/a") == ["b"])
        #expect(bench.machine.tree.ephemeralPaths(of: SessionID(1)) == ["/a/b"])
    }

    @Test func statsMoveAsTheyDoInZooKeeper() throws {
        var bench = Bench()
        let fresh = try #require(bench.machine.tree.node("/"))
        #expect(fresh.status.changeVersion == -1)
        _ = bench.write(Bench.create("/a"))
        _ = bench.write(Bench.create("/a/b"))
        _ = bench.write(.setData(path: "/a", data: nil, version: 0))
        _ = bench.write(.setACL(path: "/a", acl: [.open], version: 0))
        let node = try #require(bench.machine.tree.node("/a"))
        #expect((node.stat.version, node.stat.aversion, node.status.changeVersion) == (1, 1, 1))
        #expect((node.stat.czxid, node.stat.pzxid, node.stat.mzxid) == (2, 3, 4))
        #expect(node.data == nil)
    }

    @Test func closingASessionTakesItsEphemeralsInOrder() {
        var bench = Bench()
        _ = bench.write(
            Bench.create("/p"), Bench.create("/p/b", ephemeral: true), Bench.create("/p/a", ephemeral: true), Bench.create("/p/kept"))
        let outcome = bench.run(.closeSession(SessionID(1)))
        #expect(told(outcome) == ["deleted /p/a", "childrenChanged /p", "deleted /p/b", "childrenChanged /p"])
        #expect(bench.machine.tree.children(of: "/p") == ["kept"])
        #expect(refusal(bench.write(Bench.create("/late"))) == .sessionExpired)
    }

    @Test func rulesOfTheTree() {
        var bench = Bench()
        _ = bench.write(Bench.create("/e", ephemeral: true), Bench.create("/d"), Bench.create("/d/c"))
        #expect(refusal(bench.write(Bench.create("/e/x"))) == .noChildrenForEphemerals)
        #expect(refusal(bench.write(Bench.create("/d"))) == .nodeExists)
        #expect(refusal(bench.write(Bench.create("/x/y"))) == .noNode)
        #expect(refusal(bench.write(.delete(path: "/d", version: -1))) == .notEmpty)
        #expect(refusal(bench.write(.delete(path: "/d/c", version: 4))) == .badVersion)
        #expect(refusal(bench.write(.delete(path: "/", version: -1))) == .badArguments)
        #expect(refusal(bench.write(.delete(path: "/zookeeper", version: -1))) == .badArguments)
        #expect(refusal(bench.write(.setData(path: "/zookeeper/config", data: nil, version: -1))) == .noAuth)
    }

    @Test func checksComeInZooKeepersOrder() {
        var bench = Bench()
        let closed = [AccessRight(.read, scheme: "world", id: "anyone")]
        _ = bench.write(Bench.create("/n", acl: closed))
        #expect(refusal(bench.write(Bench.create("/x/y", acl: []))) == .invalidACL, "the list before the parent")
        #expect(refusal(bench.write(Bench.create("/x/.."))) == .noNode, "the parent before the name")
        #expect(refusal(bench.write(Bench.create("/n/.."))) == .noAuth, "the right before the name")
        #expect(refusal(bench.write(.delete(path: "/n/none", version: -1))) == .noAuth, "the right before the node")
        #expect(refusal(bench.write(.setData(path: "/n", data: nil, version: 9))) == .noAuth, "the right before the version")
        #expect(refusal(bench.write(.setACL(path: "/none", acl: [], version: -1))) == .invalidACL, "the list before the node")
    }

    @Test func aMultiTellsEachOperationsOwnStatistics() {
        var bench = Bench()
        let outcome = bench.write(
            Bench.create("/a"), .setData(path: "/a", data: nil, version: 0), .setData(path: "/a", data: nil, version: 1),
            Bench.create("/a/b"))
        guard case .success(let results) = outcome.result else {
            Issue.record("refused: \(outcome.result)")
            return
        }
        let versions = results.map { result -> Int32 in
            switch result {
            case .created(_, let status), .changed(_, let status): status.stat.version
            case .deleted, .checked: -1
            }
        }
        #expect(versions == [0, 1, 2, 0])
    }

    @Test func versionsSkipMinusOne() throws {
        var stat = ZnodeStat()
        stat.version = -2
        stat.aversion = -2
        var rows = RowChanges()
        CoordRows.upsert("/a", Znode(data: nil, acl: [.open], stat: stat), &rows)
        guard case .upsert(_, let row)? = rows.changes.first else {
            Issue.record("no row")
            return
        }
        var bench = Bench()
        try bench.machine.load(row, of: CoordRows.znodes)
        _ = bench.write(.setData(path: "/a", data: nil, version: -1), .setACL(path: "/a", acl: [.open], version: -1))
        #expect(bench.machine.tree.node("/a")?.stat.version == 0 && bench.machine.tree.node("/a")?.stat.aversion == 0)
    }

    @Test func countsOfEverythingBelow() {
        var bench = Bench()
        _ = bench.write(Bench.create("/a"), Bench.create("/a/b"), Bench.create("/a/b/c"), Bench.create("/ab"))
        #expect(bench.machine.tree.descendantCount(of: "/a") == 2)
        #expect(bench.machine.tree.descendantCount(of: "/") == bench.machine.tree.count - 1)
    }
}

@Suite struct NodeLifeTests {
    @Test(arguments: [
        NodeLife.persistent, .ephemeral(SessionID(0x1234_5678_0000)), .container, .ttl(milliseconds: 1),
        .ttl(milliseconds: NodeLife.ttlMillisecondsMax),
    ])
    func everyLifeIsReadAsItWasStored(life: NodeLife) { #expect(NodeLife(stored: life.stored) == life) }

    private func reap(_ bench: inout Bench, _ paths: [String], unused: Int64 = 0) -> [String] {
        told(bench.run(.reap(paths: paths, unusedMilliseconds: unused)))
    }

    @Test func aContainerGoesWhenItIsEmptyAgain() {
        var bench = Bench()
        _ = bench.write(.createContainer(path: "/c", data: nil, acl: [.open], sequential: false))
        #expect(reap(&bench, ["/c"]) == [], "it never had a child")
        _ = bench.write(Bench.create("/c/x"))
        #expect(reap(&bench, ["/c"]) == [], "it has a child")
        _ = bench.write(.delete(path: "/c/x", version: -1))
        #expect(reap(&bench, ["/c", "/none", "/"]) == ["deleted /c", "childrenChanged /"])
    }

    @Test func anUnusedContainerGoesAfterItsTime() {
        var bench = Bench()
        _ = bench.write(.createContainer(path: "/c", data: nil, acl: [.open], sequential: false))
        #expect(reap(&bench, ["/c"], unused: 1000) == [])
        #expect(reap(&bench, ["/c"], unused: 10) == ["deleted /c", "childrenChanged /"])
    }

    @Test func aNodeWithATimeToLiveGoesWhenItIsLeftAlone() {
        var bench = Bench()
        _ = bench.write(.createTTL(path: "/t", data: nil, acl: [.open], sequential: false, milliseconds: 25))
        _ = bench.run(.closeSession(SessionID(9)))
        _ = bench.write(.setData(path: "/t", data: nil, version: -1))
        #expect(reap(&bench, ["/t"]) == [])
        #expect(reap(&bench, ["/t"]) == [])
        #expect(reap(&bench, ["/t"]) == ["deleted /t", "childrenChanged /"])
    }

    @Test func aTimeToLiveHasBounds() {
        var bench = Bench()
        for milliseconds in [0, -1, NodeLife.ttlMillisecondsMax + 1] {
            #expect(
                refusal(bench.write(.createTTL(path: "/t", data: nil, acl: [.open], sequential: false, milliseconds: milliseconds)))
                    == .badArguments)
        }
    }

    @Test func whatIsDueIsFoundInSlices() {
        var bench = Bench()
        for number in 0..<5 {
            _ = bench.write(.createTTL(path: "/t\(number)", data: nil, acl: [.open], sequential: false, milliseconds: 1))
        }
        let now = WallTime(milliseconds: 1000)
        let first = bench.machine.tree.due(from: 0, count: 3, now: now, unusedMilliseconds: 0)
        let second = bench.machine.tree.due(from: 3, count: 3, now: now, unusedMilliseconds: 0)
        #expect(first.total == 5 && first.paths + second.paths == (0..<5).map { "/t\($0)" })
    }
}
