// Simulated clients: each sends one operation at a time to a server, and notes call, return and result. If the server is gone or silent,
// the client counts its operation as unknown and goes to another server.
import Base
import Consensus
import CoordCore
import Replication

struct SimClient {
    let index: Int
    var server: Int
    /// The operation under way.
    var current: Int?
    /// The client's session, opened by its first write.
    var session: SessionID { SessionID(Int64(index + 1)) }
    var hasSession = false
}

/// The operations of all clients.
struct ClientWork {
    struct Operation {
        var client: Int
        /// The index of its znode; nil for the opening of a session.
        var path: Int?
        var observed: ObservedOperation
    }
    static let paths = (0..<6).map { "/k\($0)" }
    var operations: [Operation] = []
    var nextValue = 1
    /// The versions last seen, for conditional writes.
    var versions = Array(repeating: Int32(0), count: paths.count)
    var acknowledgedThrough: Int64 = 0
    var isOver = false

    func histories() -> [(String, [ObservedOperation])] {
        Self.paths.enumerated().map { place, path in (path, operations.filter { $0.path == place }.map(\.observed)) }
    }
}

extension ClusterRun {
    /// A client's time limit for an answer, in nanoseconds.
    private static var patience: Int64 { 3_000_000_000 }

    mutating func clientTurn(_ index: Int) {
        guard !work.isOver, clients[index].current == nil else { return }
        let server = clients[index].server
        guard servers[server].replica?.pump.leader != nil else { return moveOn(index) }
        if !clients[index].hasSession { return openSession(index) }
        let path = random.below(ClientWork.paths.count)
        if random.chance(2, in: 5) { read(index, path) } else { write(index, path) }
    }

    private mutating func moveOn(_ index: Int) {
        clients[index].server = random.below(servers.count)
        schedule(.client(index), after: Int64(50_000_000 + random.below(200_000_000)))
    }

    private mutating func begin(_ index: Int, _ path: Int?, _ kind: ObservedOperation.Kind) -> Int {
        work.operations.append(.init(client: index, path: path, observed: ObservedOperation(kind, called: time)))
        let operation = work.operations.count - 1
        clients[index].current = operation
        schedule(.clientTimeout(index, operation: operation), after: Self.patience)
        return operation
    }

    private mutating func openSession(_ index: Int) {
        let command = CoordCommand.openSession(clients[index].session, timeoutMilliseconds: 4000, password: Bytes(repeating: 1, count: 16))
        propose(command, begin(index, nil, .read), clients[index].server)
    }

    private mutating func write(_ index: Int, _ path: Int) {
        let name = ClientWork.paths[path]
        let value = work.nextValue
        work.nextValue += 1
        let data = Bytes(string: "\(value)" + String(repeating: ".", count: random.chance(1, in: 20) ? 2000 : random.below(60)))
        let (kind, operation): (ObservedOperation.Kind, CoordOperation)
        switch random.below(8) {
        case 0: (kind, operation) = (.delete, .delete(path: name, version: -1))
        case 1, 2:
            (kind, operation) = (.create(value: value), .create(path: name, data: data, acl: [.open], ephemeral: false, sequential: false))
        case 3:
            let version = work.versions[path]
            (kind, operation) = (.set(value: value, ifVersion: version), .setData(path: name, data: data, version: version))
        default: (kind, operation) = (.set(value: value, ifVersion: nil), .setData(path: name, data: data, version: -1))
        }
        propose(.write(clients[index].session, identities: [], operations: [operation]), begin(index, path, kind), clients[index].server)
    }

    private mutating func propose(_ command: CoordCommand, _ operation: Int, _ server: Int) {
        switch servers[server].replica?.pump.propose(command) {
        case .success(let id): servers[server].proposals[id] = operation
        case .failure(.storage): refuse(operation)
        case .failure, nil: lose(operation)
        }
    }

    private mutating func read(_ index: Int, _ path: Int) {
        let server = clients[index].server
        let operation = begin(index, path, .read)
        if plan.flaw == .readsWithoutBarrier { return completeRead(operation, server) }
        let now = servers[server].monotonic(time)
        if let token = servers[server].replica?.pump.readBarrier(now: now) { servers[server].reads[token] = operation }
    }

    // MARK: answers

    mutating func complete(_ operation: Int, _ outcome: CoordOutcome, _ server: Int) {
        summary.acknowledged += 1
        work.acknowledgedThrough = max(work.acknowledgedThrough, outcome.zxid)
        guard let path = work.operations[operation].path else {
            clients[work.operations[operation].client].hasSession = true
            return finish(operation, .noNode)
        }
        finish(operation, result(of: outcome, path, server))
    }

    private mutating func result(of outcome: CoordOutcome, _ path: Int, _ server: Int) -> ObservedOperation.Result {
        switch outcome.result {
        case .failure(let refusal):
            switch refusal.reason {
            case .noNode: return .noNode
            case .nodeExists: return .exists
            default: return .badVersion
            }
        case .success(let results):
            guard case .changed? = results.first else { return .done(version: 0) }
            // The version of the reply is read from the tree right after the write, as the service does.
            let version = servers[server].replica?.pump.machine.tree.node(ClientWork.paths[path])?.stat.version
            work.versions[path] = version ?? 0
            return .done(version: version ?? 0)
        }
    }

    mutating func completeRead(_ operation: Int, _ server: Int) {
        guard let path = work.operations[operation].path, let node = servers[server].replica?.pump.machine.tree.node(ClientWork.paths[path])
        else {
            return finish(operation, .noNode)
        }
        work.versions[path] = node.stat.version
        let text = (node.data?.text ?? "").prefix { $0 != "." }
        finish(operation, .value(Int(text) ?? 0, version: node.stat.version))
    }

    private mutating func finish(_ operation: Int, _ result: ObservedOperation.Result) {
        let client = work.operations[operation].client
        guard clients[client].current == operation else { return }
        work.operations[operation].observed.returned = time
        work.operations[operation].observed.result = result
        trace.add(operation)
        trace.add(result)
        clients[client].current = nil
        schedule(.client(client), after: Int64(20_000_000 + random.below(400_000_000)))
    }

    /// The operation was refused for certain: as if it had never been called.
    private mutating func refuse(_ operation: Int) {
        work.operations[operation].path = nil
        leave(operation)
    }

    /// The operation's fate is unknown.
    mutating func lose(_ operation: Int) {
        summary.unknown += 1
        leave(operation)
    }

    private mutating func leave(_ operation: Int) {
        let client = work.operations[operation].client
        guard clients[client].current == operation else { return }
        clients[client].current = nil
        moveOn(client)
    }

    mutating func giveUp(_ index: Int, _ operation: Int) {
        if clients[index].current == operation { lose(operation) }
    }
}
