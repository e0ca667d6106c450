// What the namenode answers over RPC: one row for each method, with who may call it and its handler. Dispatch and the compatibility page come from
// this table; what has no row is refused as Hadoop refuses an unknown method.
import Base
import DFSCore
import HadoopNet
import HadoopWire

/// One method of ClientProtocol.
package struct RPCMethod: Sendable {
    package let name: String
    /// What the caller needs, for the compatibility page; the rules are the core's.
    package let permission: String
    /// What differs from HDFS; empty where nothing does.
    package let remark: String
    let handler: @Sendable (Bytes, RPCCall, Namenode) async throws -> Bytes

    init<Q: ProtoLayout, A: ProtoLayout>(
        _ name: String, needs permission: String, remark: String = "", _ handler: @escaping @Sendable (Q, RPCCall, Namenode) async throws -> A
    ) {
        self.name = name
        self.permission = permission
        self.remark = remark
        self.handler = { body, call, namenode in try await handler(try Q(decoding: body), call, namenode).encoded }
    }

    package static let client: [RPCMethod] = [NamespaceMethods.rows, FileMethods.rows, BlockMethods.rows, AttributeMethods.rows, ReportMethods.rows].flatMap { $0 }
    static let datanode: [RPCMethod] = DatanodeMethods.rows

    private static func byName(_ rows: [RPCMethod]) -> [String: RPCMethod] { Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0) }) }
    static let protocols: [String: [String: RPCMethod]] = [RPCProtocol.client: byName(client), RPCProtocol.datanode: byName(datanode)]
}

/// Who calls, for handlers.
struct RPCCall: Sendable {
    let user: RPCCaller
    let caller: Caller
    /// Names the request if its client may repeat it.
    let retry: RetryID?
}

/// The namenode's side of its RPC door.
struct NamenodeRPC: RPCTarget {
    let namenode: Namenode

    func answer(_ method: MethodHeader, _ body: Bytes, _ caller: RPCCaller) async throws -> Bytes {
        guard let methods = RPCMethod.protocols[method.protocolName] else {
            throw JavaException(JavaException.noSuchProtocol, "Unknown protocol: \(method.protocolName)", .noSuchProtocol)
        }
        guard let row = methods[method.method] else {
            throw JavaException(JavaException.noSuchMethod, "Unknown method \(method.method) called on \(method.protocolName) protocol.", .noSuchMethod)
        }
        let retry = caller.clientID.readableBytes == 16 ? RetryID(client: caller.clientID.copied(), call: caller.callID) : nil
        let call = RPCCall(user: caller, caller: namenode.caller(caller.user), retry: retry)
        do { return try await row.handler(body, call, namenode) } catch let error as WireError { throw error } catch { throw JavaException(error) }
    }
}
