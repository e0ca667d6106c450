// A topic's settings that are in force. One table has their names, types, defaults, parsing and descriptions; any other setting is
// refused rather than stored and ignored. Source: Kafka documentation, "Topic Configs".
import Base

/// The clock of record timestamps.
package enum TimestampType: String, Sendable { case createTime = "CreateTime", logAppendTime = "LogAppendTime" }

/// The fate of old records: deleted by age and size, or compacted to the newest of each key, or both.
package struct CleanupPolicy: Sendable, Equatable {
    package var deletes = true
    package var compacts = false
    /// Whether `delete` comes before `compact` in the original text, whose order Kafka keeps.
    private var beginsWithDelete = true
    package init() {}

    /// nil if the text is not a list of `delete` and `compact`.
    package init?(_ text: String) {
        let words = text.split(separator: ",").map { String($0.drop { $0 == " " }) }.map { String($0.prefix { $0 != " " }) }
        guard !words.isEmpty, words.allSatisfy({ $0 == "delete" || $0 == "compact" }) else { return nil }
        deletes = words.contains("delete")
        compacts = words.contains("compact")
        beginsWithDelete = words.first == "delete"
    }

    package var text: String {
        guard compacts else { return "delete" }
        guard deletes else { return "compact" }
        return beginsWithDelete ? "delete,compact" : "compact,delete"
    }
}

/// The codec of a topic's stored batches. Source: Kafka documentation, "compression.type".
package enum TopicCompression: String, Sendable, CaseIterable {
    /// As the producer sent them.
    case producer
    case uncompressed, gzip, snappy, lz4, zstd
}

/// The settings of a topic's partitions.
package struct TopicConfig: Sendable, Equatable {
    /// Records older than this may go, in milliseconds; -1 keeps them for ever.
    package var retentionMilliseconds: Int64 = 7 * 24 * 3600 * 1000
    /// A partition larger than this loses its oldest segments; -1 for no limit.
    package var retentionBytes: Int64 = -1
    /// A segment is sealed at this size. Smaller than Kafka's 1 GiB: retention and compaction take sealed segments only.
    package var segmentBytes: Int64 = 128 << 20
    /// The largest record batch that is accepted, in bytes.
    package var maxMessageBytes: Int64 = (1 << 20) + 12
    package var timestampAfterMaxMilliseconds: Int64 = 3600 * 1000
    package var timestampBeforeMaxMilliseconds = Int64.max
    package var timestampType = TimestampType.createTime
    package var compression = TopicCompression.producer
    package var cleanup = CleanupPolicy()
    /// Records after which a partition is synced where the broker itself syncs at intervals; 1 is before each acknowledgement.
    package var flushMessages = Int64.max
    /// The same as a time, in milliseconds.
    package var flushMilliseconds = Int64.max
    /// A segment is sealed at this age of its first record, in milliseconds.
    package var segmentMilliseconds: Int64 = 7 * 24 * 3600 * 1000
    /// How long a tombstone stays once everything older with its key is gone, in milliseconds.
    package var deleteRetentionMilliseconds: Int64 = 24 * 3600 * 1000
    /// The part of a log that must be uncompacted before it is compacted.
    package var minCleanableDirtyRatio = 0.5
    /// Records younger than this are not compacted, in milliseconds.
    package var minCompactionLagMilliseconds: Int64 = 0
    /// Records older than this are compacted whatever the ratio, in milliseconds.
    package var maxCompactionLagMilliseconds = Int64.max
    /// Replicas that must have a record before acks=all acknowledges it; never more than a partition has.
    package var minInSyncReplicas: Int64 = 1
    /// Whether a replica that may lack acknowledged records may lead if no other can.
    package var allowsUncleanElection = false
    /// Replicas held to a rate while they are not in sync: by the leader, and by the follower.
    package var leaderThrottled = ThrottledReplicas()
    package var followerThrottled = ThrottledReplicas()
    package init() {}
}

