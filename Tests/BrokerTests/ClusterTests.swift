// Brokers and replicas: who leads after a loss, who counts as in sync, up to where records are on all of those, and where two logs part.
import Base
import Testing

@testable import BrokerCore

@Suite struct PartitionStateTests {
    private let all: Set<Int32> = [1, 2, 3]
    private func changes(_ hasChanged: Bool, at location: SourceLocation = #_sourceLocation) {
        #expect(hasChanged, sourceLocation: location)
    }
    private func stays(_ hasChanged: Bool, at location: SourceLocation = #_sourceLocation) {
        #expect(!hasChanged, sourceLocation: location)
    }
    private func state() -> PartitionState { PartitionState(made: [1, 2, 3], alive: all) }

    @Test func theFirstReplicaThatIsAliveLeadsAPartitionThatIsMade() {
        #expect(state().leader == 1 && state().inSync == [1, 2, 3])
        let partly = PartitionState(made: [1, 2, 3], alive: [2, 3])
        #expect(partly.leader == 2 && partly.inSync == [2, 3])
        #expect(PartitionState(made: [1], alive: []).leader == -1)
    }

    @Test func theNextInSyncLeadsWhenTheLeaderIsLost() {
        var one = state()
        changes(one.lost(1, alive: [2, 3], unclean: false))
        #expect(one.leader == 2 && one.inSync == [2, 3] && one.leaderEpoch == 1 && one.version == 1)
        // A follower's loss begins no new term.
        changes(one.lost(3, alive: [2], unclean: false))
        #expect(one.leader == 2 && one.leaderEpoch == 1 && one.inSync == [2])
    }

    @Test func theLastInSyncStaysSoAndNobodyElseLeads() {
        var one = state()
        for (broker, alive) in [(1, [2, 3]), (2, [3]), (3, [])] as [(Int32, Set<Int32>)] {
            _ = one.lost(broker, alive: alive, unclean: false)
        }
        #expect(one.inSync == [3] && one.leader == -1)
        // Those that lack records do not lead when they come back; the last one does.
        stays(one.returned(1, alive: [1], keepsLog: true))
        #expect(one.leader == -1)
        changes(one.returned(3, alive: [1, 3], keepsLog: true))
        #expect(one.leader == 3)
    }

    @Test func anUncleanElectionIsMadeOnlyWhereItIsAllowed() {
        var one = PartitionState(replicas: [1, 2], inSync: [1], leader: 1)
        var other = one
        _ = one.lost(1, alive: [2], unclean: false)
        #expect(one.leader == -1 && one.inSync == [1])
        _ = other.lost(1, alive: [2], unclean: true)
        #expect(other.leader == 2 && other.inSync == [2])
    }

    @Test func aLeaderThatRestartsBeginsAnotherTerm() {
        var one = state()
        changes(one.returned(1, alive: all, keepsLog: true))
        #expect(one.leader == 1 && one.leaderEpoch == 1 && one.inSync == [1, 2, 3])
        // One whose log may lack acknowledged records does not lead while others lack none.
        var careless = state()
        changes(careless.returned(1, alive: all, keepsLog: false))
        #expect(careless.leader == 2 && careless.inSync == [2, 3])
    }

    @Test func aChangeThatSpeaksOfAnEarlierStateIsRefused() {
        var one = state()
        let stale = InSyncChange(topicID: UUIDBytes(), partition: 0, leader: 1, leaderEpoch: 0, version: 0, inSync: [1])
        _ = one.lost(3, alive: [1, 2], unclean: false)
        stays(one.changeInSync(stale, alive: all))
        #expect(one.inSync == [1, 2])
        var fresh = stale
        fresh.version = 1
        changes(one.changeInSync(fresh, alive: all))
        #expect(one.inSync == [1])
        // Only who is alive can be in sync, and the leader always is.
        for wrong in [[2], [1, 3]] as [[Int32]] {
            let change = InSyncChange(topicID: UUIDBytes(), partition: 0, leader: 1, leaderEpoch: 0, version: 2, inSync: wrong)
            stays(one.changeInSync(change, alive: [1, 2]))
        }
    }

