// Sessions and the commands of the log.
import Base
import CoordCore
import CoordService
import Testing

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

    @Test func aPauseOfTheServerIsNoSilence() {
        var clock = SessionClock()
        let start = Instant(nanoseconds: 0)
        clock.watch(SessionID(1), timeout: .seconds(4), now: start)
        clock.postpone(by: .seconds(8))
        #expect(clock.expire(now: start + .seconds(9)) == [])
        #expect(clock.expire(now: start + .seconds(12)) == [SessionID(1)])
    }
}

@Suite struct SessionShareTests {
    @Test func sessionsCountForTheAddressThatOpenedThemUntilTheyEnd() {
        var shares = SessionShares()
        for id in 1...3 as ClosedRange<Int64> { shares.begin(SessionID(id), from: "10.0.0.1") }
        shares.begin(SessionID(3), from: "10.0.0.1")
        shares.begin(SessionID(4), from: "10.0.0.2")
        #expect(shares.count(of: "10.0.0.1") == 3 && shares.count(of: "10.0.0.2") == 1)
        shares.end(SessionID(1))
        shares.end(SessionID(1))
        shares.end(SessionID(99))
        #expect(shares.count(of: "10.0.0.1") == 2)
        shares.keep { $0 == SessionID(4) }
        #expect(shares.count(of: "10.0.0.1") == 0 && shares.count(of: "10.0.0.2") == 1)
    }
}

@Suite struct SessionNumberTests {
    @Test func serversThatStartInTheSameMillisecondGiveDifferentSessions() {
        let moment = WallTime(milliseconds: 1_795_536_214_960)
        let firsts = (0...255).map { CoordDoor.firstSession(server: $0, startedAt: moment) }
        #expect(Set(firsts.map { $0 >> 55 }).count == 256, "no number of sessions makes one server's ids reach another one's")
        #expect(firsts.allSatisfy { $0 > 0 })
        #expect(CoordDoor.firstSession(server: 1, startedAt: WallTime(milliseconds: moment.milliseconds + 1)) == firsts[1] + 65_536)
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
                .reap(paths: ["/c", "/t"], unusedMilliseconds: 5),
                .localWrite(
                    withinQuota: true, identities: [Identity(scheme: "ip", id: "::1")], operations: [.delete(path: "/a", version: 1)]),
                .write(SessionID(2), withinQuota: true, identities: [], operations: [.delete(path: "/a", version: 1)]),
                .write(
                    SessionID(1), identities: [Identity(scheme: "ip", id: "::1")],
                    operations: [
                        .create(
                            path: "/ä", data: random.chance(1, in: 2) ? nil : Bytes(string: "x"), acl: acl, ephemeral: true,
                            sequential: false),
                        .delete(path: "/b", version: -1), .setData(path: "/c", data: Bytes(), version: 3),
                        .setACL(path: "/d", acl: acl, version: 0), .check(path: "/", version: 1),
                        .createContainer(path: "/f", data: nil, acl: acl, sequential: true),
                        .createTTL(path: "/g", data: Bytes(string: "y"), acl: acl, sequential: false, milliseconds: 77),
                    ]),
            ]
            for command in commands {
                #expect(try CoordCommand(decoding: command.encoded(as: DurableDialect.self), as: DurableDialect.self) == command)
            }
        }
    }

    @Test func aSessionThatOnlyItsServerKnowsWritesAndOwnsNothing() {
        var bench = Bench()
        let plain = bench.run(.localWrite(withinQuota: false, identities: [], operations: [Bench.create("/plain")]))
        guard case .success(let results) = plain.result else { return #expect(Bool(false), "it was refused") }
        #expect(results.count == 1)
        let owned = CoordOperation.create(path: "/owned", data: nil, acl: [.open], ephemeral: true, sequential: false)
        let refused = bench.run(.localWrite(withinQuota: false, identities: [], operations: [Bench.create("/other"), owned]))
        guard case .failure(let why) = refused.result else { return #expect(Bool(false), "it was taken") }
        #expect(why.place == 1 && why.reason == .ephemeralOnLocalSession)
        #expect(bench.machine.tree.node("/other") == nil)
    }

    /// The bytes of the first release; a log that holds them must be read for ever.
    @Test func whatTheFirstReleaseWroteIsStillRead() throws {
        let golden: [([UInt8], CoordCommand)] = [
            (
                [1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 5, 2, 1],
                .openSession(SessionID(7), timeoutMilliseconds: 5, password: Bytes(bytes: [1]))
            ),
            ([2, 0, 0, 0, 0, 0, 0, 0, 9], .closeSession(SessionID(9))),
            (
                [3, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3, 1, 3, 47, 97, 2, 120, 1, 1, 0, 2, 3, 47, 97, 255, 255, 255, 255],
                .write(
                    SessionID(1), identities: [],
                    operations: [
                        .create(path: "/a", data: Bytes(string: "x"), acl: [], ephemeral: true, sequential: false),
                        .delete(path: "/a", version: -1),
                    ])
            ),
        ]
        for (bytes, command) in golden {
            #expect(try CoordCommand(decoding: Bytes(bytes: bytes), as: DurableDialect.self) == command)
            #expect(try command.encoded(as: DurableDialect.self).array == bytes)
        }
    }
}
