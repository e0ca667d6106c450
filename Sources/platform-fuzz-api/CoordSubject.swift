// ZooKeeper's protocol as the fuzzer's subject: each operation with a request of its own, drawn from its layout; sessions that outlive the
// program; and the whole tree from the view of an account that passes every check.
import Base
import ZooKeeperWire

enum CoordSubject: Subject {
    static let name = "coord"

    /// `super:test`.
    private static let superDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="

    static func arguments(servers: Int) -> [String] {
        let settings =
            ["coord.super.digest=\(superDigest)", "coord.tick.ms=60000", "coord.reap.interval.ms=3600000", "log.level=error"]
            + (servers > 1 ? ["coord.nodes=\(servers)"] : [])
        return ["--only", "coord"] + settings.flatMap { ["--set", $0] }
    }

    static func endpoints(servers: Int) -> [String] { (1...servers).map { $0 == 1 ? "coord" : "coord-\($0)" } }

    // MARK: requests

    /// Every operation with a request; pings and the end of a session are drawn separately.
    private static let requests: [(OpCode, any WireLayout.Type)] = [
        (.create, CreateRequest.self), (.create2, CreateRequest.self), (.createContainer, CreateRequest.self),
        (.createTTL, CreateTTLRequest.self), (.delete, PathVersionRequest.self),
        (.exists, PathWatchRequest.self), (.getData, PathWatchRequest.self), (.setData, SetDataRequest.self), (.getACL, PathRequest.self),
        (.setACL, SetACLRequest.self),
        (.getChildren, PathWatchRequest.self), (.getChildren2, PathWatchRequest.self), (.sync, PathRequest.self),
        (.getEphemerals, PathRequest.self),
        (.getAllChildrenNumber, PathRequest.self), (.addWatch, WatchRequest.self), (.checkWatches, WatchRequest.self),
        (.removeWatches, WatchRequest.self),
        (.setWatches, SetWatchesRequest.self), (.setWatches2, SetWatches2Request.self), (.reconfig, ReconfigRequest.self),
        (.auth, AuthRequest.self), (.sasl, SASLToken.self),
    ]
    private static let parts: [(OpCode, any WireLayout.Type)] = [
        (.create, CreateRequest.self), (.create2, CreateRequest.self), (.createContainer, CreateRequest.self),
        (.createTTL, CreateTTLRequest.self),
        (.delete, PathVersionRequest.self), (.setData, SetDataRequest.self), (.check, PathVersionRequest.self),
    ]

    private static let edges = SampleEdges(
        words: [
            "/", "/a", "/a/b", "/a/b/c", "/q", "/q/x", "/e\u{301}", "/é", "/zookeeper", "/zookeeper/config", "/zookeeper/quota",
            "/zookeeper/quota/q", "/zookeeper/quota/q/zookeeper_limits",
            "/zookeeper/quota/q/zookeeper_stats", "world", "anyone", "auth", "digest", "ann:hash", "ip", "127.0.0.1", "::/0", "sasl",
            "x509", "CN=a",
        ],
        payloads: [
            "count=9223372036854775807,bytes=9223372036854775807", "count=-9223372036854775808,bytes=-1",
            "count=1,bytes=1=;byteHardLimit=1;countHardLimit=1", "super:wrong", "ann:pw", "us\ner:pw",
            "ann:\u{301}pw", "server.1=127.0.0.1:1:2;3",
        ].map { Bytes(string: $0) }, numbers: [-1, 0, 0, 1, 2, 3, 4, 5, 6, 31], bytesMax: 900_000, elementsMax: 3000)

    static func draw(_ random: inout Prng) -> DrawnRequest {
        switch random.below(20) {
        case 0: return DrawnRequest(name: "whoAmI", operation: OpCode.whoAmI.rawValue, body: Bytes())
        case 1, 2: return several(.multi, parts, &random)
        case 3: return several(.multiRead, [(.getData, PathWatchRequest.self), (.getChildren, PathWatchRequest.self)], &random)
        case 4: return rightful(&random)
        default:
            let (code, type) = requests[random.below(requests.count)]
            let (text, body) = sample(type, &random)
            return DrawnRequest(name: "\(code) \(text)", operation: code.rawValue, body: body)
        }
    }

    /// Members of an ensemble and users depend on a server's setup; an oversized request closes the connection.
    static func isComparable(_ request: DrawnRequest) -> Bool {
        request.operation != OpCode.sasl.rawValue && request.operation != OpCode.reconfig.rawValue && request.body.readableBytes < 1_000_000
    }

