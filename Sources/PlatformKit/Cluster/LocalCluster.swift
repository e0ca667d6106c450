// Services that start side by side and stop together, in this process or in processes of their own. If one cannot start, the others are
// stopped and the person reads its reason.
import Base
import ComputeService
import Foundation
import Logging
import NetKit

/// A running set of services with their console.
final class LocalCluster: Sendable {
    let services: [any RunningService]
    let metrics: MetricsRegistry
    private let console: Console?
    /// Removed at the end if the data is ephemeral.
    private let ephemeralDirectory: String?
    private let memory = MemoryReturn()

    private init(_ services: [any RunningService], _ metrics: MetricsRegistry, _ console: Console?, _ ephemeralDirectory: String?) {
        self.services = services
        self.metrics = metrics
        self.console = console
        self.ephemeralDirectory = ephemeralDirectory
    }

    /// Starts the named services. `ephemeral`: in a temporary directory. `dfs` is the WebHDFS address if another process serves it,
    /// `namenodes` those of its RPC.
    static func start(
        _ names: [ServiceName], settings: Settings, ephemeral: Bool, layout: ProcessLayout, dfs: HostPort? = nil,
        namenodes: [HostPort] = [], onQuery: (@Sendable (QueryEvent) -> Void)? = nil
    ) async throws -> LocalCluster {
        try settings.checkTLS()
        let directory = ephemeral ? try makeTemporaryDirectory() : settings.dataDirectory
        let memory = MemoryBudget(name: "process", limitBytes: settings[SettingsTable.clientMemory])
        let context = ServiceName.Context(
            settings: settings, dataDirectory: directory, metrics: MetricsRegistry(), memory: memory, layout: layout, dfs: dfs,
            namenodes: namenodes, onQuery: onQuery)
        ProcessMetrics.register(context.metrics)
        context.metrics.memory(memory, service: "all")
        do {
            let services = try await startInOrder(names, context)
            do {
                let console = try await Console.start(settings, services, context.metrics, Logger(label: "console"))
                return LocalCluster(services, context.metrics, console, ephemeral ? directory : nil)
            } catch {
                await stopAll(services)
                throw error
            }
        } catch {
            if ephemeral { removeDirectory(directory) }
            throw error
        }
    }

    /// Compute comes last, since it needs the address of dfs.
    private static func startInOrder(_ names: [ServiceName], _ context: ServiceName.Context) async throws -> [any RunningService] {
        let first = try await startAll(names.filter { $0 != .compute }, context)
        guard names.contains(.compute) else { return first }
        var withDFS = context
        func address(_ key: String) -> HostPort? { first.flatMap(\.endpoints).first { $0.key == key }?.address }
        withDFS.dfs = address("webhdfs") ?? context.dfs
        let namenodes = first.flatMap(\.endpoints).filter { $0.key == "namenode" || $0.key.hasPrefix("namenode-") }.map(\.address)
        withDFS.namenodes = namenodes.isEmpty ? context.namenodes : namenodes
        do { return first + (try await startAll([.compute], withDFS)) } catch {
            await stopAll(first)
            throw error
        }
    }

    private static func startAll(_ names: [ServiceName], _ context: ServiceName.Context) async throws -> [any RunningService] {
        let results = await withTaskGroup(of: (Int, Result<any RunningService, any Error>).self) { group in
            for (place, name) in names.enumerated() {
                group.addTask {
                    do { return (place, .success(try await name.start(context))) } catch { return (place, .failure(error)) }
                }
            }
            var all: [(Int, Result<any RunningService, any Error>)] = []
            for await result in group { all.append(result) }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
        var started: [any RunningService] = []
        var failure: (any Error)?
        for result in results {
            switch result {
            case .success(let service): started.append(service)
            case .failure(let error): failure = failure ?? error
            }
        }
        guard let failure else { return started }
        await stopAll(started)
        throw failure
    }

    private static func stopAll(_ services: [any RunningService]) async {
        await withTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { await service.stop() } }
        }
    }

    func stop() async {
        memory.stop()
        await console?.stop()
        await Self.stopAll(services)
        if let ephemeralDirectory { Self.removeDirectory(ephemeralDirectory) }
    }

    var endpoints: [Endpoint] { services.flatMap(\.endpoints) + (console.map { [$0.endpoint] } ?? []) }

    /// The console's address; nil if it has no port.
    var consoleAddress: HostPort? { console?.endpoint.address }

    /// Resident memory of all processes, in bytes.
    var residentBytes: Int { ProcessMetrics.residentBytes() + services.map(\.residentBytesElsewhere).reduce(0, +) }

    /// The line for waiting scripts.
    var readyLine: String { "READY " + endpoints.map { "\($0.key)=\($0.address)" }.joined(separator: " ") }

    static func makeTemporaryDirectory() throws(CommandFailure) -> String {
        var template = Array((NSTemporaryDirectory() + "/platform-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw CommandFailure(
                .failed, "cannot make a temporary directory", why: String(cString: strerror(errno)),
                next: "set TMPDIR to a directory that may be written")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func removeDirectory(_ path: String) {
        do { try FileManager.default.removeItem(atPath: path) } catch {
            Output.note("warning: the temporary directory \(path) could not be removed: \(error.localizedDescription)")
        }
    }
}
