// What the namenode answers over WebHDFS: one row per operation. Dispatch and the compatibility page come from this table; what has
// no row is refused as HDFS refuses an unknown operation.
import Base
import DFSCore
import NetKit

/// One operation of WebHDFS.
package struct WebHDFSAPI: Sendable {
    package let method: String
    package let operation: String
    /// What differs from HDFS, for the compatibility page; empty where nothing does.
    package let remark: String
    let handler: @Sendable (WebHDFSCall, NamenodeDoor) async throws -> HTTPReply

    init(_ method: String, _ operation: String, remark: String = "", _ handler: @escaping @Sendable (WebHDFSCall, NamenodeDoor) async throws -> HTTPReply) {
        self.method = method
        self.operation = operation
        self.remark = remark
        self.handler = handler
    }

    package static let table: [WebHDFSAPI] = [
        WebHDFSAPI("GET", "OPEN", WebHDFSRedirects.open),
        WebHDFSAPI("GET", "GETFILESTATUS", WebHDFSReads.fileStatus),
        WebHDFSAPI("GET", "LISTSTATUS", WebHDFSReads.listStatus),
        WebHDFSAPI("GET", "GETCONTENTSUMMARY", WebHDFSReads.contentSummary),
        WebHDFSAPI("GET", "GETHOMEDIRECTORY", WebHDFSReads.homeDirectory),
        WebHDFSAPI("GET", "CHECKACCESS", WebHDFSReads.checkAccess),
        WebHDFSAPI("PUT", "CREATE", WebHDFSRedirects.create),
        WebHDFSAPI("PUT", "MKDIRS", WebHDFSWrites.makeDirectories),
        WebHDFSAPI("PUT", "RENAME", WebHDFSWrites.rename),
        WebHDFSAPI("PUT", "SETPERMISSION", WebHDFSWrites.setPermission),
        WebHDFSAPI("PUT", "SETOWNER", WebHDFSWrites.setOwner),
        WebHDFSAPI("PUT", "SETREPLICATION", remark: "remembered and shown; one datanode holds one copy", WebHDFSWrites.setReplication),
        WebHDFSAPI("PUT", "SETTIMES", WebHDFSWrites.setTimes),
        WebHDFSAPI("POST", "APPEND", remark: "appended data begins a block of its own", WebHDFSRedirects.append),
        WebHDFSAPI("DELETE", "DELETE", WebHDFSWrites.delete),
    ]

    static func find(_ call: WebHDFSCall) throws(RemoteException) -> WebHDFSAPI {
        guard let api = table.first(where: { $0.operation == call.operation }) else {
            throw .unsupported("\(call.operation) is not supported by this server; docs/dfs.md lists what is")
        }
        guard api.method == call.http.method else {
            throw .illegalArgument("Invalid value for webhdfs parameter \"op\": \(call.operation) needs the method \(api.method), not \(call.http.method)")
        }
        return api
    }
}

/// The namenode's HTTP door.
final class NamenodeDoor: Sendable {
    let namenode: Namenode
    /// Where data is read and written.
    let datanode: HostPort

    init(namenode: Namenode, datanode: HostPort) {
        self.namenode = namenode
        self.datanode = datanode
    }

    func answer(_ http: HTTPCall) async -> HTTPReply {
        do {
            let call = try WebHDFSCall(http)
            return try await WebHDFSAPI.find(call).handler(call, self)
        } catch { return RemoteException(error).reply }
    }
}
