// What a broker can be told when it starts. PlatformKit fills this from its one typed settings table; the defaults here are Kafka's unless
// a comment says why not. Topic settings live in TopicConfig.
import Base
import BrokerCore
import NetKit

/// When an append may be acknowledged.
package enum Durability: Sendable, Equatable {
    /// After fdatasync, which serves all appends that wait for it.
    case beforeAcknowledging
    /// After the write; the disk is synced this often. A crash of the machine can lose what came since, a crash of the process cannot.
    case every(Duration)
}

/// Settings of one broker.
package struct BrokerSettings: Sendable {
    package var listen = HostPort("127.0.0.1", 9092)
    /// What clients are told to connect to; nil tells them the address that they did connect to.
    package var advertised: HostPort?
    package var nodeID: Int32 = 1
    /// Whether asking for a topic makes it.
    package var autoCreateTopics = true
    /// Partitions of a topic whose creator names no number.
    package var defaultPartitions: Int32 = 1
    package var topicDefaults = TopicConfig()
    package var durability = Durability.beforeAcknowledging
    package var groups = GroupSettings()
    package var consumerGroups = ConsumerGroupSettings()
    package var shareGroups = ShareGroupSettings()
    package var retentionCheckInterval = Duration.seconds(300)
    /// How often groups without members and offsets are removed (Kafka: offsets.retention.check.interval.ms).
    package var offsetsRetentionCheckInterval = Duration.seconds(600)
    /// How often partitions that are compacted are looked over (Kafka: log.cleaner.backoff.ms).
    package var cleanerInterval = Duration.seconds(15)
    /// Threads that write and read partitions; each partition belongs to one of them.
    package var diskThreads = 2
    /// Largest request in bytes (Kafka: socket.request.max.bytes).
    package var requestBytesMax = 100 << 20
    /// Client connections at a time; further ones are closed (Kafka: max.connections).
    package var connectionsMax = 10_000
    /// Those from one address (Kafka: max.connections.per.ip); 0 for no limit.
    package var connectionsPerAddressMax = 0
    /// What the broker may hold for its clients, in bytes: frames that are not whole, batches that wait for the disk, answers that have not left.
    package var clientMemoryMax = 512 << 20
    /// What it may hold for those of one address, in bytes.
    package var clientMemoryPerAddressMax = 256 << 20
    /// What the process may hold for the clients of all its services; nil for no limit beyond the broker's.
    package var processMemory: MemoryBudget?
    /// A connection without traffic for this long is closed; nil for never (Kafka: connections.max.idle.ms).
    package var connectionsMaxIdle: Duration? = .seconds(600)
    /// How long a login counts before the client has to log in anew on its connection; nil for ever (Kafka: connections.max.reauth.ms).
    package var connectionsMaxReauth: Duration?
    /// Produce payload that waits for the disk, in bytes over all connections; above it connections are not read.
    package var pendingProduceBytesMax = 256 << 20
    /// Newest record batches kept in memory for consumers that keep up, in bytes over all partitions.
    package var tailBytesMax = 32 << 20
    package var tls: TLSSettings?
    /// The brokers that this one forms a cluster with; nil if it stands alone.
    package var cluster: ClusterSettings?
    /// Fetch sessions that are kept (Kafka: max.incremental.fetch.session.cache.slots).
    package var fetchSessionsMax = 1000
    /// Whether a connection has to log in before anything else.
    package var requiresLogin = false
    /// Whether access rules are obeyed; without that everybody may do everything.
    package var enforcesAccess = false
    /// Principals (`User:NAME`) that may do everything.
    package var superUsers: Set<String> = []
    /// A user that is made at the start if it is missing, so that somebody can log in.
    package var firstUser: (name: String, password: String)?
    /// With it users can get tokens.
    package var delegationTokens: DelegationTokenSettings?
    /// With it clients can log in by OAUTHBEARER.
    package var oauth: OAuthSettings?

    package init() {}

    /// Requests of one connection that wait for their answer.
    static let pipelineLimit = 1024
    /// Largest request that is not a Produce: metadata never needs more, in bytes.
    static let smallRequestBytesMax = 8 << 20
    /// Largest Fetch answer, in bytes, whatever the client asks for (Kafka: fetch.max.bytes); one batch may exceed it.
    static let fetchBytesMax = 55 << 20
    /// Longest wait of a Fetch, whatever the client asks for; an empty answer is always allowed.
    static let fetchWaitMax = Duration.seconds(60)
    /// Age at which a fetch session can be put out for another one (Kafka: min.incremental.fetch.session.eviction.ms).
    static let fetchSessionEvictionAge = Duration.seconds(120)
    /// Producer ids reserved by one command.
    static let producerIDBlock: Int64 = 1000
    /// Length of the text that a client may store with an offset (Kafka: offset.metadata.max.bytes).
    static let offsetMetadataBytesMax = 4096
    /// Subscriptions and shares of all members of a group together, as they are stored with each generation.
    static let storedGroupBytesMax = 8 << 20
    /// How often a connection may log in anew.
    static let reauthenticationInterval = Duration.seconds(1)
    /// Largest request of a connection that has to log in and has not.
    static let requestBytesBeforeLoginMax = 16 << 10
    /// For how long clients are told of a broker that has gone: longer than a restart takes, and about as long as Kafka takes to miss one.
    static let departedBrokersShown: Duration = .seconds(10)
    /// How long a topic that is made waits for the replicas that shall lead it here.
    static let newLeaderPatience = Duration.seconds(1)
    /// How long no controller may be known before a broker takes itself for cut off: longer than an election takes.
    static let electionPatience = Duration.seconds(1)
    /// Resolution of group timeouts.
    static let groupTick = Duration.milliseconds(100)
    /// Resolution of transaction timeouts.
    static let transactionTick = Duration.milliseconds(200)
    /// The longest timeout that a producer may ask for (Kafka: transaction.max.timeout.ms).
    static let transactionTimeoutMax = Duration.seconds(900)
    /// How long a marker may wait for the replicas in sync, and a request for the markers.
    static let markerTimeout = Duration.seconds(10)
    /// Pause before what failed is tried again.
    static let transactionRetry = Duration.milliseconds(500)
    /// An id that nobody has used for this long is forgotten (Kafka: transactional.id.expiration.ms).
    static let transactionalIDExpiry = Duration.seconds(7 * 24 * 3600)
    static let transactionalIDBytesMax = 1024
    /// How long a start waits until the cluster knows this broker.
    static let registrationPatience = Duration.milliseconds(1500)
    /// How long a stop waits until others lead this broker's partitions.
    static let handOverTimeout = Duration.milliseconds(700)
    /// How long a stop waits for appends under way.
    static let drainTimeout = Duration.milliseconds(1000)
}
