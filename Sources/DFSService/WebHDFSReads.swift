// Operations that look at the namespace.
import Base
import DFSCore
import NetKit

enum WebHDFSReads {
    static func fileStatus(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        let (path, caller, superUser) = (call.path, door.namenode.caller(call.user), door.namenode.settings.superUser)
        let text = try await door.namenode.read { machine throws(DFSRefusal) in
            WebHDFSJSON.fileStatus(try Namenode.find(path, caller, in: machine), name: "", superUser: superUser)
        }
        return .json(200, "{\"FileStatus\":\(text)}")
    }

    static func listStatus(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        let (path, caller, superUser) = (call.path, door.namenode.caller(call.user), door.namenode.settings.superUser)
        let list = try await door.namenode.read { machine throws(DFSRefusal) in
            let inode = try Namenode.find(path, caller, in: machine)
            guard inode.isDirectory else { return [WebHDFSJSON.fileStatus(inode, name: "", superUser: superUser)] }
            try machine.namespace.check(caller, .read, inode)
            return machine.namespace.children(of: inode).map { WebHDFSJSON.fileStatus($0, name: $0.name, superUser: superUser) }
        }
        return .json(200, "{\"FileStatuses\":{\"FileStatus\":[\(list.joined(separator: ","))]}}")
    }

    static func contentSummary(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        let (path, caller) = (call.path, door.namenode.caller(call.user))
        return .json(
            200,
            try await door.namenode.read { machine throws(DFSRefusal) in
                let inode = try Namenode.find(path, caller, in: machine)
                if inode.isDirectory { try machine.namespace.check(caller, .read, inode) }
                return WebHDFSJSON.contentSummary(inode, in: machine.namespace)
            })
    }

    static func homeDirectory(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        .json(200, "{\"Path\":\(JSONText.quoted("/user/" + door.namenode.caller(call.user).user))}")
    }

    static func checkAccess(_ call: WebHDFSCall, _ door: NamenodeDoor) async throws -> HTTPReply {
        let wanted = call.http.parameter("fsaction") ?? ""
        guard !wanted.isEmpty, wanted.allSatisfy({ "rwx-".contains($0) }) else {
            throw RemoteException.illegalArgument("Invalid value for webhdfs parameter \"fsaction\": \"\(wanted)\" is not made of r, w and x")
        }
        let (path, caller) = (call.path, door.namenode.caller(call.user))
        try await door.namenode.read { machine throws(DFSRefusal) in
            let inode = try Namenode.find(path, caller, in: machine)
            if wanted.contains("r") { try machine.namespace.check(caller, .read, inode) }
            if wanted.contains("w") { try machine.namespace.check(caller, .write, inode) }
            if wanted.contains("x") { try machine.namespace.check(caller, .execute, inode) }
        }
        return HTTPReply(200)
    }
}
