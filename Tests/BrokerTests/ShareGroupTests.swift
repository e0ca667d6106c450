// The members of share groups, and what of share groups is in the replicated state.
import Base
import Testing

@testable import BrokerCore

@Suite struct ShareGroupTests {
    private let group = GroupID("g")
    private let ann = MemberID("ann")
    private let bob = MemberID("bob")
    private let cid = MemberID("cid")
    private let session = Duration.seconds(45)

    private func topics(_ counts: [(String, Int32)]) -> SortedTable<String, TopicRecord> {
        var table = SortedTable<String, TopicRecord>()
        for (name, count) in counts { table[name] = TopicRecord(name: name, id: UUIDBytes(high: 1, low: UInt64(count)), partitions: count) }
        return table
    }

    private func join(
        _ coordinator: inout ShareGroupCoordinator, _ member: MemberID, _ names: [String], _ table: SortedTable<String, TopicRecord>
    ) throws -> MemberOrders {
        try coordinator.heartbeat(
            group, ShareHeartbeat(member: member, epoch: 0, topics: names), topics: table, session: session, now: .zero)
    }

    @Test func everyPartitionHasAReaderAndEveryMemberAPartition() throws {
        var coordinator = ShareGroupCoordinator(settings: ShareGroupSettings())
        let table = topics([("a", 2), ("b", 5)])
        #expect(try join(&coordinator, ann, ["a", "b"], table).assignment?.count == 7)
        _ = try join(&coordinator, bob, ["a", "b"], table)
        _ = try join(&coordinator, cid, ["a"], table)
        let members = try #require(coordinator.groups[group]).members
        #expect(members.allSatisfy { !$0.assigned.isEmpty })
        #expect(Set(members.flatMap(\.assigned)).count == 7)
        #expect(members.first { $0.id == cid }?.assigned == [TopicPartition("a", 0)])
        #expect(members.flatMap(\.assigned).filter { $0.topic == "b" }.count == 5, "where there are enough partitions none is shared")
    }

    @Test func membersHearOfEachOthersComingAndGoing() throws {
        var coordinator = ShareGroupCoordinator(settings: ShareGroupSettings())
        let table = topics([("a", 4)])
        let first = try join(&coordinator, ann, ["a"], table)
        _ = try join(&coordinator, bob, ["a"], table)
        func beat(_ member: MemberID, _ epoch: Int32) throws -> MemberOrders {
            try coordinator.heartbeat(group, ShareHeartbeat(member: member, epoch: epoch), topics: table, session: session, now: .zero)
        }
        let second = try beat(ann, first.epoch)
        #expect(second.assignment?.count == 2)
        #expect(try beat(ann, second.epoch).assignment == nil, "nothing has changed")
        _ = try beat(bob, MemberHeartbeat.leaving)
        #expect(try beat(ann, second.epoch).assignment?.count == 4)
        #expect(throws: ConsumerGroupRefusal.unknownMember) { try beat(bob, 2) }
        #expect(throws: ConsumerGroupRefusal.fencedEpoch) { try beat(ann, 1000) }
        #expect(throws: ConsumerGroupRefusal.invalidRequest("there is no member epoch -2")) { try beat(ann, -2) }
    }

