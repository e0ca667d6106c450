// A partition's side of compaction, on its disk thread: plans a compaction, and puts the cleaner's result in place. A small file holds its
// progress; without it the whole log counts as uncompacted.
import Base
import BrokerCore
import KafkaWire
import Storage

extension PartitionLog {
    private static var stateFile: String { "cleaner.state" }

    /// The plan of a compaction now, all below `end`, and its uncompacted part; nil if none is due.
    func cleaningPlan(_ config: TopicConfig, below end: Int64, now: WallTime) throws(StorageError) -> (CleaningPlan, Double)? {
        try rollIfOld(config, now: now)
        let sealed = log.sealedSegments
        let state = try SmallFile.read(CompactionState.self, directory, Self.stateFile) ?? CompactionState()
        let spans = sealed.map {
            SegmentSpan(baseOffset: $0.baseOffset, nextOffset: $0.nextOffset, sizeBytes: $0.sizeBytes, maxTimestamp: $0.maxTimestamp)
        }
        let stable = transactions.lastStableOffset(end: min(end, log.nextOffset))
        let chance = CompactionChance(sealed: spans, lastStableOffset: stable, state: state, config: config, now: now)
        guard chance.isDue else { return nil }
        let segments = Array(sealed.prefix(chance.segments))
        let newest = Dictionary(
            producers.compactMap { one in one.producer.batches.last.map { (one.producer.producerID, $0.baseOffset) } },
            uniquingKeysWith: { $1 })
        let plan = CleaningPlan(
            directory: directory, segments: segments, endBase: sealed.dropFirst(chance.segments).first?.baseOffset ?? log.activeBaseOffset,
            state: state,
            aborted: transactions.aborted, newestBatches: newest, logEnd: log.nextOffset, config: config, now: now)
        return (plan, chance.dirtyRatio)
    }

    /// Puts the cleaner's segments into the log.
    func take(_ made: CleaningResult) throws(StorageError) {
        var isWhole = true
        for rewrite in made.rewrites {
            guard isWhole else {
                try rewrite.abandon()
                continue
            }
            isWhole = try log.replace(with: rewrite)
        }
        guard isWhole else { return }
        transactions.forget(markers: made.removedMarkers)
        try SmallFile.write(made.state, directory, Self.stateFile, durably: true)
    }

    /// Seals the active segment once its first record is old enough.
    func rollIfOld(_ config: TopicConfig, now: WallTime) throws(StorageError) {
        let age =
            config.cleanup.compacts ? min(config.segmentMilliseconds, config.maxCompactionLagMilliseconds) : config.segmentMilliseconds
        guard age < .max, let first = try log.firstActiveTimestamp(), first < now.milliseconds.subtractingClamped(age) else { return }
        try log.roll()
    }
}
