// The audit log: a line for each write of a client of this server, and for each ephemeral node that went with its session. Keys, their
// order, the names of operations and results are ZooKeeper's (audit.enable; compared with what 3.9.3 writes), separated by tabs. Values
// cannot forge a line: control characters in them are escaped. Nothing is written for reads.
import Base
import CoordCore
import Glibc
import Logging
import Replication
import ZooKeeperWire

/// The audit log.
struct AuditLog: Sendable {
    /// What became of an operation; `invoked` where that is not known, or not yet.
    enum Result: String, Sendable { case success, failure, invoked }

    /// The session that asks.
    struct Caller: Sendable {
        var session: SessionID
        /// The names under which this client is known, its address as the last one.
        var user: String
        var address: String
    }

    let log: Logger
    /// The user that this process runs as.
    private let owner: String

    init(_ log: Logger) {
        self.log = log
        // Memory of the C library's, copied at once; null where the user has no name.
        owner = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(getuid())"
    }

    func started() { write([("user", owner), ("operation", "serverStart")], .success) }
    func stopped() { write([("user", owner), ("operation", "serverStop")], .invoked) }

    /// The writes of one request: a line for each operation of a successful `multi`, one line for a refused one.
    func note(_ caller: Caller, _ operations: [CoordOperation], isMulti: Bool, _ result: Swift.Result<CoordOutcome, ReplicaRefusal>) {
        let (end, results) = Self.ending(result)
        guard end == .success || !isMulti else { return note(caller, "multiOperation", end) }
        for (place, operation) in operations.enumerated() {
            let path: String? = if case .created(let made, _)? = results.dropFirst(place).first { made } else { nil }
            guard let fields = Self.fields(operation, path) else { continue }
            write(Self.who(caller) + fields, end)
        }
    }

    func note(_ caller: Caller, _ operation: String, _ end: Result) { write(Self.who(caller) + [("operation", operation)], end) }

    /// What went with a session.
    func ended(_ session: SessionID, _ events: [TreeEvent]) {
        for event in events where event.kind == .deleted {
            let fields = [
                ("session", Self.hex(session)), ("user", owner), ("operation", "ephemeralZNodeDeletionOnSessionCloseOrExpire"),
                ("znode", event.path),
            ]
            write(fields, .success)
        }
    }

    private static func ending(_ result: Swift.Result<CoordOutcome, ReplicaRefusal>) -> (Result, [OperationResult]) {
        switch result {
        // Whether it is executed all the same is not known.
        case .failure(.notLeading): (.invoked, [])
        case .failure: (.failure, [])
        case .success(let outcome): if case .success(let results) = outcome.result { (.success, results) } else { (.failure, []) }
        }
    }

    private static func who(_ caller: Caller) -> [(String, String)] {
        [("session", hex(caller.session)), ("user", caller.user), ("ip", caller.address)]
    }
    private static func hex(_ session: SessionID) -> String { "0x" + String(UInt64(bitPattern: session.rawValue), radix: 16) }

    /// Nil for a check, which changes nothing.
    private static func fields(_ operation: CoordOperation, _ made: String?) -> [(String, String)]? {
        switch operation {
        case .create(let path, _, _, let ephemeral, let sequential):
            created(made ?? path, (ephemeral ? "ephemeral" : "persistent") + (sequential ? "_sequential" : ""))
        case .createContainer(let path, _, _, _): created(made ?? path, "container")
        case .createTTL(let path, _, _, let sequential, _):
            created(made ?? path, sequential ? "persistent_sequential_with_ttl" : "persistent_with_ttl")
        case .delete(let path, _): [("operation", "delete"), ("znode", path)]
        case .setData(let path, _, _): [("operation", "setData"), ("znode", path)]
        case .setACL(let path, let acl, _): [("operation", "setAcl"), ("znode", path), ("acl", text(acl))]
        case .check: nil
        }
    }

    private static func created(_ path: String, _ kind: String) -> [(String, String)] {
        [("operation", "create"), ("znode", path), ("znode_type", kind)]
    }

    /// Entries follow each other without a mark, as in ZooKeeper.
    private static func text(_ acl: [AccessRight]) -> String {
        acl.map { right in
            let letters = zip("cdrwa", [Permissions.create, .delete, .read, .write, .admin]).filter { right.permissions.contains($0.1) }.map
            { String($0.0) }
            return "\(right.identity.scheme):\(right.identity.id):\(letters.joined())"
        }.joined()
    }

    private func write(_ fields: [(String, String)], _ end: Result) {
        let line = (fields + [("result", end.rawValue)]).map { "\($0.0)=\(Self.escaped($0.1))" }.joined(separator: "\t")
        log.notice("\(line)")
    }

    private static func escaped(_ value: String) -> String {
        guard value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return value }
        return value.unicodeScalars.map { $0.properties.generalCategory == .control ? "\\u{\(String($0.value, radix: 16))}" : String($0) }
            .joined()
    }
}

extension CoordConnection {
    /// Who this client is to the audit log.
    func caller(_ session: SessionID) -> AuditLog.Caller {
        let names = identities.filter { $0.scheme != Identity.superScheme && $0.scheme != "ip" }.map(\.user)
        let address = identities.first { $0.scheme == "ip" }?.id ?? remote
        return AuditLog.Caller(session: session, user: (names + [address]).joined(separator: ","), address: address)
    }
}
