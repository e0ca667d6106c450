// Conversations with the group coordinator: members join, rebalance, go silent and come back. Time is a number here, so a session that
// lasts half an hour takes no time to test.
import Base
import Testing

@testable import BrokerCore

/// A coordinator with a clock and short names for what members do.
struct GroupScene {
    var coordinator: GroupCoordinator
    /// The group as it is stored.
    var machine = BrokerMachine()
    /// Why nothing can be stored at present.
    var storesFail: GroupRefusal?
    /// Stores end only when `endStores` is called.
    var holdsStores = false
    var heldStores: [(number: Int, change: StoredGroupChange)] = []
    var now = Instant.zero
    var nextToken: Int64 = 1
    let group = GroupID("g")

    init(_ change: (inout GroupSettings) -> Void = { _ in }) {
        var settings = GroupSettings()
        change(&settings)
        coordinator = GroupCoordinator(settings: settings, random: Prng(seed: 1))
    }

    mutating func token() -> ReplyToken {
        defer { nextToken += 1 }
        return ReplyToken(nextToken)
    }

    mutating func join(
        _ member: MemberID = MemberID(""), instance: String? = nil, protocols: [String] = ["range"], metadata: String = "",
        idFirst: Bool = false,
        session: Duration = .seconds(10), rebalance: Duration = .seconds(60), type: String = "consumer"
    ) -> [GroupEffect] {
        let attempt = JoinAttempt(
            group: group, member: member, instance: instance, clientID: "c", clientHost: "/127.0.0.1", protocolType: type,
            protocols: protocols.map { ($0, Bytes(string: metadata)) }, sessionTimeout: session, rebalanceTimeout: rebalance,
            wantsIDFirst: idFirst)
        let token = token()
        return settled(coordinator.join(attempt, stored: machine.groups[group], token: token, now: now))
    }

    /// Carries stores out; what that brings about follows the other effects.
    mutating func settled(_ effects: [GroupEffect]) -> [GroupEffect] {
        var rest: [GroupEffect] = []
        for effect in effects {
            guard case .store(_, let number, let change) = effect else {
                rest.append(effect)
                continue
            }
            if holdsStores { heldStores.append((number, change)) } else { rest += end(number, change) }
        }
        return rest
    }

    private mutating func end(_ number: Int, _ change: StoredGroupChange) -> [GroupEffect] {
        if storesFail == nil {
            var rows = RowChanges()
            _ = machine.apply(
                .storeGroup(group, by: CoordinatorClaim(1, standing: nil), change), at: ApplyPosition(slot: Slot(1), time: .zero),
                rows: &rows)
        }
        return settled(coordinator.stored(group, number: number, storesFail, now: now))
    }

    mutating func endStores() -> [GroupEffect] {
        let held = heldStores
        (heldStores, holdsStores) = ([], false)
        return held.flatMap { end($0.number, $0.change) }
    }

    /// The broker starts again, or another one takes over.
    mutating func takeOver() throws {
        coordinator = GroupCoordinator(settings: coordinator.settings, random: Prng(seed: 2))
        for (id, stored) in machine.groups.entries { try coordinator.adopt(id, stored, now: now) }
    }

    mutating func sync(_ member: MemberID, _ generation: Int32, _ shares: [(MemberID, String)] = []) -> [GroupEffect] {
        let token = token()
        return settled(
            coordinator.sync(
                group, member: member, instance: nil, generation: generation, protocolType: "consumer", protocolName: nil,
                assignments: shares.map { ($0.0, Bytes(string: $0.1)) }, token: token, now: now))
    }

    mutating func beat(_ member: MemberID, _ generation: Int32) -> GroupRefusal? {
        coordinator.heartbeat(group, member: member, instance: nil, generation: generation, now: now)
    }

    mutating func pass(_ duration: Duration) -> [GroupEffect] {
        now = now + duration
        return settled(coordinator.expire(now: now))
    }

