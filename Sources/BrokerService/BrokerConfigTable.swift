// The broker's settings as shown to Kafka's clients: name, type, value, source of the value, and whether it can be altered while the broker
// runs. The defaults of topics are among them, under Kafka's broker names.
import Base
import BrokerCore
import KafkaWire

/// The source of a setting's value, by its number on the wire.
enum ConfigSource: Int8 {
    case topic = 1
    /// Altered while the broker ran.
    case alteredBroker = 2
    /// Given at the broker's start.
    case broker = 4
    case byDefault = 5
    case group = 8
}

/// One setting of the broker.
struct BrokerConfigRow: Sendable {
    var name: String
    var type: ConfigType
    var documentation: String
    /// nil for a setting that takes a restart; otherwise whether a text is a valid value.
    var accepts: (@Sendable (String) -> Bool)?
    var read: @Sendable (Broker) -> String
}

enum BrokerConfigTable {
    /// All rows in the order of their names.
    static let rows: [BrokerConfigRow] = (own + topicDefaults).sorted { $0.name < $1.name }

    static func row(_ name: String) -> BrokerConfigRow? { rows.first { $0.name == name } }

    private static func fixed(_ name: String, _ type: ConfigType, _ documentation: String, _ read: @escaping @Sendable (Broker) -> String)
        -> BrokerConfigRow
    {
        BrokerConfigRow(name: name, type: type, documentation: documentation, accepts: nil, read: read)
    }

    /// The replication rate of throttled replicas.
    private static func rate(_ side: ReplicationSide, _ documentation: String) -> BrokerConfigRow {
        BrokerConfigRow(
            name: side.rateName, type: .long, documentation: documentation, accepts: { Int64($0).map { $0 > 0 } ?? false },
            read: { "\($0.throttledRate(side) ?? Int64.max)" })
    }

    /// Settings that tools and consoles read to find their way.
    private static let wellKnown: [BrokerConfigRow] = [
        fixed("advertised.listeners", .string, "Where clients are told to connect.") { broker in
            "\(broker.protocolName)://\(broker.settings.advertised ?? broker.cluster?.settings.clientAddress ?? broker.settings.listen)"
        },
        fixed("broker.rack", .string, "Where this broker stands.") { $0.settings.cluster?.rack ?? "" },
        fixed("connections.max.idle.ms", .long, "A connection without traffic for this long is closed.") {
            "\($0.settings.connections.idleMax?.inMilliseconds ?? -1)"
        },
        fixed("connections.max.reauth.ms", .long, "A client has to log in anew within this time; 0 for never.") {
            "\($0.settings.connections.loginMax?.inMilliseconds ?? 0)"
        },
        fixed("default.replication.factor", .int, "Replicas of a topic whose creator names no number.") {
            "\($0.defaultReplicationFactor)"
        },
        fixed("listener.security.protocol.map", .string, "The protocol of each listener.") { "\($0.protocolName):\($0.protocolName)" },
        fixed("listeners", .string, "Where this broker listens.") { "\($0.protocolName)://\($0.settings.listen)" },
        fixed("log.dirs", .string, "Where partitions lie.") { $0.dataDirectory + "/topics" },
        fixed("max.connections", .int, "Client connections at a time.") { "\($0.settings.connections.countMax)" },
        fixed("max.connections.per.ip", .int, "Client connections from one address at a time.") {
            "\($0.settings.connections.countPerAddressMax == 0 ? Int(Int32.max) : $0.settings.connections.countPerAddressMax)"
        },
        fixed("offsets.topic.replication.factor", .int, "Replicas of committed offsets: all brokers that keep the metadata.") {
            "\(max(1, $0.settings.cluster?.peers.peers.count ?? 1))"
        },
        fixed("sasl.enabled.mechanisms", .list, "How clients can log in.") { $0.mechanisms.joined(separator: ",") },
    ]

