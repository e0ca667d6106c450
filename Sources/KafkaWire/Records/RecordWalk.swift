// Walks the records of a batch without making values of them: the broker checks a batch before its acknowledgement, finds a time in it, and
// compacts it. Memory does not grow with the number of records, in any codec. hot: `platform-bench broker`, every batch that is produced is walked once.
// Source: Kafka documentation, "Record".
import Base

/// One record in place. Valid within the call that gets it.
package struct RecordOutline {
    package var timestampDelta: Int64
    package var offsetDelta: Int64
    /// nil for a record without one.
    package var key: UnsafeRawBufferPointer?
    package var value: UnsafeRawBufferPointer?
    /// The bytes after the offset: key, value and headers in place.
    fileprivate var rest: UnsafeRawBufferPointer
    /// The bytes from the first header on.
    fileprivate var headers: UnsafeRawBufferPointer
    fileprivate var headerCount: Int
}

extension RecordBatch {
    /// Calls `visit` for each record until it returns false. Throws if the number of records differs from the batch's count, or a record
    /// breaks the format; the records before have been visited by then.
    package func forEachRecord(bytesMax: Int = Compression.decompressedBytesMax, _ visit: (RecordOutline) throws(WireError) -> Bool)
        throws(WireError)
    {
        let start = bytes.readerIndex + RecordBatchFormat.headerBytes
        guard let body = bytes.getSlice(at: start, length: bytes.readableBytes - RecordBatchFormat.headerBytes) else {
            throw .truncated(needed: RecordBatchFormat.headerBytes, remaining: bytes.readableBytes)
        }
        var walk = RecordWalk(count: Int(recordCount))
        try Compression.of(number: codecNumber).decompress(body, bytesMax: bytesMax) { (piece) throws(WireError) in
            try walk.take(piece, visit)
        }
        try walk.finish()
    }

    /// The record of an outline, in memory of its own.
    package func record(_ outline: RecordOutline) throws(WireError) -> Record {
        var headers: [RecordField] = []
        var place = 0
        for _ in 0..<outline.headerCount {
            let name = try RecordWalk.field(outline.headers, &place)
            let value = try RecordWalk.field(outline.headers, &place)
            guard let name, let text = String(validating: name, as: UTF8.self) else { throw .notUTF8 }
            headers.append(RecordField(name: text, value: value.map { Bytes(bytes: $0) }))
        }
        return Record(
            offset: baseOffset &+ outline.offsetDelta, timestamp: timestamp(outline), key: outline.key.map { Bytes(bytes: $0) },
            value: outline.value.map { Bytes(bytes: $0) }, headers: headers)
    }

    package func timestamp(_ outline: RecordOutline) -> Int64 { hasLogAppendTime ? maxTimestamp : baseTimestamp &+ outline.timestampDelta }
}

extension FieldWriter<KafkaDialect> {
    /// Writes a record unchanged but for its time delta.
    mutating func write(_ record: RecordOutline, timestampDelta: Int64) throws(WireError) {
        var fields = FieldWriter<KafkaDialect>()
        var attributes: Int8 = 0
        fields.int8(&attributes)
        try fields.zigzag(of: timestampDelta)
        try fields.zigzag(of: record.offsetDelta)
        try zigzag(of: Int64(fields.buffer.readableBytes + record.rest.count))
        buffer.writeImmutableBuffer(fields.buffer)
        buffer.writeBytes(record.rest)
    }
}

/// Cuts decompressed bytes into records, across the limits of pieces.
private struct RecordWalk {
    private let count: Int
    private var seen = 0
    private var hasEnded = false
    /// The beginning of an incomplete record.
    private var pending: [UInt8] = []
    /// Size of `pending` at which it is examined again.
    private var wanted = 0

    init(count: Int) { self.count = count }

    /// false if `visit` ends the walk.
    mutating func take(_ piece: UnsafeRawBufferPointer, _ visit: (RecordOutline) throws(WireError) -> Bool) throws(WireError) -> Bool {
        guard !pending.isEmpty else {
            let taken = try cut(piece, visit)
            if !hasEnded, taken < piece.count { pending = Array(piece[taken...]) }
            return !hasEnded
        }
        pending += piece
        guard pending.count >= wanted else { return true }
        let whole = pending
        pending = []
        // `whole` outlives the call, and is only read in it.
        let result = whole.withUnsafeBytes { memory in Result { () throws(WireError) in try cut(memory, visit) } }
        let taken = try result.get()
        if !hasEnded, taken < whole.count { pending = Array(whole[taken...]) }
        return !hasEnded
    }

