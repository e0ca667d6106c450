// Members that change, as conversations on a table: how a group is founded, how a newcomer follows and is taken in, what a leader may not
// do while a roster is on its way, and what becomes of those who are removed or come back without their disk.
import Base
import Testing

@testable import Consensus

/// Nodes whose messages wait in the open, by number. Everything handed to a disk is durable at once, unless the disk is slow.
private struct Circle {
    var nodes: [Int64: PaxosNode] = [:]
    var waiting: [Envelope] = []
    var executed: [Int64: [String]] = [:]
    var now = Instant(nanoseconds: 1_000_000_000)

    /// A newcomer with an empty directory of this number.
    mutating func add(_ number: Int64, with founders: [Int64], directory: Int64? = nil) {
        var acceptor = Acceptor()
        acceptor.recover(.directory(directory ?? number * 10))
        nodes[number] = PaxosNode(
            .founding(Member(id: NodeID(number)), with: founders.map { NodeID($0) }), acceptor: acceptor, applied: .zero, now: now,
            seed: UInt64(number))
    }

    mutating func step(_ number: Int64, _ event: PaxosEvent) {
        guard let effects = nodes[number]?.step(event, now: now) else { return }
        take(number, effects)
    }

    mutating func take(_ number: Int64, _ effects: PaxosEffects) {
        waiting += effects.messages
        executed[number, default: []] += effects.committed.filter { !$0.isRoster }.map(\.command.text)
        var notice = DurableNotice()
        for record in effects.append {
            switch record {
            case .promise(let ballot): notice.promised = ballot
            case .accept(let entry): (notice.accepted, notice.through) = (entry.ballot, entry.slot)
            case .founded: notice.founded = true
            case .began, .installed, .directory: break
            }
        }
        if !effects.append.isEmpty { step(number, .durable(notice)) }
    }

    mutating func talk(without cut: Set<Int64> = []) {
        while !waiting.isEmpty {
            let envelope = waiting.removeFirst()
            if !cut.contains(envelope.from.rawValue), !cut.contains(envelope.to.rawValue) {
                step(envelope.to.rawValue, .received(envelope))
            }
        }
    }

    /// Time passes, and everybody speaks whose turn it is.
    mutating func pass(_ milliseconds: Int64, without cut: Set<Int64> = []) {
        for _ in 0..<milliseconds / 50 {
            now = now + .milliseconds(50)
            for number in nodes.keys.sorted() where !cut.contains(number) {
                step(number, .tick)
                if nodes[number]?.wantsRosterRecord == true { step(number, .recordRoster(.zero)) }
                step(number, .flush)
            }
            talk(without: cut)
        }
    }

    mutating func propose(_ number: Int64, _ text: String) {
        step(number, .propose([Proposal(origin: .none, command: Bytes(string: text))], time: .zero))
    }

    mutating func change(_ number: Int64, _ members: [Member], from version: Int64? = nil) -> Result<Slot, RosterRefusal>? {
        guard let roster = nodes[number]?.roster,
            let (result, effects) = nodes[number]?.change(to: members, from: version ?? roster.version, time: .zero, now: now)
        else { return nil }
        take(number, effects)
        return result
    }

    func members(_ number: Int64) -> [Member] { nodes[number]?.roster?.members ?? [] }
    func standing(_ number: Int64) -> Standing? { nodes[number]?.standing }
    var leader: Int64 { nodes.keys.sorted().first { nodes[$0]?.isLeading == true } ?? 0 }
    func followers(_ count: Int) -> [Int64] { Array(nodes.keys.sorted().filter { $0 != leader }.prefix(count)) }
}

private func refused(_ result: Result<Slot, RosterRefusal>?) -> RosterRefusal? {
    if case .failure(let refusal)? = result { refusal } else { nil }
}

