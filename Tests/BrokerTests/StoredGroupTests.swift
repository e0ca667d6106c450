// Groups outlive their coordinator: what members agreed on is stored before they hear of it, and whoever coordinates them next goes on with it.
import Base
import Testing

@testable import BrokerCore

@Suite struct StoredGroupTests {
    // MARK: classic groups

    @Test func aGroupGoesOnWithTheNextCoordinator() throws {
        var scene = GroupScene()
        let members = scene.stable(3)
        let generation = scene.generation
        scene.now = scene.now + .seconds(9)
        try scene.takeOver()
        #expect(scene.phase == .stable && scene.generation == generation)
        #expect(scene.coordinator.groups[scene.group]?.members.map(\.id) == members, "in the order of joining")
        for member in members {
            #expect(scene.beat(member, generation) == nil)
            #expect(scene.sync(member, generation).synced == ["share of \(member)"])
            #expect(
                scene.coordinator.refusalToCommit(scene.group, member: member, instance: nil, generation: generation, now: scene.now) == nil
            )
        }
    }

    @Test func whoIsNotHeardFromAfterwardsIsGivenUp() throws {
        var scene = GroupScene()
        let members = scene.stable(2)
        try scene.takeOver()
        _ = scene.pass(.seconds(6))
        #expect(scene.beat(members[0], scene.generation) == nil)
        _ = scene.pass(.seconds(6))
        #expect(scene.phase == .preparingRebalance && scene.coordinator.groups[scene.group]?.memberCount == 1)
    }

    @Test func nobodyHearsOfSharesThatAreNotStored() {
        var scene = GroupScene()
        let member = scene.join().joined[0].member
        scene.holdsStores = true
        #expect(scene.sync(member, 1, [(member, "all")]).isEmpty)
        #expect(scene.phase == .completingRebalance && scene.beat(member, 1) == nil)
        #expect(scene.endStores().synced == ["all"])
        #expect(scene.phase == .stable)
    }

    @Test func aStoreThatFailsMakesTheMembersTryAgain() {
        var scene = GroupScene()
        let member = scene.join().joined[0].member
        scene.storesFail = .notWritable
        #expect(scene.sync(member, 1, [(member, "all")]).refusals == [.notWritable])
        #expect(scene.beat(member, 1) == .rebalanceInProgress)
        scene.storesFail = nil
        #expect(scene.join(member).joined.map(\.generation) == [2])
        #expect(scene.sync(member, 2, [(member, "all")]).synced == ["all"])
    }

    @Test func aRebalanceThatBeginsMeanwhileIsNotUndone() {
        var scene = GroupScene()
        let member = scene.join().joined[0].member
        scene.holdsStores = true
        _ = scene.sync(member, 1, [(member, "all")])
        #expect(scene.join().refusals == [.rebalanceInProgress], "a newcomer waits for the member, which has to join anew")
        #expect(scene.endStores().synced.isEmpty && scene.phase == .preparingRebalance)
    }

    @Test func aStaticMemberThatCameBackIsKnownToTheNextCoordinator() throws {
        var scene = GroupScene()
        let first = try #require(scene.join(instance: "i").joined.first).member
        let token = scene.token()
        _ = scene.settled(
            scene.coordinator.sync(
                scene.group, member: first, instance: "i", generation: 1, protocolType: nil, protocolName: nil,
                assignments: [(first, Bytes(string: "a"))], token: token,
                now: scene.now))
        scene.holdsStores = true
        #expect(scene.join(instance: "i").isEmpty)
        let back = try #require(scene.endStores().joined.first)
        #expect(back.generation == 1 && back.member != first)
        try scene.takeOver()
        #expect(scene.coordinator.heartbeat(scene.group, member: back.member, instance: "i", generation: 1, now: scene.now) == nil)
        #expect(scene.coordinator.heartbeat(scene.group, member: first, instance: "i", generation: 1, now: scene.now) == .fencedInstance)
    }

    @Test func aGroupThatEverybodyLeftStaysAsAnEmptyOne() throws {
        var scene = GroupScene()
        let members = scene.stable(2)
        let generation = scene.generation
        for member in members {
            _ = scene.settled(scene.coordinator.leave(scene.group, member: member, instance: nil, now: scene.now).effects)
        }
        #expect(scene.coordinator.groups.isEmpty, "what is stored says all that there is to say")
        let stored = try #require(scene.machine.groups[scene.group])
        #expect(stored.isEmpty && scene.machine.groupsWithoutUse.map(\.id) == [scene.group])
        let left = try Group(id: scene.group, settings: GroupSettings(), stored: stored, now: .zero)
        #expect(left.phase == .empty && left.protocolType == "consumer" && left.protocolName == nil && left.leader == nil)
        #expect(scene.join().joined.map(\.generation) == [left.generation + 1] && left.generation > generation)
    }

    @Test func aGroupIsNotForgottenBeforeItIsStoredThatItIsEmpty() {
        var scene = GroupScene()
        let member = scene.stable(1)[0]
        scene.holdsStores = true
        _ = scene.settled(scene.coordinator.leave(scene.group, member: member, instance: nil, now: scene.now).effects)
        #expect(scene.phase == .empty)
        scene.storesFail = .notWritable
        _ = scene.endStores()
        #expect(scene.phase == .empty && scene.machine.groups[scene.group]?.isEmpty == false)
        scene.storesFail = nil
        _ = scene.pass(.milliseconds(100))
        #expect(scene.coordinator.groups.isEmpty && scene.machine.groups[scene.group]?.isEmpty == true)
    }

    @Test func whoWasOnlyGivenAnIdLeavesNoGroup() {
        var scene = GroupScene()
        _ = scene.join(idFirst: true)
        _ = scene.pass(.seconds(11))
        #expect(scene.coordinator.groups.isEmpty && scene.machine.groups.isEmpty)
    }

    // MARK: groups that nobody is in

    private struct World {
        var machine = BrokerMachine()
        private var slot: Int64 = 0
        let group = GroupID("g")

        init() {
            for name in ["t", "u"] {
                apply(.createTopic(TopicRecord(name: name, id: UUIDBytes(high: 1, low: UInt64(name.utf8.first!)), partitions: 1)))
            }
        }

        @discardableResult mutating func apply(_ command: BrokerCommand) -> BrokerOutcome {
            slot += 1
            var rows = RowChanges()
            return machine.apply(command, at: ApplyPosition(slot: Slot(slot), time: .zero), rows: &rows)
        }

        mutating func commit(_ topics: String...) {
            apply(.commitOffsets(group: group, topics.map { OffsetEntry(topic: $0, partition: 0, offset: 1) }))
        }

        mutating func store(_ id: GroupID, _ change: StoredGroupChange) {
            apply(.storeGroup(id, by: CoordinatorClaim(1, standing: nil), change))
        }
    }

    @Test func aGroupOutlivesItsLastOffset() {
        var world = World()
        world.commit("t", "u")
        #expect(world.machine.groups.isEmpty && world.machine.groupsWithoutUse.isEmpty)
        world.apply(.deleteTopic(name: "t"))
        #expect(world.machine.groupsWithoutUse.isEmpty)
        world.apply(.deleteOffsets(group: world.group, [TopicPartition("u", 0)]))
        #expect(world.machine.groupsWithoutUse.map(\.id) == [world.group] && world.machine.groups[world.group]?.kind == .classic)
        #expect(world.apply(.deleteGroup(world.group)) == .done)
        #expect(world.machine.groups.isEmpty)
        #expect(world.apply(.deleteGroup(world.group)) == .refused(.unknownGroup(world.group)))
    }

    @Test func whatIsUsedIsNotRemoved() {
        var world = World()
        let head = Bytes(string: "h")
        world.store(world.group, StoredGroupChange(.consumer, head: head))
        world.store(GroupID("s"), StoredGroupChange(.share, head: head))
        world.store(GroupID("m"), StoredGroupChange(.classic, head: head, members: [StoredMember(MemberID("m"), Bytes())]))
        #expect(world.machine.groupsWithoutUse.map(\.id) == [world.group], "a share group stays, and one with members")
        #expect(world.apply(.deleteGroup(GroupID("m"))) == .refused(.groupNotEmpty(GroupID("m"))))
        world.commit("t")
        #expect(world.machine.groupsWithoutUse.isEmpty)
        world.apply(.deleteOffsets(group: world.group, [TopicPartition("t", 0)]))
        #expect(world.machine.groupsWithoutUse.map(\.kind) == [.consumer], "it keeps its kind")
    }

    @Test func thereAreAtMostSoManyEmptyGroups() {
        var world = World()
        for number in 0...BrokerMachine.groupsMax {
            world.store(GroupID("g\(number)"), StoredGroupChange(.classic, head: Bytes(string: "h")))
        }
        #expect(world.machine.groups.count == BrokerMachine.groupsMax)
        world.store(GroupID("x"), StoredGroupChange(.classic, head: Bytes(string: "h"), members: [StoredMember(MemberID("m"), Bytes())]))
        #expect(world.machine.groups[GroupID("x")] != nil, "members find room")
        world.store(GroupID("x"), StoredGroupChange(.classic, head: Bytes(string: "h"), replacesAll: true))
        #expect(world.machine.groups[GroupID("x")] == nil)
    }

    // MARK: who may store

    @Test func onlyTheCoordinatorOfAClusterStores() {
        var machine = BrokerMachine()
        var rows = RowChanges()
        func apply(_ command: BrokerCommand, _ slot: Int64) -> BrokerOutcome {
            machine.apply(command, at: ApplyPosition(slot: Slot(slot), time: .zero), rows: &rows)
        }
        for id in Int32(1)...3 {
            _ = apply(
                .cluster(
                    .register(BrokerRecord(id: id, incarnation: UUIDBytes(high: 1, low: UInt64(id)), host: "h", port: 1), keepsLog: true)),
                Int64(id))
        }
        let group = GroupID("g")
        let coordinator = machine.cluster.coordinator(of: "g")
        let other = (1...3).first { $0 != coordinator }!
        let change = StoredGroupChange(.classic, head: Bytes(string: "h"), members: [StoredMember(MemberID("m"), Bytes(string: "c"))])
        #expect(apply(.storeGroup(group, by: machine.cluster.claim(of: "g", by: other), change), 4) == .refused(.notCoordinator(group)))
        #expect(apply(.storeGroup(group, by: machine.cluster.claim(of: "g", by: coordinator), change), 5) == .done)
        #expect(machine.groups[group]?.members.keys == [MemberID("m")])
    }

    @Test func aGroupOfTheOtherKindTakesThePlaceWhole() {
        var machine = BrokerMachine()
        var rows = RowChanges()
        for (kind, member) in [(GroupKind.classic, "a"), (.consumer, "b")] {
            let change = StoredGroupChange(kind, head: Bytes(string: "h"), members: [StoredMember(MemberID(member), Bytes())])
            _ = machine.apply(
                .storeGroup(GroupID("g"), by: CoordinatorClaim(1, standing: nil), change), at: ApplyPosition(slot: Slot(1), time: .zero),
                rows: &rows)
        }
        #expect(machine.groups[GroupID("g")]?.members.keys == [MemberID("b")])
    }

    // MARK: groups whose partitions the coordinator assigns

    @Test("after every heartbeat the next coordinator knows what the members were told", arguments: UInt64(0)..<20)
    func heartbeatsAreStored(_ seed: UInt64) throws {
        var random = Prng(seed: seed)
        let group = GroupID("g")
        var topics = SortedTable<String, TopicRecord>()
        topics["a"] = TopicRecord(name: "a", id: .drawn(from: &random), partitions: 6)
        var coordinator = ConsumerGroupCoordinator(settings: ConsumerGroupSettings(), random: Prng(seed: seed))
        var machine = BrokerMachine()
        var told: [MemberID: MemberOrders] = [:]
        var reads: [MemberID: [TopicPartition]] = [:]
        var (now, slot) = (Instant.zero, Int64(1))
        func store() {
            for (id, change) in coordinator.takeChanges() {
                var rows = RowChanges()
                _ = machine.apply(
                    .storeGroup(id, by: CoordinatorClaim(1, standing: nil), change), at: ApplyPosition(slot: Slot(slot), time: .zero),
                    rows: &rows)
                slot += 1
            }
        }
        for _ in 0..<200 {
            now = now + .milliseconds(random.below(2000))
            coordinator.expire(now: now)
            store()
            let member = MemberID("m\(random.below(4))")
            let epoch = random.chance(1, in: 15) ? MemberHeartbeat.leaving : told[member]?.epoch ?? 0
            let beat = MemberHeartbeat(
                member: member, epoch: epoch, rebalanceTimeout: .seconds(60), topics: epoch == 0 ? ["a"] : nil, owned: reads[member] ?? [])
            do {
                let orders = try coordinator.heartbeat(group, beat, topics: topics, now: now)
                store()
                told[member] = epoch < 0 ? nil : orders
                if let assignment = orders.assignment { reads[member] = assignment }
                if epoch < 0 { reads[member] = nil }
            } catch { (told[member], reads[member]) = (nil, nil) }
            guard random.chance(1, in: 6) else { continue }
            let before = coordinator.groups[group]
            coordinator = ConsumerGroupCoordinator(settings: coordinator.settings, random: Prng(seed: seed &+ UInt64(slot)))
            for (id, stored) in machine.groups.entries { try coordinator.adopt(id, stored, now: now) }
            let after = coordinator.groups[group]
            #expect(after?.epoch == before?.epoch && after?.phase == before?.phase, "seed \(seed)")
            #expect(after?.members.map(\.id) == before?.members.map(\.id), "seed \(seed)")
            #expect(
                after?.members.map(\.assigned) == before?.members.map(\.assigned)
                    && after?.members.map(\.target) == before?.members.map(\.target), "seed \(seed)")
            #expect(
                after?.members.map(\.epoch) == before?.members.map(\.epoch)
                    && after?.members.map(\.revoking) == before?.members.map(\.revoking), "seed \(seed)")
        }
    }

    @Test func whatCouldNotBeStoredGoesAlongWithTheNextChange() throws {
        var random = Prng(seed: 1)
        let group = GroupID("g")
        var topics = SortedTable<String, TopicRecord>()
        topics["a"] = TopicRecord(name: "a", id: .drawn(from: &random), partitions: 2)
        var coordinator = ConsumerGroupCoordinator(settings: ConsumerGroupSettings(), random: random)
        for member in ["m", "n"] {
            _ = try coordinator.heartbeat(
                group, MemberHeartbeat(member: MemberID(member), epoch: 0, topics: ["a"]), topics: topics, now: .zero)
        }
        #expect(coordinator.takeChanges().count == 2)
        coordinator.stored(group, false)
        _ = try coordinator.heartbeat(group, MemberHeartbeat(member: MemberID("n"), epoch: 0, topics: ["a"]), topics: topics, now: .zero)
        let change = try #require(coordinator.takeChanges().first?.change)
        #expect(change.replacesAll && change.members.map(\.id) == [MemberID("m"), MemberID("n")])
    }

    @Test func anAssignedGroupGoesOnWithItsEpochAfterItsLastMember() throws {
        var world = World()
        var coordinator = ConsumerGroupCoordinator(settings: ConsumerGroupSettings(), random: Prng(seed: 1))
        func beat(_ epoch: Int32) throws -> MemberOrders {
            let beat = MemberHeartbeat(member: MemberID("m"), epoch: epoch, topics: epoch == 0 ? ["t"] : nil)
            return try coordinator.heartbeat(
                world.group, beat, stored: world.machine.groups[world.group], topics: world.machine.topics, now: .zero)
        }
        func store(_ isStored: Bool) {
            for (id, change) in coordinator.takeChanges() {
                if isStored { world.store(id, change) }
                coordinator.stored(id, isStored)
            }
        }
        #expect(try beat(0).epoch == 1)
        store(true)
        _ = try beat(MemberHeartbeat.leaving)
        store(false)
        #expect(coordinator.groups[world.group]?.isEmpty == true, "that nobody is in it is not stored")
        coordinator.expire(now: .zero)
        store(true)
        #expect(coordinator.groups.isEmpty && world.machine.groups[world.group]?.isEmpty == true)
        #expect(try beat(0).epoch == 3)
        #expect(coordinator.refusalToCommit(world.group, member: MemberID(""), epoch: -1) == .unknownMember)
    }
}
