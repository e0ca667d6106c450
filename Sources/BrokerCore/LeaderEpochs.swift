// The leader epochs of a partition, each with its first offset. A replica uses them to find where its log and its leader's diverge, and
// cuts off records that no leader acknowledged. Built from the epochs in the batches. Source: Kafka KIP-101, KIP-279.
import Base

/// The epochs of one partition, ascending in both.
package struct LeaderEpochs: WireLayout, Equatable {
    package struct Entry: WireLayout, Hashable {
        package var epoch: Int32 = 0
        /// The offset of its first record.
        package var start: Int64 = 0
        package init() {}
        init(epoch: Int32, start: Int64) {
            self.epoch = epoch
            self.start = start
        }
        package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
            try io.int32(&epoch)
            try io.int64(&start)
        }
    }
    package private(set) var entries: [Entry] = []

    package init() {}
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) { try io.list(&entries) }

    /// -1 if there are no records.
    package var latest: Int32 { entries.last?.epoch ?? -1 }

    /// A batch of `epoch` is at `offset`. Epochs only rise along a log.
    package mutating func note(_ epoch: Int32, at offset: Int64) {
        guard epoch > latest else { return }
        entries.append(Entry(epoch: epoch, start: offset))
    }

    /// The epoch of the record at `offset`; -1 if unknown.
    package func epoch(at offset: Int64) -> Int32 {
        let next = entries.partitioningPoint { $0.start > offset }
        return next == 0 ? -1 : entries[next - 1].epoch
    }

    /// A term begins at the log's end. Its leader notes it at once, so that records of later terms at a follower show up. A follower
    /// forgets terms without records.
    package mutating func begin(_ epoch: Int32, leads: Bool, at logEnd: Int64) {
        truncate(to: logEnd)
        if leads { note(epoch, at: logEnd) }
    }

    /// The largest known epoch up to `epoch`, with its end; nil if `epoch` is later than all known ones.
    package func end(of epoch: Int32, logEnd: Int64) -> (epoch: Int32, endOffset: Int64)? {
        guard let last = entries.last, epoch >= 0, epoch <= last.epoch else { return nil }
        guard epoch < last.epoch else { return (epoch, logEnd) }
        let next = entries.partitioningPoint { $0.epoch > epoch }
        return (next == 0 ? epoch : entries[next - 1].epoch, entries[next].start)
    }

    /// First offset at which a replica's log (end `offset`, last epoch `epoch`) diverges from this one; nil if it does not.
    package func divergence(lastEpoch epoch: Int32, at offset: Int64, logEnd: Int64) -> (epoch: Int32, endOffset: Int64)? {
        guard epoch >= 0, let end = end(of: epoch, logEnd: logEnd) else { return nil }
        return end.epoch < epoch || end.endOffset < offset ? end : nil
    }

    /// Cuts the log off at `offset`.
    package mutating func truncate(to offset: Int64) { while let last = entries.last, last.start >= offset { entries.removeLast() } }

    /// Moves the log's beginning to `offset`; the epoch at `offset` begins there.
    package mutating func trim(below offset: Int64) {
        let first = entries.partitioningPoint { $0.start > offset }
        guard first > 1 || (first == 1 && entries[0].start < offset) else { return }
        entries.removeFirst(first - 1)
        entries[0].start = max(entries[0].start, offset)
    }
}

extension Array {
    /// The first index whose element satisfies `isBehind`, in an array where all such elements come last.
    func partitioningPoint(_ isBehind: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
