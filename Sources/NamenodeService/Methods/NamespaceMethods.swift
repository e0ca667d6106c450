// Methods about names: directories, listings, rename, delete.
import Base
import DFSCore
import HadoopWire

enum NamespaceMethods {
    static let rows: [RPCMethod] = [
        RPCMethod("getFileInfo", needs: "execute on the way", fileInfo),
        RPCMethod("getFileLinkInfo", needs: "execute on the way", fileInfo),
        RPCMethod("getLocatedFileInfo", needs: "execute on the way, read", locatedFileInfo),
        RPCMethod("getListing", needs: "read on the directory", listing),
        RPCMethod("mkdirs", needs: "write on the nearest directory", makeDirectories),
        RPCMethod("rename", needs: "write on both directories", rename),
        RPCMethod("rename2", needs: "write on both directories", renameOver),
        RPCMethod("delete", needs: "write on the directory and below", delete),
        RPCMethod("getContentSummary", needs: "read and execute below", contentSummary),
        RPCMethod("getQuotaUsage", needs: "read and execute below", quotaUsage),
        RPCMethod("isFileClosed", needs: "execute on the way", isFileClosed),
        RPCMethod("getPreferredBlockSize", needs: "execute on the way", preferredBlockSize),
        RPCMethod("checkAccess", needs: "what is asked for", checkAccess),
        RPCMethod("createSymlink", needs: "", remark: "refused: there are no symbolic links", createSymlink),
    ]

