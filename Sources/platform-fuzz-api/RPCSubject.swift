// Hadoop's RPC as the fuzzer's subject: every method of both tables with the fields of its layout, values at their boundaries and beside
// them, repeated call numbers; and the superuser's view of the whole namespace.
import Base
import HadoopNet
import HadoopWire
import NamenodeService

enum RPCSubject: Subject {
    static let name = "dfs-rpc"
    static let loops: String? = "dfs"

    static func arguments(servers: Int) -> [String] {
        ["--only", "dfs", "--set", "log.level=error", "--set", "dfs.superuser=\(superuser)", "--set", "dfs.block.bytes=1048576"]
    }

    static func endpoints(servers: Int) -> [String] { ["namenode"] }

    private static let superuser = "chief"

    // MARK: requests

    /// A method with its protocol, and whose name it is called in.
    private struct Method {
        var row: RPCMethod
        var protocolName: String
    }
    /// The end of a recovery changes a file at a later time, which no comparison foresees.
    private static let methods =
        RPCMethod.client.filter { $0.name != "recoverLease" }.map { Method(row: $0, protocolName: RPCProtocol.client) }
        + RPCMethod.datanode.map { Method(row: $0, protocolName: RPCProtocol.datanode) }
    /// Requests need something to meet.
    private static let makers = methods.indices.filter { ["create", "mkdirs", "addBlock", "rename2"].contains(methods[$0].row.name) }

    static func draw(_ random: inout Prng) -> DrawnRequest {
        let place = random.below(3) == 0 ? makers[random.below(makers.count)] : random.below(methods.count)
        let body = encoded(methods[place].row.request, &random)
        return DrawnRequest(
            name: "\(methods[place].row.name) \(body.readableBytesView.prefix(200).map { String($0, radix: 16) }.joined(separator: " "))",
            operation: Int32(place), body: body)
    }

    private static func encoded<Request: ProtoLayout>(_: Request.Type, _ random: inout Prng) -> Bytes {
        var coder = ProtoEdges(random: random)
        var request = Request()
        // Nothing is read back, so no value can be refused.
        try? request.layout(&coder)
        random = coder.random
        return coder.writer.buffer
    }

    static func isComparable(_ request: DrawnRequest) -> Bool { false }

    static func connect(_ address: String) throws -> any SubjectSession { try RPCSession(address, user: superuser) }

    /// The name and body of a drawn request.
    static func method(_ request: DrawnRequest) -> MethodHeader {
        var header = MethodHeader()
        let method = methods[Int(request.operation)]
        (header.method, header.protocolName) = (method.row.name, method.protocolName)
        return header
    }

    // MARK: state

    /// Every inode from the root: its status, access list, attributes, quotas, and the blocks of a closed file.
    static func state(_ address: String) throws -> [String] {
        let session = try RPCSession(address, user: superuser)
        var lines: [String] = []
        var waiting = ["/"]
        while let next = waiting.popLast() {
            var path = PathRequest()
            path.path = next
            func ask<Request: ProtoLayout, Answer: ProtoLayout>(_ method: String, _ request: Request, _: Answer.Type) throws -> Answer {
                do { return try session.ask(method, request) } catch { throw Finding("\(next.debugDescription): \(method): \(error)") }
            }
            guard let status = try ask("getFileInfo", path, OptionalAnswer<FileStatus>.self).content else {
                throw Finding("\(next.debugDescription) is listed and is not there")
            }
            var attributes = XAttrsRequest()
            attributes.path = next
            let facts = [
                status.printed, try ask("getAclStatus", path, OptionalAnswer<ACLStatus>.self).printed,
                try ask("getXAttrs", attributes, ListAnswer<XAttrMessage>.self).printed,
                try ask("getContentSummary", path, OptionalAnswer<ContentSummaryMessage>.self).printed,
            ]
            lines.append("\(next.debugDescription) \(facts.joined(separator: " | "))")
            guard status.kind == .directory else { continue }
            var after = Bytes()
            while true {
                var request = ListingRequest()
                (request.path, request.startAfter) = (next, after)
                guard let listing = try ask("getListing", request, OptionalAnswer<DirectoryListing>.self).content else {
                    throw Finding("\(next.debugDescription) cannot be listed")
                }
                waiting += listing.entries.map { next == "/" ? "/" + $0.path.text : next + "/" + $0.path.text }
                guard listing.remaining > 0, let last = listing.entries.last else { break }
                after = last.path
            }
        }
        return lines.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}

/// A connection of one user; the calls are answered in any order.
final class RPCSession: SubjectSession {
    private let socket: ByteSocket
    private var clientID = Bytes()
    private var lastCall: Int64 = 0
    private var sent = 0

    init(_ address: String, user: String) throws {
        socket = try ByteSocket(address)
        // The client's name follows from the port, so that each connection has its own.
        for _ in 0..<2 { clientID.writeInteger(UInt64.random(in: 0 ... .max)) }
        _ = try socket.send(RPCFrame.opening(user: user, protocolName: RPCProtocol.client, clientID: clientID))
    }

    func send(_ request: DrawnRequest) throws {
        // A repeated number asks for the answer that was given.
        if sent % 5 != 4 { lastCall += 1 }
        sent += 1
        var header = RPCRequestHeader()
        (header.callID, header.clientID) = (lastCall, clientID)
        _ = try socket.send(RPCFrame.request(header, RPCSubject.method(request), request.body))
    }

    func answer() throws -> SubjectAnswer? {
        guard let (header, _) = try next() else { return nil }
        return SubjectAnswer(code: header.status == .success ? 0 : 1, comparable: header.exceptionClass ?? "")
    }

