// The namenode's RPC methods: one row each, with the callers allowed and the handler. Dispatch and the compatibility page come from this
// table; a method without a row is refused as Hadoop refuses an unknown one.
import Base
import DFSCore
import HadoopNet
import HadoopWire

/// One method of ClientProtocol or DatanodeProtocol.
package struct RPCMethod: Sendable {
    package let name: String
    /// The caller's needed rights, for the compatibility page; the core has the rules.
    package let permission: String
    /// The difference from HDFS; empty where there is none.
    package let remark: String
    /// The layout of its request.
    package let request: any ProtoLayout.Type
    /// Whether a namenode that stands by answers, too.
    let isForStandby: Bool
    let handler: @Sendable (Bytes, RPCCall, Namenode) async throws -> Bytes

    init<Q: ProtoLayout, A: ProtoLayout>(
        _ name: String, needs permission: String, remark: String = "", isForStandby: Bool = false,
        _ handler: @escaping @Sendable (Q, RPCCall, Namenode) async throws -> A
    ) {
        self.name = name
        self.permission = permission
        self.remark = remark
        request = Q.self
        self.isForStandby = isForStandby
        self.handler = { body, call, namenode in try await handler(try Q(decoding: body), call, namenode).encoded }
    }

    package static let client: [RPCMethod] = [
        NamespaceMethods.rows, FileMethods.rows, BlockMethods.rows, AttributeMethods.rows, SnapshotMethods.rows, ReportMethods.rows,
    ].flatMap { $0 }
    package static let datanode: [RPCMethod] = DatanodeMethods.rows

    private static func byName(_ rows: [RPCMethod]) -> [String: RPCMethod] { Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0) }) }
    static let protocols: [String: [String: RPCMethod]] = [RPCProtocol.client: byName(client), RPCProtocol.datanode: byName(datanode)]
}

/// The caller of a method, for handlers.
struct RPCCall: Sendable {
    let user: RPCCaller
    let caller: Caller
    /// The identity of the request if its client may repeat it.
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
            throw JavaException(
                JavaException.noSuchMethod, "Unknown method \(method.method) called on \(method.protocolName) protocol.", .noSuchMethod)
        }
        let retry = caller.clientID.readableBytes == 16 ? RetryID(client: caller.clientID.copied(), call: caller.callID) : nil
        let call = RPCCall(user: caller, caller: namenode.caller(caller.user), retry: retry)
        if !row.isForStandby { try await namenode.checkOffice() }
        do { return try await row.handler(body, call, namenode) } catch let error as WireError { throw error } catch {
            throw JavaException(error)
        }
    }
}