    /// A stable group of `count` members in join order.
    mutating func stable(_ count: Int) -> [MemberID] {
        var members: [MemberID] = []
        for _ in 0..<count {
            var joined = join().joined
            for member in members { joined += join(member, metadata: "again").joined }
            for one in joined where !members.contains(one.member) { members.append(one.member) }
        }
        let generation = coordinator.groups[group]!.generation
        let leader = coordinator.groups[group]!.leader!
        for member in members where member != leader { _ = sync(member, generation) }
        _ = sync(leader, generation, members.map { ($0, "share of \($0)") })
        return members
    }

    var phase: Group.Phase? { coordinator.groups[group]?.phase }
    var generation: Int32 { coordinator.groups[group]?.generation ?? -1 }
}

extension [GroupEffect] {
    var joined: [JoinedGroup] { compactMap { if case .joined(_, let joined) = $0 { joined } else { nil } } }
    var synced: [String] { compactMap { if case .synced(_, let synced) = $0 { synced.assignment.text } else { nil } } }
    var refusals: [GroupRefusal] {
        compactMap {
            switch $0 {
            case .joinRefused(_, let refusal, _), .syncRefused(_, let refusal): refusal
            case .joined, .synced, .store: nil
            }
        }
    }
}

@Suite struct GroupCoordinatorTests {
    @Test func aLoneMemberLeadsAtOnce() throws {
        var scene = GroupScene()
        let joined = try #require(scene.join(metadata: "m").joined.first)
        #expect(joined.generation == 1 && joined.leader == joined.member && joined.protocolName == "range")
        #expect(joined.members.map(\.metadata.text) == ["m"])
        #expect(scene.sync(joined.member, 1, [(joined.member, "all")]).synced == ["all"])
        #expect(scene.phase == .stable)
        #expect(scene.beat(joined.member, 1) == nil)
    }

    @Test func aNewcomerIsGivenItsIDFirst() throws {
        var scene = GroupScene()
        guard case .memberIDRequired(let id)? = scene.join(idFirst: true).refusals.first else {
            Issue.record("no id was given")
            return
        }
        #expect(scene.join(id, idFirst: true).joined.map(\.member) == [id])
    }

    @Test func anIDThatNeverComesBackHoldsNobodyUpForLongerThanItsSession() throws {
        var scene = GroupScene()
        _ = scene.join(idFirst: true)
        #expect(scene.join().joined.isEmpty, "the group waits for the member that has its id")
        #expect(scene.pass(.seconds(11)).joined.count == 1)
    }

    @Test func aSecondMemberMakesTheFirstRejoin() throws {
        var scene = GroupScene()
        let first = scene.stable(1)[0]
        #expect(scene.join().joined.isEmpty, "the newcomer waits")
        #expect(scene.beat(first, 1) == .rebalanceInProgress)
        let joined = scene.join(first).joined
        #expect(joined.count == 2 && joined.allSatisfy { $0.generation == 2 && $0.leader == first })
        #expect(joined.first { $0.member == first }?.members.count == 2)
        #expect(joined.first { $0.member != first }?.members.isEmpty == true, "only the leader sees the others")
    }

