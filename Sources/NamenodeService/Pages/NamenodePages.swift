// The namenode's pages beside WebHDFS: /jmx for exporters, /fsck for Hadoop's `hdfs fsck`. They read, and change nothing.
import Base
import DFSCore
import HadoopNet
import HadoopWire
import NetKit

enum NamenodePages {
    static func answer(_ http: HTTPCall, _ namenode: Namenode) async -> HTTPReply {
        guard [JMXPage.path, FsckPage.path].contains(http.path) else { return await WebHDFSAPI.answer(http, namenode) }
        guard http.method == "GET" else { return .text(405, "this page is read with GET\n") }
        do {
            if http.path == FsckPage.path { return try await FsckPage.answer(http, namenode) }
            return JMXPage.answer(http, try await beans(namenode))
        } catch { return JavaException(error).reply }
    }

    // MARK: figures

    /// The datanodes in numbers and bytes.
    private struct Nodes: Sendable {
        var all: [ReplicaBoard.Standing]
        var capacity: Int64 = 0, used: Int64 = 0, remaining: Int64 = 0, transfers: Int64 = 0

        init(_ all: [ReplicaBoard.Standing]) {
            self.all = all
            for node in all where node.isAlive {
                capacity = capacity.addingClamped(Int64(clamping: node.record.figures.capacityBytes))
                used = used.addingClamped(Int64(clamping: node.record.figures.usedBytes))
                remaining = remaining.addingClamped(Int64(clamping: node.record.figures.remainingBytes))
                transfers += Int64(node.record.figures.transfers)
            }
        }

        var otherUse: Int64 { max(0, capacity - used.addingClamped(remaining)) }
        func count(alive: Bool, _ state: DatanodeInfo.AdminState? = nil) -> Int64 {
            Int64(all.count { $0.isAlive == alive && (state == nil || FileViews.state($0) == state) })
        }
    }

    private struct Figures: Sendable {
        var nodes: Nodes
        var files: Int64
        var blocks: Int64
        var open: Int64
        var pendingDeletions: Int64
        var isHeld: Bool
        var namespaceID: Int64
    }

    private static func beans(_ namenode: Namenode) async throws -> [JMXBean] {
        let found = try await namenode.look { machine, soft in
            Figures(
                nodes: Nodes(soft.board.datanodes), files: Int64(machine.namespace.inodeCount), blocks: Int64(machine.namespace.blockCount),
                open: Int64(machine.openFileCount), pendingDeletions: Int64(soft.board.pendingDeletions), isHeld: soft.office.isHeld,
                namespaceID: machine.namespace.counters.namespaceID)
        }
        // Only the namenode that leads knows of every block that it may be missing.
        let health = found.isHeld ? try await namenode.health() : nil
        let safeMode = found.isHeld ? try await namenode.safeModeText() : ""
        return [namesystem(found, health), state(found, health, safeMode), information(found, health, safeMode)]
    }

    private static func sizes(_ found: Figures) -> [JMXBean.Figure] {
        let nodes = found.nodes
        return [
            ("CapacityTotal", .number(nodes.capacity)), ("CapacityUsed", .number(nodes.used)),
            ("CapacityRemaining", .number(nodes.remaining)), ("TotalLoad", .number(nodes.transfers)),
            ("BlocksTotal", .number(found.blocks)), ("FilesTotal", .number(found.files)),
            ("NumLiveDataNodes", .number(nodes.count(alive: true))), ("NumDeadDataNodes", .number(nodes.count(alive: false))),
            ("NumDecomLiveDataNodes", .number(nodes.count(alive: true, .decommissioned))),
            ("NumDecomDeadDataNodes", .number(nodes.count(alive: false, .decommissioned))),
            ("NumDecommissioningDataNodes", .number(nodes.count(alive: true, .decommissioning))),
            ("NumInMaintenanceLiveDataNodes", .number(nodes.count(alive: true, .inMaintenance))),
            ("NumInMaintenanceDeadDataNodes", .number(nodes.count(alive: false, .inMaintenance))),
            ("NumEnteringMaintenanceDataNodes", .number(nodes.count(alive: true, .enteringMaintenance))),
            ("PendingDeletionBlocks", .number(found.pendingDeletions)),
        ]
    }

