// `platform broker`: the service itself, and verbs that speak Kafka's protocol to any server.
import ArgumentParser
import Base
import Foundation

struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker", abstract: "Messages: a Kafka broker, and its client.",
        discussion: "EXAMPLES\n  platform broker serve\n  platform broker serve --ephemeral --listen 127.0.0.1:0",
        subcommands: [Serve.self], defaultSubcommand: Serve.self)

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Run the broker alone.", discussion: "EXAMPLES\n  platform broker serve\n  platform broker serve --listen 127.0.0.1:9093 --data-dir /srv/broker")
        @Option(name: .long, help: ArgumentHelp("Where Kafka clients connect.", valueName: "host:port")) var listen: String?
        @Flag(name: .long, help: "Keep the data in a temporary directory that goes away at the end.") var ephemeral = false
        @OptionGroup var options: SettingsOptions

        func run() async throws {
            let flags = listen.map { [(SettingsTable.brokerListen.name, $0)] } ?? []
            try await Serving.run([.broker], settings: try options.resolve(flags), ephemeral: ephemeral, withConsole: false)
        }
    }
}
