// A service in a process of its own. The supervisor starts the process, follows its reports, and restarts it after its end. The process
// takes no other service with it; the log gives the end's reason and the queries that ran. Endpoints, trouble and metrics come from the
// last reports, without waiting for the child.
import Base
import Foundation
import Logging
import NetKit
import Subprocess
import Synchronization

final class SupervisedService: RunningService {
    private struct State {
        var endpoints: [Endpoint] = []
        var durability = ""
        var console: HostPort?
        var process: Int?
        var isReady = false
        var trouble: String?
        /// Running queries, by operation id.
        var queries: [String: String] = [:]
        var failure: CommandFailure?
        var restarts = 0
        /// Resumed once, when the first process is ready or has ended.
        var started: CheckedContinuation<Void, any Error>?
    }

    /// How long after the signal to end a process is killed; services end within two seconds.
    private static let stopMax = Duration.seconds(4)

    /// Settings of addresses and the endpoints with their results.
    private static let listeners = [
        (SettingsTable.coordListen.name, "coord"), (SettingsTable.coordAdminListen.name, "coord-admin"),
        (SettingsTable.brokerListen.name, "broker"),
        (SettingsTable.namenodeRPCListen.name, "namenode"), (SettingsTable.namenodeListen.name, "webhdfs"),
        (SettingsTable.datanodeTransferListen.name, "datanode"),
        (SettingsTable.connectListen.name, "connect"),
    ]

    let service: ServiceName
    private let log: Logger
    private let state = Mutex(State())
    private let supervision = Mutex<Task<Void, Never>?>(nil)
    private let restarts: Counter

    var name: String { service.rawValue }
    var endpoints: [Endpoint] { state.withLock { $0.endpoints } }
    var durability: String { state.withLock { $0.durability } }
    var trouble: String? { state.withLock { $0.isReady ? $0.trouble : $0.trouble ?? "its process is starting" } }

    private init(_ service: ServiceName, _ metrics: MetricsRegistry) {
        self.service = service
        log = Logger(label: service.rawValue)
        restarts = metrics.counter(
            "process_restarts", help: "Starts of a service's process after the first.", labels: [("service", service.rawValue)])
    }

    /// Returns when the service answers its clients. Throws the report of a process whose service cannot start.
    static func start(_ name: ServiceName, _ context: ServiceName.Context) async throws -> SupervisedService {
        let supervised = SupervisedService(name, context.metrics)
        context.metrics.gauge(
            "process_of_service_resident_memory_bytes", help: "Memory in RAM of a service's own process.",
            labels: [("service", name.rawValue)]
        ) {
            Double(supervised.residentBytesElsewhere)
        }
        let plan = ServicePlan(name, context)
        try await withCheckedThrowingContinuation { started in
            supervised.state.withLock { $0.started = started }
            supervised.supervision.withLock { $0 = Task { await supervised.supervise(plan) } }
        }
        return supervised
    }

