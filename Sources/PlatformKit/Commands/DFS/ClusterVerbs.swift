// Verbs on the file system as a whole: datanodes, safe mode, quotas, files with endangered blocks, abandoned open files.
import Base
import Clients
import Foundation
import HadoopWire
import NetKit

extension DFSVerb {
    static let cluster: [DFSVerb] = [
        DFSVerb("report", "", "Show the datanodes and how full they are.", operands: 0...0, Cluster.report),
        DFSVerb(
            "refreshNodes", "", "Have the namenode read its file of datanodes that leave or rest again.", operands: 0...0,
            Cluster.refreshNodes),
        DFSVerb("safemode", "enter|leave|get|wait", "Make the namespace read-only, or writable again.", operands: 1...1, Cluster.safeMode),
        DFSVerb("fsck", "[<path>]", "Look for blocks with too few copies, damaged ones and missing ones.", operands: 0...1, Cluster.check),
        DFSVerb("setQuota", "<quota> <dir> ...", "Limit the names below directories.", operands: 2...Int.max, Cluster.setQuota),
        DFSVerb("clrQuota", "<dir> ...", "Take the limit of names away.", Cluster.setQuota),
        DFSVerb(
            "setSpaceQuota", "<quota> <dir> ...", "Limit the bytes of all copies below directories.", operands: 2...Int.max,
            Cluster.setQuota),
        DFSVerb("clrSpaceQuota", "<dir> ...", "Take the limit of bytes away.", Cluster.setQuota),
        DFSVerb("recoverLease", "<path> ...", "Close files whose writers are gone.", Cluster.recoverLease),
    ]
}

/// Base64 for texts on the command line.
enum Base64 {
    static func text(_ bytes: Bytes) -> String { Data(bytes.readableBytesView).base64EncodedString() }
    static func bytes(_ text: String) -> Bytes? { Data(base64Encoded: text).map { Bytes(bytes: $0) } }
}

private enum Cluster {
    private static func files(_ call: VerbCall) throws -> HDFSFileSystem { try call.shell.path("/").access.rpc(call.word) }

    private static func withUnits(_ bytes: UInt64) -> String {
        "\(bytes) (\(bytes < 1024 ? "\(bytes)" : ShellForms.human(Int64(clamping: bytes)))B)"
    }

    private static let states: [DatanodeInfo.AdminState: String] = [
        .normal: "Normal", .decommissioning: "Decommission in progress", .decommissioned: "Decommissioned",
        .enteringMaintenance: "Entering Maintenance", .inMaintenance: "In Maintenance",
    ]

    @Sendable static func refreshNodes(_ call: VerbCall) async throws {
        try await files(call).namenode.refreshNodes()
        Output.line("Refresh nodes successful")
    }

    @Sendable static func report(_ call: VerbCall) async throws {
        let namenode = try files(call).namenode
        let stats = try await namenode.stats()
        let (live, dead) = (try await namenode.datanodes(.live), try await namenode.datanodes(.dead))
        if call.shell.choices.output == .json { return rows(live, dead) }
        Output.line(
            """
            Configured Capacity: \(withUnits(stats.capacityBytes))
            DFS Remaining: \(withUnits(stats.remainingBytes))
            DFS Used: \(withUnits(stats.usedBytes))
            Under replicated blocks: \(stats.underReplicated)
            Blocks with corrupt replicas: \(stats.corrupt)
            Missing blocks: \(stats.missing)
            Pending deletion blocks: \(stats.pendingDeletion)

            -------------------------------------------------
            """)
        for (name, nodes) in [("Live", live), ("Dead", dead)] where !nodes.isEmpty {
            Output.line("\(name) datanodes (\(nodes.count)):\n")
            for node in nodes {
                Output.line(
                    """
                    Name: \(node.id.address):\(node.id.transferPort) (\(node.id.hostName))
                    Datanode: \(node.id.uuid)
                    Rack: \(node.location ?? "")
                    Decommission Status: \(states[node.state] ?? "")
                    Configured Capacity: \(withUnits(node.capacityBytes))
                    DFS Used: \(withUnits(node.usedBytes))
                    DFS Remaining: \(withUnits(node.remainingBytes))
                    Num of Blocks: \(node.blockCount)
                    Last contact: \(Timestamps.text(milliseconds: Int64(clamping: node.lastUpdate)))

                    """)
            }
        }
    }

    private static func rows(_ live: [DatanodeInfo], _ dead: [DatanodeInfo]) {
        Output.rows(
            ["datanode", "address", "alive", "capacityBytes", "usedBytes", "remainingBytes", "blocks", "state"],
            [(live, true), (dead, false)].flatMap { nodes, isAlive in
                nodes.map { node in
                    [
                        .text(node.id.uuid), .text("\(node.id.address):\(node.id.transferPort)"), .flag(isAlive),
                        .number(Int64(clamping: node.capacityBytes)),
                        .number(Int64(clamping: node.usedBytes)), .number(Int64(clamping: node.remainingBytes)),
                        .number(Int64(node.blockCount)), .text(states[node.state] ?? ""),
                    ]
                }
            }, .json)
    }

