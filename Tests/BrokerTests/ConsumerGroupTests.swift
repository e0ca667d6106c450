// Groups whose partitions the coordinator assigns: shares are even, moves are few, and no partition ever has two readers, whatever members do.
import Base
import Testing

@testable import BrokerCore

@Suite struct ConsumerGroupTests {
    private let group = GroupID("g")

    private static func topics(_ counts: [String: Int32]) -> SortedTable<String, TopicRecord> {
        var topics = SortedTable<String, TopicRecord>()
        var random = Prng(seed: 1)
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
            topics[name] = TopicRecord(name: name, id: .drawn(from: &random), partitions: count)
        }
        return topics
    }

    private func coordinator() -> ConsumerGroupCoordinator {
        ConsumerGroupCoordinator(settings: ConsumerGroupSettings(), random: Prng(seed: 3))
    }

    /// A client as the protocol wants it: it reads what it is told to and gives up what it is told to, one heartbeat later.
    private struct Client {
        var id = MemberID("")
        var epoch: Int32 = 0
        var reads: [TopicPartition] = []
        var topics: [String]

        mutating func beat(
            _ coordinator: inout ConsumerGroupCoordinator, _ group: GroupID, _ all: SortedTable<String, TopicRecord>, _ now: Instant
        ) throws {
            let isJoining = epoch == 0
            do {
                let orders = try coordinator.heartbeat(
                    group,
                    MemberHeartbeat(
                        member: id, epoch: epoch, rebalanceTimeout: .seconds(60), topics: isJoining ? topics : nil, owned: reads),
                    topics: all, now: now)
                id = orders.member
                epoch = orders.epoch
                if let assignment = orders.assignment { reads = assignment }
            } catch ConsumerGroupRefusal.unknownMember, ConsumerGroupRefusal.fencedEpoch {
                epoch = 0
                reads = []
            }
        }
    }

    @Test func sharesAreEvenAndWhatCanStayStays() throws {
        var coordinator = coordinator()
        let topics = Self.topics(["a": 4, "b": 3])
        var clients = [Client(topics: ["a", "b"])]
        try clients[0].beat(&coordinator, group, topics, .zero)
        #expect(clients[0].reads.count == 7)
        let before = Set(clients[0].reads)
        clients.append(Client(topics: ["a", "b"]))
        for _ in 0..<4 { for index in clients.indices { try clients[index].beat(&coordinator, group, topics, .zero) } }
        #expect(clients.map(\.reads.count).sorted() == [3, 4])
        #expect(Set(clients[0].reads).isSubset(of: before))
        #expect(coordinator.groups[group]?.phase == .stable)
    }

    @Test func aPartitionIsGivenOnlyAfterItWasGivenUp() throws {
        var coordinator = coordinator()
        let topics = Self.topics(["a": 2])
        var first = Client(topics: ["a"])
        try first.beat(&coordinator, group, topics, .zero)
        var second = Client(topics: ["a"])
        try second.beat(&coordinator, group, topics, .zero)
        #expect(second.reads.isEmpty, "the first one still has both")
        try first.beat(&coordinator, group, topics, .zero)
        #expect(first.reads.count == 1, "it is told to give one up")
        try second.beat(&coordinator, group, topics, .zero)
        #expect(second.reads.isEmpty, "it has not said that it did")
        try first.beat(&coordinator, group, topics, .zero)
        try second.beat(&coordinator, group, topics, .zero)
        #expect(second.reads.count == 1)
    }

    @Test("no partition ever has two readers, and shares become even", arguments: UInt64(0)..<40)
    func oneReaderAtATime(_ seed: UInt64) throws {
        var random = Prng(seed: seed)
        var coordinator = coordinator()
        var counts: [String: Int32] = ["a": 4, "b": 2]
        var clients: [Client] = []
        var now = Instant.zero
        for _ in 0..<300 {
            now = now + .milliseconds(random.below(1500))
            coordinator.expire(now: now)
            switch random.below(12) {
            case 0 where clients.count < 6: clients.append(Client(topics: random.chance(1, in: 3) ? ["a"] : ["a", "b"]))
            case 1 where !clients.isEmpty:
                let gone = clients.remove(at: random.below(clients.count))
                // Half of them leave, the others are simply not heard of any more.
                if random.chance(1, in: 2), gone.epoch > 0 {
                    // The member may be unknown by now.
                    _ = try? coordinator.heartbeat(
                        group, MemberHeartbeat(member: gone.id, epoch: -1), topics: Self.topics(counts), now: now)
                }
            case 2: counts["b"] = min(8, (counts["b"] ?? 0) + 1)
            default:
                if !clients.isEmpty { try clients[random.below(clients.count)].beat(&coordinator, group, Self.topics(counts), now) }
            }
            let assigned = coordinator.groups[group]?.members.flatMap(\.assigned) ?? []
            #expect(assigned.count == Set(assigned).count, "seed \(seed)")
        }
        now = now + .seconds(46)
        for _ in 0..<12 {
            now = now + .seconds(1)
            coordinator.expire(now: now)
            for index in clients.indices { try clients[index].beat(&coordinator, group, Self.topics(counts), now) }
        }
        guard !clients.isEmpty else { return }
        let read = clients.flatMap(\.reads)
        let wanted = Self.topics(counts).entries.filter { topic in clients.contains { $0.topics.contains(topic.key) } }.reduce(0) {
            $0 + Int($1.value.partitions)
        }
        #expect(read.count == wanted && Set(read).count == wanted, "seed \(seed)")
        #expect(coordinator.groups[group]?.phase == .stable, "seed \(seed)")
    }

    @Test func anOldEpochIsFencedUnlessOnlyTheAnswerWasLost() throws {
        var coordinator = coordinator()
        let topics = Self.topics(["a": 2])
        let member = MemberID("m")
        func beat(_ epoch: Int32, owned: [TopicPartition]? = []) throws -> MemberOrders {
            try coordinator.heartbeat(
                group, MemberHeartbeat(member: member, epoch: epoch, topics: epoch == 0 ? ["a"] : nil, owned: owned), topics: topics,
                now: .zero)
        }
        #expect(throws: ConsumerGroupRefusal.unknownMember) { try beat(5) }
        let epoch = try beat(0).epoch
        #expect(throws: ConsumerGroupRefusal.fencedEpoch) { try beat(epoch + 1) }
        _ = try coordinator.heartbeat(group, MemberHeartbeat(member: MemberID("n"), epoch: 0, topics: ["a"]), topics: topics, now: .zero)
        let both = [TopicPartition("a", 0), TopicPartition("a", 1)]
        let kept = try #require(try beat(epoch, owned: both).assignment)
        let next = try beat(epoch, owned: kept).epoch
        #expect(next > epoch)
        #expect(try beat(epoch, owned: kept).epoch == next, "the answer was lost and the heartbeat came again")
        #expect(throws: ConsumerGroupRefusal.fencedEpoch) { try beat(epoch, owned: both) }
        #expect(coordinator.refusalToCommit(group, member: member, epoch: epoch) == .staleEpoch)
        #expect(coordinator.refusalToCommit(group, member: member, epoch: next) == nil)
    }

    @Test func whoSaysToBeAMemberAsksForOffsetsWithItsEpoch() throws {
        var coordinator = coordinator()
        let member = MemberID("m")
        func refusal(_ member: MemberID?, _ epoch: Int32) -> ConsumerGroupRefusal? {
            coordinator.refusalToFetchOffsets(group, member: member, epoch: epoch)
        }
        #expect(refusal(member, 5) == nil, "there is no such group")
        let epoch = try coordinator.heartbeat(
            group, MemberHeartbeat(member: member, epoch: 0, topics: ["a"], owned: []), topics: Self.topics(["a": 2]), now: .zero
        ).epoch
        #expect(refusal(member, epoch) == nil && refusal(nil, -1) == nil)
        #expect(
            refusal(member, epoch - 1) == .staleEpoch && refusal(member, epoch + 1) == .staleEpoch && refusal(member, -1) == .staleEpoch)
        #expect(
            refusal(MemberID("n"), epoch) == .unknownMember && refusal(MemberID(""), -1) == .unknownMember
                && refusal(nil, epoch) == .unknownMember)
    }

    @Test("an assignor gives every partition to one who wants it", arguments: [ConsumerGroupAssignor.uniform, .range], UInt64(0)..<20)
    func assignorsAreComplete(_ assignor: ConsumerGroupAssignor, _ seed: UInt64) {
        var random = Prng(seed: seed)
        var counts = SortedTable<String, Int32>()
        for name in ["a", "b", "c"] { counts[name] = Int32(random.below(6)) }
        let members = (0..<(1 + random.below(5))).map { number in
            ConsumerGroupAssignor.Member(
                id: MemberID("m\(number)"), topics: ["a", "b", "c"].filter { _ in random.chance(2, in: 3) }, present: [])
        }
        let shares = assignor.assign(members: members, partitions: counts)
        let given = shares.flatMap(\.1)
        let wanted = counts.entries.filter { topic in members.contains { $0.topics.contains(topic.key) } }.reduce(0) { $0 + Int($1.value) }
        #expect(given.count == wanted && Set(given).count == wanted)
        for (id, share) in shares {
            #expect(share.allSatisfy { partition in members.first { $0.id == id }?.topics.contains(partition.topic) == true })
        }
    }
}
