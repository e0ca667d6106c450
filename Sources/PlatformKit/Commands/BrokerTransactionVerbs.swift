// `platform broker txn`: transactions for an operator, over Kafka's protocol.
import ArgumentParser
import Base
import Clients
import NetKit

extension BrokerCommand {
    struct TransactionVerbs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "txn", abstract: "List, describe and abort transactions.",
            discussion: "EXAMPLES\n  platform broker txn list\n  platform broker txn abort transfers",
            subcommands: [List.self, Describe.self, Abort.self])

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List the transactional ids.",
                discussion: "EXAMPLES\n  platform broker txn list\n  platform broker txn list -o json")
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let found = try await server.withClient("cannot list transactions") { try await $0.transactions() }
                Output.rows(
                    ["transaction", "state", "producer"], found.entries.map { [.text($0.name), .text($0.state), .number($0.producerID)] },
                    output.output)
                try found.mustBeWhole("transactions")
            }
        }

        struct Describe: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "describe", abstract: "Show the state of a transactional id and the partitions of its transaction.",
                discussion: "EXAMPLES\n  platform broker txn describe transfers\n  platform broker txn describe transfers -o json")
            @Argument(help: "The transactional id.") var name: String
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let found = try await server.withClient("cannot describe transaction \(name)") { try await $0.transaction(name) }
                let now = SystemTime().wallTime().milliseconds
                Output.fields(
                    [
                        ("transaction", .text(found.name)), ("state", .text(found.state)), ("producer", .number(found.producerID)),
                        ("epoch", .number(Int64(found.epoch))), ("timeoutMs", .number(Int64(found.timeoutMilliseconds))),
                        ("openForMs", found.startTime.map { .number(max(0, now - $0)) } ?? .null),
                        ("partitions", .text(found.partitions.map { "\($0.topic)-\($0.partition)" }.joined(separator: " "))),
                    ], output.output)
            }
        }

        struct Abort: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "abort", abstract: "Abort what a transactional id has open, and shut its producer out.",
                discussion:
                    "For a producer that does not come back; one that does gets an error and has to begin anew.\n\nEXAMPLES\n  platform broker txn abort transfers\n  platform broker txn abort transfers --server 10.0.0.5:9092"
            )
            @Argument(help: "The transactional id.") var name: String
            @OptionGroup var server: ServerOptions

            func run() async throws {
                try await server.withClient("cannot abort transaction \(name)") { try await $0.abortTransaction(name) }
                Output.note("nothing is open under \(name) any more")
            }
        }
    }
}