    @Test func sharesReachTheirMembers() {
        var scene = GroupScene()
        let members = scene.stable(3)
        for member in members { #expect(scene.sync(member, scene.generation).synced == ["share of \(member)"]) }
    }

    @Test func aSyncOfAnOldGenerationIsRefused() {
        var scene = GroupScene()
        let members = scene.stable(2)
        #expect(scene.sync(members[0], scene.generation - 1).refusals == [.illegalGeneration])
        #expect(scene.beat(members[0], scene.generation + 1) == .illegalGeneration)
        #expect(scene.beat(MemberID("nobody"), scene.generation) == .unknownMember)
    }

    @Test func aSilentMemberLosesItsPlace() {
        var scene = GroupScene()
        let members = scene.stable(2)
        _ = scene.pass(.seconds(6))
        #expect(scene.beat(members[0], scene.generation) == nil)
        _ = scene.pass(.seconds(6))
        #expect(scene.beat(members[1], scene.generation) == .unknownMember)
        #expect(scene.beat(members[0], scene.generation) == .rebalanceInProgress)
        #expect(scene.join(members[0]).joined.map(\.members.count) == [1])
    }

    @Test func aMemberThatDoesNotRejoinIsLeftBehind() {
        var scene = GroupScene()
        let members = scene.stable(2)
        _ = scene.join()
        _ = scene.join(members[0], rebalance: .seconds(60))
        for _ in 0..<11 {
            #expect(scene.beat(members[1], scene.generation) == .rebalanceInProgress)
            _ = scene.pass(.seconds(5))
        }
        let effects = scene.pass(.seconds(6))
        #expect(effects.joined.count == 2)
        #expect(scene.beat(members[1], scene.generation) == .unknownMember)
    }

    @Test func aLeaderThatNeverAssignsIsReplaced() {
        var scene = GroupScene()
        let leader = scene.join(rebalance: .seconds(20)).joined[0].member
        let second = scene.join(rebalance: .seconds(20))
        #expect(second.isEmpty)
        let joined = scene.join(leader, metadata: "again", rebalance: .seconds(20)).joined
        let other = joined.first { $0.member != leader }!.member
        #expect(scene.sync(other, scene.generation).isEmpty)
        for _ in 0..<3 {
            _ = scene.pass(.seconds(6))
            _ = scene.beat(leader, scene.generation)
        }
        let effects = scene.pass(.seconds(6))
        #expect(effects.refusals == [.rebalanceInProgress], "the one that waits for its share has to join anew")
        #expect(scene.join(other).joined.map(\.leader) == [other])
    }

    @Test func leavingMakesTheOthersRebalance() {
        var scene = GroupScene()
        let members = scene.stable(2)
        #expect(scene.coordinator.leave(scene.group, member: members[1], instance: nil, now: scene.now).refusal == nil)
        #expect(scene.beat(members[0], scene.generation) == .rebalanceInProgress)
        #expect(scene.coordinator.leave(scene.group, member: members[1], instance: nil, now: scene.now).refusal == .unknownMember)
    }

    @Test func aGroupWithoutMembersIsForgotten() {
        var scene = GroupScene()
        let member = scene.stable(1)[0]
        _ = scene.settled(scene.coordinator.leave(scene.group, member: member, instance: nil, now: scene.now).effects)
        #expect(scene.coordinator.groups.isEmpty && !scene.coordinator.needsTicks)
    }

    @Test func aStaticMemberComesBackWithoutARebalance() throws {
        var scene = GroupScene()
        let first = try #require(scene.join(instance: "i1").joined.first).member
        let waiting = scene.join(instance: "i2", metadata: "")
        #expect(waiting.isEmpty)
        let second = try #require(scene.join(first, instance: "i1", metadata: "again").joined.first { $0.member != first }).member
        let generation = scene.generation
        let token = scene.token()
        _ = scene.coordinator.sync(
            scene.group, member: second, instance: "i2", generation: generation, protocolType: nil, protocolName: nil, assignments: [],
            token: token,
            now: scene.now)
        _ = scene.sync(first, generation, [(first, "a"), (second, "b")])
        #expect(scene.phase == .stable)

        let back = try #require(scene.join(instance: "i2").joined.first)
        #expect(back.generation == generation && back.member != second && scene.phase == .stable)
        #expect(scene.sync(back.member, generation).synced == ["b"], "it keeps its share")
        #expect(
            scene.coordinator.heartbeat(scene.group, member: second, instance: "i2", generation: generation, now: scene.now)
                == .fencedInstance)
    }

    @Test(
        "a join that cannot fit is refused",
        arguments: [
            (["other"], "consumer", Duration.seconds(10), GroupRefusal.inconsistentProtocol),
            (["range"], "connect", .seconds(10), .inconsistentProtocol),
            ([], "consumer", .seconds(10), .inconsistentProtocol),
            (["range"], "consumer", .seconds(1), .invalidSessionTimeout),
            (["range"], "consumer", .seconds(3600), .invalidSessionTimeout),
        ])
    func joinThatCannotFitIsRefused(_ protocols: [String], _ type: String, _ session: Duration, _ refusal: GroupRefusal) {
        var scene = GroupScene()
        _ = scene.stable(1)
        #expect(scene.join(protocols: protocols, session: session, type: type).refusals == [refusal])
    }