    private static let own: [BrokerConfigRow] =
        wellKnown + [
            BrokerConfigRow(
                name: "auto.create.topics.enable", type: .boolean, documentation: "Whether asking for a topic makes it.",
                accepts: { $0 == "true" || $0 == "false" }, read: { "\($0.autoCreatesTopics)" }),
            fixed("broker.id", .int, "This broker's number.") { "\($0.settings.nodeID)" },
            rate(.following, "Bytes a second that throttled replicas on this broker take while they are not in sync; at least 1."),
            fixed(
                "group.consumer.heartbeat.interval.ms", .int, "How often members of groups whose partitions the broker assigns are heard."
            ) {
                "\($0.settings.consumerGroups.heartbeatInterval.inMilliseconds)"
            },
            fixed("group.consumer.session.timeout.ms", .int, "How long such a member may be silent.") {
                "\($0.settings.consumerGroups.sessionTimeout.inMilliseconds)"
            },
            fixed("group.share.delivery.count.limit", .int, "Deliveries of a record to a share group that says nothing else.") { _ in
                "\(SharePartitionLimits().deliveriesMax)"
            },
            fixed("group.share.heartbeat.interval.ms", .int, "How often members of a share group that says nothing else are heard.") { _ in
                "\(ShareGroupConfig().heartbeatInterval.inMilliseconds)"
            },
            fixed("group.share.max.share.sessions", .int, "Share sessions that are kept.") { _ in "\(ShareSessions.sessionsMax)" },
            fixed("group.share.max.size", .int, "Members of a share group.") { "\($0.settings.shareGroups.membersMax)" },
            fixed(
                "group.share.partition.max.record.locks", .int,
                "Records of a partition that are under way at once, in a share group that says nothing else."
            ) { _ in
                "\(SharePartitionLimits().recordsMax)"
            },
            fixed(
                "group.share.record.lock.duration.ms", .int,
                "How long a record belongs to who acquired it, in a share group that says nothing else."
            ) { _ in
                "\(SharePartitionLimits().lockDuration.inMilliseconds)"
            },
            fixed("group.share.session.timeout.ms", .int, "How long a member of a share group that says nothing else may be silent.") { _ in
                "\(ShareGroupConfig().sessionTimeout.inMilliseconds)"
            },
            fixed("group.initial.rebalance.delay.ms", .int, "How long the first member of a group waits for others.") {
                "\($0.settings.groups.initialRebalanceDelay.inMilliseconds)"
            },
            fixed("group.max.session.timeout.ms", .int, "The longest session that a member may ask for.") {
                "\($0.settings.groups.sessionTimeoutMax.inMilliseconds)"
            },
            fixed("group.min.session.timeout.ms", .int, "The shortest session that a member may ask for.") {
                "\($0.settings.groups.sessionTimeoutMin.inMilliseconds)"
            },
            rate(.leading, "Bytes a second that throttled replicas which are not in sync are handed by this broker; at least 1."),
            fixed("log.cleaner.backoff.ms", .long, "How often topics that are compacted are looked over.") {
                "\($0.settings.cleanerInterval.inMilliseconds)"
            },
            fixed("log.retention.check.interval.ms", .long, "How often old segments are looked for.") {
                "\($0.settings.retentionCheckInterval.inMilliseconds)"
            },
            fixed("max.incremental.fetch.session.cache.slots", .int, "Fetch sessions that are kept.") { "\($0.settings.fetchSessionsMax)" },
            fixed("node.id", .int, "This broker's number.") { "\($0.settings.nodeID)" },
            BrokerConfigRow(
                name: "num.partitions", type: .int, documentation: "Partitions of a topic whose creator names no number.",
                accepts: { Int32($0).map { (1...Int32(BrokerMachine.partitionsMax)).contains($0) } ?? false },
                read: { "\($0.defaultPartitions)" }),
            fixed("offset.metadata.max.bytes", .int, "Length of the text that may be stored with an offset.") { _ in
                "\(BrokerSettings.offsetMetadataBytesMax)"
            },
            fixed("offsets.retention.check.interval.ms", .long, "How often groups without members and offsets are removed.") {
                "\($0.settings.offsetsRetentionCheckInterval.inMilliseconds)"
            },
            fixed("socket.request.max.bytes", .int, "The largest request.") { "\($0.settings.connections.requestBytesMax)" },
            fixed("transaction.max.timeout.ms", .int, "The longest timeout that a transactional producer may ask for.") { _ in
                "\(BrokerSettings.transactionTimeoutMax.inMilliseconds)"
            },
            fixed("transactional.id.expiration.ms", .int, "A transactional id that was not used for this long is forgotten.") { _ in
                "\(BrokerSettings.transactionalIDExpiry.inMilliseconds)"
            },
        ]

    private static let topicDefaults: [BrokerConfigRow] = TopicConfig.rows.compactMap { row in
        guard let name = row.brokerName else { return nil }
        return BrokerConfigRow(
            name: name, type: row.type, documentation: row.documentation,
            accepts: { text in
                var config = TopicConfig()
                return row.write(&config, text)
            }, read: { row.read($0.topicDefaults) })
    }
}

extension Broker {
    /// The listener's protocol under Kafka's name.
    var protocolName: String { (settings.access.requiresLogin ? "SASL_" : "") + (settings.connections.tls == nil ? "PLAINTEXT" : "SSL") }

    /// The default topic settings: those of the start, overridden by later alterations.
    var topicDefaults: TopicConfig {
        var config = settings.topicDefaults
        for row in TopicConfig.rows { if let text = row.brokerName.flatMap({ machine.brokerConfigs[$0] }) { _ = row.write(&config, text) } }
        return config
    }

    var autoCreatesTopics: Bool { machine.brokerConfigs["auto.create.topics.enable"].map { $0 == "true" } ?? settings.autoCreateTopics }
    var defaultPartitions: Int32 { machine.brokerConfigs["num.partitions"].flatMap { Int32($0) } ?? settings.defaultPartitions }

    /// Applies a topic's current settings to its partitions.
    func applyConfig(of topic: TopicRecord) {
        let config = config(of: topic)
        for number in 0..<topic.partitions {
            guard let partition = partitions[TopicPartition(topic.name, number)] else { continue }
            partition.config = config
            let log = partition.log
            partition.writer.disk.submit { log.setSegmentBytesMax(config.segmentBytes) }
        }
    }
}
