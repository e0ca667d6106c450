// Kafka's protocol as the fuzzer's subject: every row of the API table in every version, drawn from its layout; connections without lasting
// state; and an administrator's view of topics, settings, groups, rules, limits, users, and of the records themselves.
import Base
import KafkaWire

enum KafkaSubject: Subject {
    static let name = "broker"

    static func arguments(servers: Int) -> [String] {
        let settings =
            [
                "broker.cleaner-interval.ms=3600000", "broker.offsets.retention.check.interval.ms=86400000",
                "broker.session-timeout-min.ms=10", "broker.oauth.unsecured-tokens=true", "log.level=error",
            ] + (servers > 1 ? ["broker.nodes=\(servers)"] : [])
        return ["--only", "broker"] + settings.flatMap { ["--set", $0] }
    }

    static func endpoints(servers: Int) -> [String] { (1...servers).map { $0 == 1 ? "broker" : "broker-\($0)" } }

    // MARK: requests

    private static let topics = ["a", "b", "compacted"]
    private static let groups = ["g", "h", "share-group"]

    private static func batch(
        _ count: Int, _ codec: Compression = .none, producer: Int64 = -1, sequence: Int32 = -1, inTransaction: Bool = false
    ) -> Bytes {
        var builder = RecordBatchBuilder(compression: codec)
        builder.producerID = producer
        builder.producerEpoch = producer < 0 ? -1 : 0
        builder.baseSequence = sequence
        builder.isTransactional = inTransaction
        for number in 0..<count {
            builder.add(
                Record(
                    timestamp: 1_700_000_000_000 + Int64(number), key: Bytes(string: "k\(number % 3)"), value: Bytes(string: "v\(number)")))
        }
        do { return try builder.build() } catch { preconditionFailure("a batch of ours can be written: \(error)") }
    }

    /// A batch with one header field at a boundary, and a matching checksum.
    private static func bent(_ place: Int, _ size: Int, _ value: Int64) -> Bytes {
        var bytes = batch(3)
        for index in 0..<size { bytes.setInteger(UInt8(truncatingIfNeeded: value >> Int64(8 * (size - 1 - index))), at: place + index) }
        let covered = bytes.getSlice(at: 21, length: bytes.readableBytes - 21) ?? Bytes()
        bytes.setInteger(CRC32C.checksum(covered), at: 17)
        return bytes
    }

    private static let edges = SampleEdges(
        words: topics + groups + [
            "__consumer_offsets", "new", "x.y_z-1", "1", "User:ann", "User:*", "*", "kafka-cluster", "retention.ms", "cleanup.policy",
            "compact", "segment.ms", "message.timestamp.after.max.ms",
            "share.auto.offset.reset", "by_duration:PT1H", "num.partitions", "user", "client-id", "ip", "producer_byte_rate", "127.0.0.1",
            "PLAIN", "SCRAM-SHA-256", "consumer", "range",
            "uniform", "member-1", "a|b|.*", "(a*)*b", "1:1,0:1",
        ],
        payloads: [
            batch(1), batch(5), batch(100, .gzip), batch(2, producer: 0, sequence: 0), batch(2, producer: 0, sequence: .max),
            batch(1, producer: 0, sequence: 0, inTransaction: true),
            bent(0, 8, .max), bent(23, 4, -1), bent(23, 4, Int64(Int32.max)), bent(27, 8, .min), bent(35, 8, .max), bent(43, 8, .max),
            bent(53, 4, .max), bent(57, 4, .max), bent(57, 4, Int64(Int32.min)),
        ], numbers: [-2, -1, 0, 0, 1, 2, 3, 4, 5, 100], bytesMax: 300_000, elementsMax: 2000)

    static func draw(_ random: inout Prng) -> DrawnRequest {
        if random.below(8) == 0 { return rightful(&random) }
        while true { if let request = draw(&random, edges) { return request } }
    }

    /// A request of some API in some version; nil for a useless one.
    static func draw(_ random: inout Prng, _ edges: SampleEdges) -> DrawnRequest? {
        let row = ApiTable.rows[random.below(ApiTable.rows.count)]
        let version = row.versions.lowerBound + Int16(random.below(row.versions.count))
        var sampler = FieldSampler(seed: random.next(), version: version, flexible: row.isFlexible(version), edges: edges)
        return drawn(row, version, row.request, &sampler)
    }