    @Test func aReassignmentEndsOnceItsTargetIsInSync() {
        var one = PartitionState(made: [1, 2], alive: all)
        changes(one.reassign(to: [3, 2], alive: all))
        #expect(one.adding == [3] && one.removing == [1] && one.leader == 1 && one.target == [3, 2])
        changes(
            one.changeInSync(
                InSyncChange(topicID: UUIDBytes(), partition: 0, leader: 1, leaderEpoch: 0, version: 1, inSync: [1, 2, 3]), alive: all))
        #expect(one.replicas == [3, 2] && one.inSync == [3, 2] && one.leader == 3 && !one.isReassigned)
    }

    @Test func aReassignmentIsTakenBack() {
        var one = PartitionState(made: [1, 2], alive: all)
        _ = one.reassign(to: [3], alive: all)
        changes(one.reassign(to: [], alive: all))
        #expect(Set(one.replicas) == [1, 2] && one.leader == 1 && !one.isReassigned)
    }

    @Test func replicasAreSpreadOverBrokersAndRacks() {
        let brokers = (1...6).map { BrokerRecord(id: Int32($0), incarnation: UUIDBytes(), host: "h", port: 1, rack: $0 <= 3 ? "a" : "b") }
        let lists = ReplicaPlacement.lists(count: 12, factor: 2, brokers: brokers, start: 0)
        for broker in Int32(1)...6 {
            #expect(lists.count { $0.brokers[0] == broker } == 2)
            #expect(lists.count { $0.brokers.contains(broker) } >= 3)
        }
        #expect(lists.allSatisfy { Set($0.brokers).count == 2 })
        let neighbours = ReplicaPlacement.lists(count: 6, factor: 2, brokers: brokers, start: 0)
        #expect(neighbours.allSatisfy { list in Set(list.brokers.map { $0 <= 3 }).count == 2 })
    }
}

@Suite struct PartitionLeadershipTests {
    private let start = Instant.zero
    private func leadership(_ inSync: [Int32] = [1, 2, 3], end: Int64 = 0) -> PartitionLeadership {
        PartitionLeadership(
            broker: 1, state: PartitionState(replicas: [1, 2, 3], inSync: inSync, leader: 1), logEnd: end, highWatermark: 0, now: start)
    }

    @Test func recordsCountOnceEveryReplicaInSyncHasThem() {
        var one = leadership()
        one.appended(to: 10)
        #expect(one.highWatermark == 0)
        _ = one.fetched(by: 2, at: 10, alive: true, now: start)
        #expect(one.highWatermark == 0)
        _ = one.fetched(by: 3, at: 7, alive: true, now: start)
        #expect(one.highWatermark == 7)
        _ = one.fetched(by: 3, at: 10, alive: true, now: start)
        #expect(one.highWatermark == 10)
    }

    @Test func aLeaderAloneCountsItsOwn() {
        var one = leadership([1])
        one.appended(to: 10)
        #expect(one.highWatermark == 10 && one.knowsEnd)
    }

    @Test func aFollowerIsInSyncOnceItHasWhatTheOthersHave() throws {
        var one = leadership([1, 2])
        one.appended(to: 10)
        _ = one.fetched(by: 2, at: 10, alive: true, now: start)
        let tooEarly = one.fetched(by: 3, at: 9, alive: true, now: start)
        let fenced = one.fetched(by: 3, at: 10, alive: false, now: start)
        #expect(tooEarly == nil && fenced == nil)
        let proposed = one.fetched(by: 3, at: 10, alive: true, now: start)
        let change = try #require(proposed)
        #expect(change.inSync == [1, 2, 3] && change.leaderEpoch == 0)
        // From the proposal on its place counts, since it may be decided already.
        one.appended(to: 20)
        _ = one.fetched(by: 2, at: 20, alive: true, now: start)
        #expect(one.highWatermark == 10)
        one.proposalEnded(isKnown: true)
        _ = one.fetched(by: 2, at: 20, alive: true, now: start)
        #expect(one.highWatermark == 20)
    }