/// The wire's number for a setting's type. Source: Kafka's DescribeConfigs.
package enum ConfigType: Int8, Sendable { case boolean = 1, string = 2, int = 3, long = 5, double = 6, list = 7 }

/// One setting of a topic.
package struct TopicConfigRow: Sendable {
    package let name: String
    /// The broker's setting with the default; nil for settings of topics only.
    package let brokerName: String?
    package let type: ConfigType
    package let documentation: String
    package let read: @Sendable (TopicConfig) -> String
    /// Returns false if the text is not a value of this setting.
    package let write: @Sendable (inout TopicConfig, String) -> Bool
}

/// Why a setting is refused.
package struct TopicConfigRefusal: Error, Sendable, Equatable {
    package var reason: String
}

extension TopicConfig {
    package static let rows: [TopicConfigRow] = [
        TopicConfigRow(
            name: "cleanup.policy", brokerName: "log.cleanup.policy", type: .list,
            documentation: "delete removes old segments, compact keeps the newest record of each key, both are possible.",
            read: { $0.cleanup.text },
            write: { config, text in
                guard let policy = CleanupPolicy(text) else { return false }
                config.cleanup = policy
                return true
            }),
        TopicConfigRow(
            name: "compression.type", brokerName: "compression.type", type: .string,
            documentation:
                "producer keeps batches as their producer compressed them; gzip, snappy, lz4, zstd and uncompressed have the leader compress them anew.",
            read: { $0.compression.rawValue },
            write: { config, text in
                guard let compression = TopicCompression(rawValue: text) else { return false }
                config.compression = compression
                return true
            }),
        number(
            "delete.retention.ms", "log.cleaner.delete.retention.ms", .long, \.deleteRetentionMilliseconds, 0...Int64.max,
            "How long a tombstone stays after compaction."),
        number(
            "flush.messages", "log.flush.interval.messages", .long, \.flushMessages, 1...Int64.max,
            "Records after which a partition is synced if the broker syncs at intervals; 1: before each acknowledgement."),
        number(
            "flush.ms", "log.flush.interval.ms", .long, \.flushMilliseconds, 0...Int64.max,
            "Time after which a partition is synced if the broker syncs at longer intervals."),
        throttled("follower.replication.throttled.replicas", \.followerThrottled, .following),
        throttled("leader.replication.throttled.replicas", \.leaderThrottled, .leading),
        number(
            "max.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms", .long, \.maxCompactionLagMilliseconds, 1...Int64.max,
            "Records older than this are compacted whatever the ratio."),
        number(
            "max.message.bytes", "message.max.bytes", .int, \.maxMessageBytes, 1...(100 << 20),
            "The largest record batch that is accepted, in bytes."),
        number(
            "message.timestamp.after.max.ms", "log.message.timestamp.after.max.ms", .long, \.timestampAfterMaxMilliseconds, 0...Int64.max,
            "How far ahead of the broker's clock a producer's time may be."),
        number(
            "message.timestamp.before.max.ms", "log.message.timestamp.before.max.ms", .long, \.timestampBeforeMaxMilliseconds,
            0...Int64.max,
            "How far behind the broker's clock a producer's time may be."),
        TopicConfigRow(
            name: "message.timestamp.type", brokerName: "log.message.timestamp.type", type: .string,
            documentation: "CreateTime keeps the producer's time, LogAppendTime sets the broker's.",
            read: { $0.timestampType.rawValue },
            write: { config, text in
                guard let type = TimestampType(rawValue: text) else { return false }
                config.timestampType = type
                return true
            }),
        TopicConfigRow(
            name: "min.cleanable.dirty.ratio", brokerName: "log.cleaner.min.cleanable.ratio", type: .double,
            documentation: "A log is compacted when this part of it was never compacted; from 0 to 1.",
            read: { "\($0.minCleanableDirtyRatio)" },
            write: { config, text in
                guard let ratio = Double(text), (0...1).contains(ratio) else { return false }
                config.minCleanableDirtyRatio = ratio
                return true
            }),
        number(
            "min.compaction.lag.ms", "log.cleaner.min.compaction.lag.ms", .long, \.minCompactionLagMilliseconds, 0...Int64.max,
            "Records younger than this are not compacted."),
        number(
            "min.insync.replicas", "min.insync.replicas", .int, \.minInSyncReplicas, 1...255,
            "Replicas that must have a record before it is acknowledged with acks=all; a partition with fewer replicas needs all of them."),
        number("retention.bytes", "log.retention.bytes", .long, \.retentionBytes, -1...Int64.max, "A partition's size limit, -1 for none."),
        number("retention.ms", "log.retention.ms", .long, \.retentionMilliseconds, -1...Int64.max, "How long records stay, -1 for ever."),
        number(
            "segment.bytes", "log.segment.bytes", .int, \.segmentBytes, (1 << 14)...Int64(Int32.max),
            "The size at which a segment is sealed."),
        number(
            "segment.ms", "log.roll.ms", .long, \.segmentMilliseconds, 1...Int64.max,
            "The age of its first record at which a segment is sealed."),
        TopicConfigRow(
            name: "unclean.leader.election.enable", brokerName: "unclean.leader.election.enable", type: .boolean,
            documentation:
                "true lets a replica lead that may lack acknowledged records, if nobody else can; false waits for one that lacks none.",
            read: { "\($0.allowsUncleanElection)" },
            write: { config, text in
                guard let allows = Bool(text) else { return false }
                config.allowsUncleanElection = allows
                return true
            }),
    ]

