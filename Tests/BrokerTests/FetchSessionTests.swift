// Fetch sessions: epochs go up one by one, places are bounded, and who has to go is told by age, size and use.
import Base
import Testing

@testable import BrokerCore

@Suite struct FetchSessionTests {
    private func at(_ seconds: Int) -> Instant { Instant.zero + .seconds(seconds) }

    private func table(_ slots: Int, with sizes: [Int] = [], isReplica: Bool = false) -> FetchSessionTable {
        var table = FetchSessionTable(slots: slots, evictionAge: .seconds(120))
        for (place, size) in sizes.enumerated() {
            _ = table.open(Int32(place + 1), owner: "a", partitions: size, isReplica: isReplica, now: at(place))
        }
        return table
    }

    @Test func everyFetchCarriesTheNextEpoch() {
        var table = table(10, with: [5])
        for epoch in Int32(1)...3 { #expect(table.use(1, epoch: epoch, owner: "a", now: at(1)) == nil) }
        #expect(table.use(1, epoch: 3, owner: "a", now: at(1)) == .wrongEpoch)
        #expect(table.use(1, epoch: 4, owner: "a", now: at(1)) == nil, "a refusal changes nothing")
        #expect(table.use(2, epoch: 1, owner: "a", now: at(1)) == .unknownID)
    }

    @Test func aSessionIsUnknownToEverybodyElse() {
        var table = table(10, with: [5])
        #expect(table.use(1, epoch: 1, owner: "b", now: at(1)) == .unknownID)
        table.close(1, owner: "b")
        #expect(table.isOpen(1))
        table.close(1, owner: "a")
        #expect(!table.isOpen(1))
    }

    @Test func aYoungSessionIsNotPutOutForAnEqual() {
        var table = table(2, with: [5, 5])
        #expect(table.open(9, owner: "a", partitions: 5, isReplica: false, now: at(10)) == .full)
        #expect(table.open(9, owner: "a", partitions: 50, isReplica: false, now: at(10)) == .full, "it has not had its time")
        #expect(table.count == 2)
    }

    @Test func whoWasIdleForLongGoesFirst() {
        var table = table(2, with: [5, 5])
        #expect(table.use(1, epoch: 1, owner: "a", now: at(100)) == nil)
        #expect(table.open(9, owner: "a", partitions: 1, isReplica: false, now: at(122)) == .opened(evicted: 2))
    }

    @Test func aSmallerOneThatHadItsTimeGoesForALargerOne() {
        var table = table(2, with: [7, 3])
        for id in Int32(1)...2 { #expect(table.use(id, epoch: 1, owner: "a", now: at(200)) == nil) }
        #expect(table.open(9, owner: "a", partitions: 3, isReplica: false, now: at(201)) == .full)
        #expect(table.open(9, owner: "a", partitions: 4, isReplica: false, now: at(201)) == .opened(evicted: 2))
    }

    @Test func aReplicaGoesForReplicasOnly() {
        var replicas = table(1, with: [1], isReplica: true)
        #expect(replicas.use(1, epoch: 1, owner: "a", now: at(200)) == nil)
        #expect(replicas.open(9, owner: "a", partitions: 50, isReplica: false, now: at(201)) == .full)
        var consumers = table(1, with: [50])
        #expect(consumers.open(9, owner: "a", partitions: 1, isReplica: true, now: at(1)) == .opened(evicted: 1))
    }

    @Test func withoutPlacesNobodyGetsASession() {
        var table = table(0)
        #expect(table.open(1, owner: "a", partitions: 1, isReplica: true, now: at(0)) == .full)
    }
}