    private func next() throws -> (header: RPCResponseHeader, body: Bytes)? {
        guard var frame = try socket.frame() else { return nil }
        let header = try RPCResponseHeader(delimitedIn: &frame)
        guard header.status == .success, frame.readableBytes > 0 else { return (header, Bytes()) }
        return (header, frame.readSlice(length: try frame.takeLength()) ?? Bytes())
    }

    /// Asks and waits, with nothing else under way.
    func ask<Request: ProtoLayout, Answer: ProtoLayout>(_ method: String, _ request: Request) throws -> Answer {
        lastCall += 1
        var (header, name) = (RPCRequestHeader(), MethodHeader())
        (header.callID, header.clientID) = (lastCall, clientID)
        (name.method, name.protocolName) = (method, RPCProtocol.client)
        _ = try socket.send(RPCFrame.request(header, name, request.encoded))
        guard let (answer, body) = try next() else { throw Finding("the connection was closed without an answer") }
        guard answer.status == .success else { throw Finding("\(answer.exceptionClass ?? ""): \(answer.message ?? "")") }
        return try Answer(decoding: body)
    }
}

/// Writes a message with drawn values in place of its own: mostly such as meet something, sometimes the least, greatest and strange ones.
private struct ProtoEdges: ProtoCoder, ~Copyable {
    var random: Prng
    var writer = ProtoWriter()

    init(random: Prng) { self.random = random }

    private static let numbers: [UInt64] = [
        0, 1, 2, 3, 7, 0o644, 0o1777, 512, 1 << 16, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 53, 1 << 62,
        UInt64(Int64.max), UInt64(Int64.max) + 1, .max - 1, .max,
    ]
    private static let paths = ["/", "/a", "/a/b", "/a/b/c", "/d", "/d/e", "/e\u{301}", "/é", "/f", "/f/g", "/a//b", "/a/../d"]
    private static let texts = [
        "", " ", "holder", "other", "HDFS_NameNode", "ann", "chief", "..", "\u{301}", "a\nb", "a:b", "\u{0}", "\u{ffff}", "😀",
        "user.a", String(repeating: "x", count: 300), String(repeating: "é", count: 4000),
    ]

    private mutating func number(_ own: UInt64?) -> UInt64 {
        switch random.below(8) {
        case 0: Self.numbers[random.below(Self.numbers.count)]
        // The first inodes, blocks and generations.
        case 1: UInt64(16_385 + random.below(12))
        case 2: UInt64(1_073_741_825 + random.below(8))
        case 3: UInt64(1_001 + random.below(12))
        case 4: UInt64(random.below(8))
        default: own ?? UInt64(random.below(4))
        }
    }

    private mutating func text(_ field: Int) -> String {
        if random.below(12) == 0 { return Self.texts[random.below(Self.texts.count)] }
        return field < 3 && random.below(6) > 0 ? Self.paths[random.below(Self.paths.count)] : Self.texts[2 + random.below(6)]
    }

    private mutating func content() -> Bytes {
        Bytes(repeating: UInt8(random.below(256)), count: random.below(30) == 0 ? random.below(1 << 20) : random.below(40))
    }

    /// Whether an optional field is written.
    private mutating func isThere<T>(_ value: T?) -> Bool { value != nil ? random.below(50) > 0 : random.below(2) == 0 }
    private mutating func count() -> Int { random.below(40) == 0 ? random.below(3_000) : random.below(3) }

    mutating func varint(_ field: Int, _ value: inout UInt64?) {
        guard isThere(value) else { return }
        var drawn: UInt64? = number(value)
        writer.varint(field, &drawn)
    }

    mutating func varints(_ field: Int, _ values: inout [UInt64], packed: Bool) {
        var drawn: [UInt64] = []
        for _ in 0..<count() { drawn.append(number(nil)) }
        writer.varints(field, &drawn, packed: packed)
    }

    mutating func fixed64(_ field: Int, _ value: inout UInt64?) {
        guard isThere(value) else { return }
        var drawn: UInt64? = number(value)
        writer.fixed64(field, &drawn)
    }

    mutating func fixed32(_ field: Int, _ value: inout UInt32?) {
        guard isThere(value) else { return }
        var drawn: UInt32? = UInt32(truncatingIfNeeded: number(nil))
        writer.fixed32(field, &drawn)
    }

    mutating func bytes(_ field: Int, _ value: inout Bytes?) {
        guard isThere(value) else { return }
        var drawn: Bytes? = content()
        writer.bytes(field, &drawn)
    }

    mutating func byteStrings(_ field: Int, _ values: inout [Bytes]) {
        var drawn: [Bytes] = []
        for _ in 0..<count() { drawn.append(Bytes(repeating: 7, count: random.below(40))) }
        writer.byteStrings(field, &drawn)
    }

    mutating func string(_ field: Int, _ value: inout String?) {
        guard isThere(value) else { return }
        var drawn: String? = text(field)
        writer.string(field, &drawn)
    }

    mutating func strings(_ field: Int, _ values: inout [String]) {
        var drawn: [String] = []
        for _ in 0..<count() { drawn.append(text(1)) }
        writer.strings(field, &drawn)
    }

    private mutating func nested<M: ProtoLayout>(_ field: Int, _: M.Type) {
        var inner = ProtoEdges(random: random)
        var message = M()
        // Nothing is read back, so no value can be refused.
        try? message.layout(&inner)
        random = inner.random
        var drawn: Bytes? = inner.writer.buffer
        writer.bytes(field, &drawn)
    }

    mutating func message<M: ProtoLayout>(_ field: Int, _ value: inout M?) {
        if isThere(value) { nested(field, M.self) }
    }

    mutating func messages<M: ProtoLayout>(_ field: Int, _ values: inout [M]) {
        for _ in 0..<random.below(3) { nested(field, M.self) }
    }
}
