// What a client may make a server keep or do: watches, identities, access lists, and commands of the server's own that must fit.
import Base
import CoordCore
import Testing

@testable import CoordService

@Suite struct LimitTests {
    /// A table that can be asked within an expectation.
    private final class Table {
        private var table = WatchTable(limits: WatchLimits(watches: 10, watchesPerWatcher: 6))
        var count: Int { table.count }
        func add(_ watcher: WatcherID, _ path: String) -> Bool { table.add(watcher, .data, path) }
        func fill(_ watcher: WatcherID) -> Int { (0..<20).filter { add(watcher, "/\($0)") }.count }
        func forget(_ watcher: WatcherID) -> Bool { table.forget(watcher, pathsMax: 4) }
        func created(_ path: String) -> [WatcherID] { table.fire(TreeEvent(.created, path, acl: [.open])) }
    }

    @Test func watchesAreBoundedByNumberAndByName() {
        let table = Table()
        let (one, two) = (WatcherID(1), WatcherID(2))
        #expect(table.fill(one) == 6 && table.fill(two) == 4 && table.count == 10)
        #expect(table.add(one, "/0"), "one that is held already is no new one")
        #expect(!table.forget(one) && table.count == 6)
        #expect(table.forget(one) && table.count == 4 && table.fill(two) == 6)
        #expect(!table.add(one, "/" + String(repeating: "x", count: 10_000)), "a name of 10 kB is no watch of 512 bytes")
        #expect(table.add(one, "/small") && table.created("/small") == [one])
    }

    @Test func identitiesThatAreRememberedCountForLaterWritesOfTheirConnection() throws {
        var bench = Bench()
        let ann = Identity(scheme: "sasl", id: "ann")
        let list = [AccessRight(.all, scheme: "sasl", id: "ann")]
        func writeAs(_ identities: [Identity]?, _ operation: CoordOperation) -> CoordRefusal? {
            refusal(bench.run(.writeAs(SessionID(1), identities: identities, operations: [operation])))
        }
        #expect(writeAs([ann], Bench.create("/a", acl: list)) == nil)
        #expect(writeAs(nil, .setData(path: "/a", data: nil, version: -1)) == nil)
        #expect(refusal(bench.write(.setData(path: "/a", data: nil, version: -1))) == .noAuth, "a write that names nobody is nobody's")
        var machine = CoordMachine()
        for schema in CoordMachine.tables {
            for row in bench.tables.filter({ $0.key.hasPrefix("\(schema.name) [") }).sorted(by: { $0.key < $1.key }) {
                try machine.load(row.value, of: schema)
            }
        }
        #expect(machine.sessions[SessionID(1)]?.identities == [ann])
        _ = bench.run(.attachSession(SessionID(1), timeoutMilliseconds: 4000, owner: 7))
        #expect(bench.machine.sessions[SessionID(1)]?.identities.isEmpty == true, "another connection begins as nobody")
        let next = bench.run(.writeAs(SessionID(1), owner: 7, identities: nil, operations: [.setData(path: "/a", data: nil, version: -1)]))
        #expect(refusal(next) == .noAuth)
        let gone = bench.run(.writeAs(SessionID(9), identities: [ann], operations: [Bench.create("/b")]))
        #expect(refusal(gone) == .sessionExpired)
        #expect(!bench.tables.keys.contains { $0.hasPrefix("session_identities") })
        _ = bench.run(.writeAs(SessionID(1), owner: 7, identities: [ann], operations: []))
        _ = bench.run(.writeAs(SessionID(1), owner: 7, identities: [], operations: []))
        #expect(
            !bench.tables.keys.contains { $0.hasPrefix("session_identities") }, "a session without identities has no row that outlives it")
    }

    @Test func listsThatWouldGrowAreRefused() {
        let people = (0..<100).map { Identity(scheme: "sasl", id: "user\($0)") }
        let auth = AccessRight(.all, scheme: "auth", id: "")
        #expect(
            AccessControl.isBounded([auth], by: people)
                && !AccessControl.isBounded((0..<100).map { AccessRight(Permissions(rawValue: $0), scheme: "auth", id: "") }, by: people))
        #expect(!AccessControl.isBounded([AccessRight(.all, scheme: "sasl", id: String(repeating: "x", count: 1 << 20))], by: []))
        #expect(!AccessControl.isBounded((0..<2000).map { AccessRight(.all, scheme: "sasl", id: "\($0)") }, by: []))
        var bench = Bench()
        let outcome = bench.write(Bench.create("/a", acl: [auth]).withoutAccessList)
        #expect(refusal(outcome) == .invalidACL)
    }

    @Test func commandsOfTheServerAreCutToFit() {
        let large = (0..<40).map { "/\($0)" + String(repeating: "z", count: 900_000) }
        let parts = CoordDoor.fitting(large)
        #expect(parts.count == 40 && parts.flatMap { $0 } == large)
        let small = (0..<5000).map { "/\($0)" }
        #expect(CoordDoor.fitting(small).map(\.count) == [2000, 2000, 1000] && CoordDoor.fitting([]).isEmpty)
    }

    @Test func longListsAreWrittenAsShortOnesAre() {
        var bench = Bench()
        _ = bench.write(Bench.create("/p"))
        let names = ["b", "a", "e\u{301}", "é", "\u{301}"]
        for name in names { _ = bench.write(Bench.create("/p/" + name)) }
        var bytes = Bytes()
        let (isThere, isNone) = (
            bench.machine.tree.writeChildren(of: "/p", into: &bytes), !bench.machine.tree.writeChildren(of: "/none", into: &bytes)
        )
        #expect(isThere && isNone)
        var found: [String] = []
        let count = bytes.readInteger(as: Int32.self) ?? -1
        for _ in 0..<count { found.append(bytes.readString(length: Int(bytes.readInteger(as: Int32.self) ?? 0)) ?? "") }
        #expect(count == 5 && bytes.readableBytes == 0)
        #expect(found.map { Array($0.utf8) } == names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) })
    }

    @Test func theTwoPortsOfAMemberDiffer() {
        #expect(MemberText.electionPort(Member(id: NodeID(1), address: "a:2888", card: "2888;a:2181")) == "3888")
        #expect(MemberText.electionPort(Member(id: NodeID(1), address: "a:65000", card: "")) == "64000")
        #expect(MemberText.electionPort(Member(id: NodeID(1), address: "a:2888", card: "3333;x")) == "3333")
    }
}