    @Test func aFollowerCountsWhileTheFateOfItsProposalIsNotKnown() throws {
        var one = leadership([1, 2])
        one.appended(to: 10)
        _ = one.fetched(by: 2, at: 10, alive: true, now: start)
        let proposed = one.fetched(by: 3, at: 10, alive: true, now: start)
        #expect(proposed?.inSync == [1, 2, 3])
        one.proposalEnded(isKnown: false)
        one.appended(to: 20)
        _ = one.fetched(by: 2, at: 20, alive: true, now: start)
        #expect(one.highWatermark == 10)
        // The state as it is known, proposed again: whichever is decided first makes the other too late.
        let again = one.check(now: start, lagMax: .seconds(10))
        #expect(again?.inSync == [1, 2] && again?.version == 0)
        var state = PartitionState(replicas: [1, 2, 3], inSync: [1, 2], leader: 1)
        state.version = 1
        one.decided(state, now: start)
        one.proposalEnded(isKnown: true)
        _ = one.fetched(by: 2, at: 20, alive: true, now: start)
        #expect(one.highWatermark == 20)
        #expect(one.check(now: start, lagMax: .seconds(10)) == nil)
    }

    @Test func aFollowerThatLagsIsGivenUp() throws {
        var one = leadership()
        one.appended(to: 10)
        _ = one.fetched(by: 2, at: 10, alive: true, now: start + .seconds(9))
        let early = one.check(now: start + .seconds(9), lagMax: .seconds(10))
        #expect(early == nil)
        let proposed = one.check(now: start + .seconds(11), lagMax: .seconds(10))
        let change = try #require(proposed)
        #expect(change.inSync == [1, 2])
        // Until that is decided its place counts.
        #expect(one.highWatermark == 0)
        var state = PartitionState(replicas: [1, 2, 3], inSync: [1, 2], leader: 1)
        state.version = 1
        one.decided(state, now: start + .seconds(11))
        #expect(one.highWatermark == 10)
    }

    @Test func anEndIsNotToldBeforeTheOthersHaveSaidWhatTheyHave() {
        var one = leadership(end: 5)
        #expect(!one.knowsEnd)
        _ = one.fetched(by: 2, at: 5, alive: true, now: start)
        _ = one.fetched(by: 3, at: 5, alive: true, now: start)
        #expect(one.knowsEnd && one.highWatermark == 5)
    }
}

@Suite struct LeaderEpochsTests {
    private func epochs(_ entries: [(Int32, Int64)]) -> LeaderEpochs {
        var epochs = LeaderEpochs()
        for (epoch, start) in entries { epochs.note(epoch, at: start) }
        return epochs
    }

    @Test func anEpochEndsWhereTheNextOneBegins() {
        let one = epochs([(1, 0), (1, 5), (3, 10), (6, 20)])
        #expect(one.end(of: 1, logEnd: 30)! == (1, 10))
        #expect(one.end(of: 2, logEnd: 30)! == (1, 10))
        #expect(one.end(of: 5, logEnd: 30)! == (3, 20))
        #expect(one.end(of: 6, logEnd: 30)! == (6, 30))
        #expect(one.end(of: 7, logEnd: 30) == nil && one.end(of: -1, logEnd: 30) == nil)
        #expect(one.epoch(at: 9) == 1 && one.epoch(at: 10) == 3)
    }

    @Test func logsThatPartAreFound() {
        let leader = epochs([(1, 0), (3, 10)])
        #expect(leader.divergence(lastEpoch: 1, at: 10, logEnd: 15) == nil)
        // What the old leader wrote beyond the point where the new one began.
        #expect(leader.divergence(lastEpoch: 1, at: 12, logEnd: 15)! == (1, 10))
        // A term that this leader never saw.
        #expect(leader.divergence(lastEpoch: 2, at: 12, logEnd: 15)! == (1, 10))
        #expect(leader.divergence(lastEpoch: 3, at: 15, logEnd: 15) == nil)
        #expect(leader.divergence(lastEpoch: -1, at: 12, logEnd: 15) == nil)
    }

    @Test func aLeaderThatHasNotWrittenYetSeesWhatFollowersHaveOfOtherTerms() {
        var leader = epochs([(1, 0)])
        leader.begin(5, leads: true, at: 15)
        // A follower that led term 3 in between and has as many records, or more.
        #expect(leader.divergence(lastEpoch: 3, at: 14, logEnd: 15)! == (1, 15))
        #expect(leader.divergence(lastEpoch: 3, at: 28, logEnd: 15)! == (1, 15))
        #expect(leader.divergence(lastEpoch: 1, at: 15, logEnd: 15) == nil)
        // As a follower it has nothing of the term that it did not write in.
        leader.begin(6, leads: false, at: 15)
        #expect(leader.latest == 1)
    }

