// The acceptor's records in a segment log. Confined to the disk thread of its replica. It knows the slots of each batch, so that the log
// can be trimmed once the tables are durable, and never trims the latest promise away.
import Base
import Collections
import Consensus
import Storage

/// Durable memory of an acceptor.
package final class AcceptorLog {
    private let log: SegmentLog<DurableFraming>
    /// The buffer of a batch; kept from one to the next.
    private var scratch = Bytes()
    private var extents: [RecordExtent] = []
    /// Size limit of a kept buffer, in bytes.
    private static let scratchBytesMax = 1 << 20
    /// For each batch, the highest slot so far and the log offset that follows it.
    private var marks = Deque<(slot: Slot, nextOffset: Int64)>()

    package init(files: any FileSystem, directory: String, options: SegmentLogOptions = .init()) throws(StorageError) {
        log = try SegmentLog(files: files, directory: directory, options: options)
    }

    package var recovery: LogRecoveryReport { log.recovery }
    package var sizeBytes: Int64 { log.sizeBytes }

    /// Reads every record back. `applied` is the slot of the tables, nil if they are lost. A log that begins behind them has a gap: it is
    /// refused, unless tables may come from elsewhere and the log itself shows that it is whole from its beginning.
    package func recover(applied: Slot?, mayAwaitTables: Bool = false) throws(StorageError) -> Acceptor {
        var acceptor = Acceptor()
        var (highest, trimmed) = (Slot.zero, Slot.zero)
        var first: Slot?
        try log.forEachRecord(from: log.startOffset) { (extent: RecordExtent, bytes: Bytes) throws(StorageError) in
            let record: AcceptorRecord
            do { record = try AcceptorRecord(durable: DurableFraming.payload(of: bytes)) } catch {
                throw refusal("record \(extent.firstOffset) cannot be read: \(error)")
            }
            switch record {
            case .accept(let entry):
                // A later record may cover the slots before the first one.
                if first != nil, entry.slot > highest.next { throw refusal("slot \(highest.next) is missing from the log") }
                first = first ?? entry.slot
                highest = max(highest, entry.slot)
            case .installed(let slot):
                highest = max(highest, slot)
                trimmed = max(trimmed, slot)
            case .promise, .began, .directory, .founded: break
            }
            acceptor.recover(record)
            note(highest, extent.nextOffset)
        }
        if let applied, applied >= acceptor.trimmedThrough { return acceptor }
        guard mayAwaitTables else { throw gap(acceptor, applied ?? .zero) }
        try checkBeginning(first, trimmed)
        return acceptor
    }

    /// Checks that everything before the log's first entry is known to be decided: it was trimmed, or taken over with a peer's tables, up
    /// to `trimmed` at least, or there is nothing before it.
    private func checkBeginning(_ first: Slot?, _ trimmed: Slot) throws(StorageError) {
        if log.startOffset > 0, first == nil || trimmed == .zero { throw refusal("nothing in the log tells where it begins") }
        if let first, first > trimmed.next { throw refusal("the log begins at slot \(first), and should at \(trimmed.next)") }
    }

    func gap(_ acceptor: Acceptor, _ applied: Slot) -> StorageError {
        refusal("the log begins at slot \(acceptor.trimmedThrough.next), the tables end at \(applied)")
    }

    private func refusal(_ what: String) -> StorageError { StorageError(.corrupt(what), "recover", log.directory) }

    private func note(_ slot: Slot, _ nextOffset: Int64) {
        if marks.last?.slot == slot { marks[marks.count - 1].nextOffset = nextOffset } else { marks.append((slot, nextOffset)) }
    }

    /// Appends the batch with one write and makes it durable with one sync.
    package func persist(_ batch: PersistBatch) throws(StorageError) {
        try append(batch.records)
        try log.sync()
        note(max(marks.last?.slot ?? .zero, batch.lastSlot), log.nextOffset)
    }

    /// Records durably the start of a new life and the slot of the tables, before any message to a peer. `applied` matters if the log ends
    /// below it: the tables came from a peer, and the power failed before the log recorded that. A directory in its first use gets
    /// `directory` as its number.
    package func begin(start: Int64, acceptor: inout Acceptor, applied: Slot, directory: Int64) throws(StorageError) {
        var records: [AcceptorRecord] = [.began(incarnation: start)]
        if acceptor.isUntouched, acceptor.directory == 0, applied == .zero { records.append(.directory(directory)) }
        if acceptor.lastSlot < applied { records.append(.installed(applied)) }
        for record in records { acceptor.recover(record) }
        try persist(PersistBatch(records: records))
    }

    private func append(_ records: [AcceptorRecord]) throws(StorageError) {
        scratch.clear(minimumCapacity: 0)
        extents.removeAll(keepingCapacity: true)
        var offset = log.nextOffset
        for record in records {
            let start = scratch.readableBytes
            DurableFraming.write(offset: offset, durableBefore: log.durableOffset, into: &scratch) { bytes in
                do { try record.writeDurable(into: &bytes) } catch {
                    preconditionFailure("a record of ours can always be encoded: \(error)")
                }
            }
            extents.append(RecordExtent(bytes: scratch.readableBytes - start, firstOffset: offset, count: 1))
            offset += 1
        }
        defer { if scratch.capacity > Self.scratchBytesMax { scratch = Bytes() } }
        try log.append(scratch, extents)
    }

    /// Drops whole segments without a slot above `slot`; `keep` is written again into the rest.
    package func trim(through slot: Slot, keep: [AcceptorRecord]) throws(StorageError) {
        var offset: Int64?
        while let mark = marks.first, mark.slot <= slot {
            offset = mark.nextOffset
            marks.removeFirst()
        }
        guard let offset, log.segmentCount > 1 else { return }
        try append(keep)
        try log.sync()
        try log.trim(below: offset)
    }

    package func close() throws(StorageError) { try log.close() }
}
