// Whether a datanode serves for good, leaves, or rests. Source: HDFS's AdminStates, "HDFS DataNode Admin Guide".
import Base

/// The duty that an operator gives a datanode. It gets no new blocks unless it is in service.
package enum DatanodeDuty: Sendable, Hashable {
    case inService
    /// Its blocks get all their copies on other datanodes; then it may be taken away for good.
    case leaving
    /// Away for a while: its blocks get one copy elsewhere, and its own count although it may be switched off. Nil: until an operator ends
    /// it.
    case resting(until: WallTime?)

    package var isInService: Bool { self == .inService }
    package var isResting: Bool { if case .resting = self { true } else { false } }
}

extension WantedBlock {
    /// The copies that a block needs on datanodes in service, when so many others are on resting ones.
    func needed(besides resting: Int) -> Int { resting == 0 ? replication : max(1, replication - resting) }
}
