// Conversations of three replicas, message by message, on a table instead of a network: what is said, what may not be said, and who wins.
import Base
import Consensus
import Testing

/// Three nodes whose messages wait in the open. Everything handed to a disk is durable at once.
private struct Table {
    var nodes: [PaxosNode]
    var waiting: [Envelope] = []
    var executed: [[String]] = [[], [], []]
    var readable: [[PaxosEffects.Readable]] = [[], [], []]
    var now = Instant(nanoseconds: 1_000_000_000)

    init() {
        let members = [1, 2, 3].map { NodeID($0) }
        nodes = members.map {
            PaxosNode(.settled($0, members), acceptor: Acceptor(), applied: .zero, now: Instant(nanoseconds: 0), seed: UInt64($0.rawValue))
        }
    }

    mutating func step(_ index: Int, _ event: PaxosEvent) {
        let effects = nodes[index].step(event, now: now)
        waiting += effects.messages
        executed[index] += effects.committed.map(\.command.text)
        readable[index] += effects.readable
        var notice = DurableNotice()
        for record in effects.append {
            switch record {
            case .promise(let ballot): notice.promised = ballot
            case .accept(let entry): (notice.accepted, notice.through) = (entry.ballot, entry.slot)
            case .founded: notice.founded = true
            case .began, .installed, .directory: break
            }
        }
        if !effects.append.isEmpty { step(index, .durable(notice)) }
    }

    /// Delivers everything, also what follows from it, but nothing to or from `cut`.
    mutating func talk(without cut: Int? = nil) {
        while !waiting.isEmpty {
            let envelope = waiting.removeFirst()
            let (from, to) = (Int(envelope.from.rawValue) - 1, Int(envelope.to.rawValue) - 1)
            if from != cut, to != cut { step(to, .received(envelope)) }
        }
    }

    mutating func pass(_ milliseconds: Int64) { now = now + .milliseconds(milliseconds) }

    mutating func propose(_ index: Int, _ text: String) {
        step(index, .propose([Proposal(origin: .none, command: Bytes(string: text))], time: .zero))
    }
}

@Suite struct ConversationTests {
    /// The first node leads and all have heard it.
    private func led() -> Table {
        var table = Table()
        table.step(0, .campaign)
        table.talk()
        return table
    }

    @Test func aCommandIsExecutedByAllOnceAQuorumHasIt() {
        var table = led()
        #expect(table.nodes[0].isEstablished && table.nodes[1].leader == NodeID(1))
        table.propose(0, "a")
        #expect(table.executed[0].isEmpty, "one of three is no quorum")
        table.talk()
        #expect(table.executed[0] == ["a"])
        table.step(0, .flush)
        table.talk()
        #expect(table.executed[1] == ["a"] && table.executed[2] == ["a"], "the decision is told when nothing else is")
    }

    @Test func aFollowerIgnoresAStaleBallot() {
        var table = led()
        table.pass(2000)
        table.step(1, .campaign)
        table.talk(without: 0)
        #expect(table.nodes[1].isLeading)
        table.propose(0, "late")
        table.talk()
        #expect(table.executed.allSatisfy(\.isEmpty) && !table.nodes[0].isLeading, "the old leader learns that its time is over")
    }

    @Test func whatAQuorumAcceptedOutlivesItsLeader() {
        var table = led()
        table.propose(0, "kept")
        table.talk(without: 2)
        #expect(table.executed[0] == ["kept"])
        table.pass(2000)
        table.step(2, .campaign)
        table.talk(without: 0)
        #expect(table.nodes[2].isEstablished && table.executed[2] == ["kept"], "the second node told of it")
    }

    @Test func aReplicaThatComesBackDoesNotToppleAHealthyLeader() {
        var table = led()
        table.pass(900)
        table.step(0, .tick)
        table.talk(without: 2)
        table.step(2, .tick)
        table.talk()
        #expect(table.nodes[0].isLeading, "those who hear the leader grant nothing")
        #expect(table.nodes[1].leader == NodeID(1))
    }

