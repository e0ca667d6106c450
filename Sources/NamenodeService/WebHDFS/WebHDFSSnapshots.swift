// Operations on snapshots.
import Base
import DFSCore
import HadoopNet
import HadoopWire
import NetKit

enum WebHDFSSnapshots {
    @Sendable static func allow(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        try await namenode.execute(.snapshot(.allow(path: call.path, namenode.caller(call.user))))
        return HTTPReply(200)
    }

    @Sendable static func disallow(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        try await namenode.execute(.snapshot(.disallow(path: call.path, namenode.caller(call.user))))
        return HTTPReply(200)
    }

    @Sendable static func create(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let name = call.http.parameter("snapshotname") ?? ""
        let path = try await SnapshotMethods.create(call.path, name, namenode.caller(call.user), retry: nil, namenode)
        return .json(200, "{\"Path\":\(JSONText.quoted(path))}")
    }

    @Sendable static func rename(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (old, new) = (try call.text("oldsnapshotname"), try call.text("snapshotname"))
        try await namenode.execute(.snapshot(.rename(path: call.path, name: old, to: new, namenode.caller(call.user))))
        return HTTPReply(200)
    }

    @Sendable static func delete(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        try await SnapshotMethods.delete(call.path, try call.text("snapshotname"), namenode.caller(call.user), retry: nil, namenode)
        return HTTPReply(200)
    }

    @Sendable static func differences(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let request = SnapshotRequest(call.path, call.http.parameter("oldsnapshotname"), call.http.parameter("snapshotname"))
        let rpc = RPCCall(user: RPCCaller(user: call.user, peer: HostPort("", 0)), caller: namenode.caller(call.user), retry: nil)
        let found = try await SnapshotMethods.differences(request, rpc, namenode).content ?? SnapshotDifferences()
        let kinds = ["+": "CREATE", "-": "DELETE", "M": "MODIFY", "R": "RENAME"]
        let list = found.entries.map { entry in
            let target = entry.target.map { ",\"targetPath\":\(JSONText.quoted($0.text))" } ?? ""
            return "{\"sourcePath\":\(JSONText.quoted(entry.path.text))\(target),\"type\":\"\(kinds[entry.kind] ?? "")\"}"
        }
        let names = [("fromSnapshot", found.from), ("snapshotRoot", found.path), ("toSnapshot", found.to)]
        let fields = ["\"diffList\":[\(list.joined(separator: ","))]"] + names.map { "\"\($0)\":\(JSONText.quoted($1))" }
        return .json(200, "{\"SnapshotDiffReport\":{\(fields.joined(separator: ","))}}")
    }
}
