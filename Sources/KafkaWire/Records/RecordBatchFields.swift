// The header fields of a batch that a log needs, read in one go and without trust: damaged bytes give nil, never a trap.
import Base

/// A batch's offsets, size, time and producer.
package struct RecordBatchFields: Sendable, Equatable {
    package var sizeBytes: Int
    package var baseOffset: Int64
    package var leaderEpoch: Int32
    package var lastOffsetDelta: Int32
    package var maxTimestamp: Int64
    package var producerID: Int64
    package var producerEpoch: Int16
    package var baseSequence: Int32
    package var recordCount: Int32
    package var attributes: Int16

    package var isTransactional: Bool { attributes & RecordBatchFormat.transactionalBit != 0 }
    package var isControl: Bool { attributes & RecordBatchFormat.controlBit != 0 }
}

extension RecordBatch {
    /// The largest batch of a log, in bytes; a larger size in a header is damage.
    package static let batchBytesMax = 128 << 20

    /// The header's fields; nil if these bytes cannot begin a batch of format 2. hot: `platform-bench broker`, called for each batch that is read.
    package static func peek(_ bytes: Bytes) -> RecordBatchFields? {
        bytes.withUnsafeReadableBytes { memory in
            // Every load lies within the 61 bytes checked here.
            guard memory.count >= RecordBatchFormat.headerBytes else { return nil }
            func load<T: FixedWidthInteger>(_ position: Int, _: T.Type) -> T {
                T(bigEndian: memory.loadUnaligned(fromByteOffset: position, as: T.self))
            }
            let length = load(RecordBatchFormat.lengthAt, Int32.self)
            let baseOffset = load(RecordBatchFormat.baseOffsetAt, Int64.self)
            let lastOffsetDelta = load(RecordBatchFormat.lastOffsetDeltaAt, Int32.self)
            guard load(RecordBatchFormat.magicAt, Int8.self) == RecordBatchFormat.magic,
                length >= RecordBatchFormat.headerBytes - RecordBatchFormat.prefixBytes, length <= batchBytesMax,
                // The offset after the batch must be valid too.
                lastOffsetDelta >= 0, (0..<Int64.max - Int64(lastOffsetDelta)).contains(baseOffset)
            else { return nil }
            return RecordBatchFields(
                sizeBytes: Int(length) + RecordBatchFormat.prefixBytes, baseOffset: baseOffset,
                leaderEpoch: load(RecordBatchFormat.leaderEpochAt, Int32.self),
                lastOffsetDelta: lastOffsetDelta,
                maxTimestamp: load(RecordBatchFormat.maxTimestampAt, Int64.self),
                producerID: load(RecordBatchFormat.producerIDAt, Int64.self),
                producerEpoch: load(RecordBatchFormat.producerEpochAt, Int16.self),
                baseSequence: load(RecordBatchFormat.baseSequenceAt, Int32.self),
                recordCount: load(RecordBatchFormat.recordCountAt, Int32.self),
                attributes: load(RecordBatchFormat.attributesAt, Int16.self))
        }
    }

    /// Whether the checksum of a whole batch matches.
    package static func isIntact(_ record: Bytes) -> Bool {
        record.withUnsafeReadableBytes { memory in
            guard memory.count >= RecordBatchFormat.headerBytes else { return false }
            let stored = UInt32(bigEndian: memory.loadUnaligned(fromByteOffset: RecordBatchFormat.crcAt, as: UInt32.self))
            return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: memory[RecordBatchFormat.attributesAt...])) == stored
        }
    }
}
