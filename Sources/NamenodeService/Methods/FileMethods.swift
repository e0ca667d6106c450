// Methods that open, close and change the content of files as a whole.
import Base
import DFSCore
import HadoopNet
import HadoopWire

enum FileMethods {
    static let rows: [RPCMethod] = [
        RPCMethod("getServerDefaults", needs: "", serverDefaults), RPCMethod("getBlockLocations", needs: "read", blockLocations),
        RPCMethod("create", needs: "write on the directory", create), RPCMethod("append", needs: "write", append),
        RPCMethod("complete", needs: "the lease", complete), RPCMethod("fsync", needs: "the lease", fsync),
        RPCMethod("renewLease", needs: "", renewLease), RPCMethod("recoverLease", needs: "write", recoverLease),
        RPCMethod("truncate", needs: "write", truncate), RPCMethod("concat", needs: "write on all, and on the directory", concat),
    ]

    @Sendable static func serverDefaults(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<
        ServerDefaults
    > {
        var defaults = ServerDefaults()
        defaults.blockSizeBytes = UInt64(namenode.settings.blockSizeBytes)
        defaults.replication = UInt32(clamping: namenode.settings.replication)
        defaults.trashInterval = UInt64(clamping: namenode.settings.operation.trashMinutes)
        return OptionalAnswer(defaults)
    }

    @Sendable static func blockLocations(_ request: LocationsRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<
        LocatedBlocks
    > {
        let found = try await namenode.look { machine, soft in
            let inode = try Namenode.find(request.path, call.caller, in: machine)
            guard let file = inode.file else { throw DFSRefusal.isDirectory(request.path) }
            try machine.namespace.check(call.caller, .read, inode)
            return FoundBlocks(
                file, offset: Int64(clamping: request.offset), lengthBytes: Int64(clamping: request.lengthBytes), on: soft.board)
        }
        let views = FileViews(superUser: namenode.settings.superUser, poolID: await namenode.identity().poolID)
        return OptionalAnswer(views.located(found))
    }

    /// The status of an inode that the caller has just opened.
    private static func status(_ id: InodeID, _ namenode: Namenode) async throws -> FileStatus? {
        try await namenode.look { machine, soft in
            machine.namespace.inode(id).map {
                FileViews(superUser: namenode.settings.superUser, poolID: "").status($0, name: "")
            }
        }
    }

    private static func renew(_ holder: String, _ namenode: Namenode) {
        let now = namenode.now()
        namenode.loop.execute {
            namenode.soft.leases.renew(holder, now: now) { namenode.replica.machine.namespace.isHolder($0) }
        }
    }

    /// Limits the size of client names, which are kept with open files.
    private static func checkHolder(_ name: String) throws {
        guard !name.isEmpty, name.utf8.count <= FilePath.componentBytesMax else {
            throw DFSRefusal.invalidArgument("a client's name has from 1 to \(FilePath.componentBytesMax) bytes")
        }
    }

    @Sendable static func create(_ request: CreateRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<FileStatus>
    {
        try checkHolder(request.clientName)
        if let policy = request.erasurePolicy, !policy.isEmpty {
            throw JavaException(JavaException.unsupported, "erasure coding policy \(policy) is not supported")
        }
        var options = CreateOptions()
        options.overwrite = request.flags & CreateRequest.Flag.overwrite != 0
        options.permission = Int16(truncatingIfNeeded: request.masked.bits & 0o1777)
        options.replication = Int16(clamping: request.replication)
        options.blockSizeBytes = Int64(clamping: request.blockSizeBytes)
        guard options.replication <= 512 else {
            throw DFSRefusal.notPossible(
                "Requested replication factor of \(request.replication) exceeds maximum of 512 for \(request.path)")
        }
        let command = DFSCommand.file(
            .create(path: request.path, options, createParents: request.createParent, holder: request.clientName, call.caller))
        let answer = try await namenode.opening(request.path) { try await namenode.execute(command, retry: call.retry) }
        guard case .created(let id) = answer else { throw DFSRefusal.notPossible("another request had this number") }
        renew(request.clientName, namenode)
        return OptionalAnswer(try await status(id, namenode))
    }

    @Sendable static func append(_ request: AppendRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> AppendAnswer {
        try checkHolder(request.clientName)
        let command = DFSCommand.file(
            .append(path: request.path, ownBlock: request.flags & CreateRequest.Flag.newBlock != 0, holder: request.clientName, call.caller)
        )
        let opened = try await namenode.opening(request.path) { try await namenode.execute(command, retry: call.retry) }
        guard case .appending(let id, let last, let offset) = opened else {
            throw DFSRefusal.notPossible("another request had this number")
        }
        renew(request.clientName, namenode)
        let pool = await namenode.identity().poolID
        var answer = AppendAnswer()
        answer.status = try await status(id, namenode)
        if let last {
            answer.block = try await namenode.look { _, soft in
                FileViews(superUser: "", poolID: pool).located(
                    last, offset: offset, on: soft.board.locations(last).nodes)
            }
        }
        return answer
    }

    /// The inode of a request: by number if the client gives one, or else by path.
    static func inode(_ fileID: UInt64, _ path: String, _ caller: Caller, _ namenode: Namenode) async throws -> InodeID {
        if fileID != 0 { return InodeID(Int64(bitPattern: fileID)) }
        return try await namenode.look { machine, _ in try Namenode.find(path, caller, in: machine).id }
    }

    @Sendable static func complete(_ request: CompleteRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        let id = try await inode(request.fileID, request.path, call.caller, namenode)
        let last = request.last.map(FileViews.block)
        // A file closes only after a datanode has reported its last block; the client asks again.
        if let last, try await !namenode.look({ _, soft in soft.board.isReported(last.id, last.generation) }) { return FlagAnswer(false) }
        let done = try await namenode.flag(.file(.complete(id, holder: request.clientName, last: last)))
        namenode.loop.execute {
            let blocks = namenode.replica.machine.namespace.inode(id)?.file?.blocks.map(\.id) ?? []
            namenode.soft.board.reconsider(blocks)
        }
        return FlagAnswer(done)
    }

    @Sendable static func fsync(_ request: FsyncRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        let id = try await inode(request.fileID, request.path, call.caller, namenode)
        try await namenode.execute(.file(.sync(id, holder: request.clientName, lastBlockBytes: request.lastBlockBytes)))
        return EmptyMessage()
    }

    @Sendable static func renewLease(_ request: RenewLeaseRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try checkHolder(request.clientName)
        let now = namenode.now()
        // Only holders of open files get an entry, so that names cannot fill the memory.
        try await namenode.look { machine, soft in
            guard machine.namespace.isHolder(request.clientName) else { return }
            soft.leases.renew(request.clientName, now: now) { machine.namespace.isHolder($0) }
        }
        return EmptyMessage()
    }

    @Sendable static func recoverLease(_ request: LeaseRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        let (id, holder) = try await namenode.look { machine, _ in
            let inode = try Namenode.find(request.path, call.caller, in: machine)
            guard let file = inode.file else { throw DFSRefusal.isDirectory(request.path) }
            try machine.namespace.check(call.caller, .write, inode)
            return (inode.id, file.writer)
        }
        guard let holder else { return FlagAnswer(true) }
        if holder == FileCommand.recoverer { return FlagAnswer(false) }
        return FlagAnswer(try await namenode.recover(id))
    }

    @Sendable static func truncate(_ request: TruncateRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        let command = DFSCommand.file(.truncate(path: request.path, lengthBytes: Int64(clamping: request.lengthBytes), call.caller))
        let answer = try await namenode.opening(request.path) { try await namenode.execute(command, retry: call.retry) }
        guard case .recovering(let block) = answer else { return FlagAnswer(true) }
        guard let inode = try await namenode.look({ machine, _ in machine.namespace.owner(of: block.id)?.id }) else {
            return FlagAnswer(false)
        }
        return FlagAnswer(try await namenode.recover(inode, block))
    }

    @Sendable static func concat(_ request: ConcatRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try await namenode.execute(.file(.concat(target: request.target, sources: request.sources, call.caller)), retry: call.retry)
        return EmptyMessage()
    }
}
