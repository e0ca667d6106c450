// Markers: what ends a transaction in a partition can be read back, and bytes as Kafka writes them are understood.
import Base
import Testing

@testable import KafkaWire

@Suite struct ControlBatchTests {
    @Test("a marker is read as it was written", arguments: [TransactionMarker.abort, .commit])
    func markerIsReadBack(_ marker: TransactionMarker) throws {
        let batch = marker.batch(producerID: 42, producerEpoch: 3, timestamp: 1_700_000_000_000)
        #expect(batch.isControl && batch.isTransactional && batch.isIntact)
        #expect(batch.producerID == 42 && batch.producerEpoch == 3 && batch.baseSequence == -1 && batch.recordCount == 1)
        #expect(batch.marker == marker)
        let fields = try #require(RecordBatch.peek(batch.bytes))
        #expect(fields.isControl && fields.isTransactional)
    }

    @Test func theKeyAndTheValueLieAsInKafka() throws {
        let record = try #require(try TransactionMarker.commit.batch(producerID: 1, producerEpoch: 0, timestamp: 5).records().first)
        // Version 0, type 1 (commit); version 0, coordinator epoch 0.
        #expect(record.key?.readableBytesView.elementsEqual([0, 0, 0, 1]) == true)
        #expect(record.value?.readableBytesView.elementsEqual([0, 0, 0, 0, 0, 0]) == true)
    }

    @Test func aBatchOfRecordsHasNoMarker() throws {
        var builder = RecordBatchBuilder()
        builder.isTransactional = true
        builder.add(Record(timestamp: 1, key: Bytes(bytes: [0, 0, 0, 1]), value: nil))
        #expect(try RecordBatch(try builder.build()).marker == nil)
    }

    @Test func featuresLieInTaggedFields() throws {
        let sent = ApiVersionsResponse(features: [.init(name: "transaction.version", level: 2)])
        let bytes = try sent.encoded(as: KafkaDialect.self, version: 3, flexible: true)
        #expect(try ApiVersionsResponse(decoding: bytes, as: KafkaDialect.self, version: 3, flexible: true) == sent)
        // Older versions have no room for them.
        let old = try sent.encoded(as: KafkaDialect.self, version: 2)
        #expect(try ApiVersionsResponse(decoding: old, as: KafkaDialect.self, version: 2).features.isEmpty)
    }
}
