// Kept connections to datanodes, and the datanodes that failed lately. One read at a time uses a connection; it is kept only if the read
// ended as the protocol wants it.
import Base
import HadoopNet
import HadoopWire
import NetKit
import Synchronization

/// The connections of one client.
package final class DatanodeConnections: Sendable {
    private struct Kept {
        var open: OpenStream
        var since: Instant
    }
    private struct State {
        var kept: [HostPort: [Kept]] = [:]
        var failed: [String: Instant] = [:]
    }
    private let state = Mutex(State())
    private let time = SystemTime()

    /// Kept connections per datanode.
    private static let keptMax = 4
    /// The life of an idle connection: a little less than HDFS's datanodes give it.
    private static let keptFor = Duration.seconds(3)
    /// The time for which a failed datanode is asked last.
    private static let failedFor = Duration.seconds(30)
    /// The silence after which a datanode counts as failed.
    static let silenceMax = Duration.seconds(60)

    package init() {}

    static func address(_ node: DatanodeInfo) -> HostPort { HostPort(node.id.address, Int(node.id.transferPort)) }

    /// A connection, and whether it was used before.
    func take(_ node: DatanodeInfo) async throws -> (open: OpenStream, isUsed: Bool) {
        let address = Self.address(node)
        let now = time.now()
        let (found, old) = state.withLock { state -> (OpenStream?, [Kept]) in
            let all = state.kept.removeValue(forKey: address) ?? []
            let old = all.filter { now - $0.since >= Self.keptFor }
            var fresh = all.filter { now - $0.since < Self.keptFor }
            let found = fresh.popLast()?.open
            if !fresh.isEmpty { state.kept[address] = fresh }
            return (found, old)
        }
        for kept in old { kept.open.close() }
        if let found { return (found, true) }
        return (try await OpenStream.connect(address, timeout: .seconds(5), idleTimeout: Self.silenceMax), false)
    }

    func giveBack(_ open: OpenStream, _ node: DatanodeInfo) {
        let now = time.now()
        let isKept = state.withLock { state in
            guard (state.kept[Self.address(node)]?.count ?? 0) < Self.keptMax else { return false }
            state.kept[Self.address(node), default: []].append(Kept(open: open, since: now))
            return true
        }
        if !isKept { open.close() }
    }

    func noteFailure(_ node: DatanodeInfo) {
        let now = time.now()
        state.withLock { state in
            if state.failed.count > 10_000 { state.failed = [:] }
            state.failed[node.id.uuid] = now
        }
    }

    /// The datanodes in the order of attempts: recently failed ones come last.
    func ordered(_ nodes: [DatanodeInfo]) -> [DatanodeInfo] {
        let now = time.now()
        let failed = state.withLock { $0.failed }
        func isFailed(_ node: DatanodeInfo) -> Bool { failed[node.id.uuid].map { now - $0 < Self.failedFor } ?? false }
        return nodes.filter { !isFailed($0) } + nodes.filter(isFailed)
    }

    package func close() {
        let all = state.withLock { state in
            defer { state.kept = [:] }
            return state.kept.values.flatMap { $0 }
        }
        for kept in all { kept.open.close() }
    }

    deinit { close() }
}
