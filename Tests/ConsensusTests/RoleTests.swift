// The roles of Paxos one by one: what an acceptor promises and keeps, what a proposer adopts, what a learner calls decided.
import Base
import Testing

@testable import Consensus

private func entry(_ slot: Int64, _ ballot: Ballot, _ text: String) -> LogEntry {
    LogEntry(slot: Slot(slot), ballot: ballot, time: WallTime(milliseconds: slot), command: Bytes(string: text))
}

private let low = Ballot(round: 1, node: NodeID(1))
private let high = Ballot(round: 2, node: NodeID(2))

@Suite struct AcceptorTests {
    @Test func aLowerBallotIsNeitherPromisedNorAccepted() {
        var acceptor = Acceptor()
        #expect(acceptor.promise(high) != nil)
        #expect(acceptor.promise(low) == nil)
        #expect(acceptor.promise(high) == nil, "a promise is given once")
        #expect(acceptor.accept(low, [entry(1, low, "a")]) == nil)
        #expect(acceptor.accept(high, [entry(1, high, "b")])?.count == 1)
    }

    @Test func aHigherBallotReplacesWhatWasAccepted() {
        var acceptor = Acceptor()
        _ = acceptor.accept(low, [entry(1, low, "a"), entry(2, low, "b")])
        _ = acceptor.accept(high, [entry(1, high, "c")])
        #expect(acceptor.entry(at: Slot(1))?.command.text == "c")
        #expect(acceptor.entry(at: Slot(2))?.command.text == "b", "later slots are still told in a promise")
    }

    @Test func recoveryGivesBackWhatWasWritten() {
        var written = Acceptor()
        var records: [AcceptorRecord] = [.began(incarnation: 3)]
        if let promise = written.promise(low) { records.append(promise) }
        records += written.accept(high, [entry(1, high, "a"), entry(2, high, "b")]) ?? []
        var recovered = Acceptor()
        for record in records { recovered.recover(record) }
        #expect(recovered.promised == high && recovered.lastSlot == Slot(2) && recovered.incarnation == 3)
    }

    @Test func decidedEntriesAreKeptForReplicasThatLag() {
        var acceptor = Acceptor()
        let all = (1...2000).map { entry($0, low, String(repeating: "x", count: Int($0 % 400))) }
        for start in stride(from: 0, to: all.count, by: 100) {
            _ = acceptor.accept(low, Array(all[start..<start + 100]))
            acceptor.settle(through: Slot(Int64(start) + 50))
        }
        #expect(acceptor.suffix(from: Slot(1)) == all, "settled or not, each is what was accepted")
        #expect(acceptor.chunk(from: Slot(1930), through: Slot(1960), bytesMax: 1 << 20) == Array(all[1929...1959]))
        #expect(
            acceptor.entry(at: Slot(256)) == all[255] && acceptor.entry(at: Slot(2000)) == all[1999]
                && acceptor.entry(at: Slot(2001)) == nil)
        #expect(acceptor.surplus(beyond: 950, bytes: .max) == Slot(1000))
        let few = acceptor.surplus(beyond: 2000, bytes: 100_000)
        let rest = all.dropFirst(Int(few.rawValue)).prefix { $0.slot <= Slot(1950) }
        #expect(
            (100_000..<200_000).contains(rest.reduce(0) { $0 + $1.command.readableBytes }), "the bytes that were asked for, to within a run"
        )
        acceptor.trim(through: Slot(1000))
        #expect(
            acceptor.trimmedThrough == Slot(1000) && acceptor.entry(at: Slot(1000)) == nil
                && acceptor.suffix(from: Slot(1)) == Array(all[1000...]))
        _ = acceptor.accept(high, [entry(1500, high, "new"), entry(1951, high, "new")])
        #expect(
            acceptor.entry(at: Slot(1500)) == all[1499] && acceptor.entry(at: Slot(1951))?.ballot == high, "what is decided stays as it is")
        acceptor.trim(through: Slot(1975))
        #expect(acceptor.suffix(from: Slot(1)) == Array(all[1975...]) && acceptor.lastSlot == Slot(2000))
        acceptor.skip(through: Slot(3000))
        #expect(acceptor.trimmedThrough == Slot(3000) && acceptor.lastSlot == Slot(3000) && acceptor.suffix(from: Slot(1)).isEmpty)
    }

    @Test func tablesOfAPeerTakeThePlaceOfEntries() {
        var acceptor = Acceptor()
        _ = acceptor.accept(low, (1...5).map { entry($0, low, "a") })
        acceptor.skip(through: Slot(9))
        #expect(acceptor.trimmedThrough == Slot(9) && acceptor.lastSlot == Slot(9))
        #expect(acceptor.accept(low, [entry(10, low, "b")]) != nil)
    }

    @Test func aLogFromBeforeOriginsIsRead() throws {
        var bytes = Bytes()
        bytes.writeInteger(Int8(2))
        for number in [Int64(7), 1, 1, 99] { bytes.writeInteger(number) }
        bytes.writeInteger(UInt8(4))
        bytes.writeString("abc")
        guard case .accept(let found) = try AcceptorRecord(durable: bytes) else { throw WireError.unexpectedNull }
        #expect(found.slot == Slot(7) && found.origin == .none && found.command.text == "abc")
    }
}

