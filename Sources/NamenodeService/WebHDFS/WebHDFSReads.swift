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
        var (list, after, remaining) = ([String](), FileName(""), 1)
        while remaining > 0 {
            let last = after
            let page = try await namenode.look { machine, _ in try readPage(path, after: last, caller, superUser, machine) }
            list += page.entries
            (after, remaining) = (page.last, page.remaining)
        }
        return .json(200, "{\"FileStatuses\":{\"FileStatus\":[\(list.joined(separator: ","))]}}")
    }

    private struct Page: Sendable {
        var entries: [String] = []
        var last = FileName("")
        var remaining = 0
    }

    /// A page of a directory, or the file itself.
    private static func readPage(
        _ path: String, after: FileName, _ caller: Caller, _ superUser: String, _ machine: borrowing DFSMachine
    ) throws -> Page {
        let inode = try Namenode.find(path, caller, in: machine)
        guard inode.isDirectory else { return Page(entries: [WebHDFSJSON.fileStatus(inode, name: "", superUser: superUser)]) }
        try machine.namespace.check(caller, .read, inode)
        let found = try Namenode.page(path, of: inode, after: after, count: NamenodeSettings.listingMax, caller, in: machine)
        var page = Page(remaining: found.remaining)
        for child in found.entries {
            page.entries.append(WebHDFSJSON.fileStatus(child, name: child.name.text, superUser: superUser))
            page.last = child.name
        }
        return page
    }

    /// A page of a directory, after the name in `startAfter`.
    @Sendable static func listStatusBatch(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller, superUser) = (call.path, namenode.caller(call.user), namenode.settings.superUser)
        let after = FileName(call.http.parameter("startAfter") ?? "")
        let page = try await namenode.look { machine, _ in try readPage(path, after: after, caller, superUser, machine) }
        let statuses = "{\"FileStatuses\":{\"FileStatus\":[\(page.entries.joined(separator: ","))]}}"
        return .json(200, "{\"DirectoryListing\":{\"partialListing\":\(statuses),\"remainingEntries\":\(page.remaining)}}")
    }

    @Sendable static func contentSummary(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller) = (call.path, namenode.caller(call.user))
        return .json(200, WebHDFSJSON.contentSummary(try await NamespaceMethods.summary(path, caller, namenode)))
    }

    @Sendable static func quotaUsage(_ call: WebHDFSCall, _ namenode: Namenode) async throws -> HTTPReply {
        let (path, caller) = (call.path, namenode.caller(call.user))
        let found = try await NamespaceMethods.summary(path, caller, namenode)
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