    @Test func truncationAndTrimmingKeepWhatIsStillThere() {
        var one = epochs([(1, 0), (3, 10), (6, 20)])
        one.truncate(to: 15)
        #expect(one.latest == 3)
        one.truncate(to: 10)
        #expect(one.latest == 1)
        var other = epochs([(1, 0), (3, 10), (6, 20)])
        other.trim(below: 12)
        #expect(other.entries.map(\.start) == [12, 20] && other.epoch(at: 13) == 3)
    }
}

@Suite struct CoordinatorTests {
    @Test func onlyTheGroupsOfABrokerThatGoesMove() {
        var machine = BrokerMachine()
        var rows = RowChanges()
        for id in Int32(1)...3 {
            let record = BrokerRecord(id: id, incarnation: UUIDBytes(high: 1, low: UInt64(id)), host: "h", port: 1)
            _ = machine.apply(
                .cluster(.register(record, keepsLog: true)), at: ApplyPosition(slot: Slot(Int64(id)), time: .zero), rows: &rows)
        }
        let names = (0..<600).map { "group-\($0)" }
        let before = names.map(machine.cluster.coordinator)
        for id in Int32(1)...3 { #expect((120...280).contains(before.count { $0 == id })) }
        _ = machine.apply(.cluster(.fence(broker: 2, epoch: 2)), at: ApplyPosition(slot: Slot(4), time: .zero), rows: &rows)
        for (name, earlier) in zip(names, before) {
            let now = machine.cluster.coordinator(of: name)
            #expect(now != 2 && (earlier == 2 || now == earlier))
        }
    }

    @Test func aCommitByABrokerThatIsNotTheCoordinatorAnyMoreIsRefused() {
        var machine = BrokerMachine()
        var rows = RowChanges()
        func apply(_ command: ClusterCommand, _ slot: Int64) -> BrokerOutcome {
            machine.apply(.cluster(command), at: ApplyPosition(slot: Slot(slot), time: .zero), rows: &rows)
        }
        for id in Int32(1)...2 {
            _ = apply(
                .register(BrokerRecord(id: id, incarnation: UUIDBytes(high: 1, low: UInt64(id)), host: "h", port: 1), keepsLog: true),
                Int64(id))
        }
        _ = apply(.createTopic(TopicRecord(name: "t", id: UUIDBytes(high: 1, low: 1), partitions: 1), [ReplicaList([1, 2])]), 3)
        let group = GroupID("g")
        let coordinator = machine.cluster.coordinator(of: "g")
        let entry = [OffsetEntry(topic: "t", partition: 0, offset: 7)]
        let committed = apply(.commitOffsets(by: machine.cluster.claim(of: "g", by: coordinator), group: group, entry), 4)
        #expect(committed == .done)
        _ = apply(.fence(broker: coordinator, epoch: Int64(coordinator)), 5)
        let late = apply(.commitOffsets(by: machine.cluster.claim(of: "g", by: coordinator), group: group, entry), 6)
        #expect(late == .refused(.notCoordinator(group)))
    }

    @Test func aCommitThatWasAcceptedBeforeAnotherBrokerCoordinatedIsRefusedAfterwards() {
        var machine = BrokerMachine()
        var rows = RowChanges()
        var slot: Int64 = 0
        func apply(_ command: ClusterCommand) -> BrokerOutcome {
            slot += 1
            return machine.apply(.cluster(command), at: ApplyPosition(slot: Slot(slot), time: .zero), rows: &rows)
        }
        func register(_ id: Int32) {
            _ = apply(.register(BrokerRecord(id: id, incarnation: UUIDBytes(high: 1, low: UInt64(id)), host: "h", port: 1), keepsLog: true))
        }
        func commit(_ claim: CoordinatorClaim) -> BrokerOutcome {
            apply(.commitOffsets(by: claim, group: GroupID("g"), [OffsetEntry(topic: "t", partition: 0, offset: 7)]))
        }
        for id in Int32(1)...4 { register(id) }
        _ = apply(.createTopic(TopicRecord(name: "t", id: UUIDBytes(high: 1, low: 1), partitions: 1), [ReplicaList([1])]))
        let coordinator = machine.cluster.coordinator(of: "g")
        let claim = machine.cluster.claim(of: "g", by: coordinator)
        // Who would not coordinate in its place does not matter.
        let others = machine.cluster.alive.filter { $0 != coordinator }
        for other in others { _ = apply(.fence(broker: other, epoch: machine.cluster.brokers[other]!.epoch)) }
        #expect(commit(claim) == .done)
        for other in others { register(other) }
        #expect(commit(claim) == .done)
        _ = apply(.fence(broker: coordinator, epoch: machine.cluster.brokers[coordinator]!.epoch))
        register(coordinator)
        #expect(machine.cluster.coordinator(of: "g") == coordinator)
        #expect(commit(claim) == .refused(.notCoordinator(GroupID("g"))))
        let anew = machine.cluster.claim(of: "g", by: coordinator)
        #expect(commit(anew) == .done)
        // A broker that comes may take the group, and leave it to this one again.
        var newcomer: Int32 = 5
        while machine.cluster.coordinator(of: "g") == coordinator {
            register(newcomer)
            newcomer += 1
        }
        let before = machine.cluster.coordinator(of: "g")
        _ = apply(.fence(broker: before, epoch: machine.cluster.brokers[before]!.epoch))
        #expect(machine.cluster.coordinator(of: "g") == coordinator)
        #expect(commit(anew) == .refused(.notCoordinator(GroupID("g"))))
    }

    @Test func theLastMarkerCompletesATransaction() throws {
        var machine = BrokerMachine()
        var rows = RowChanges()
        func apply(_ command: BrokerCommand, _ slot: Int64) -> BrokerOutcome {
            machine.apply(command, at: ApplyPosition(slot: Slot(slot), time: .zero), rows: &rows)
        }
        guard
            case .transaction(let made) = apply(
                .transaction(TransactionCommand("x", ProducerIdentity(), .begin(timeoutMilliseconds: 1000))), 1)
        else {
            Issue.record("the transaction was not begun")
            return
        }
        let places = [TopicPartition("a", 0), TopicPartition("b", 0)]
        _ = apply(.transaction(TransactionCommand("x", made.producer, .addPartitions(places))), 2)
        _ = apply(.transaction(TransactionCommand("x", made.producer, .decide(commits: true, .kept))), 3)
        _ = apply(.cluster(.marked(transaction: "x", made.producer, decided: 3, [places[0]])), 4)
        #expect(machine.transactions["x"]?.phase == .prepareCommit)
        // The report of an earlier term of the same partition changes nothing.
        _ = apply(.cluster(.marked(transaction: "x", made.producer, decided: 3, [places[0]])), 5)
        #expect(machine.transactions["x"]?.phase == .prepareCommit)
        _ = apply(.cluster(.marked(transaction: "x", made.producer, decided: 2, [places[1]])), 6)
        #expect(machine.transactions["x"]?.phase == .prepareCommit, "a late report about the transaction before")
        _ = apply(.cluster(.marked(transaction: "x", made.producer, decided: 3, [places[1]])), 7)
        #expect(machine.transactions["x"]?.phase == .completeCommit)
    }
}

@Suite struct BrokersThatComeAndGoTests {
    private func record(_ id: Int32) -> BrokerRecord {
        BrokerRecord(id: id, incarnation: UUIDBytes(high: 1, low: UInt64(id)), host: "h", port: 1)
    }

