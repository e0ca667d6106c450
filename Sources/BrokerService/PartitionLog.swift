// One partition's records on disk: a segment log of batches and the memory of its idempotent producers. Confined to the disk thread that
// the partition belongs to. Offsets are given here, when a batch is staged, so that order in the log and order of offsets are one.
import Base
import BrokerCore
import KafkaWire
import Storage

/// What became of a batch.
enum AppendOutcome: Sendable {
    case appended(baseOffset: Int64, logAppendTime: Int64?)
    case duplicate(baseOffset: Int64)
    case corrupt
    case outOfOrder
    case staleEpoch
    case failed(StorageError)
}

/// What the loop must know of a log after the disk thread changed it.
struct LogBounds: Sendable {
    var startOffset: Int64
    var nextOffset: Int64
    var durableOffset: Int64
    var sizeBytes: Int64
}

/// A partition's log.
final class PartitionLog: @unchecked Sendable {
    // Safe to share: every member is used on the partition's disk thread only; the loop passes the reference along.
    private let log: SegmentLog<BatchFraming>
    private var ledger = ProducerLedger()
    private var staged = Bytes()
    private var stagedFirstOffset: Int64 = 0
    private var stagedNextOffset: Int64 = 0
    let directory: String
    /// Segments whose batches are read again at a start to know the producers; their newest batches are all that a retry can repeat.
    private static let segmentsForLedger = 2

    init(files: RealFileSystem, directory: String, segmentBytesMax: Int64) throws(StorageError) {
        self.directory = directory
        log = try SegmentLog(files: files, directory: directory, options: SegmentLogOptions(segmentBytesMax: segmentBytesMax))
        let from = log.segmentExtents.suffix(Self.segmentsForLedger).first?.baseOffset ?? log.startOffset
        try log.forEachRecord(from: from) { (_: RecordExtent, bytes: Bytes) throws(StorageError) in
            guard let fields = RecordBatch.peek(bytes) else { return }
            ledger.record(fields.producerBatch, baseOffset: fields.baseOffset)
        }
    }

    var bounds: LogBounds {
        LogBounds(startOffset: log.startOffset, nextOffset: log.nextOffset, durableOffset: log.durableOffset, sizeBytes: log.sizeBytes)
    }
    var cutBytes: Int64 { log.recovery.cutBytes }

    // MARK: appending

    /// Checks a batch and gives it its offset. It is in the log after `writeStaged`.
    func stage(_ batch: RecordBatch, logAppendTime: Int64?) -> AppendOutcome {
        guard batch.isIntact else { return .corrupt }
        let producer = batch.producerBatch
        switch ledger.judge(producer) {
        case .append: break
        case .duplicate(let baseOffset): return .duplicate(baseOffset: baseOffset)
        case .outOfOrder: return .outOfOrder
        case .staleEpoch: return .staleEpoch
        }
        if staged.readableBytes == 0 {
            stagedFirstOffset = log.nextOffset
            stagedNextOffset = log.nextOffset
        }
        let baseOffset = stagedNextOffset
        batch.append(to: &staged, baseOffset: baseOffset, leaderEpoch: 0, logAppendTime: logAppendTime)
        stagedNextOffset += Int64(batch.lastOffsetDelta) + 1
        ledger.record(producer, baseOffset: baseOffset)
        return .appended(baseOffset: baseOffset, logAppendTime: logAppendTime)
    }

    /// Writes what was staged with one write. The bytes are handed back for those who read at the tail.
    func writeStaged() throws(StorageError) -> Bytes {
        let bytes = staged
        staged = Bytes()
        guard bytes.readableBytes > 0 else { return bytes }
        do { try log.append(bytes) } catch {
            ledger.forget(from: stagedFirstOffset)
            throw error
        }
        return bytes
    }

    var stagedBytes: Int { staged.readableBytes }

    /// Makes room in the staging buffer for what is about to be staged, so that it is allocated once.
    func reserve(_ bytes: Int) { staged.reserveCapacity(minimumWritableBytes: bytes) }

    func sync() throws(StorageError) { try log.sync() }

    // MARK: reading

    func read(from offset: Int64, maxBytes: Int) throws(StorageError) -> Bytes {
        guard offset >= log.startOffset else { return Bytes() }
        return try log.read(from: offset, maxBytes: maxBytes)
    }

    /// Offset and time of the first record at or after `timestamp`.
    func find(timestamp: Int64) throws(StorageError) -> (offset: Int64, timestamp: Int64)? {
        guard let extent = try log.firstRecord(atOrAfter: timestamp) else { return nil }
        return try recordInside(extent) { $0.timestamp >= timestamp }
    }

    /// Offset and time of the first record that has the highest timestamp.
    func findMaxTimestamp() throws(StorageError) -> (offset: Int64, timestamp: Int64)? {
        let highest = log.maxTimestamp
        guard highest >= 0, let extent = try log.firstRecord(atOrAfter: highest) else { return nil }
        return try recordInside(extent) { $0.timestamp >= highest }
    }

    /// A batch that our libraries cannot open counts as one: its first offset is early by at most the batch.
    private func recordInside(_ extent: RecordExtent, _ wanted: (Record) -> Bool) throws(StorageError) -> (offset: Int64, timestamp: Int64) {
        let bytes = try log.read(from: extent.firstOffset, maxBytes: extent.bytes)
        do {
            if let record = try RecordBatch(bytes).records().first(where: wanted) { return (record.offset, record.timestamp) }
        } catch { return (extent.firstOffset, extent.maxTimestamp) }
        return (extent.firstOffset, extent.maxTimestamp)
    }

    // MARK: ageing

    /// Drops whole segments that the topic's settings no longer keep. The active segment stays.
    func retain(_ config: TopicConfig, now: WallTime) throws(StorageError) {
        let segments = log.segmentExtents
        var size = log.sizeBytes
        var keepFrom = log.startOffset
        for segment in segments.dropLast() {
            let tooOld = config.retentionMilliseconds >= 0 && segment.maxTimestamp < now.milliseconds - config.retentionMilliseconds
            let tooMuch = config.retentionBytes >= 0 && size - segment.sizeBytes >= config.retentionBytes
            guard tooOld || tooMuch else { break }
            size -= segment.sizeBytes
            keepFrom = segment.nextOffset
        }
        try log.trim(below: keepFrom)
    }

    func close() throws(StorageError) { try log.close() }

    /// Removes a closed partition's directory.
    static func remove(_ directory: String) throws(StorageError) {
        let files = RealFileSystem()
        let names: [String]
        do { names = try files.list(directory) } catch {
            if error.cause == .notFound { return }
            throw error
        }
        for name in names { try files.remove(directory + "/" + name) }
        try files.remove(directory)
    }
}
