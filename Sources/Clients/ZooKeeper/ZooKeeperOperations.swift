// The operations of a ZooKeeper client by name.
import Base
import NetKit
import ZooKeeperWire

extension ZooKeeperClient {
    /// Modes of a new node.
    package struct CreateMode: OptionSet, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package static let ephemeral = CreateMode(rawValue: 1)
        package static let sequential = CreateMode(rawValue: 2)
    }
    /// Anyone may do anything.
    package static let openACL = [ACLRecord(permissions: 31, scheme: "world", id: "anyone")]

    private static func decode<R: WireLayout>(_ bytes: Bytes) throws(WireError) -> R { try R(decoding: bytes, as: JuteDialect.self) }

    /// Creates a node and returns its path.
    package func create(_ path: String, _ data: Bytes?, mode: CreateMode = [], acl: [ACLRecord] = openACL) async throws -> String {
        let reply: PathResponse = try Self.decode(try await call(.create, Self.request(path, data, mode.rawValue, acl), path: path))
        return reply.path ?? path
    }

    /// Creates a node that is deleted after its last child.
    package func createContainer(_ path: String, _ data: Bytes?, acl: [ACLRecord] = openACL) async throws -> String {
        let reply: PathStatResponse = try Self.decode(try await call(.createContainer, Self.request(path, data, 4, acl), path: path))
        return reply.path
    }

    /// Creates a node that is deleted after this time without a change or children.
    package func createTTL(
        _ path: String, _ data: Bytes?, milliseconds: Int64, sequential: Bool = false, acl: [ACLRecord] = openACL
    ) async throws -> String {
        var request = CreateTTLRequest()
        (request.create, request.milliseconds) = (Self.request(path, data, sequential ? 6 : 5, acl), milliseconds)
        let reply: PathStatResponse = try Self.decode(try await call(.createTTL, request, path: path))
        return reply.path
    }

    private static func request(_ path: String, _ data: Bytes?, _ flags: Int32, _ acl: [ACLRecord]) -> CreateRequest {
        var request = CreateRequest()
        (request.path, request.data, request.flags, request.acl) = (path, data, flags, acl)
        return request
    }

    package func get(_ path: String, watch: Bool = false) async throws -> (data: Bytes?, stat: StatRecord) {
        let reply: GetDataResponse = try Self.decode(try await call(.getData, Self.request(path, watch), path: path))
        return (reply.data, reply.stat)
    }

    /// nil if the node is missing.
    package func exists(_ path: String, watch: Bool = false) async throws -> StatRecord? {
        do {
            let reply: StatResponse = try Self.decode(try await call(.exists, Self.request(path, watch), path: path))
            return reply.stat
        } catch let failure as ZooKeeperFailure where failure.code == .noNode { return nil }
    }

    package func children(_ path: String, watch: Bool = false) async throws -> [String] {
        let reply: NamesResponse = try Self.decode(try await call(.getChildren, Self.request(path, watch), path: path))
        return reply.names
    }

    package func set(_ path: String, _ data: Bytes?, version: Int32 = -1) async throws -> StatRecord {
        var request = SetDataRequest()
        request.path = path
        request.data = data
        request.version = version
        let reply: StatResponse = try Self.decode(try await call(.setData, request, path: path))
        return reply.stat
    }

    package func delete(_ path: String, version: Int32 = -1) async throws {
        var request = PathVersionRequest()
        request.path = path
        request.version = version
        _ = try await call(.delete, request, path: path)
    }

    package func acl(_ path: String) async throws -> (acl: [ACLRecord], stat: StatRecord) {
        let reply: GetACLResponse = try Self.decode(try await call(.getACL, Self.request(path), path: path))
        return (reply.acl, reply.stat)
    }

    package func setACL(_ path: String, _ acl: [ACLRecord], version: Int32 = -1) async throws -> StatRecord {
        var request = SetACLRequest()
        (request.path, request.acl, request.version) = (path, acl, version)
        let reply: StatResponse = try Self.decode(try await call(.setACL, request, path: path))
        return reply.stat
    }

    /// Returns once this server has applied everything acknowledged before.
    package func sync(_ path: String) async throws { _ = try await call(.sync, Self.request(path), path: path) }

    package func ephemerals(_ prefix: String = "/") async throws -> [String] {
        let reply: NamesResponse = try Self.decode(try await call(.getEphemerals, Self.request(prefix), path: prefix))
        return reply.names
    }

    /// Number of nodes below a node.
    package func descendantCount(_ path: String) async throws -> Int32 {
        let reply: CountResponse = try Self.decode(try await call(.getAllChildrenNumber, Self.request(path), path: path))
        return reply.count
    }

    package func whoAmI() async throws -> [WhoAmIResponse.Name] {
        let reply: WhoAmIResponse = try Self.decode(try await call(.whoAmI, NoBody()))
        return reply.names
    }

    /// Watches a node until `removeWatches`; with `recursive` everything below it as well.
    package func addWatch(_ path: String, recursive: Bool) async throws {
        var request = WatchRequest()
        (request.path, request.mode) = (path, recursive ? 1 : 0)
        _ = try await call(.addWatch, request, path: path)
    }

    /// Removes every watch of this session on a node.
    package func removeWatches(_ path: String) async throws {
        var request = WatchRequest()
        (request.path, request.mode) = (path, 3)
        _ = try await call(.removeWatches, request, path: path)
    }

    /// Changes the servers of the ensemble; returns the new content of `/zookeeper/config`.
    package func reconfigure(_ change: ReconfigRequest) async throws -> String {
        let reply: GetDataResponse = try Self.decode(try await call(.reconfig, change, path: "/zookeeper/config"))
        return reply.data?.text ?? ""
    }

    /// Logs in under a scheme; SASL takes `user:password`.
    package func authenticate(_ scheme: String, _ credentials: String) async throws {
        if scheme == "sasl" { return try await exchange(credentials) }
        var request = AuthRequest()
        (request.scheme, request.credentials) = (scheme, Bytes(string: credentials))
        _ = try await call(.auth, request, xid: SpecialXid.auth)
    }

    /// DIGEST-MD5, as in ZooKeeper's own clients. The server must prove itself as well.
    private func exchange(_ credentials: String) async throws {
        let parts = credentials.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw ZooKeeperFailure(.authFailed) }
        let challenge: SASLToken = try Self.decode(try await call(.sasl, SASLToken(token: Bytes())))
        guard let fields = DigestMD5.fields(challenge.token?.text ?? ""), let nonce = fields["nonce"], let realm = fields["realm"] else {
            throw ZooKeeperFailure(.authFailed)
        }
        var exchange = DigestMD5.Exchange()
        (exchange.user, exchange.realm, exchange.nonce, exchange.uri) = (parts[0], realm, nonce, "zookeeper/\(realm)")
        exchange.clientNonce = String(Digests.sha1Base64(Digests.randomBytes(20).array.description).prefix(27))
        let proof = DigestMD5.proof(exchange, password: parts[1], ofServer: false).text
        func quoted(_ text: String) -> String { "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" }
        let answer = [
            "charset=utf-8", "username=\(quoted(parts[0]))", "realm=\(quoted(realm))", "nonce=\(quoted(nonce))", "nc=\(exchange.count)",
            "cnonce=\(quoted(exchange.clientNonce))", "digest-uri=\(quoted(exchange.uri))", "maxbuf=65536", "response=\(proof)", "qop=auth",
        ]
        let final: SASLToken = try Self.decode(try await call(.sasl, SASLToken(token: Bytes(string: answer.joined(separator: ",")))))
        let expected = DigestMD5.proof(exchange, password: parts[1], ofServer: true).text
        guard final.token?.text == "rspauth=\(expected)" else { throw ZooKeeperFailure(.authFailed) }
    }

    private static func request(_ path: String) -> PathRequest {
        var request = PathRequest()
        request.path = path
        return request
    }

    private static func request(_ path: String, _ watch: Bool) -> PathWatchRequest {
        var request = PathWatchRequest()
        request.path = path
        request.watch = watch
        return request
    }
}
