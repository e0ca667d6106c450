// `platform broker quota`: limits of users, clients and addresses, over Kafka's protocol.
import ArgumentParser
import Base
import Clients

extension BrokerCommand {
    struct Quota: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "quota", abstract: "Set, list and remove limits of users, clients and addresses.",
            discussion: "EXAMPLES\n  platform broker quota set --client loader --produce-rate 1000000\n  platform broker quota list",
            subcommands: [Set.self, List.self, Remove.self])

        /// The subject of a limit.
        struct EntityOptions: ParsableArguments {
            @Option(name: .long, help: ArgumentHelp("Connections of this user.", valueName: "name")) var forUser: String?
            @Flag(name: .long, help: "Users without a limit of their own, each for itself.") var defaultUser = false
            @Option(name: .long, help: ArgumentHelp("Connections with this client id.", valueName: "name")) var client: String?
            @Flag(name: .long, help: "Client ids without a limit of their own, each for itself.") var defaultClient = false
            @Option(name: .long, help: ArgumentHelp("Connections from this address.", valueName: "address")) var address: String?
            @Flag(name: .long, help: "Addresses without a limit of their own, each for itself.") var defaultAddress = false

            func entity() throws(CommandFailure) -> KafkaQuotaEntity {
                let entity = KafkaQuotaEntity(
                    user: defaultUser ? .byDefault : forUser.map { .named($0) },
                    client: defaultClient ? .byDefault : client.map { .named($0) },
                    address: defaultAddress ? .byDefault : address.map { .named($0) })
                guard entity.user != nil || entity.client != nil || entity.address != nil else {
                    throw CommandFailure(
                        .usage, "nobody is named",
                        why:
                            "a limit is for --for-user, --default-user, --client, --default-client or a pair of them, or for --address or --default-address",
                        next: "for example --client loader")
                }
                return entity
            }
        }

        struct Set: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "set",
                abstract: "Set limits.",
                discussion:
                    "EXAMPLES\n  platform broker quota set --client loader --produce-rate 1000000\n  platform broker quota set --for-user alice --consume-rate 5000000 --change-rate 10\n  platform broker quota set --default-address --connection-rate 20"
            )
            @OptionGroup var whom: EntityOptions
            @Option(name: .long, help: ArgumentHelp("What may be produced.", valueName: "bytes/s")) var produceRate: Double?
            @Option(name: .long, help: ArgumentHelp("What may be consumed.", valueName: "bytes/s")) var consumeRate: Double?
            @Option(name: .long, help: ArgumentHelp("Time of the broker that requests may take.", valueName: "percent"))
            var requestPercentage: Double?
            @Option(name: .long, help: ArgumentHelp("Partitions that may be made and deleted.", valueName: "partitions/s")) var changeRate:
                Double?
            @Option(name: .long, help: ArgumentHelp("Connections that an address may make.", valueName: "connections/s"))
            var connectionRate: Double?
            @OptionGroup var server: ServerOptions

            func run() async throws {
                let entity = try whom.entity()
                let stated = zip(Quota.names, [produceRate, consumeRate, requestPercentage, changeRate, connectionRate]).compactMap {
                    name, value in value.map { (name, Optional($0)) }
                }
                guard !stated.isEmpty else {
                    throw CommandFailure(
                        .usage, "no limit is stated",
                        why: "there are --produce-rate, --consume-rate, --request-percentage, --change-rate and --connection-rate",
                        next: "for example --produce-rate 1000000")
                }
                try await server.withClient("cannot set limits") { try await $0.setQuotas(entity, stated) }
                Output.note("\(stated.count) limits set")
            }
        }

        struct Remove: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "remove",
                abstract: "Remove every limit that is for exactly these.",
                discussion:
                    "EXAMPLES\n  platform broker quota remove --client loader\n  platform broker quota remove --for-user alice --default-client"
            )
            @OptionGroup var whom: EntityOptions
            @OptionGroup var server: ServerOptions

            func run() async throws {
                let entity = try whom.entity()
                let count = try await server.withClient("cannot remove limits") { client in
                    let known = try await client.quotas().filter { $0.entity == entity }
                    if !known.isEmpty { try await client.setQuotas(entity, known.map { ($0.name, nil) }) }
                    return known.count
                }
                Output.note("\(count) limits removed")
            }
        }

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List the limits.",
                discussion: "EXAMPLES\n  platform broker quota list\n  platform broker quota list -o json")
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let quotas = try await server.withClient("cannot list limits") { try await $0.quotas() }
                Output.rows(
                    ["user", "client", "address", "limit", "value"],
                    quotas.map {
                        [
                            Self.text($0.entity.user), Self.text($0.entity.client), Self.text($0.entity.address), .text($0.name),
                            .text("\($0.value)"),
                        ]
                    },
                    output.output)
            }

            private static func text(_ subject: KafkaQuotaEntity.Subject?) -> OutputValue {
                switch subject {
                case nil: .null
                case .byDefault?: .text("<default>")
                case .named(let name)?: .text(name)
                }
            }
        }

        private static let names = [
            "producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", "connection_creation_rate",
        ]
    }
}