    /// A create that is likely to succeed, so that later requests meet something.
    private static func rightful(_ random: inout Prng) -> DrawnRequest {
        var request = CreateRequest()
        request.path = edges.words[1 + random.below(13)]
        request.data = edges.payloads[random.below(edges.payloads.count)]
        request.acl = [ACLRecord(permissions: 31, scheme: "world", id: "anyone")]
        request.flags = Int32(random.below(4))
        return DrawnRequest(name: "create \(request.printed())", operation: OpCode.create.rawValue, body: encoded(request))
    }

    private static func several(_ code: OpCode, _ kinds: [(OpCode, any WireLayout.Type)], _ random: inout Prng) -> DrawnRequest {
        var body = Bytes()
        var names: [String] = []
        let count = random.below(50) == 0 ? random.below(1000) : random.below(5)
        for _ in 0..<count {
            let (part, type) = kinds[random.below(kinds.count)]
            let (text, bytes) = sample(type, &random)
            guard body.readableBytes + bytes.readableBytes < edges.bytesMax else { break }
            names.append("\(part) \(text)")
            body.writeImmutableBuffer(encoded(MultiHeader(operation: part.rawValue, done: false, error: -1)))
            body.writeImmutableBuffer(bytes)
        }
        body.writeImmutableBuffer(encoded(MultiHeader()))
        return DrawnRequest(name: "\(code) [\(names.joined(separator: "; "))]", operation: code.rawValue, body: body)
    }

    private static func sample<L: WireLayout>(_: L.Type, _ random: inout Prng) -> (text: String, body: Bytes) {
        var sampler = FieldSampler(seed: random.next(), edges: edges)
        var value = L()
        do { try value.layout(&sampler) } catch { preconditionFailure("a sampler has no wire to be wrong: \(error)") }
        // With other flags and an invalid time to live ZooKeeper ends the connection.
        if var timed = value as? CreateTTLRequest, (0...4).contains(timed.create.flags), !(1..<1 << 40).contains(timed.milliseconds) {
            timed.milliseconds = 1000
            return (String(timed.printed().prefix(400)), encoded(timed))
        }
        return (String(value.printed().prefix(400)), encoded(value))
    }

    static func encoded(_ value: some WireLayout) -> Bytes {
        do { return try value.encoded(as: JuteDialect.self) } catch { preconditionFailure("a record fits jute's lengths: \(error)") }
    }

    // MARK: sessions and state

    static func connect(_ address: String) throws -> any SubjectSession { try CoordSession(address) }

