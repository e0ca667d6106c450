// `platform broker members`: the brokers of a cluster, over Kafka's protocol.
import ArgumentParser
import Base
import Clients
import NetKit

extension BrokerCommand {
    struct Members: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "members", abstract: "List, add and remove the brokers of a cluster while it runs.",
            discussion:
                "EXAMPLES\n  platform broker members\n  platform broker members add 4=10.0.0.4:9093\n  platform broker members remove 4",
            subcommands: [List.self, Add.self, Remove.self], defaultSubcommand: List.self)

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List the brokers.",
                discussion: "EXAMPLES\n  platform broker members list\n  platform broker members list -o json")
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let members = try await server.withClient("cannot list the members") { try await $0.members() }
                Output.rows(
                    ["id", "peers", "clients", "role", "controller"],
                    members.map {
                        [
                            .number(Int64($0.number)), $0.peers.map { .text($0) } ?? .null, $0.clients.map { .text($0) } ?? .null,
                            .text($0.isVoter ? "voter" : "observer"),
                            .flag($0.isController),
                        ]
                    }, output.output)
            }
        }

        struct Add: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "add",
                abstract: "Add a broker that was started.",
                discussion: """
                    The broker is started first, with --peers that names it and some that are there, and an empty data directory; it is added once it has caught up. \
                    Partitions go there when topics are made, or by `platform broker reassign`.

                    EXAMPLES
                      platform broker serve --id 4 --peers 1=10.0.0.1:9093,4=10.0.0.4:9093
                      platform broker members add 4=10.0.0.4:9093
                    """)
            @Argument(help: ArgumentHelp("The broker's number, and where the others reach it.", valueName: "n=host:port")) var member:
                String
            @OptionGroup var server: ServerOptions

            private var parsed: (number: Int32, address: HostPort)? {
                let parts = member.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, let number = Int32(parts[0]), let address = HostPort(parsing: String(parts[1]), defaultPort: 9093)
                else { return nil }
                return (number, address)
            }

            func validate() throws {
                guard parsed != nil else {
                    throw ValidationError("\(member) is no broker: it takes a number and an address, such as 4=10.0.0.4:9093")
                }
            }

            func run() async throws {
                guard let parsed else { return }
                try await server.withClient("cannot add broker \(parsed.number)") {
                    try await $0.addMember(parsed.number, at: parsed.address)
                }
                Output.note("broker \(parsed.number) belongs to the cluster")
            }
        }

        struct Remove: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "remove",
                abstract: "Remove a broker on which nothing lies.",
                discussion:
                    "It need not run any more. What lies on it is moved first.\n\nEXAMPLES\n  platform broker reassign start --away-from 4\n  platform broker members remove 4"
            )
            @Argument(help: ArgumentHelp("The broker's number.", valueName: "n")) var number: Int32
            @OptionGroup var server: ServerOptions

            func run() async throws {
                try await server.withClient("cannot remove broker \(number)") { try await $0.removeMember(number) }
                Output.note("broker \(number) does not belong to the cluster any more")
            }
        }
    }
}
