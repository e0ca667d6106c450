// A record batch of format 2 as a view over its bytes. The broker reads the 61 bytes of header, verifies the checksum and patches offset
// and leader epoch in place; it never takes records apart on its way from socket to disk.
// Source: Kafka documentation, "Record Batch"; the checksum covers everything from the attributes on.
import Base

/// The constants of the record batch format.
package enum RecordBatchFormat {
    package static let headerBytes = 61
    /// Base offset and length field, which the length excludes.
    package static let prefixBytes = 12
    package static let magic: Int8 = 2
    static let baseOffsetAt = 0
    static let lengthAt = 8
    static let leaderEpochAt = 12
    static let magicAt = 16
    static let crcAt = 17
    static let attributesAt = 21
    static let lastOffsetDeltaAt = 23
    static let baseTimestampAt = 27
    static let maxTimestampAt = 35
    static let producerIDAt = 43
    static let producerEpochAt = 51
    static let baseSequenceAt = 53
    static let recordCountAt = 57
    static let codecMask: Int16 = 0x07
    static let logAppendTimeBit: Int16 = 0x08
    static let transactionalBit: Int16 = 0x10
    static let controlBit: Int16 = 0x20
    static let deleteHorizonBit: Int16 = 0x40
}

/// One whole record batch.
package struct RecordBatch: Sendable {
    /// Exactly the batch's bytes.
    package private(set) var bytes: Bytes

    /// `bytes` must begin with a batch of format 2; the view excludes the bytes after it.
    package init(_ bytes: Bytes) throws(WireError) {
        let size = try Self.size(of: bytes)
        guard let batch = bytes.getSlice(at: bytes.readerIndex, length: size) else {
            throw .truncated(needed: size, remaining: bytes.readableBytes)
        }
        self.bytes = batch
    }

    /// The size of the batch at the start of `bytes`, its prefix included; the batch may be incomplete. Throws `unknownTag("magic", …)` for
    /// older formats.
    package static func size(of bytes: Bytes) throws(WireError) -> Int {
        guard bytes.readableBytes > RecordBatchFormat.magicAt else {
            throw .truncated(needed: RecordBatchFormat.headerBytes, remaining: bytes.readableBytes)
        }
        let start = bytes.readerIndex
        let magic: Int8 = bytes.integer(at: start + RecordBatchFormat.magicAt)
        guard magic == RecordBatchFormat.magic else { throw .unknownTag("magic", Int(magic)) }
        let length: Int32 = bytes.integer(at: start + RecordBatchFormat.lengthAt)
        guard Int(length) >= RecordBatchFormat.headerBytes - RecordBatchFormat.prefixBytes else { throw .badLength(Int(length)) }
        return Int(length) + RecordBatchFormat.prefixBytes
    }

    /// The whole batches in `records`, in order; skips a batch that is cut short at the end, as Fetch may deliver it.
    package static func all(in records: Bytes) throws(WireError) -> [RecordBatch] {
        var batches: [RecordBatch] = []
        var rest = records
        while rest.readableBytes > RecordBatchFormat.magicAt {
            let size = try Self.size(of: rest)
            guard size <= rest.readableBytes else { break }
            batches.append(try RecordBatch(rest))
            rest.moveReaderIndex(forwardBy: size)
        }
        return batches
    }

    private func at<T: FixedWidthInteger>(_ position: Int) -> T { bytes.integer(at: bytes.readerIndex + position) }

    package var sizeBytes: Int { bytes.readableBytes }
    package var baseOffset: Int64 { at(RecordBatchFormat.baseOffsetAt) }
    package var leaderEpoch: Int32 { at(RecordBatchFormat.leaderEpochAt) }
    package var crc: UInt32 { at(RecordBatchFormat.crcAt) }
    package var attributes: Int16 { at(RecordBatchFormat.attributesAt) }
    package var lastOffsetDelta: Int32 { at(RecordBatchFormat.lastOffsetDeltaAt) }
    package var baseTimestamp: Int64 { at(RecordBatchFormat.baseTimestampAt) }
    package var maxTimestamp: Int64 { at(RecordBatchFormat.maxTimestampAt) }
    package var producerID: Int64 { at(RecordBatchFormat.producerIDAt) }
    package var producerEpoch: Int16 { at(RecordBatchFormat.producerEpochAt) }
    package var baseSequence: Int32 { at(RecordBatchFormat.baseSequenceAt) }
    package var recordCount: Int32 { at(RecordBatchFormat.recordCountAt) }
    package var nextOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) &+ 1 }
    package var codecNumber: Int16 { attributes & RecordBatchFormat.codecMask }
    package var hasLogAppendTime: Bool { attributes & RecordBatchFormat.logAppendTimeBit != 0 }
    package var isTransactional: Bool { attributes & RecordBatchFormat.transactionalBit != 0 }
    package var isControl: Bool { attributes & RecordBatchFormat.controlBit != 0 }

    /// hot: `platform-bench broker`, the checksum over the bytes from the attributes on, in hardware.
    package func computedCRC() -> UInt32 {
        bytes.withUnsafeReadableBytes { CRC32C.checksum(UnsafeRawBufferPointer(rebasing: $0[RecordBatchFormat.attributesAt...])) }
    }

    package var isIntact: Bool { computedCRC() == crc }

    /// Appends the batch to `log` with its offset and epoch there, and with the broker's time if the topic wants that.
    /// hot: measured by `platform-bench broker`.
    package func append(to log: inout Bytes, baseOffset: Int64, leaderEpoch: Int32, logAppendTime: Int64?) {
        let start = log.writerIndex
        log.writeImmutableBuffer(bytes)
        Self.place(&log, start, bytes.readableBytes, baseOffset, leaderEpoch, logAppendTime)
    }

    /// The same without a log: sets offset, epoch and time in place if no other reference holds the bytes, otherwise in a copy.
    package mutating func place(at baseOffset: Int64, leaderEpoch: Int32, logAppendTime: Int64?) {
        Self.place(&bytes, bytes.readerIndex, bytes.readableBytes, baseOffset, leaderEpoch, logAppendTime)
    }

    /// Sets another highest time, and the checksum to match.
    package mutating func set(maxTimestamp: Int64) {
        bytes.setInteger(maxTimestamp, at: bytes.readerIndex + RecordBatchFormat.maxTimestampAt)
        bytes.setInteger(computedCRC(), at: bytes.readerIndex + RecordBatchFormat.crcAt)
    }

    /// The batch is the `size` bytes from `start` on.
    private static func place(
        _ log: inout Bytes, _ start: Int, _ size: Int, _ baseOffset: Int64, _ leaderEpoch: Int32, _ logAppendTime: Int64?
    ) {
        log.setInteger(baseOffset, at: start + RecordBatchFormat.baseOffsetAt)
        log.setInteger(leaderEpoch, at: start + RecordBatchFormat.leaderEpochAt)
        guard let logAppendTime else { return }
        let attributes: Int16 = log.integer(at: start + RecordBatchFormat.attributesAt)
        log.setInteger(attributes | RecordBatchFormat.logAppendTimeBit, at: start + RecordBatchFormat.attributesAt)
        log.setInteger(logAppendTime, at: start + RecordBatchFormat.maxTimestampAt)
        let covered = log.viewBytes(at: start + RecordBatchFormat.attributesAt, length: size - RecordBatchFormat.attributesAt) {
            CRC32C.checksum($0)
        }
        log.setInteger(covered, at: start + RecordBatchFormat.crcAt)
    }
}

extension Bytes {
    /// An integer whose presence the caller has checked.
    func integer<T: FixedWidthInteger>(at index: Int) -> T {
        guard let value = getInteger(at: index, as: T.self) else { preconditionFailure("the header's bytes were checked to be there") }
        return value
    }

    /// Runs `body` over part of the readable bytes, without a copy; the memory is only read, and only within this call.
    func viewBytes<T, E: Error>(at index: Int, length: Int, _ body: (UnsafeRawBufferPointer) throws(E) -> T) throws(E) -> T {
        // The lending call rethrows any error, untyped.
        let result = withUnsafeReadableBytes { memory in
            let start = index - readerIndex
            return Result { () throws(E) in try body(UnsafeRawBufferPointer(rebasing: memory[start..<(start + length)])) }
        }
        return try result.get()
    }
}
