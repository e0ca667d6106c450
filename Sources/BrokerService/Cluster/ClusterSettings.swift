// The cluster settings of a broker's start.
import Base
import NetKit

/// Settings of a broker in a cluster.
package struct ClusterSettings: Sendable {
    /// The brokers' addresses for each other; a broker's number there is its node id.
    package var peers: PeerLinkSettings
    /// The rack of this broker (Kafka: broker.rack).
    package var rack = ""
    /// Replicas of a topic created without a number (Kafka: default.replication.factor).
    package var defaultReplicationFactor: Int16 = 1
    /// Silence after which a broker counts as lost (Kafka: broker.session.timeout.ms, 9 s there).
    package var sessionTimeout = Duration.milliseconds(2000)
    /// Time behind the leader's end after which a follower is out of sync (Kafka: replica.lag.time.max.ms).
    package var replicaLagMax = Duration.seconds(30)
    /// Whether preferred leaders get their partitions back by themselves (Kafka: auto.leader.rebalance.enable), and the interval of that
    /// check.
    package var rebalancesLeaders = true
    package var leaderImbalanceCheckInterval = Duration.seconds(300)
    /// The advertised address unless a setting names another; set when the broker listens.
    var clientAddress = HostPort("127.0.0.1", 9092)

    package init(peers: PeerLinkSettings) { self.peers = peers }

    /// The leader's longest wait with the fetch of a caught-up follower.
    static let replicaFetchWait = Duration.milliseconds(200)
    /// Record bytes in one answer to a follower; one batch may exceed it (Kafka: replica.fetch.response.max.bytes).
    static let replicaFetchBytesMax = 8 << 20
    /// The part of these from one partition (Kafka: replica.fetch.max.bytes).
    static let replicaPartitionBytesMax = 4 << 20
    /// Pause before a partition is fetched again after an error.
    static let replicaRetry = Duration.milliseconds(50)
    /// The same after a failure of this broker's own disk, which is logged each time.
    static let replicaRetryAfterFailure = Duration.seconds(1)
}
