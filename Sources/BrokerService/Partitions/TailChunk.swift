// The newest batches of a partition as they are kept in memory, and as they are handed out to those who read there.
import Base
import KafkaWire

/// Whole batches as they lie in the log.
struct TailChunk: Sendable {
    var firstOffset: Int64
    var nextOffset: Int64
    var bytes: Bytes

    /// Adds the batches from the one that covers `offset` on and below `end` to an answer, as many as fit into it, but one at least. Whether the chunk's end was
    /// reached.
    func hand(_ answer: inout TailRecords, from offset: Int64, below end: Int64, maxBytes: Int) -> Bool {
        var start = bytes.readerIndex
        var place = start
        var begun = false
        var isComplete = true
        while let header = bytes.getSlice(at: place, length: RecordBatchFormat.headerBytes), let extent = BatchFraming.extent(header) {
            if !begun {
                if extent.nextOffset <= offset {
                    place += extent.bytes
                    continue
                }
                begun = true
                start = place
            }
            let size = answer.count + place + extent.bytes - start
            guard extent.firstOffset < end, size <= maxBytes || size == extent.bytes else {
                isComplete = false
                break
            }
            place += extent.bytes
            answer.nextOffset = extent.nextOffset
        }
        if begun, place > start, let batches = bytes.getSlice(at: start, length: place - start) { answer.add(batches) }
        return isComplete
    }
}

/// Batches for one who reads at the tail.
struct TailRecords {
    private var pieces: [Bytes] = []
    private(set) var count = 0
    /// The offset behind the last of them.
    var nextOffset: Int64

    init(nextOffset: Int64) { self.nextOffset = nextOffset }

    /// Small pieces are copied together, large ones stay where they are.
    mutating func add(_ batches: Bytes) {
        count += batches.readableBytes
        guard let last = pieces.last, max(last.readableBytes, batches.readableBytes) < StagedRecords.pieceBytesMin else { return pieces.append(batches) }
        pieces[pieces.count - 1].writeImmutableBuffer(batches)
    }

    var records: BytesOrFile { pieces.count > 1 ? .pieces(pieces) : .memory(pieces.first ?? Bytes()) }
}