    @Sendable static func safeMode(_ call: VerbCall) async throws {
        let namenode = try files(call).namenode
        let actions: [String: SafeModeRequest.Action] = ["enter": .enter, "leave": .leave, "get": .get, "wait": .get]
        guard let action = actions[call.operands[0]] else {
            throw ShellMisuse("safemode knows enter, leave, get and wait, not \(call.operands[0])")
        }
        var isOn = try await namenode.safeMode(action)
        while call.operands[0] == "wait", isOn {
            try await Task.sleep(for: .seconds(1))
            isOn = try await namenode.safeMode(.get)
        }
        Output.line("Safe mode is \(isOn ? "ON" : "OFF")")
    }

    @Sendable static func setQuota(_ call: VerbCall) async throws {
        let (isSpace, isCleared) = (call.word.endsWithBytes(of: "SpaceQuota"), call.word.beginsWithBytes(of: "clr"))
        let value: Int64
        if isCleared {
            value = -1
        } else {
            guard let number = bytes(call.operands[0]), number > 0 else {
                throw ShellMisuse("\"\(call.operands[0])\" is not a valid value for a quota.")
            }
            value = number
        }
        let unchanged = NamenodeProxy.unchangedQuota
        try await call.eachPath(isCleared ? call.operands : Array(call.operands.dropFirst())) { path in
            try await path.access.rpc(call.word).namenode.setQuota(
                path.path, names: isSpace ? unchanged : value, spaceBytes: isSpace ? value : unchanged)
        }
    }

    /// A number, optionally with a binary unit: `10g`.
    private static func bytes(_ text: String) -> Int64? {
        if let number = Int64(text) { return number }
        let units: [Unicode.Scalar: Int64] = ["k": 10, "m": 20, "g": 30, "t": 40, "p": 50]
        guard let unit = text.lowercased().unicodeScalars.last.flatMap({ units[$0] }), let number = Int64(text.droppingBytes(last: 1))
        else { return nil }
        return number.multipliedClamped(by: 1 << unit)
    }

    @Sendable static func recoverLease(_ call: VerbCall) async throws {
        try await call.eachPath { path in
            let namenode = try path.access.rpc(call.word).namenode
            var pause = Duration.milliseconds(100)
            while try await !namenode.recoverLease(path.path, clientName: "platform-recover") {
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(2))
            }
            Output.line("recoverLease SUCCEEDED on \(path.shown)")
        }
    }

    private struct Health {
        var directories = 0, files = 0, blocks = 0, bytes: UInt64 = 0, under = 0, corrupt = 0, missing = 0, replicas = 0
    }

    @Sendable static func check(_ call: VerbCall) async throws {
        var health = Health()
        try await call.eachPath(call.operands.isEmpty ? ["/"] : call.operands) { path in
            let files = try path.access.rpc("fsck")
            if path.status?.kind == .directory {
                try await walk(path.path, files, &health)
            } else if let status = path.status {
                try await look(path.path, status, files, &health)
            }
        }
        let isHealthy = health.corrupt == 0 && health.missing == 0
        Output.line(
            """
            Status: \(isHealthy ? "HEALTHY" : "CORRUPT")
             Number of data-nodes:\t\(try await files(call).namenode.datanodes(.live).count)
             Total dirs:\t\(health.directories)
             Total files:\t\(health.files)
             Total size:\t\(health.bytes) B
             Total blocks (validated):\t\(health.blocks)
             Average block replication:\t\(health.blocks == 0 ? 0 : Double(health.replicas) / Double(health.blocks))
             Under-replicated blocks:\t\(health.under)
             Corrupt blocks:\t\(health.corrupt)
             Missing blocks:\t\(health.missing)
            """)
        if !isHealthy { call.end(1) }
    }

    private static func walk(_ directory: String, _ files: HDFSFileSystem, _ health: inout Health) async throws {
        health.directories += 1
        var below: [String] = []
        var found: [FileStatus] = []
        _ = try await files.list(directory, withLocations: true) { found += $0 }
        for status in found {
            let path = ShellPath.join(directory, status.path.text)
            if status.kind == .directory { below.append(path) } else { try await look(path, status, files, &health) }
        }
        for path in below { try await walk(path, files, &health) }
    }

    private static func look(_ path: String, _ status: FileStatus, _ files: HDFSFileSystem, _ health: inout Health) async throws {
        health.files += 1
        health.bytes &+= status.lengthBytes
        let places: LocatedBlocks
        if let known = status.locations { places = known } else { places = try await files.namenode.locations(path) }
        for located in places.blocks {
            health.blocks += 1
            health.replicas += located.locations.count
            let name = "blk_\(located.block.blockID)_\(located.block.generation)"
            if located.locations.isEmpty {
                health.missing += 1
                Output.line("\(path): MISSING block \(name)")
            } else if located.corrupt {
                health.corrupt += 1
                Output.line("\(path): CORRUPT block \(name)")
            } else if located.locations.count < Int(status.replication) {
                health.under += 1
                Output.line(
                    "\(path):  Under replicated \(name). Target Replicas is \(status.replication) but found \(located.locations.count) live replica(s)."
                )
            }
        }
    }
}
