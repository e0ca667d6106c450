// The operations of a ZooKeeper client by name.
import Base
import ZooKeeperWire

extension ZooKeeperClient {
    /// How a node is to be created.
    package struct CreateMode: OptionSet, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package static let ephemeral = CreateMode(rawValue: 1)
        package static let sequential = CreateMode(rawValue: 2)
    }

    private static func decode<R: WireLayout>(_ bytes: Bytes) throws(WireError) -> R { try R(decoding: bytes, as: JuteDialect.self) }

    /// Creates a node that anyone may use and returns its path.
    package func create(_ path: String, _ data: Bytes, mode: CreateMode = []) async throws -> String {
        var request = CreateRequest()
        request.path = path
        request.data = data
        request.acl = [ACLRecord(permissions: 31, scheme: "world", id: "anyone")]
        request.flags = mode.rawValue
        let reply: PathResponse = try Self.decode(try await call(.create, request, path: path))
        return reply.path ?? path
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

    package func set(_ path: String, _ data: Bytes, version: Int32 = -1) async throws -> StatRecord {
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

    private static func request(_ path: String, _ watch: Bool) -> PathWatchRequest {
        var request = PathWatchRequest()
        request.path = path
        request.watch = watch
        return request
    }
}