    func finish() throws(WireError) {
        guard !hasEnded else { return }
        guard pending.isEmpty else { throw .truncated(needed: max(1, wanted - pending.count), remaining: 0) }
        guard seen == count else { throw .badLength(count) }
    }

    /// Visits the whole records; returns their bytes.
    private mutating func cut(_ memory: UnsafeRawBufferPointer, _ visit: (RecordOutline) throws(WireError) -> Bool) throws(WireError) -> Int
    {
        var place = 0
        while place < memory.count {
            guard seen < count else { throw .trailingBytes(memory.count - place) }
            var body = place
            guard let length = Self.zigzag(memory, &body) else {
                guard memory.count - place < Self.varintBytesMax else { throw .varintTooLong }
                wanted = 0
                return place
            }
            guard length >= 0, length <= Self.recordBytesMax else { throw .badLength(Int(truncatingIfNeeded: length)) }
            guard Int(length) <= memory.count - body else {
                wanted = body - place + Int(length)
                return place
            }
            let outline = try Self.outline(UnsafeRawBufferPointer(rebasing: memory[body..<(body + Int(length))]))
            seen += 1
            place = body + Int(length)
            guard try visit(outline) else {
                hasEnded = true
                return place
            }
        }
        return place
    }

    private static let varintBytesMax = 10
    /// A record has a length of 32 bits.
    private static let recordBytesMax = Int64(Int32.max)

    private static func outline(_ memory: UnsafeRawBufferPointer) throws(WireError) -> RecordOutline {
        // The first byte holds attributes, of which there are none.
        var place = 1
        guard !memory.isEmpty, let timestampDelta = zigzag(memory, &place), let offsetDelta = zigzag(memory, &place) else {
            throw .truncated(needed: 1, remaining: 0)
        }
        let rest = UnsafeRawBufferPointer(rebasing: memory[place...])
        let key = try field(memory, &place)
        let value = try field(memory, &place)
        guard let headerCount = zigzag(memory, &place) else { throw .truncated(needed: 1, remaining: 0) }
        // A header takes two bytes at least.
        guard headerCount >= 0, headerCount <= (memory.count - place) / 2 else { throw .badLength(Int(truncatingIfNeeded: headerCount)) }
        let headers = UnsafeRawBufferPointer(rebasing: memory[place...])
        for _ in 0..<headerCount {
            guard try field(memory, &place) != nil else { throw .unexpectedNull }
            _ = try field(memory, &place)
        }
        guard place == memory.count else { throw .trailingBytes(memory.count - place) }
        return RecordOutline(
            timestampDelta: timestampDelta, offsetDelta: offsetDelta, key: key, value: value, rest: rest, headers: headers,
            headerCount: Int(headerCount))
    }

    /// A length and that many bytes; nil for the length -1. Everything is checked against the available bytes.
    static func field(_ memory: UnsafeRawBufferPointer, _ place: inout Int) throws(WireError) -> UnsafeRawBufferPointer? {
        guard let length = zigzag(memory, &place) else { throw .truncated(needed: 1, remaining: 0) }
        if length == -1 { return nil }
        guard length >= 0, length <= memory.count - place else { throw .badLength(Int(truncatingIfNeeded: length)) }
        defer { place += Int(length) }
        return UnsafeRawBufferPointer(rebasing: memory[place..<(place + Int(length))])
    }

    /// nil if the bytes end inside the number, or it exceeds 64 bits.
    @inline(__always)
    private static func zigzag(_ memory: UnsafeRawBufferPointer, _ place: inout Int) -> Int64? {
        guard place < memory.count else { return nil }
        let first = memory[place]
        if first < 0x80 {
            place += 1
            return Int64(first >> 1) ^ -Int64(first & 1)
        }
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while place < memory.count, shift < 64 {
            let byte = memory[place]
            place += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }
            shift += 7
        }
        return nil
    }
}