    @Test func aBrokerIsForgottenOnceNothingLiesOnIt() {
        var machine = BrokerMachine()
        var rows = RowChanges()
        func apply(_ command: ClusterCommand, _ slot: Int64) -> BrokerOutcome {
            machine.apply(.cluster(command), at: ApplyPosition(slot: Slot(slot), time: .zero), rows: &rows)
        }
        for id in Int32(1)...3 { _ = apply(.register(record(id), keepsLog: true), Int64(id)) }
        let topic = TopicRecord(name: "t", id: UUIDBytes(high: 1, low: 9), partitions: 2)
        _ = apply(.createTopic(topic, [ReplicaList([1, 2]), ReplicaList([2, 3])]), 4)
        #expect(apply(.unregister(broker: 3), 5) == .refused(.brokerHoldsPartitions(3, count: 1)))
        #expect(apply(.unregister(broker: 9), 6) == .refused(.unknownBroker(9)))
        // A broker that a partition is on its way to holds it already.
        _ = apply(.reassign([Reassignment(TopicPartition("t", 1), target: [2, 1])]), 7)
        #expect(apply(.unregister(broker: 3), 8) == .refused(.brokerHoldsPartitions(3, count: 1)))
        let state = machine.cluster.partitions[TopicPartition("t", 1)]
        let change = InSyncChange(
            topicID: topic.id, partition: 1, leader: 2, leaderEpoch: state?.leaderEpoch ?? -1, version: state?.version ?? -1,
            inSync: [2, 1, 3])
        _ = apply(.changeInSync(change), 9)
        #expect(apply(.unregister(broker: 3), 10) == .unregistered(3))
        #expect(machine.cluster.alive == [1, 2] && machine.cluster.brokers[3] == nil)
        // Nothing is placed there any more.
        #expect(
            apply(.reassign([Reassignment(TopicPartition("t", 1), target: [3])]), 11)
                == .refused(.invalidReplicas(reason: "there is no broker 3")))
    }

