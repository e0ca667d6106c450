// One compaction of one partition, on the cleaner's thread: notes the newest offset of each key, then rewrites the segments beside the log
// with the retained records. The number of keys noted at a time bounds the memory; the log itself is not changed here.
import Base
import BrokerCore
import KafkaWire
import NetKit
import Storage
import Synchronization

/// The input of a compaction.
struct CleaningPlan: Sendable {
    var directory: String
    /// Sealed segments, oldest first, and the base offset of the first segment to stay unchanged.
    var segments: [SealedSegment]
    var endBase: Int64
    var state: CompactionState
    var aborted: [AbortedTransaction]
    /// The newest batch of each producer, by its base offset: it stays, even without records, since it holds the producer's sequence.
    var newestBatches: [Int64: Int64]
    /// The log's end: its last batch stays too, since a reader reaches the end only by a batch there.
    var logEnd: Int64
    var config: TopicConfig
    var now: WallTime

    /// Most keys noted by one compaction; with more, it stops before the rest of the log, which the next one takes.
    static let keysMax = 1_000_000
}

/// The output of a compaction, to be put into the log.
struct CleaningResult: Sendable {
    var rewrites: [SegmentRewrite<BatchFraming>] = []
    var state = CompactionState()
    var removedMarkers: Set<Int64> = []
    var bytesBefore: Int64 = 0
    var bytesAfter: Int64 = 0
}

/// Stops a running compaction; shared between the loop and the cleaner's thread.
final class CleaningStop: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}

/// The work of one compaction.
struct Cleaning {
    private let plan: CleaningPlan
    private let stop: CleaningStop
    private let files = RealFileSystem()
    private var newest: [UUIDBytes: Int64] = [:]
    private var abortedByProducer: [Int64: [AbortedTransaction]] = [:]
    private var result = CleaningResult()
    private var nextHorizon = Int64.max
    /// Producers with a batch since the last end of their transaction.
    private var unended: Set<Int64> = []

    /// nil if it was stopped.
    static func run(_ plan: CleaningPlan, _ stop: CleaningStop) throws(StorageError) -> CleaningResult? {
        var cleaning = Cleaning(plan, stop)
        do throws(StorageError) { try cleaning.work() } catch {
            try cleaning.abandon()
            throw error
        }
        guard !stop.isSet else {
            try cleaning.abandon()
            return nil
        }
        return cleaning.result
    }

    private init(_ plan: CleaningPlan, _ stop: CleaningStop) {
        self.plan = plan
        self.stop = stop
        for one in plan.aborted { abortedByProducer[one.producerID, default: []].append(one) }
    }

    private func abandon() throws(StorageError) { for rewrite in result.rewrites { try rewrite.abandon() } }

    private mutating func work() throws(StorageError) {
        let end = try noteNewest()
        var group: [SealedSegment] = []
        for segment in plan.segments where segment.baseOffset < end {
            if !group.isEmpty, group.reduce(0, { $0 + $1.sizeBytes }) + segment.sizeBytes > plan.config.segmentBytes {
                try rewrite(group, endBase: segment.baseOffset)
                group = []
            }
            group.append(segment)
        }
        if !group.isEmpty { try rewrite(group, endBase: plan.segments.first { $0.baseOffset >= end }?.baseOffset ?? plan.endBase) }
        result.state = CompactionState(firstDirty: end, nextHorizon: nextHorizon == .max ? -1 : nextHorizon)
    }

    // MARK: keys

    /// Notes the newest offset of each key in the uncompacted part; returns the offset up to which it did.
    private mutating func noteNewest() throws(StorageError) -> Int64 {
        var end = plan.endBase
        for segment in plan.segments where segment.nextOffset > plan.state.firstDirty {
            var isFull = false
            try segment.forEachRecord(BatchFraming.self, files) { (extent: RecordExtent, bytes: Bytes) throws(StorageError) -> Bool in
                guard !stop.isSet else { return false }
                guard newest.count < CleaningPlan.keysMax else {
                    end = extent.firstOffset
                    isFull = true
                    return false
                }
                if extent.nextOffset > plan.state.firstDirty { note(bytes) }
                return true
            }
            if isFull || stop.isSet { break }
        }
        return end
    }

    private mutating func note(_ bytes: Bytes) {
        // A batch whose header was read begins a batch.
        guard let fields = RecordBatch.peek(bytes), !fields.isControl, !isAborted(fields), let batch = try? RecordBatch(bytes) else {
            return
        }
        // An unreadable batch stays unchanged and replaces no other record: a batch is read to its end before any of its keys is noted.
        _ = Result { () throws(WireError) in
            try batch.forEachRecord { _ in true }
            try batch.forEachRecord { record in
                if let key = record.key { newest[Digests.fingerprint(key)] = batch.baseOffset &+ record.offsetDelta }
                return true
            }
        }
    }

    private func isAborted(_ fields: RecordBatchFields) -> Bool {
        guard fields.isTransactional, let aborted = abortedByProducer[fields.producerID] else { return false }
        return aborted.contains { $0.firstOffset <= fields.baseOffset && fields.baseOffset < $0.lastOffset }
    }

