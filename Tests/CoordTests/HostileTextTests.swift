// Text that means harm, or is merely unusual: what the rules take is what the rows hold, byte for byte, and what comes back at a restart.
import Base
import CoordCore
import Testing

@Suite struct HostileTextTests {
    /// A machine that knows only what the rows hold.
    private func restarted(_ bench: Bench) throws -> CoordMachine {
        var machine = CoordMachine()
        for schema in CoordMachine.tables {
            let rows = bench.tables.filter { $0.key.utf8.starts(with: "\(schema.name) ".utf8) }.values
            for row in rows.sorted(by: { ($0[0].text ?? "").utf8.lexicographicallyPrecedes(($1[0].text ?? "").utf8) }) {
                try machine.load(row, of: schema)
            }
        }
        machine.finishLoading(applied: bench.slot)
        return machine
    }

    @Test func accessListsComeBackAsTheyWereWhateverTheirIdsHold() throws {
        let ids = ["a\nb", "nobody:1\nworld:anyone", "\u{301}x", "x\u{600}", "", ":", "\n", "1 2 3 ", "e\u{301}", "é", "a:31", "😀\u{200d}"]
        var bench = Bench()
        for (place, id) in ids.enumerated() {
            let list = [
                AccessRight(.read, scheme: "sasl", id: id),
                AccessRight([.write, .admin], scheme: "digest", id: "a\(id.filter { $0 != ":" }):b"),
            ]
            guard list[1].identity.id.utf8.filter({ $0 == UInt8(ascii: ":") }).count == 1 else { continue }
            #expect(refusal(bench.write(Bench.create("/n\(place)", acl: list))) == nil, "\(id.debugDescription)")
        }
        let machine = try restarted(bench)
        for place in ids.indices {
            guard let before = bench.machine.tree.node("/n\(place)") else { continue }
            #expect(machine.tree.node("/n\(place)")?.acl == before.acl, "\(ids[place].debugDescription)")
        }
    }

    @Test func listsOfEarlierVersionsAreStillRead() throws {
        func read(_ text: String) throws -> [AccessRight]? {
            var machine = CoordMachine()
            let row: Row = [.text("/n"), .null, .text(text)] + Row(repeating: .integer(0), count: 9)
            try machine.load(row, of: CoordRows.znodes)
            return machine.tree.node("/n")?.acl
        }
        #expect(try read("world:anyone:31") == [.open])
        #expect(
            try read("digest:ann:hash:1\nip:::1:16") == [
                AccessRight(.read, scheme: "digest", id: "ann:hash"), AccessRight(.admin, scheme: "ip", id: "::1"),
            ])
        #expect(try read("sasl:a\nb:31") == [AccessRight(.all, scheme: "sasl", id: "a\nb")])
        #expect(try read("sasl:\u{301}x:31") == [AccessRight(.all, scheme: "sasl", id: "\u{301}x")])
        #expect(throws: StateCorruption.self) { try read("sasl:a") }
        #expect(throws: StateCorruption.self) { try read("2 31 5 600 worldanyone") }
        #expect(throws: StateCorruption.self) { try read("2 31 99999999999999999999 6 worldanyone") }
    }

    @Test func namesThatLookAlikeAreTwoPeople() {
        let (one, other) = (Identity(scheme: "sasl", id: "é"), Identity(scheme: "sasl", id: "e\u{301}"))
        #expect(one != other)
        #expect(!AccessControl.allows([AccessRight(.read, scheme: "sasl", id: one.id)], .read, to: [other]))
        #expect(Identity(scheme: "sasl", id: "\u{212a}") != Identity(scheme: "sasl", id: "K"))
        var bench = Bench()
        _ = bench.write(
            Bench.create("/a", acl: [AccessRight(.all, scheme: "sasl", id: one.id)]),
            Bench.create("/b", acl: [AccessRight(.all, scheme: "sasl", id: other.id)]))
        #expect(bench.machine.tree.node("/a")?.acl.first?.identity == one && bench.machine.tree.node("/b")?.acl.first?.identity == other)
    }

    @Test func aPathWithAnEmptyPartIsNoneWhateverFollows() {
        var bench = Bench()
        _ = bench.write(Bench.create("/p"))
        for path in ["//\u{301}", "/p//\u{301}x", "/p/.\u{301}/../x", "/\u{301}/"] {
            #expect(
                !ZnodePath.isValid(path) && [.badArguments, .noNode].contains(refusal(bench.write(Bench.create(path)))),
                "\(path.debugDescription)")
        }
        for path in ["/\u{301}", "/p/\u{301}", "/p/.\u{301}", "/p/...", "/e\u{301}", "/é"] {
            #expect(ZnodePath.isValid(path) && refusal(bench.write(Bench.create(path))) == nil, "\(path.debugDescription)")
            #expect(refusal(bench.write(.delete(path: path, version: -1))) == nil, "\(path.debugDescription)")
        }
    }

    @Test func quotasAreFoundByBytes() {
        var bench = Bench()
        _ = bench.write(Bench.create("/\u{301}q"), Bench.create("/zookeeper/quota/\u{301}q"))
        _ = bench.write(
            .create(
                path: "/zookeeper/quota/\u{301}q/zookeeper_limits", data: Bytes(string: "count=1,bytes=\u{301}1"), acl: [.open],
                ephemeral: false, sequential: false))
        #expect(bench.machine.tree.quotas.keys.map(\.text) == ["/\u{301}q"])
    }

    @Test func anAddressOfIPv4IsTheSameInIPv6sForm() {
        func allows(_ network: String, _ address: String) -> Bool {
            AccessControl.allows([AccessRight(.read, scheme: "ip", id: network)], .read, to: [Identity(scheme: "ip", id: address)])
        }
        #expect(allows("127.0.0.1", "::ffff:127.0.0.1") && allows("10.0.0.0/8", "::ffff:10.9.8.7") && allows("::ffff:10.0.0.1", "10.0.0.1"))
        #expect(!allows("127.0.0.1", "::ffff:127.0.0.2") && !allows("127.0.0.1", "::fffe:127.0.0.1") && !allows("::1", "0.0.0.1"))
    }
}
