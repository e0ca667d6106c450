// Counts and latencies of requests, of the server and of each connection: the figures of `mntr`, `stat` and `cons`.
import Base
import CoordCore
import ZooKeeperWire

/// Counts and latencies of requests.
struct RequestStatistics {
    private(set) var received = 0
    private(set) var sent = 0
    private(set) var answered = 0
    private(set) var latencyMin = Duration.zero
    private(set) var latencyMax = Duration.zero
    private var latencyTotal = Duration.zero

    mutating func noteReceived() { received += 1 }
    mutating func noteSent() { sent += 1 }

    mutating func noteAnswered(after latency: Duration) {
        latencyMin = answered == 0 ? latency : min(latencyMin, latency)
        latencyMax = max(latencyMax, latency)
        latencyTotal += latency
        answered += 1
    }

    /// In milliseconds.
    var latencyAverage: Double { answered == 0 ? 0 : Double(latencyTotal.inNanoseconds) / Double(answered) / 1_000_000 }

    mutating func resetLatency() { (answered, latencyMin, latencyMax, latencyTotal) = (0, .zero, .zero, .zero) }
    mutating func reset() { self = RequestStatistics() }
}

/// The last thing that a connection asked for.
struct LastRequest {
    var operation: OpCode?
    var xid: Int32 = 0
    var zxid: Int64 = -1
    var answeredAt = Instant.zero
    var latency = Duration.zero
}

extension OpCode {
    /// Whether the operation goes through the log.
    var isUpdate: Bool {
        switch self {
        case .create, .create2, .createContainer, .createTTL, .delete, .deleteContainer, .setData, .setACL, .multi, .reconfig,
            .createSession,
            .closeSession:
            true
        default: false
        }
    }

    /// The short name under which ZooKeeper's `cons` shows an operation.
    var shortName: String {
        switch self {
        case .create, .create2, .createContainer, .createTTL: "CREA"
        case .delete: "DELE"
        case .deleteContainer: "DELC"
        case .exists: "EXIS"
        case .getData: "GETD"
        case .setData: "SETD"
        case .getACL: "GETA"
        case .setACL: "SETA"
        case .getChildren, .getChildren2: "GETC"
        case .getAllChildrenNumber: "GETACN"
        case .getEphemerals: "GETE"
        case .sync: "SYNC"
        case .ping: "PING"
        case .check: "CHEC"
        case .multi: "MULT"
        case .multiRead: "MLTR"
        case .reconfig: "RECO"
        case .checkWatches: "CHKW"
        case .removeWatches: "REMW"
        case .addWatch: "ADDW"
        case .setWatches: "SETW"
        case .setWatches2: "STW2"
        case .auth: "AUTH"
        case .sasl: "SASL"
        case .whoAmI: "WHOM"
        case .createSession: "SESS"
        case .closeSession: "CLOS"
        }
    }
}
