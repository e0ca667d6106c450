// When a partition is compacted, and which records stay: for each key the newest one, and a tombstone until its horizon has passed. Pure
// rules; the service reads and writes the segments. Source: Kafka documentation, "Log Compaction"; KIP-58, KIP-354, KIP-534.
import Base

/// The properties of a sealed segment that the rules need.
package struct SegmentSpan: Sendable, Equatable {
    package var baseOffset: Int64
    package var nextOffset: Int64
    package var sizeBytes: Int64
    package var maxTimestamp: Int64
    package init(baseOffset: Int64, nextOffset: Int64, sizeBytes: Int64, maxTimestamp: Int64) {
        self.baseOffset = baseOffset
        self.nextOffset = nextOffset
        self.sizeBytes = sizeBytes
        self.maxTimestamp = maxTimestamp
    }
}

/// How far a partition was compacted, as stored beside the log.
package struct CompactionState: WireLayout, Equatable {
    /// Records from here on were never compacted.
    package var firstDirty: Int64 = 0
    /// When the first tombstone may go, in milliseconds since 1970; -1 if none waits.
    package var nextHorizon: Int64 = -1

    package init() {}
    package init(firstDirty: Int64, nextHorizon: Int64 = -1) {
        self.firstDirty = firstDirty
        self.nextHorizon = nextHorizon
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&firstDirty)
        try io.int64(&nextHorizon)
    }
}

/// The part of a partition that can be compacted now.
package struct CompactionChance: Sendable, Equatable {
    /// Segments that may be compacted, from the oldest on.
    package var segments = 0
    package var cleanBytes: Int64 = 0
    package var dirtyBytes: Int64 = 0
    package var isDue = false

    package var dirtyRatio: Double { cleanBytes + dirtyBytes == 0 ? 0 : Double(dirtyBytes) / Double(cleanBytes + dirtyBytes) }

    /// `sealed` is oldest first; the active segment stays as it is.
    package init(sealed: [SegmentSpan], lastStableOffset: Int64, state: CompactionState, config: TopicConfig, now: WallTime) {
        var oldestDirty: Int64?
        for segment in sealed {
            // Records of open transactions and records that are too young stay out.
            guard segment.nextOffset <= lastStableOffset, Self.isOld(segment.maxTimestamp, config.minCompactionLagMilliseconds, now) else {
                break
            }
            segments += 1
            if segment.nextOffset > state.firstDirty {
                dirtyBytes += segment.sizeBytes
                oldestDirty = min(oldestDirty ?? .max, segment.maxTimestamp)
            } else {
                cleanBytes += segment.sizeBytes
            }
        }
        let isTooOld =
            oldestDirty.map { config.maxCompactionLagMilliseconds < .max && Self.isOld($0, config.maxCompactionLagMilliseconds, now) }
            ?? false
        let hasHorizon = segments > 0 && state.nextHorizon >= 0 && state.nextHorizon <= now.milliseconds
        isDue = dirtyBytes > 0 && (dirtyRatio >= config.minCleanableDirtyRatio || isTooOld) || hasHorizon
    }

    private static func isOld(_ timestamp: Int64, _ age: Int64, _ now: WallTime) -> Bool {
        age == 0 || timestamp <= now.milliseconds.subtractingClamped(age)
    }
}

/// The fate of one record.
package enum CompactionRule {
    /// `newest` is the last offset known to have this record's key. A record without a key has no place in a compacted topic.
    package static func keeps(offset: Int64, hasKey: Bool, isTombstone: Bool, newest: Int64?, horizon: Int64?, now: WallTime) -> Bool {
        guard hasKey else { return false }
        if let newest, newest > offset { return false }
        if isTombstone, let horizon, horizon <= now.milliseconds { return false }
        return true
    }
}