    @Test func theProtocolThatMostPreferIsChosen() throws {
        var scene = GroupScene()
        let first = scene.join(protocols: ["range", "sticky"]).joined[0].member
        _ = scene.join(protocols: ["sticky", "range"])
        _ = scene.join(protocols: ["sticky", "range", "third"])
        let joined = scene.join(first, protocols: ["range", "sticky"]).joined
        #expect(joined.count == 3 && joined.allSatisfy { $0.protocolName == "sticky" })
    }

    @Test func onlyMembersOfThisGenerationCommit() {
        var scene = GroupScene()
        let members = scene.stable(2)
        func refusal(_ member: MemberID, _ generation: Int32) -> GroupRefusal? {
            scene.coordinator.refusalToCommit(scene.group, member: member, instance: nil, generation: generation, now: scene.now)
        }
        #expect(refusal(members[0], scene.generation) == nil)
        #expect(refusal(members[0], scene.generation - 1) == .illegalGeneration)
        #expect(refusal(MemberID("zombie"), scene.generation) == .unknownMember)
        #expect(refusal(MemberID(""), -1) == .unknownMember)
        #expect(
            scene.coordinator.refusalToCommit(GroupID("unheard-of"), member: MemberID(""), instance: nil, generation: -1, now: scene.now)
                == nil)
        #expect(
            scene.coordinator.refusalToCommit(GroupID("unheard-of"), member: MemberID("m"), instance: nil, generation: 3, now: scene.now)
                == .illegalGeneration)
    }

    @Test func aFullGroupTakesNoMore() {
        var scene = GroupScene { $0.membersMax = 1 }
        _ = scene.stable(1)
        #expect(scene.join().refusals == [.groupFull])
    }

    @Test func theFirstMembersGatherIfTold() {
        var scene = GroupScene { $0.initialRebalanceDelay = .seconds(3) }
        #expect(scene.join().isEmpty && scene.join().isEmpty)
        #expect(scene.pass(.seconds(1)).isEmpty)
        let joined = scene.pass(.seconds(3)).joined
        #expect(joined.count == 2 && joined.allSatisfy { $0.generation == 1 })
    }

    @Test func aHundredMembersInAStormHaveOneLeaderAndOneGeneration() {
        var scene = GroupScene()
        var random = Prng(seed: 5)
        var members: [MemberID] = []
        for round in 0..<2000 {
            if members.count < 100, random.chance(1, in: 4) {
                for one in scene.join(rebalance: .seconds(30)).joined where !members.contains(one.member) { members.append(one.member) }
            } else if !members.isEmpty {
                let member = members[random.below(members.count)]
                if random.chance(1, in: 20) { _ = scene.coordinator.leave(scene.group, member: member, instance: nil, now: scene.now) }
                _ = scene.join(member, rebalance: .seconds(30))
            }
            if round % 10 == 0 { _ = scene.pass(.milliseconds(500)) }
        }
        for _ in 0..<3 {
            for member in scene.coordinator.groups[scene.group]?.members ?? [] {
                _ = scene.join(member.id, metadata: "settle", rebalance: .seconds(30))
            }
        }
        let group = scene.coordinator.groups[scene.group]!
        #expect(group.phase == .completingRebalance)
        #expect(group.members.contains { $0.id == group.leader })
        let shares = group.members.map { ($0.id, "s-\($0.id)") }
        var synced = 0
        for member in group.members where member.id != group.leader { synced += scene.sync(member.id, group.generation).synced.count }
        synced += scene.sync(group.leader!, group.generation, shares).synced.count
        #expect(synced == group.memberCount && scene.phase == .stable)
    }
}
