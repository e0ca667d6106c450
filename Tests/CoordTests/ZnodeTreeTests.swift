// The tree's rules and the state machine around them.
import Base
import CoordCore
import Testing

/// A machine with a session and a log of its own.
private struct Bench {
    var machine = CoordMachine()
    var slot = Slot.zero
    var rows = RowChanges()

    init() { _ = run(.openSession(SessionID(1), timeoutMilliseconds: 4000, password: Bytes())) }

    mutating func run(_ command: CoordCommand) -> CoordOutcome {
        slot = slot.next
        return machine.apply(command, at: ApplyPosition(slot: slot, time: WallTime(milliseconds: slot.rawValue * 10)), rows: &rows)
    }

    mutating func write(_ operations: CoordOperation..., as identities: [Identity] = []) -> CoordOutcome {
        run(.write(SessionID(1), identities: identities, operations: operations))
    }

    static func create(_ path: String, ephemeral: Bool = false, sequential: Bool = false, acl: [AccessRight] = [.open]) -> CoordOperation {
        .create(path: path, data: Bytes(string: path), acl: acl, ephemeral: ephemeral, sequential: sequential)
    }
}

private func refusal(_ outcome: CoordOutcome) -> CoordRefusal? { if case .failure(let refusal) = outcome.result { refusal.reason } else { nil } }

