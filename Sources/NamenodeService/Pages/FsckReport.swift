// The text of `hdfs fsck`: lines for files, if they are asked for, and the sums. Source: NamenodeFsck of Hadoop 3.
import Base
import DFSCore

/// The sums of a check and its lines so far.
struct FsckReport: Sendable {
    /// What the caller wants to see.
    struct Choices: Sendable {
        var files = false
        var blocks = false
        var locations = false
        var racks = false
        var openFiles = false
    }
    /// A block as it was found.
    struct Found: Sendable {
        var block: Block
        var nodes: [DatanodeRecord]
        var isCorrupt: Bool
        var isUnder: Bool
        /// Sound replicas on datanodes in service.
        var live: Int
    }
    let choices: Choices
    let poolID: String
    private(set) var directories: Int64 = 0
    private var files: Int64 = 0, bytes: Int64 = 0, blocks: Int64 = 0, replicas: Int64 = 0, wanted: Int64 = 0
    private var open: Int64 = 0, over: Int64 = 0, under: Int64 = 0, absent: Int64 = 0
    private(set) var missing: Int64 = 0
    private(set) var corrupt: Int64 = 0
    private var damagedFiles: Int64 = 0, missingBytes: Int64 = 0
    /// Lines not yet sent.
    private(set) var text = ""

    init(_ choices: Choices, poolID: String) { (self.choices, self.poolID) = (choices, poolID) }

    /// Takes the lines out.
    mutating func take() -> String {
        defer { text = "" }
        return text
    }

    /// Adds the sums of another part, and takes over its lines.
    mutating func add(_ part: FsckReport) {
        directories += part.directories
        (files, bytes, blocks) = (files + part.files, bytes.addingClamped(part.bytes), blocks + part.blocks)
        (replicas, wanted, open) = (replicas + part.replicas, wanted + part.wanted, open + part.open)
        (over, under, absent) = (over + part.over, under + part.under, absent + part.absent)
        (missing, corrupt, damagedFiles) = (missing + part.missing, corrupt + part.corrupt, damagedFiles + part.damagedFiles)
        missingBytes = missingBytes.addingClamped(part.missingBytes)
        text += part.text
    }

    mutating func add(directory path: String) {
        directories += 1
        if choices.files { text += "\(path) <dir>\n" }
    }

    mutating func add(file path: String, _ file: FileContent, _ found: [Found]) {
        let isOpen = file.writer != nil
        if isOpen { open += 1 }
        guard !isOpen || choices.openFiles else { return }
        files += 1
        bytes = bytes.addingClamped(file.lengthBytes)
        var lines = ""
        var complaints = ""
        var lost: (count: Int64, bytes: Int64) = (0, 0)
        var damaged: Int64 = 0
        for (place, one) in found.enumerated() where !one.block.isOpen {
            let (name, count) = ("\(poolID):blk_\(one.block.id)_\(one.block.generation)", one.live)
            blocks += 1
            replicas += Int64(count)
            wanted += Int64(file.replication)
            if count > file.replication { over += 1 }
            if one.isCorrupt {
                damaged += 1
                complaints += "\n\(path): CORRUPT blockpool \(poolID) block blk_\(one.block.id)\n"
            } else if one.nodes.isEmpty {
                lost = (lost.count + 1, lost.bytes.addingClamped(one.block.lengthBytes))
            } else if one.isUnder {
                under += 1
                absent += max(0, Int64(file.replication) - Int64(count))
                complaints +=
                    "\n\(path):  Under replicated \(name). Target Replicas is \(file.replication) but found \(count) live replica(s).\n"
            }
            lines += "\(place). \(name) len=\(one.block.lengthBytes)"
            lines += one.nodes.isEmpty ? " MISSING!" : " Live_repl=\(count)"
            lines += choices.locations || choices.racks ? "  [\(one.nodes.map(location).joined(separator: ", "))]\n" : "\n"
        }
        if choices.files {
            text += "\(path) \(file.lengthBytes) bytes, replicated: replication=\(file.replication), \(found.count) block(s)"
            text += isOpen ? ", OPENFORWRITE: " : ": "
        }
        text += complaints
        if lost.count > 0 { text += "\n\(path): MISSING \(lost.count) blocks of total size \(lost.bytes) B.\n" }
        if choices.files, complaints.isEmpty, lost.count == 0 { text += " OK\n" }
        if choices.blocks { text += lines + "\n" }
        (missing, corrupt) = (missing + lost.count, corrupt + damaged)
        missingBytes = missingBytes.addingClamped(lost.bytes)
        if lost.count + damaged > 0 { damagedFiles += 1 }
    }

    private func location(_ node: DatanodeRecord) -> String {
        choices.racks
            ? "\(node.rack)/\(node.address):\(node.transferPort)"
            : "DatanodeInfoWithStorage[\(node.address):\(node.transferPort),\(node.storageID),DISK]"
    }

    var isHealthy: Bool { missing + corrupt == 0 }

    private func share(_ part: Int64, of whole: Int64) -> String { "\(part) (\(whole == 0 ? 0 : Float(part) * 100 / Float(whole)) %)" }

    /// The sums in HDFS's lines.
    func summary(datanodes: Int, racks: Int, replication: Int64, queued: Int) -> String {
        var lines = ["", "Status: \(isHealthy ? "HEALTHY" : "CORRUPT")"]
        lines += [" Number of data-nodes:\t\(datanodes)", " Number of racks:\t\t\(racks)"]
        lines += [" Total dirs:\t\t\t\(directories)", " Total symlinks:\t\t0", "", "Replicated Blocks:"]
        lines += [
            " Total size:\t\(bytes) B",
            " Total files:\t\(files)" + (open > 0 && !choices.openFiles ? " (Files currently being written: \(open))" : ""),
        ]
        lines.append(" Total blocks (validated):\t\(blocks)" + (blocks > 0 ? " (avg. block size \(bytes / blocks) B)" : ""))
        if !isHealthy {
            lines += ["  ********************************", "  UNDER MIN REPL'D BLOCKS:\t\(share(missing + corrupt, of: blocks))"]
            lines += ["  MINIMAL BLOCK REPLICATION:\t1", "  CORRUPT FILES:\t\(damagedFiles)"]
            if missing > 0 { lines += ["  MISSING BLOCKS:\t\(missing)", "  MISSING SIZE:\t\t\(missingBytes) B"] }
            if corrupt > 0 { lines.append("  CORRUPT BLOCKS: \t\(corrupt)") }
            lines.append("  ********************************")
        }
        lines.append(" Minimally replicated blocks:\t\(share(blocks - missing - corrupt, of: blocks))")
        lines += [" Over-replicated blocks:\t\(share(over, of: blocks))", " Under-replicated blocks:\t\(share(under, of: blocks))"]
        lines += [" Mis-replicated blocks:\t\t\(share(0, of: blocks))", " Default replication factor:\t\(replication)"]
        lines.append(" Average block replication:\t\(blocks == 0 ? 0 : Float(replicas) / Float(blocks))")
        lines += [" Missing blocks:\t\t\(missing)", " Corrupt blocks:\t\t\(corrupt)", " Missing replicas:\t\t\(share(absent, of: wanted))"]
        lines += [" Blocks queued for replication:\t\(queued)", "", "Erasure Coded Block Groups:", " Total size:\t0 B", " Total files:\t0"]
        lines += [" Total block groups (validated):\t0", " Missing block groups:\t\t0", " Corrupt block groups:\t\t0", ""]
        return lines.joined(separator: "\n")
    }
}
