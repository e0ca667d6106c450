// `platform up` and the `serve` verbs: services run until a signal ends them.
import ArgumentParser
import Base
import Foundation
import NetKit

/// Runs services until SIGTERM or Ctrl-C.
enum Serving {
    static func run(_ names: [ServiceName], settings: Settings, ephemeral: Bool, layout: ProcessLayout = .one) async throws {
        LogLines.bootstrap(settings)
        let began = SystemTime().now()
        let shutdown = await Shutdown()
        let cluster: LocalCluster
        do {
            cluster = try await LocalCluster.start(names, settings: settings, ephemeral: ephemeral, layout: layout)
        } catch { throw CommandFailure(error, doing: "cannot start \(names.map(\.rawValue).joined(separator: ", "))") }
        for endpoint in cluster.endpoints { Output.note("\(Output.bold(endpoint.key))  \(endpoint.address)  (\(endpoint.clients))") }
        Output.note(
            "data: \(ephemeral ? "ephemeral, gone at the end" : settings.dataDirectory) · ready in \((SystemTime().now() - began).inMilliseconds) ms · Ctrl-C stops"
        )
        Output.line(cluster.readyLine)
        let reason = await shutdown.requested()
        Output.note("stopping (\(reason))")
        await cluster.stop()
    }
}

extension ProcessLayout: ExpressibleByArgument {}

struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Start all services.",
        discussion: """
            Scripts wait for the line that begins with READY on stdout; it names every address.

            EXAMPLES
              platform up
              platform up --only coord,broker --ephemeral --ports auto
              platform up --nodes 3

            SEE ALSO  platform status, platform doctor, platform demo
            """)
    @Option(name: .long, help: ArgumentHelp("Only these services, separated by commas.", valueName: "names")) var only: String?
    @Option(name: .long, help: ArgumentHelp("Run coord, broker and the namenode as this many servers each.", valueName: "n"))
    var nodes: Int?
    @Option(name: .long, help: ArgumentHelp("Run dfs with this many datanodes.", valueName: "n")) var datanodes: Int?
    @Flag(name: .long, help: "Keep the data in a temporary directory that goes away at the end.") var ephemeral = false
    @Option(
        name: .long,
        help: ArgumentHelp(
            "'compute' gives compute a process of its own, 'each' every service, 'one' none. Default: compute; one if a single service runs.",
            valueName: "which")) var processes: ProcessLayout?
    @OptionGroup var ports: PortOptions
    @OptionGroup var options: SettingsOptions

    func run() async throws {
        let keys = [SettingsTable.coordNodes.name, SettingsTable.brokerNodes.name, SettingsTable.dfsNodes.name]
        let flags = nodes.map { count in keys.map { ($0, "\(count)") } } ?? []
        let more = datanodes.map { [(SettingsTable.dfsDatanodes.name, "\($0)")] } ?? []
        let services = try chosenServices()
        let layout = processes ?? (services.count == 1 ? .one : .compute)
        try await Serving.run(
            services, settings: try options.resolve(flags + more, ports: try ports.choice()), ephemeral: ephemeral, layout: layout)
    }

    private func chosenServices() throws(CommandFailure) -> [ServiceName] {
        guard let only else { return ServiceName.allCases }
        var chosen: [ServiceName] = []
        for word in only.split(separator: ",") {
            guard let name = ServiceName(rawValue: String(word)) else {
                throw CommandFailure(
                    .usage, "there is no service '\(word)'",
                    why: "the services are \(ServiceName.allCases.map(\.rawValue).joined(separator: ", "))",
                    next: "for example --only coord")
            }
            chosen.append(name)
        }
        return ServiceName.allCases.filter(chosen.contains)
    }
}
