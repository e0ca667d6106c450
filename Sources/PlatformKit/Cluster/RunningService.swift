// What the roof knows of a running service: its endpoints, whether it is ready, and how to stop it.
import Base
import Logging
import NetKit

/// An address that clients connect to, under the name by which scripts find it.
struct Endpoint: Sendable {
    /// The name in the READY line.
    var key: String
    var address: HostPort
    /// What connects there, for people.
    var clients: String
}

/// A service that runs in this process.
protocol RunningService: Sendable {
    var name: String { get }
    var endpoints: [Endpoint] { get }
    /// Why requests are refused at present, or nil; asked from any thread.
    var trouble: String? { get }
    /// When a write counts as taken, for people.
    var durability: String { get }
    /// Ends within two seconds; nothing acknowledged is lost.
    func stop() async
}

extension RunningService {
    var isReady: Bool { trouble == nil }
    var durability: String { "synced before it is acknowledged" }
}

/// The services by name, in the order of their endpoints.
enum ServiceName: String, CaseIterable, Sendable {
    case coord, broker, dfs, compute

    /// What a service is started with.
    struct Context: Sendable {
        var settings: Settings
        /// The directory of all services; each has one of its own in it.
        var dataDirectory: String
        var metrics: MetricsRegistry
        /// What all services together may hold for their clients.
        var memory: MemoryBudget
        /// The dfs that runs in this process, for compute.
        var dfs: HostPort?
    }

    func start(_ context: Context) async throws -> any RunningService {
        let directory = context.dataDirectory + "/" + rawValue
        let log = Logger(label: rawValue)
        return switch self {
        case .coord where context.settings[SettingsTable.coordNodes] > 1:
            try await RunningCoordEnsemble.start(context, count: context.settings[SettingsTable.coordNodes], log: log)
        case .coord: try await RunningCoord.start(context, directory, log)
        case .broker where context.settings[SettingsTable.brokerNodes] > 1:
            try await RunningBrokerCluster.start(context, count: context.settings[SettingsTable.brokerNodes], log: log)
        case .broker: try await RunningBroker.start(context, directory, log)
        case .dfs: try await RunningDFS.start(context, directory, log)
        case .compute: try await RunningCompute.start(context)
        }
    }
}
