// The newest batches of a partition in memory, and the answers made of them.
import Base
import KafkaWire

/// Whole batches as in the log.
struct TailChunk: Sendable {
    var firstOffset: Int64
    var nextOffset: Int64
    var bytes: Bytes

    /// Adds the batches from the one that covers `offset` on and below `end` to an answer, as many as fit into it, but at least one.
    /// Returns whether the chunk's end was reached.
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

/// Batches for a reader at the tail.
struct TailRecords {
    private var pieces: [Bytes] = []
    private(set) var count = 0
    /// The offset after the last of them.
    var nextOffset: Int64

    init(nextOffset: Int64) { self.nextOffset = nextOffset }

    /// Copies small pieces together; large ones are shared.
    mutating func add(_ batches: Bytes) {
        count += batches.readableBytes
        guard let last = pieces.last, max(last.readableBytes, batches.readableBytes) < StagedRecords.pieceBytesMin else {
            return pieces.append(batches)
        }
        pieces[pieces.count - 1].writeImmutableBuffer(batches)
    }

    var records: BytesOrFile { pieces.count > 1 ? .pieces(pieces) : .memory(pieces.first ?? Bytes()) }
}
