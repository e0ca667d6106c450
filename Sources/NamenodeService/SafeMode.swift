// Safe mode: the namespace is read-only, and no replica is copied or deleted. A namenode is in it from its start until the datanodes have
// reported enough blocks, and whenever an operator says so. Source: "HDFS User Guide", section "Safemode".
import Base
import DFSCore
import HadoopNet
import HadoopWire

/// Whether, and why, the namespace is read-only.
enum SafeMode: Sendable, Equatable {
    case off
    /// Datanodes have to report first; it ends by itself.
    case starting
    /// Until an operator ends it.
    case manual
}

/// When a starting namenode serves writes.
struct SafeModeRule: Sendable, Equatable {
    /// The blocks that must have a replica, in thousandths of all finished ones; above 1000 only an operator ends safe mode.
    var thousandths: Int64 = 999
    /// The datanodes that must be there.
    var datanodes = 0

    /// The number of reported blocks that is enough of so many.
    func needed(of total: Int) -> Int64 {
        // The product stays in range: a file system has far fewer than 2^50 blocks.
        (Int64(total).multipliedClamped(by: thousandths) + 999) / 1000
    }

    func isMet(_ health: BlockHealth, datanodes: Int) -> Bool {
        datanodes >= self.datanodes && Int64(health.reported) >= needed(of: health.total)
    }

    /// The state in HDFS's words.
    func text(_ health: BlockHealth, datanodes: Int) -> String {
        let (needed, threshold) = (
            needed(of: health.total), "\(thousandths / 1000).\(String(thousandths % 1000 + 1000).droppingBytes(first: 1))"
        )
        let more = needed - Int64(health.reported)
        let blocks =
            (more <= 0
                ? "The reported blocks \(health.reported) has reached the threshold \(threshold)"
                : "The reported blocks \(health.reported) needs additional \(more) blocks to reach the threshold \(threshold)")
            + " of total blocks \(health.total)."
        let nodes =
            "The number of live datanodes \(datanodes) "
            + (datanodes >= self.datanodes
                ? "has reached the minimum number \(self.datanodes)."
                : "needs an additional \(self.datanodes - datanodes) live datanodes to reach the minimum number \(self.datanodes).")
        return "\(blocks) \(nodes) Safe mode will be turned off automatically once the thresholds have been reached."
    }
}

extension Namenode {
    static let manualText =
        "It was turned on manually. Use \"hdfs dfsadmin -safemode leave\" (platform dfs safemode leave) to turn safe mode off."

    /// Whether a namenode that begins to serve has to wait for reports.
    func startingMode(_ machine: borrowing DFSMachine) -> SafeMode {
        let rule = settings.operation.safeMode
        guard rule.datanodes > 0 || rule.thousandths > 0 && machine.namespace.blockCount > 0 else { return .off }
        return .starting
    }

    /// How long a change waits for the end of safe mode after a start, so that most clients do not notice a restart.
    private static let changePatience = 60
    private static let changePause = Duration.milliseconds(50)

    /// Throws SafeModeException while the namespace is read-only. With several namenodes a client shall try again, as in HDFS.
    func checkSafeMode() async throws {
        var patience = Self.changePatience
        while true {
            switch await replica.read({ [soft] _ in soft.safeMode }) {
            case .off: return
            case .manual: throw JavaException(JavaException.safeMode, "Name node is in safe mode.\n\(Self.manualText)")
            case .starting:
                guard patience > 0 else {
                    let text = "Name node is in safe mode.\n\(try await safeModeText())"
                    throw JavaException(settings.ensemble == nil ? JavaException.safeMode : JavaException.retriable, text)
                }
                patience -= 1
                try await Task.sleep(for: Self.changePause)
            }
        }
    }

    /// The reports that are still needed; empty where safe mode is off.
    func safeModeText() async throws -> String {
        switch try await look({ _, soft in soft.safeMode }) {
        case .off: return ""
        case .manual: return Self.manualText
        case .starting:
            let health = try await health()
            let alive = try await look { _, soft in soft.board.aliveCount }
            return settings.operation.safeMode.text(health, datanodes: alive)
        }
    }

    /// Ends the safe mode of a start once enough is reported.
    func leaveSafeModeIfReported() async throws {
        let rule = settings.operation.safeMode
        guard try await look({ _, soft in soft.safeMode == .starting && soft.board.aliveCount >= rule.datanodes }) else { return }
        let health = try await health()
        let hasLeft = try await look { _, soft in
            guard soft.safeMode == .starting, rule.isMet(health, datanodes: soft.board.aliveCount) else { return false }
            soft.safeMode = .off
            return true
        }
        guard hasLeft else { return }
        log.notice("safe mode is off: enough blocks are reported", metadata: ["reported": "\(health.reported)", "of": "\(health.total)"])
    }
}
