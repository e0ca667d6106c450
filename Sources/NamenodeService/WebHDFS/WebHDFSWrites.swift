// Operations that change the namespace without touching data.
import Base
import DFSCore
import HadoopNet
import HadoopWire
import NetKit

enum WebHDFSWrites {
    @Sendable static func makeDirectories(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let bits = try call.permission(0o755)
        let command = DFSCommand.name(
            .makeDirectory(path: call.path, permission: bits, unmasked: bits, createParents: true, namenode.caller(call.user)))
        return .json(200, WebHDFSJSON.boolean(try await namenode.flag(command)))
    }

    @Sendable static func rename(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let target = try call.text("destination")
        return .json(
            200, WebHDFSJSON.boolean(try await namenode.flag(.rename(source: call.path, target: target, namenode.caller(call.user)))))
    }

    @Sendable static func delete(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let command = DFSCommand.delete(path: call.path, recursive: try call.flag("recursive") ?? false, namenode.caller(call.user))
        return .json(200, WebHDFSJSON.boolean(try await namenode.flag(command)))
    }

    @Sendable static func setPermission(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        var change = AttributeChange()
        change.permission = try call.permission(0o755)
        return try await set(change, call, namenode)
    }

    @Sendable static func setOwner(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        var change = AttributeChange()
        change.owner = call.http.parameter("owner").flatMap { $0.isEmpty ? nil : $0 }
        change.group = call.http.parameter("group").flatMap { $0.isEmpty ? nil : $0 }
        guard change.owner != nil || change.group != nil else {
            throw JavaException(JavaException.illegalArgument, "Both owner and group are empty.")
        }
        return try await set(change, call, namenode)
    }

    @Sendable static func setTimes(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        var change = AttributeChange()
        // -1 leaves a time as it is.
        change.modified = try call.integer("modificationtime", in: -1...Int64.max).flatMap { $0 < 0 ? nil : $0 }
        change.accessed = try call.integer("accesstime", in: -1...Int64.max).flatMap { $0 < 0 ? nil : $0 }
        return try await set(change, call, namenode)
    }

    private static func set(_ change: AttributeChange, _ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        _ = try await namenode.execute(.setAttributes(path: call.path, change, namenode.caller(call.user)))
        return HTTPReply(200)
    }

    /// False for a directory, as HDFS answers.
    @Sendable static func setReplication(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        var change = AttributeChange()
        change.replication = Int16(try call.integer("replication", in: 1...512) ?? 1)
        do { _ = try await namenode.execute(.setAttributes(path: call.path, change, namenode.caller(call.user))) } catch DFSRefusal
            .isDirectory
        {
            return .json(200, WebHDFSJSON.boolean(false))
        }
        return .json(200, WebHDFSJSON.boolean(true))
    }

    @Sendable static func concat(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let sources = try call.text("sources").pieces(at: ",", keepsEmpty: false).map(String.init)
        try await namenode.execute(.file(.concat(target: call.path, sources: sources, namenode.caller(call.user))))
        return HTTPReply(200)
    }

    @Sendable static func truncate(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        var request = TruncateRequest()
        request.path = call.path
        guard let length = try call.integer("newlength", in: 0...Int64.max) else { throw WebHDFSCall.invalid("newlength", "it is missing") }
        request.lengthBytes = UInt64(length)
        let rpc = RPCCall(user: RPCCaller(user: call.user, peer: HostPort("", 0)), caller: namenode.caller(call.user), retry: nil)
        return .json(200, WebHDFSJSON.boolean(try await FileMethods.truncate(request, rpc, namenode).result))
    }
}
