// Methods about single blocks of open files, and about damaged replicas.
import Base
import DFSCore
import HadoopWire

enum BlockMethods {
    static let rows: [RPCMethod] = [
        RPCMethod("addBlock", needs: "the lease", addBlock), RPCMethod("abandonBlock", needs: "the lease", abandonBlock),
        RPCMethod("getAdditionalDatanode", needs: "", additionalDatanode),
        RPCMethod("updateBlockForPipeline", needs: "the lease", updateBlockForPipeline),
        RPCMethod("updatePipeline", needs: "the lease", updatePipeline), RPCMethod("reportBadBlocks", needs: "", reportBadBlocks),
        RPCMethod("getDataEncryptionKey", needs: "", remark: "data is not encrypted; there is no key", dataEncryptionKey),
    ]

    /// The free bytes that a datanode needs to get a block.
    private static let roomBytes: Int64 = 1 << 20

    @Sendable static func addBlock(_ request: AddBlockRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OptionalAnswer<
        LocatedBlock
    > {
        let id = try await FileMethods.inode(request.fileID, request.path, call.caller, namenode)
        let pool = await namenode.identity().poolID
        let excluded = Set(request.excluded.map(\.id.uuid))
        let near = call.user.peer.host
        let targets = try await namenode.look { machine, soft in
            guard let file = machine.namespace.inode(id)?.file else { throw DFSRefusal.leaseLost(request.path) }
            let chosen = soft.board.targets(Int(file.replication), excluding: excluded, near: near, bytes: roomBytes)
            guard !chosen.isEmpty else {
                let nodes = soft.board.aliveCount
                throw DFSRefusal.notPossible(
                    "File \(request.path) could only be written to 0 of the 1 minReplication nodes. There are \(nodes) datanode(s) running and \(excluded.count) node(s) are excluded in this operation."
                )
            }
            return chosen
        }
        let previous = request.previous.map(FileViews.block)
        guard
            case .allocated(let block, let offset) = try await namenode.execute(
                .file(.addBlock(id, holder: request.clientName, previous: previous)))
        else {
            throw DFSRefusal.leaseLost(request.path)
        }
        let now = namenode.now()
        return try await namenode.look { machine, soft in
            soft.leases.renew(request.clientName, now: now) { machine.namespace.isHolder($0) }
            soft.board.expect(block, on: targets.map(\.uuid))
            return OptionalAnswer(FileViews(superUser: "", poolID: pool).located(block, offset: offset, on: targets))
        }
    }

    @Sendable static func abandonBlock(_ request: AbandonBlockRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        let id = try await FileMethods.inode(request.fileID, request.path, call.caller, namenode)
        try await namenode.execute(.file(.abandonBlock(id, holder: request.holder, FileViews.block(request.block).id)))
        return EmptyMessage()
    }

    @Sendable static func additionalDatanode(_ request: AdditionalDatanodeRequest, _ call: RPCCall, _ namenode: Namenode) async throws
        -> OptionalAnswer<LocatedBlock>
    {
        let pool = await namenode.identity().poolID
        let excluded = Set((request.existing + request.excluded).map(\.id.uuid))
        return try await namenode.look { _, soft in
            let more = soft.board.targets(Int(min(request.count, 512)), excluding: excluded, near: "", bytes: roomBytes)
            let views = FileViews(superUser: "", poolID: pool)
            var located = views.located(FileViews.block(request.block), offset: 0, on: more)
            located.locations = request.existing + located.locations
            located.storageTypes = located.locations.map { _ in .disk }
            located.storageIDs = located.locations.map { "DS-" + $0.id.uuid }
            located.cached = located.locations.map { _ in 0 }
            return OptionalAnswer(located)
        }
    }

    @Sendable static func updateBlockForPipeline(_ request: PipelineBlockRequest, _ call: RPCCall, _ namenode: Namenode) async throws
        -> OptionalAnswer<LocatedBlock>
    {
        var block = FileViews.block(request.block)
        guard
            case .generation(let generation) = try await namenode.execute(
                .file(.takeGeneration(holder: request.clientName, block.id)), retry: call.retry)
        else {
            throw DFSRefusal.notPossible("another request had this number")
        }
        block.generation = generation
        let pool = await namenode.identity().poolID
        let fresh = block
        return try await namenode.look { machine, soft in
            let views = FileViews(superUser: "", poolID: pool)
            var old = fresh
            old.state = .underConstruction
            old.generation = machine.namespace.owner(of: fresh.id)?.file?.blocks.last?.generation ?? fresh.generation
            return OptionalAnswer(views.located(fresh, offset: 0, on: soft.board.locations(old).nodes))
        }
    }

    @Sendable static func updatePipeline(_ request: UpdatePipelineRequest, _ call: RPCCall, _ namenode: Namenode) async throws
        -> EmptyMessage
    {
        let (before, after) = (FileViews.block(request.before), FileViews.block(request.after))
        try await namenode.execute(.file(.updatePipeline(holder: request.clientName, before: before, after: after)), retry: call.retry)
        let uuids = request.nodes.map(\.uuid)
        namenode.loop.execute { namenode.soft.board.rebuilt(after, on: uuids) }
        return EmptyMessage()
    }

    @Sendable static func reportBadBlocks(_ request: BadBlocksRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        for bad in request.blocks {
            namenode.log.warning(
                "a replica is damaged", metadata: ["block": "\(bad.block.blockID)", "datanodes": "\(bad.locations.map(\.id.uuid))"])
        }
        try await namenode.look { _, soft in
            for bad in request.blocks {
                for place in bad.locations { soft.board.corrupt(FileViews.block(bad.block).id, on: place.id.uuid) }
            }
        }
        return EmptyMessage()
    }

    @Sendable static func dataEncryptionKey(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        EmptyMessage()
    }
}
