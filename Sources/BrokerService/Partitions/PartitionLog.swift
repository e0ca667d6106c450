// One partition's records on disk: a segment log of batches, the state of its producers, and of transactions. Confined to the partition's
// disk thread. A batch gets its offset when it is staged, so that the order in the log is the order of offsets.
import Base
import BrokerCore
import KafkaWire
import Storage

/// The outcome of an append.
enum AppendOutcome: Sendable {
    case appended(baseOffset: Int64, logAppendTime: Int64?)
    case duplicate(baseOffset: Int64)
    case corrupt
    /// Its records break the rules.
    case refused(RecordRefusal)
    case outOfOrder
    case staleEpoch
    /// The term in which the batch was accepted is over.
    case notLeader
    /// The leader's batches are in this log now.
    case replicated
    /// They do not continue this log.
    case notNext
    case failed(StorageError)
}

extension AppendOutcome {
    /// The batch's base offset, if it is in the log.
    var offset: Int64? {
        switch self {
        case .appended(let offset, _), .duplicate(let offset): offset
        default: nil
        }
    }
}

/// A log's bounds, handed to the loop after the disk thread changed it.
struct LogBounds: Sendable {
    var startOffset: Int64
    var nextOffset: Int64
    var durableOffset: Int64
    var sizeBytes: Int64
    var transactions: PartitionTransactions
    var epochs: LeaderEpochs
}

/// A partition's log.
final class PartitionLog: @unchecked Sendable {
    // Safe to share: every member is used on the partition's disk thread only; the loop passes the reference along.
    let log: SegmentLog<BatchFraming>
    /// Used on any thread.
    private let files: RealFileSystem
    private var ledger = ProducerLedger()
    var transactions = PartitionTransactions()
    private(set) var epochs = LeaderEpochs()
    /// The term of appends; those of another term are refused.
    private(set) var term: Int32 = 0
    /// The transactions before the staged batches.
    private var transactionsBefore = PartitionTransactions()
    private var saved: SavedProducers
    private var staged = StagedRecords()
    let directory: String
    /// Records below it are deleted, even if a segment still holds them.
    private var firstOffset: Int64 = 0

    init(files: RealFileSystem, directory: String, options: SegmentLogOptions) throws(StorageError) {
        self.directory = directory
        self.files = files
        saved = SavedProducers(directory)
        log = try SegmentLog(files: files, directory: directory, options: options)
        try remember()
        // A log that was not closed: records written but not synced by a killed process become durable before any read.
        try log.sync()
    }

    /// Restores producers and epochs from the log, or from a snapshot and the rest of the log.
    private func remember() throws(StorageError) {
        (ledger, transactions, epochs) = (ProducerLedger(), PartitionTransactions(), LeaderEpochs())
        var from = log.startOffset
        if let snapshot = try saved.find(below: log.nextOffset, activeBase: log.activeBaseOffset), snapshot.nextOffset >= from {
            ledger = snapshot.ledger
            transactions = snapshot.transactions
            epochs = snapshot.epochs
            from = snapshot.nextOffset
        }
        try log.forEachRecord(from: from) { (_: RecordExtent, bytes: Bytes) throws(StorageError) in
            if let fields = RecordBatch.peek(bytes) { try remember(fields, bytes) }
        }
    }

    /// Restores the producer and the leader epoch of a batch in the log.
    private func remember(_ fields: RecordBatchFields, _ bytes: Bytes) throws(StorageError) {
        epochs.note(fields.leaderEpoch, at: fields.baseOffset)
        guard fields.isControl else {
            ledger.record(fields.producerBatch, baseOffset: fields.baseOffset, timestamp: fields.maxTimestamp)
            if fields.isTransactional { transactions.note(fields.producerID, at: fields.baseOffset) }
            return
        }
        do {
            guard let marker = try RecordBatch(bytes).marker else { return }
            rememberMarker(marker, ProducerIdentity(fields.producerID, fields.producerEpoch), at: fields.baseOffset)
        } catch {
            throw StorageError(.corrupt("the control batch at offset \(fields.baseOffset) cannot be read: \(error)"), "read", directory)
        }
    }

