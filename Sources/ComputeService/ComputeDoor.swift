// The Spark Connect door: listens, serves until it is stopped, and removes leftovers of clients. gRPC is not visible outside of this
// target. It binds to loopback by default; the maker of the settings decides about other addresses.
import ComputeCore
import ComputeRuntime
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NetKit
import Synchronization

package struct ComputeMemorySettings: Sendable {
    /// The process's resident memory above which the largest query is ended, in bytes; 0: half of the machine's.
    package var bytesMax = 0
    /// Resident memory of this process, in bytes; 0 where it is unknown, which ends no query.
    package var residentBytes: @Sendable () -> Int = { 0 }
    /// Returns the allocator's unused memory to the system.
    package var returnFreed: @Sendable () -> Void = {}
    /// Memory that the operators of one query may hold, in bytes.
    package var queryBytesMax = 1 << 30
    /// Where operators put rows beyond their memory; nil refuses them.
    package var spill: (any SpillFiles)?
}

package struct ComputeDoorSettings: Sendable {
    package var host = "127.0.0.1"
    /// 0: a free port.
    package var port = 15_002
    /// Limit of queries and job drivers at a time. More than the cores, so that a short query does not wait for long ones: the system
    /// shares the cores among them.
    package var queryThreads = max(32, 2 * ProcessInfo.processInfo.activeProcessorCount)
    /// Threads that help queries, with those of one query.
    package var morselThreads = ProcessInfo.processInfo.activeProcessorCount
    /// Limit of map and reduce tasks at a time.
    package var taskThreads = max(2, ProcessInfo.processInfo.activeProcessorCount)
    /// Limit of one request; Spark's own.
    package var requestBytesMax = 128 << 20
    /// A connection without calls is closed after this time.
    package var connectionIdleMax = Duration.seconds(3600)
    package var tls: TLSSettings?
    package var memory = ComputeMemorySettings()
    /// How Python functions run; nil refuses them.
    package var python: PythonWorkerSettings?
    /// Called at the start and end of every query and command, on its thread: a supervisor names the queries under way at the process's
    /// end.
    package var onQuery: (@Sendable (QueryEvent) -> Void)?

    package init() {}
}

package final class ComputeDoor: Sendable {
    /// The supported RPCs, for the compatibility page.
    package static var methods: [String] { SparkMethod.allCases.map(\.rawValue) }

    /// The time limit of a stop; the rest is cut off.
    static let stopMax = Duration.seconds(2)
    private static let reapInterval = Duration.seconds(30)

    private struct Running {
        let server: GRPCServer<HTTP2ServerTransport.Posix>
        let serving: Task<Void, Never>
        let reaping: Task<Void, Never>
    }

    private let settings: ComputeDoorSettings
    private let service: SparkService
    private let running = Mutex<Running?>(nil)

    package init(
        settings: ComputeDoorSettings = ComputeDoorSettings(), catalog: any CatalogStore, files: FileSchemes = FileSchemes(),
        metrics: MetricsRegistry = MetricsRegistry()
    ) {
        self.settings = settings
        service = SparkService(files: files, catalog: catalog, settings: settings, figures: ComputeFigures(metrics))
        let sessions = service.sessions
        metrics.gauge("compute_sessions", help: "Sessions that clients have not released.") { Double(sessions.count) }
    }

    /// Listens and returns the bound address. Throws if it cannot bind.
    package func start() async throws -> (host: String, port: Int) {
        let (requestBytesMax, idleMax) = (settings.requestBytesMax, settings.connectionIdleMax)
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: settings.host, port: settings.port), transportSecurity: settings.tls.map(Self.security) ?? .plaintext,
            config: .defaults { config in
                config.rpc.maxRequestPayloadSize = requestBytesMax
                config.http2.targetWindowSize = 1 << 20
                config.connection.maxIdleTime = idleMax
                config.connection.keepalive.clientBehavior.allowWithoutCalls = true
            })
        var router = RPCRouter<HTTP2ServerTransport.Posix>()
        service.register(in: &router)
        let server = GRPCServer(transport: transport, router: router)
        let bound = BindOutcome()
        let serving = Task {
            do {
                try await server.serve()
            } catch {
                bound.fail(error)
            }
        }
        let (sessions, python) = (service.sessions, service.python)
        let reaping = Task {
            while !Task.isCancelled {
                // A cancelled sleep ends the loop by its condition.
                do { try await Task.sleep(for: Self.reapInterval) } catch { return }
                sessions.reap(.now)
                python?.reap(.now)
            }
        }
        do {
            let address = try await transport.listeningAddress
            running.withLock { $0 = Running(server: server, serving: serving, reaping: reaping) }
            return (address.ipv4?.host ?? settings.host, address.ipv4?.port ?? settings.port)
        } catch {
            reaping.cancel()
            serving.cancel()
            throw await bound.error(serving) ?? error
        }
    }

    private static func security(_ tls: TLSSettings) -> HTTP2ServerTransport.Posix.TransportSecurity {
        .tls(certificateChain: [.file(path: tls.certificateFile, format: .pem)], privateKey: .file(path: tls.keyFile, format: .pem)) {
            config in
            guard let authority = tls.authorityFile else { return }
            config.clientCertificateVerification = .noHostnameVerification
            config.trustRoots = .certificates([.file(path: authority, format: .pem)])
        }
    }

    /// Ends operations, lets streams finish, and closes; at most `stopMax`.
    package func stop() async {
        let stopping = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let stopping else { return }
        stopping.reaping.cancel()
        service.sessions.closeAll()
        service.python?.close()
        stopping.server.beginGracefulShutdown()
        let deadline = Task {
            // A cancelled sleep means that the server ended in time.
            do { try await Task.sleep(for: Self.stopMax) } catch { return }
            stopping.serving.cancel()
        }
        await stopping.serving.value
        deadline.cancel()
    }
}

/// The reason why the server ended before it listened.
private final class BindOutcome: Sendable {
    private let failure = Mutex<(any Error)?>(nil)

    func fail(_ error: any Error) { failure.withLock { $0 = error } }

    func error(_ serving: Task<Void, Never>) async -> (any Error)? {
        await serving.value
        return failure.withLock { $0 }
    }
}