    private static func counts(_ health: BlockHealth?) -> [JMXBean.Figure] {
        guard let health else { return [] }
        return [
            ("UnderReplicatedBlocks", .number(Int64(health.under))), ("LowRedundancyBlocks", .number(Int64(health.under))),
            ("CorruptBlocks", .number(Int64(health.corrupt))), ("MissingBlocks", .number(Int64(health.missing))),
        ]
    }

    private static func namesystem(_ found: Figures, _ health: BlockHealth?) -> JMXBean {
        let gigabyte = 1.0 / Double(1 << 30)
        let nodes = found.nodes
        let own: [JMXBean.Figure] = [
            ("tag.HAState", .text(found.isHeld ? "active" : "standby")),
            ("CapacityTotalGB", .decimal((Double(nodes.capacity) * gigabyte).rounded())),
            ("CapacityUsedGB", .decimal((Double(nodes.used) * gigabyte).rounded())),
            ("CapacityRemainingGB", .decimal((Double(nodes.remaining) * gigabyte).rounded())),
            ("CapacityUsedNonDFS", .number(nodes.otherUse)), ("NumFilesUnderConstruction", .number(found.open)),
        ]
        return JMXBean(service: "NameNode", name: "FSNamesystem", own + sizes(found) + counts(health))
    }

    private static func state(_ found: Figures, _ health: BlockHealth?, _ safeMode: String) -> JMXBean {
        let own: [JMXBean.Figure] = [("FSState", .text(safeMode.isEmpty ? "Operational" : "safeMode"))]
        return JMXBean(service: "NameNode", name: "FSNamesystemState", own + sizes(found) + counts(health))
    }

    private static func information(_ found: Figures, _ health: BlockHealth?, _ safeMode: String) -> JMXBean {
        let nodes = found.nodes
        func percent(_ part: Int64) -> JMXBean.Value { .decimal(nodes.capacity == 0 ? 0 : Double(part) * 100 / Double(nodes.capacity)) }
        let identity = Namenode.Identity(namespaceID: found.namespaceID)
        var figures: [JMXBean.Figure] = [
            ("Total", .number(nodes.capacity)), ("Used", .number(nodes.used)), ("Free", .number(nodes.remaining)),
            ("NonDfsUsedSpace", .number(nodes.otherUse)), ("BlockPoolUsedSpace", .number(nodes.used)), ("PercentUsed", percent(nodes.used)),
            ("PercentBlockPoolUsed", percent(nodes.used)), ("PercentRemaining", percent(nodes.remaining)), ("Safemode", .text(safeMode)),
            ("TotalBlocks", .number(found.blocks)), ("TotalFiles", .number(found.files)), ("ClusterId", .text(identity.clusterID)),
            ("BlockPoolId", .text(identity.poolID)),
            ("LiveNodes", .text(list(nodes.all.filter(\.isAlive)))),
            ("DeadNodes", .text(list(nodes.all.filter { !$0.isAlive }))),
            ("DecomNodes", .text(list(nodes.all.filter { FileViews.state($0) == .decommissioning }))),
        ]
        if let health { figures.append(("NumberOfMissingBlocks", .number(Int64(health.missing)))) }
        return JMXBean(service: "NameNode", name: "NameNodeInfo", figures)
    }

    /// Datanodes as HDFS lists them: an object in a text, by host and port.
    private static func list(_ nodes: [ReplicaBoard.Standing]) -> String {
        let states: [DatanodeInfo.AdminState: String] = [
            .normal: "In Service", .decommissioning: "Decommission In Progress", .decommissioned: "Decommissioned",
            .enteringMaintenance: "Entering Maintenance", .inMaintenance: "In Maintenance",
        ]
        let all = nodes.map { node in
            let (record, figures) = (node.record, node.record.figures)
            let fields = [
                "\"infoAddr\":\(JSONText.quoted("\(record.address):\(record.infoPort)"))",
                "\"xferaddr\":\(JSONText.quoted("\(record.address):\(record.transferPort)"))",
                "\"adminState\":\(JSONText.quoted(states[FileViews.state(node)] ?? ""))", "\"capacity\":\(figures.capacityBytes)",
                "\"usedSpace\":\(figures.usedBytes)", "\"remaining\":\(figures.remainingBytes)", "\"numBlocks\":\(node.blockCount)",
            ]
            return "\(JSONText.quoted("\(record.hostName):\(record.transferPort)")):{\(fields.joined(separator: ","))}"
        }
        return "{\(all.joined(separator: ","))}"
    }
}
