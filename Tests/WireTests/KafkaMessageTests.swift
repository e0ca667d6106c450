// Every Kafka message in every served version: what is written can be read, what is read is what was written, and damaged bytes end in an
// error and never in a crash. Samples are seeded, so a failure names the message, version and seed that repeat it.
import Base
import Glibc
import Testing

@testable import KafkaWire

/// A message type in one version.
struct MessageCase: CustomTestStringConvertible, Sendable {
    var row: ApiRow
    var version: Int16
    var type: any WireLayout.Type
    var testDescription: String { "\(type) v\(version)" }

    static var all: [MessageCase] {
        ApiTable.rows.flatMap { row in
            row.versions.flatMap { version in
                [MessageCase(row: row, version: version, type: row.request), MessageCase(row: row, version: version, type: row.response)]
            }
        }
    }

    var flexible: Bool { row.isFlexible(version) }
}

@Suite struct KafkaMessageTests {
    private func encoded<L: WireLayout>(_ message: L, _ one: MessageCase) throws -> Bytes {
        try message.encoded(as: KafkaDialect.self, version: one.version, flexible: one.flexible)
    }

    private func roundTrip<L: WireLayout>(_: L.Type, _ one: MessageCase, seed: UInt64) throws {
        let sample = L.sample(seed: seed, version: one.version, flexible: one.flexible)
        let bytes = try encoded(sample, one)
        let read = try L(decoding: bytes, as: KafkaDialect.self, version: one.version, flexible: one.flexible)
        #expect(read.printed(version: one.version) == sample.printed(version: one.version), "seed \(seed)")
        #expect(try encoded(read, one) == bytes, "seed \(seed)")
    }

    @Test("a message is read as it was written", arguments: MessageCase.all)
    func messageIsReadAsWritten(_ one: MessageCase) throws {
        for seed in UInt64(0)..<100 { try roundTrip(one.type, one, seed: seed) }
    }

    private func mutate<L: WireLayout>(_: L.Type, _ one: MessageCase, seed: UInt64) throws {
        var random = Prng(seed: seed)
        var bytes = try encoded(L.sample(seed: seed, version: one.version, flexible: one.flexible), one)
        guard bytes.readableBytes > 0 else { return }
        for _ in 0..<(1 + random.below(4)) {
            let place = bytes.readerIndex + random.below(bytes.readableBytes)
            switch random.below(3) {
            case 0: bytes.setInteger(UInt8(truncatingIfNeeded: random.next()), at: place)
            case 1: bytes.setInteger(UInt8.max, at: place)
            default: bytes = bytes.getSlice(at: bytes.readerIndex, length: max(1, place - bytes.readerIndex)) ?? bytes
            }
        }
        // Either is right; that it returns at all is what counts.
        _ = Result { try L(decoding: bytes, as: KafkaDialect.self, version: one.version, flexible: one.flexible) }
    }

    @Test("mutated bytes never crash a decoder", arguments: MessageCase.all)
    func mutatedBytesNeverCrash(_ one: MessageCase) throws {
        for seed in UInt64(0)..<100 { try mutate(one.type, one, seed: seed) }
    }

    @Test func randomFramesNeverCrashTheFrameDecoder() {
        var random = Prng(seed: 7)
        for _ in 0..<20_000 {
            var bytes = Bytes()
            let row = ApiTable.rows[random.below(ApiTable.rows.count)]
            bytes.writeInteger(random.chance(1, in: 10) ? Int16(truncatingIfNeeded: random.next()) : row.key.rawValue)
            bytes.writeInteger(Int16(random.below(20)))
            for _ in 0..<random.below(60) { bytes.writeInteger(UInt8(truncatingIfNeeded: random.next() & random.next())) }
            _ = Result { try KafkaFrame.decodeRequest(bytes) }
        }
    }

    @Test func rowsAreInTheOrderOfTheirKeys() {
        let keys = ApiTable.rows.map(\.key.rawValue)
        #expect(zip(keys, keys.dropFirst()).allSatisfy { $0 < $1 })
        #expect(ApiTable.rows.allSatisfy { ApiTable.row(number: $0.key.rawValue)?.name == $0.name })
    }

    private func refuse<Request: KafkaRequest>(_: Request.Type, _ one: MessageCase, seed: UInt64) throws {
        let refused = Request.sample(seed: seed, version: one.version, flexible: one.flexible).refused(.clusterAuthorizationFailed)
        var bytes = Bytes()
        #expect(try refused.write(into: &bytes, version: one.version, flexible: one.flexible, cutBytes: .max).isEmpty)
        let read = try Request.Response.read(bytes, version: one.version, flexible: one.flexible)
        #expect(read.printed(version: one.version) == refused.printed(version: one.version), "seed \(seed)")
    }