    private static func number(
        _ name: String, _ brokerName: String, _ type: ConfigType, _ path: WritableKeyPath<TopicConfig, Int64> & Sendable,
        _ range: ClosedRange<Int64>, _ documentation: String
    ) -> TopicConfigRow {
        TopicConfigRow(
            name: name, brokerName: brokerName, type: type, documentation: documentation,
            read: { String($0[keyPath: path]) },
            write: { config, text in
                guard let value = Int64(text), range.contains(value) else { return false }
                config[keyPath: path] = value
                return true
            })
    }

    /// The setting for the replicas held to a broker's rate.
    private static func throttled(
        _ name: String, _ path: WritableKeyPath<TopicConfig, ThrottledReplicas> & Sendable, _ side: ReplicationSide
    ) -> TopicConfigRow {
        TopicConfigRow(
            name: name, brokerName: nil, type: .list,
            documentation: "partition:broker,... or *: replicas that \(side.rateName) holds back while they are not in sync.",
            read: { $0[keyPath: path].text },
            write: { config, text in
                guard let replicas = ThrottledReplicas(text) else { return false }
                config[keyPath: path] = replicas
                return true
            })
    }

    /// These settings over the defaults `self`.
    package func applying(_ overrides: [TopicConfigEntry]) throws(TopicConfigRefusal) -> TopicConfig {
        var config = self
        for entry in overrides {
            guard let row = Self.rows.first(where: { $0.name == entry.name }) else {
                let known = Self.rows.map(\.name).joined(separator: ", ")
                throw TopicConfigRefusal(reason: "there is no topic setting '\(entry.name)' here; there are: \(known)")
            }
            guard row.write(&config, entry.value) else {
                throw TopicConfigRefusal(reason: "'\(entry.value)' is not possible for \(row.name). \(row.documentation)")
            }
        }
        return config
    }
}

/// A setting by name and value, as a client stated it.
package struct TopicConfigEntry: WireLayout, Hashable {
    package var name = ""
    package var value = ""
    package init() {}
    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
    package mutating func layout<C: FieldCoder & ~Copyable>(_ io: inout C) throws(WireError) {
        try io.string(&name)
        try io.string(&value)
    }
}
