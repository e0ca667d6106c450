// The settings of a broker's start. PlatformKit fills them from its one typed settings table; the defaults here are Kafka's unless a
// comment gives the reason for another. Topic settings live in TopicConfig.
import Base
import BrokerCore
import NetKit

/// The point at which an append may be acknowledged.
package enum Durability: Sendable, Equatable {
    /// After fdatasync, which is shared by all waiting appends.
    case beforeAcknowledging
    /// After the write; the disk is synced at this interval. A crash of the machine can lose the appends since then, a crash of the process
    /// cannot.
    case every(Duration)
}

/// The share that clients may take of the broker.
package struct ConnectionSettings: Sendable {
    /// Largest request in bytes (Kafka: socket.request.max.bytes).
    package var requestBytesMax = 100 << 20
    /// Most client connections; further ones are closed (Kafka: max.connections).
    package var countMax = 10_000
    /// Most connections from one address (Kafka: max.connections.per.ip); 0 for no limit.
    package var countPerAddressMax = 0
    /// The broker's memory for its clients, in bytes: incomplete frames, batches waiting for the disk, unsent answers.
    package var memoryMax = 512 << 20
    /// The part of it for the clients of one address, in bytes.
    package var memoryPerAddressMax = 256 << 20
    /// The process's memory for the clients of all its services; nil for no limit beyond the broker's.
    package var processMemory: MemoryBudget?
    /// Idle time after which a connection is closed; nil for never (Kafka: connections.max.idle.ms).
    package var idleMax: Duration? = .seconds(600)
    /// Lifetime of a login, after which the client must reauthenticate on its connection; nil for ever (Kafka: connections.max.reauth.ms).
    package var loginMax: Duration?
    package var tls: TLSSettings?
}

/// Logins and rights.
package struct AccessSettings: Sendable {
    /// Whether a connection must log in first.
    package var requiresLogin = false
    /// Whether access rules are enforced; otherwise every user may do everything.
    package var enforcesRules = false
    /// Principals (`User:NAME`) that may do everything.
    package var superUsers: Set<ExactText> = []
    /// A user created at the start if it is missing, for the first login.
    package var firstUser: (name: String, password: String)?
    /// Settings of delegation tokens; nil turns them off.
    package var delegationTokens: DelegationTokenSettings?
    /// Settings of OAUTHBEARER logins; nil turns them off.
    package var oauth: OAuthSettings?
}

/// Settings of one broker.
package struct BrokerSettings: Sendable {
    package var listen = HostPort("127.0.0.1", 9092)
    /// The address advertised to clients; nil for the address that the client connected to.
    package var advertised: HostPort?
    package var nodeID: Int32 = 1
    /// Whether a metadata request creates an unknown topic.
    package var autoCreateTopics = true
    /// Partitions of a topic created without a number.
    package var defaultPartitions: Int32 = 1
    package var topicDefaults = TopicConfig()
    package var durability = Durability.beforeAcknowledging
    package var groups = GroupSettings()
    package var consumerGroups = ConsumerGroupSettings()
    package var shareGroups = ShareGroupSettings()
    package var retentionCheckInterval = Duration.seconds(300)
    /// Interval of the removal of groups without members and offsets (Kafka: offsets.retention.check.interval.ms).
    package var offsetsRetentionCheckInterval = Duration.seconds(600)
    /// Interval of the check of compacted partitions (Kafka: log.cleaner.backoff.ms).
    package var cleanerInterval = Duration.seconds(15)
    /// Threads that write and read partitions; each partition belongs to one of them.
    package var diskThreads = 2
    package var connections = ConnectionSettings()
    /// Produce payload waiting for the disk, in bytes over all connections; above it connections are not read.
    package var pendingProduceBytesMax = 256 << 20
    /// Newest record batches kept in memory for consumers that keep up, in bytes over all partitions.
    package var tailBytesMax = 32 << 20
    /// Settings of the broker's cluster; nil for a standalone broker.
    package var cluster: ClusterSettings?
    /// Most fetch sessions (Kafka: max.incremental.fetch.session.cache.slots).
    package var fetchSessionsMax = 1000
    package var access = AccessSettings()

    package init() {}

    /// Unanswered requests of one connection.
    static let pipelineLimit = 1024
    /// Largest request other than Produce, in bytes; metadata never needs more.
    static let smallRequestBytesMax = 8 << 20
    /// Largest Fetch answer, in bytes, whatever the client asks for (Kafka: fetch.max.bytes); one batch may exceed it.
    static let fetchBytesMax = 55 << 20
    /// Longest wait of a Fetch, whatever the client asks for; an empty answer is always allowed.
    static let fetchWaitMax = Duration.seconds(60)
    /// Memory of fetch sessions, in bytes; without a session a client states its partitions with every fetch.
    static let fetchSessionBytesMax = 64 << 20
    /// Age at which a fetch session may be evicted for another one (Kafka: min.incremental.fetch.session.eviction.ms).
    static let fetchSessionEvictionAge = Duration.seconds(120)
    /// Producer ids reserved by one command.
    static let producerIDBlock: Int64 = 1000
    /// Longest metadata text stored with an offset (Kafka: offset.metadata.max.bytes).
    static let offsetMetadataBytesMax = 4096
    /// Subscriptions and assignments of all members of a group together, as stored with each generation.
    static let storedGroupBytesMax = 8 << 20
    /// Shortest interval of reauthentications on a connection.
    static let reauthenticationInterval = Duration.seconds(1)
    /// Largest request of a connection before its login.
    static let requestBytesBeforeLoginMax = 16 << 10
    /// Time for which metadata still lists a departed broker: longer than a restart takes, and about as long as Kafka takes to miss one.
    static let departedBrokersShown: Duration = .seconds(10)
    /// Longest wait of a topic's creation for its leading replicas on this broker.
    static let newLeaderPatience = Duration.seconds(1)
    /// Time without a controller after which a broker counts as cut off: longer than an election takes.
    static let electionPatience = Duration.seconds(1)
    /// Resolution of group timeouts.
    static let groupTick = Duration.milliseconds(100)
    /// Resolution of transaction timeouts.
    static let transactionTick = Duration.milliseconds(200)
    /// The longest timeout that a producer may ask for (Kafka: transaction.max.timeout.ms).
    static let transactionTimeoutMax = Duration.seconds(900)
    /// Longest wait of a marker for the in-sync replicas, and of a request for the markers.
    static let markerTimeout = Duration.seconds(10)
    /// Pause before a failed step is retried.
    static let transactionRetry = Duration.milliseconds(500)
    /// Expiry of an unused transactional id (Kafka: transactional.id.expiration.ms).
    static let transactionalIDExpiry = Duration.seconds(7 * 24 * 3600)
    static let transactionalIDBytesMax = 1024
    /// A start's longest wait for the broker's registration in the cluster.
    static let registrationPatience = Duration.milliseconds(1500)
    /// A stop's longest wait for other brokers to lead this broker's partitions.
    static let handOverTimeout = Duration.milliseconds(700)
    /// A stop's longest wait for pending appends.
    static let drainTimeout = Duration.milliseconds(1000)
}
