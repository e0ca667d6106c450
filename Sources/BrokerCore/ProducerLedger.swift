// One partition's memory of its idempotent producers: the epoch and the last five batches of each, to recognise a repeated batch and
// refuse a gap. Rebuilt from the log at recovery. Source: Kafka KIP-98, KIP-360.
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

    /// Sequences count to Int32.max and restart at 0.
    package var lastSequence: Int32 { (baseSequence &+ recordCount &- 1) & Int32.max }
}

/// The verdict on a batch.
package enum ProducerVerdict: Sendable, Equatable {
    case append
    /// It is in the log already, at this offset.
    case duplicate(baseOffset: Int64)
    case outOfOrder(expected: Int32)
    case staleEpoch(current: Int16)
}

/// A batch that a retry may repeat.
package struct RememberedBatch: WireLayout, Equatable {
    var baseSequence: Int32 = 0
    var lastSequence: Int32 = 0
    package var baseOffset: Int64 = 0

    package init() {}
    init(_ batch: ProducerBatch, baseOffset: Int64) {
        baseSequence = batch.baseSequence
        lastSequence = batch.lastSequence
        self.baseOffset = baseOffset
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int32(&baseSequence)
        try io.int32(&lastSequence)
        try io.int64(&baseOffset)
    }
}

/// The memory of one producer.
package struct RememberedProducer: WireLayout, Equatable {
    package var producerID: Int64 = -1
    package var epoch: Int16 = -1
    /// The time of its newest batch, in milliseconds since 1970.
    package var timestamp: Int64 = -1
    package var batches: [RememberedBatch] = []

    package init() {}
    init(producerID: Int64, epoch: Int16) {
        self.producerID = producerID
        self.epoch = epoch
    }

    package var lastSequence: Int32 { batches.last?.lastSequence ?? -1 }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&producerID)
        try io.int16(&epoch)
        try io.int64(&timestamp)
        try io.list(&batches)
    }
}

/// One partition's memory of its producers.
package struct ProducerLedger: WireLayout {
    private var entries = OrderedDictionary<Int64, RememberedProducer>()
    /// Batches remembered per producer: as many as a client may have in flight.
    package static let batchesKept = 5
    /// Producers remembered per partition; above it the ones first seen are forgotten, and their next batch counts as their first.
    package static let producersMax = 65_536

    package init() {}
    package var count: Int { entries.count }
    package var producers: [RememberedProducer] { Array(entries.values) }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        var list = producers
        try io.list(&list)
        entries = OrderedDictionary(list.map { ($0.producerID, $0) }, uniquingKeysWith: { $1 })
    }

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
    package mutating func record(_ batch: ProducerBatch, baseOffset: Int64, timestamp: Int64 = -1) {
        guard batch.producerID >= 0 else { return }
        var entry = entries[batch.producerID] ?? RememberedProducer(producerID: batch.producerID, epoch: batch.epoch)
        if entry.epoch != batch.epoch { entry = RememberedProducer(producerID: batch.producerID, epoch: batch.epoch) }
        entry.batches.append(RememberedBatch(batch, baseOffset: baseOffset))
        if entry.batches.count > Self.batchesKept { entry.batches.removeFirst() }
        entry.timestamp = timestamp
        entries[batch.producerID] = entry
        if entries.count > Self.producersMax { entries.removeFirst(Self.producersMax / 8) }
    }

    /// A transaction of this producer ended; the marker carries the lowest epoch that may still write.
    package mutating func noteMarker(_ producer: ProducerIdentity) {
        guard let entry = entries[producer.id], entry.epoch < producer.epoch else { return }
        entries[producer.id] = RememberedProducer(producerID: producer.id, epoch: producer.epoch)
    }

    /// Forgets batches at or above `offset`, since the log refused them.
    package mutating func forget(from offset: Int64) {
        for index in entries.values.indices { entries.values[index].batches.removeAll { $0.baseOffset >= offset } }
    }
}
