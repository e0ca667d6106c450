// A running service for the platform: its endpoints, its readiness, its stop.
import Base
import ComputeService
import Logging
import NetKit

/// An address for clients, with its name for scripts.
struct Endpoint: Sendable {
    /// The name in the READY line.
    var key: String
    var address: HostPort
    /// The clients of the address, for people.
    var clients: String
}

/// A running service, here or in a process of its own.
protocol RunningService: Sendable {
    var name: String { get }
    var endpoints: [Endpoint] { get }
    /// The reason why requests are refused at present, or nil; called from any thread.
    var trouble: String? { get }
    /// The point at which a write counts as accepted, for people.
    var durability: String { get }
    /// Resident memory of the service's own process, in bytes; 0 if it runs in this one.
    var residentBytesElsewhere: Int { get }
    /// Figures in Prometheus' text form from outside this process's registry; nil if there are none.
    func metricsTextElsewhere() async -> String?
    /// Ends within two seconds without losing an acknowledged write.
    func stop() async
}

extension RunningService {
    var residentBytesElsewhere: Int { 0 }
    func metricsTextElsewhere() async -> String? { nil }
    var isReady: Bool { trouble == nil }
    var durability: String { "synced before it is acknowledged" }
}

/// The services by name, in the order of their endpoints.
enum ServiceName: String, CaseIterable, Sendable {
    case coord, broker, dfs, compute

    /// The context of a service's start.
    struct Context: Sendable {
        var settings: Settings
        /// The directory of all services; each has its own inside.
        var dataDirectory: String
        var metrics: MetricsRegistry
        /// The memory that all services together may hold for their clients.
        var memory: MemoryBudget
        var layout: ProcessLayout
        /// For compute: the dfs started with it.
        var dfs: HostPort?
        /// The RPC of its namenodes.
        var namenodes: [HostPort] = []
        /// Called for each query, from any thread.
        var onQuery: (@Sendable (QueryEvent) -> Void)?
    }

    func start(_ context: Context) async throws -> any RunningService {
        if context.layout.isApart(self) { return try await SupervisedService.start(self, context) }
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
        case .compute: try await RunningCompute.start(context, directory, log)
        }
    }
}
