// Record batches: the builder and the view agree, offsets are patched without touching the checksum, damage is noticed.
import Base
import Testing

@testable import KafkaWire

@Suite struct RecordBatchTests {
    private func records(_ count: Int, seed: UInt64) -> [Record] {
        var random = Prng(seed: seed)
        return (0..<count).map { index in
            Record(
                offset: Int64(index), timestamp: 1_700_000_000_000 + Int64(random.below(1000)),
                key: random.chance(1, in: 3) ? nil : Bytes(string: "key\(index)"),
                value: random.chance(1, in: 5) ? nil : Bytes(string: String(repeating: "v", count: random.below(300))),
                headers: (0..<random.below(3)).map {
                    RecordField(name: "h\($0)", value: random.chance(1, in: 2) ? Bytes(string: "x") : nil)
                })
        }
    }

    private func batch(_ records: [Record], _ compression: Compression = .none) throws -> RecordBatch {
        var builder = RecordBatchBuilder(compression: compression)
        for record in records { builder.add(record) }
        return try RecordBatch(try builder.build())
    }

    @Test("records come out of a batch as they went in", arguments: [Compression.none, .gzip])
    func recordsComeOutAsTheyWentIn(_ compression: Compression) throws {
        for seed in UInt64(0)..<50 {
            let sent = records(1 + Int(seed) * 3, seed: seed)
            let batch = try batch(sent, compression)
            #expect(batch.isIntact)
            #expect(try batch.records() == sent, "seed \(seed)")
        }
    }

    @Test func anOffsetIsPatchedWithoutANewChecksum() throws {
        let batch = try batch(records(5, seed: 1))
        var log = Bytes()
        batch.append(to: &log, baseOffset: 1000, leaderEpoch: 7, logAppendTime: nil)
        let stored = try RecordBatch(log)
        #expect(stored.baseOffset == 1000 && stored.leaderEpoch == 7 && stored.nextOffset == 1005)
        #expect(stored.crc == batch.crc && stored.isIntact)
        #expect(try stored.records().map(\.offset) == [1000, 1001, 1002, 1003, 1004])
        #expect(batch.baseOffset == 0, "the batch that came in is not touched")
    }

    @Test func anOffsetIsSetWhereTheBatchLiesUnlessSomebodyElseHoldsIt() throws {
        var batch = try batch(records(5, seed: 1))
        let held = batch
        batch.place(at: 1000, leaderEpoch: 7, logAppendTime: nil)
        #expect(held.baseOffset == 0 && batch.baseOffset == 1000 && batch.leaderEpoch == 7 && batch.isIntact)
        func address(_ batch: borrowing RecordBatch) -> UnsafeRawPointer? { batch.bytes.withUnsafeReadableBytes { $0.baseAddress } }
        let before = address(batch)
        batch.place(at: 2000, leaderEpoch: 8, logAppendTime: 99)
        #expect(address(batch) == before && batch.baseOffset == 2000 && batch.isIntact)
        #expect(try batch.records().map(\.timestamp) == [99, 99, 99, 99, 99])
    }

    @Test func logAppendTimeReplacesTheProducersTime() throws {
        var log = Bytes(string: "before")
        log.moveReaderIndex(forwardBy: 6)
        try batch(records(3, seed: 2)).append(to: &log, baseOffset: 10, leaderEpoch: 0, logAppendTime: 99)
        let stored = try RecordBatch(log)
        #expect(stored.isIntact && stored.hasLogAppendTime)
        #expect(try stored.records().map(\.timestamp) == [99, 99, 99])
    }

    @Test func everyFlippedBitBehindTheChecksumIsNoticed() throws {
        let batch = try batch(records(3, seed: 3))
        for place in 17..<batch.sizeBytes {
            for bit in 0..<8 {
                var bytes = batch.bytes
                let byte: UInt8 = bytes.integer(at: bytes.readerIndex + place)
                bytes.setInteger(byte ^ (1 << bit), at: bytes.readerIndex + place)
                #expect(!RecordBatch.isIntact(bytes), "bit \(bit) of byte \(place)")
            }
        }
    }

    @Test func mutatedBatchesNeverCrash() throws {
        var random = Prng(seed: 11)
        for round in 0..<20_000 {
            var bytes = try batch(records(1 + random.below(4), seed: UInt64(round)), random.chance(1, in: 4) ? .gzip : .none).bytes
            for _ in 0..<(1 + random.below(3)) {
                bytes.setInteger(UInt8(truncatingIfNeeded: random.next()), at: bytes.readerIndex + random.below(bytes.readableBytes))
            }
            _ = RecordBatch.peek(bytes)
            _ = Result { for one in try RecordBatch.all(in: bytes) { _ = try one.records(bytesMax: 1 << 20) } }
        }
    }

    @Test func anOldMessageSetIsToldByItsMagic() throws {
        var old = Bytes()
        old.writeInteger(Int64(0))
        old.writeInteger(Int32(30))
        old.writeInteger(UInt32(0))
        old.writeInteger(Int8(1))
        old.writeRepeatingByte(0, count: 40)
        #expect(throws: WireError.unknownTag("magic", 1)) { try RecordBatch(old) }
    }

    @Test func decompressionIsBounded() throws {
        var builder = RecordBatchBuilder(compression: .gzip)
        builder.add(Record(timestamp: 0, key: nil, value: Bytes(repeating: 0, count: 4 << 20)))
        let bomb = try RecordBatch(try builder.build())
        #expect(bomb.sizeBytes < 64 << 10)
        #expect(throws: WireError.overLimit("decompressed batch bytes", 1 << 20)) { try bomb.records(bytesMax: 1 << 20) }
    }

    @Test func aBatchThatIsCutShortIsLeftOut() throws {
        var two = try batch(records(2, seed: 4)).bytes
        let first = two.readableBytes
        two.writeImmutableBuffer(try batch(records(2, seed: 5)).bytes)
        let cut = try #require(two.getSlice(at: two.readerIndex, length: two.readableBytes - 1))
        let found = try RecordBatch.all(in: cut)
        #expect(found.count == 1 && found[0].sizeBytes == first)
    }
}
