// What one partition remembers of its idempotent producers: the epoch and the last five batches of each, so that a batch sent again is
// recognised and a gap is refused. Rebuilt from the log at recovery. Source: Kafka KIP-98, KIP-360.
import Base
import Collections

/// A batch as its producer numbered it.
package struct ProducerBatch: Sendable, Equatable {
    package var producerID: Int64
    package var epoch: Int16
    package var baseSequence: Int32
    package var recordCount: Int32
    package init(producerID: Int64, epoch: Int16, baseSequence: Int32, recordCount: Int32) {
        self.producerID = producerID
        self.epoch = epoch
        self.baseSequence = baseSequence
        self.recordCount = recordCount
    }

    /// Sequences count to Int32.max and begin again at 0.
    package var lastSequence: Int32 { (baseSequence &+ (recordCount - 1)) & Int32.max }
}

/// What to do with a batch.
package enum ProducerVerdict: Sendable, Equatable {
    case append
    /// It is in the log already, at this offset.
    case duplicate(baseOffset: Int64)
    case outOfOrder(expected: Int32)
    case staleEpoch(current: Int16)
}

/// One partition's memory of its producers.
package struct ProducerLedger: Sendable {
    private struct Remembered: Sendable {
        var baseSequence: Int32
        var lastSequence: Int32
        var baseOffset: Int64
    }
    private struct Entry: Sendable {
        var epoch: Int16
        var batches: [Remembered] = []
    }
    private var entries = OrderedDictionary<Int64, Entry>()
    /// Batches remembered per producer: as many as a client may have under way.
    package static let batchesKept = 5
    /// Producers remembered per partition; above this the ones first seen are forgotten, and their next batch is taken as their first.
    package static let producersMax = 65_536

    package init() {}
    package var count: Int { entries.count }

    /// Judges a batch without remembering it.
    package func judge(_ batch: ProducerBatch) -> ProducerVerdict {
        guard batch.producerID >= 0, let entry = entries[batch.producerID] else { return .append }
        if batch.epoch < entry.epoch { return .staleEpoch(current: entry.epoch) }
        if batch.epoch > entry.epoch { return batch.baseSequence == 0 ? .append : .outOfOrder(expected: 0) }
        if let again = entry.batches.first(where: { $0.baseSequence == batch.baseSequence && $0.lastSequence == batch.lastSequence }) {
            return .duplicate(baseOffset: again.baseOffset)
        }
        guard let last = entry.batches.last else { return .append }
        let expected = (last.lastSequence &+ 1) & Int32.max
        return batch.baseSequence == expected ? .append : .outOfOrder(expected: expected)
    }

    /// Remembers a batch that was appended at `baseOffset`.
    package mutating func record(_ batch: ProducerBatch, baseOffset: Int64) {
        guard batch.producerID >= 0 else { return }
        var entry = entries[batch.producerID] ?? Entry(epoch: batch.epoch)
        if entry.epoch != batch.epoch { entry = Entry(epoch: batch.epoch) }
        entry.batches.append(Remembered(baseSequence: batch.baseSequence, lastSequence: batch.lastSequence, baseOffset: baseOffset))
        if entry.batches.count > Self.batchesKept { entry.batches.removeFirst() }
        entries[batch.producerID] = entry
        if entries.count > Self.producersMax { entries.removeFirst(Self.producersMax / 8) }
    }

    /// Forgets what was recorded at or above `offset`, since the log did not take it.
    package mutating func forget(from offset: Int64) {
        for index in entries.values.indices { entries.values[index].batches.removeAll { $0.baseOffset >= offset } }
    }
}
