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
