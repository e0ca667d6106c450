// The options of a replica's opening, and its findings.
import Base
import Consensus
import Storage

/// The findings at the opening of a directory.
package struct ReplicaRecovery: Sendable {
    /// The slot up to which the tables were complete.
    package var tables = Slot.zero
    /// The last slot in the log; the difference is executed again.
    package var log = Slot.zero
    package var logReport = LogRecoveryReport()
}

/// The options of a replica.
package struct ReplicaOptions: Sendable {
    /// Holds `meta.sqlite` and `log/`.
    package var directory: String
    /// Names the replica's threads.
    package var name: String
    package var membership = Membership.alone
    package var limits = ReplicaLimits()
    package var paxos = PaxosOptions()

    package var files: RealFileSystem
    /// Whether a replica with damaged tables, and with peers, may begin without them and take over those of another one. The service must
    /// not serve while `ReplicaHost.awaitsTables`.
    package var heals = false

    package init(directory: String, name: String, files: RealFileSystem = RealFileSystem()) {
        self.directory = directory
        self.name = name
        self.files = files
    }
}