    func stop() async {
        let task = supervision.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    var residentBytesElsewhere: Int { state.withLock { $0.process }.map { ProcessMetrics.residentBytes(of: $0) } ?? 0 }

    func metricsTextElsewhere() async -> String? {
        guard let console = state.withLock({ $0.console }) else { return nil }
        // A process without an answer has no figures now; `trouble` reports it.
        return try? await HTTPClient.request("GET", HTTPAddress(console, "/metrics"), connectTimeout: .milliseconds(500)) { _, body in
            try await body.collect().text
        }
    }

    // MARK: Supervision

    private func supervise(_ plan: ServicePlan) async {
        var plan = plan
        var backoff = RestartBackoff()
        while !Task.isCancelled {
            let began = ContinuousClock.now
            let end = await runOnce(plan)
            guard !Task.isCancelled else { break }
            guard let wait = restartWait(end, life: ContinuousClock.now - began, &backoff) else { break }
            // A cancelled sleep means the service's stop, which the loop's condition sees.
            do { try await Task.sleep(for: wait) } catch { break }
            keepPorts(&plan)
            restarts.add()
        }
        state.withLock { state in
            state.trouble = "it is stopping"
            state.isReady = false
        }
    }

    /// Starts the process and follows it to its end. Returns the reason of the end.
    private func runOnce(_ plan: ServicePlan) async -> String {
        do {
            let outcome = try await run(
                .path("/proc/self/exe"), arguments: ["supervised"], input: .inputWriter, output: .sequence, error: .currentStandardError
            ) { execution in
                state.withLock { $0.process = Int(execution.processIdentifier.value) }
                await follow(execution, plan)
            }
            switch outcome.terminationStatus {
            case .exited(let status): return "exit status \(status)"
            case .signaled(let signal): return "signal \(signal)"
            }
        } catch { return "no process: \(error)" }
    }

    private func follow(_ execution: Execution<CustomWriteInput, SequenceOutput, FileDescriptorOutput>, _ plan: ServicePlan) async {
        await withTaskCancellationHandler {
            do {
                let line = String(decoding: try JSONEncoder().encode(plan), as: UTF8.self) + "\n"
                _ = try await execution.standardInputWriter.write(line)
                for try await line in execution.standardOutput.strings() {
                    if let report = ServiceReport(line: line) { take(report) }
                }
            } catch {
                log.debug("the reports of the process ended: \(error)")
            }
            await execution.teardown(using: [.gracefulShutDown(allowedDurationToNextStep: Self.stopMax)])
        } onCancel: {
            // Best effort: a process that has ended already takes no signal.
            try? execution.send(signal: .terminate)
        }
    }

    private func take(_ report: ServiceReport) {
        let started = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            switch report {
            case .endpoint(let key, let address, let clients):
                guard let address = HostPort(parsing: address, defaultPort: 0) else { return nil }
                state.endpoints.removeAll { $0.key == key }
                state.endpoints.append(Endpoint(key: key, address: address, clients: clients))
            case .console(let address): state.console = HostPort(parsing: address, defaultPort: 0)
            case .durability(let text): state.durability = text
            case .ready:
                (state.isReady, state.trouble) = (true, nil)
                defer { state.started = nil }
                return state.started
            case .failed(let code, let what, let why, let next):
                state.failure = CommandFailure(ExitCode(rawValue: code) ?? .failed, what, why: why, next: next)
            case .trouble(let text): state.trouble = text
            case .queryBegan(let id, let text): state.queries[id] = text
            case .queryEnded(let id): state.queries[id] = nil
            }
            return nil
        }
        started?.resume()
    }

    /// Records the end of a process. Returns the wait before the next one; nil if the first process never became ready, which ends the
    /// start.
    private func restartWait(_ end: String, life: Duration, _ backoff: inout RestartBackoff) -> Duration? {
        let (first, failure, queries) = state.withLock { state in
            let queries = state.queries
            (state.process, state.console, state.isReady, state.queries) = (nil, nil, false, [:])
            defer { (state.started, state.failure) = (nil, nil) }
            return (state.started, state.failure, queries)
        }
        if let first {
            let unknown = CommandFailure(
                .failed, "the process of \(name) ended before it was ready (\(end))", why: "it gave no reason",
                next: "run `platform \(name) serve` by itself to see it start")
            first.resume(throwing: failure ?? unknown)
            return nil
        }
        let wait = backoff.wait(after: life)
        let reason = failure.map { "\($0.what): \($0.why)" } ?? end
        state.withLock { $0.trouble = "its process ended (\(reason)) and starts again within \(wait.inMilliseconds) ms" }
        log.error("the process of \(name) ended (\(reason)); it starts again in \(wait.inMilliseconds) ms")
        for query in queries.sorted(by: { $0.key < $1.key }) {
            log.error("it was running: \(JSONText.quoted(query.value))", metadata: ["operation": "\(query.key)"])
        }
        return wait
    }

    /// Keeps the clients' addresses: the next process listens where the first one did.
    private func keepPorts(_ plan: inout ServicePlan) {
        let taken = state.withLock { $0.endpoints }
        for (setting, key) in Self.listeners {
            guard let endpoint = taken.first(where: { $0.key == key }) else { continue }
            plan.settings[setting] = endpoint.address.description
        }
    }
}
