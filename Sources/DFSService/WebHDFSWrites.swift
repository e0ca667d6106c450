// Operations that change the namespace without touching data.
import Base
import DFSCore
import NetKit

enum WebHDFSWrites {
    static func makeDirectories(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        let command = DFSCommand.makeDirectories(path: call.path, permission: try call.permission(0o755), door.namenode.caller(call.user))
        return .json(200, WebHDFSJSON.boolean(try await door.namenode.flag(command)))
    }

    static func rename(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        guard let target = call.http.parameter("destination"), !target.isEmpty else {
            throw RemoteException.illegalArgument("Invalid value for webhdfs parameter \"destination\": it is missing")
        }
        return .json(200, WebHDFSJSON.boolean(try await door.namenode.flag(.rename(source: call.path, target: target, door.namenode.caller(call.user)))))
    }

    static func delete(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        let command = DFSCommand.delete(path: call.path, recursive: try call.flag("recursive") ?? false, door.namenode.caller(call.user))
        return .json(200, WebHDFSJSON.boolean(try await door.namenode.flag(command)))
    }

    static func setPermission(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        var change = AttributeChange()
        change.permission = try call.permission(0o755)
        return try await set(change, call, door)
    }

    static func setOwner(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        var change = AttributeChange()
        change.owner = call.http.parameter("owner").flatMap { $0.isEmpty ? nil : $0 }
        change.group = call.http.parameter("group").flatMap { $0.isEmpty ? nil : $0 }
        guard change.owner != nil || change.group != nil else { throw RemoteException.illegalArgument("Both owner and group are empty.") }
        return try await set(change, call, door)
    }

    static func setTimes(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        var change = AttributeChange()
        // -1 leaves a time as it is.
        change.modified = try call.integer("modificationtime", in: -1...Int64.max).flatMap { $0 < 0 ? nil : $0 }
        change.accessed = try call.integer("accesstime", in: -1...Int64.max).flatMap { $0 < 0 ? nil : $0 }
        return try await set(change, call, door)
    }

    private static func set(_ change: AttributeChange, _ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        _ = try await door.namenode.execute(.setAttributes(path: call.path, change, door.namenode.caller(call.user)))
        return HTTPReply(200)
    }

    /// False for a directory, as HDFS answers.
    static func setReplication(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        var change = AttributeChange()
        change.replication = Int16(try call.integer("replication", in: 1...512) ?? 1)
        do { _ = try await door.namenode.execute(.setAttributes(path: call.path, change, door.namenode.caller(call.user))) } catch DFSRefusal.isDirectory {
            return .json(200, WebHDFSJSON.boolean(false))
        }
        return .json(200, WebHDFSJSON.boolean(true))
    }
}