    // MARK: segments

    private mutating func rewrite(_ group: [SealedSegment], endBase: Int64) throws(StorageError) {
        guard let first = group.first, !stop.isSet else { return }
        var rewrite = try SegmentRewrite<BatchFraming>(
            files: files, directory: plan.directory, firstBase: first.baseOffset, endBase: endBase)
        // From here on `abandon` removes it.
        result.rewrites.append(rewrite)
        var pending = Bytes()
        for segment in group {
            result.bytesBefore += segment.sizeBytes
            try segment.forEachRecord(BatchFraming.self, files) { (_: RecordExtent, bytes: Bytes) throws(StorageError) -> Bool in
                guard !stop.isSet else { return false }
                if var kept = filtered(bytes) { pending.writeBuffer(&kept) }
                if pending.readableBytes >= Self.writeBytes {
                    try rewrite.append(pending)
                    pending.clear()
                }
                return true
            }
        }
        if pending.readableBytes > 0 { try rewrite.append(pending) }
        try rewrite.finish()
        result.bytesAfter += rewrite.sizeBytes
        result.rewrites[result.rewrites.count - 1] = rewrite
    }

    /// Batches are gathered to this size before a write.
    private static let writeBytes = 1 << 20

    /// The retained part of a batch; nil if it is empty.
    private mutating func filtered(_ bytes: Bytes) -> Bytes? {
        guard let fields = RecordBatch.peek(bytes) else { return bytes }
        if fields.isControl { return filteredMarker(fields, bytes) }
        if fields.isTransactional { unended.insert(fields.producerID) }
        if isAborted(fields) { return withoutRecords(fields, bytes) }
        guard let batch = try? RecordBatch(bytes) else { return bytes }  // peeked at, so it begins a batch
        let (horizon, isLast) = (batch.deleteHorizon, isLast(fields))
        let (newest, now) = (newest, plan.now)
        func keeps(_ record: RecordOutline) -> Bool {
            CompactionRule.keeps(
                offset: batch.baseOffset &+ record.offsetDelta, hasKey: record.key != nil, isTombstone: record.value == nil,
                newest: record.key.flatMap { newest[Digests.fingerprint($0)] }, horizon: isLast ? nil : horizon, now: now)
        }
        var (kept, hasTombstones) = (0, false)
        let isRead = Result { () throws(WireError) in
            try batch.forEachRecord { record in
                guard keeps(record) else { return true }
                kept += 1
                hasTombstones = hasTombstones || record.value == nil
                return true
            }
        }
        // The checksum holds, so an unreadable batch was written wrongly by its producer.
        guard case .success = isRead else { return bytes }
        guard kept > 0 else { return withoutRecords(fields, bytes) }
        let wanted = hasTombstones ? horizon ?? freshHorizon : nil
        if let wanted, !isLast { nextHorizon = min(nextHorizon, wanted) }
        if kept == Int(fields.recordCount), wanted == horizon { return bytes }
        return Self.written(batch, wanted, keeps)
    }

    private var freshHorizon: Int64 {
        let (sum, overflow) = plan.now.milliseconds.addingReportingOverflow(plan.config.deleteRetentionMilliseconds)
        return overflow ? .max : sum
    }

    /// A marker stays as long as any record of its transaction, since otherwise a reader from the log's beginning would have the
    /// transaction open for ever. After that it stays until a reader of the transaction's beginning has had time to see its end.
    private mutating func filteredMarker(_ fields: RecordBatchFields, _ bytes: Bytes) -> Bytes? {
        guard let batch = try? RecordBatch(bytes), batch.marker != nil else { return bytes }  // not a transaction's end
        guard !isLast(fields) else { return bytes }
        guard unended.remove(fields.producerID) == nil else {
            return batch.deleteHorizon == nil ? bytes : Self.written(batch, nil) { _ in true }
        }
        guard let horizon = batch.deleteHorizon else {
            nextHorizon = min(nextHorizon, freshHorizon)
            return Self.written(batch, freshHorizon) { _ in true }
        }
        guard horizon <= plan.now.milliseconds else {
            nextHorizon = min(nextHorizon, horizon)
            return bytes
        }
        result.removedMarkers.insert(fields.baseOffset)
        return nil
    }

    private func isLast(_ fields: RecordBatchFields) -> Bool { fields.baseOffset &+ Int64(fields.lastOffsetDelta) &+ 1 == plan.logEnd }

    private func withoutRecords(_ fields: RecordBatchFields, _ bytes: Bytes) -> Bytes? {
        let isNewest = fields.producerID >= 0 && plan.newestBatches[fields.producerID] == fields.baseOffset
        guard isNewest || isLast(fields), let batch = try? RecordBatch(bytes) else { return nil }  // peeked at, so it begins a batch
        return fields.recordCount == 0 ? bytes : Self.written(batch, nil) { _ in false }
    }

    /// An unreadable batch stays unchanged.
    private static func written(_ batch: RecordBatch, _ horizon: Int64?, _ keeps: (RecordOutline) -> Bool) -> Bytes {
        do { return try batch.keeping(deleteHorizon: horizon, keeps) } catch { return batch.bytes }
    }
}
