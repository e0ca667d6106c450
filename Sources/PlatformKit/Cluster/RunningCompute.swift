// Compute as a service of the platform. Its data directory holds the catalog of tables and, unless the settings name another place, the
// tables themselves.
import Base
import CSupport
import ComputeCore
import ComputeRuntime
import ComputeService
import Foundation
import Logging
import NetKit
import Storage
import Synchronization

final class RunningCompute: RunningService {
    private let door: ComputeDoor
    private let address: HostPort
    private let catalog: CatalogReplica
    private let directory: DataDirectory
    private let stopped = Atomic<Bool>(false)
    var name: String { "compute" }
    var endpoints: [Endpoint] { [Endpoint(key: "connect", address: address, clients: "Spark Connect clients")] }
    var trouble: String? { stopped.load(ordering: .relaxed) ? "it is stopping" : catalog.trouble }
    var durability: String { "the catalog is synced before it is acknowledged; files of tables are not" }

    private init(door: ComputeDoor, address: HostPort, catalog: CatalogReplica, directory: DataDirectory) {
        self.door = door
        self.address = address
        self.catalog = catalog
        self.directory = directory
    }

    func stop() async {
        stopped.store(true, ordering: .relaxed)
        await door.stop()
        await catalog.stop()
        directory.release()
    }

    /// How long a start waits for the directory: the process of a supervisor that was killed may still be ending.
    private static let directoryPatience = Duration.seconds(5)

    private static func open(_ path: String) async throws -> DataDirectory {
        let deadline = ContinuousClock.now + directoryPatience
        while true {
            do throws(StorageError) { return try DataDirectory(path, service: "compute") } catch {
                guard error.cause == .locked, ContinuousClock.now < deadline else { throw error }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The catalog keeps whole addresses, whatever the next start's current directory.
    private static func absolute(_ path: String) -> String {
        JobPath.scheme(path) != nil || path.beginsWithBytes(of: "/") ? path : Paths.join(FileManager.default.currentDirectoryPath, path)
    }

    static func start(_ context: ServiceName.Context, _ path: String, _ log: Logger) async throws -> RunningCompute {
        let directory = try await open(path)
        do {
            let chosen = context.settings[SettingsTable.computeWarehouse]
            let catalog = try await CatalogReplica.open(
                directory: path + "/catalog", warehouse: Self.absolute(chosen.isEmpty ? path + "/warehouse" : chosen),
                metrics: context.metrics, log: log)
            do { return try await start(context, catalog, directory) } catch {
                await catalog.stop()
                throw error
            }
        } catch {
            directory.release()
            throw error
        }
    }

    private static func start(_ context: ServiceName.Context, _ catalog: CatalogReplica, _ directory: DataDirectory) async throws
        -> RunningCompute
    {
        let listen = context.settings[SettingsTable.connectListen]
        var settings = ComputeDoorSettings()
        settings.tls = try context.settings.tls(SettingsTable.computeTLS)
        try context.settings.checkExposure(listen, SettingsTable.connectListen.name, settings.tls)
        settings.host = listen.host == "localhost" ? "127.0.0.1" : listen.host
        settings.port = listen.port
        settings.onQuery = context.onQuery
        settings.memory.residentBytes = { ProcessMetrics.residentBytes() }
        settings.memory.returnFreed = { csupport_return_freed() }
        settings.memory.bytesMax = context.settings[SettingsTable.computeMemory]
        settings.memory.queryBytesMax = context.settings[SettingsTable.computeQueryMemory]
        settings.python = python(context, listen, directory.path)
        let spillMax = context.settings[SettingsTable.computeSpill]
        let spill = spillMax == 0 ? nil : SpillDirectory(directory.path + "/spill", bytesMax: spillMax)
        context.metrics.gauge("compute_spill_bytes", help: "Bytes in temporary files of queries.") { Double(spill?.bytes ?? 0) }
        settings.memory.spill = spill
        let door = ComputeDoor(
            settings: settings, catalog: catalog,
            files: FileSchemes(dfs: try dfs(context), namenodes: namenodes(context), trust: try dfsTrust(context)),
            metrics: context.metrics)
        do {
            let bound = try await door.start()
            return RunningCompute(door: door, address: HostPort(bound.host, bound.port), catalog: catalog, directory: directory)
        } catch {
            let holder = listen.port == 0 ? nil : PortHolder.find(port: listen.port)
            throw ListenError(listen, holder.map { .inUse(by: $0) } ?? .other("\(error)"))
        }
    }

    /// Functions of clients may do all that this process may, so that other machines must be let in on purpose.
    private static func python(_ context: ServiceName.Context, _ listen: HostPort, _ path: String) -> PythonWorkerSettings? {
        let chosen = context.settings[SettingsTable.computePython]
        guard chosen != "off", !chosen.isEmpty || listen.isLoopback else { return nil }
        var python = PythonWorkerSettings()
        if !chosen.isEmpty { python.program = chosen }
        python.memoryBytesMax = context.settings[SettingsTable.computePythonMemory]
        python.folder = absolute(path + "/python")
        return python
    }

    /// The trust of compute in a dfs with https.
    private static func dfsTrust(_ context: ServiceName.Context) throws(CommandFailure) -> TLSTrust? {
        let settings = context.settings
        guard !settings[SettingsTable.computeDFS].isEmpty else {
            return context.dfs == nil ? nil : try settings.tls(SettingsTable.dfsTLS)?.fromSameProcess
        }
        let authority = settings[SettingsTable.computeDFSAuthority]
        guard !authority.isEmpty else { return nil }
        let own = try settings.tls(SettingsTable.computeTLS)
        let trust = TLSTrust(roots: .authorities(file: authority), certificateFile: own?.certificateFile, keyFile: own?.keyFile)
        do { try trust.check() } catch {
            throw CommandFailure(
                .configuration, "\(SettingsTable.computeDFSAuthority.name) cannot be used", why: error.description,
                next: "mend the file, or name another one")
        }
        return trust
    }

    /// A dfs named by its WebHDFS address is called over WebHDFS.
    private static func namenodes(_ context: ServiceName.Context) -> [HostPort] {
        context.settings[SettingsTable.computeDFS].isEmpty ? context.namenodes : []
    }

    private static func dfs(_ context: ServiceName.Context) throws(CommandFailure) -> HostPort? {
        let text = context.settings[SettingsTable.computeDFS]
        guard !text.isEmpty else { return context.dfs }
        guard let address = HostPort(parsing: text, defaultPort: 9870) else {
            throw CommandFailure(
                .configuration, "bad value '\(text)' for \(SettingsTable.computeDFS.name)", why: "it must be host:port",
                next: "for example 127.0.0.1:9870")
        }
        return address
    }
}
