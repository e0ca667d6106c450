// Single records inside a batch, for clients, tests and tools; the broker's produce path does not need them. Lengths and counts are zigzag
// varints and are checked against the remaining bytes. Source: Kafka documentation, "Record".
import Base

/// A record's header: a name and an optional value.
package struct RecordField: Sendable, Equatable {
    package var name: String
    package var value: Bytes?
    package init(name: String, value: Bytes?) {
        self.name = name
        self.value = value
    }
}

/// One record with its offset and time.
package struct Record: Sendable, Equatable {
    package var offset: Int64
    /// Milliseconds since 1970.
    package var timestamp: Int64
    package var key: Bytes?
    package var value: Bytes?
    package var headers: [RecordField]

    package init(offset: Int64 = 0, timestamp: Int64, key: Bytes?, value: Bytes?, headers: [RecordField] = []) {
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }
}

extension RecordBatch {
    /// The batch's records; decompresses up to `bytesMax` bytes.
    package func records(bytesMax: Int = Compression.decompressedBytesMax) throws(WireError) -> [Record] {
        guard
            var body = bytes.getSlice(
                at: bytes.readerIndex + RecordBatchFormat.headerBytes, length: bytes.readableBytes - RecordBatchFormat.headerBytes)
        else { throw .truncated(needed: RecordBatchFormat.headerBytes, remaining: bytes.readableBytes) }
        body = try Compression.of(number: codecNumber).decompress(body, bytesMax: bytesMax)
        let count = Int(recordCount)
        // A record takes at least seven bytes: length, attributes, four fields of one byte, no headers.
        guard count >= 0, count <= body.readableBytes / 7 + 1 else { throw .badLength(count) }
        var reader = FieldReader<KafkaDialect>(body)
        var records: [Record] = []
        records.reserveCapacity(count)
        for _ in 0..<count { records.append(try record(&reader)) }
        try reader.finish()
        return records
    }

    private func record(_ reader: inout FieldReader<KafkaDialect>) throws(WireError) -> Record {
        guard let length = try reader.zigzagLength() else { throw .unexpectedNull }
        let end = reader.remaining - length
        var attributes: Int8 = 0
        var timestampDelta: Int64 = 0
        var offsetDelta: Int64 = 0
        try reader.int8(&attributes)
        try reader.zigzag(&timestampDelta)
        try reader.zigzag(&offsetDelta)
        let key = try reader.zigzagBytes()
        let value = try reader.zigzagBytes()
        guard let headerCount = try reader.zigzagLength() else { throw .unexpectedNull }
        var headers: [RecordField] = []
        for _ in 0..<headerCount {
            guard let name = try reader.zigzagBytes() else { throw .unexpectedNull }
            guard let text = String(validating: name.readableBytesView, as: UTF8.self) else { throw .notUTF8 }
            headers.append(RecordField(name: text, value: try reader.zigzagBytes()))
        }
        guard reader.remaining == end else { throw .badLength(length) }
        let timestamp = hasLogAppendTime ? maxTimestamp : baseTimestamp &+ timestampDelta
        return Record(offset: baseOffset &+ offsetDelta, timestamp: timestamp, key: key, value: value, headers: headers)
    }
}

extension FieldReader {
    /// A length as a zigzag varint, checked against the remaining bytes; nil for -1.
    mutating func zigzagLength() throws(WireError) -> Int? {
        var length: Int64 = 0
        try zigzag(&length)
        if length == -1 { return nil }
        guard length >= 0, length <= remaining else { throw .badLength(Int(truncatingIfNeeded: length)) }
        return Int(length)
    }

    mutating func zigzagBytes() throws(WireError) -> Bytes? {
        guard let length = try zigzagLength() else { return nil }
        return buffer.readSlice(length: length)
    }
}

/// Collects records into a batch, for our own client and for tests.
package struct RecordBatchBuilder {
    private var records: [Record] = []
    package private(set) var sizeBytesEstimate = RecordBatchFormat.headerBytes
    package var compression: Compression
    package var producerID: Int64 = -1
    package var producerEpoch: Int16 = -1
    package var baseSequence: Int32 = -1
    package var isTransactional = false
    package var isControl = false

    package init(compression: Compression = .none) { self.compression = compression }

    package var count: Int { records.count }
    package var isEmpty: Bool { records.isEmpty }

    /// The broker assigns offsets; the record's own is ignored.
    package mutating func add(_ record: Record) {
        records.append(record)
        sizeBytesEstimate += 24 + (record.key?.readableBytes ?? 0) + (record.value?.readableBytes ?? 0)
        for header in record.headers { sizeBytesEstimate += 8 + header.name.utf8.count + (header.value?.readableBytes ?? 0) }
    }

    /// The finished batch with base offset 0. It needs at least one record.
    package func build() throws(WireError) -> Bytes {
        precondition(!records.isEmpty, "a batch holds at least one record")
        let base = records[0].timestamp
        var body = FieldWriter<KafkaDialect>(ByteBufferAllocator().buffer(capacity: sizeBytesEstimate))
        for (index, record) in records.enumerated() {
            try Self.write(record, offsetDelta: Int64(index), timestampDelta: record.timestamp &- base, into: &body)
        }
        let packed = compression.compress(body.buffer)
        var batch = ByteBufferAllocator().buffer(capacity: RecordBatchFormat.headerBytes + packed.readableBytes)
        batch.writeInteger(Int64(0))
        batch.writeInteger(Int32(RecordBatchFormat.headerBytes - RecordBatchFormat.prefixBytes + packed.readableBytes))
        batch.writeInteger(Int32(-1))
        batch.writeInteger(RecordBatchFormat.magic)
        batch.writeInteger(UInt32(0))
        let flags = (isTransactional ? RecordBatchFormat.transactionalBit : 0) | (isControl ? RecordBatchFormat.controlBit : 0)
        batch.writeInteger(compression.rawValue | flags)
        batch.writeInteger(Int32(records.count - 1))
        batch.writeInteger(base)
        batch.writeInteger(records.reduce(base) { max($0, $1.timestamp) })
        batch.writeInteger(producerID)
        batch.writeInteger(producerEpoch)
        batch.writeInteger(baseSequence)
        batch.writeInteger(Int32(records.count))
        batch.writeImmutableBuffer(packed)
        batch.setInteger(try RecordBatch(batch).computedCRC(), at: RecordBatchFormat.crcAt)
        return batch
    }

    static func write(_ record: Record, offsetDelta: Int64, timestampDelta: Int64, into body: inout FieldWriter<KafkaDialect>)
        throws(WireError)
    {
        var fields = FieldWriter<KafkaDialect>()
        var attributes: Int8 = 0
        fields.int8(&attributes)
        try fields.zigzag(of: timestampDelta)
        try fields.zigzag(of: offsetDelta)
        try fields.zigzagBytes(record.key)
        try fields.zigzagBytes(record.value)
        try fields.zigzag(of: Int64(record.headers.count))
        for header in record.headers {
            try fields.zigzagBytes(Bytes(string: header.name))
            try fields.zigzagBytes(header.value)
        }
        try body.zigzagBytes(fields.buffer)
    }
}

extension FieldWriter {
    mutating func zigzag(of value: Int64) throws(WireError) {
        var value = value
        try zigzag(&value)
    }

    mutating func zigzagBytes(_ value: Bytes?) throws(WireError) {
        guard let value else { return try zigzag(of: -1) }
        try zigzag(of: Int64(value.readableBytes))
        buffer.writeImmutableBuffer(value)
    }
}
