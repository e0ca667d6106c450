// `platform broker user` and `platform broker acl`: the users and their rights, over Kafka's protocol.
import ArgumentParser
import Base
import Clients
import NetKit

extension BrokerCommand {
    struct User: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "user", abstract: "Make, list and delete users that log in by SCRAM or PLAIN.",
            discussion: "EXAMPLES\n  platform broker user set alice --with-password-file alice.txt\n  platform broker user list",
            subcommands: [Set.self, List.self, Delete.self])

        struct Set: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "set",
                abstract: "Make a user, or give one another password.",
                discussion:
                    "EXAMPLES\n  platform broker user set alice --with-password-file alice.txt\n  pwgen | platform broker user set alice --with-password-file -"
            )
            @Argument(help: "The user's name.") var name: String
            @Option(name: .long, help: ArgumentHelp("The file whose first line is the user's password; - for stdin.", valueName: "path"))
            var withPasswordFile: String
            @OptionGroup var server: ServerOptions

            func run() async throws {
                let user = KafkaUser(name: name, password: try PasswordFile.read(withPasswordFile, setting: "--with-password-file"))
                try await server.withClient("cannot set user \(name)") { try await $0.setUser(user) }
                Output.note("\(name) can log in")
            }
        }

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List the users.",
                discussion: "EXAMPLES\n  platform broker user list\n  platform broker user list -o json")
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let users = try await server.withClient("cannot list users") { try await $0.users() }
                Output.rows(
                    ["user", "mechanism", "iterations"],
                    users.map { [.text($0.user), .text($0.mechanism), .number(Int64($0.iterations))] }, output.output)
            }
        }

        struct Delete: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "delete",
                abstract: "Delete a user; connections that are open stay.",
                discussion:
                    "EXAMPLES\n  platform broker user delete alice\n  platform broker user delete alice --user admin --password-file admin.txt"
            )
            @Argument(help: "The user's name.") var name: String
            @OptionGroup var server: ServerOptions

            func run() async throws {
                try await server.withClient("cannot delete user \(name)") { try await $0.deleteUser(name) }
                Output.note("deleted \(name)")
            }
        }
    }

    struct AccessVerbs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "acl", abstract: "Add, list and remove access rules.",
            discussion:
                "EXAMPLES\n  platform broker acl add alice --operation write --topic events\n  platform broker acl list\n\nThe broker obeys them if its setting broker.access-rules is true; what no rule allows is denied then.",
            subcommands: [Add.self, List.self, Remove.self])

        /// The rule of the flags.
        struct RuleOptions: ParsableArguments {
            @Argument(help: "The user's name, or * for everybody.") var who: String
            @Option(
                name: .long,
                help: ArgumentHelp(
                    "What may be done; may be repeated: \(KafkaRule.operations.map(\.word).joined(separator: ", ")).",
                    valueName: "operation"))
            var operation: [String]
            @Option(name: .long, help: "On this topic; * for all.") var topic: String?
            @Option(name: .long, help: "On this group; * for all.") var group: String?
            @Option(name: .long, help: "On this transactional id; * for all.") var transaction: String?
            @Flag(name: .long, help: "On the cluster.") var cluster = false
            @Flag(name: .long, help: "The name is the beginning of a name.") var prefix = false
            @Option(name: .long, help: ArgumentHelp("From this address only.", valueName: "address")) var host = "*"
            @Flag(name: .long, help: "Deny instead of allow.") var deny = false

            func rules() throws(CommandFailure) -> [KafkaRule] {
                let named = [
                    ("topic", topic), ("group", group), ("transaction", transaction), ("cluster", cluster ? "kafka-cluster" : nil),
                ].compactMap { kind, name in
                    name.map { (kind, $0) }
                }
                guard !named.isEmpty else {
                    throw CommandFailure(
                        .usage, "no resource", why: "a rule is about --topic, --group, --transaction or --cluster",
                        next: "for example --topic events")
                }
                for word in operation where !KafkaRule.operations.contains(where: { $0.word == word }) {
                    throw CommandFailure(
                        .usage, "--operation \(word) is not known",
                        why: "there are \(KafkaRule.operations.map(\.word).joined(separator: ", "))", next: "for example --operation read")
                }
                return named.flatMap { kind, name in
                    operation.map {
                        KafkaRule(
                            resource: kind, name: name, pattern: prefix ? "prefixed" : "literal", principal: "User:" + who, host: host,
                            operation: $0,
                            permission: deny ? "deny" : "allow")
                    }
                }
            }
        }

        struct Add: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "add",
                abstract: "Add rules.",
                discussion:
                    "EXAMPLES\n  platform broker acl add alice --operation write --topic events\n  platform broker acl add bob --operation read --topic events --group reports\n  platform broker acl add '*' --operation read --topic public- --prefix"
            )
            @OptionGroup var rule: RuleOptions
            @OptionGroup var server: ServerOptions

            func run() async throws {
                let rules = try rule.rules()
                try await server.withClient("cannot add access rules") { try await $0.addRules(rules) }
                Output.note("\(rules.count) rules added")
            }
        }

        struct Remove: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "remove",
                abstract: "Remove rules.",
                discussion:
                    "EXAMPLES\n  platform broker acl remove alice --operation write --topic events\n  platform broker acl remove bob --operation read --group reports"
            )
            @OptionGroup var rule: RuleOptions
            @OptionGroup var server: ServerOptions

            func run() async throws {
                let rules = try rule.rules()
                let count = try await server.withClient("cannot remove access rules") { try await $0.removeRules(rules) }
                Output.note("\(count) rules removed")
            }
        }

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List the rules.",
                discussion: "EXAMPLES\n  platform broker acl list\n  platform broker acl list -o json")
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let rules = try await server.withClient("cannot list access rules") { try await $0.rules() }
                Output.rows(
                    ["resource", "name", "pattern", "principal", "host", "operation", "permission"],
                    rules.map {
                        [
                            .text($0.resource), .text($0.name), .text($0.pattern), .text($0.principal), .text($0.host), .text($0.operation),
                            .text($0.permission),
                        ]
                    },
                    output.output)
            }
        }
    }
}