@Suite struct FoundingTests {
    @Test func aGroupBeginsWhenEverybodyHasSaidThatItsDirectoryIsEmpty() {
        var circle = Circle()
        for number: Int64 in [1, 2] { circle.add(number, with: [1, 2, 3]) }
        circle.pass(2000)
        #expect(circle.standing(1) == .founding(missing: [NodeID(3)]) && circle.leader == 0, "two of three are a quorum, and still wait")
        circle.add(3, with: [1, 2, 3])
        circle.pass(2000)
        #expect(circle.leader != 0 && (1...3).allSatisfy { circle.standing($0) == .voter })
        #expect(Set((1...3).map { circle.nodes[$0]?.roster?.group }).count == 1, "all know the group by one number")
    }

    @Test func twoNewcomersAndOneMemoryAreNoNewGroup() {
        var circle = Circle.founded([1, 2, 3])
        circle.nodes[2] = nil
        circle.nodes[3] = nil
        circle.add(2, with: [1, 2, 3], directory: 77)
        circle.add(3, with: [1, 2, 3], directory: 78)
        circle.pass(3000)
        #expect(circle.standing(2) == .stranger && circle.standing(3) == .stranger, "their disks are not those that the group knows")
        #expect(circle.leader == 0)
    }

    @Test func whoHeardTooLittleIsToldByTheOthers() {
        var circle = Circle()
        for number: Int64 in [1, 2, 3] { circle.add(number, with: [1, 2, 3]) }
        // The third one's knocks arrive, but it hears nothing itself.
        for number: Int64 in [1, 2, 3] { circle.step(number, .tick) }
        circle.waiting.removeAll { $0.to == NodeID(3) }
        circle.talk()
        #expect(circle.standing(1) == .voter && circle.standing(2) == .voter && circle.standing(3) != .voter)
        circle.pass(1000)
        #expect(circle.standing(3) == .voter)
    }

    @Test func newcomersThatWereToldOfOthersDoNotCount() {
        var circle = Circle()
        circle.add(1, with: [1, 2])
        circle.add(2, with: [1, 2, 3])
        circle.pass(1000)
        #expect(circle.standing(1) == .founding(missing: [NodeID(2)]))
    }
}

extension Circle {
    fileprivate static func founded(_ numbers: [Int64]) -> Circle {
        var circle = Circle()
        for number in numbers { circle.add(number, with: numbers) }
        circle.pass(2000)
        return circle
    }
}

