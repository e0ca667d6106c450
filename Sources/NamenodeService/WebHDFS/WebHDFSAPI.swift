// The namenode's WebHDFS operations: one row each. Dispatch and the compatibility page come from this table; an operation without a row is
// refused as HDFS refuses an unknown one.
import Base
import DFSCore
import HadoopNet
import HadoopWire
import NetKit

/// One operation of WebHDFS.
package struct WebHDFSAPI: Sendable {
    package let method: String
    package let operation: String
    /// The difference from HDFS, for the compatibility page; empty where there is none.
    package let remark: String
    let handler: @Sendable (WebHDFSCall, Namenode) async throws -> HTTPReply

    init(
        _ method: String, _ operation: String, remark: String = "",
        _ handler: @escaping @Sendable (WebHDFSCall, Namenode) async throws -> HTTPReply
    ) {
        self.method = method
        self.operation = operation
        self.remark = remark
        self.handler = handler
    }

    package static let table: [WebHDFSAPI] = [
        WebHDFSAPI("GET", "OPEN", WebHDFSRedirects.open),
        WebHDFSAPI("GET", "GETFILECHECKSUM", WebHDFSRedirects.open),
        WebHDFSAPI("GET", "GETFILESTATUS", WebHDFSReads.fileStatus),
        WebHDFSAPI("GET", "LISTSTATUS", WebHDFSReads.listStatus),
        WebHDFSAPI("GET", "LISTSTATUS_BATCH", WebHDFSReads.listStatusBatch),
        WebHDFSAPI("GET", "GETCONTENTSUMMARY", WebHDFSReads.contentSummary),
        WebHDFSAPI("GET", "GETQUOTAUSAGE", WebHDFSReads.quotaUsage),
        WebHDFSAPI("GET", "GETHOMEDIRECTORY", WebHDFSReads.homeDirectory),
        WebHDFSAPI("GET", "GETTRASHROOT", WebHDFSReads.trashRoot),
        WebHDFSAPI("GET", "CHECKACCESS", WebHDFSReads.checkAccess),
        WebHDFSAPI("GET", "GETACLSTATUS", WebHDFSAccess.status),
        WebHDFSAPI("GET", "GETXATTRS", WebHDFSAccess.attributes),
        WebHDFSAPI("GET", "LISTXATTRS", WebHDFSAccess.attributeNames),
        WebHDFSAPI("PUT", "CREATE", WebHDFSRedirects.create),
        WebHDFSAPI("PUT", "MKDIRS", WebHDFSWrites.makeDirectories),
        WebHDFSAPI("PUT", "RENAME", WebHDFSWrites.rename),
        WebHDFSAPI("PUT", "SETPERMISSION", WebHDFSWrites.setPermission),
        WebHDFSAPI("PUT", "SETOWNER", WebHDFSWrites.setOwner),
        WebHDFSAPI("PUT", "SETREPLICATION", WebHDFSWrites.setReplication),
        WebHDFSAPI("PUT", "SETTIMES", WebHDFSWrites.setTimes),
        WebHDFSAPI("PUT", "MODIFYACLENTRIES", WebHDFSAccess.change(.modify)),
        WebHDFSAPI("PUT", "REMOVEACLENTRIES", WebHDFSAccess.change(.remove)),
        WebHDFSAPI("PUT", "REMOVEDEFAULTACL", WebHDFSAccess.change(.removeDefaults)),
        WebHDFSAPI("PUT", "REMOVEACL", WebHDFSAccess.change(.removeAll)),
        WebHDFSAPI("PUT", "SETACL", WebHDFSAccess.change(.replace)),
        WebHDFSAPI("PUT", "SETXATTR", WebHDFSAccess.setAttribute),
        WebHDFSAPI("PUT", "REMOVEXATTR", WebHDFSAccess.removeAttribute),
        WebHDFSAPI("PUT", "ALLOWSNAPSHOT", WebHDFSSnapshots.allow),
        WebHDFSAPI("PUT", "DISALLOWSNAPSHOT", WebHDFSSnapshots.disallow),
        WebHDFSAPI("PUT", "CREATESNAPSHOT", WebHDFSSnapshots.create),
        WebHDFSAPI("PUT", "RENAMESNAPSHOT", WebHDFSSnapshots.rename),
        WebHDFSAPI("GET", "GETSNAPSHOTDIFF", WebHDFSSnapshots.differences),
        WebHDFSAPI("DELETE", "DELETESNAPSHOT", WebHDFSSnapshots.delete),
        WebHDFSAPI("POST", "APPEND", remark: "appended data begins a block of its own", WebHDFSRedirects.append),
        WebHDFSAPI("POST", "CONCAT", WebHDFSWrites.concat),
        WebHDFSAPI("POST", "TRUNCATE", WebHDFSWrites.truncate),
        WebHDFSAPI("DELETE", "DELETE", WebHDFSWrites.delete),
    ]

    static func find(_ call: WebHDFSCall) throws(JavaException) -> WebHDFSAPI {
        guard let api = table.first(where: { $0.operation == call.operation }) else {
            throw JavaException(JavaException.unsupported, "\(call.operation) is not supported by this server; docs/dfs.md lists what is")
        }
        guard api.method == call.http.method else {
            throw WebHDFSCall.invalid("op", "\(call.operation) needs the method \(api.method), not \(call.http.method)")
        }
        return api
    }

    static func answer(_ http: HTTPCall, _ namenode: Namenode) async -> HTTPReply {
        do {
            let call = try WebHDFSCall(http)
            let api = try find(call)
            try await namenode.checkOffice()
            return try await api.handler(call, namenode)
        } catch { return JavaException(error).reply }
    }
}