@Suite struct ZnodeTreeTests {
    @Test(arguments: [("", false), ("a", false), ("/", true), ("/a", true), ("/a/", false), ("//a", false), ("/a//b", false), ("/a/./b", false), ("/a/../b", false), ("/a\u{1}", false), ("/ä/漢", true)])
    func pathsAreValidOrNot(path: String, valid: Bool) { #expect(ZnodePath.isValid(path) == valid) }

    @Test func aTrailingSlashIsAllowedWhereDigitsFollow() {
        var bench = Bench()
        #expect(ZnodePath.isValid("/s/", sequential: true))
        _ = bench.write(Bench.create("/s"))
        #expect(bench.write(Bench.create("/s/", sequential: true)).events.first == .created("/s/0000000000"))
    }

    @Test func sequenceCountsEveryCreationAndNoDeletion() {
        var bench = Bench()
        _ = bench.write(Bench.create("/q"))
        _ = bench.write(Bench.create("/q/plain"))
        _ = bench.write(.delete(path: "/q/plain", version: -1))
        #expect(bench.write(Bench.create("/q/n", sequential: true)).events.first == .created("/q/n0000000001"))
    }

    @Test func aMultiThatFailsLeavesNoTraceButUsesAZxid() {
        var bench = Bench()
        _ = bench.write(Bench.create("/a"))
        let before = bench.rows.changes.count
        let outcome = bench.write(Bench.create("/a/x"), .setData(path: "/a", data: nil, version: -1), .delete(path: "/none", version: -1))
        #expect(refusal(outcome) == .noNode && outcome.events.isEmpty && bench.rows.changes.count == before)
        #expect(outcome.zxid == bench.machine.zxid)
        #expect(bench.machine.tree.node("/a/x") == nil)
        #expect(bench.machine.tree.node("/a")?.stat.childrenCreated == 0 && bench.machine.tree.node("/a")?.data == Bytes(string: "/a"))
    }

    @Test func aDeletedTreeIsRestoredWhenAMultiFails() {
        var bench = Bench()
        _ = bench.write(Bench.create("/a"), Bench.create("/a/b", ephemeral: true))
        #expect(refusal(bench.write(.delete(path: "/a/b", version: -1), .delete(path: "/a", version: -1), .check(path: "/a", version: 0))) == .noNode)
        #expect(bench.machine.tree.node("/a")?.children.sorted == ["b"])
        #expect(bench.machine.tree.ephemeralPaths(of: SessionID(1)) == ["/a/b"])
    }

    @Test func statsMoveAsTheyDoInZooKeeper() throws {
        var bench = Bench()
        let fresh = try #require(bench.machine.tree.node("/"))
        #expect(fresh.changeVersion == -1)
        _ = bench.write(Bench.create("/a"))
        _ = bench.write(Bench.create("/a/b"))
        _ = bench.write(.setData(path: "/a", data: nil, version: 0))
        _ = bench.write(.setACL(path: "/a", acl: [.open], version: 0))
        let node = try #require(bench.machine.tree.node("/a"))
        #expect((node.stat.version, node.stat.aversion, node.changeVersion) == (1, 1, 1))
        #expect((node.stat.czxid, node.stat.pzxid, node.stat.mzxid) == (2, 3, 4))
        #expect(node.data == nil)
    }

    @Test func closingASessionTakesItsEphemeralsInOrder() {
        var bench = Bench()
        _ = bench.write(Bench.create("/p"), Bench.create("/p/b", ephemeral: true), Bench.create("/p/a", ephemeral: true), Bench.create("/p/kept"))
        let outcome = bench.run(.closeSession(SessionID(1)))
        #expect(outcome.events == [.deleted("/p/a"), .childrenChanged("/p"), .deleted("/p/b"), .childrenChanged("/p")])
        #expect(bench.machine.tree.node("/p")?.children.sorted == ["kept"])
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
}

@Suite struct AccessControlTests {
    private let ann = Identity(scheme: "digest", id: "ann:hash")
    private func only(_ permissions: Permissions) -> [AccessRight] { [AccessRight(permissions, scheme: "digest", id: "ann:hash")] }

    @Test func everyOperationNeedsItsPermission() {
        let operations: [(Permissions, CoordOperation)] = [
            (.create, Bench.create("/n/new")), (.delete, .delete(path: "/n/c", version: -1)), (.write, .setData(path: "/n", data: nil, version: -1)),
            (.admin, .setACL(path: "/n", acl: [.open], version: -1)), (.read, .check(path: "/n", version: -1)),
        ]
        for (needed, operation) in operations {
            for granted in [Permissions.read, .write, .create, .delete, .admin] {
                var bench = Bench()
                _ = bench.write(Bench.create("/n"), Bench.create("/n/c"))
                _ = bench.write(.setACL(path: "/n", acl: only(granted), version: -1))
                #expect(refusal(bench.write(operation)) == .noAuth, "\(operation) by a stranger")
                #expect((refusal(bench.write(operation, as: [ann])) == .noAuth) == (granted != needed), "\(operation) with \(granted.rawValue)")
            }
        }
    }

    @Test func listsAreNormalisedOrRefused() {
        #expect(AccessControl.normalised([], by: [ann]) == nil)
        #expect(AccessControl.normalised([AccessRight(.all, scheme: "auth", id: "")], by: []) == nil)
        #expect(AccessControl.normalised([AccessRight(.all, scheme: "auth", id: "")], by: [ann]) == only(.all))
        #expect(AccessControl.normalised([AccessRight(.all, scheme: "unknown", id: "x")], by: [ann]) == nil)
        #expect(AccessControl.normalised([AccessRight(.all, scheme: "ip", id: "10.0.0.300")], by: []) == nil)
    }

    @Test func addressesMatchByTheirNetwork() {
        func allows(_ network: String, _ address: String) -> Bool {
            AccessControl.allows([AccessRight(.read, scheme: "ip", id: network)], .read, to: [Identity(scheme: "ip", id: address)])
        }
        #expect(allows("10.1.0.0/16", "10.1.200.3") && !allows("10.1.0.0/16", "10.2.0.1"))
        #expect(allows("10.1.2.3", "10.1.2.3") && !allows("10.1.2.3", "10.1.2.4") && allows("0.0.0.0/0", "1.2.3.4"))
    }
}

@Suite struct WatchTableTests {
    @Test func aWatchFiresOnceAndOnlyForItsKind() {
        var table = WatchTable()
        #expect(table.add(WatcherID(1), .data, "/a") && table.add(WatcherID(2), .child, "/a") && table.add(WatcherID(1), .data, "/a"))
        #expect(table.fire(.dataChanged("/a")).watchers == [WatcherID(1)])
        #expect(table.fire(.dataChanged("/a")).watchers == [])
        #expect(table.fire(.childrenChanged("/a")).watchers == [WatcherID(2)] && table.count == 0)
    }

    @Test func aDeletionTellsEachWatcherOnce() {
        var table = WatchTable()
        for kind in WatchKind.allCases { #expect(table.add(WatcherID(1), kind, "/a") == true) }
        #expect(table.fire(.deleted("/a")).watchers == [WatcherID(1)] && table.count == 0)
    }

    @Test func aLostConnectionTakesItsWatches() {
        var table = WatchTable()
        #expect(table.add(WatcherID(1), .data, "/a") && table.add(WatcherID(2), .data, "/a"))
        table.forget(WatcherID(1))
        #expect(table.fire(.created("/a")).watchers == [WatcherID(2)] && table.count == 0)
    }
}

@Suite struct SessionClockTests {
    @Test func aSilentSessionExpiresOnceAndATouchedOneLives() {
        var clock = SessionClock()
        let start = Instant(nanoseconds: 0)
        clock.watch(SessionID(1), timeout: .seconds(4), now: start)
        clock.watch(SessionID(2), timeout: .seconds(4), now: start)
        clock.touch(SessionID(2), now: start + .seconds(3))
        #expect(clock.expire(now: start + .seconds(4)) == [SessionID(1)])
        #expect(clock.expire(now: start + .seconds(6)) == [])
        #expect(clock.expire(now: start + .seconds(7)) == [SessionID(2)])
    }
}

@Suite struct CoordCommandTests {
    @Test func everyCommandIsReadAsItWasWritten() throws {
        for seed in 0..<300 as Range<UInt64> {
            var random = Prng(seed: seed)
            let acl = [AccessRight(.read, scheme: "digest", id: "a:b"), .open]
            let commands: [CoordCommand] = [
                .openSession(SessionID(Int64(bitPattern: random.next())), timeoutMilliseconds: 5, password: Bytes(string: "secret")),
                .closeSession(SessionID(9)),
                .write(
                    SessionID(1), identities: [Identity(scheme: "ip", id: "::1")],
                    operations: [
                        .create(path: "/ä", data: random.chance(1, in: 2) ? nil : Bytes(string: "x"), acl: acl, ephemeral: true, sequential: false),
                        .delete(path: "/b", version: -1), .setData(path: "/c", data: Bytes(), version: 3), .setACL(path: "/d", acl: acl, version: 0), .check(path: "/", version: 1),
                    ]),
            ]
            for command in commands { #expect(try CoordCommand(decoding: command.encoded(as: DurableDialect.self), as: DurableDialect.self) == command) }
        }
    }
}
