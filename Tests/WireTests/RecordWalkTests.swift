// Batches are walked record by record, whatever codec packed them, and nonsense inside ends the walk with an error.
import Base
import Testing

@testable import KafkaWire

@Suite struct RecordWalkTests {
    private func record(_ index: Int) -> Record {
        let value = Bytes(repeating: UInt8(truncatingIfNeeded: index), count: index % 50 == 0 ? 90_000 : index % 300)
        return Record(
            offset: Int64(index), timestamp: 1000 + Int64(index), key: index % 3 == 0 ? nil : Bytes(string: "k\(index)"),
            value: index % 7 == 0 ? nil : value,
            headers: index % 5 == 0 ? [RecordField(name: "h", value: nil), RecordField(name: "", value: Bytes(string: "x"))] : [])
    }

    /// A batch of format 2 with this body, whose checksum holds.
    private func batch(_ body: [UInt8], count: Int32) throws -> RecordBatch {
        var builder = RecordBatchBuilder()
        builder.add(Record(timestamp: 0, key: nil, value: nil))
        var bytes = try builder.build().getSlice(at: 0, length: RecordBatchFormat.headerBytes)!
        bytes.setInteger(Int32(RecordBatchFormat.headerBytes - RecordBatchFormat.prefixBytes + body.count), at: RecordBatchFormat.lengthAt)
        bytes.setInteger(count, at: RecordBatchFormat.recordCountAt)
        bytes.writeBytes(body)
        return try RecordBatch(bytes)
    }

    private func walked(_ batch: RecordBatch) throws -> Int {
        var count = 0
        try batch.forEachRecord { _ in
            count += 1
            return true
        }
        return count
    }

    @Test(arguments: [Compression.none, .gzip]) func aWalkFindsWhatWasWritten(_ codec: Compression) throws {
        var builder = RecordBatchBuilder(compression: codec)
        for index in 0..<2000 { builder.add(record(index)) }
        let batch = try RecordBatch(try builder.build())
        var found: [Record] = []
        try batch.forEachRecord { (outline) throws(WireError) in
            found.append(try batch.record(outline))
            return true
        }
        #expect(found == (0..<2000).map(record))
    }

    @Test func aWalkEndsWhereItIsTold() throws {
        var builder = RecordBatchBuilder()
        for index in 0..<100 { builder.add(record(index)) }
        var seen = 0
        try RecordBatch(try builder.build()).forEachRecord { _ in
            seen += 1
            return seen < 10
        }
        #expect(seen == 10)
    }

    /// Length 6: attributes, times and offset 0, no key, no value, no headers.
    private static let whole: [UInt8] = [12, 0, 0, 0, 1, 1, 0]

    @Test func moreOrFewerRecordsThanCountedAreAnError() throws {
        #expect(try walked(batch(Self.whole + Self.whole, count: 2)) == 2)
        #expect(throws: WireError.self) { try walked(batch(Self.whole, count: 2)) }
        #expect(throws: WireError.self) { try walked(batch(Self.whole + Self.whole, count: 1)) }
        #expect(throws: WireError.self) { try walked(batch([], count: 1)) }
        #expect(throws: WireError.self) { try walked(batch(Self.whole, count: -1)) }
        #expect(throws: WireError.self) { try walked(batch(Self.whole, count: .min)) }
    }

    @Test(
        "broken lengths are an error",
        arguments: [
            [13, 0, 0, 0, 1, 1, 0], [14, 0, 0, 0, 1, 1, 0], [10, 0, 0, 0, 1, 1, 0], [1], [0x80], [12, 0, 0, 0, 3, 1, 0],
            [12, 0, 0, 0, 100, 1, 0], [12, 0, 0, 0, 1, 1, 2],
            [12, 0, 0, 0, 1, 1, 1], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0],
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            [0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 1, 1, 0],
        ] as [[UInt8]]) func brokenLengths(_ body: [UInt8]) throws
    {
        #expect(throws: WireError.self) { try walked(batch(body, count: 1)) }
    }

    @Test func numbersAtTheEndsOfTheirRangeAreRead() throws {
        // The least and the greatest delta, as zigzag varints of ten bytes.
        let least = [UInt8](repeating: 0xff, count: 9) + [0x01]
        let greatest: [UInt8] = [0xfe] + [UInt8](repeating: 0xff, count: 8) + [0x01]
        let body = [0] + least + greatest + [1, 1, 0]
        let one = try batch([UInt8(2 * body.count)] + body, count: 1)
        var deltas: [Int64] = []
        try one.forEachRecord { record in
            deltas += [record.timestampDelta, record.offsetDelta]
            return true
        }
        #expect(deltas == [.min, .max])
        // What compaction makes of it is read again.
        #expect(try walked(RecordBatch(try one.keeping(deleteHorizon: 5) { _ in true })) == 1)
    }

    @Test func aHighestTimeIsSetWithItsChecksum() throws {
        var builder = RecordBatchBuilder()
        builder.add(record(1))
        var batch = try RecordBatch(try builder.build())
        let before = batch
        batch.set(maxTimestamp: 77)
        #expect(batch.isIntact && batch.maxTimestamp == 77)
        #expect(before.isIntact && before.maxTimestamp == 1001)
    }
}