    @Sendable static func fileInfo(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<FileStatus>
    {
        let pool = await namenode.identity().poolID
        return try await namenode.look { machine, soft in
            do {
                let inode = try Namenode.find(request.path, call.caller, in: machine)
                return OptionalAnswer(
                    FileViews(superUser: namenode.settings.superUser, poolID: pool).status(inode, name: ""))
            } catch DFSRefusal.notFound { return OptionalAnswer(nil) }
        }
    }

    @Sendable static func locatedFileInfo(_ request: LocatedFileRequest, _ call: RPCCall, _ namenode: Namenode) async throws
        -> OptionalAnswer<FileStatus>
    {
        let pool = await namenode.identity().poolID
        return try await namenode.look { machine, soft in
            do {
                let inode = try Namenode.find(request.path, call.caller, in: machine)
                let views = FileViews(superUser: namenode.settings.superUser, poolID: pool)
                var status = views.status(inode, name: "")
                if let file = inode.file {
                    try machine.namespace.check(call.caller, .read, inode)
                    status.locations = views.located(FoundBlocks(file, on: soft.board))
                }
                return OptionalAnswer(status)
            } catch DFSRefusal.notFound { return OptionalAnswer(nil) }
        }
    }

    @Sendable static func listing(_ request: ListingRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<
        DirectoryListing
    > {
        let pool = await namenode.identity().poolID
        let after = request.startAfter.text
        return try await namenode.look { machine, soft in
            let inode: Inode
            do { inode = try Namenode.find(request.path, call.caller, in: machine) } catch DFSRefusal.notFound {
                return OptionalAnswer(nil)
            }
            let views = FileViews(superUser: namenode.settings.superUser, poolID: pool)
            var blockCount = 0
            func entry(_ inode: Inode, _ name: String) -> FileStatus {
                var status = views.status(inode, name: name)
                if request.needLocation, let file = inode.file {
                    status.locations = views.located(FoundBlocks(file, on: soft.board))
                    blockCount += file.blocks.count
                }
                return status
            }
            var listing = DirectoryListing()
            guard inode.isDirectory else {
                listing.entries = [entry(inode, "")]
                return OptionalAnswer(listing)
            }
            try machine.namespace.check(call.caller, .read, inode)
            try machine.namespace.check(call.caller, .execute, inode)
            let page = try Namenode.page(
                request.path, of: inode, after: FileName(after), count: NamenodeSettings.listingMax, call.caller, in: machine)
            for child in page.entries where blockCount < NamenodeSettings.listingMax {
                listing.entries.append(entry(child, child.name.text))
            }
            listing.remaining = UInt32(clamping: page.remaining + page.entries.count - listing.entries.count)
            return OptionalAnswer(listing)
        }
    }

    @Sendable static func makeDirectories(_ request: MakeDirectoriesRequest, _ call: RPCCall, _ namenode: Namenode) async throws
        -> FlagAnswer
    {
        let masked = Int16(truncatingIfNeeded: request.masked.bits & 0o1777)
        let unmasked = request.unmasked.map { Int16(truncatingIfNeeded: $0.bits & 0o1777) } ?? masked
        return FlagAnswer(
            try await namenode.flag(
                .name(
                    .makeDirectory(
                        path: request.path, permission: masked, unmasked: unmasked, createParents: request.createParent, call.caller)),
                retry: call.retry))
    }

    @Sendable static func rename(_ request: RenameRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        FlagAnswer(try await namenode.flag(.rename(source: request.source, target: request.target, call.caller), retry: call.retry))
    }

    @Sendable static func renameOver(_ request: RenameOverRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await namenode.execute(
            .name(.renameOver(source: request.source, target: request.target, overwrite: request.overwrite, call.caller)), retry: call.retry
        )
        return EmptyMessage()
    }

    @Sendable static func delete(_ request: DeleteRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        FlagAnswer(try await namenode.flag(.delete(path: request.path, recursive: request.recursive, call.caller), retry: call.retry))
    }

    /// Counts and sizes of everything at and below an inode.
    static func summary(_ path: String, _ caller: Caller, _ namenode: Namenode) async throws -> ContentSummaryMessage {
        let (top, usage) = try await namenode.summary(path, caller)
        var summary = ContentSummaryMessage()
        summary.quota = UInt64(bitPattern: top.extras?.nameQuota ?? -1)
        summary.spaceQuota = UInt64(bitPattern: top.extras?.spaceQuota ?? -1)
        (summary.fileCount, summary.directoryCount) = (UInt64(clamping: usage.files), UInt64(clamping: usage.directories))
        (summary.lengthBytes, summary.spaceBytes) = (UInt64(clamping: usage.lengthBytes), UInt64(clamping: usage.spaceBytes))
        if top.file != nil { summary.erasurePolicy = "" }
        return summary
    }

    @Sendable static func contentSummary(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<
        ContentSummaryMessage
    > {
        OptionalAnswer(try await summary(request.path, call.caller, namenode))
    }

    @Sendable static func quotaUsage(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<
        QuotaUsage
    > {
        let summary = try await summary(request.path, call.caller, namenode)
        var usage = QuotaUsage()
        usage.count = summary.fileCount + summary.directoryCount
        (usage.quota, usage.spaceBytes, usage.spaceQuota) = (summary.quota, summary.spaceBytes, summary.spaceQuota)
        return OptionalAnswer(usage)
    }

    @Sendable static func isFileClosed(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        try await namenode.look { machine, _ in
            guard let file = try Namenode.find(request.path, call.caller, in: machine).file else {
                throw DFSRefusal.isDirectory(request.path)
            }
            return FlagAnswer(file.writer == nil)
        }
    }

    @Sendable static func preferredBlockSize(_ request: PathRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> NumberAnswer {
        try await namenode.look { machine, _ in
            guard let file = try Namenode.find(request.path, call.caller, in: machine).file else {
                throw DFSRefusal.isDirectory(request.path)
            }
            return NumberAnswer(UInt64(bitPattern: file.blockSizeBytes))
        }
    }

    @Sendable static func checkAccess(_ request: AccessRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await namenode.look { machine, _ in
            let inode = try Namenode.find(request.path, call.caller, in: machine)
            if request.mode & 4 != 0 { try machine.namespace.check(call.caller, .read, inode) }
            if request.mode & 2 != 0 { try machine.namespace.check(call.caller, .write, inode) }
            if request.mode & 1 != 0 { try machine.namespace.check(call.caller, .execute, inode) }
            return EmptyMessage()
        }
    }

    @Sendable static func createSymlink(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        throw JavaException(JavaException.unsupported, "Symlinks not supported")
    }
}