    private func rememberMarker(_ marker: TransactionMarker, _ producer: ProducerIdentity, at offset: Int64) {
        ledger.noteMarker(producer)
        transactions.end(producer.id, commits: marker == .commit, at: offset)
    }

    var bounds: LogBounds {
        LogBounds(
            startOffset: max(log.startOffset, firstOffset), nextOffset: log.nextOffset, durableOffset: log.durableOffset,
            sizeBytes: log.sizeBytes, transactions: transactions,
            epochs: epochs)
    }
    var cutBytes: Int64 { log.recovery.cutBytes }

    // MARK: appending

    /// Checks a batch and gives it its offset. It is in the log after `writeStaged`.
    /// `rules`: the rules that the records must still meet, nil if they were checked.
    func stage(_ batch: consuming RecordBatch, logAppendTime: Int64?, rules: RecordRules? = nil) -> AppendOutcome {
        guard batch.isIntact else { return .corrupt }
        if let rules {
            switch rules.checked(batch) {
            case .success(let checked): batch = checked
            case .failure(let refusal): return .refused(refusal)
            }
        }
        let producer = batch.producerBatch
        switch batch.isControl ? .append : ledger.judge(producer) {
        case .append: break
        case .duplicate(let baseOffset):
            // The duplicate belongs to an ended transaction, not to the open one: a producer that reuses the sequence numbers of dropped
            // records would take its new records for stored. It must begin a new epoch.
            if batch.isTransactional, (transactions.firstOffset(of: batch.producerID) ?? .max) > baseOffset { return .outOfOrder }
            return .duplicate(baseOffset: baseOffset)
        case .outOfOrder: return .outOfOrder
        case .staleEpoch: return .staleEpoch
        }
        beginStaging()
        let baseOffset = staged.nextOffset
        epochs.note(term, at: baseOffset)
        if let marker = batch.marker {
            rememberMarker(marker, ProducerIdentity(batch.producerID, batch.producerEpoch), at: baseOffset)
        } else {
            ledger.record(producer, baseOffset: baseOffset, timestamp: batch.maxTimestamp)
            if batch.isTransactional { transactions.note(batch.producerID, at: baseOffset) }
        }
        staged.add(batch, leaderEpoch: term, logAppendTime: logAppendTime)
        return .appended(baseOffset: baseOffset, logAppendTime: logAppendTime)
    }

    private func beginStaging() {
        guard staged.isEmpty else { return }
        staged.begin(at: log.nextOffset)
        transactionsBefore = transactions
    }

    /// Takes the leader's whole batches unchanged, if they continue this log. They are in the log after `writeStaged`.
    func stage(replicated records: Bytes) -> AppendOutcome {
        beginStaging()
        var next = staged.nextOffset
        var batches: [(fields: RecordBatchFields, bytes: Bytes)] = []
        var rest = records
        while let fields = RecordBatch.peek(rest), let bytes = rest.readSlice(length: fields.sizeBytes) {
            guard fields.baseOffset >= next else { return .notNext }
            guard let batch = try? RecordBatch(bytes), batch.isIntact else { return .corrupt }  // an unreadable batch is damaged
            next = batch.nextOffset
            batches.append((fields, bytes))
        }
        for (fields, bytes) in batches { do { try remember(fields, bytes) } catch { return .corrupt } }
        guard let first = batches.first,
            let whole = records.getSlice(at: records.readerIndex, length: records.readableBytes - rest.readableBytes)
        else {
            return .replicated
        }
        staged.add(placed: whole, from: first.fields.baseOffset, to: next)
        return .replicated
    }