    @Test func aReadIsAnsweredUnderTheLeaseOnly() {
        var table = led()
        table.step(0, .read(ReadToken(1)))
        #expect(table.readable[0].map(\.token) == [ReadToken(1)])
        table.pass(300)
        table.step(0, .read(ReadToken(2)))
        #expect(table.readable[0].count == 1, "the lease is over: the leader asks first")
        table.talk()
        #expect(table.readable[0].map(\.token) == [ReadToken(1), ReadToken(2)])
    }

    @Test func aFollowersReadWaitsForWhatTheLeaderHasDecided() {
        var table = led()
        table.propose(0, "a")
        table.talk()
        table.step(1, .read(ReadToken(7)))
        table.talk()
        #expect(table.readable[1].map(\.slot) == [Slot(1)])
    }

    @Test func whatAFollowerMissedIsSentAgain() {
        var table = led()
        table.propose(0, "a")
        table.propose(0, "b")
        table.talk(without: 2)
        #expect(table.executed[2].isEmpty)
        table.pass(60)
        table.step(0, .tick)
        table.talk()
        table.step(0, .flush)
        table.talk()
        #expect(table.executed[2] == ["a", "b"])
    }

    @Test func aFollowerBehindTheTrimmedLogIsOfferedTables() {
        var table = led()
        for text in ["a", "b", "c"] { table.propose(0, text) }
        table.talk(without: 2)
        table.step(0, .forget(Slot(3)))
        table.pass(60)
        table.step(0, .tick)
        table.talk()
        let offer = table.nodes[2].step(
            .received(Envelope(from: NodeID(1), to: NodeID(3), .install(table.nodes[0].term, through: Slot(3)))), now: table.now)
        #expect(offer.fetchTables == NodeID(1))
        table.step(2, .installed(Slot(3), nil))
        table.propose(0, "d")
        table.talk()
        table.pass(60)
        table.step(0, .tick)
        table.talk()
        table.step(0, .flush)
        table.talk()
        #expect(table.executed[2] == ["d"])
    }

    private func bytes(of record: AcceptorRecord) throws -> Bytes {
        var bytes = Bytes()
        try record.writeDurable(into: &bytes)
        return bytes
    }

    @Test func everyMessageSurvivesTheWire() throws {
        var random = Prng(seed: 5)
        let ballot = Ballot(round: 3, node: NodeID(2))
        let entries = (0..<3).map {
            LogEntry(
                slot: Slot(Int64($0)), ballot: ballot, time: WallTime(milliseconds: 9),
                origin: Origin(node: NodeID(1), incarnation: 2, sequence: Int64(random.below(99))), command: Bytes(string: "x"))
        }
        let members = Roster(
            version: 9, group: 7,
            members: [Member(id: NodeID(1), directory: 5), Member(id: NodeID(2), isVoter: false, address: "b:2", card: "c")])
        let roster = LogEntry(
            slot: Slot(3), ballot: ballot, time: .zero, command: try members.encoded(as: DurableDialect.self), isRoster: true)
        #expect(try AcceptorRecord(durable: bytes(of: .accept(roster))) == .accept(roster))
        #expect(try AcceptorRecord(durable: bytes(of: .founded(members))) == .founded(members))
        let messages: [PaxosMessage] = [
            .canvass(ballot, committed: Slot(1)), .canvassed(ballot, granted: true, promised: ballot), .prepare(ballot, committed: Slot(2)),
            .promise(ballot, previous: Slot(3), accepted: entries, isLast: false), .refuse(promised: ballot),
            .accept(ballot, previous: Slot(4), entries: entries, committed: Slot(5), probe: Instant(nanoseconds: 6)),
            .accepted(ballot, through: Slot(7), probe: Instant(nanoseconds: 8)), .missing(ballot, after: Slot(9)),
            .install(ballot, through: Slot(10)),
            .readQuery(ReadToken(11)), .readAnswer(ReadToken(12), Slot(13)),
            .accept(ballot, previous: Slot(4), entries: [roster], committed: Slot(5), probe: .zero),
            .promise(ballot, previous: Slot(3), accepted: entries + [roster], isLast: true), .roster(members),
            .knock(members.members[1], founders: [NodeID(1), NodeID(2)]),
        ]
        for message in messages {
            let bytes = try message.encoded(as: DurableDialect.self)
            #expect(try PaxosMessage(decoding: bytes, as: DurableDialect.self) == message)
        }
    }
}
