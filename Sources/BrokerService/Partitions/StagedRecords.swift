// Batches on their way into a log, in the pieces in which they are written and kept for readers at the tail: small ones are gathered, each large one stays
// where it came in. Confined to the disk thread. hot: measured by `platform-bench broker`.
import Base
import KafkaWire

/// Records that a round of appends brings to one log.
struct StagedRecords {
    private var pieces: [TailChunk] = []
    private var gathered = Bytes()
    private var gatheredFrom: Int64 = 0
    private(set) var firstOffset: Int64 = 0
    private(set) var nextOffset: Int64 = 0

    /// From this size on a copy costs more than a piece of its own, in bytes.
    static let pieceBytesMin = 32 << 10
    /// Memory that a piece may hold on to for each of its bytes.
    private static let slackMax = 4

    var isEmpty: Bool { pieces.isEmpty && gathered.readableBytes == 0 }

    /// Makes room for small batches that are about to come, so that it is allocated once.
    mutating func reserve(_ bytes: Int) { gathered.reserveCapacity(minimumWritableBytes: bytes) }

    mutating func begin(at offset: Int64) {
        firstOffset = offset
        nextOffset = offset
    }

    /// Gives a batch the next offset; its records have numbers from there on.
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

    /// Adds whole batches that have their offsets, the last of them the one before `end`.
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

    /// All that was added, in its order; nothing is left.
    mutating func take() -> [TailChunk] {
        closeGathered()
        defer { pieces = [] }
        return pieces
    }
}
