// Requests as real clients sent them, recorded between client and broker (Golden/kafka, one file per client, API and version; the first
// line of a file tells its origin). They pin what a round trip cannot: that both directions are right and not wrong alike.
import Base
import Foundation
import Testing

@testable import KafkaWire

/// A recorded request.
struct GoldenRequest: CustomTestStringConvertible, Sendable {
    var name: String
    var frame: [UInt8]
    var testDescription: String { name }

    static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden/kafka")

    static let all: [GoldenRequest] = {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".hex") }.sorted() } catch {
            return []
        }
        return names.compactMap(load)
    }()

    static func load(_ name: String) -> GoldenRequest? {
        guard let data = FileManager.default.contents(atPath: directory.appendingPathComponent(name).path) else { return nil }
        let digits = Array(String(decoding: data, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.joined().utf8)
        var frame: [UInt8] = []
        for place in stride(from: 0, to: digits.count - 1, by: 2) {
            guard let byte = UInt8(String(decoding: digits[place...place + 1], as: UTF8.self), radix: 16) else { return nil }
            frame.append(byte)
        }
        return GoldenRequest(name: String(name.dropLast(4)), frame: frame)
    }
}

@Suite struct KafkaGoldenTests {
    @Test func recordingsAreThere() { #expect(GoldenRequest.all.count >= 60) }

    @Test("a recorded request is read to its last byte and written back the same", arguments: GoldenRequest.all)
    func recordedRequestIsReadAndWrittenBack(_ golden: GoldenRequest) throws {
        guard case .request(let header, let body) = try KafkaFrame.decodeRequest(Bytes(bytes: golden.frame)) else {
            Issue.record("taken for an unknown ApiVersions")
            return
        }
        #expect(golden.name.hasSuffix("\(ApiTable.row(type(of: body).apiKey).name)-v\(header.version)"))
        var again = try KafkaFrame.encodeRequest(
            body, correlationID: header.correlationID, version: header.version, clientID: header.clientID ?? "")
        again.moveReaderIndex(forwardBy: 4)
        #expect(again.array == golden.frame)
    }

    private func recorded<Request: KafkaRequest>(_ name: String) throws -> Request {
        let golden = try #require(GoldenRequest.load(name + ".hex"))
        guard case .request(_, let body) = try KafkaFrame.decodeRequest(Bytes(bytes: golden.frame)) else { throw WireError.unexpectedNull }
        return try #require(body as? Request)
    }

    @Test func kafkaPythonsProduceCarriesAnIntactBatch() throws {
        let request: ProduceRequest = try recorded("kafka-python-3.0.12-Produce-v9")
        #expect(request.topics.count == 1)
        let batch = try RecordBatch(try #require(request.topics[0].partitions[0].records))
        #expect(batch.isIntact)
        let records = try batch.records()
        #expect(records.map { $0.value?.text } == ["my_message"])
    }

    @Test func librdkafkasProduceCarriesAnIntactBatch() throws {
        let request: ProduceRequest = try recorded("kcat-1.7.1-Produce-v7")
        let batch = try RecordBatch(try #require(request.topics[0].partitions[0].records))
        #expect(batch.isIntact)
        #expect(Int(batch.recordCount) == Int(batch.lastOffsetDelta) + 1)
        #expect(try batch.records().count == Int(batch.recordCount))
    }

    @Test func aSubscriptionInAJoinIsUnderstood() throws {
        let request: JoinGroupRequest = try recorded("confluent-kafka-2.16.1-JoinGroup-v5")
        #expect(request.protocolType == ConsumerProtocol.name)
        let first = try #require(request.protocols.first)
        #expect(first.name == "cooperative-sticky")
        let subscription = try ConsumerProtocol.decode(ConsumerSubscription.self, first.metadata)
        #expect(subscription.topics.count == 1)
    }

    @Test func aFetchByTopicIDIsUnderstood() throws {
        let request: FetchRequest = try recorded("confluent-kafka-2.16.1-Fetch-v16")
        #expect(request.topics.allSatisfy { !$0.topicID.isZero && !$0.partitions.isEmpty })
        #expect(request.maxBytes > 0 && request.minBytes == 1)
    }
}
