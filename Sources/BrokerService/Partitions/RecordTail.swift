// The newest record batches of all partitions in memory, for consumers that keep up. Above the limit the oldest batch goes, whichever
// partition it is in.
import BrokerCore
import DequeModule

struct RecordTail {
    let bytesMax: Int
    /// The partitions of the batches, oldest batch first.
    private var order = Deque<Partition>()
    private var bytes = 0

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// The partition holds the batch already.
    mutating func add(_ chunk: TailChunk, of partition: Partition) {
        order.append(partition)
        bytes += chunk.bytes.storageCapacity
        while bytes > bytesMax, let oldest = order.popFirst() { bytes -= oldest.dropOldestChunk() }
    }

    /// A partition has dropped batches by itself.
    mutating func release(_ count: Int) { bytes -= count }
}
