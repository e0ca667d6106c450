// What a broker is told about its cluster when it starts.
import Base
import NetKit

/// Settings of a broker that is one of several.
package struct ClusterSettings: Sendable {
    /// Where the brokers listen for each other; a broker's number there is its node id.
    package var peers: PeerLinkSettings
    /// Where this broker stands (Kafka: broker.rack).
    package var rack = ""
    /// Replicas of a topic whose creator names no number (Kafka: default.replication.factor).
    package var defaultReplicationFactor: Int16 = 1
    /// A broker that was not heard from for this long is not there (Kafka: broker.session.timeout.ms, 9 s there).
    package var sessionTimeout = Duration.milliseconds(2000)
    /// A follower that has not had everything for this long is not in sync (Kafka: replica.lag.time.max.ms).
    package var replicaLagMax = Duration.seconds(30)
    /// Whether preferred leaders get their partitions back by themselves (Kafka: auto.leader.rebalance.enable), and how often that is looked at.
    package var rebalancesLeaders = true
    package var leaderImbalanceCheckInterval = Duration.seconds(300)
    /// Where clients find this broker if nothing else is said; set when it listens.
    var clientAddress = HostPort("127.0.0.1", 9092)

    package init(peers: PeerLinkSettings) { self.peers = peers }

    /// How long a leader keeps the question of a follower that has everything.
    static let replicaFetchWait = Duration.milliseconds(200)
    /// Record bytes in one answer to a follower; one batch may exceed it (Kafka: replica.fetch.response.max.bytes).
    static let replicaFetchBytesMax = 8 << 20
    /// Of these at most so many from one partition (Kafka: replica.fetch.max.bytes).
    static let replicaPartitionBytesMax = 4 << 20
    /// Pause before a partition that could not be fetched is tried again.
    static let replicaRetry = Duration.milliseconds(50)
    /// The same where this broker's own disk is the reason, which is told each time.
    static let replicaRetryAfterFailure = Duration.seconds(1)
}
