// A share group's partition: who gets what, what becomes of it, and that what is stored is enough to go on with. The random runs hold it against a model that
// knows each record by itself.
import Base
import Testing

@testable import BrokerCore

@Suite struct SharePartitionTests {
    private let ann = MemberID("ann")
    private let bob = MemberID("bob")

    private func time(_ seconds: Int) -> Instant { .zero + .seconds(seconds) }

    private func partition(start: Int64 = 0, recordsMax: Int64 = 2000, deliveriesMax: Int16 = 5) -> SharePartition {
        var limits = SharePartitionLimits()
        limits.recordsMax = recordsMax
        limits.deliveriesMax = deliveriesMax
        return SharePartition(start: start, limits: limits)
    }

    /// Batches of ten records each.
    private func batches(_ first: Int64, _ count: Int64) -> [ShareBatch] {
        (0..<count).map { ShareBatch(first: first + $0 * 10, last: first + $0 * 10 + 9) }
    }

    private func range(_ first: Int64, _ last: Int64, _ kinds: ShareAcknowledgement...) -> ShareAcknowledgementRange {
        ShareAcknowledgementRange(first: first, last: last, kinds: kinds)
    }

    @Test func consumersGetDifferentRecordsOfOnePartition() throws {
        var share = partition()
        #expect(
            share.acquire(ann, batches(0, 3), from: 0, recordsMax: 15, isExact: false, now: time(0)) == [
                .init(first: 0, last: 19, delivery: 1)
            ])
        #expect(share.nextOffset(below: 30) == 20)
        #expect(
            share.acquire(bob, batches(20, 1), from: 20, recordsMax: 15, isExact: false, now: time(0)) == [
                .init(first: 20, last: 29, delivery: 1)
            ])
        #expect(share.nextOffset(below: 30) == nil)
        try share.acknowledge(bob, [range(20, 29, .accept)], now: time(1))
        #expect(share.start == 0)
        try share.acknowledge(ann, [range(0, 19, .accept)], now: time(1))
        #expect(share.start == 30)
        #expect(share.runs.isEmpty)
    }

    @Test func noMoreThanWantedIsAcquiredInExactMode() {
        var share = partition()
        #expect(
            share.acquire(ann, batches(0, 3), from: 0, recordsMax: 13, isExact: true, now: time(0)) == [
                .init(first: 0, last: 12, delivery: 1)
            ])
        #expect(share.nextOffset(below: 30) == 13)
        #expect(
            share.acquire(bob, batches(10, 2), from: 13, recordsMax: 3, isExact: true, now: time(0)) == [
                .init(first: 13, last: 15, delivery: 1)
            ])
    }

    @Test func aReleasedRecordComesAgainAndARejectedOneDoesNot() throws {
        var share = partition()
        _ = share.acquire(ann, batches(0, 1), from: 0, recordsMax: 10, isExact: false, now: time(0))
        try share.acknowledge(ann, [range(0, 3, .accept, .release, .reject, .gap), range(4, 9, .accept)], now: time(0))
        #expect(share.start == 1)
        #expect(share.nextOffset(below: 10) == 1)
        #expect(
            share.acquire(bob, batches(0, 1), from: 1, recordsMax: 10, isExact: false, now: time(0)) == [
                .init(first: 1, last: 1, delivery: 2)
            ])
        try share.acknowledge(bob, [range(1, 1, .accept)], now: time(0))
        #expect(share.start == 10)
    }

    @Test func aRecordIsGivenUpAfterItsLastDelivery() throws {
        var share = partition(deliveriesMax: 2)
        for delivery in Int16(1)...2 {
            #expect(
                share.acquire(ann, batches(0, 1), from: 0, recordsMax: 10, isExact: false, now: time(0)) == [
                    .init(first: 0, last: 9, delivery: delivery)
                ])
            try share.acknowledge(ann, [range(0, 9, .release)], now: time(0))
        }
        #expect(share.start == 10)
        #expect(share.nextOffset(below: 10) == nil)
    }

    @Test func aLockEndsWithItsTimeUnlessItIsRenewed() throws {
        var share = partition()
        _ = share.acquire(ann, batches(0, 2), from: 0, recordsMax: 20, isExact: false, now: time(0))
        _ = share.takeChange()
        try share.acknowledge(ann, [range(10, 19, .renew)], now: time(20))
        #expect(!share.hasChanged)
        #expect(share.nextDeadline == time(30))
        share.expire(now: time(30))
        #expect(share.hasChanged)
        #expect(share.nextDeadline == time(50))
        #expect(
            share.acquire(bob, batches(0, 2), from: 0, recordsMax: 20, isExact: false, now: time(30)) == [
                .init(first: 0, last: 9, delivery: 2)
            ])
        #expect(throws: ShareRefusal.notAcquired) { try share.acknowledge(ann, [range(0, 9, .accept)], now: time(31)) }
        try share.acknowledge(ann, [range(10, 19, .accept)], now: time(31))
    }

    @Test func aRenewedLockIsTheSameDelivery() throws {
        var share = partition(deliveriesMax: 2)
        _ = share.acquire(ann, batches(0, 1), from: 0, recordsMax: 10, isExact: false, now: time(0))
        // Renewed as often as one likes, and beside what is said of other records.
        for seconds in 1...9 { try share.acknowledge(ann, [range(0, 9, .renew)], now: time(seconds * 20)) }
        try share.acknowledge(ann, [range(0, 3, .renew, .accept, .renew, .release)], now: time(190))
        #expect(share.nextDeadline == time(210), "what was not named keeps its lock")
        try share.acknowledge(ann, [range(0, 0, .release), range(2, 2, .accept), range(4, 9, .renew)], now: time(200))
        #expect(
            share.acquire(bob, batches(0, 1), from: 0, recordsMax: 10, isExact: false, now: time(200)) == [
                .init(first: 0, last: 0, delivery: 2), .init(first: 3, last: 3, delivery: 2),
            ])
        // The last delivery can be renewed as well, and is the last one for all that.
        try share.acknowledge(bob, [range(0, 0, .renew), range(3, 3, .renew)], now: time(220))
        share.expire(now: time(230))
        #expect(throws: ShareRefusal.notAcquired) { try share.acknowledge(ann, [range(4, 9, .renew)], now: time(230)) }
        share.expire(now: time(250))
        #expect(share.start == 4 && share.nextDeadline == nil, "given up")
    }

    // MARK: what is stored and whom it is told

    @Test func whoeverAcknowledgesHearsOfItOnceItIsStored() throws {
        var share = ShareLeadership<String>(term: 3, revision: 0, SharePartition(start: 0, limits: SharePartitionLimits()))
        #expect(!share.isReady)
        #expect(share.beginWrite() == StoredShare(start: 0))
        #expect(share.stored(as: 7) == [] && share.isReady && share.revision == 7)
        _ = share.state.acquire(ann, batches(0, 2), from: 0, recordsMax: 20, isExact: false, now: time(0))
        #expect(try share.acknowledge(ann, [range(0, 0, .renew)], now: time(1), "renews"), "nothing is to be stored")
        #expect(try !share.acknowledge(ann, [range(0, 4, .accept)], now: time(1), "first"))
        #expect(share.beginWrite().start == 5)
        // Said again while it is written: that may come to nothing yet.
        #expect(try !share.acknowledge(ann, [range(0, 4, .accept)], now: time(1), "again"))
        #expect(try !share.acknowledge(ann, [range(5, 9, .accept)], now: time(1), "next"))
        #expect(share.stored(as: 9) == ["first", "again"] && share.revision == 9)
        #expect(share.beginWrite().start == 10)
        #expect(try !share.acknowledge(ann, [range(10, 19, .accept)], now: time(1), "last"))
        #expect(share.giveUp() == ["last"], "those of the write that is under way wait for its end")
        #expect(share.failed() == ["next"] && share.revision == 9)
    }

    @Test func whatAConsumerDoesNotHaveItCannotAcknowledge() throws {
        var share = partition()
        _ = share.acquire(ann, batches(0, 2), from: 0, recordsMax: 20, isExact: false, now: time(0))
        let before = share.runs
        let refused: [(ShareRefusal, [ShareAcknowledgementRange])] = [
            (.notAcquired, [range(0, 4, .accept), range(15, 20, .accept)]), (.notAcquired, [range(30, 39, .accept)]),
            (.malformed, [range(5, 4, .accept)]),
            (.malformed, [range(5, 6, .accept), range(6, 7, .accept)]), (.malformed, [range(0, 4, .accept, .accept)]),
            (.malformed, [range(0, 4)]),
            (.malformed, [range(Int64.min, Int64.max, .accept)]), (.notAcquired, [range(0, Int64.max, .accept)]),
        ]
        for (reason, ranges) in refused {
            #expect(throws: reason) { try share.acknowledge(ann, ranges, now: time(1)) }
            #expect(share.runs == before, "nothing of a refused request is done")
        }
        #expect(throws: ShareRefusal.notAcquired) { try share.acknowledge(bob, [range(0, 4, .accept)], now: time(1)) }
        try share.acknowledge(ann, [range(0, 9, .accept)], now: time(1))
        // Done with already: an acknowledgement that comes again is passed over, as one of records that the log has given up.
        try share.acknowledge(ann, [range(0, 9, .accept)], now: time(1))
    }

    @Test func whatIsNothingForConsumersIsPassedOver() {
        var share = partition()
        // 0-9 was compacted away, 20-24 is a marker, 30 follows on a hole.
        let found = [ShareBatch(first: 10, last: 19), ShareBatch(first: 20, last: 24, isSkipped: true), ShareBatch(first: 30, last: 31)]
        #expect(
            share.acquire(ann, found, from: 0, recordsMax: 100, isExact: false, now: time(0))
                == [.init(first: 10, last: 19, delivery: 1), .init(first: 30, last: 31, delivery: 1)])
        #expect(share.start == 10)
        share.release(ann)
        #expect(share.nextOffset(below: 32) == 10)
    }

    @Test func noMoreRecordsAreUnderWayThanMayBe() throws {
        var share = partition(recordsMax: 25)
        #expect(
            share.acquire(ann, batches(0, 5), from: 0, recordsMax: 100, isExact: false, now: time(0)) == [
                .init(first: 0, last: 24, delivery: 1)
            ])
        #expect(share.nextOffset(below: 50) == nil)
        try share.acknowledge(ann, [range(1, 24, .accept)], now: time(0))
        #expect(share.nextOffset(below: 50) == nil, "the first one is not done with")
        try share.acknowledge(ann, [range(0, 0, .release)], now: time(0))
        #expect(share.nextOffset(below: 50) == 0)
    }

    @Test func whatIsStoredIsEnoughToGoOn() throws {
        var share = partition()
        _ = share.acquire(ann, batches(0, 3), from: 0, recordsMax: 30, isExact: false, now: time(0))
        try share.acknowledge(ann, [range(5, 9, .accept), range(10, 12, .release)], now: time(0))
        let stored = share.takeChange()
        #expect(!share.hasChanged)
        let read = try StoredShare(decoding: try stored.encoded(as: DurableDialect.self), as: DurableDialect.self)
        #expect(read == stored)
        var next = SharePartition(read, limits: share.limits, logStart: 0, logEnd: 100)
        #expect(next.start == 0 && next.end == 30)
        let again = next.acquire(bob, batches(0, 3), from: 0, recordsMax: 30, isExact: false, now: time(0))
        #expect(again == [.init(first: 0, last: 4, delivery: 2), .init(first: 10, last: 29, delivery: 2)])
        // What the log has lost at either end is forgotten.
        let shorter = SharePartition(read, limits: share.limits, logStart: 7, logEnd: 20)
        #expect(shorter.start == 10 && shorter.end == 20)
        let other = SharePartition(read, limits: share.limits, logStart: 0, logEnd: 0)
        #expect(other.start == 0 && other.end == 0 && other.runs.isEmpty)
    }

    // MARK: random runs

    /// Each record by itself.
    private struct Model {
        var state: [Int64: (state: ShareRecordState, deliveries: Int16, member: MemberID?)] = [:]
        var delivered: [Int64: Int] = [:]
    }

    @Test(arguments: UInt64(0)..<40)
    func noRecordIsLostOrHadByTwoAtOnce(seed: UInt64) throws {
        var random = Prng(seed: seed)
        var share = partition(recordsMax: 40, deliveriesMax: 3)
        var model = Model()
        var clock = 0
        let members = [ann, bob, MemberID("cid")]
        let logEnd: Int64 = 400
        // Batches of one to seven offsets, some of them markers.
        var log: [ShareBatch] = []
        while (log.last?.last ?? -1) < logEnd - 1 {
            let first = (log.last?.last ?? -1) + 1 + (random.chance(1, in: 10) ? 2 : 0)
            log.append(
                ShareBatch(
                    first: first, last: min(first + Int64(random.below(7)), max(first, logEnd - 1)), isSkipped: random.chance(1, in: 8)))
        }
        let real = Set(log.filter { !$0.isSkipped }.flatMap { Array($0.first...$0.last) })
        let end = (log.last?.last ?? 0) + 1
        for _ in 0..<600 {
            clock += random.below(3)
            let member = members[random.below(3)]
            let held = model.state.filter { $0.value.state == .acquired && $0.value.member == member }.keys.sorted()
            switch random.below(10) {
            case 0...3:
                guard let offset = share.nextOffset(below: end) else { continue }
                let found = Array(log.filter { $0.last >= offset }.prefix(1 + random.below(5)))
                let wanted = Int64(1 + random.below(20))
                for one in share.acquire(
                    member, found, from: offset, recordsMax: wanted, isExact: random.chance(1, in: 2), now: time(clock))
                {
                    for record in one.first...one.last {
                        let known = model.state[record] ?? (.available, 0, nil)
                        try #require(
                            real.contains(record) && known.state == .available && one.delivery == known.deliveries + 1,
                            "offset \(record), \(known)")
                        model.state[record] = (.acquired, one.delivery, member)
                    }
                }
            case 4...7:
                guard let first = held.first(where: { _ in random.chance(1, in: 2) }) else { continue }
                var last = first
                while held.contains(last + 1), random.chance(4, in: 5) { last += 1 }
                let kinds = (first...last).map { _ in [ShareAcknowledgement.accept, .accept, .release, .reject][random.below(4)] }
                try share.acknowledge(member, [ShareAcknowledgementRange(first: first, last: last, kinds: kinds)], now: time(clock))
                for (record, kind) in zip(first...last, kinds) { settle(&model, record, kind, deliveriesMax: 3) }
            case 8:
                guard random.chance(1, in: 4) else { continue }
                share.release(member)
                for record in held { settle(&model, record, .release, deliveriesMax: 3) }
            default:
                guard random.chance(1, in: 4) else { continue }
                // The leader changes: all locks end.
                share = SharePartition(share.takeChange(), limits: share.limits, logStart: 0, logEnd: end)
                for (record, one) in model.state where one.state == .acquired { settle(&model, record, .release, deliveriesMax: 3) }
            }
            try check(share, model, real)
        }
        // All that is left is accepted in the end, and nothing is forgotten.
        share.release(ann)
        for member in members { share.release(member) }
        for (record, one) in model.state where one.state == .acquired { settle(&model, record, .release, deliveriesMax: 3) }
        while let offset = share.nextOffset(below: end) {
            let got = share.acquire(ann, log.filter { $0.last >= offset }, from: offset, recordsMax: 50, isExact: false, now: time(clock))
            try share.acknowledge(
                ann, got.map { ShareAcknowledgementRange(first: $0.first, last: $0.last, kinds: [.accept]) }, now: time(clock))
            for one in got { for record in one.first...one.last { model.state[record] = (.acknowledged, one.delivery, nil) } }
        }
        #expect(share.start == end)
        #expect(real.allSatisfy { model.state[$0]?.state.isDone ?? false })
    }

    private func settle(_ model: inout Model, _ record: Int64, _ kind: ShareAcknowledgement, deliveriesMax: Int16) {
        let deliveries = model.state[record]?.deliveries ?? 0
        let state: ShareRecordState =
            switch kind {
            case .accept: .acknowledged
            case .gap, .reject: .archived
            case .release, .renew: deliveries >= deliveriesMax ? .archived : .available
            }
        model.state[record] = (state, deliveries, nil)
    }

    private func check(_ share: SharePartition, _ model: Model, _ real: Set<Int64>) throws {
        var next = share.start
        for (place, run) in share.runs.enumerated() {
            try #require(run.first == next && run.last >= run.first, "runs lie side by side")
            if place > 0 { try #require(!share.runs[place - 1].isLike(run), "neighbours differ") }
            let isKnown = (run.first...run.last).allSatisfy { record in
                guard real.contains(record) else { return true }
                let known = model.state[record] ?? (.available, 0, nil)
                return run.state == known.state && run.deliveries == known.deliveries && run.member == known.member
            }
            try #require(isKnown, "run \(run)")
            next = run.last + 1
        }
        try #require(next == share.end)
        #expect(share.runs.first?.state.isDone != true)
        try #require(real.allSatisfy { $0 >= share.start || model.state[$0]?.state.isDone ?? false }, "no record was passed over")
    }
}
