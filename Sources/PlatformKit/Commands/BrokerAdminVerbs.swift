// `platform broker topic alter|truncate`, `config` and `group lag|reset|delete`: administration of any cluster over Kafka's protocol.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit

/// Pairs of the form name=value.
private func pairs(_ texts: [String], _ flag: String, _ example: String) throws(CommandFailure) -> [(name: String, value: String)] {
    try texts.map { text throws(CommandFailure) in
        guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
            throw CommandFailure(
                .usage, "\(flag) \(text) has no value", why: "it needs the form name=value", next: "for example \(flag) \(example)")
        }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
}

extension BrokerCommand.Topic {
    struct Alter: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "alter",
            abstract: "Change settings of a topic, or give it more partitions.",
            discussion:
                "EXAMPLES\n  platform broker topic alter events --set retention.ms=3600000\n  platform broker topic alter events --remove retention.ms\n  platform broker topic alter events --partitions 8"
        )
        @Argument(help: "The topic's name.") var name: String
        @Option(name: .long, help: ArgumentHelp("A setting; may be repeated.", valueName: "name=value")) var set: [String] = []
        @Option(name: .long, help: ArgumentHelp("A setting that follows the broker again; may be repeated.", valueName: "name")) var remove:
            [String] = []
        @Option(name: .long, help: "How many partitions it shall have, more than now; keys go to other partitions from then on.")
        var partitions: Int32?
        @OptionGroup var server: BrokerCommand.ServerOptions

        func run() async throws {
            let set = try pairs(set, "--set", "retention.ms=3600000")
            guard !set.isEmpty || !remove.isEmpty || partitions != nil else {
                throw CommandFailure(
                    .usage, "nothing to alter", why: "none of --set, --remove and --partitions is given",
                    next: "`platform broker topic describe \(name) --settings` shows what can be set")
            }
            try await server.withClient("cannot alter topic \(name)") { client in
                if !set.isEmpty || !remove.isEmpty { try await client.alter(.topic(name), set: set, remove: remove) }
                if let partitions { try await client.growTopic(name, to: partitions) }
            }
            Output.note("altered \(name)")
        }
    }

    struct Truncate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "truncate",
            abstract: "Delete the records of a partition below an offset.",
            discussion:
                "EXAMPLES\n  platform broker topic truncate events --partition 0 --before 1000\n  platform broker topic truncate events --partition 0 --before end"
        )
        @Argument(help: "The topic's name.") var name: String
        @Option(name: .long, help: "The partition.") var partition: Int32
        @Option(name: .long, help: ArgumentHelp("The first offset that stays, or end.", valueName: "offset")) var before: String
        @OptionGroup var server: BrokerCommand.ServerOptions

        func run() async throws {
            guard let offset = before == "end" ? -1 : Int64(before), offset >= -1 else {
                throw CommandFailure(
                    .usage, "--before \(before) is no offset", why: "it must be a whole number or end", next: "for example --before 1000")
            }
            let first = try await server.withClient("cannot truncate topic \(name)") {
                try await $0.deleteRecords(of: name, partition, below: offset)
            }
            Output.note("\(name) partition \(partition) begins at offset \(first)")
        }
    }
}

extension BrokerCommand {
    struct Config: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "config",
            abstract: "Show or change the settings of the brokers while they run.",
            discussion:
                "EXAMPLES\n  platform broker config\n  platform broker config --set log.retention.ms=3600000\n  platform broker config --remove log.retention.ms"
        )
        @Option(name: .long, help: "The broker's number; all brokers if left out.") var broker = ""
        @Option(name: .long, help: ArgumentHelp("A setting; may be repeated.", valueName: "name=value")) var set: [String] = []
        @Option(name: .long, help: ArgumentHelp("A setting that is as at the start again; may be repeated.", valueName: "name")) var remove:
            [String] = []
        @OptionGroup var server: ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let set = try pairs(set, "--set", "log.retention.ms=3600000")
            if !set.isEmpty || !remove.isEmpty {
                try await server.withClient("cannot alter the brokers' settings") {
                    try await $0.alter(.broker(broker), set: set, remove: remove)
                }
                return Output.note("altered")
            }
            let found = try await server.withClient("cannot show the brokers' settings") { try await $0.settings(of: .broker(broker)) }
            Output.rows(
                ["setting", "value", "origin", "alterable"],
                found.map { [.text($0.name), .text($0.value), .text($0.origin), .flag(!$0.isReadOnly)] }, output.output)
            if found.isEmpty { Output.note("nothing was set for all brokers together; --broker N shows what holds for one") }
        }
    }
}