@Suite struct ProposerTests {
    @Test func theHighestAcceptedValueOfEachSlotIsAdopted() {
        var proposer = Proposer()
        let ballot = proposer.prepare(above: high, node: NodeID(3), committed: Slot(4))
        #expect(ballot > high)
        let first = proposer.promised(
            by: NodeID(3), ballot, previous: Slot(4), accepted: [entry(5, low, "old"), entry(6, low, "six")], isLast: true, quorum: 2,
            committed: Slot(4))
        #expect(first == nil, "one promise is no quorum")
        let open = proposer.promised(
            by: NodeID(1), ballot, previous: Slot(4), accepted: [entry(5, high, "new")], isLast: true, quorum: 2, committed: Slot(4))
        #expect(open?.map(\.command.text) == ["new", "six"])
        #expect(open?.allSatisfy { $0.ballot == ballot } == true)
        #expect(proposer.phase == .leading && proposer.nextSlot == Slot(7) && proposer.adoptedThrough == Slot(6))
    }

    @Test func aPromiseWithAMissingPartDoesNotCount() {
        var proposer = Proposer()
        let ballot = proposer.prepare(above: .none, node: NodeID(1), committed: .zero)
        _ = proposer.promised(by: NodeID(1), ballot, previous: .zero, accepted: [], isLast: true, quorum: 2, committed: .zero)
        let late = proposer.promised(
            by: NodeID(2), ballot, previous: Slot(1), accepted: [entry(2, low, "b")], isLast: true, quorum: 2, committed: .zero)
        #expect(late == nil && proposer.phase != .leading, "the part before never came")
    }

    @Test func nothingIsAdoptedBehindARoster() {
        var proposer = Proposer()
        let ballot = proposer.prepare(above: high, node: NodeID(1), committed: .zero)
        var roster = entry(2, low, "")
        roster.isRoster = true
        let accepted = [entry(1, low, "a"), roster, entry(3, low, "b")]
        let open = proposer.promised(by: NodeID(1), ballot, previous: .zero, accepted: accepted, isLast: true, quorum: 1, committed: .zero)
        #expect(open?.map(\.slot.rawValue) == [1, 2], "slot 3 belongs to the roster's own members")
        #expect(proposer.nextSlot == Slot(3) && proposer.adoptedThrough == Slot(2))
    }

    @Test func timeDoesNotRunBackwards() {
        var proposer = Proposer()
        let ballot = proposer.prepare(above: .none, node: NodeID(1), committed: .zero)
        _ = proposer.promised(by: NodeID(1), ballot, previous: .zero, accepted: [], isLast: true, quorum: 1, committed: .zero)
        let first = proposer.propose(Proposal(), time: WallTime(milliseconds: 50))
        let second = proposer.propose(Proposal(), time: WallTime(milliseconds: 20))
        #expect(first.time == second.time && second.slot == first.slot.next)
    }
}

@Suite struct LearnerTests {
    private let members = [1, 2, 3].map { NodeID($0) }

    @Test func aSlotIsDecidedWhenAQuorumHoldsItAndItIsDurableHere() {
        var learner = Learner(members: members, committed: .zero)
        learner.accepted(by: NodeID(2), through: Slot(5))
        learner.accepted(by: NodeID(3), through: Slot(4))
        #expect(learner.decided(on: NodeID(1)) == .zero, "two hold it, but not this one")
        learner.accepted(by: NodeID(1), through: Slot(3))
        #expect(learner.decided(on: NodeID(1)) == Slot(3))
    }

    @Test func aNewLeadershipCountsAfresh() {
        var learner = Learner(members: members, committed: .zero)
        for member in members { learner.accepted(by: member, through: Slot(5)) }
        learner.beginBallot(members)
        #expect(learner.decided(on: NodeID(1)) == .zero)
    }
}

@Suite struct LeaseTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func contactIsThatOfAQuorumWithTheLeaderItself() {
        var lease = LeaderLease(members: [1, 2, 3].map { NodeID($0) }, now: at(0))
        lease.noteAnswer(NodeID(2), probe: at(40))
        #expect(lease.quorumContact(of: NodeID(1), now: at(100)) == at(40), "the leader and one more are two of three")
        lease.noteAnswer(NodeID(3), probe: at(20))
        #expect(lease.quorumContact(of: NodeID(1), now: at(100)) == at(40))
    }

    @Test func aGrantKeepsOthersOutUntilItEnds() {
        var grant = LeaseGrant(until: at(250))
        #expect(grant.forbids(NodeID(2), now: at(100)), "right after a start nobody gets a promise")
        grant.extend(to: NodeID(2), until: at(500))
        #expect(!grant.forbids(NodeID(2), now: at(300)))
        #expect(grant.forbids(NodeID(3), now: at(499)) && !grant.forbids(NodeID(3), now: at(500)))
        grant.extend(to: NodeID(2), until: at(900))
        grant.end(at(600))
        #expect(!grant.forbids(NodeID(3), now: at(600)), "the holder has left for good")
    }
}
