// `platform supervised`: the child's side of SupervisedService. It reads its plan from standard input, runs one service, and reports on
// standard output. It ends at a signal, or when its supervisor is gone.
import ArgumentParser
import Base
import Foundation
import NetKit
import Synchronization

struct SupervisedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervised", abstract: "Run one service for a supervising platform process; it reads a plan from stdin.",
        shouldDisplay: false)
    /// Time between two checks whether the service refuses requests.
    private static let lookInterval = Duration.milliseconds(250)

    func run() async throws {
        let shutdown = await Shutdown()
        let input = SupervisorInput()
        guard let line = await input.firstLine() else {
            throw CommandFailure(
                .usage, "there is no plan on standard input", why: "this verb is for a supervising process",
                next: "`platform up` starts services")
        }
        let reports = ReportWriter()
        do {
            let plan = try JSONDecoder().decode(ServicePlan.self, from: Data(line.utf8))
            try await Self.serve(plan, reports, until: { await Self.end(shutdown, input) })
        } catch {
            let failure = CommandFailure(error, doing: "cannot start")
            reports.write(.failed(code: failure.code.rawValue, what: failure.what, why: failure.why, next: failure.next))
            throw ArgumentParser.ExitCode(failure.code.rawValue)
        }
    }

    private static func serve(_ plan: ServicePlan, _ reports: ReportWriter, until end: () async -> Void) async throws {
        guard let name = ServiceName(rawValue: plan.service) else {
            throw CommandFailure(
                .usage, "there is no service '\(plan.service)'", why: "the plan names it", next: "start it with the same executable")
        }
        let settings = try Settings.resolve(
            flags: plan.settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, file: nil, environment: [:])
        LogLines.bootstrap(settings)
        let dfs = plan.dfs.flatMap { HostPort(parsing: $0, defaultPort: 9870) }
        let namenodes = plan.namenodes.compactMap { HostPort(parsing: $0, defaultPort: 8020) }
        let cluster = try await LocalCluster.start(
            [name], settings: settings, ephemeral: false, layout: .one, dfs: dfs, namenodes: namenodes)
        { event in
            switch event {
            case .began(let id, let text): reports.write(.queryBegan(id: id, text: text))
            case .ended(let id): reports.write(.queryEnded(id: id))
            }
        }
        let service = cluster.services[0]
        for endpoint in service.endpoints {
            reports.write(.endpoint(key: endpoint.key, address: endpoint.address.description, clients: endpoint.clients))
        }
        if let console = cluster.consoleAddress { reports.write(.console(address: console.description)) }
        reports.write(.durability(service.durability))
        reports.write(.ready)
        let looking = Task {
            var last: String?
            while !Task.isCancelled {
                // A cancelled sleep ends the loop by its condition.
                do { try await Task.sleep(for: lookInterval) } catch { return }
                let trouble = service.trouble
                if trouble != last { reports.write(.trouble(trouble)) }
                last = trouble
            }
        }
        await end()
        looking.cancel()
        await cluster.stop()
    }

    /// Returns at a signal, or when the supervisor's end of the pipe is closed.
    private static func end(_ shutdown: Shutdown, _ input: SupervisorInput) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await shutdown.requested() }
            group.addTask { await input.ended() }
            await group.next()
            group.cancelAll()
        }
    }
}
