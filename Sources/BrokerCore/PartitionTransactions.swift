// The open and aborted transactions of one partition. Readers of committed records stop before the first open one and skip the aborted
// ones. Built from the log's batches and markers. Source: Kafka KIP-98.
import Base

/// A transaction whose records are in the log and invalid.
package struct AbortedTransaction: WireLayout, Hashable {
    package var producerID: Int64
    package var firstOffset: Int64
    /// The marker's offset.
    package var lastOffset: Int64
    /// The last stable offset after this abort: later aborted transactions begin there or after it.
    package var stableOffset: Int64

    package init() { self.init(producerID: -1, firstOffset: 0, lastOffset: 0, stableOffset: 0) }
    package init(producerID: Int64, firstOffset: Int64, lastOffset: Int64, stableOffset: Int64) {
        self.producerID = producerID
        self.firstOffset = firstOffset
        self.lastOffset = lastOffset
        self.stableOffset = stableOffset
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&producerID)
        try io.int64(&firstOffset)
        try io.int64(&lastOffset)
        try io.int64(&stableOffset)
    }
}

/// A transaction that has begun to write.
package struct OpenTransaction: WireLayout, Hashable {
    package var producerID: Int64
    package var firstOffset: Int64

    package init() { self.init(producerID: -1, firstOffset: 0) }
    package init(producerID: Int64, firstOffset: Int64) {
        self.producerID = producerID
        self.firstOffset = firstOffset
    }

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.int64(&producerID)
        try io.int64(&firstOffset)
    }
}

/// Open and aborted transactions of one partition.
package struct PartitionTransactions: WireLayout, Equatable {
    /// In the order of their first offsets; at most one per producer.
    package private(set) var open: [OpenTransaction] = []
    /// In the order of their markers.
    package private(set) var aborted: [AbortedTransaction] = []

    package init() {}

    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.list(&open)
        try io.list(&aborted)
    }

    /// All transactions below have an outcome; `end` if none is open.
    package func lastStableOffset(end: Int64) -> Int64 { open.first.map { min($0.firstOffset, end) } ?? end }

    /// The first offset of this producer's open transaction; nil if it has none.
    package func firstOffset(of producerID: Int64) -> Int64? { open.first { $0.producerID == producerID }?.firstOffset }

    /// A batch of a transaction was appended.
    package mutating func note(_ producerID: Int64, at offset: Int64) {
        guard firstOffset(of: producerID) == nil else { return }
        open.append(OpenTransaction(producerID: producerID, firstOffset: offset))
    }

    /// A marker was appended. Without an open transaction of the producer it changes nothing.
    package mutating func end(_ producerID: Int64, commits: Bool, at offset: Int64) {
        guard let place = open.firstIndex(where: { $0.producerID == producerID }) else { return }
        let ended = open.remove(at: place)
        guard !commits else { return }
        aborted.append(
            AbortedTransaction(
                producerID: producerID, firstOffset: ended.firstOffset, lastOffset: offset, stableOffset: lastStableOffset(end: offset + 1))
        )
    }

    /// The aborted transactions with records from `start` to below `end`, in the order of their first offsets.
    package func aborted(from start: Int64, below end: Int64) -> [AbortedTransaction] {
        var low = 0
        var high = aborted.count
        while low < high {
            let middle = (low + high) / 2
            if aborted[middle].lastOffset >= start { high = middle } else { low = middle + 1 }
        }
        var found: [AbortedTransaction] = []
        for one in aborted[low...] {
            if one.firstOffset < end { found.append(one) }
            if one.stableOffset >= end { break }
        }
        return found.sorted { $0.firstOffset < $1.firstOffset }
    }

    /// Forgets these markers, removed by compaction, with their aborted transactions.
    package mutating func forget(markers: Set<Int64>) {
        if aborted.contains(where: { markers.contains($0.lastOffset) }) { aborted.removeAll { markers.contains($0.lastOffset) } }
    }

    /// Moves the log's beginning to `start`.
    package mutating func trim(below start: Int64) {
        guard let first = aborted.first, first.lastOffset < start else { return }
        aborted.removeAll { $0.lastOffset < start }
    }
}