    @Test func aSilentMemberIsGoneAfterItsSessionAndTheGroupGoesOnElsewhere() throws {
        var coordinator = ShareGroupCoordinator(settings: ShareGroupSettings())
        let table = topics([("a", 4)])
        _ = try join(&coordinator, ann, ["a"], table)
        _ = try join(&coordinator, bob, ["a"], table)
        var machine = BrokerMachine()
        var rows = RowChanges()
        for (id, change) in coordinator.takeChanges() { _ = machine.storeGroup(id, by: CoordinatorClaim(1, standing: nil), change, &rows) }
        var next = ShareGroupCoordinator(settings: ShareGroupSettings())
        try next.adopt(group, try #require(machine.groups[group]), session: session, now: .zero)
        let (before, after) = (try #require(coordinator.groups[group]), try #require(next.groups[group]))
        #expect(before.epoch == after.epoch)
        #expect(before.members.map(\.id) == after.members.map(\.id))
        #expect(before.members.map(\.assigned) == after.members.map(\.assigned))
        _ = try next.heartbeat(
            group, ShareHeartbeat(member: ann, epoch: after.members[0].epoch), topics: table, session: session, now: .zero + .seconds(30))
        next.expire(now: .zero + .seconds(46))
        #expect(next.groups[group]?.members.map(\.id) == [ann])
    }

    @Test func aGroupTakesNoMoreMembersThanItMay() throws {
        var settings = ShareGroupSettings()
        settings.membersMax = 1
        var coordinator = ShareGroupCoordinator(settings: settings)
        let table = topics([("a", 1)])
        _ = try join(&coordinator, ann, ["a"], table)
        #expect(throws: ConsumerGroupRefusal.groupFull) { try join(&coordinator, bob, ["a"], table) }
    }

    // MARK: the replicated state

    /// A machine with a topic `t` of two partitions and a share group with a member.
    private struct World {
        var machine = BrokerMachine()
        let topic = TopicRecord(name: "t", id: UUIDBytes(high: 7, low: 7), partitions: 2)
        private var slot: Int64 = 0

        @discardableResult mutating func apply(_ command: BrokerCommand) throws -> BrokerOutcome {
            slot += 1
            var rows = RowChanges()
            let read = try BrokerMachine.decode(try BrokerMachine.encode(command))
            #expect(read == command)
            return machine.apply(read, at: ApplyPosition(slot: Slot(slot), time: WallTime(milliseconds: 1)), rows: &rows)
        }

        func store(_ group: GroupID, _ partition: Int32, start: Int64, revision: Int64, leaderEpoch: Int32 = 0) -> ShareStore {
            ShareStore(
                group: group, topicID: topic.id, partition: partition, leaderEpoch: leaderEpoch, revision: revision,
                share: StoredShare(start: start))
        }
    }

    private func world() throws -> World {
        var world = World()
        try world.apply(.createTopic(world.topic))
        try world.apply(
            .storeGroup(
                group, by: CoordinatorClaim(1, standing: nil),
                StoredGroupChange(.share, head: Bytes(), members: [StoredMember(ann, Bytes())])))
        return world
    }

    @Test func onlyWhoKnowsThePresentStateMayWriteIt() throws {
        var world = try world()
        let place = TopicPartition("t", 0)
        #expect(
            try world.apply(.share(.store([world.store(GroupID("other"), 0, start: 1, revision: 0)]))) == .sharesStored([.stale]),
            "there is no such group")
        #expect(
            try world.apply(.share(.store([world.store(group, 0, start: 5, revision: 0), world.store(group, 2, start: 5, revision: 0)])))
                == .sharesStored([.stored(revision: 4), .stale]))
        let first = try #require(world.machine.share(group, place)).revision
        #expect(
            try world.apply(.share(.store([world.store(group, 0, start: 6, revision: 0)]))) == .sharesStored([.stale]),
            "it is there already")
        #expect(
            try world.apply(.share(.store([world.store(group, 0, start: 7, revision: first)])))
                == .sharesStored([.stored(revision: first + 2)]))
        #expect(
            try world.apply(.share(.store([world.store(group, 0, start: 5, revision: first)]))) == .sharesStored([.stale]),
            "there is a later write")
        let second = first + 2
        #expect(try world.apply(.share(.setStarts(group, [PartitionOffset(place, 2)]))) == .refused(.groupNotEmpty(group)))
        try world.apply(.storeGroup(group, by: CoordinatorClaim(1, standing: nil), StoredGroupChange(.share, head: nil)))
        #expect(try world.apply(.share(.setStarts(group, [PartitionOffset(place, 2)]))) == .sharesReset(group, [place]))
        #expect(
            try world.apply(.share(.store([world.store(group, 0, start: 8, revision: second)]))) == .sharesStored([.stale]),
            "it was set anew")
        #expect(world.machine.share(group, place)?.share.start == 2)
        #expect(try world.apply(.share(.forget(group, topics: ["t"]))) == .sharesReset(group, [place]))
        #expect(world.machine.shares.isEmpty && world.machine.shareCount == 0)
        #expect(world.machine.isShareGroup(group) && world.machine.groupsWithoutUse.isEmpty, "the group stays until it is deleted")
        #expect(try world.apply(.deleteGroup(group)) == .done)
        #expect(
            try world.apply(.share(.store([world.store(group, 0, start: 9, revision: 0)]))) == .sharesStored([.stale]), "the group is gone")
    }

    @Test func aDeposedLeaderWritesNothing() throws {
        var world = try world()
        var rows = RowChanges()
        let place = TopicPartition("t", 1)
        var state = PartitionState(replicas: [1, 2], inSync: [1, 2], leader: 2)
        state.leaderEpoch = 4
        world.machine.set(state, of: place, &rows)
        #expect(try world.apply(.share(.store([world.store(group, 1, start: 5, revision: 0, leaderEpoch: 3)]))) == .sharesStored([.stale]))
        #expect(
            try world.apply(.share(.store([world.store(group, 1, start: 5, revision: 0, leaderEpoch: 4)])))
                == .sharesStored([.stored(revision: 4)]))
    }

    @Test func aTopicTakesItsShareStatesAlong() throws {
        var world = try world()
        try world.apply(.share(.store([world.store(group, 0, start: 5, revision: 0), world.store(group, 1, start: 5, revision: 0)])))
        #expect(world.machine.shareCount == 2)
        try world.apply(.deleteTopic(name: "t"))
        #expect(world.machine.shareCount == 0 && world.machine.shares.isEmpty)
    }

    @Test func settingsOfGroupsAreCheckedAndKept() throws {
        var world = try world()
        try world.apply(
            .share(
                .configure(
                    group,
                    ConfigChange(set: [
                        .init(name: "share.auto.offset.reset", value: "earliest"),
                        .init(name: "share.record.lock.duration.ms", value: "2000"),
                    ]))))
        #expect(world.machine.shareConfig(of: group).offsetReset == .earliest)
        #expect(world.machine.shareConfig(of: group).limits.lockDuration == .seconds(2))
        try world.apply(
            .share(.configure(group, ConfigChange(set: [], removed: ["share.auto.offset.reset", "share.record.lock.duration.ms"]))))
        #expect(world.machine.groupConfigs.isEmpty)
        for text in ["earliest", "latest", "by_duration:PT1H30M", "by_duration:pt0.25s", "by_duration:P0D"] {
            let config = try ShareGroupConfig().applying([.init(name: "share.auto.offset.reset", value: text)])
            #expect(ShareGroupConfig.rows.first { $0.name == "share.auto.offset.reset" }?.read(config) == text)
        }
        for text in [
            "by_duration", "by_duration:", "by_duration:1h", "by_duration:-PT1S", "by_duration:PT-1S", "by_duration:P1Y",
            "BY_DURATION:PT1S", "PT1S",
        ] {
            #expect(throws: TopicConfigRefusal.self, "\(text)") {
                try ShareGroupConfig().applying([.init(name: "share.auto.offset.reset", value: text)])
            }
        }
        for entry in [("share.auto.offset.reset", "middle"), ("share.delivery.count.limit", "1"), ("consumer.session.timeout.ms", "5")] {
            #expect(throws: TopicConfigRefusal.self) { try ShareGroupConfig().applying([.init(name: entry.0, value: entry.1)]) }
        }
    }

    @Test func lengthsOfTimeAreReadAsISO8601WritesThem() {
        let good: [(String, Int64)] = [
            ("P1D", 86_400_000), ("PT1H", 3_600_000), ("PT2M", 120_000), ("PT3S", 3000), ("P1DT2H3M4.5S", 93_784_500), ("pt0,0019s", 1),
            ("PT0.123456789S", 123), ("PT1.S", 1000),
            ("-PT1S", -1000), ("PT-1M", -60_000), ("-P-1D", 86_400_000), ("P1DT-1H", 82_800_000), ("+PT+1S", 1000),
            ("P106751991167D", 9_223_372_036_828_800_000),
        ]
        for (text, milliseconds) in good {
            #expect(ISODuration(text)?.milliseconds == milliseconds, "\(text)")
            #expect(ISODuration(text)?.text == text)
        }
        let bad = [
            "", "P", "PT", "P1DT", "1D", "PD", "P1", "PT1", "P1H", "PT1D", "P1W", "P1M", "PT1S2M", "PT1H1H", "PT1.5H", "PT.5S",
            "PT1.1234567890S", "P 1D", "PT1S ", "--PT1S", "P1DP1D",
            "P106751991168D", "PT99999999999999999999S", "P\u{0661}D",
        ]
        for text in bad { #expect(ISODuration(text) == nil, "\(text)") }
    }
}
