// What the roof knows of a running service: its endpoints, whether it is ready, and how to stop it.
import Base
import ComputeService
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

/// A service that runs, here or in a process of its own.
protocol RunningService: Sendable {
    var name: String { get }
    var endpoints: [Endpoint] { get }
    /// Why requests are refused at present, or nil; asked from any thread.
    var trouble: String? { get }
    /// When a write counts as taken, for people.
    var durability: String { get }
    /// Memory in RAM of a process of the service's own, in bytes; 0 if it runs in this one.
    var residentBytesElsewhere: Int { get }
    /// Figures in Prometheus' text form that are not in this process's registry; nil if there are none.
    func metricsTextElsewhere() async -> String?
    /// Ends within two seconds; nothing acknowledged is lost.
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

    /// What a service is started with.
    struct Context: Sendable {
        var settings: Settings
        /// The directory of all services; each has one of its own in it.
        var dataDirectory: String
        var metrics: MetricsRegistry
        /// What all services together may hold for their clients.
        var memory: MemoryBudget
        var layout: ProcessLayout
        /// The dfs that was started with compute, for compute.
        var dfs: HostPort?
        /// Its namenode's RPC.
        var namenode: HostPort?
        /// Told of queries, from any thread.
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
        case .compute: try await RunningCompute.start(context)
        }
    }
}
