// `platform broker reassign`: moves partitions to other brokers, with an optional rate, over Kafka's protocol.
import ArgumentParser
import Base
import Clients

extension BrokerCommand {
    struct Reassign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "reassign", abstract: "Move partitions to other brokers.",
            discussion:
                "EXAMPLES\n  platform broker reassign start events --partition 0 --to 2,3\n  platform broker reassign start --away-from 4 --throttle 10000000\n  platform broker reassign list",
            subcommands: [Start.self, List.self, Cancel.self, Unthrottle.self])

        struct Start: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "start",
                abstract: "Let partitions move, and wait until they have.",
                discussion: """
                    New replicas are added first; the old ones go once the new ones have everything. With --throttle the new ones take no more than that until then, \
                    which is lifted at the end; it has to be more than what is produced meanwhile.

                    EXAMPLES
                      platform broker reassign start events --partition 0 --to 2,3
                      platform broker reassign start events --to 1,2,3 --throttle 10000000
                      platform broker reassign start --away-from 4
                    """)
            @Argument(help: "The topics; all of them if --away-from is given and none is named.") var topics: [String] = []
            @Option(name: .long, help: "One partition; all if left out.") var partition: Int32?
            @Option(
                name: .long,
                help: ArgumentHelp("The brokers that hold each of the partitions, the preferred leader first.", valueName: "n,...")) var to:
                String?
            @Option(name: .long, help: ArgumentHelp("Take what lies on this broker to others.", valueName: "n")) var awayFrom: Int32?
            @Option(name: .long, help: ArgumentHelp("What a broker may hand out and take of it a second.", valueName: "bytes/s"))
            var throttle: Int64?
            @Flag(name: .long, help: "Do not wait; a rate then stays until `reassign unthrottle`.") var noWait = false
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            private static let pause = Duration.milliseconds(200)

            func validate() throws {
                guard (to == nil) != (awayFrom == nil) else {
                    throw ValidationError("say where to: --to with brokers, or --away-from with one")
                }
                guard to == nil || !topics.isEmpty else { throw ValidationError("name the topics that --to is for") }
                guard throttle.map({ $0 > 0 }) ?? true else { throw ValidationError("--throttle is at least 1 byte a second") }
                guard targets != nil || to == nil else { throw ValidationError("--to takes the numbers of brokers, such as 2,3") }
            }

            private var targets: [Int32]? {
                let numbers = to?.split(separator: ",", omittingEmptySubsequences: false).map { Int32($0) } ?? []
                return numbers.isEmpty || numbers.contains(nil) ? nil : numbers.compactMap { $0 }
            }

            func run() async throws {
                let moves = try await server.withClient("cannot move partitions") { client in
                    let moves = try await planned(client)
                    guard !moves.isEmpty else { return moves }
                    if let throttle { try await client.throttle(moves, rate: throttle) }
                    try await client.reassign(moves)
                    if !noWait { try await wait(client, moves) }
                    return moves
                }
                func list(_ brokers: [Int32]) -> OutputValue { .numbers(brokers.map(Int64.init)) }
                Output.rows(
                    ["topic", "partition", "from", "to"],
                    moves.map { [.text($0.topic), .number(Int64($0.partition)), list($0.from), list($0.to)] }, output.output)
                if moves.isEmpty {
                    Output.note("every partition lies there already")
                } else if noWait {
                    Output.note("under way; `platform broker reassign list` shows what is left")
                }
            }

            private func planned(_ client: KafkaClient) async throws -> [KafkaMove] {
                let wanted = Set(topics)
                if let awayFrom {
                    // All topics count for the load of brokers, even if few of them move.
                    let all = try await client.cluster().topics
                    guard
                        let moves = KafkaMove.away(
                            from: awayFrom, all, brokers: try await client.nodes(), moving: { wanted.isEmpty || wanted.contains($0.name) })
                    else {
                        throw CommandFailure(
                            .failed, "cannot take everything away from broker \(awayFrom)",
                            why: "a partition lies on every other broker already, and a broker holds at most one of its replicas",
                            next: "add a broker first, or give such topics fewer replicas with --to")
                    }
                    return moves.filter { partition == nil || $0.partition == partition }
                }
                return try await client.cluster(topics: topics).topics.flatMap { topic in
                    topic.partitions.filter { partition == nil || $0.number == partition }.map {
                        KafkaMove(topic: topic.name, partition: $0.number, from: $0.replicas, to: targets ?? [])
                    }
                }.filter { $0.from != $0.to }
            }

            private func wait(_ client: KafkaClient, _ moves: [KafkaMove]) async throws {
                while true {
                    let left = try await client.reassignments().filter { one in
                        moves.contains { $0.topic == one.topic && $0.partition == one.partition }
                    }
                    if left.isEmpty { break }
                    try await Task.sleep(for: Self.pause)
                }
                if throttle != nil { try await client.unthrottle(Array(Set(moves.map(\.topic)))) }
            }
        }

        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "list", abstract: "List partitions that are on their way.",
                discussion: "EXAMPLES\n  platform broker reassign list\n  platform broker reassign list -o json")
            @OptionGroup var server: ServerOptions
            @OptionGroup var output: OutputOptions

            func run() async throws {
                let found = try await server.withClient("cannot list partitions on their way") { try await $0.reassignments() }
                func list(_ brokers: [Int32]) -> OutputValue { .numbers(brokers.map(Int64.init)) }
                Output.rows(
                    ["topic", "partition", "replicas", "adding", "removing"],
                    found.map { [.text($0.topic), .number(Int64($0.partition)), list($0.replicas), list($0.adding), list($0.removing)] },
                    output.output)
            }
        }

        struct Cancel: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "cancel",
                abstract: "Take back moves that are under way, and lift their rate.",
                discussion: "EXAMPLES\n  platform broker reassign cancel\n  platform broker reassign cancel events")
            @Argument(help: "The topics; all if left out.") var topics: [String] = []
            @OptionGroup var server: ServerOptions

            func run() async throws {
                let count = try await server.withClient("cannot take back moves") { client in
                    let found = try await client.reassignments().filter { topics.isEmpty || topics.contains($0.topic) }
                    if !found.isEmpty { try await client.cancel(found) }
                    try await client.unthrottle(topics.isEmpty ? nil : topics)
                    return found.count
                }
                Output.note("\(count) moves taken back")
            }
        }

        struct Unthrottle: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "unthrottle",
                abstract: "Lift the rate that moves were started with.",
                discussion: "EXAMPLES\n  platform broker reassign unthrottle\n  platform broker reassign unthrottle events")
            @Argument(help: "The topics; all if left out.") var topics: [String] = []
            @OptionGroup var server: ServerOptions

            func run() async throws {
                try await server.withClient("cannot lift the rate") { try await $0.unthrottle(topics.isEmpty ? nil : topics) }
                Output.note("moves go as fast as they can")
            }
        }
    }
}
