// A group's settings that are in force, all of them of share groups. One table has their names, types, bounds and descriptions, as
// TopicConfig has for topics; other settings are refused. Source: Kafka documentation, "Group Configs"; KIP-932.
import Base

/// Where a share group starts reading a partition that is new to it.
package enum ShareOffsetReset: Sendable, Equatable {
    case earliest
    case latest
    /// The first record that is not older than this at the first read; the end if there is none (KIP-1106).
    case byDuration(ISODuration)

    private static let durationPrefix = "by_duration:"

    /// nil if the text is none of these, or a duration into the future.
    init?(text: String) {
        switch text {
        case "earliest": self = .earliest
        case "latest": self = .latest
        default:
            guard text.hasPrefix(Self.durationPrefix), let age = ISODuration(String(text.dropFirst(Self.durationPrefix.count))),
                age.milliseconds >= 0
            else { return nil }
            self = .byDuration(age)
        }
    }

    var text: String {
        switch self {
        case .earliest: "earliest"
        case .latest: "latest"
        case .byDuration(let age): Self.durationPrefix + age.text
        }
    }
}

/// The settings of a share group.
package struct ShareGroupConfig: Sendable, Equatable {
    package var limits = SharePartitionLimits()
    package var offsetReset = ShareOffsetReset.latest
    package var readsCommitted = false
    package var sessionTimeout: Duration = .seconds(45)
    /// A fifth of Kafka's, as for consumer groups.
    package var heartbeatInterval: Duration = .seconds(1)
    package init() {}
}

/// One setting of a group.
package struct ShareGroupConfigRow: Sendable {
    package let name: String
    package let type: ConfigType
    package let documentation: String
    package let read: @Sendable (ShareGroupConfig) -> String
    /// Returns false if the text is not a value of this setting.
    package let write: @Sendable (inout ShareGroupConfig, String) -> Bool
}

extension ShareGroupConfig {
    package static let rows: [ShareGroupConfigRow] = [
        ShareGroupConfigRow(
            name: "share.auto.offset.reset", type: .string,
            documentation:
                "Where the group begins to read a partition: earliest, latest, or by_duration: and how old records may be, such as by_duration:PT1H.",
            read: { $0.offsetReset.text },
            write: { config, text in
                guard let reset = ShareOffsetReset(text: text) else { return false }
                config.offsetReset = reset
                return true
            }),
        ShareGroupConfigRow(
            name: "share.delivery.count.limit", type: .int,
            documentation: "Deliveries of a record, after which it is given up; from 2 to 10.",
            read: { "\($0.limits.deliveriesMax)" },
            write: { config, text in
                guard let count = Int16(text), (2...10).contains(count) else { return false }
                config.limits.deliveriesMax = count
                return true
            }),
        duration(
            "share.heartbeat.interval.ms", \.heartbeatInterval, 500...15_000,
            "How often members are heard, in milliseconds; from 500 to 15000."),
        ShareGroupConfigRow(
            name: "share.isolation.level", type: .string,
            documentation: "read_uncommitted, or read_committed: no records of open or aborted transactions.",
            read: { $0.readsCommitted ? "read_committed" : "read_uncommitted" },
            write: { config, text in
                guard text == "read_committed" || text == "read_uncommitted" else { return false }
                config.readsCommitted = text == "read_committed"
                return true
            }),
        ShareGroupConfigRow(
            name: "share.partition.max.record.locks", type: .int,
            documentation: "Records of a partition that may be under way at once; from 100 to 10000.",
            read: { "\($0.limits.recordsMax)" },
            write: { config, text in
                guard let count = Int64(text), (100...10_000).contains(count) else { return false }
                config.limits.recordsMax = count
                return true
            }),
        duration(
            "share.record.lock.duration.ms", \.limits.lockDuration, 1000...3_600_000,
            "How long a record belongs to who acquired it, in milliseconds; from 1000 to 3600000."),
        duration(
            "share.session.timeout.ms", \.sessionTimeout, 6000...1_800_000,
            "How long a member may be silent, in milliseconds; from 6000 to 1800000."),
    ]

    private static func duration(
        _ name: String, _ path: WritableKeyPath<ShareGroupConfig, Duration> & Sendable, _ range: ClosedRange<Int>, _ documentation: String
    ) -> ShareGroupConfigRow {
        ShareGroupConfigRow(
            name: name, type: .int, documentation: documentation,
            read: { "\($0[keyPath: path].inMilliseconds)" },
            write: { config, text in
                guard let value = Int(text), range.contains(value) else { return false }
                config[keyPath: path] = .milliseconds(value)
                return true
            })
    }

    /// These settings over the defaults `self`.
    package func applying(_ overrides: [TopicConfigEntry]) throws(TopicConfigRefusal) -> ShareGroupConfig {
        var config = self
        for entry in overrides {
            guard let row = Self.rows.first(where: { $0.name == entry.name }) else {
                throw TopicConfigRefusal(
                    reason: "there is no group setting '\(entry.name)' here; there are: \(Self.rows.map(\.name).joined(separator: ", "))")
            }
            guard row.write(&config, entry.value) else {
                throw TopicConfigRefusal(reason: "'\(entry.value)' is not possible for \(row.name). \(row.documentation)")
            }
        }
        return config
    }
}

extension BrokerMachine {
    /// Limit of groups with settings of their own.
    package static let groupConfigsMax = 10_000

    /// The settings of a share group; a stated value that is not valid any more counts as not stated.
    package func shareConfig(of group: GroupID) -> ShareGroupConfig {
        guard let stated = groupConfigs[group] else { return ShareGroupConfig() }
        var config = ShareGroupConfig()
        for entry in stated { _ = ShareGroupConfig.rows.first { $0.name == entry.name }?.write(&config, entry.value) }
        return config
    }

    mutating func alterGroup(_ group: GroupID, _ change: ConfigChange, _ rows: inout RowChanges) -> BrokerOutcome {
        let entries = change.applied(to: groupConfigs[group] ?? [])
        guard groupConfigs[group] != nil || entries.isEmpty || groupConfigs.count < Self.groupConfigsMax else {
            return .refused(.tooManyGroupSettings(limit: Self.groupConfigsMax))
        }
        groupConfigs[group] = entries.isEmpty ? nil : entries
        if entries.isEmpty {
            rows.delete(Self.groupConfigsTable, key: [.text(group.rawValue)])
        } else {
            rows.upsert(Self.groupConfigsTable, [.text(group.rawValue), .blob(Self.blob(entries))])
        }
        return .done
    }

    static let groupConfigsTable = TableSchema("group_configs", key: [.init("consumer_group", .text)], values: [.init("configs", .blob)])

    mutating func loadGroupConfig(_ row: Row) throws(StateCorruption) {
        guard let group = row[0].text, let blob = row[1].blob else { throw StateCorruption("the settings of a group are incomplete") }
        var reader = FieldReader<DurableDialect>(blob)
        var entries: [TopicConfigEntry] = []
        do { try reader.list(&entries) } catch { throw StateCorruption("the settings of group '\(group)' cannot be read: \(error)") }
        groupConfigs[GroupID(group)] = entries
    }
}
