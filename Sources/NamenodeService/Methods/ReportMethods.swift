// Methods of operators' tools: figures, datanodes, safe mode, open and damaged files.
import Base
import DFSCore
import HadoopWire

enum ReportMethods {
    static let rows: [RPCMethod] = [
        RPCMethod("getFsStats", needs: "", stats), RPCMethod("getFsReplicatedBlockStats", needs: "", replicatedStats),
        RPCMethod("getFsECBlockGroupStats", needs: "", groupStats),
        RPCMethod("getDatanodeReport", needs: "superuser", datanodes), RPCMethod("getDatanodeStorageReport", needs: "superuser", storages),
        RPCMethod("getSlowDatanodeReport", needs: "superuser", remark: "none is measured", slowDatanodes),
        RPCMethod("setSafeMode", needs: "superuser", safeMode),
        RPCMethod("saveNamespace", needs: "superuser", remark: "always saved; nothing to do", saveNamespace),
        RPCMethod("listCorruptFileBlocks", needs: "superuser", corruptFiles), RPCMethod("listOpenFiles", needs: "superuser", openFiles),
        RPCMethod("getHAServiceState", needs: "", isForStandby: true, serviceState), RPCMethod("msync", needs: "", msync),
        RPCMethod("refreshNodes", needs: "superuser", refreshNodes),
        RPCMethod("finalizeUpgrade", needs: "superuser", msync), RPCMethod("upgradeStatus", needs: "", upgradeStatus),
        RPCMethod("setBalancerBandwidth", needs: "superuser", remark: "remembered by nobody: there is no balancer", balancerBandwidth),
    ]

    static func requireSuper(_ call: RPCCall) throws {
        guard call.caller.isSuper else {
            throw JavaException(JavaException.accessControl, "Access denied for user \(call.caller.user). Superuser privilege is required")
        }
    }

