// The framing of Kafka's record batches in a partition's segments: verbatim, one after another. The log engine reads their size, offsets
// and time, and verifies the checksum.
import Base
import KafkaWire
import Storage

/// Record batches of format 2 as the records of a segment log.
enum BatchFraming: LogFraming {
    static var headerBytes: Int { RecordBatchFormat.headerBytes }

    static func extent(_ header: Bytes) -> RecordExtent? {
        guard let fields = RecordBatch.peek(header) else { return nil }
        return RecordExtent(
            bytes: fields.sizeBytes, firstOffset: fields.baseOffset, count: Int64(fields.lastOffsetDelta) + 1,
            maxTimestamp: max(0, fields.maxTimestamp))
    }

    static func isIntact(_ record: Bytes) -> Bool { RecordBatch.isIntact(record) }

    /// The format has no field for it: a damaged tail looks like a torn one and is cut.
    static func durableBefore(_ record: Bytes) -> Int64? { nil }
}
