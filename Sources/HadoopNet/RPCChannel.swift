// The client's side of Hadoop IPC: calls to a server in this process or at an address. Both take and give the protocol's encoded messages,
// so that a local service is called like a remote one.
import Base
import HadoopWire
import NetKit
import Synchronization

/// The target of calls.
package protocol RPCChannel: Sendable {
    /// Throws JavaException for the server's refusals.
    func call(_ protocolName: String, _ method: String, user: String, _ body: Bytes) async throws -> Bytes
}

extension RPCChannel {
    package func call<Q: ProtoLayout, A: ProtoLayout>(_ protocolName: String, _ method: String, user: String, _ request: Q) async throws
        -> A
    {
        try A(decoding: try await call(protocolName, method, user: user, request.encoded))
    }
}

/// The protocols by the names of their Java interfaces.
package enum RPCProtocol {
    package static let client = "org.apache.hadoop.hdfs.protocol.ClientProtocol"
    package static let datanode = "org.apache.hadoop.hdfs.server.protocol.DatanodeProtocol"
    package static let clientDatanode = "org.apache.hadoop.hdfs.protocol.ClientDatanodeProtocol"
}

/// A server in this process.
package struct LocalChannel: RPCChannel {
    private let target: any RPCTarget
    package init(_ target: any RPCTarget) { self.target = target }

    package func call(_ protocolName: String, _ method: String, user: String, _ body: Bytes) async throws -> Bytes {
        var header = MethodHeader()
        (header.method, header.protocolName) = (method, protocolName)
        return try await target.answer(header, body, RPCCaller(user: user, peer: HostPort("127.0.0.1", 0)))
    }
}

/// Several servers in this process, of which one leads: stays with it, and looks for another when it stands by.
package final class LocalGroup: RPCChannel {
    private let channels: [any RPCChannel]
    private let leader = Mutex(0)

    /// How long the search for the leader takes, and the pause after each round.
    private static let roundsMax = 200
    private static let pause = Duration.milliseconds(50)

    package init(_ channels: [any RPCChannel]) {
        precondition(!channels.isEmpty, "a group has at least one member")
        self.channels = channels
    }

    package func call(_ protocolName: String, _ method: String, user: String, _ body: Bytes) async throws -> Bytes {
        var tries = 0
        while true {
            let place = leader.withLock { $0 }
            do { return try await channels[place].call(protocolName, method, user: user, body) } catch let exception as JavaException {
                guard exception.className == JavaException.standby, tries < Self.roundsMax * channels.count else { throw exception }
            }
            tries += 1
            leader.withLock { if $0 == place { $0 = (place + 1) % channels.count } }
            if tries % channels.count == 0 { try await Task.sleep(for: Self.pause) }
        }
    }
}