    @Test func theFirstBrokerOfAClusterBringsWhatItHadAlone() {
        var machine = BrokerMachine()
        var rows = RowChanges()
        func apply(_ command: BrokerCommand, _ slot: Int64) -> BrokerOutcome {
            machine.apply(command, at: ApplyPosition(slot: Slot(slot), time: .zero), rows: &rows)
        }
        _ = apply(.createTopic(TopicRecord(name: "t", id: UUIDBytes(high: 1, low: 9), partitions: 2)), 1)
        let outcome = apply(.cluster(.register(record(1), keepsLog: true)), 2)
        guard case .registered(_, let changed) = outcome else {
            Issue.record("the broker is not registered: \(outcome)")
            return
        }
        #expect(Set(changed) == [TopicPartition("t", 0), TopicPartition("t", 1)])
        let state = machine.cluster.partitions[TopicPartition("t", 1)]
        #expect(state?.leader == 1 && state?.inSync == [1])
        // Later ones bring nothing.
        _ = apply(.cluster(.register(record(2), keepsLog: true)), 3)
        #expect(machine.cluster.partitions[TopicPartition("t", 1)]?.replicas == [1])
    }
}

@Suite struct ReplicationThrottleTests {
    @Test func throttledReplicasAreNamedByPartitionAndBroker() throws {
        let some = try #require(ThrottledReplicas("0:1,0:2,3:1"))
        #expect(some.contains(0, on: 1) && some.contains(3, on: 1) && !some.contains(3, on: 2) && !some.contains(1, on: 1))
        let all = try #require(ThrottledReplicas("*"))
        #expect(all.contains(7, on: 9))
        let none = try #require(ThrottledReplicas(""))
        #expect(!none.contains(0, on: 0))
        for text in ["0", "0:", ":1", "0:1,", "a:1", "0:-1", "*,0:1", "0:1:2"] { #expect(ThrottledReplicas(text) == nil, "\(text)") }
    }

    @Test func aBudgetFillsAtItsRateAndCanBeOverdrawnByOneBatch() {
        var budget = ReplicationBudget()
        let start = Instant(nanoseconds: 0)
        #expect(budget.allowance(rate: nil, now: start) == nil)
        #expect(budget.allowance(rate: 1000, now: start) == 1000)
        budget.spend(3000, now: start)
        #expect(budget.allowance(rate: 1000, now: start + .seconds(1)) == 0)
        #expect(budget.allowance(rate: 1000, now: start + .seconds(3)) == 1000)
        // What was set aside and did not go counts again.
        budget.spend(1000, now: start + .seconds(3))
        budget.spend(-400, now: start + .seconds(3))
        #expect(budget.allowance(rate: 1000, now: start + .seconds(3)) == 400)
        // Another rate holds from now on; none lifts everything.
        #expect(budget.allowance(rate: 10, now: start + .seconds(3)) == 4)
        #expect(budget.allowance(rate: nil, now: start + .seconds(3)) == nil)
    }
}
