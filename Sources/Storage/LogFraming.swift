// The framing of records in a segment: a segment log uses it to find their ends, number them and tell whole from torn. The log never looks
// further into a record.
import Base

/// The end of one record and its offsets.
package struct RecordExtent: Equatable, Sendable {
    /// Size of the whole record in bytes, its header included.
    package var bytes: Int
    package var firstOffset: Int64
    /// The number of offsets of the record, at least 1.
    package var count: Int64
    /// The record's time in milliseconds since 1970, for the lookup by time; 0 without one.
    package var maxTimestamp: Int64

    package init(bytes: Int, firstOffset: Int64, count: Int64, maxTimestamp: Int64 = 0) {
        self.bytes = bytes
        self.firstOffset = firstOffset
        self.count = count
        self.maxTimestamp = maxTimestamp
    }

    /// Wraps around on damaged values; the result then matches no expected offset.
    package var nextOffset: Int64 { firstOffset &+ count }
}

/// The shape of a log's records.
package protocol LogFraming: Sendable {
    /// Size of a record's beginning that `extent` needs, in bytes.
    static var headerBytes: Int { get }
    /// Reads the extent from a record's first `headerBytes` bytes; nil if they cannot begin a record.
    static func extent(_ header: Bytes) -> RecordExtent?
    /// Whether the checksum of a whole record holds.
    static func isIntact(_ record: Bytes) -> Bool
    /// The offset below which everything was durable when this record was written, if the framing carries it. Damage below
    /// an offset that a later intact record vouches for is corruption and not a torn tail.
    static func durableBefore(_ record: Bytes) -> Int64?
}

/// The framing of our own logs: u32 size of the rest, u32 CRC-32C of the rest, i64 offset, i64 durable-before offset, payload.
package enum DurableFraming: LogFraming {
    package static let headerBytes = 24
    /// Limit of a record's payload; a larger size in a header is damage.
    package static let payloadBytesMax = 64 << 20

    package static func extent(_ header: Bytes) -> RecordExtent? {
        let at = header.readerIndex
        guard let size = header.getInteger(at: at, as: UInt32.self), size >= 16, size <= payloadBytesMax + 16,
            let offset = header.getInteger(at: at + 8, as: Int64.self), offset >= 0
        else { return nil }
        return RecordExtent(bytes: Int(size) + 8, firstOffset: offset, count: 1)
    }

    package static func isIntact(_ record: Bytes) -> Bool {
        let at = record.readerIndex
        guard let crc = record.getInteger(at: at + 4, as: UInt32.self),
            let rest = record.getSlice(at: at + 8, length: record.readableBytes - 8)
        else { return false }
        return CRC32C.checksum(rest) == crc
    }

    package static func durableBefore(_ record: Bytes) -> Int64? {
        record.getInteger(at: record.readerIndex + 16, as: Int64.self)
    }

    /// Appends one record to `buffer`.
    package static func write(_ payload: Bytes, offset: Int64, durableBefore: Int64, into buffer: inout Bytes) {
        write(offset: offset, durableBefore: durableBefore, into: &buffer) { $0.writeImmutableBuffer(payload) }
    }

    /// Appends one record; `encode` appends its payload.
    package static func write(offset: Int64, durableBefore: Int64, into buffer: inout Bytes, _ encode: (inout Bytes) -> Void) {
        let start = buffer.writerIndex
        buffer.writeMultipleIntegers(UInt32(0), UInt32(0), offset, durableBefore)
        encode(&buffer)
        let payloadBytes = buffer.writerIndex - start - headerBytes
        precondition(payloadBytes <= payloadBytesMax, "a log record is limited to 64 MiB; commands are bounded far below")
        buffer.setInteger(UInt32(payloadBytes + 16), at: start)
        let crc = buffer.withUnsafeReadableBytes { memory in
            // Reads the bytes just written, from after the checksum to the end.
            CRC32C.checksum(UnsafeRawBufferPointer(rebasing: memory[(start - buffer.readerIndex + 8)...]))
        }
        buffer.setInteger(crc, at: start + 4)
    }

    /// The payload of a whole record.
    package static func payload(of record: Bytes) -> Bytes {
        guard let payload = record.getSlice(at: record.readerIndex + headerBytes, length: record.readableBytes - headerBytes) else {
            preconditionFailure("only whole records are taken apart")
        }
        return payload
    }
}
