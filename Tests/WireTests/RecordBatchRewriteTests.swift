// Batches that lose records keep their place, their times and their producer.
import Base
import Testing

@testable import KafkaWire

@Suite struct RecordBatchRewriteTests {
    private func batch(_ codec: Compression, count: Int = 5) throws -> RecordBatch {
        var builder = RecordBatchBuilder(compression: codec)
        builder.producerID = 9
        builder.producerEpoch = 2
        builder.baseSequence = 40
        for number in 0..<count {
            builder.add(
                Record(
                    timestamp: 1000 + Int64(number), key: Bytes(string: "k\(number)"), value: Bytes(string: "v\(number)"),
                    headers: [RecordField(name: "h", value: nil)]))
        }
        var log = Bytes()
        try RecordBatch(try builder.build()).append(to: &log, baseOffset: 700, leaderEpoch: 0, logAppendTime: nil)
        return try RecordBatch(log)
    }

    @Test("the records that stay are found where they were", arguments: [Compression.none, .gzip])
    func recordsStayInPlace(_ codec: Compression) throws {
        let whole = try batch(codec)
        let kept = try whole.records().filter { $0.offset == 701 || $0.offset == 703 }
        let less = try RecordBatch(try whole.keeping(deleteHorizon: nil) { [1, 3].contains($0.offsetDelta) })
        #expect(less.isIntact && less.recordCount == 2)
        #expect(less.baseOffset == 700 && less.nextOffset == 705 && less.codecNumber == codec.rawValue)
        #expect(less.producerID == 9 && less.producerEpoch == 2 && less.baseSequence == 40)
        #expect(try less.records() == kept)
        #expect(less.maxTimestamp == 1003 && less.deleteHorizon == nil)
    }

    @Test func aHorizonTakesThePlaceOfTheBaseTimeAndRecordsKeepTheirs() throws {
        let whole = try batch(.none)
        let kept = try whole.records()
        let marked = try RecordBatch(try whole.keeping(deleteHorizon: 5_000_000) { _ in true })
        #expect(marked.deleteHorizon == 5_000_000)
        #expect(try marked.records() == kept)
        let plain = try RecordBatch(try marked.keeping(deleteHorizon: nil) { _ in true })
        #expect(plain.deleteHorizon == nil)
        #expect(try plain.records() == kept)
    }

    @Test func aBatchWithoutRecordsKeepsItsPlaceAndSequence() throws {
        let empty = try RecordBatch(try batch(.gzip).keeping(deleteHorizon: nil) { _ in false })
        #expect(empty.isIntact && empty.recordCount == 0 && empty.baseOffset == 700 && empty.nextOffset == 705 && empty.baseSequence == 40)
        #expect(try empty.records().isEmpty)
    }
}