    /// The tree from the root, breadth first: statistics, access list and a checksum of the data.
    static func state(_ address: String) throws -> [String] {
        let session = try CoordSession(address)
        var auth = AuthRequest()
        (auth.scheme, auth.credentials) = ("digest", Bytes(string: "super:test"))
        _ = try session.ask(.auth, encoded(auth), xid: SpecialXid.auth)
        var path = PathRequest()
        path.path = "/"
        _ = try session.ask(.sync, encoded(path))
        var lines: [String] = []
        var waiting = ["/"]
        while let next = waiting.popLast() {
            var request = PathWatchRequest()
            request.path = next
            path.path = next
            var data = try session.ask(.getData, encoded(request))
            guard data.error == 0 else { throw Finding("\(next.debugDescription) is listed and cannot be read: \(data.error)") }
            let content = GetDataResponse(reading: &data.body)
            var rights = try session.ask(.getACL, encoded(path))
            let list = GetACLResponse(reading: &rights.body)
            // The members are rewritten where ports are; no client changes them here.
            if next == "/zookeeper/config" { continue }
            lines.append(
                "\(next.debugDescription) \(content.data.map { "\($0.readableBytes)#\(CRC32C.checksum($0))" } ?? "null") \(content.stat) \(list.acl.map { $0.printed() })"
            )
            var children = try session.ask(.getChildren, encoded(request))
            for child in NamesResponse(reading: &children.body).names { waiting.append(next == "/" ? "/" + child : next + "/" + child) }
        }
        try session.close()
        return lines.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

extension WireLayout {
    /// A response, or an empty one if it is unreadable, which shows in the comparison.
    init(reading bytes: inout Bytes) {
        var reader = FieldReader<JuteDialect>(bytes)
        self.init()
        do { try layout(&reader) } catch { self.init() }
        bytes = reader.buffer
    }
}

/// One connection to a ZooKeeper server.
final class CoordSession: SubjectSession {
    private let socket: ByteSocket
    private var xid: Int32 = 0
    private var waiting: [(xid: Int32, operation: Int32)] = []

    init(_ address: String) throws {
        socket = try ByteSocket(address)
        var connect = ConnectRequest()
        connect.timeoutMilliseconds = .max
        connect.password = Bytes(repeating: 0, count: 16)
        guard try socket.send(frame: CoordSubject.encoded(connect)), var answer = try socket.frame() else {
            throw Finding("no session was opened")
        }
        guard ConnectResponse(reading: &answer).sessionID != 0 else { throw Finding("a session was refused") }
    }

    func send(_ request: DrawnRequest) throws {
        xid &+= 1
        let special: Int32? =
            switch OpCode(rawValue: request.operation) {
            case .auth: SpecialXid.auth
            case .setWatches, .setWatches2: SpecialXid.setWatches
            default: nil
            }
        var frame = CoordSubject.encoded(RequestHeader(xid: special ?? xid, operation: request.operation))
        frame.writeImmutableBuffer(request.body)
        waiting.append((special ?? xid, request.operation))
        // A closed connection shows at the reading of the answer.
        _ = try socket.send(frame: frame)
    }

    func answer() throws -> SubjectAnswer? {
        guard !waiting.isEmpty else { throw Finding("nothing was asked") }
        guard let (header, body) = try reply() else { return nil }
        // Logins are answered at once, ahead of waiting requests.
        guard let place = waiting.firstIndex(where: { $0.xid == header.xid }) else {
            throw Finding("an answer to xid \(header.xid), which nobody asked")
        }
        let asked = waiting.remove(at: place)
        return SubjectAnswer(code: header.error, comparable: header.error == 0 ? CoordAnswers.comparable(asked.operation, body) : "")
    }

    private func reply() throws -> (ReplyHeader, Bytes)? {
        while var frame = try socket.frame() {
            let header = ReplyHeader(reading: &frame)
            if header.xid != SpecialXid.event { return (header, frame) }
        }
        return nil
    }

    func ask(_ code: OpCode, _ body: Bytes, xid special: Int32? = nil) throws -> (error: Int32, body: Bytes) {
        xid &+= 1
        var frame = CoordSubject.encoded(RequestHeader(xid: special ?? xid, operation: code.rawValue))
        frame.writeImmutableBuffer(body)
        guard try socket.send(frame: frame), let (header, answer) = try reply() else {
            throw Finding("the server closed the connection at \(code)")
        }
        return (header.error, answer)
    }

    func close() throws { _ = try ask(.closeSession, Bytes()) }
}

/// Answers without the parts that differ from server to server: zxids, times and the numbers of sessions.
enum CoordAnswers {
    static func comparable(_ operation: Int32, _ body: Bytes) -> String {
        var body = body
        switch OpCode(rawValue: operation) {
        case .exists, .setData, .setACL: return text(StatResponse(reading: &body).stat)
        case .getData:
            let answer = GetDataResponse(reading: &body)
            return "\(answer.data.map { "\($0.readableBytes)#\(CRC32C.checksum($0))" } ?? "null") \(text(answer.stat))"
        case .getChildren: return "\(sorted(NamesResponse(reading: &body).names))"
        case .getChildren2:
            let answer = NamesStatResponse(reading: &body)
            return "\(sorted(answer.names)) \(text(answer.stat))"
        case .getACL:
            let answer = GetACLResponse(reading: &body)
            return "\(answer.acl.map { $0.printed() }) \(text(answer.stat))"
        // A sync's path comes back in ZooKeeper's Java encoding, which beyond the basic plane is no UTF-8.
        case .create: return PathResponse(reading: &body).path?.debugDescription ?? "null"
        case .create2, .createContainer, .createTTL:
            let answer = PathStatResponse(reading: &body)
            return "\(answer.path.debugDescription) \(text(answer.stat))"
        case .getAllChildrenNumber: return "\(CountResponse(reading: &body).count)"
        case .getEphemerals: return "\(sorted(NamesResponse(reading: &body).names))"
        case .multi: return results(&body)
        default: return ""
        }
    }

    /// Each part's operation, and its error if it has one.
    private static func results(_ body: inout Bytes) -> String {
        var parts: [String] = []
        while body.readableBytes > 0, parts.count < 2000 {
            let header = MultiHeader(reading: &body)
            if header.done { break }
            var detail = ""
            switch OpCode(rawValue: header.operation) {
            case .create: detail = PathResponse(reading: &body).path?.debugDescription ?? "null"
            case .create2, .createContainer, .createTTL: detail = PathStatResponse(reading: &body).path.debugDescription
            case .setData: detail = text(StatResponse(reading: &body).stat)
            case nil: detail = "\(ErrorResponse(reading: &body).error)"
            default: break
            }
            parts.append("\(header.operation):\(header.error) \(detail)")
        }
        return "\(parts)"
    }

    private static func sorted(_ names: [String]) -> [String] {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map(\.debugDescription)
    }

    private static func text(_ stat: StatRecord) -> String {
        "v\(stat.version) cv\(stat.cversion) av\(stat.aversion) \(stat.ephemeralOwner == 0 ? "" : "ephemeral ")size=\(stat.dataLength) children=\(stat.numChildren)"
    }
}
