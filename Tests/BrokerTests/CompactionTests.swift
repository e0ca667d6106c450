// When a partition is compacted, and what becomes of a record.
import Base
import Testing

@testable import BrokerCore

@Suite struct CompactionTests {
    private let now = WallTime(milliseconds: 1_000_000)

    private func spans(_ count: Int, bytes: Int64 = 100, age: Int64 = 1000) -> [SegmentSpan] {
        (0..<count).map {
            SegmentSpan(baseOffset: Int64($0) * 10, nextOffset: Int64($0) * 10 + 10, sizeBytes: bytes, maxTimestamp: now.milliseconds - age)
        }
    }

    private func chance(
        _ sealed: [SegmentSpan], stable: Int64 = .max, firstDirty: Int64 = 0, horizon: Int64 = -1,
        _ change: (inout TopicConfig) -> Void = { _ in }
    ) -> CompactionChance {
        var config = TopicConfig()
        change(&config)
        return CompactionChance(
            sealed: sealed, lastStableOffset: stable, state: CompactionState(firstDirty: firstDirty, nextHorizon: horizon), config: config,
            now: now)
    }

    @Test func aLogIsDueOnceEnoughOfItIsDirty() {
        #expect(!chance([]).isDue)
        #expect(chance(spans(4)).isDue)
        let third = chance(spans(9), firstDirty: 60)
        #expect(third.cleanBytes == 600 && third.dirtyBytes == 300 && !third.isDue)
        #expect(chance(spans(9), firstDirty: 60) { $0.minCleanableDirtyRatio = 0.3 }.isDue)
        #expect(!chance(spans(9), firstDirty: 90) { $0.minCleanableDirtyRatio = 0 }.isDue, "nothing is dirty")
    }

    @Test func nothingBehindAnOpenTransactionIsTouched() {
        #expect(chance(spans(4), stable: 25).segments == 2)
        #expect(chance(spans(4), stable: 5).segments == 0)
    }

    @Test func youngRecordsAreLeftAloneAndOldOnesAreNotForgotten() {
        #expect(chance(spans(4, age: 1000)) { $0.minCompactionLagMilliseconds = 2000 }.segments == 0)
        #expect(chance(spans(4, age: 3000)) { $0.minCompactionLagMilliseconds = 2000 }.segments == 4)
        #expect(!chance(spans(9, age: 3000), firstDirty: 80).isDue)
        #expect(chance(spans(9, age: 3000), firstDirty: 80) { $0.maxCompactionLagMilliseconds = 2000 }.isDue)
    }

    @Test func aTombstoneWhoseTimeHasComeIsReasonEnough() {
        #expect(!chance(spans(4), firstDirty: 40, horizon: now.milliseconds + 1).isDue)
        #expect(chance(spans(4), firstDirty: 40, horizon: now.milliseconds).isDue)
    }

    @Test(
        "the newest record of a key stays",
        arguments: [
            (Int64(5), Int64?.none, false, Int64?.none, true), (5, 5, false, nil, true), (5, 9, false, nil, false),
            (5, 3, false, nil, true),
            (5, 5, true, nil, true), (5, 5, true, 1_000_001, true), (5, 5, true, 1_000_000, false), (5, 9, true, nil, false),
        ])
    func newestStays(_ offset: Int64, _ newest: Int64?, _ isTombstone: Bool, _ horizon: Int64?, _ keeps: Bool) {
        #expect(
            CompactionRule.keeps(offset: offset, hasKey: true, isTombstone: isTombstone, newest: newest, horizon: horizon, now: now)
                == keeps)
        #expect(!CompactionRule.keeps(offset: offset, hasKey: false, isTombstone: isTombstone, newest: newest, horizon: horizon, now: now))
    }

    @Test(
        "a policy is a list of its words",
        arguments: [
            ("delete", true, false), ("compact", false, true), ("compact,delete", true, true), ("delete, compact", true, true),
        ])
    func policyIsRead(_ text: String, _ deletes: Bool, _ compacts: Bool) throws {
        let policy = try #require(CleanupPolicy(text))
        #expect(policy.deletes == deletes && policy.compacts == compacts)
    }

    @Test func whatIsNoPolicyIsRefused() {
        for text in ["", "keep", "compact,keep", ","] { #expect(CleanupPolicy(text) == nil) }
    }
}
