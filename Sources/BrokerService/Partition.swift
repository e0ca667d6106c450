// What the loop knows of a partition: its offsets, its newest batches, and who waits for more. Consumers that keep up are served from
// here without touching the disk.
import Base
import BrokerCore
import DequeModule
import KafkaWire

/// Whole batches as they lie in the log.
struct TailChunk: Sendable {
    var firstOffset: Int64
    var nextOffset: Int64
    var bytes: Bytes

    /// The batches of a chunk from the one that covers `offset` on and below `visible`, as many as fit, and whether the chunk's end was reached.
    static func wholeBatches(_ chunk: Bytes, from offset: Int64, below visible: Int64, maxBytes: Int, atLeastOne: Bool) -> (records: Bytes, isComplete: Bool) {
        var start = chunk.readerIndex
        var end = start
        var begun = false
        var isComplete = true
        while let header = chunk.getSlice(at: end, length: RecordBatchFormat.headerBytes), let extent = BatchFraming.extent(header) {
            if !begun {
                if extent.nextOffset <= offset {
                    end += extent.bytes
                    continue
                }
                begun = true
                start = end
            }
            guard extent.firstOffset < visible, end + extent.bytes - start <= maxBytes || (atLeastOne && end == start) else {
                isComplete = false
                break
            }
            end += extent.bytes
        }
        return (begun ? chunk.getSlice(at: start, length: end - start) ?? Bytes() : Bytes(), isComplete)
    }
}

/// One partition, on the loop.
final class Partition {
    let name: TopicPartition
    let topicID: UUIDBytes
    var config: TopicConfig
    let log: PartitionLog
    let writer: LogWriter
    private(set) var startOffset: Int64
    /// Consumers see offsets below this: all that is written, and durable if the broker acknowledges only then.
    private(set) var highWatermark: Int64
    private(set) var sizeBytes: Int64
    private(set) var transactions: PartitionTransactions
    private var tail = Deque<TailChunk>()
    /// Below this the log was compacted since: what is in memory is not what lies there any more.
    private var tailFloor: Int64 = 0
    /// Long polls that this partition can end, by their number.
    var waiting: [Int: any FetchWaiter] = [:]
    /// Set when the disk failed for good; the partition then refuses appends until a restart.
    var failure: String?

    init(name: TopicPartition, topicID: UUIDBytes, config: TopicConfig, log: PartitionLog, writer: LogWriter, bounds: LogBounds) {
        self.name = name
        self.topicID = topicID
        self.config = config
        self.log = log
        self.writer = writer
        startOffset = bounds.startOffset
        highWatermark = bounds.nextOffset
        sizeBytes = bounds.sizeBytes
        transactions = bounds.transactions
    }

    /// Below this every transaction has an outcome.
    var lastStableOffset: Int64 { transactions.lastStableOffset(end: highWatermark) }

    /// The offset before which a reader stops.
    func end(of isolation: IsolationLevel) -> Int64 { isolation == .readCommitted ? lastStableOffset : highWatermark }

    /// Takes over what a round has written.
    func publish(_ bytes: Bytes, firstOffset: Int64, _ bounds: LogBounds) {
        highWatermark = bounds.nextOffset
        startOffset = bounds.startOffset
        sizeBytes = bounds.sizeBytes
        transactions = bounds.transactions
        tail.append(TailChunk(firstOffset: firstOffset, nextOffset: bounds.nextOffset, bytes: bytes))
    }

    func trimmed(_ bounds: LogBounds) {
        startOffset = bounds.startOffset
        sizeBytes = bounds.sizeBytes
        transactions = bounds.transactions
    }

    /// Takes over what a compaction up to `end` has left.
    func compacted(below end: Int64, _ bounds: LogBounds) {
        trimmed(bounds)
        tailFloor = max(tailFloor, end)
    }

    /// Gives up the oldest batches in memory; returns how many bytes they had.
    func dropOldestChunk() -> Int { tail.popFirst()?.bytes.storageCapacity ?? 0 }

    /// Bytes that could be fetched from `offset` below `end` now; counts at most what is in memory, and something if there is anything at all.
    func availableBytes(from offset: Int64, below end: Int64) -> Int {
        guard offset < end else { return 0 }
        guard let first = tail.first, offset >= max(first.firstOffset, tailFloor) else { return Int.max }
        var bytes = 0
        for chunk in tail.reversed() {
            if chunk.nextOffset <= offset { break }
            if chunk.firstOffset >= end { continue }
            bytes += chunk.bytes.readableBytes
        }
        return bytes
    }

    /// Whole batches from `offset` on and below `end`, at least one and otherwise at most `maxBytes`; nil if they are not in memory.
    func tailRecords(from offset: Int64, below end: Int64, maxBytes: Int) -> Bytes? {
        guard let first = tail.first, offset >= max(first.firstOffset, tailFloor) else { return nil }
        var low = 0
        var high = tail.count
        while low < high {
            let middle = (low + high) / 2
            if tail[middle].nextOffset <= offset { low = middle + 1 } else { high = middle }
        }
        guard low < tail.count else { return nil }
        var (records, isComplete) = TailChunk.wholeBatches(tail[low].bytes, from: offset, below: end, maxBytes: maxBytes, atLeastOne: true)
        var place = low + 1
        // A chunk that was cut short ends the answer: what comes after it must not be handed out before the rest of it.
        while isComplete, place < tail.count, records.readableBytes < maxBytes {
            let more: Bytes
            (more, isComplete) = TailChunk.wholeBatches(
                tail[place].bytes, from: offset, below: end, maxBytes: maxBytes - records.readableBytes, atLeastOne: false)
            records.writeImmutableBuffer(more)
            place += 1
        }
        return records
    }
}