    /// Writes the staged batches and returns them for readers at the tail.
    func writeStaged() throws(StorageError) -> [TailChunk] {
        let chunks = staged.take()
        guard !chunks.isEmpty else { return [] }
        do { try log.append(chunks.map(\.bytes)) } catch {
            ledger.forget(from: staged.firstOffset)
            transactions = transactionsBefore
            epochs.truncate(to: staged.firstOffset)
            throw error
        }
        for chunk in chunks { saved.appended(chunk.bytes.readableBytes) }
        return chunks
    }

    /// Reserves memory for small batches about to be staged, in one allocation.
    func reserve(_ bytes: Int) { staged.reserve(bytes) }

    func sync() throws(StorageError) { try log.sync() }

    /// Begins a sync of the written part, for another thread to carry out; nil if there is nothing left to do.
    func beginSync() throws(StorageError) -> SyncBeside? {
        // There is none if all is durable, if no descriptor is to be had for another thread, or if the log has failed, which its own sync
        // reports.
        if let begun = try? log.beginSync(share) { return begun }
        try log.sync()
        return nil
    }

    private func share(_ handle: FileHandle) throws(StorageError) -> SharedFile { try files.share(handle) }

    /// Carries the sync out. Blocking, and not on the partition's disk thread.
    func carryOut(_ sync: SyncBeside) -> StorageError? {
        do {
            try sync.carryOut(sync: files.sync, syncDirectory: files.syncDirectory)
            return nil
        } catch { return error }
    }

    func ended(_ sync: SyncBeside, _ failure: StorageError?) { log.ended(sync, failure) }

    /// Saves the producers after a segment is sealed, and from time to time, so that a start reads little of the log.
    func saveProducersIfDue() throws(StorageError) {
        if saved.isDueDurably(log.activeBaseOffset) {
            let durably = log.options.waitsWhenSealing
            if durably { try log.sync() }
            try saved.save(snapshot(), sealed: log.activeBaseOffset, durably: durably)
        } else if saved.isDue {
            try saved.save(snapshot())
        }
    }

    private func snapshot() -> ProducerSnapshot {
        transactions.trim(below: log.startOffset)
        epochs.trim(below: log.startOffset)
        return ProducerSnapshot(nextOffset: log.nextOffset, ledger: ledger, transactions: transactions, epochs: epochs)
    }

    /// The remembered producers, each with the first offset of its open transaction.
    var producers: [(producer: RememberedProducer, openSince: Int64?)] {
        ledger.producers.map { ($0, transactions.firstOffset(of: $0.producerID)) }
    }

    // MARK: reading

    /// Whole batches from the one that covers `offset` on and below `end`, as many as fit in `maxBytes`, but at least one; empty if there
    /// is none.
    func read(from offset: Int64, below end: Int64, maxBytes: Int) throws(StorageError) -> Bytes {
        guard offset >= log.startOffset else { return Bytes() }
        return try log.read(from: offset, below: end, maxBytes: maxBytes)
    }

    /// The same, left in the file if they are many; and the offset that follows them.
    func lend(from offset: Int64, below end: Int64, maxBytes: Int) throws(StorageError) -> (records: BytesOrFile, nextOffset: Int64) {
        guard offset >= log.startOffset, let place = try log.locate(from: offset, below: end, maxBytes: maxBytes) else {
            return (BytesOrFile(), offset)
        }
        // Without a descriptor the records pass through memory.
        guard place.bytes >= Self.lentBytesMin, let file = try? log.lend(place.file, share) else {
            return (.memory(try files.read(place.file, at: place.position, count: place.bytes)), place.nextOffset)
        }
        try files.load(place.file, at: place.position, count: place.bytes)
        return (.file(FileExtent(file, position: place.position, count: place.bytes)), place.nextOffset)
    }

    /// Size from which sending from the file is cheaper than reading it, in bytes.
    private static let lentBytesMin = 32 << 10