    @Test("a request can be refused in every version", arguments: MessageCase.all.filter { $0.type is any KafkaRequest.Type })
    func everyRequestCanBeRefused(_ one: MessageCase) throws {
        for seed in UInt64(0)..<20 { try refuse(one.row.request, one, seed: seed) }
    }

    @Test func onlyTheseResponsesHaveNoThrottleTime() {
        let silent = ApiTable.rows.filter { !($0.response is any ThrottledResponse.Type) }.map(\.name)
        #expect(silent == ["SaslHandshake", "WriteTxnMarkers", "SaslAuthenticate", "DescribeQuorum"])
    }

    @Test func apiVersionsOfAnUnknownVersionIsRecognised() throws {
        var frame = Bytes()
        frame.writeInteger(ApiVersionsRequest.apiKey.rawValue)
        frame.writeInteger(Int16(99))
        frame.writeInteger(Int32(5))
        frame.writeRepeatingByte(0xff, count: 20)
        guard case .unknownApiVersions(let header) = try KafkaFrame.decodeRequest(frame) else {
            Issue.record("taken for a known version")
            return
        }
        #expect(header.correlationID == 5)
    }

    @Test func anApiVersionsResponseNeverHasAFlexibleHeader() throws {
        let frame = try KafkaFrame.encodeResponse(
            ApiVersionsResponse(errorCode: .unsupportedVersion), of: ApiTable.row(ApiVersionsRequest.apiKey), correlationID: 1, version: 3
        ).joined
        // Size, correlation id, and at once the error code.
        #expect(frame.getInteger(at: 8, as: Int16.self) == KafkaErrorCode.unsupportedVersion.rawValue)
    }

    @Test(arguments: [Int16(4), 11, 12, 16]) func aFetchInPiecesIsTheSameFrame(version: Int16) throws {
        func answer(_ records: [BytesOrFile?]) -> FetchResponse {
            FetchResponse(topics: [.init(name: "t", partitions: records.enumerated().map { .init(partition: Int32($0), records: $1) })])
        }
        let row = ApiTable.row(FetchRequest.apiKey)
        let sizes = [0, 10, 5000, 100, 7000]
        let records = sizes.map { BytesOrFile.memory(Bytes(repeating: UInt8(truncatingIfNeeded: $0), count: $0)) }
        let whole = try KafkaFrame.encodeResponse(answer(records + [nil]), of: row, correlationID: 7, version: version)
        let cut = try KafkaFrame.encodeResponse(answer(records + [nil]), of: row, correlationID: 7, version: version, cutBytes: 1000)
        #expect(whole.rest.isEmpty && cut.rest.count == 4)
        #expect(cut.joined == whole.head && cut.byteCount == whole.head.readableBytes)
        // Nor does it matter in how many pieces records lie.
        let pieces = sizes.map {
            BytesOrFile.pieces([
                Bytes(repeating: UInt8(truncatingIfNeeded: $0), count: $0 / 2),
                Bytes(repeating: UInt8(truncatingIfNeeded: $0), count: $0 - $0 / 2),
            ])
        }
        let pieced = try KafkaFrame.encodeResponse(answer(pieces + [nil]), of: row, correlationID: 7, version: version, cutBytes: 1000)
        #expect(try KafkaFrame.encodeResponse(answer(pieces + [nil]), of: row, correlationID: 7, version: version).joined == whole.head)
        #expect(pieced.joined == whole.head && pieced.byteCount == whole.byteCount && pieced.rest.count == 6)
        // What lies in a file is always a piece, and counts in the lengths like anything else.
        let file = SharedFile(takingOver: open("/dev/null", O_RDONLY))
        let inFile = sizes.map { BytesOrFile.file(FileExtent(file, position: 3, count: $0)) }
        let filed = try KafkaFrame.encodeResponse(answer(inFile + [nil]), of: row, correlationID: 7, version: version)
        #expect(filed.byteCount == whole.byteCount && filed.head == whole.head.getSlice(at: 0, length: filed.head.readableBytes))
        #expect(filed.rest.count == sizes.count * 2)
    }

    @Test func anUnservedVersionIsAWireError() {
        var frame = Bytes()
        frame.writeInteger(FetchRequest.apiKey.rawValue)
        frame.writeInteger(Int16(3))
        frame.writeInteger(Int32(1))
        #expect(throws: WireError.unknownTag("version of Fetch", 3)) { try KafkaFrame.decodeRequest(frame) }
    }
}
