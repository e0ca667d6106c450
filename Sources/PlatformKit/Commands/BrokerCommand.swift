// `platform broker`: the service itself, and verbs that speak Kafka's protocol to any server.
import ArgumentParser
import Base
import Clients
import Foundation
import NetKit

struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker", abstract: "Messages: a Kafka broker, and its client.",
        discussion:
            "EXAMPLES\n  platform broker serve\n  echo hello | platform broker produce greetings --create && platform broker consume greetings --from beginning --until-end",
        subcommands: [
            Serve.self, Topic.self, Produce.self, Consume.self, Group.self, Config.self, TransactionVerbs.self, User.self, AccessVerbs.self,
            Quota.self, Reassign.self, Members.self, Bench.self, Mirror.self, Log.self, BrokerRepair.self,
        ], defaultSubcommand: Serve.self)

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Run the broker alone.",
            discussion:
                "EXAMPLES\n  platform broker serve\n  platform broker serve --listen 127.0.0.1:9093 --data-dir /srv/broker\n  platform broker serve --id 1 --peers 1=10.0.0.1:9093,2=10.0.0.2:9093,3=10.0.0.3:9093"
        )
        @Option(name: .long, help: ArgumentHelp("Where Kafka clients connect.", valueName: "host:port")) var listen: String?
        @Option(
            name: .long,
            help: ArgumentHelp(
                "The brokers of the cluster, this one too, and where each listens for the others.", valueName: "n=host:port,..."))
        var peers: String?
        @Option(name: .long, help: ArgumentHelp("The number of this broker among --peers.", valueName: "n")) var id: Int?
        @Flag(name: .long, help: "Keep the data in a temporary directory that goes away at the end.") var ephemeral = false
        @OptionGroup var ports: PortOptions
        @OptionGroup var options: SettingsOptions

        func run() async throws {
            var flags = listen.map { [(SettingsTable.brokerListen.name, $0)] } ?? []
            if let peers { flags.append((SettingsTable.brokerPeers.name, peers)) }
            if let id { flags.append((SettingsTable.brokerID.name, "\(id)")) }
            try await Serving.run([.broker], settings: try options.resolve(flags, ports: try ports.choice()), ephemeral: ephemeral)
        }
    }

    /// Flags of the client verbs.
    struct ServerOptions: ParsableArguments {
        @Option(name: .long, help: ArgumentHelp("A Kafka broker.", valueName: "host:port")) var server = DefaultServer.broker
        @OptionGroup var tls: TLSOptions
        @Option(name: .long, help: ArgumentHelp("Log in as this user; $PLATFORM_BROKER_USER.", valueName: "name")) var user: String?
        @Option(
            name: .long, help: ArgumentHelp("The file whose first line is the password; $PLATFORM_BROKER_PASSWORD_FILE.", valueName: "path")
        ) var passwordFile: String?

        private func login() throws(CommandFailure) -> KafkaUser? {
            let environment = ProcessInfo.processInfo.environment
            guard let name = user ?? environment["PLATFORM_BROKER_USER"], !name.isEmpty else { return nil }
            let path = passwordFile ?? environment["PLATFORM_BROKER_PASSWORD_FILE"] ?? ""
            return KafkaUser(name: name, password: try PasswordFile.read(path, setting: "--password-file"))
        }

        /// Runs `body` with a client and closes it afterwards.
        func withClient<T: Sendable>(_ doing: String, _ body: (KafkaClient) async throws -> T) async throws -> T {
            do {
                let client = try await KafkaClient.connect(
                    try serverAddress(server, defaultPort: 9092), user: try login(), tls: try tls.trust())
                do {
                    let result = try await body(client)
                    await client.close()
                    return result
                } catch {
                    await client.close()
                    throw error
                }
            } catch { throw CommandFailure(error, doing: doing) }
        }
    }

    // MARK: topics

    struct Topic: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "topic", abstract: "Make, list, describe, alter and delete topics.",
            discussion: "EXAMPLES\n  platform broker topic create events --partitions 4\n  platform broker topic describe events",
            subcommands: [Create.self, List.self, Describe.self, Alter.self, Truncate.self, Delete.self])

        struct Create: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "create", abstract: "Make a topic.",
                discussion:
                    "EXAMPLES\n  platform broker topic create events --partitions 4\n  platform broker topic create audit --replicas 3 --config retention.ms=-1"
            )
            @Argument(help: "The topic's name.") var name: String
            @Option(name: .long, help: "How many partitions; the broker decides if this is left out.") var partitions: Int32?
            @Option(name: .long, help: "How many brokers hold each partition; the broker decides if this is left out.") var replicas: Int16?
            @Option(name: .long, help: ArgumentHelp("A setting of the topic; may be repeated.", valueName: "name=value")) var config:
                [String] = []
            @OptionGroup var server: ServerOptions

            func run() async throws {
                var configs: [(name: String, value: String)] = []
                for entry in config {
                    guard let equals = entry.firstIndex(of: "=") else {
                        throw CommandFailure(
                            .usage, "--config \(entry) has no value", why: "it needs the form name=value",
                            next: "for example --config retention.ms=3600000")
                    }
                    configs.append((String(entry[..<equals]), String(entry[entry.index(after: equals)...])))
                }
                try await server.withClient("cannot create topic \(name)") {
                    try await $0.createTopic(name, partitions: partitions, replicas: replicas, configs: configs)
                }
                Output.note("created \(name)")
            }
        }

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List the topics.",
                discussion: "EXAMPLES\n  platform broker topic list\n  platform broker topic list -o json")
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let topics = try await server.withClient("cannot list topics") { try await $0.cluster().topics }
                Output.rows(["topic", "partitions"], topics.map { [.text($0.name), .number(Int64($0.partitions.count))] }, output.output)
            }
        }

        struct Describe: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "describe", abstract: "Show a topic's partitions with their offsets, and its settings.",
                discussion: "EXAMPLES\n  platform broker topic describe events\n  platform broker topic describe events --settings")
            @Argument(help: "The topic's name.") var name: String
            @Flag(name: .long, help: "Show the settings in force instead of the partitions.") var settings = false
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                if settings {
                    let rows = try await server.withClient("cannot describe topic \(name)") {
                        try await $0.settings(of: name).map { [OutputValue.text($0.name), .text($0.value)] }
                    }
                    return Output.rows(["setting", "value"], rows, output.output)
                }
                let rows = try await server.withClient("cannot describe topic \(name)") { client in
                    var rows: [[OutputValue]] = []
                    for partition in try await client.topic(name).partitions {
                        let first = try await client.offset(of: name, partition.number, at: KafkaClient.earliest) ?? 0
                        let end = try await client.offset(of: name, partition.number, at: KafkaClient.latest) ?? 0
                        func list(_ brokers: [Int32]) -> OutputValue { .numbers(brokers.map(Int64.init)) }
                        rows.append([
                            .number(Int64(partition.number)), .number(Int64(partition.leader)), list(partition.replicas),
                            list(partition.inSync), .number(first), .number(end), .number(end - first),
                        ])
                    }
                    return rows
                }
                Output.rows(["partition", "leader", "replicas", "in_sync", "first", "end", "records"], rows, output.output)
            }
        }

        struct Delete: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "delete", abstract: "Delete a topic with everything in it.",
                discussion: "EXAMPLES\n  platform broker topic delete events\n  platform broker topic delete events --server 127.0.0.1:9093"
            )
            @Argument(help: "The topic's name.") var name: String
            @OptionGroup var server: ServerOptions

            func run() async throws {
                try await server.withClient("cannot delete topic \(name)") { try await $0.deleteTopic(name) }
                Output.note("deleted \(name)")
            }
        }
    }

    // MARK: groups

    struct Group: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "group", abstract: "List, describe, reset and delete groups.",
            discussion: "EXAMPLES\n  platform broker group list\n  platform broker group describe reports",
            subcommands: [List.self, Describe.self, Lag.self, Reset.self, Delete.self])

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List the groups.",
                discussion: "EXAMPLES\n  platform broker group list\n  platform broker group list -o json")
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let groups = try await server.withClient("cannot list groups") { try await $0.groups() }
                Output.rows(
                    ["group", "type", "state"], groups.entries.map { [.text($0.name), .text($0.kind), .text($0.state)] }, output.output)
                try groups.mustBeWhole("groups")
            }
        }

        struct Describe: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "describe", abstract: "Show how far a group has read, and who reads.",
                discussion: "EXAMPLES\n  platform broker group describe reports\n  platform broker group describe reports -o json")
            @Argument(help: "The group's name.") var name: String
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let group = try await server.withClient("cannot describe group \(name)") { try await $0.group(name) }
                Output.note("group \(group.name): \(group.state), \(group.members.count) members")
                let rows = group.offsets.map { offset -> [OutputValue] in
                    let owner = group.members.first {
                        $0.assignment.contains { $0.name == offset.topic && $0.partitions.contains(offset.partition) }
                    }
                    return [
                        .text(offset.topic), .number(Int64(offset.partition)), .number(offset.committed),
                        offset.end.map { .number($0) } ?? .null,
                        offset.lag.map { .number($0) } ?? .null, owner.map { .text($0.clientID) } ?? .null,
                    ]
                }
                Output.rows(["topic", "partition", "committed", "end", "lag", "member"], rows, output.output)
                for problem in Swift.Set(group.offsets.compactMap(\.problem)).sorted() { Output.note("an end is not known: \(problem)") }
            }
        }
    }
}
