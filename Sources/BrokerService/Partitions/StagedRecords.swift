// Batches on their way into a log, in pieces as written and as kept for readers at the tail: small batches are gathered, each large one
// keeps its own buffer. Confined to the disk thread. hot: measured by `platform-bench broker`.
import Base
import KafkaWire

/// The records of one append round for one log.
struct StagedRecords {
    private var pieces: [TailChunk] = []
    private var gathered = Bytes()
    private var gatheredFrom: Int64 = 0
    private(set) var firstOffset: Int64 = 0
    private(set) var nextOffset: Int64 = 0

    /// Size from which a copy costs more than a separate piece, in bytes.
    static let pieceBytesMin = 32 << 10
    /// Most memory that a piece may hold per byte of its content.
    private static let slackMax = 4

    var isEmpty: Bool { pieces.isEmpty && gathered.readableBytes == 0 }

    /// Reserves memory for small batches to come, in one allocation.
    mutating func reserve(_ bytes: Int) { gathered.reserveCapacity(minimumWritableBytes: bytes) }

    mutating func begin(at offset: Int64) {
        firstOffset = offset
        nextOffset = offset
    }

    /// Adds a batch at the next offset, from which its records are numbered.
    mutating func add(_ batch: consuming RecordBatch, leaderEpoch: Int32, logAppendTime: Int64?) {
        let baseOffset = nextOffset
        let end = baseOffset + Int64(batch.lastOffsetDelta) + 1
        if batch.sizeBytes >= Self.pieceBytesMin {
            batch.place(at: baseOffset, leaderEpoch: leaderEpoch, logAppendTime: logAppendTime)
            addPiece(batch.bytes, to: end)
        } else {
            if gathered.readableBytes == 0 { gatheredFrom = baseOffset }
            batch.append(to: &gathered, baseOffset: baseOffset, leaderEpoch: leaderEpoch, logAppendTime: logAppendTime)
            nextOffset = end
        }
    }

    /// Adds whole batches with offsets, the last of them ending before `end`.
    mutating func add(placed bytes: Bytes, from offset: Int64, to end: Int64) {
        guard bytes.readableBytes < Self.pieceBytesMin || bytes.storageCapacity / Self.slackMax > bytes.readableBytes else {
            closeGathered()
            nextOffset = offset
            return addPiece(bytes, to: end)
        }
        if gathered.readableBytes == 0 { gatheredFrom = offset }
        gathered.writeImmutableBuffer(bytes)
        nextOffset = end
    }

    private mutating func addPiece(_ bytes: Bytes, to end: Int64) {
        closeGathered()
        pieces.append(TailChunk(firstOffset: nextOffset, nextOffset: end, bytes: bytes))
        nextOffset = end
    }

    private mutating func closeGathered() {
        guard gathered.readableBytes > 0 else { return }
        pieces.append(TailChunk(firstOffset: gatheredFrom, nextOffset: nextOffset, bytes: gathered))
        gathered = Bytes()
    }

    /// Takes all pieces in their order.
    mutating func take() -> [TailChunk] {
        closeGathered()
        defer { pieces = [] }
        return pieces
    }
}