    /// nil for a useless request: one that waits for minutes, or one without an answer.
    private static func drawn<Request: KafkaRequest>(_ row: ApiRow, _ version: Int16, _: Request.Type, _ sampler: inout FieldSampler)
        -> DrawnRequest?
    {
        var value = Request()
        do {
            try value.layout(&sampler)
            var bytes = Bytes()
            try value.write(into: &bytes, version: version, flexible: row.isFlexible(version))
            return try request(patient(try Request.read(bytes, version: version, flexible: row.isFlexible(version))), version)
        } catch { return nil }
    }

    private static func request(_ body: any KafkaRequest, _ version: Int16) throws(WireError) -> DrawnRequest {
        let row = ApiTable.row(type(of: body).apiKey)
        var frame = try KafkaFrame.encodeRequest(body, correlationID: 7, version: version, clientID: "fuzz")
        frame.moveReaderIndex(forwardBy: 4)
        return DrawnRequest(
            name: "\(row.name) \(version) \(String(describing: body).prefix(400))", operation: Int32(row.key.rawValue), body: frame)
    }

    /// The request with short waits, and with an answer.
    private static func patient(_ body: any KafkaRequest) -> any KafkaRequest {
        switch body {
        case var request as ProduceRequest:
            if request.acks == 0 { request.acks = -1 }
            request.timeoutMilliseconds = min(request.timeoutMilliseconds, 1000)
            return request
        case var request as FetchRequest:
            request.maxWaitMilliseconds = min(request.maxWaitMilliseconds, 50)
            return request
        case var request as ShareFetchRequest:
            request.maxWaitMilliseconds = min(request.maxWaitMilliseconds, 50)
            return request
        case var request as JoinGroupRequest:
            request.rebalanceTimeoutMilliseconds = min(request.rebalanceTimeoutMilliseconds, 200)
            request.sessionTimeoutMilliseconds = min(request.sessionTimeoutMilliseconds, 200)
            return request
        case var request as AddRaftVoterRequest:
            request.timeoutMilliseconds = min(request.timeoutMilliseconds, 100)
            return request
        default: return body
        }
    }

    /// A request that is likely to succeed, so that later requests meet something.
    private static func rightful(_ random: inout Prng) -> DrawnRequest {
        let topic = topics[random.below(topics.count)]
        let body: any KafkaRequest =
            switch random.below(4) {
            case 0:
                CreateTopicsRequest(
                    topics: [
                        .init(
                            name: topic, numPartitions: 2, replicationFactor: 1,
                            configs: topic == "compacted" ? [.init(name: "cleanup.policy", value: "compact")] : [])
                    ], timeoutMilliseconds: 5000, validateOnly: false)
            case 1:
                OffsetCommitRequest(
                    groupID: groups[random.below(2)], generationID: -1, memberID: "",
                    topics: [.init(name: topic, partitions: [.init(partition: 0, committedOffset: Int64(random.below(100)))])])
            default:
                ProduceRequest(
                    acks: -1, timeoutMilliseconds: 1000,
                    topics: [
                        .init(name: topic, partitions: [.init(partition: Int32(random.below(2)), records: edges.payloads[random.below(3)])])
                    ])
            }
        do { return try request(body, body is ProduceRequest ? 9 : body is CreateTopicsRequest ? 5 : 7) } catch {
            preconditionFailure("a request of ours can be written: \(error)")
        }
    }

    static func isComparable(_ request: DrawnRequest) -> Bool { false }

    // MARK: sessions and state

    static func connect(_ address: String) throws -> any SubjectSession { try KafkaSession(address) }

    static func state(_ address: String) throws -> [String] {
        let session = try KafkaSession(address)
        let metadata = try session.ask(MetadataRequest(topics: nil, allowAutoTopicCreation: false), 12)
        var lines: [String] = []
        for topic in metadata.topics.sorted(by: { ($0.name ?? "") < ($1.name ?? "") }) {
            guard let name = topic.name else { continue }
            lines.append("topic \(name) \(topic.topicID) \(topic.partitions.count)")
            lines += try settings(session, 2, name)
            for number in 0..<Int32(min(topic.partitions.count, 4)) { lines.append(try records(session, name, number)) }
        }
        lines += try settings(session, 4, "")
        let groups = try session.ask(ListGroupsRequest(), 4)
        for group in groups.groups.map(\.groupID).sorted() {
            let request = OffsetFetchRequest(groups: [.init(groupID: group)])
            let offsets = try session.ask(request, 8)
            for topic in offsets.groups.flatMap(\.topics) { lines.append("offsets \(group.debugDescription) \(topic)") }
        }
        lines.append(
            "\(try session.ask(DescribeAclsRequest(resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1), 3))")
        lines.append("\(try session.ask(DescribeClientQuotasRequest(), 1))")
        lines.append("\(try session.ask(DescribeUserScramCredentialsRequest(), 0))")
        return lines
    }