extension BrokerCommand.Group {
    struct Lag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "lag",
            abstract: "Show how far a group is behind, topic by topic.",
            discussion: "EXAMPLES\n  platform broker group lag reports\n  platform broker group lag reports -o json")
        @Argument(help: "The group's name.") var name: String
        @OptionGroup var server: BrokerCommand.ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let group = try await server.withClient("cannot describe group \(name)") { try await $0.group(name) }
            let topics = Dictionary(grouping: group.offsets, by: \.topic).sorted { $0.key < $1.key }
            let rows = topics.map { topic, offsets -> [OutputValue] in
                let lags = offsets.compactMap(\.lag)
                // If the end of one partition is unknown, such as without a leader, the sum of the others would be no lag.
                guard lags.count == offsets.count else { return [.text(topic), .number(Int64(offsets.count)), .null, .null] }
                return [.text(topic), .number(Int64(offsets.count)), .number(lags.reduce(0, +)), .number(lags.max() ?? 0)]
            }
            Output.rows(["topic", "partitions", "lag", "largest"], rows, output.output)
            for problem in Set(group.offsets.compactMap(\.problem)).sorted() { Output.note("a lag is not known: \(problem)") }
        }
    }

    struct Reset: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reset",
            abstract: "Let a group that has no members go on from somewhere else.",
            discussion:
                "--to takes beginning, end, an offset, a distance such as +10 or -100, or a time in UTC such as 2026-01-31T12:00:00.\n\nEXAMPLES\n  platform broker group reset reports --topic events --to beginning --dry-run\n  platform broker group reset reports --topic events --partition 2 --to -100"
        )
        @Argument(help: "The group's name.") var name: String
        @Option(name: .long, help: "The topic.") var topic: String
        @Option(name: .long, help: "One partition; all if left out.") var partition: Int32?
        @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("Where to go on.", valueName: "place")) var to: String
        @Flag(name: .long, help: "Only show what would be set.") var dryRun = false
        @OptionGroup var server: BrokerCommand.ServerOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let place = try ReadingPlace(to, flag: "--to")
            let rows = try await server.withClient("cannot reset group \(name)") { client in
                let known = try await client.committedOffsets(of: name, topic)
                var changes: [(topic: String, partition: Int32, offset: Int64)] = []
                var rows: [[OutputValue]] = []
                let numbers = try await client.topic(topic).partitions.map(\.number)
                if let partition, !numbers.contains(partition) {
                    throw KafkaFailure.unknownPartition(partition, topic: topic, count: numbers.count)
                }
                for number in numbers where partition == nil || partition == number {
                    let offset = try await place.offset(client, topic, number, from: known[number])
                    changes.append((topic, number, offset))
                    rows.append([.text(topic), .number(Int64(number)), known[number].map { .number($0) } ?? .null, .number(offset)])
                }
                if !dryRun { try await client.setOffsets(of: name, changes) }
                return rows
            }
            Output.rows(["topic", "partition", "before", "after"], rows, output.output)
            if dryRun { Output.note("nothing was changed (--dry-run)") }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete",
            abstract: "Delete a group that has no members, with its offsets.",
            discussion: "EXAMPLES\n  platform broker group delete reports\n  platform broker group delete reports --server 10.0.0.5:9092")
        @Argument(help: "The group's name.") var name: String
        @OptionGroup var server: BrokerCommand.ServerOptions

        func run() async throws {
            try await server.withClient("cannot delete group \(name)") { try await $0.deleteGroup(name) }
            Output.note("deleted \(name)")
        }
    }
}