    /// Offset and time of the first record at or after `timestamp`.
    func find(timestamp: Int64) throws(StorageError) -> (offset: Int64, timestamp: Int64)? {
        guard let extent = try log.firstRecord(atOrAfter: timestamp) else { return nil }
        return try recordInside(extent, atOrAfter: timestamp)
    }

    /// Offset and time of the first record with the highest timestamp.
    func findMaxTimestamp() throws(StorageError) -> (offset: Int64, timestamp: Int64)? {
        let highest = log.maxTimestamp
        guard highest >= 0, let extent = try log.firstRecord(atOrAfter: highest) else { return nil }
        return try recordInside(extent, atOrAfter: highest)
    }

    /// A batch that our libraries cannot open counts as one record: its first offset is early by at most the batch.
    private func recordInside(_ extent: RecordExtent, atOrAfter timestamp: Int64) throws(StorageError) -> (offset: Int64, timestamp: Int64)
    {
        let bytes = try log.read(from: extent.firstOffset, maxBytes: extent.bytes)
        var found: (offset: Int64, timestamp: Int64)?
        let isRead = Result { () throws(WireError) in
            let batch = try RecordBatch(bytes)
            try batch.forEachRecord { record in
                let time = batch.timestamp(record)
                guard time >= timestamp else { return true }
                found = (batch.baseOffset &+ record.offsetDelta, time)
                return false
            }
        }
        guard case .success = isRead, let found else { return (extent.firstOffset, extent.maxTimestamp) }
        return found
    }

    // MARK: ageing

    /// Drops whole segments that the topic's settings no longer retain and that end at or below `end`. The active segment stays.
    func retain(_ config: TopicConfig, below end: Int64, now: WallTime) throws(StorageError) {
        try rollIfOld(config, now: now)
        guard config.cleanup.deletes else { return }
        let segments = log.segmentExtents
        var size = log.sizeBytes
        var keepFrom = log.startOffset
        for segment in segments.dropLast() {
            let tooOld =
                config.retentionMilliseconds >= 0
                && segment.maxTimestamp < now.milliseconds.subtractingClamped(config.retentionMilliseconds)
            let tooMuch = config.retentionBytes >= 0 && size - segment.sizeBytes >= config.retentionBytes
            guard tooOld || tooMuch, segment.nextOffset <= end else { break }
            size -= segment.sizeBytes
            keepFrom = segment.nextOffset
        }
        try log.trim(below: keepFrom)
        transactions.trim(below: log.startOffset)
    }

    /// Raises the start offset to `offset`; drops whole segments below.
    func begin(at offset: Int64) throws(StorageError) {
        guard offset > firstOffset else { return }
        if offset == log.nextOffset { try log.roll() }
        firstOffset = offset
        try log.trim(below: offset)
        transactions.trim(below: offset)
    }

    // MARK: following a leader

    /// Starts a term, to which appends belong from now on.
    func begin(term: Int32, leads: Bool) {
        self.term = term
        epochs.begin(term, leads: leads, at: log.nextOffset)
    }

    /// Truncates the log to `offset`.
    func truncate(to offset: Int64) throws(StorageError) {
        guard offset < log.nextOffset else { return }
        try saved.forget(above: offset)
        try log.truncate(to: max(offset, log.startOffset))
        try remember()
    }

    /// Restarts the log at `offset`, empty.
    func restart(at offset: Int64) throws(StorageError) {
        try saved.forget(above: -1)
        try log.restart(at: offset)
        firstOffset = offset
        try remember()
    }

    func setSegmentBytesMax(_ bytes: Int64) { log.options.segmentBytesMax = bytes }

    func close() throws(StorageError) {
        var failure: StorageError?
        // A missing snapshot only costs the next start some reading.
        do { if saved.offset != log.nextOffset { try saved.save(snapshot()) } } catch { failure = error.cause == .noSpace ? nil : error }
        try log.close()
        if let failure { throw failure }
    }

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