    private static func settings(_ session: KafkaSession, _ kind: Int8, _ name: String) throws -> [String] {
        let request = DescribeConfigsRequest(resources: [.init(resourceType: kind, resourceName: name)])
        let answer = try session.ask(request, 2)
        return answer.results.flatMap(\.configs).filter { !$0.name.hasSuffix("listeners") }.map {
            "setting \(kind) \(name) \($0.name)=\($0.value ?? "null")"
        }
    }

    /// A checksum of the records of a partition, without the ends of transactions, whose time varies.
    private static func records(_ session: KafkaSession, _ topic: String, _ partition: Int32) throws -> String {
        var (offset, sum, count) = (Int64(0), UInt32(0), 0)
        let begin = ListOffsetsRequest(
            replicaID: -1, topics: [.init(name: topic, partitions: [.init(partition: partition, timestamp: -2)])])
        let found = try session.ask(begin, 6)
        guard let first = found.topics.first?.partitions.first else { throw Finding("no first offset of \(topic)") }
        offset = first.offset
        while true {
            let request = FetchRequest(
                maxBytes: 1 << 20, sessionEpoch: -1,
                topics: [.init(name: topic, partitions: [.init(partition: partition, fetchOffset: offset, partitionMaxBytes: 1 << 20)])])
            let answer = try session.ask(request, 11)
            guard let part = answer.topics.first?.partitions.first else { throw Finding("no records of \(topic)") }
            guard part.errorCode == .none else { return "records \(topic) \(partition) cannot be read: \(part.errorCode)" }
            let batches = try RecordBatch.all(in: part.records?.bytes ?? Bytes())
            guard let last = batches.last else { break }
            for batch in batches where !batch.isControl {
                try batch.forEachRecord { _ in
                    count += 1
                    return true
                }
                sum = sum &* 31 &+ batch.crc
            }
            offset = last.nextOffset
        }
        return "records \(topic) \(partition) from \(first.offset) \(count) #\(sum)"
    }
}

/// One connection to a broker.
final class KafkaSession: SubjectSession {
    private let socket: ByteSocket
    private var waiting = 0

    init(_ address: String) throws { socket = try ByteSocket(address) }

    func send(_ request: DrawnRequest) throws {
        waiting += 1
        // A closed connection shows at the reading of the answer.
        _ = try socket.send(frame: request.body)
    }

    func answer() throws -> SubjectAnswer? {
        guard waiting > 0 else { throw Finding("nothing was asked") }
        waiting -= 1
        guard try socket.frame() != nil else { return nil }
        return SubjectAnswer(code: 0, comparable: "")
    }

    /// The answer in readable form; nil if the broker has closed the connection.
    func answer(to request: DrawnRequest) throws -> String? {
        guard try socket.send(frame: request.body), let answer = try socket.frame() else { return nil }
        let version = request.body.getInteger(at: request.body.readerIndex + 2, as: Int16.self) ?? 0
        let row = ApiTable.rows.first { Int32($0.key.rawValue) == request.operation }
        guard let row else { throw Finding("no API has the number \(request.operation)") }
        return String(describing: try KafkaFrame.decodeResponse(answer, of: row, version: version))
    }

    func ask<Request: KafkaRequest>(_ request: Request, _ version: Int16) throws -> Request.Response {
        let row = ApiTable.row(Request.apiKey)
        let frame = try KafkaFrame.encodeRequest(request, correlationID: 1, version: version, clientID: "fuzz")
        guard try socket.send(frame), let answer = try socket.frame() else {
            throw Finding("the broker closed the connection at \(row.name)")
        }
        guard let response = try KafkaFrame.decodeResponse(answer, of: row, version: version) as? Request.Response else {
            throw Finding("another response than one to \(row.name)")
        }
        return response
    }
}