@Suite struct MembershipTests {
    @Test func theFoundingRosterIsWrittenDownForThoseWhoComeLater() {
        var circle = Circle.founded([1, 2, 3])
        circle.add(4, with: [1, 2, 3])
        circle.pass(1000)
        #expect(
            circle.standing(4) == .guest && circle.nodes[4]?.roster == circle.nodes[1]?.roster,
            "it follows, and knows the members from the log")
        circle.propose(circle.leader, "a")
        circle.pass(200)
        #expect(circle.executed[4] == ["a"])
    }

    @Test func whatServersSayOfThemselvesCountsUntilTheMembersAreChanged() {
        var circle = Circle.founded([1, 2, 3])
        for number: Int64 in [1, 2, 3] {
            circle.nodes[number]?.me.address = "host-\(number):1"
            circle.nodes[number]?.describe(card: "new")
        }
        circle.step(circle.followers(1)[0], .campaign)
        circle.pass(2000)
        #expect(circle.members(1).map(\.address) == ["host-1:1", "host-2:1", "host-3:1"] && circle.nodes[1]?.roster?.version == 0)
        _ = circle.change(circle.leader, circle.members(1).map { Member(id: $0.id, address: "chosen-\($0.id)") })
        circle.pass(2000)
        #expect(circle.members(1).map(\.address) == ["chosen-1", "chosen-2", "chosen-3"])
    }

    @Test func aGuestIsTakenInOnceItKeepsUp() {
        var circle = Circle.founded([1, 2, 3])
        let added = circle.members(1) + [Member(id: NodeID(4))]
        #expect(refused(circle.change(circle.leader, added)) == .quorumOutOfReach, "nobody has heard of it")
        circle.add(4, with: [1, 2, 3])
        circle.pass(1000)
        #expect(refused(circle.change(circle.leader, added)) == nil)
        circle.pass(1000)
        #expect((1...4).allSatisfy { circle.standing($0) == .voter })
        #expect(circle.members(1).last?.directory == 40, "its directory is known from now on")
        circle.propose(circle.leader, "a")
        circle.pass(200)
        #expect((1...4).allSatisfy { circle.executed[$0] == ["a"] })
    }

    @Test func aVoterThatLagsIsRefused() {
        var circle = Circle.founded([1, 2, 3])
        circle.add(4, with: [1, 2, 3])
        circle.pass(1000)
        let added = circle.members(1) + [Member(id: NodeID(4))]
        circle.pass(600, without: [4])
        #expect(refused(circle.change(circle.leader, added)) == .quorumOutOfReach, "it has not answered for a while")
        #expect(
            refused(circle.change(circle.leader, circle.members(1) + [Member(id: NodeID(9), isVoter: false)])) == nil,
            "an observer costs no quorum")
    }

    @Test func oneChangeAtATimeAndFromTheVersionThatIs() {
        var circle = Circle.founded([1, 2, 3])
        let (leader, members) = (circle.leader, circle.members(1))
        #expect(refused(circle.change(leader, members, from: 99)) == .versionDiffers)
        #expect(refused(circle.change(circle.followers(1)[0], members)) == .notLeading)
        #expect(refused(circle.change(leader, [])) == .noVoters)
        #expect(refused(circle.change(leader, members + [Member(id: NodeID(8), isVoter: false)])) == nil)
        #expect(refused(circle.change(leader, members)) == .inProgress)
        circle.propose(leader, "behind")
        #expect(circle.nodes[leader]?.acceptor.lastSlot == Slot(2), "nothing is proposed behind an undecided roster")
    }

    @Test func aRemovedLeaderTellsTheDecisionAndStepsDown() {
        var circle = Circle.founded([1, 2, 3])
        let leader = circle.leader
        _ = circle.change(leader, circle.members(1).filter { $0.id.rawValue != leader })
        circle.talk()
        #expect(circle.standing(leader) == .guest && circle.nodes[leader]?.isLeading == false)
        circle.pass(500)
        #expect(circle.leader != 0 && circle.leader != leader, "the others need not wait for its lease to end")
        circle.propose(circle.leader, "a")
        circle.pass(300)
        #expect(circle.executed[leader] == ["a"], "it goes on to follow, as a guest")
    }

    @Test func aRosterThatItsLeaderLeftUndecidedIsCompletedByTheOldMembers() {
        var circle = Circle.founded([1, 2, 3])
        circle.add(4, with: [1, 2, 3])
        circle.pass(1000)
        let (leader, next) = (circle.leader, circle.followers(1)[0])
        _ = circle.change(leader, circle.members(1) + [Member(id: NodeID(4))])
        // One follower has it on disk when the leader falls; nobody knows whether it was decided.
        let sent = circle.waiting.filter { $0.to.rawValue == next }
        circle.waiting.removeAll()
        for envelope in sent { circle.step(next, .received(envelope)) }
        circle.pass(3000, without: [leader])
        #expect(circle.leader != 0 && circle.leader != leader)
        #expect(circle.members(circle.leader).count == 4 && circle.standing(4) == .voter)
        circle.pass(1000)
        #expect(circle.members(leader).count == 4, "the fallen one learns of it when it is back")
    }

    @Test func aMemberThatWasAwayWhenItWasRemovedLearnsOfIt() {
        var circle = Circle.founded([1, 2, 3])
        let gone = circle.followers(1)[0]
        _ = circle.change(circle.leader, circle.members(1).filter { $0.id.rawValue != gone })
        circle.talk(without: [gone])
        circle.pass(2000, without: [gone])
        let leader = circle.leader
        #expect(circle.standing(gone) == .voter, "it knows no better")
        circle.pass(2000)
        #expect(circle.standing(gone) == .guest && circle.leader == leader, "it topples nobody")
    }

    @Test func whoWasAwayFindsMembersThatItHasNeverHeardOf() {
        var circle = Circle.founded([1, 2, 3])
        for number: Int64 in [4, 5] { circle.add(number, with: [1, 2, 3]) }
        circle.pass(1000)
        let gone = circle.followers(1)[0]
        _ = circle.change(circle.leader, circle.members(1).filter { $0.id.rawValue != gone } + [4, 5].map { Member(id: NodeID($0)) })
        circle.pass(1000, without: [gone])
        let stay = circle.leader
        _ = circle.change(
            stay,
            circle.members(stay).map { Member(id: $0.id, isVoter: $0.id.rawValue > 3 || $0.id.rawValue == stay, directory: $0.directory) })
        circle.pass(1000, without: [gone])
        _ = circle.change(
            circle.leader, circle.members(circle.leader).map { Member(id: $0.id, isVoter: $0.id.rawValue > 3, directory: $0.directory) })
        circle.pass(3000, without: [gone])
        #expect(circle.leader > 3)
        circle.pass(3000)
        #expect(circle.standing(gone) == .guest && circle.members(gone) == circle.members(circle.leader))
    }

    @Test func aMemberWithoutItsMemoryPromisesNothing() {
        var circle = Circle.founded([1, 2, 3])
        let lost = circle.followers(1)[0]
        circle.nodes[lost] = nil
        circle.add(lost, with: [1, 2, 3], directory: 999)
        circle.pass(1000)
        #expect(circle.standing(lost) == .stranger)
        circle.step(
            lost, .received(Envelope(from: NodeID(9), to: NodeID(lost), .prepare(Ballot(round: 99, node: NodeID(9)), committed: .zero))))
        #expect(circle.waiting.isEmpty && circle.nodes[lost]?.acceptor.promised == Ballot.none)
    }

    @Test func theNumberOfARemovedMemberCanBeTakenByAnotherDirectory() {
        var circle = Circle.founded([1, 2, 3])
        let gone = circle.followers(1)[0]
        circle.propose(circle.leader, "before")
        circle.pass(500)
        _ = circle.change(circle.leader, circle.members(circle.leader).filter { $0.id.rawValue != gone })
        circle.pass(1000)
        circle.propose(circle.leader, "between")
        circle.nodes[gone] = nil
        circle.executed[gone] = nil
        circle.add(gone, with: [1, 2, 3], directory: 999)
        // It reads of the times when its number was another's on the way, and may not vote for that.
        for _ in 0..<20 {
            circle.pass(50)
            #expect(circle.standing(gone) != .voter && circle.nodes[gone]?.isVoter == false)
        }
        #expect(circle.standing(gone) == .guest && circle.executed[gone] == ["before", "between"])
        _ = circle.change(circle.leader, circle.members(circle.leader) + [Member(id: NodeID(gone))])
        circle.pass(1000)
        #expect(circle.standing(gone) == .voter && circle.members(circle.leader).first { $0.id.rawValue == gone }?.directory == 999)
    }

    @Test func whoLostItsDiskIsWelcomeAnewOnceItsNumberIsRemoved() {
        var circle = Circle.founded([1, 2, 3])
        let lost = circle.followers(1)[0]
        circle.nodes[lost] = nil
        circle.add(lost, with: [1, 2, 3], directory: 999)
        circle.pass(1000)
        #expect(circle.standing(lost) == .stranger)
        _ = circle.change(circle.leader, circle.members(circle.leader).filter { $0.id.rawValue != lost })
        circle.pass(2000)
        #expect(circle.standing(lost) == .guest)
        _ = circle.change(circle.leader, circle.members(circle.leader) + [Member(id: NodeID(lost))])
        circle.pass(1000)
        #expect(circle.standing(lost) == .voter)
    }

    @Test func changesOfObserversCostNoElection() {
        var circle = Circle.founded([1, 2, 3])
        let (leader, ballot) = (circle.leader, circle.nodes[circle.leader]?.term)
        circle.add(4, with: [1, 2, 3])
        circle.pass(1000)
        _ = circle.change(leader, circle.members(1) + [Member(id: NodeID(4), isVoter: false)])
        circle.pass(500)
        #expect(circle.standing(4) == .observer && circle.leader == leader && circle.nodes[leader]?.term == ballot)
    }
}
