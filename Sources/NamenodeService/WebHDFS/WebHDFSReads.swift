// Operations that read the namespace.
import Base
import DFSCore
import HadoopNet
import HadoopWire
import NetKit

enum WebHDFSReads {
    @Sendable static func fileStatus(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller, superUser) = (call.path, namenode.caller(call.user), namenode.settings.superUser)
        let text = try await namenode.look { machine, _ in
            WebHDFSJSON.fileStatus(try Namenode.find(path, caller, in: machine), name: "", superUser: superUser)
        }
        return .json(200, "{\"FileStatus\":\(text)}")
    }

    @Sendable static func listStatus(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller, superUser) = (call.path, namenode.caller(call.user), namenode.settings.superUser)
        let list = try await namenode.look { machine, _ in
            let inode = try Namenode.find(path, caller, in: machine)
            guard inode.isDirectory else { return [WebHDFSJSON.fileStatus(inode, name: "", superUser: superUser)] }
            try machine.namespace.check(caller, .read, inode)
            return machine.namespace.children(of: inode).map { WebHDFSJSON.fileStatus($0, name: $0.name.text, superUser: superUser) }
        }
        return .json(200, "{\"FileStatuses\":{\"FileStatus\":[\(list.joined(separator: ","))]}}")
    }

    /// A page of a directory, after the name in `startAfter`.
    @Sendable static func listStatusBatch(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller, superUser) = (call.path, namenode.caller(call.user), namenode.settings.superUser)
        let after = FileName(call.http.parameter("startAfter") ?? "")
        let (list, remaining) = try await namenode.look { machine, _ in
            let inode = try Namenode.find(path, caller, in: machine)
            guard let entries = inode.entries else { return ([WebHDFSJSON.fileStatus(inode, name: "", superUser: superUser)], 0) }
            try machine.namespace.check(caller, .read, inode)
            let page = entries.page(after: after, count: NamenodeSettings.listingMax)
            return (
                page.ids.compactMap { machine.namespace.inode($0) }.map {
                    WebHDFSJSON.fileStatus($0, name: $0.name.text, superUser: superUser)
                }, page.remaining
            )
        }
        let statuses = "{\"FileStatuses\":{\"FileStatus\":[\(list.joined(separator: ","))]}}"
        return .json(200, "{\"DirectoryListing\":{\"partialListing\":\(statuses),\"remainingEntries\":\(remaining)}}")
    }

    @Sendable static func contentSummary(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller) = (call.path, namenode.caller(call.user))
        return .json(
            200, try await namenode.look { machine, _ in WebHDFSJSON.contentSummary(try NamespaceMethods.summary(path, caller, machine)) })
    }

    @Sendable static func quotaUsage(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller) = (call.path, namenode.caller(call.user))
        let found = try await namenode.look { machine, _ in try NamespaceMethods.summary(path, caller, machine) }
        let (quota, spaceQuota) = (Int64(bitPattern: found.quota), Int64(bitPattern: found.spaceQuota))
        return .json(
            200,
            "{\"QuotaUsage\":{\"fileAndDirectoryCount\":\(found.fileCount + found.directoryCount),\"quota\":\(quota),\"spaceConsumed\":\(found.spaceBytes),\"spaceQuota\":\(spaceQuota),\"typeQuota\":{}}}"
        )
    }

    @Sendable static func trashRoot(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        .json(200, "{\"Path\":\(JSONText.quoted("/user/\(namenode.caller(call.user).user)/.Trash"))}")
    }

    @Sendable static func homeDirectory(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        .json(200, "{\"Path\":\(JSONText.quoted("/user/" + namenode.caller(call.user).user))}")
    }

    @Sendable static func checkAccess(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let wanted = call.http.parameter("fsaction") ?? ""
        guard !wanted.isEmpty, wanted.allSatisfy({ "rwx-".contains($0) }) else {
            throw WebHDFSCall.invalid("fsaction", "\"\(wanted)\" is not made of r, w and x")
        }
        let (path, caller) = (call.path, namenode.caller(call.user))
        try await namenode.look { machine, _ in
            let inode = try Namenode.find(path, caller, in: machine)
            if wanted.contains("r") { try machine.namespace.check(caller, .read, inode) }
            if wanted.contains("w") { try machine.namespace.check(caller, .write, inode) }
            if wanted.contains("x") { try machine.namespace.check(caller, .execute, inode) }
        }
        return HTTPReply(200)
    }
}