    @Sendable static func stats(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> FileSystemStats {
        let health = try await namenode.health()
        return try await namenode.look { _, soft in
            var stats = FileSystemStats()
            for node in soft.board.datanodes where node.isAlive {
                stats.capacityBytes &+= node.record.figures.capacityBytes
                stats.usedBytes &+= node.record.figures.usedBytes
                stats.remainingBytes &+= node.record.figures.remainingBytes
            }
            (stats.underReplicated, stats.corrupt, stats.missing) = (UInt64(health.under), UInt64(health.corrupt), UInt64(health.missing))
            stats.pendingDeletion = UInt64(max(0, soft.board.pendingDeletions))
            return stats
        }
    }

    @Sendable static func replicatedStats(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws
        -> ReplicatedBlockStats
    {
        let all = try await stats(request, call, namenode)
        var stats = ReplicatedBlockStats()
        (stats.lowRedundancy, stats.corrupt, stats.missing, stats.pendingDeletion) = (
            all.underReplicated, all.corrupt, all.missing, all.pendingDeletion
        )
        return stats
    }

    @Sendable static func groupStats(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> BlockGroupStats {
        BlockGroupStats()
    }

    /// Whether a datanode is in a report: 1 all, 2 live, 3 dead, 4 decommissioning, 5 entering maintenance, 6 in maintenance.
    private static func isChosen(_ kind: UInt32, _ node: ReplicaBoard.Standing) -> Bool {
        switch kind {
        case 2: node.isAlive
        case 3: !node.isAlive
        case 4: node.isAlive && FileViews.state(node) == .decommissioning
        case 5: node.isAlive && FileViews.state(node) == .enteringMaintenance
        case 6: node.isAlive && FileViews.state(node) == .inMaintenance
        default: true
        }
    }

    private static func chosen(_ kind: UInt32, _ namenode: Namenode) async throws -> [(info: DatanodeInfo, storageID: String)] {
        try await namenode.look { _, soft in
            let views = FileViews(superUser: "", poolID: "")
            return soft.board.datanodes.filter { isChosen(kind, $0) }.map { (views.info($0), $0.record.storageID) }
        }
    }

    @Sendable static func datanodes(_ request: ChoiceRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> ListAnswer<
        DatanodeInfo
    > {
        try requireSuper(call)
        return ListAnswer(try await chosen(request.choice, namenode).map(\.info))
    }

    @Sendable static func storages(_ request: ChoiceRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> ListAnswer<
        DatanodeStorageReport
    > {
        try requireSuper(call)
        return ListAnswer(
            try await chosen(request.choice, namenode).map { info, storageID in
                var report = StorageReport()
                report.uuid = storageID
                (report.capacityBytes, report.usedBytes, report.remainingBytes, report.poolUsedBytes) =
                    (info.capacityBytes, info.usedBytes, info.remainingBytes, info.usedBytes)
                var storage = DatanodeStorage()
                storage.uuid = storageID
                report.storage = storage
                var whole = DatanodeStorageReport()
                (whole.info, whole.reports) = (info, [report])
                return whole
            })
    }

    @Sendable static func slowDatanodes(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> ListAnswer<
        DatanodeInfo
    > {
        try requireSuper(call)
        return ListAnswer([])
    }

    @Sendable static func safeMode(_ request: SafeModeRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        if request.action != .get { try requireSuper(call) }
        return try await namenode.look { _, soft in
            switch request.action {
            case .enter: soft.safeMode = .manual
            case .leave, .forceExit: soft.safeMode = .off
            case .get: break
            }
            return FlagAnswer(soft.safeMode != .off)
        }
    }

    @Sendable static func saveNamespace(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        try requireSuper(call)
        return FlagAnswer(true)
    }

    @Sendable static func corruptFiles(_ request: CorruptFilesRequest, _ call: RPCCall, _ namenode: Namenode) async throws
        -> OptionalAnswer<CorruptFiles>
    {
        try requireSuper(call)
        var answer = CorruptFiles()
        try await namenode.walk(
            looksAtFiles: true, part: [String](),
            visit: { (paths, inode, machine, soft) throws(DFSRefusal) in
                guard let file = inode.file, paths.count < Self.corruptFilesMax else { return }
                let health = soft.board.health(file.blocks.map { WantedBlock(block: $0, replication: 1) })
                guard health.missing + health.corrupt > 0 else { return }
                let path = machine.namespace.path(of: inode.id)
                if path.utf8.starts(with: request.path.utf8) { paths.append(path) }
            },
            take: { paths in
                answer.files += paths.prefix(Self.corruptFilesMax - answer.files.count)
                return answer.files.count < Self.corruptFilesMax
            })
        answer.cookie = "\(answer.files.count)"
        // A cookie that is not empty asks for the next page; the first answer has everything.
        if let cookie = request.cookie, !cookie.isEmpty, cookie != "0" { answer.files = [] }
        return OptionalAnswer(answer)
    }

    /// Paths of one answer, as in HDFS.
    private static let corruptFilesMax = 100

    @Sendable static func openFiles(_ request: OpenFilesRequest, _ call: RPCCall, _ namenode: Namenode) async throws -> OpenFilesAnswer {
        try requireSuper(call)
        return try await namenode.look { machine, _ in
            let later = machine.openFiles(after: InodeID(request.after), count: NamenodeSettings.listingMax + 1)
            var answer = OpenFilesAnswer()
            for id in later.prefix(NamenodeSettings.listingMax) where machine.namespace.isReachable(id) {
                guard let writer = machine.namespace.inode(id)?.file?.writer else { continue }
                var entry = OpenFileEntry()
                (entry.id, entry.path, entry.clientName) = (id.rawValue, machine.namespace.path(of: id), writer)
                if entry.path.utf8.starts(with: (request.path ?? "/").utf8) { answer.entries.append(entry) }
            }
            answer.hasMore = later.count > NamenodeSettings.listingMax
            return answer
        }
    }

    /// 1 is active, 2 standby.
    @Sendable static func serviceState(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> NumberAnswer {
        NumberAnswer(await namenode.holdsOffice() ? 1 : 2)
    }

    @Sendable static func refreshNodes(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try requireSuper(call)
        try await namenode.refreshHosts()
        return EmptyMessage()
    }

    @Sendable static func msync(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        EmptyMessage()
    }
    @Sendable static func upgradeStatus(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> FlagAnswer {
        FlagAnswer(true)
    }

    @Sendable static func balancerBandwidth(_ request: EmptyMessage, _ call: RPCCall, _ namenode: Namenode) async throws -> EmptyMessage {
        try requireSuper(call)
        return EmptyMessage()
    }
}
